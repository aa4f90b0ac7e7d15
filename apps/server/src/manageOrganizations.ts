/**
 * Commands that manage organizations.
 */
import { Email } from "@belfry/core/User"
import { OrganizationName, OrganizationRef, Slug } from "@belfry/organization/Organization"
import { RoleNames } from "@belfry/organization/Role"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { confirmed, yes } from "./confirm.ts"
import { explained, json } from "./output.ts"
import { runIn } from "./run.ts"

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
    name: Argument.String("name").pipe(
      Argument.withDescription("The name that people read"),
      Argument.withSchema(OrganizationName),
    ),
    owner: emailFlag("owner", "The address of who owns it"),
    slug: Flag.String("slug").pipe(
      Flag.withDescription("Its name in addresses: letters, digits and hyphens"),
      Flag.withSchema(Slug),
      Flag.optional,
    ),
    json,
  },
  ({ json, ...options }) => runIn(json, ({ organizations }) => organizations.create(options)),
).pipe(
  explained("Makes an organization, and shows it", [
    "organization create Acme --owner ada@example.com --slug acme",
    "Ada owns it",
  ]),
)

const list = Command.make("list", { json }, ({ json }) =>
  runIn(json, ({ organizations }) => organizations.list()),
).pipe(
  explained(
    "Lists all organizations, newest first: id, slug, state and name",
    ["organization list", "A line for each"],
    ["organization list --json | jq length", "How many there are, deleted ones too"],
  ),
)

const show = Command.make("show", { reference, json }, ({ json, reference }) =>
  runIn(json, ({ organizations }) => organizations.get(reference)),
).pipe(explained("Shows an organization, deleted or not", ["organization show acme", "By its slug, or by its id"]))

const members = Command.make("members", { reference, json }, ({ json, reference }) =>
  runIn(json, ({ organizations }) => organizations.listMembers(reference)),
).pipe(
  explained("Lists the members of an organization: id, address and roles", [
    "organization members acme",
    "A line for each",
  ]),
)

const addMember = Command.make("add-member", { reference, email, roles, json }, ({ email, json, reference, roles }) =>
  runIn(json, ({ organizations }) => organizations.addMember(reference, email, roles)),
).pipe(
  explained("Makes a person a member, without asking", [
    "organization add-member acme grace@example.com --role admin",
    "Grace is an administrator",
  ]),
)

const setRoles = Command.make("set-roles", { reference, email, roles, json }, ({ email, json, reference, roles }) =>
  runIn(json, ({ organizations }) => organizations.setRoles(reference, email, roles)),
).pipe(
  explained("Gives a member these roles in place of the former ones", [
    "organization set-roles acme grace@example.com --role member --role billing",
    "Grace has these two",
  ]),
)

const removeMember = Command.make("remove-member", { reference, email, json }, ({ email, json, reference }) =>
  runIn(json, ({ organizations }) => organizations.removeMember(reference, email)),
).pipe(explained("Ends a membership", ["organization remove-member acme grace@example.com", "The account stays"]))

const transfer = Command.make(
  "transfer",
  {
    reference,
    from: emailFlag("from", "The address of the owner who hands it over"),
    to: emailFlag("to", "The address of the member who owns it then"),
    json,
  },
  ({ json, reference, ...options }) => runIn(json, ({ organizations }) => organizations.transfer(reference, options)),
).pipe(
  explained("Hands an organization over to another member", [
    "organization transfer acme --from ada@example.com --to grace@example.com",
    "Grace owns it, Ada administers it",
  ]),
)

const remove = Command.make(
  "delete",
  {
    reference,
    purges: Flag.Boolean("purge").pipe(
      Flag.withDescription("At once and for good, with everything in it"),
      Flag.withDefault(false),
    ),
    yes,
    json,
  },
  Effect.fnUntraced(function* ({ json, purges, reference, yes }) {
    const grace = yield* Config.option(Config.Duration("BELFRY_ORGANIZATION_DELETION_GRACE"))
    const isFinal = purges || Option.exists(grace, Duration.isZero)
    const question = `Delete the organization ${reference} with everything in it? This cannot be undone.`
    yield* confirmed(yes || !isFinal, question)
    yield* runIn(json, ({ organizations }) => organizations.remove(reference, { purges }))
  }),
).pipe(
  explained(
    "Deletes an organization; it can be restored for BELFRY_ORGANIZATION_DELETION_GRACE (30 days)",
    ["organization delete acme", "It can be restored"],
    ["organization delete acme --purge", "Asks back; it cannot be restored"],
  ),
)

const restore = Command.make("restore", { reference, json }, ({ json, reference }) =>
  runIn(json, ({ organizations }) => organizations.restore(reference)),
).pipe(
  explained("Restores an organization that was deleted", ["organization restore acme", "As long as its grace lasts"]),
)

/** `belfry organization ...` */
export const organization = Command.make("organization").pipe(
  explained(
    "Manages organizations",
    ["organization create Acme --owner ada@example.com", "Makes one"],
    ["organization list", "Lists all"],
  ),
  Command.withSubcommands([create, list, show, members, addMember, setRoles, removeMember, transfer, remove, restore]),
)
