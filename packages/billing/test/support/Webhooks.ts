/**
 * Webhooks as Stripe sends them, over HTTP, to an inbox whose provider is a few maps.
 */
import { Audit } from "@belfry/core/Audit"
import { OutboxStore } from "@belfry/core/OutboxStore"
import { RequestGuard } from "@belfry/core/ProblemApi"
import { layerRequestGuard } from "@belfry/core/RequestHandlers"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import { MemoryBillingTables } from "@belfry/billing/MemoryBillingTables"
import * as StripeBillingProvider from "@belfry/billing/StripeBillingProvider"
import * as StripeClient from "@belfry/billing/StripeClient"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { WebhookEventId } from "@belfry/billing/WebhookEvent"
import { WebhooksApi } from "@belfry/billing/WebhooksApi"
import * as WebhooksHandlers from "@belfry/billing/WebhooksHandlers"
import * as TestHttp from "@belfry/testing/TestHttp"
import { DateTime, Duration, Effect, Layer, Option, Redacted, type Schema } from "effect"
import { HttpApi, HttpApiBuilder } from "effect/http-api"
import { TestClock } from "effect/testing"
import { createHmac } from "node:crypto"
import { customer, layer as layerOfLooks, type Options, standing } from "./Looking.ts"
import * as ProviderStub from "./ProviderStub.ts"

export const secrets = ["whsec_new", "whsec_old"] as const

/** The maps, whose webhooks are read as Stripe's are. */
const layerReading = Layer.effect(
  BillingProvider,
  Effect.gen(function* () {
    const maps = yield* BillingProvider
    const client = StripeClient.make({
      secretKey: Redacted.make("sk_test_1"),
      webhookSecrets: secrets.map((secret) => Redacted.make(secret)),
    })
    const { readWebhook } = yield* Effect.provideService(StripeBillingProvider.make, StripeClient.StripeClient, client)
    return BillingProvider.of({ ...maps, readWebhook })
  }),
)

/** The services over memory. */
export const layer = (options: Options = {}) => layerOfLooks({ provider: layerReading, ...options })

class Api extends HttpApi.make("belfry").add(WebhooksApi).middleware(RequestGuard).prefix("/auth") {}

/** An event as Stripe writes it. */
export const eventOf = (
  type: string,
  object: { readonly [key: string]: Schema.Json },
  fields: { readonly [key: string]: Schema.Json } = {},
): { readonly id: string; readonly [key: string]: Schema.Json } => ({
  object: "event",
  type,
  api_version: "2026-10-28.endive",
  livemode: false,
  created: 0,
  data: { object },
  ...fields,
  id: typeof fields["id"] === "string" ? fields["id"] : ProviderStub.newId("evt"),
})

/** A signature over a body, made so long before now. */
export const sign = (
  body: string,
  { secret = secrets[0], age = Duration.zero }: { readonly secret?: string; readonly age?: Duration.Duration } = {},
) =>
  Effect.map(DateTime.now, (now) => {
    const at = Math.floor(now.epochMilliseconds / 1000) - Duration.toSeconds(age)
    return `t=${at},v1=${createHmac("sha256", secret).update(`${at}.${body}`).digest("hex")}`
  })

/** Serves the endpoint, and answers a function that sends bodies to it, signed unless `signature` says otherwise. */
export const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Layer.Success<ReturnType<typeof layer>>>()
  const app = HttpApiBuilder.layer(Api).pipe(
    Layer.provide(WebhooksHandlers.layer),
    Layer.provide(layerRequestGuard),
    Layer.provide(Layer.succeedContext(services)),
  )
  const send = yield* TestHttp.serve(app, "http://localhost:3000")
  return Effect.fnUntraced(function* (sent: Schema.Json, signature?: string | null) {
    const body = typeof sent === "string" ? sent : JSON.stringify(sent)
    const signed = signature === undefined ? yield* sign(body) : signature
    return yield* send("/auth/stripe/webhook", {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...(signed === null ? {} : { "stripe-signature": signed }) },
    })
  })
})

/** Everything that is kept but events of the provider and tickets of looks, as text to compare. */
export const digest = Effect.gen(function* () {
  const { customers, subscriptions, operations, trials, hookRuns } = yield* MemoryBillingTables
  const audit = yield* Audit.use((log) => log.list({ limit: 1000 }))
  const now = yield* DateTime.now
  const lease = "00000000-0000-7000-8000-000000000009"
  const outbox = yield* OutboxStore.use((store) =>
    store.claim({ lease, now, until: now, aggregates: 1000, events: 1000 }),
  )
  return JSON.stringify([
    ...[customers, subscriptions, operations, trials, hookRuns].map((rows) => [...rows]),
    audit,
    outbox,
  ])
})

/** A customer with a subscription at the provider that is not known here, and what tells of it. */
export const begin = Effect.gen(function* () {
  yield* TestClock.adjust("400 days")
  const send = yield* serve
  const payer = yield* customer()
  const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
  const event = eventOf("customer.subscription.created", { object: "subscription", id: found.id })
  const status = Effect.suspend(() => standing(WebhookEventId.make(event.id)))
  const written = Effect.map(
    SubscriptionStore.use((subscriptions) => subscriptions.findByProvider(found.id)),
    Option.isSome,
  )
  return { send, payer, found, event, status, written }
})
