import { ProviderCustomerId } from "@belfry/billing/BillingCustomer"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import { ProviderPriceId, ProviderSubscriptionId } from "@belfry/billing/ProviderSubscription"
import * as StripeBillingProvider from "@belfry/billing/StripeBillingProvider"
import * as StripeClient from "@belfry/billing/StripeClient"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Option, Redacted } from "effect"
import { Stripe } from "stripe"
import { layerStripe } from "./support/Buying.ts"
import * as Sdk from "./support/localStripe.ts"

const request = { name: "Ada", email: "ada@example.com", metadata: { belfry_customer: "one", managed_by: "belfry" } }

/** The adapter over the same Stripe with other options. */
const adapter = Effect.fnUntraced(function* (options: Partial<StripeClient.StripeOptions>) {
  const local = yield* LocalStripe
  return yield* StripeBillingProvider.make.pipe(
    Effect.provideService(
      StripeClient.StripeClient,
      StripeClient.make({
        secretKey: Redacted.make(local.secretKey),
        webhookSecrets: [],
        apiUrl: local.url,
        retryBase: Duration.zero,
        ...options,
      }),
    ),
  )
})

/** A subscription that somebody made at Stripe, to these prices. */
const subscribed = Effect.fnUntraced(function* (...keys: ReadonlyArray<string>) {
  const stripe = Sdk.sdkOf(yield* LocalStripe)
  const provider = yield* BillingProvider
  const customer = yield* Sdk.customerOf(stripe)
  const prices = yield* provider.findPrices(keys.map((lookupKey) => ({ lookupKey })))
  const items = keys.map((key) => ({ price: prices.find(({ lookupKey }) => lookupKey === key)?.id ?? "" }))
  const made = yield* Sdk.ask(() => stripe.subscriptions.create({ customer: customer.id, items }))
  return { customerId: ProviderCustomerId.make(customer.id), id: ProviderSubscriptionId.make(made.id), prices, stripe }
})

describe("StripeBillingProvider, customers", () => {
  it.effect("are made once under a key, and found by id, by metadata after a while, and by address", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const provider = yield* BillingProvider
      const made = yield* provider.createCustomer(request, "belfry-one-0")
      assert.deepStrictEqual(yield* provider.createCustomer(request, "belfry-one-0"), made)
      const { metadata, ...profile } = request
      assert.deepStrictEqual({ ...made }, { id: made.id, isDeleted: false, profile, metadata })
      assert.deepStrictEqual(yield* provider.findCustomer(made.id), Option.some(made))
      assert.deepStrictEqual(yield* provider.listCustomersByEmail("ada@example.com"), [made])
      const named = { key: "belfry_customer", value: "one" }
      assert.deepStrictEqual(yield* provider.searchCustomers(named), [])
      yield* local.advance("2 minutes")
      assert.deepStrictEqual(yield* provider.searchCustomers(named), [made])
      assert.deepStrictEqual(yield* provider.searchCustomers({ key: "belfry_customer", value: "o'ne\\" }), [])
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("are told apart that were deleted and that never were", () =>
    Effect.gen(function* () {
      const provider = yield* BillingProvider
      const stripe = Sdk.sdkOf(yield* LocalStripe)
      const { id } = yield* provider.createCustomer(request, "belfry-one-0")
      yield* Sdk.ask(() => stripe.customers.del(id))
      const deleted = yield* provider.findCustomer(id)
      assert.isTrue(Option.exists(deleted, ({ isDeleted }) => isDeleted))
      assert.isTrue(Option.isNone(yield* provider.findCustomer(ProviderCustomerId.make("cus_none"))))
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("lose a name and an address that they have no more", () =>
    Effect.gen(function* () {
      const provider = yield* BillingProvider
      const { id } = yield* provider.createCustomer(request, "belfry-one-0")
      const changed = yield* provider.updateCustomer(id, { profile: { name: "Eve", email: null } }, "belfry-one-1")
      assert.strictEqual(changed.profile.name, "Eve")
      assert.isTrue(changed.profile.email === null || changed.profile.email === "")
      assert.deepStrictEqual(changed.metadata, request.metadata)
    }).pipe(Effect.provide(layerStripe)),
  )
})

describe("StripeBillingProvider, prices", () => {
  it.effect("are found by lookup key and by id, and left out where there are none", () =>
    Effect.gen(function* () {
      const provider = yield* BillingProvider
      const [basic] = yield* provider.findPrices([{ lookupKey: "basic_month" }, { lookupKey: "none" }])
      assert.deepInclude(basic, { lookupKey: "basic_month", amount: 500, currency: "eur", interval: "month" })
      const byId = yield* provider.findPrices([{ id: basic?.id ?? "" }, { id: "price_none" }])
      assert.deepStrictEqual([byId.length, byId[0]], [1, basic])
      const many = Array.from({ length: 25 }, (_, place) => ({ lookupKey: `none_${place}` }))
      const found = yield* provider.findPrices([...many, { lookupKey: "gold_month" }])
      assert.deepStrictEqual(
        found.map(({ lookupKey }) => lookupKey),
        ["gold_month"],
      )
    }).pipe(Effect.provide(layerStripe)),
  )
})

describe("StripeBillingProvider, subscriptions", () => {
  it.effect("are read whole, with the periods of their items", () =>
    Effect.gen(function* () {
      const provider = yield* BillingProvider
      const { customerId, id, prices } = yield* subscribed("bundle_month", "extra_month")
      const found = Option.getOrThrow(yield* provider.findSubscription(id))
      assert.deepStrictEqual([found.status, found.customerId, found.schedule], ["active", customerId, null])
      assert.sameMembers(
        found.items.map(({ priceId }) => priceId),
        prices.map((price) => price.id),
      )
      assert.isTrue(found.items.every(({ periodStart, periodEnd }) => DateTime.isLessThan(periodStart, periodEnd)))
      assert.strictEqual(found.latestInvoice?.status, "paid")
      assert.isTrue(Option.isNone(yield* provider.findSubscription(ProviderSubscriptionId.make("sub_none"))))
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("are listed without those that ended, unless they are asked for, and end once", () =>
    Effect.gen(function* () {
      const provider = yield* BillingProvider
      const { customerId, id } = yield* subscribed("basic_month")
      assert.deepStrictEqual(yield* provider.listSubscriptions(customerId, { ended: false }), [id])
      yield* provider.cancelSubscription(id, "belfry-one-cancel")
      yield* provider.cancelSubscription(id, "belfry-two-cancel")
      assert.deepStrictEqual(yield* provider.listSubscriptions(customerId, { ended: false }), [])
      assert.deepStrictEqual(yield* provider.listSubscriptions(customerId, { ended: true }), [id])
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("change when the period ends, also where a schedule was left without what comes", () =>
    Effect.gen(function* () {
      const provider = yield* BillingProvider
      const { id, prices, stripe } = yield* subscribed("basic_month")
      const [basic] = prices
      const [gold] = yield* provider.findPrices([{ lookupKey: "gold_month" }])
      const before = Option.getOrThrow(yield* provider.findSubscription(id))
      const startsAt = before.items[0]?.periodEnd ?? (yield* DateTime.now)
      yield* Sdk.ask(() => stripe.subscriptionSchedules.create({ from_subscription: id }))
      const items = [{ priceId: gold?.id ?? ProviderPriceId.make("none"), quantity: 1 }]
      yield* provider.scheduleChange(id, { items, interval: "month", startsAt }, "belfry-one-schedule")
      const { schedule } = Option.getOrThrow(yield* provider.findSubscription(id))
      assert.deepStrictEqual(schedule?.next, { startsAt, items })
      assert.isTrue(schedule?.isOwn)
      assert.isDefined(basic)
      if (schedule === null) return
      yield* provider.releaseSchedule(schedule.id, "belfry-one-release")
      yield* provider.releaseSchedule(schedule.id, "belfry-two-release")
      assert.isNull(Option.getOrThrow(yield* provider.findSubscription(id)).schedule)
    }).pipe(Effect.provide(layerStripe)),
  )
})

describe("StripeBillingProvider, what fails", () => {
  it.effect("is tried three times where it may succeed later, and then tells why", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const provider = yield* BillingProvider
      for (const [kind, reason] of [
        ["before", "unavailable"],
        ["429", "limited"],
        ["409", "unavailable"],
        // Of a connection that was cut the SDK would try again by itself.
        ["after", "unavailable"],
      ] as const) {
        local.failing({ rate: 1, seed: 1, kinds: [kind] })
        const from = local.calls.length
        const error = yield* Effect.flip(provider.createCustomer(request, `belfry-${kind}`))
        assert.deepStrictEqual([error.reason, error.method, error.isRetryable], [reason, "createCustomer", true])
        assert.strictEqual(local.calls.length - from, 3)
      }
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("is over for a key for which Stripe keeps its failure", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const provider = yield* BillingProvider
      let left = 1
      local.failing({ rate: 1, seed: 1, kinds: ["kept"], only: () => left-- > 0 })
      const from = local.calls.length
      const error = yield* Effect.flip(provider.createCustomer(request, "belfry-one-0"))
      assert.deepStrictEqual([error.reason, error.isKeySpent, error.isRetryable], ["refused", true, false])
      assert.strictEqual(local.calls.length - from, 2)
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("is a matter of configuration where Stripe does not know the key", () =>
    Effect.gen(function* () {
      const provider = yield* adapter({ secretKey: Redacted.make("sk_test_other") })
      const error = yield* Effect.flip(provider.createCustomer(request, "belfry-one-0"))
      assert.deepStrictEqual([error.reason, error.isRetryable], ["configuration", false])
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("is refused where a key is used for something else", () =>
    Effect.gen(function* () {
      const provider = yield* BillingProvider
      yield* provider.createCustomer(request, "belfry-one-0")
      const error = yield* Effect.flip(provider.createCustomer({ ...request, name: "Eve" }, "belfry-one-0"))
      assert.strictEqual(error.reason, "refused")
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("does not depend on the order in which a database returns metadata", () =>
    Effect.gen(function* () {
      const provider = yield* BillingProvider
      const first = yield* provider.createCustomer(request, "belfry-one-0")
      const metadata = Object.fromEntries(Object.entries(request.metadata).toReversed())
      assert.deepStrictEqual(yield* provider.createCustomer({ ...request, metadata }, "belfry-one-0"), first)
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("fails everywhere where nobody takes money", () =>
    Effect.gen(function* () {
      const provider = yield* BillingProvider
      assert.deepStrictEqual([provider.isEnabled, provider.isLive], [false, false])
      assert.strictEqual((yield* Effect.flip(provider.findPrices([]))).reason, "configuration")
      const webhook = { body: new Uint8Array(), signature: "t=1,v1=1", now: yield* DateTime.now }
      assert.strictEqual((yield* Effect.flip(provider.readWebhook(webhook))).reason, "signature")
    }).pipe(Effect.provide(Layer.fresh(StripeBillingProvider.layerOff))),
  )
})

describe("StripeBillingProvider.readWebhook", () => {
  const event = {
    id: "evt_1",
    object: "event",
    type: "invoice.paid",
    api_version: "2020-01-01",
    livemode: false,
    created: 0,
    data: {
      object: {
        id: "in_1",
        object: "invoice",
        customer: { id: "cus_1" },
        parent: { subscription_details: { subscription: "sub_1" } },
      },
    },
  }
  const stripe = new Stripe("sk_test_none")
  const sign = (payload: string, secret: string, timestamp: number) =>
    stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp })
  const at = (seconds: number) => DateTime.makeUnsafe(seconds * 1000)
  const utf8 = new TextEncoder()

  const read = Effect.fnUntraced(function* (
    options: { readonly payload?: string; readonly body?: Uint8Array; readonly signature?: string | undefined } = {},
  ) {
    const payload = options.payload ?? JSON.stringify(event)
    const provider = yield* adapter({ webhookSecrets: [Redacted.make("whsec_new"), Redacted.make("whsec_old")] })
    const signature = "signature" in options ? options.signature : sign(payload, "whsec_new", 1000)
    return yield* provider.readWebhook({ body: options.body ?? utf8.encode(payload), signature, now: at(1000) })
  })
  const reasonOf = (...options: Parameters<typeof read>) =>
    Effect.map(Effect.flip(read(...options)), (error) => ("reason" in error ? error.reason : "none"))

  it.effect("reads what an event is about, by ids, from objects of other API versions too", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        { ...(yield* read()) },
        {
          id: event.id,
          type: event.type,
          apiVersion: event.api_version,
          isLive: false,
          createdAt: at(0),
          objectType: "invoice",
          objectId: "in_1",
          customerId: "cus_1",
          subscriptionId: "sub_1",
        },
      )
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("takes the signature of every secret, and of nobody else", () =>
    Effect.gen(function* () {
      const payload = JSON.stringify(event)
      assert.strictEqual((yield* read({ signature: sign(payload, "whsec_old", 1000) })).id, event.id)
      assert.strictEqual(yield* reasonOf({ signature: sign(payload, "whsec_other", 1000) }), "signature")
      assert.strictEqual(yield* reasonOf({ signature: undefined }), "header")
      assert.strictEqual(yield* reasonOf({ signature: "v1=00" }), "header")
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("is about these very bytes", () =>
    Effect.gen(function* () {
      const payload = JSON.stringify({ ...event, note: "\uFFFD" })
      const bytes = utf8.encode(payload)
      assert.strictEqual((yield* read({ payload })).id, event.id)
      assert.strictEqual(yield* reasonOf({ payload, body: utf8.encode(payload.replace("in_1", "in_2")) }), "signature")
      // What is no UTF-8 reads as the same text.
      const place = bytes.indexOf(0xef)
      const broken = Uint8Array.from([...bytes.slice(0, place), 0xff, ...bytes.slice(place + 3)])
      assert.strictEqual(yield* reasonOf({ payload, body: broken }), "signature")
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("is good for five minutes either way, and signed for one time", () =>
    Effect.gen(function* () {
      const payload = JSON.stringify(event)
      for (const time of [700, 1300]) {
        assert.strictEqual((yield* read({ signature: sign(payload, "whsec_new", time) })).id, event.id)
      }
      for (const time of [699, 1301]) {
        assert.strictEqual(yield* reasonOf({ signature: sign(payload, "whsec_new", time) }), "timestamp")
      }
      assert.strictEqual(yield* reasonOf({ signature: `t=1000,${sign(payload, "whsec_new", 5000)}` }), "header")
    }).pipe(Effect.provide(layerStripe)),
  )

  it.effect("tells what is genuine and no event from events without an object", () =>
    Effect.gen(function* () {
      for (const payload of ["[]", "nothing", JSON.stringify({ ...event, type: 1 })]) {
        assert.strictEqual(yield* reasonOf({ payload }), "form")
      }
      const thin = { ...event, object: "v2.core.event", created: "1970-01-01T00:00:00.000Z", data: undefined }
      const found = yield* read({ payload: JSON.stringify(thin) })
      assert.deepStrictEqual([found.objectType, found.objectId, found.subscriptionId], ["v2.core.event", null, null])
    }).pipe(Effect.provide(layerStripe)),
  )
})
