/**
 * What the commands do.
 *
 * Those that manage clients, users and organizations work on the database of the configuration, as the server's own
 * code does. PGlite is open in one process at a time, so with it the server is stopped meanwhile.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import type { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import { ClientRegistrations } from "@belfry/oauth-server/ClientRegistrations"
import type { ClientWithSecret } from "@belfry/oauth-server/Clients"
import { type ClientId, isPublic, type OAuthClient } from "@belfry/oauth-server/OAuthClient"
import { examine } from "@belfry/server/Doctor"
import * as NodeServer from "@belfry/server/NodeServer"
import * as Server from "@belfry/server/Server"
import * as Telemetry from "@belfry/server/Telemetry"
import * as Database from "@belfry/sql/Database"
import * as Migrations from "@belfry/sql/Migrations"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as billing from "./billing.ts"
import * as LocalStripe from "./localStripe.ts"
import * as organizations from "./organizations.ts"
import { listEach, quoted, userWith, withLocalStripe, withServices } from "./services.ts"

export { billing, organizations }

/** What a new client is to be. */
export interface NewClient {
  readonly name: string
  readonly redirectUris: ReadonlyArray<string>
  readonly postLogoutRedirectUris: ReadonlyArray<string>
  /** All that there are, where there is none. */
  readonly scopes: ReadonlyArray<string>
  /** It can keep no secret. */
  readonly isPublic: boolean
  /** It gets tokens for itself. */
  readonly isMachine: boolean
  /** It is the host's own. */
  readonly isTrusted: boolean
}

/** Serves until it is told to stop. */
export const serve = Effect.gen(function* () {
  const baseUrl = yield* Config.String("BELFRY_BASE_URL").pipe(Config.withDefault("http://localhost:3000"))
  const announce = Layer.effectDiscard(
    Effect.gen(function* () {
      yield* Console.log(`Belfry listens on ${yield* NodeServer.address}. Open ${baseUrl}/sign-up`)
      if (Option.isNone(local)) return
      yield* Console.log(
        `A local Stripe listens on ${local.value.url}. Open ${baseUrl}/billing, pay with 4242 4242 4242 4242`,
      )
    }),
  )
  const local = yield* LocalStripe.serving
  const minimumLogLevel = yield* References.MinimumLogLevel
  const server = Layer.launch(
    announce.pipe(Layer.provide(NodeServer.layer), Layer.provide([Telemetry.layerOtlp, Telemetry.layerLogs])),
  )
  // What is in scope here is copied into every request, and the server needs nothing of what commands do.
  const scope: (ofCommand: Context.Context<never>) => Context.Context<never> = () =>
    Option.match(local, {
      onNone: () => Context.make(References.MinimumLogLevel, minimumLogLevel),
      onSome: ({ provider }) =>
        Context.make(References.MinimumLogLevel, minimumLogLevel).pipe(
          Context.add(ConfigProvider.ConfigProvider, provider),
        ),
    })
  return yield* Effect.updateContext(server, scope)
}).pipe(Effect.scoped)

/** Applies the migrations that are pending, or says which they are. */
export const migrate = ({ dryRun }: { readonly dryRun: boolean }) =>
  Effect.gen(function* () {
    const steps = dryRun
      ? (yield* Migrations.status(Server.migrations)).filter(({ state }) => state === "pending")
      : yield* Migrations.run(Server.migrations)
    if (steps.length === 0) return yield* Console.log("Nothing to apply")
    for (const step of steps) yield* Console.log(`${dryRun ? "pending" : "applied"} ${step.package}/${step.name}`)
  }).pipe(Effect.provide(Database.layerConfig))

/** Says what it finds; the exit code tells whether something must be mended. */
export const doctor = Effect.gen(function* () {
  const findings = yield* withLocalStripe(examine)
  for (const { check, state, found, advice } of findings) {
    yield* Console.log(`${marks[state]} ${check}: ${found}${advice === undefined ? "" : `\n  ${advice}`}`)
  }
  if (findings.some(({ state }) => state === "failed")) process.exitCode = 1
})

/** Makes a client and shows it, with its secret. */
export const createClient = ({ name, redirectUris, postLogoutRedirectUris, scopes, ...client }: NewClient) =>
  AdminClients.use((clients) =>
    clients.create({
      metadata: {
        clientName: name,
        redirectUris,
        postLogoutRedirectUris,
        grantTypes: client.isMachine ? ["client_credentials"] : ["authorization_code", "refresh_token"],
        ...(scopes.length === 0 ? {} : { scopes }),
        ...(client.isPublic ? { tokenEndpointAuthMethod: "none" as const } : {}),
      },
      privileges: { skipConsent: client.isTrusted, enableEndSession: client.isTrusted },
      clientInfo: unknownClient,
    }),
  ).pipe(Effect.flatMap(show), withServices)

/** Lists all clients, newest first. */
export const listClients = () =>
  AdminClients.use(({ list }) =>
    listEach(
      (cursor) => Effect.map(list({ limit: 100, cursor }), ({ clients, cursor }) => ({ items: clients, cursor })),
      line,
    ),
  ).pipe(withServices)

/** Gives a client a new secret and shows it. */
export const rotateSecret = (id: ClientId) =>
  AdminClients.use((clients) => clients.rotateSecret(id, unknownClient)).pipe(Effect.flatMap(show), withServices)

/** Lets a client in, or no longer. */
export const setDisabled = (id: ClientId, isDisabled: boolean) =>
  AdminClients.use((clients) => clients.update(id, { isDisabled }, unknownClient)).pipe(
    Effect.andThen(Console.log(`${isDisabled ? "disabled" : "enabled"} ${id}`)),
    withServices,
  )

/** Removes a client with all that it was granted. */
export const removeClient = (id: ClientId) =>
  AdminClients.use((clients) => clients.remove(id, unknownClient)).pipe(
    Effect.andThen(Console.log(`removed ${id}`)),
    withServices,
  )

/** Makes an initial access token and shows it. */
export const issueRegistrationToken = (terms: { readonly lifetime: Duration.Duration; readonly uses: number }) =>
  ClientRegistrations.use((registrations) => registrations.issueToken({ ...terms, clientInfo: unknownClient })).pipe(
    Effect.flatMap(({ token }) => Console.log(Redacted.value(token))),
    withServices,
  )

/** Sets what the user of an address may do beyond the account. */
export const setScopes = (email: Email, scopes: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { id } = yield* userWith(email)
    const user = yield* Users.use((users) => users.update(id, { scopes }))
    yield* Console.log(user.scopes.length === 0 ? "no scopes" : user.scopes.join(" "))
  }).pipe(withServices)

// internal

const marks = { ok: "ok     ", warning: "warning", failed: "FAILED " }

/** Names are what clients say of themselves. */
const line = (client: OAuthClient): string =>
  [
    client.id,
    isPublic(client) ? "public" : "confidential",
    ...(client.isDynamic ? ["registered itself"] : []),
    ...(client.isDisabled ? ["disabled"] : []),
    quoted(client.metadata.clientName ?? ""),
  ].join("  ")

const show = ({ client, secret }: ClientWithSecret) =>
  Effect.gen(function* () {
    yield* Console.log(`client_id      ${client.id}`)
    if (secret !== null) yield* Console.log(`client_secret  ${Redacted.value(secret)}   (shown this once)`)
  })
