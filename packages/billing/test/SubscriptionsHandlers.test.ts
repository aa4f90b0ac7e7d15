/**
 * The endpoints of subscriptions and plans, at the level of HTTP.
 */
import { BillingApi } from "@belfry/billing/BillingApi"
import * as BillingHandlers from "@belfry/billing/BillingHandlers"
import { OperationId } from "@belfry/billing/Operation"
import { WebhookInbox } from "@belfry/billing/WebhookInbox"
import { unknownClient } from "@belfry/core/AuditEvent"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted, type Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { layer, pay } from "./support/Buying.ts"

const home = "http://localhost:3000"

/** Somebody who is signed in and sends requests, and the same without a session. */
const begin = Effect.gen(function* () {
  const services = yield* Effect.context<Layer.Success<ReturnType<typeof layer>>>()
  const app = HttpApiBuilder.layer(BillingApi).pipe(
    Layer.provide(BillingHandlers.layer),
    Layer.provide(Layer.mock(WebhookInbox, {})),
    Layer.provide(CoreHandlers.layerMiddleware),
    Layer.provide(Layer.succeedContext(services)),
  )
  const send = yield* TestHttp.serve(app, home)
  const emailVerifiedAt = yield* DateTime.now
  const user = yield* Users.use((users) =>
    users.create({ email: Email.make("ada@example.com"), name: "Ada", emailVerifiedAt }),
  )
  const { token } = yield* Sessions.use((sessions) => sessions.start({ user, amr: ["pwd"], client: unknownClient }))
  const as = (cookie: string | undefined) => (method: string, path: string, json?: Schema.Json) =>
    send(path, {
      method,
      ...(json === undefined ? {} : { json }),
      headers: { origin: home, ...(cookie === undefined ? {} : { cookie }) },
    })
  return { ada: as(`belfry_session=${Redacted.value(token)}`), nobody: as(undefined) }
})

describe("The endpoints of subscriptions", () => {
  it.effect("are for people who are signed in, but for the list of plans", () =>
    Effect.gen(function* () {
      const { nobody } = yield* begin
      const endpoints: ReadonlyArray<readonly [string, string, Schema.Json?]> = [
        ["POST", "/auth/billing/upgrade", { plan: "basic" }],
        ["GET", "/auth/billing/subscriptions"],
        ["POST", "/auth/billing/cancel", {}],
        ["POST", "/auth/billing/restore", {}],
        ["POST", "/auth/billing/portal", {}],
        ["GET", "/auth/billing/checkouts/one"],
        ["GET", "/auth/billing/invoices"],
        ["GET", "/auth/billing/entitlements"],
      ]
      for (const [method, path, json] of endpoints) {
        assert.strictEqual((yield* nobody(method, path, json)).status, 401, path)
      }
      const plans = yield* nobody("GET", "/auth/billing/plans?audience=organization")
      assert.strictEqual(plans.status, 200, plans.text)
      assert.include(plans.text, '"team"')
      assert.notInclude(plans.text, "price_")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("lead from a plan through its checkout to the subscription", () =>
    Effect.gen(function* () {
      const { ada, nobody } = yield* begin
      const sent = yield* ada("POST", "/auth/billing/upgrade", { plan: "basic", successUrl: "/done", redirect: true })
      assert.strictEqual(sent.status, 303, sent.text)
      const wanted = yield* ada("POST", "/auth/billing/upgrade", { plan: "basic", successUrl: "/done" })
      assert.deepStrictEqual(TestHttp.textAt(wanted, "url"), sent.headers.get("location") ?? "none")
      const id = TestHttp.textAt(wanted, "checkoutId")
      const back = `/auth/billing/checkouts/${id}/return`
      const locationOf = Effect.fnUntraced(function* (send: typeof ada) {
        const response = yield* send("GET", back)
        assert.strictEqual(response.status, 303)
        return response.headers.get("location")
      })
      assert.strictEqual(yield* locationOf(ada), `${home}/billing/checkout/${id}`)
      yield* pay(OperationId.make(id))
      assert.strictEqual(yield* locationOf(nobody), `${home}/sign-in?return_to=${encodeURIComponent(back)}`)
      assert.strictEqual(yield* locationOf(ada), `${home}/done`)
      const listed = yield* ada("GET", "/auth/billing/subscriptions?active=true")
      assert.include(listed.text, '"plan":"basic"')
      const again = yield* ada("POST", "/auth/billing/upgrade", { plan: "basic" })
      assert.strictEqual(again.status, 409)
      assert.strictEqual(TestHttp.textAt(again, "reason"), "subscribed")
      const invoices = yield* ada("GET", "/auth/billing/invoices")
      assert.include(invoices.text, '"status":"paid"')
    }).pipe(Effect.provide(layer())),
  )

  it.effect("find nothing by what has the form of no payer and no subscription", () =>
    Effect.gen(function* () {
      const { ada } = yield* begin
      const calls: ReadonlyArray<readonly [string, string, Schema.Json | undefined, string]> = [
        ["GET", "/auth/billing/subscriptions?payer=nobody", undefined, "PayerNotFound"],
        ["POST", "/auth/billing/upgrade", { plan: "basic", payer: "team:x" }, "PayerNotFound"],
        ["GET", "/auth/billing/subscriptions/one", undefined, "SubscriptionNotFound"],
        ["POST", "/auth/billing/cancel", { subscriptionId: "one" }, "SubscriptionNotFound"],
        ["POST", "/auth/billing/portal", {}, "CustomerNotFound"],
        ["GET", "/auth/billing/checkouts/one", undefined, "CheckoutNotFound"],
      ]
      for (const [method, path, json, tag] of calls) {
        const response = yield* ada(method, path, json)
        assert.deepStrictEqual([response.status, TestHttp.textAt(response, "_tag")], [404, tag], path)
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("say when to come again while Stripe is away, and not what it said", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const { ada } = yield* begin
      local.failing({ rate: 1, seed: 1, kinds: ["before"] })
      const response = yield* ada("POST", "/auth/billing/upgrade", { plan: "basic" })
      assert.deepStrictEqual([response.status, response.headers.get("retry-after")], [503, "5"])
      assert.strictEqual(TestHttp.textAt(response, "_tag"), "BillingUnavailable")
    }).pipe(Effect.provide(layer())),
  )
})
