/**
 * Everything that a host has of organizations and billing, over HTTP, and people who use it.
 */
import { BillingApi } from "@belfry/billing/BillingApi"
import * as BillingHandlers from "@belfry/billing/BillingHandlers"
import { unknownClient } from "@belfry/core/AuditEvent"
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { Sessions } from "@belfry/core/Sessions"
import type { User } from "@belfry/core/User"
import type { Actor } from "@belfry/organization/Membership"
import { OrganizationApi } from "@belfry/organization/OrganizationApi"
import * as OrganizationHandlers from "@belfry/organization/OrganizationHandlers"
import { OrganizationTeamsApi } from "@belfry/organization/OrganizationTeamsApi"
import * as Builders from "@belfry/testing/Builders"
import type * as TestBilling from "@belfry/testing/TestBilling"
import * as TestHttp from "@belfry/testing/TestHttp"
import { DateTime, Effect, Layer, Redacted, type Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"

const home = "http://localhost:3000"

/** What is behind the endpoints, over whatever stores. */
export type Services = Extract<
  Layer.Success<ReturnType<typeof TestBilling.layerSql>>,
  Layer.Success<ReturnType<typeof TestBilling.layerMemory>>
>

/** Somebody who just signed in, with a proved address. */
export const signIn = Effect.fnUntraced(function* (given?: User) {
  const user = given ?? (yield* Builders.storedUser({ emailVerifiedAt: yield* DateTime.now }))
  const { session, token } = yield* Sessions.use((sessions) =>
    sessions.start({ user, amr: ["pwd"], client: unknownClient }),
  )
  const actor: Actor = { user, session, client: { ipAddress: "192.0.2.7", userAgent: "test" } }
  return { user, actor, token }
})

/** Serves all of it, and answers who sends requests with the session of a token, or without one. */
export const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Services>()
  const app = Layer.mergeAll(
    HttpApiBuilder.layer(CoreApi),
    HttpApiBuilder.layer(OrganizationApi),
    HttpApiBuilder.layer(OrganizationTeamsApi),
    HttpApiBuilder.layer(BillingApi),
  ).pipe(
    Layer.provide(Layer.merge(OrganizationHandlers.layerWithTeams, BillingHandlers.layer)),
    Layer.provide(CoreHandlers.layer),
    Layer.provide(Layer.succeedContext(services)),
  )
  const send = yield* TestHttp.serve(app, home)
  return (token: Redacted.Redacted | null) =>
    (method: string, path: string, json?: Schema.Json): Effect.Effect<TestHttp.TestResponse> =>
      send(path, {
        method,
        // As browsers do, which come back from checkouts with nothing else.
        headers: { origin: home, ...(token === null ? {} : { cookie: `belfry_session=${Redacted.value(token)}` }) },
        ...(json === undefined ? {} : { json }),
      })
})
