/**
 * Commands that manage clients and users.
 */
import { Email, Scope } from "@belfry/core/User"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { run } from "./run.ts"

const clientId = Argument.String("client-id").pipe(Argument.withSchema(ClientId))

const create = Command.make(
  "create",
  {
    name: Flag.String("name").pipe(Flag.withDescription("What people read when they are asked for consent")),
    redirectUris: Flag.String("redirect-uri").pipe(
      Flag.withDescription("Where answers go; as often as there are such places"),
      Flag.atLeast(0),
    ),
    postLogoutRedirectUris: Flag.String("post-logout-redirect-uri").pipe(
      Flag.withDescription("Where people go after signing out"),
      Flag.atLeast(0),
    ),
    scopes: Flag.String("scope").pipe(
      Flag.withDescription("What it may ask for; all that there is, unless it is named"),
      Flag.withSchema(Scope),
      Flag.atLeast(0),
    ),
    isPublic: Flag.Boolean("public").pipe(
      Flag.withDescription("It can keep no secret: a program on a device, or in a browser"),
      Flag.withDefault(false),
    ),
    isMachine: Flag.Boolean("machine").pipe(
      Flag.withDescription("It gets tokens for itself, by its secret alone"),
      Flag.withDefault(false),
    ),
    isTrusted: Flag.Boolean("trusted").pipe(
      Flag.withDescription("Your own: people are not asked for consent"),
      Flag.withDefault(false),
    ),
  },
  (options) => run((commands) => commands.createClient(options)),
).pipe(Command.withDescription("Makes a client, and shows its id and its secret"))

const list = Command.make("list", {}, () => run((commands) => commands.listClients())).pipe(
  Command.withDescription("Lists all clients, newest first: id, kind, state, and the name that each says it has"),
)

const rotateSecret = Command.make("rotate-secret", { clientId }, ({ clientId }) =>
  run((commands) => commands.rotateSecret(clientId)),
).pipe(Command.withDescription("Gives a client a new secret; the former one holds for a while"))

const setDisabled = (name: string, isDisabled: boolean, description: string) =>
  Command.make(name, { clientId }, ({ clientId }) =>
    run((commands) => commands.setDisabled(clientId, isDisabled)),
  ).pipe(Command.withDescription(description))

const remove = Command.make("remove", { clientId }, ({ clientId }) =>
  run((commands) => commands.removeClient(clientId)),
).pipe(Command.withDescription("Removes a client with all that people granted it"))

const registrationToken = Command.make(
  "registration-token",
  {
    lifetime: Flag.String("lifetime").pipe(
      Flag.withDescription("How long it holds, such as `2 hours`; one day unless you say so"),
      Flag.withSchema(Schema.DurationFromString),
      Flag.filter(
        (lifetime) => Duration.isPositive(lifetime) && Duration.isFinite(lifetime),
        () => "Expected a time that is longer than none, and ends",
      ),
      Flag.withDefault(Duration.days(1)),
    ),
    uses: Flag.Int("uses").pipe(
      Flag.withDescription("How many clients it registers; 1"),
      Flag.filter(
        (uses) => uses >= 1 && uses <= 1_000_000,
        () => "Expected 1 to 1000000: a token without uses registers nobody",
      ),
      Flag.withDefault(1),
    ),
  },
  (terms) => run((commands) => commands.issueRegistrationToken(terms)),
).pipe(Command.withDescription("Makes an initial access token, by which clients register themselves"))

/** `belfry client ...` */
export const client = Command.make("client").pipe(
  Command.withDescription("Manages clients of the authorization server"),
  Command.withSubcommands([
    create,
    list,
    rotateSecret,
    setDisabled("disable", true, "Refuses a client, and everything it was granted, until it is enabled again"),
    setDisabled("enable", false, "Lets a client in again"),
    remove,
    registrationToken,
  ]),
)

const scopes = Command.make(
  "scopes",
  {
    email: Argument.String("email").pipe(Argument.withSchema(Email)),
    scopes: Argument.String("scope").pipe(Argument.withSchema(Scope), Argument.variadic()),
  },
  ({ email, scopes }) => run((commands) => commands.setScopes(email, scopes)),
).pipe(Command.withDescription("Sets what a user may do beyond the account: `oauth:admin` manages all clients"))

/** `belfry user ...` */
export const user = Command.make("user").pipe(
  Command.withDescription("Manages users"),
  Command.withSubcommands([scopes]),
)
