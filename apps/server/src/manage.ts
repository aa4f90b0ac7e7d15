/**
 * Commands that manage clients and users: they work on the database of the configuration, as the server's own code does.
 *
 * PGlite is open in one process at a time, so with it the server is stopped meanwhile.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { Email, Scope } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { ClientRegistrations } from "@belfry/oauth-server/ClientRegistrations"
import type { ClientWithSecret } from "@belfry/oauth-server/Clients"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { TrustedClients } from "@belfry/oauth-server/TrustedClients"
import * as Server from "@belfry/server/Server"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const services = Layer.provide(Server.layerServices, Server.layerDatabase)

const clientId = Argument.String("client-id").pipe(Argument.withSchema(ClientId))

const show = ({ client, secret }: ClientWithSecret) =>
  Effect.gen(function* () {
    yield* Console.log(`client_id      ${client.id}`)
    if (secret !== null) yield* Console.log(`client_secret  ${Redacted.value(secret)}   (shown this once)`)
  })

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
  ({ name, redirectUris, postLogoutRedirectUris, scopes, isPublic, isMachine, isTrusted }) =>
    TrustedClients.use((clients) =>
      clients.create({
        metadata: {
          clientName: name,
          redirectUris,
          postLogoutRedirectUris,
          grantTypes: isMachine ? ["client_credentials"] : ["authorization_code", "refresh_token"],
          ...(scopes.length === 0 ? {} : { scopes }),
          ...(isPublic ? { tokenEndpointAuthMethod: "none" as const } : {}),
        },
        privileges: { skipConsent: isTrusted, enableEndSession: isTrusted },
        clientInfo: unknownClient,
      }),
    ).pipe(Effect.flatMap(show), Effect.provide(services)),
).pipe(Command.withDescription("Makes a client, and shows its id and its secret"))

const rotateSecret = Command.make("rotate-secret", { clientId }, ({ clientId }) =>
  TrustedClients.use((clients) => clients.rotateSecret(clientId, unknownClient)).pipe(
    Effect.flatMap(show),
    Effect.provide(services),
  ),
).pipe(Command.withDescription("Gives a client a new secret; the former one holds for a while"))

const setDisabled = (name: string, isDisabled: boolean, description: string) =>
  Command.make(name, { clientId }, ({ clientId }) =>
    TrustedClients.use((clients) => clients.update(clientId, { isDisabled }, unknownClient)).pipe(
      Effect.andThen(Console.log(`${name}d ${clientId}`)),
      Effect.provide(services),
    ),
  ).pipe(Command.withDescription(description))

const remove = Command.make("remove", { clientId }, ({ clientId }) =>
  TrustedClients.use((clients) => clients.remove(clientId, unknownClient)).pipe(
    Effect.andThen(Console.log(`removed ${clientId}`)),
    Effect.provide(services),
  ),
).pipe(Command.withDescription("Removes a client with all that people granted it"))

const registrationToken = Command.make(
  "registration-token",
  {
    lifetime: Flag.String("lifetime").pipe(
      Flag.withDescription("How long it holds, such as `2 hours`; one day unless you say so"),
      Flag.withSchema(Schema.DurationFromString),
      Flag.withDefault(Duration.days(1)),
    ),
    uses: Flag.Int("uses").pipe(Flag.withDescription("How many clients it registers; 1"), Flag.withDefault(1)),
  },
  ({ lifetime, uses }) =>
    ClientRegistrations.use((registrations) =>
      registrations.issueToken({ lifetime, uses, actor: null, clientInfo: unknownClient }),
    ).pipe(
      Effect.flatMap(({ token }) => Console.log(Redacted.value(token))),
      Effect.provide(services),
    ),
).pipe(Command.withDescription("Makes an initial access token, by which clients register themselves"))

/** `belfry client ...` */
export const client = Command.make("client").pipe(
  Command.withDescription("Manages clients of the authorization server"),
  Command.withSubcommands([
    create,
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
  ({ email, scopes }) =>
    Effect.gen(function* () {
      const users = yield* Users
      const found = yield* users.findByEmail(email)
      if (Option.isNone(found)) return yield* Effect.fail(new Error("There is no user of this address"))
      const user = yield* users.update(found.value.id, { scopes })
      yield* Console.log(user.scopes.length === 0 ? "no scopes" : user.scopes.join(" "))
    }).pipe(Effect.provide(services)),
).pipe(Command.withDescription("Sets what a user may do beyond the account: `oauth:admin` manages all clients"))

/** `belfry user ...` */
export const user = Command.make("user").pipe(
  Command.withDescription("Manages users"),
  Command.withSubcommands([scopes]),
)
