/**
 * The services behind the management of clients, over memory, and people who use them.
 */
import type { AuditEvent } from "@belfry/core/AuditEvent"
import { Audit } from "@belfry/core/Audit"
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { StoreError } from "@belfry/core/StoreError"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { ClientAuthentications } from "@belfry/oauth-server/ClientAuthentications"
import { type Actor, Clients } from "@belfry/oauth-server/Clients"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import type { ClientId, ClientMetadata } from "@belfry/oauth-server/OAuthClient"
import { OAuthServerApi } from "@belfry/oauth-server/OAuthServerApi"
import * as OAuthServerHandlers from "@belfry/oauth-server/OAuthServerHandlers"
import * as OAuthServerHooks from "@belfry/oauth-server/OAuthServerHooks"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted, type Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"

/** What a test sets otherwise than it is by default. */
export interface Options {
  readonly settings?: Partial<OAuthServerSettings.OAuthServerSettingsService>
  readonly hooks?: Partial<OAuthServerHooks.OAuthServerHooksService>
}

const references = ({ settings, hooks }: Options) =>
  Layer.merge(
    Layer.succeed(OAuthServerSettings.OAuthServerSettings, OAuthServerSettings.make(settings)),
    Layer.succeed(OAuthServerHooks.OAuthServerHooks, OAuthServerHooks.make(hooks)),
  )

/** The real services over memory. */
export const layer = (options: Options = {}) =>
  TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(references(options)),
    Layer.provideMerge(TestServices.layerMemory),
  )

/** The same, with an audit log that cannot be written as long as {@link AuditAway} says so. */
export const layerAuditAway = (options: Options = {}) =>
  TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(layerFailingAudit),
    Layer.provideMerge(references(options)),
    Layer.provideMerge(TestServices.layerMemory),
  )

/** Takes the audit log away, and brings it back. */
export class AuditAway extends Context.Service<AuditAway, { readonly set: (isAway: boolean) => Effect.Effect<void> }>()(
  "@belfry/oauth-server/test/AuditAway",
) {}

const layerFailingAudit = Layer.effectContext(
  Effect.map(Audit, (audit) => {
    let isAway = false
    const away = new StoreError({ store: "AuditStore", method: "insert", isRetryable: true, cause: "away" })
    const failing = Audit.of({
      ...audit,
      record: (entry) => Effect.suspend(() => (isAway ? Effect.fail(away) : audit.record(entry))),
    })
    const set = (value: boolean) =>
      Effect.sync(() => {
        isAway = value
      })
    return Context.make(Audit, failing).pipe(Context.add(AuditAway, AuditAway.of({ set })))
  }),
)

/** What a client is made of that asks for codes. */
export const metadata: Partial<ClientMetadata> = {
  clientName: "Analytical Engine",
  redirectUris: ["https://client.example.com/callback"],
}

/** A user who just signed in. `organization` is what the hooks of a test may go by. */
export const signIn = Effect.fnUntraced(function* (
  name: string,
  options: { readonly organization?: string; readonly scopes?: ReadonlyArray<string> } = {},
) {
  const user = yield* Users.use((users) =>
    users.create({
      email: Email.make(`${name}@example.com`),
      name: options.organization ?? null,
      scopes: options.scopes ?? [],
    }),
  )
  const clientInfo = { ipAddress: "192.0.2.7", userAgent: "test" }
  const started = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], client: clientInfo }))
  const actor: Actor = { user, session: started.session, clientInfo }
  return { actor, token: started.token }
})

/** A client as it is on file; null when it is not there. */
export const onFile = (id: ClientId) =>
  Effect.map(
    ClientStore.use((store) => store.find(id)),
    Option.getOrNull,
  )

/** Makes a client of somebody. */
export const create = (actor: Actor, fields: Partial<ClientMetadata> = {}) =>
  Clients.use((clients) => clients.create(actor, { ...metadata, ...fields }))

/** Whether a secret opens the client that is on file. */
export const opens = Effect.fnUntraced(function* (id: ClientId, secret: Redacted.Redacted | null) {
  if (secret === null) return assert.fail("no secret")
  const client = yield* onFile(id)
  const credentials = { method: "client_secret_basic", clientId: id, secret } as const
  return yield* Effect.matchEffect(
    ClientAuthentications.use((authentications) => authentications.verify(credentials, client)),
    {
      onSuccess: () => Effect.succeed(true),
      onFailure: (error) => (error._tag === "OAuthError" ? Effect.succeed(false) : Effect.die(error)),
    },
  )
})

/** What came of a call, in a word. */
export const outcome = <A, E extends { readonly _tag: string; readonly reason?: string }, R>(
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<string, never, R> =>
  Effect.match(effect, { onSuccess: () => "done", onFailure: (error) => error.reason ?? error._tag })

/** What people do to a client. */
export const actions = {
  read: (actor: Actor, id: ClientId) => Clients.use((clients) => clients.get(actor, id)),
  update: (actor: Actor, id: ClientId) => Clients.use((clients) => clients.update(actor, id, { clientName: "Taken" })),
  rotate: (actor: Actor, id: ClientId) => Clients.use((clients) => clients.rotateSecret(actor, id)),
  delete: (actor: Actor, id: ClientId) => Clients.use((clients) => clients.remove(actor, id)),
}

export const everyAction = ["read", "update", "rotate", "delete"] as const

/** Events of clients and resources, the oldest first. */
export const events = Effect.map(
  Audit.use((audit) => audit.list({ limit: 1000 })),
  (all): ReadonlyArray<AuditEvent> => all.filter(({ type }) => type.startsWith("oauth-")).toReversed(),
)

export const home = "http://localhost:3000"

/** Serves all of this package over HTTP, and answers who sends requests with the session of a token. */
export const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Layer.Success<ReturnType<typeof layer>>>()
  const app = Layer.mergeAll(HttpApiBuilder.layer(CoreApi), HttpApiBuilder.layer(OAuthServerApi)).pipe(
    Layer.provide(OAuthServerHandlers.layer),
    Layer.provide(CoreHandlers.layer),
    Layer.provide(Layer.succeedContext(services)),
  )
  const send = yield* TestHttp.serve(app, home)
  const as =
    (token: Redacted.Redacted | null) =>
    (method: string, path: string, json?: Schema.Json): Effect.Effect<TestHttp.TestResponse> =>
      send(path, {
        method,
        headers: token === null ? {} : { authorization: `Bearer ${Redacted.value(token)}` },
        ...(json === undefined ? {} : { json }),
      })
  return { send, as }
})
