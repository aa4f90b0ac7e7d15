import { cards } from "@belfry/testing/LocalStripe"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Stripe } from "stripe"
import { ask, customerOf, day, priceOf, refusalOf, start, typesFrom } from "./support/localStripe.ts"

const setUp = (card: string | null, more: Partial<Stripe.SubscriptionCreateParams> = {}, quantity = 1) =>
  Effect.gen(function* () {
    const { local, stripe } = yield* start()
    const price = yield* priceOf(stripe, "pro", 1000)
    const customer = yield* customerOf(stripe, card)
    const made = yield* ask(() =>
      stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id, quantity }], ...more }),
    )
    const find = ask(() => stripe.subscriptions.retrieve(made.id))
    const invoices = Effect.map(
      ask(() => stripe.invoices.list({ customer: customer.id })),
      ({ data }) => data,
    )
    return { local, stripe, made, find, invoices, customer: customer.id, price: price.id, from: local.events.length }
  })

const bad = "pm_card_chargeCustomerFail"

describe("time at the local Stripe", () => {
  it.effect("renews: a draft at once, paid an hour later", () =>
    Effect.gen(function* () {
      const { find, from, invoices, local } = yield* setUp("pm_card_visa")
      yield* local.advance("31 days")
      const renewed = yield* find
      assert.strictEqual(renewed.items.data[0]?.current_period_start, 31 * day)
      assert.strictEqual(renewed.items.data[0]?.current_period_end, (31 + 28) * day)
      assert.strictEqual((yield* invoices)[0]?.status, "draft")
      assert.strictEqual(renewed.latest_invoice, (yield* invoices)[0]?.id)

      yield* local.advance("1 hour")
      assert.deepInclude((yield* invoices)[0], {
        status: "paid",
        amount_paid: 1000,
        billing_reason: "subscription_cycle",
      })
      assert.deepStrictEqual(typesFrom(local, from), [
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
      ])
      assert.deepStrictEqual(
        local.events.slice(from).map(({ created }) => created - 31 * day),
        [0, 0, 3600, 3600],
      )
    }),
  )

  it.effect("keeps to the day of the month, and to the last day of shorter ones", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2027, 0, 31, 12))
      const { find, local } = yield* setUp("pm_card_visa")
      const ends: Array<string | undefined> = []
      for (let month = 0; month < 4; month += 1) {
        const end = (yield* find).items.data[0]?.current_period_end ?? 0
        ends.push(new Date(end * 1000).toISOString())
        yield* local.advance(end * 1000 - local.now())
      }
      assert.deepStrictEqual(ends, [
        "2027-02-28T12:00:00.000Z",
        "2027-03-31T12:00:00.000Z",
        "2027-04-30T12:00:00.000Z",
        "2027-05-31T12:00:00.000Z",
      ])
    }),
  )

  it.effect("does in one step what it does in many, in the same order", () =>
    Effect.gen(function* () {
      const history = (steps: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { local } = yield* setUp(bad, { trial_period_days: 14 })
            for (let step = 0; step < steps; step += 1) yield* local.advance(`${60 / steps} days`)
            return local.events.map(({ created, id, type }) => `${created} ${id} ${type}`)
          }),
        )
      assert.deepStrictEqual(yield* history(1), yield* history(60))
    }),
  )

  it.effect("does what is due before it answers, by the test's clock too", () =>
    Effect.gen(function* () {
      const { find } = yield* setUp("pm_card_visa")
      yield* TestClock.adjust("31 days")
      assert.strictEqual((yield* find).items.data[0]?.current_period_start, 31 * day)
    }),
  )

  it.effect("tells a trial's end three days before, and then takes the money", () =>
    Effect.gen(function* () {
      const { find, from, local } = yield* setUp("pm_card_visa", { trial_period_days: 14 })
      yield* local.advance("11 days")
      assert.deepStrictEqual(typesFrom(local, from), ["customer.subscription.trial_will_end"])
      yield* local.advance("3 days")
      assert.deepInclude(yield* find, { status: "active", trial_end: 14 * day })
      assert.strictEqual((yield* find).items.data[0]?.current_period_end, 45 * day)
      yield* local.advance("1 hour")
      assert.deepStrictEqual(typesFrom(local, from + 1), [
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
      ])
    }),
  )

  it.effect("ends a trial now where it is told to", () =>
    Effect.gen(function* () {
      const { find, made, stripe } = yield* setUp("pm_card_visa", { trial_period_days: 14 })
      yield* TestClock.adjust("1 day")
      yield* ask(() => stripe.subscriptions.update(made.id, { trial_end: "now" }))
      assert.deepInclude(yield* find, { status: "active", trial_end: day, billing_cycle_anchor: day })
    }),
  )

  it.effect("tries a payment that failed four times more, and then ends the subscription", () =>
    Effect.gen(function* () {
      const { find, from, invoices, local, stripe, customer } = yield* setUp("pm_card_visa")
      yield* ask(() => stripe.customers.update(customer, { invoice_settings: { default_payment_method: bad } }))
      yield* local.advance("31 days")
      yield* local.advance("1 hour")
      assert.strictEqual((yield* find).status, "past_due")
      const [invoice] = yield* invoices
      assert.deepInclude(invoice, { status: "open", attempt_count: 1, next_payment_attempt: 32 * day + 3600 })

      yield* local.advance("6 days")
      assert.deepInclude((yield* invoices)[0], { attempt_count: 4, next_payment_attempt: 38 * day + 3600 })
      assert.strictEqual((yield* find).status, "past_due")
      yield* local.advance("1 day")
      const ended = yield* find
      assert.deepInclude(ended, { status: "canceled", ended_at: 38 * day + 3600 })
      assert.strictEqual(ended.cancellation_details?.reason, "payment_failed")
      assert.deepStrictEqual(typesFrom(local, from).slice(1), [
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "invoice.payment_failed",
        "customer.subscription.updated",
        "invoice.payment_failed",
        "invoice.payment_failed",
        "invoice.payment_failed",
        "invoice.payment_failed",
        "customer.subscription.deleted",
      ])
      yield* local.advance("60 days")
      assert.strictEqual(typesFrom(local).at(-1), "customer.subscription.deleted")
    }),
  )

  it.effect("recovers when an open invoice is paid, by its page or by another card", () =>
    Effect.gen(function* () {
      const { find, invoices, local, stripe, customer } = yield* setUp(bad, { trial_period_days: 1 })
      yield* local.advance("25 hours")
      assert.strictEqual((yield* find).status, "past_due")
      const [invoice] = yield* invoices
      const again = yield* refusalOf(() => stripe.invoices.pay(invoice?.id ?? ""))
      assert.strictEqual(again.type, "StripeCardError")

      const pay = (card: string) =>
        ask(() =>
          fetch(invoice?.hosted_invoice_url ?? "", {
            method: "POST",
            body: new URLSearchParams({ card }),
            redirect: "manual",
          }),
        )
      assert.strictEqual((yield* pay(cards.declined)).status, 402)
      assert.strictEqual((yield* pay(cards.pays)).status, 303)
      assert.strictEqual((yield* find).status, "active")
      assert.deepInclude((yield* invoices)[0], { status: "paid", next_payment_attempt: null, amount_paid: 1000 })
      assert.strictEqual((yield* pay(cards.pays)).status, 303)

      yield* ask(() =>
        stripe.customers.update(customer, { invoice_settings: { default_payment_method: "pm_card_visa" } }),
      )
      yield* local.advance("60 days")
      assert.strictEqual((yield* find).status, "active")
    }),
  )

  it.effect("waits 23 hours for a first payment", () =>
    Effect.gen(function* () {
      const { find, from, invoices, local, made } = yield* setUp(null)
      assert.strictEqual(made.status, "incomplete")
      assert.deepInclude((yield* invoices)[0], { status: "open", attempt_count: 1, next_payment_attempt: null })
      yield* local.advance("22 hours")
      assert.strictEqual((yield* find).status, "incomplete")
      yield* local.advance("1 hour")
      assert.strictEqual((yield* find).status, "incomplete_expired")
      assert.strictEqual((yield* invoices)[0]?.status, "void")
      assert.deepStrictEqual(typesFrom(local, from), ["invoice.voided", "customer.subscription.updated"])
    }),
  )

  it.effect("begins a subscription whose first payment comes in time", () =>
    Effect.gen(function* () {
      const { find, invoices, stripe } = yield* setUp(null)
      const [invoice] = yield* invoices
      yield* ask(() => stripe.invoices.pay(invoice?.id ?? "", { payment_method: "pm_card_visa" }))
      assert.strictEqual((yield* find).status, "active")
    }),
  )

  it.effect("ends what is to end, with its period or on a day, and not before", () =>
    Effect.gen(function* () {
      const { find, from, local, made, stripe } = yield* setUp("pm_card_visa")
      const asked = yield* ask(() => stripe.subscriptions.update(made.id, { cancel_at_period_end: true }))
      assert.deepInclude(asked, { cancel_at_period_end: true, cancel_at: 31 * day, canceled_at: 0, status: "active" })
      const kept = yield* ask(() => stripe.subscriptions.update(made.id, { cancel_at_period_end: false }))
      assert.deepInclude(kept, { cancel_at_period_end: false, cancel_at: null, canceled_at: null })
      yield* ask(() => stripe.subscriptions.update(made.id, { cancel_at: 40 * day }))
      const both = yield* refusalOf(() =>
        stripe.subscriptions.update(made.id, { cancel_at: "", cancel_at_period_end: false }),
      )
      assert.strictEqual(both.statusCode, 400)

      yield* local.advance("39 days")
      assert.deepInclude(yield* find, { status: "active", cancel_at: 40 * day })
      yield* local.advance("1 day")
      assert.deepInclude(yield* find, { status: "canceled", ended_at: 40 * day, canceled_at: 0 })
      assert.strictEqual(typesFrom(local, from).at(-1), "customer.subscription.deleted")
      const gone = yield* refusalOf(() => stripe.subscriptions.cancel(made.id))
      assert.deepInclude(gone, { statusCode: 404, code: "resource_missing" })
    }),
  )

  it.effect("charges nothing more once a subscription has ended", () =>
    Effect.gen(function* () {
      const { invoices, local, made, stripe } = yield* setUp("pm_card_visa")
      yield* local.advance("31 days")
      yield* ask(() => stripe.subscriptions.cancel(made.id))
      yield* local.advance("60 days")
      assert.deepInclude((yield* invoices)[0], { status: "draft", auto_advance: false })
      assert.lengthOf(yield* invoices, 2)
    }),
  )

  it.effect("stands still for a customer on a test clock, until that is advanced", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const price = yield* priceOf(stripe, "pro", 1000)
      const clock = yield* ask(() => stripe.testHelpers.testClocks.create({ frozen_time: 100 * day }))
      const customer = yield* ask(() =>
        stripe.customers.create({
          test_clock: clock.id,
          payment_method: "pm_card_visa",
          invoice_settings: { default_payment_method: "pm_card_visa" },
        }),
      )
      const made = yield* ask(() =>
        stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] }),
      )
      assert.deepInclude(made, { created: 100 * day, test_clock: clock.id })
      yield* local.advance("365 days")
      const before = local.events.length
      yield* ask(() => stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: 132 * day }))
      assert.deepStrictEqual(typesFrom(local, before), [
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
      ])
      const back = yield* refusalOf(() => stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: 1 }))
      assert.strictEqual(back.statusCode, 400)
    }),
  )

  it.effect("ends every subscription of a customer who is deleted", () =>
    Effect.gen(function* () {
      const { customer, find, from, local, stripe } = yield* setUp("pm_card_visa")
      yield* ask(() => stripe.customers.del(customer))
      assert.strictEqual((yield* find).status, "canceled")
      assert.deepStrictEqual(typesFrom(local, from), ["customer.subscription.deleted", "customer.deleted"])
      yield* local.advance("365 days")
      assert.strictEqual(typesFrom(local).at(-1), "customer.deleted")
    }),
  )
})
