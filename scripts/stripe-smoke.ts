/**
 * Tries the adapter for Stripe on Stripe itself: `BELFRY_STRIPE_SECRET_KEY=sk_test_... node scripts/stripe-smoke.ts`.
 *
 * It needs a key of a sandbox or of test mode, and refuses one that moves real money. It makes a product with two
 * prices and a customer on a test clock, subscribes, lets the trial end, changes, schedules, ends, and compares what
 * Belfry makes of each with what it should be; then it removes what it made. A minute or two.
 *
 * Nothing runs it by itself, since it takes an account and a network that reaches Stripe: it was tried against the
 * local Stripe alone (`BELFRY_STRIPE_API_URL`).
 */
import { ProviderCustomerId } from "@belfry/billing/BillingCustomer"
import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import { BillingProvider, type SubscriptionUpdate } from "@belfry/billing/BillingProvider"
import { defaultGroup } from "@belfry/billing/Plan"
import { type ProviderPrice, ProviderSubscriptionId } from "@belfry/billing/ProviderSubscription"
import * as StripeBillingProvider from "@belfry/billing/StripeBillingProvider"
import * as StripeClient from "@belfry/billing/StripeClient"
import { stateOf, type SubscriptionState } from "@belfry/billing/Subscription"
import { Config, Console, DateTime, Duration, Effect, Layer, Option, Redacted } from "effect"
import { deepStrictEqual, ok } from "node:assert"

/** What is made at Stripe is told apart by this. */
const run = `belfry_smoke_${process.hrtime.bigint().toString(36)}`
const keys = { basic: `${run}_basic`, plus: `${run}_plus` }

const { rules } = BillingDefinition.define({
  features: [],
  limits: [],
  plans: {
    basic: { title: "Basic", prices: { month: { lookupKey: keys.basic } } },
    plus: { title: "Plus", prices: { month: { lookupKey: keys.plus } } },
  },
})

const trial = Duration.days(14)

const smoke = Effect.gen(function* () {
  const provider = yield* BillingProvider
  const { read, write } = yield* StripeClient.StripeClient
  const began = yield* DateTime.now
  const secondsOf = (instant: DateTime.Utc) => Math.floor(instant.epochMilliseconds / 1000)

  const price = Effect.fnUntraced(function* (product: string, lookupKey: string, unitAmount: number) {
    return yield* Effect.acquireRelease(
      write("createPrice", (stripe) =>
        stripe.prices.create({
          product,
          currency: "eur",
          unit_amount: unitAmount,
          recurring: { interval: "month" },
          lookup_key: lookupKey,
        }),
      ),
      ({ id }) => tidy(write("archivePrice", (stripe) => stripe.prices.update(id, { active: false }))),
    )
  })
  const product = yield* Effect.acquireRelease(
    write("createProduct", (stripe) => stripe.products.create({ name: run })),
    ({ id }) => tidy(write("archiveProduct", (stripe) => stripe.products.update(id, { active: false }))),
  )
  yield* price(product.id, keys.basic, 1000)
  yield* price(product.id, keys.plus, 3000)
  const found = yield* provider.findPrices([{ lookupKey: keys.basic }, { lookupKey: keys.plus }])
  deepStrictEqual(found.map(({ amount, isActive }) => [amount, isActive]).toSorted(), [
    [1000, true],
    [3000, true],
  ])
  const ids = { basic: idOf(found, keys.basic), plus: idOf(found, keys.plus) }
  yield* Console.log("ok  prices are found by their lookup keys")

  // Who is removed with a test clock are its customers, with all that they have.
  const clock = yield* Effect.acquireRelease(
    write("createClock", (stripe) => stripe.testHelpers.testClocks.create({ frozen_time: secondsOf(began) })),
    ({ id }) => tidy(write("removeClock", (stripe) => stripe.testHelpers.testClocks.del(id))),
  )
  const advance = Effect.fnUntraced(function* (instant: DateTime.Utc) {
    yield* write("advanceClock", (stripe) =>
      stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: secondsOf(instant) }),
    )
    yield* read("findClock", (stripe) => stripe.testHelpers.testClocks.retrieve(clock.id)).pipe(
      Effect.delay("1 second"),
      Effect.repeat({ until: ({ status }) => status === "ready", times: 120 }),
    )
  })
  const customer = yield* write("createCustomer", (stripe) =>
    stripe.customers.create({
      name: run,
      test_clock: clock.id,
      payment_method: "pm_card_visa",
      invoice_settings: { default_payment_method: "pm_card_visa" },
    }),
  )
  const customerId = ProviderCustomerId.make(customer.id)
  const updated = yield* provider.updateCustomer(
    customerId,
    { profile: { name: `${run} Ltd`, email: "smoke@example.com" }, metadata: { smoke: run } },
    `${run}-profile`,
  )
  deepStrictEqual(updated.profile, { name: `${run} Ltd`, email: "smoke@example.com" })
  yield* Console.log("ok  a customer has the name and the address that it is given")

  const checkout = yield* provider.createCheckout(
    {
      _tag: "Checkout",
      customerId,
      plan: rules.plans[0]?.name ?? fail("no plan"),
      interval: "month",
      items: [{ priceId: ids.basic, quantity: 1 }],
      trialDays: 14,
      successUrl: "https://example.com/paid",
      cancelUrl: "https://example.com/plans",
      returnUrl: "https://example.com/account",
      locale: null,
      metadata: {},
      extra: {},
      expiresAt: DateTime.add(began, { hours: 1 }),
    },
    `${run}-checkout`,
  )
  ok(checkout.status === "open" && checkout.url !== null)
  deepStrictEqual((yield* provider.expireCheckout(checkout.id)).status, "expired")
  yield* Console.log("ok  a checkout is opened, and closed")

  const made = yield* write("createSubscription", (stripe) =>
    stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: ids.basic }],
      trial_period_days: Duration.toDays(trial),
    }),
  )
  const id = ProviderSubscriptionId.make(made.id)
  const look = Effect.fnUntraced(function* (what: string, wanted: Partial<SubscriptionState>) {
    const subscription = Option.getOrThrow(yield* provider.findSubscription(id))
    const nameOf = new Map(found.map((one) => [one.id, one.lookupKey]))
    const state = stateOf(subscription, rules.plans, {
      previousGroup: defaultGroup,
      lookupKeyOf: (priceId) => nameOf.get(priceId) ?? null,
    })
    deepStrictEqual({ ...state, ...wanted }, state, what)
    yield* Console.log(`ok  ${what}`)
    return { state, subscription }
  })
  const [basic, plus] = rules.plans.map(({ name }) => name)
  const update = (name: string, change: Partial<SubscriptionUpdate>) =>
    provider.updateSubscription(id, { ...nothing, ...change }, `${run}-${name}`)

  yield* look("a subscription in trial is one", { status: "trialing", plan: basic ?? null, interval: "month" })
  yield* advance(DateTime.add(DateTime.addDuration(began, trial), { hours: 2 }))
  const { state, subscription } = yield* look("it is paid when the trial is over", { status: "active", pastDue: null })
  const items = subscription.items.map((item) => ({ id: item.id, priceId: ids.plus, quantity: 1 }))
  yield* update("change", { items, proration: "always-invoice" })
  yield* look("it changes at once", { status: "active", plan: plus ?? null })

  const startsAt = state.periodEnd ?? fail("no period")
  yield* provider.scheduleChange(
    id,
    { items: [{ priceId: ids.basic, quantity: 1 }], interval: "month", startsAt },
    `${run}-schedule`,
  )
  const planned = yield* look("a change is scheduled for the end of the period", {
    plan: plus ?? null,
    scheduled: { plan: basic ?? null, interval: "month", seats: null, startsAt },
  })
  yield* provider.releaseSchedule(planned.subscription.schedule?.id ?? fail("no schedule"), `${run}-release`)
  yield* look("and taken back", { plan: plus ?? null, scheduled: null })

  yield* update("end", { cancelAtPeriodEnd: true })
  yield* look("an end with the period is asked for", { status: "active", cancelAtPeriodEnd: true })
  yield* update("restore", { cancelAtPeriodEnd: false })
  yield* look("and taken back, too", { status: "active", cancelAtPeriodEnd: false, cancelAt: null })

  ok((yield* provider.listInvoices(customerId, { limit: 10, after: null })).some(({ status }) => status === "paid"))
  yield* Console.log("ok  invoices are listed")
  const events = yield* provider.listEvents(DateTime.subtract(began, { minutes: 1 }))
  ok(events.some(({ subscriptionId, type }) => type === "customer.subscription.created" && subscriptionId === id))
  yield* Console.log("ok  events are listed")
  yield* provider
    .createPortal({ customerId, flow: { _tag: "Home" }, returnUrl: "https://example.com", locale: null })
    .pipe(
      Effect.matchEffect({
        onSuccess: () => Console.log("ok  the portal opens"),
        onFailure: () => Console.log("!!  the portal does not open: save its configuration in the Dashboard once"),
      }),
    )

  yield* provider.cancelSubscription(id, `${run}-cancel`)
  yield* look("it ends at once", { status: "canceled" })
})

// internal

const fail = (message: string): never => {
  throw new Error(message)
}

const idOf = (prices: ReadonlyArray<ProviderPrice>, lookupKey: string) =>
  prices.find((price) => price.lookupKey === lookupKey)?.id ?? fail(`no price ${lookupKey}`)

const nothing: SubscriptionUpdate = {
  items: null,
  removed: [],
  proration: "none",
  failsWhenDeclined: true,
  cancelAtPeriodEnd: null,
  clearsCancelAt: false,
  metadata: null,
}

/** Removes what was made; what stays is told, and harms nobody. */
const tidy = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.catch(Effect.asVoid(effect), () => Console.log(`!!  something of ${run} was not removed`))

const layer = Layer.unwrap(
  Effect.gen(function* () {
    const secretKey = yield* Config.Redacted("BELFRY_STRIPE_SECRET_KEY")
    if (!/^[sr]k_test_/u.test(Redacted.value(secretKey))) {
      return yield* Effect.fail(new Error("BELFRY_STRIPE_SECRET_KEY: only a key of test mode will do (sk_test_...)"))
    }
    const apiUrl = yield* Config.String("BELFRY_STRIPE_API_URL").pipe(Config.withDefault("https://api.stripe.com"))
    return Layer.provideMerge(
      StripeBillingProvider.layer,
      StripeClient.layer({ secretKey, webhookSecrets: [], apiUrl, timeout: Duration.seconds(30) }),
    )
  }),
)

if (import.meta.main) {
  Effect.runPromise(smoke.pipe(Effect.scoped, Effect.provide(layer))).then(
    () => process.stdout.write("The adapter and Stripe agree\n"),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 1
    },
  )
}
