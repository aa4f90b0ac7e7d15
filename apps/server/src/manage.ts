/**
 * Commands that manage clients.
 */
import { Scope } from "@belfry/core/User"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { confirmed, yes } from "./confirm.ts"
import { explained, json } from "./output.ts"
import { runIn } from "./run.ts"

const clientId = Argument.String("client-id").pipe(
  Argument.withDescription("Its id, as `client list` shows it"),
  Argument.withSchema(ClientId),
)

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
    json,
  },
  ({ json, ...options }) => runIn(json, ({ clients }) => clients.create(options)),
).pipe(
  explained(
    "Makes a client, and shows its id and its secret; the secret this once",
    ["client create --name Reports --redirect-uri https://reports.example/callback", "A web application"],
    ["client create --name Notes --public --redirect-uri com.example.notes:/callback", "An application on devices"],
    ["client create --name Nightly --machine --scope reports:read --json", "A program that acts for itself"],
  ),
)

const list = Command.make("list", { json }, ({ json }) => runIn(json, ({ clients }) => clients.list())).pipe(
  explained(
    "Lists all clients, newest first: id, kind, state, and the name that each says it has",
    ["client list", "A line for each"],
    ["client list --json | jq '.[] | select(.isDisabled)'", "Those that are disabled"],
  ),
)

const rotate = Command.make("rotate", { clientId, json }, ({ clientId, json }) =>
  runIn(json, ({ clients }) => clients.rotate(clientId)),
).pipe(
  Command.withAlias("rotate-secret"),
  explained(
    "Gives a client a new secret and shows it, this once; the former one holds for BELFRY_OAUTH_SECRET_OVERLAP (7 days)",
    ["client rotate belfry_client_...", "Nobody notices until the overlap is over"],
  ),
)

const setDisabled = (name: string, isDisabled: boolean) =>
  Command.make(name, { clientId, json }, ({ clientId, json }) =>
    runIn(json, ({ clients }) => clients.setDisabled(clientId, isDisabled)),
  )

const disable = setDisabled("disable", true).pipe(
  explained("Refuses a client, and everything it was granted, until it is enabled again", [
    "client disable belfry_client_...",
    "Its tokens and its secret are refused at once",
  ]),
)

const enable = setDisabled("enable", false).pipe(
  explained("Lets a client in again", ["client enable belfry_client_...", "What it was granted holds again"]),
)

const remove = Command.make("remove", { clientId, yes, json }, ({ clientId, json, yes }) =>
  confirmed(yes, `Remove the client ${clientId} with all that people granted it? This cannot be undone.`).pipe(
    Effect.andThen(runIn(json, ({ clients }) => clients.remove(clientId))),
  ),
).pipe(
  explained(
    "Removes a client with all that people granted it, for good; asks back",
    ["client remove belfry_client_...", "Asks, then removes"],
    ["client remove belfry_client_... --yes", "Removes, as a program does it"],
  ),
)

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
    json,
  },
  ({ json, ...terms }) => runIn(json, ({ clients }) => clients.issueRegistrationToken(terms)),
).pipe(
  explained(
    "Makes an initial access token, by which clients register themselves, and shows it, this once",
    ["client registration-token", "For one client, within a day"],
    ["client registration-token --uses 20 --lifetime '2 hours'", "For a workshop"],
  ),
)

/** `belfry client ...` */
export const client = Command.make("client").pipe(
  explained(
    "Manages clients of the authorization server",
    ["client create --name Reports --redirect-uri https://reports.example/callback", "Makes one"],
    ["client list", "Lists all"],
  ),
  Command.withSubcommands([create, list, rotate, disable, enable, remove, registrationToken]),
)
