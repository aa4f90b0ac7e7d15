/**
 * Commands that manage organizations.
 */
import { Email } from "@belfry/core/User"
import { OrganizationName, OrganizationRef, Slug } from "@belfry/organization/Organization"
import { RoleNames } from "@belfry/organization/Role"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Schema from "effect/Schema"
import { run } from "./run.ts"

const toRoles = Schema.decodeUnknownOption(RoleNames)

const reference = Argument.String("organization").pipe(
  Argument.withDescription("Its id, or its slug"),
  Argument.withSchema(OrganizationRef),
)
const email = Argument.String("email").pipe(
  Argument.withDescription("The address of the person's account"),
  Argument.withSchema(Email),
)
const emailFlag = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withSchema(Email))
const roles = Flag.String("role").pipe(
  Flag.withDescription(
    "What they may do: `owner`, `admin`, `member`, `billing` or another; as often as there are such",
  ),
  Flag.atLeast(1),
  Flag.filterMap(toRoles, () => "Expected 1 to 20 roles, each once, in lower case"),
)

const create = Command.make(
  "create",
  {
    name: Argument.String("name").pipe(Argument.withSchema(OrganizationName)),
    owner: emailFlag("owner", "The address of who owns it"),
    slug: Flag.String("slug").pipe(
      Flag.withDescription("Its name in addresses: letters, digits and hyphens"),
      Flag.withSchema(Slug),
      Flag.optional,
    ),
  },
  (options) => run(({ organizations }) => organizations.create(options)),
).pipe(Command.withDescription("Makes an organization, and shows it"))

const list = Command.make("list", {}, () => run(({ organizations }) => organizations.list())).pipe(
  Command.withDescription("Lists all organizations, newest first: id, slug, state and name"),
)

const show = Command.make("show", { reference }, (options) =>
  run(({ organizations }) => organizations.get(options.reference)),
).pipe(Command.withDescription("Shows an organization, deleted or not"))

const members = Command.make("members", { reference }, (options) =>
  run(({ organizations }) => organizations.listMembers(options.reference)),
).pipe(Command.withDescription("Lists the members of an organization: id, address and roles"))

const addMember = Command.make("add-member", { reference, email, roles }, (options) =>
  run(({ organizations }) => organizations.addMember(options.reference, options.email, options.roles)),
).pipe(Command.withDescription("Makes a person a member, without asking"))

const setRoles = Command.make("set-roles", { reference, email, roles }, (options) =>
  run(({ organizations }) => organizations.setRoles(options.reference, options.email, options.roles)),
).pipe(Command.withDescription("Gives a member these roles in place of the former ones"))

const removeMember = Command.make("remove-member", { reference, email }, (options) =>
  run(({ organizations }) => organizations.removeMember(options.reference, options.email)),
).pipe(Command.withDescription("Ends a membership"))

const transfer = Command.make(
  "transfer",
  {
    reference,
    from: emailFlag("from", "The address of the owner who hands it over"),
    to: emailFlag("to", "The address of the member who owns it then"),
  },
  (options) => run(({ organizations }) => organizations.transfer(options.reference, options)),
).pipe(Command.withDescription("Hands an organization over to another member"))

const remove = Command.make(
  "delete",
  {
    reference,
    purges: Flag.Boolean("purge").pipe(
      Flag.withDescription("At once and for good, with everything in it"),
      Flag.withDefault(false),
    ),
  },
  (options) => run(({ organizations }) => organizations.remove(options.reference, options)),
).pipe(Command.withDescription("Deletes an organization; it can be restored for a while"))

const restore = Command.make("restore", { reference }, (options) =>
  run(({ organizations }) => organizations.restore(options.reference)),
).pipe(Command.withDescription("Restores an organization that was deleted"))

/** `belfry organization ...` */
export const organization = Command.make("organization").pipe(
  Command.withDescription("Manages organizations"),
  Command.withSubcommands([create, list, show, members, addMember, setRoles, removeMember, transfer, remove, restore]),
)
