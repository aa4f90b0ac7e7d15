import { cards } from "@belfry/testing/LocalStripe"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Stripe } from "stripe"
import { ask, customerOf, day, priceOf, refusalOf, start, typesFrom } from "./support/localStripe.ts"

const open = (
  stripe: Stripe,
  price: string,
  customer: string,
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
) =>
  ask(() =>
    stripe.checkout.sessions.create({
      mode: "subscription",
      customer,
      line_items: [{ price, quantity: 2 }],
      success_url: "https://example.com/done?session={CHECKOUT_SESSION_ID}",
      cancel_url: "https://example.com/plans",
      metadata: { belfry_operation: "op" },
      subscription_data: { metadata: { belfry_customer: "c" } },
      ...more,
    }),
  )

const setUp = Effect.gen(function* () {
  const { local, stripe } = yield* start()
  const price = yield* priceOf(stripe, "pro", 1000)
  const customer = yield* customerOf(stripe, null)
  return { local, stripe, price: price.id, customer: customer.id, from: local.events.length }
})

describe("a checkout of the local Stripe", () => {
  it.effect("that is paid makes a subscription, and tells it in Stripe's order", () =>
    Effect.gen(function* () {
      const { customer, from, local, price, stripe } = yield* setUp
      const session = yield* open(stripe, price, customer)
      assert.strictEqual(session.status, "open")
      assert.strictEqual(session.amount_total, 2000)

      const target = yield* local.pay(session.url ?? "")
      assert.strictEqual(target, `https://example.com/done?session=${session.id}`)
      assert.deepStrictEqual(typesFrom(local, from), [
        "customer.updated",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "customer.subscription.created",
        "checkout.session.completed",
      ])

      const done = yield* ask(() =>
        stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription.latest_invoice"] }),
      )
      assert.strictEqual(done.status, "complete")
      assert.isNull(done.url)
      const subscription = typeof done.subscription === "object" ? done.subscription : null
      assert.deepInclude(subscription, { status: "active", customer })
      assert.deepStrictEqual(subscription?.metadata, { belfry_customer: "c" })
      assert.strictEqual(subscription?.items.data[0]?.quantity, 2)
      assert.strictEqual(subscription?.items.data[0]?.current_period_end, 31 * day)
      const invoice = typeof subscription?.latest_invoice === "object" ? subscription.latest_invoice : null
      assert.deepInclude(invoice, { status: "paid", amount_paid: 2000, billing_reason: "subscription_create" })
    }),
  )

  it.effect("that is sent twice makes one subscription", () =>
    Effect.gen(function* () {
      const { customer, local, price, stripe } = yield* setUp
      const session = yield* open(stripe, price, customer)
      const [first, second] = [yield* local.pay(session.id), yield* local.pay(session.id)]
      assert.strictEqual(first, second)
      assert.lengthOf((yield* ask(() => stripe.subscriptions.list({ customer }))).data, 1)
    }),
  )

  it.effect("that is declined stays open, and nothing is made", () =>
    Effect.gen(function* () {
      const { customer, from, local, price, stripe } = yield* setUp
      const session = yield* open(stripe, price, customer)
      assert.isUndefined(yield* local.pay(session.id, cards.declined))
      assert.isUndefined(yield* local.pay(session.id, cards.failsLater))
      assert.isUndefined(yield* local.pay(session.id, "12"))
      assert.deepStrictEqual(typesFrom(local, from), [])
      assert.strictEqual((yield* ask(() => stripe.checkout.sessions.retrieve(session.id))).status, "open")
      assert.isDefined(yield* local.pay(session.id))
    }),
  )

  it.effect("with a trial takes a card and no money", () =>
    Effect.gen(function* () {
      const { customer, local, price, stripe } = yield* setUp
      const session = yield* open(stripe, price, customer, { subscription_data: { trial_period_days: 14 } })
      yield* local.pay(session.id, cards.failsLater)
      const [subscription] = (yield* ask(() =>
        stripe.subscriptions.list({ customer, expand: ["data.latest_invoice"] }),
      )).data
      assert.deepInclude(subscription, { status: "trialing", trial_start: 0, trial_end: 14 * day })
      assert.strictEqual(subscription?.items.data[0]?.current_period_end, 14 * day)
      const invoice = typeof subscription?.latest_invoice === "object" ? subscription.latest_invoice : null
      assert.deepInclude(invoice, { status: "paid", total: 0 })
    }),
  )

  it.effect("is closed when it is asked to, or when its time is over, and cannot be paid then", () =>
    Effect.gen(function* () {
      const { customer, from, local, price, stripe } = yield* setUp
      const closed = yield* open(stripe, price, customer)
      const late = yield* open(stripe, price, customer, { expires_at: 1800 })
      assert.strictEqual((yield* ask(() => stripe.checkout.sessions.expire(closed.id))).status, "expired")
      assert.strictEqual((yield* refusalOf(() => stripe.checkout.sessions.expire(closed.id))).statusCode, 400)

      yield* TestClock.adjust("30 minutes")
      assert.isUndefined(yield* local.pay(late.id))
      assert.isUndefined(yield* local.pay(closed.id))
      assert.deepStrictEqual(typesFrom(local, from), ["checkout.session.expired", "checkout.session.expired"])
    }),
  )

  it.effect("must end between half an hour and a day from now", () =>
    Effect.gen(function* () {
      const { customer, price, stripe } = yield* setUp
      for (const expires of [1700, day + 100]) {
        const refusal = yield* refusalOf(() =>
          stripe.checkout.sessions.create({
            mode: "subscription",
            customer,
            line_items: [{ price, quantity: 1 }],
            success_url: "https://example.com",
            expires_at: expires,
          }),
        )
        assert.deepInclude(refusal, { statusCode: 400, param: "expires_at" })
      }
    }),
  )

  it.effect("refuses prices that are not sold, quantities of measured ones, and other intervals together", () =>
    Effect.gen(function* () {
      const { customer, price, stripe } = yield* setUp
      const year = yield* priceOf(stripe, "year", 100, "year")
      const old = yield* priceOf(stripe, "old", 100)
      yield* ask(() => stripe.prices.update(old.id, { active: false }))
      const metered = yield* ask(() =>
        stripe.prices.create({
          currency: "eur",
          unit_amount: 1,
          recurring: { interval: "month", usage_type: "metered" },
          product_data: { name: "usage" },
        }),
      )
      const wishes = [
        [{ price: "price_none", quantity: 1 }],
        [{ price: old.id, quantity: 1 }],
        [{ price: metered.id, quantity: 1 }],
        [
          { price, quantity: 1 },
          { price: year.id, quantity: 1 },
        ],
      ]
      for (const line_items of wishes) {
        const refusal = yield* refusalOf(() =>
          stripe.checkout.sessions.create({
            mode: "subscription",
            customer,
            line_items,
            success_url: "https://a.example",
          }),
        )
        assert.strictEqual(refusal.statusCode, 400)
      }
      const session = yield* open(stripe, price, customer, {
        line_items: [{ price, quantity: 1 }, { price: metered.id }],
      })
      assert.strictEqual(session.amount_total, 1000)
    }),
  )
})

describe("the page of a checkout", () => {
  const send = (url: string, form?: Record<string, string>) =>
    ask(() =>
      fetch(url, form === undefined ? {} : { method: "POST", body: new URLSearchParams(form), redirect: "manual" }),
    )

  it.effect("shows what is due, takes a card, and sends the browser on", () =>
    Effect.gen(function* () {
      const { customer, price, stripe } = yield* setUp
      const { id, url } = yield* open(stripe, price, customer, { subscription_data: { trial_period_days: 14 } })
      const shown = yield* send(url ?? "")
      const html = yield* ask(() => shown.text())
      for (const part of [
        "2 × €10.00",
        "14 days free",
        "€0.00",
        'autocomplete="cc-number"',
        "https://example.com/plans",
      ]) {
        assert.include(html, part)
      }
      const refused = yield* send(url ?? "", { card: cards.declined })
      assert.strictEqual(refused.status, 402)
      assert.include(yield* ask(() => refused.text()), "Your card was declined.")

      const paid = yield* send(url ?? "", { card: "4242 4242 4242 4242" })
      assert.strictEqual(paid.status, 303)
      assert.strictEqual(paid.headers.get("location"), `https://example.com/done?session=${id}`)
      assert.include(
        yield* ask(() =>
          send(url ?? "")
            .pipe(Effect.runPromise)
            .then((page) => page.text()),
        ),
        "complete",
      )
    }),
  )

  it.effect("shows names as text", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const price = yield* priceOf(stripe, '<script>"&', 1000)
      const customer = yield* customerOf(stripe, null)
      const { url } = yield* open(stripe, price.id, customer.id)
      const html = yield* ask(() => fetch(url ?? "").then((page) => page.text()))
      assert.include(html, "&lt;script&gt;&quot;&amp;")
      assert.notInclude(html, "<script>")
      assert.strictEqual((yield* send(`${local.url}/checkout/none`)).status, 404)
      assert.strictEqual((yield* send(`${local.url}/elsewhere`)).status, 404)
    }),
  )
})
