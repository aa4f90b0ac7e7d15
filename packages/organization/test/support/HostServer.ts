/**
 * The services and handlers of this package, and people who use them.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import type { SessionActor } from "@belfry/organization/Membership"
import { OrganizationApi } from "@belfry/organization/OrganizationApi"
import * as OrganizationHandlers from "@belfry/organization/OrganizationHandlers"
import * as OrganizationHooks from "@belfry/organization/OrganizationHooks"
import * as OrganizationSettings from "@belfry/organization/OrganizationSettings"
import { OrganizationTeamsApi } from "@belfry/organization/OrganizationTeamsApi"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { DateTime, Effect, Layer, Redacted, type Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"

/** What a test sets otherwise than it is by default. */
export interface Options {
  readonly settings?: Parameters<typeof OrganizationSettings.make>[0]
  readonly hooks?: Partial<OrganizationHooks.OrganizationHooksService>
}

/** The real services with teams over other layers, which have all else. */
export const layerOver = <A, E, R>(stores: Layer.Layer<A, E, R>, { settings, hooks }: Options = {}) =>
  TestServices.layerOrganization.pipe(
    Layer.provideMerge(
      Layer.merge(
        Layer.succeed(OrganizationSettings.OrganizationSettings, OrganizationSettings.make(settings)),
        Layer.succeed(OrganizationHooks.OrganizationHooks, { ...OrganizationHooks.none, ...hooks }),
      ),
    ),
    Layer.provideMerge(stores),
  )

/** The real services over memory. */
export const layer = (options: Options = {}) => layerOver(TestServices.layerMemory, options)

/** Somebody who just signed in, with a proved address. */
export const signIn = Effect.fnUntraced(function* (name: string) {
  const email = Email.make(`${name}@example.com`)
  const emailVerifiedAt = yield* DateTime.now
  const user = yield* Users.use((users) => users.create({ email, name, emailVerifiedAt }))
  const { session, token } = yield* Sessions.use((sessions) =>
    sessions.start({ user, amr: ["pwd"], client: unknownClient }),
  )
  const actor: SessionActor = { user, session, client: { ipAddress: "192.0.2.7", userAgent: "test" } }
  return { actor, token }
})

export const home = "http://localhost:3000"

/** Serves this package over HTTP, and answers who sends requests with the session of a token. */
export const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Layer.Success<ReturnType<typeof layer>>>()
  const app = Layer.mergeAll(
    HttpApiBuilder.layer(CoreApi),
    HttpApiBuilder.layer(OrganizationApi),
    HttpApiBuilder.layer(OrganizationTeamsApi),
  ).pipe(
    Layer.provide(OrganizationHandlers.layerWithTeams),
    Layer.provide(CoreHandlers.layer),
    Layer.provide(Layer.succeedContext(services)),
  )
  return sender(yield* TestHttp.serve(app, home))
})

/** Who sends requests with the session of a token, or without one. */
export const sender = (send: Effect.Success<ReturnType<typeof TestHttp.serve>>) => {
  const as =
    (token: Redacted.Redacted | null) =>
    (
      method: string,
      path: string,
      json?: Schema.Json,
      headers: Readonly<Record<string, string>> = {},
    ): Effect.Effect<TestHttp.TestResponse> =>
      send(path, {
        method,
        headers: { ...headers, ...(token === null ? {} : { authorization: `Bearer ${Redacted.value(token)}` }) },
        ...(json === undefined ? {} : { json }),
      })
  return { send, as }
}
