/**
 * Selling a plan: a checkout at Stripe, webhooks that tell of it, and a route that the plan opens.
 */
import { BillingDefinition, Entitlement, Entitlements, PlanCatalogue } from "@belfry/billing"
import { BelfryApi } from "@belfry/client"
import { CoreHandlers, ProblemApi, SessionsApi } from "@belfry/core"
import { NodeServer, Server } from "@belfry/server"
import * as Example from "@belfry/testing/Example"
import * as LocalStripe from "@belfry/testing/LocalStripe"
import { Console, Effect, Layer, Schedule, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiError, HttpApiGroup } from "effect/http-api"
import { ok, strictEqual } from "node:assert"

// What is sold. Prices are at Stripe, found by lookup key.
const billing = BillingDefinition.define({
  features: ["export"],
  limits: ["projects"],
  base: { features: [], limits: { projects: 1 } },
  plans: {
    pro: {
      title: "Pro",
      prices: { month: { lookupKey: "pro_month" }, year: { lookupKey: "pro_year" } },
      features: ["export"],
      limits: { projects: null },
    },
  },
})

// A route that the plan opens. One statement of your database decides, and never a call to Stripe.
const NotInPlan = Entitlement.EntitlementMissing.pipe(ProblemApi.asProblem({ status: 402, title: "Payment Required" }))
const Api = HttpApi.make("app").add(
  HttpApiGroup.make("reports")
    .add(
      HttpApiEndpoint.get("export", "/export", {
        success: Schema.String,
        error: [NotInPlan, HttpApiError.ServiceUnavailable],
      }),
    )
    .middleware(SessionsApi.Authentication)
    .middleware(ProblemApi.RequestGuard),
)

const Reports = HttpApiBuilder.group(
  Api,
  "reports",
  Effect.fnUntraced(function* (handlers) {
    const entitlements = yield* Entitlements.Entitlements
    return handlers.handle("export", () =>
      Effect.gen(function* () {
        const { id: userId, name } = yield* SessionsApi.CurrentUser
        yield* entitlements.require({ _tag: "User", userId }, billing.feature("export"))
        return `Everything of ${name}`
      }).pipe(Effect.catchTag("StoreError", () => Effect.fail(new HttpApiError.ServiceUnavailable()))),
    )
  }),
)

const Routes = HttpApiBuilder.layer(Api).pipe(Layer.provide(Reports), Layer.provide(CoreHandlers.layerMiddleware))

const program = NodeServer.serve(Layer.mergeAll(Server.layerRoutes, Server.layerDeliveries, Routes)).pipe(
  Layer.provideMerge(Server.layerServices),
  Layer.provideMerge(Server.layerDatabase),
  Layer.provide(PlanCatalogue.layer(billing)),
)

/** A Stripe on this machine. At the real one, prices are made in the Dashboard, and so is the webhook endpoint. */
const standIn = Effect.gen(function* () {
  const { baseUrl } = yield* Example.Place
  const stripe = yield* LocalStripe.make({ webhookUrl: `${baseUrl}/auth/stripe/webhook` })
  for (const [interval, amount] of Object.entries({ month: "1200", year: "12000" })) {
    const body = new URLSearchParams({
      currency: "eur",
      unit_amount: amount,
      lookup_key: `pro_${interval}`,
      "product_data[name]": "Pro",
      "recurring[interval]": interval,
    })
    const headers = { authorization: `Bearer ${stripe.secretKey}` }
    const made = yield* Effect.promise(() => fetch(`${stripe.url}/v1/prices`, { method: "POST", headers, body }))
    strictEqual(made.status, 200)
  }
  return stripe
})

const check = Effect.fnUntraced(function* (stripe: LocalStripe.LocalStripe["Service"]) {
  const browser = yield* Example.browser
  const { plans, subscriptions } = yield* browser.client(BelfryApi.BelfryApi)
  const { reports } = yield* browser.client(Api)
  yield* Example.signUp(browser, "Ada", "ada@example.com")

  const { plans: sold } = yield* plans.list({ query: {} })
  for (const { title, prices } of sold) {
    yield* Console.log(
      `${title}: ${prices.map(({ amount, currency, interval }) => `${amount} ${currency}/${interval}`)}`,
    )
  }
  const refused = yield* Effect.flip(reports.export())
  ok(refused._tag === "EntitlementMissing")
  yield* Console.log(`Without a plan: ${refused.features.join()} is missing`)

  // Ada is sent to a page of Stripe, and pays there by card.
  const outcome = yield* subscriptions.upgrade({ payload: { plan: "pro", interval: "year" } })
  ok(outcome !== undefined && outcome.kind === "checkout")
  yield* stripe.pay(outcome.url, LocalStripe.cards.pays)

  // Ada did not even come back: a signed webhook tells, and what it tells of is read from Stripe.
  const settled = Effect.repeat(subscriptions.list({ query: { active: "true" } }), {
    until: (list) => list.subscriptions.length === 1,
    schedule: Schedule.spaced("50 millis"),
  })
  const [subscription] = (yield* Effect.timeout(settled, "10 seconds")).subscriptions
  yield* Console.log(`Ada has ${subscription?.plan}, by the ${subscription?.interval}: ${subscription?.status}`)
  yield* Console.log(yield* reports.export())

  const ended = yield* subscriptions.cancel({ payload: { when: "now", confirm: "service" } })
  ok(ended !== undefined)
  strictEqual((yield* Effect.flip(reports.export()))._tag, "EntitlementMissing")
  yield* Console.log(`Ended at once: ${ended.subscription.status}, and export is missing again`)
})

Example.run({
  program,
  standIn,
  settings: ({ secretKey, url, webhookSecret }) => ({
    BELFRY_STRIPE_API_URL: url,
    BELFRY_STRIPE_SECRET_KEY: secretKey,
    BELFRY_STRIPE_WEBHOOK_SECRET: webhookSecret,
  }),
  check,
  look: "/billing",
})
