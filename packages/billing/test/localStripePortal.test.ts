import { cards } from "@belfry/testing/LocalStripe"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ask, customerOf, day, priceOf, refusalOf, start } from "./support/localStripe.ts"

const setUp = Effect.gen(function* () {
  const { local, stripe } = yield* start()
  const price = yield* priceOf(stripe, "pro", 1000)
  const big = yield* priceOf(stripe, "big", 2000)
  const { id: customer } = yield* customerOf(stripe)
  const made = yield* ask(() => stripe.subscriptions.create({ customer, items: [{ price: price.id }] }))
  return {
    local,
    stripe,
    customer,
    id: made.id,
    item: made.items.data[0]?.id ?? "",
    price: price.id,
    big: big.id,
    find: ask(() => stripe.subscriptions.retrieve(made.id)),
  }
})

const back = { after_completion: { type: "redirect" as const, redirect: { return_url: "https://a.example/done" } } }

describe("the portal of the local Stripe", () => {
  it.effect("cancels: the subscription ends on the last day of its period", () =>
    Effect.gen(function* () {
      const { customer, find, id, local, stripe } = yield* setUp
      const open = () =>
        stripe.billingPortal.sessions.create({
          customer,
          return_url: "https://a.example",
          flow_data: { type: "subscription_cancel", subscription_cancel: { subscription: id }, ...back },
        })
      const { url } = yield* ask(open)
      assert.include(yield* ask(() => fetch(url).then((page) => page.text())), "It ends on 1970-02-01")
      assert.strictEqual(yield* local.submitPortal(url), "https://a.example/done")
      assert.deepInclude(yield* find, { cancel_at: 31 * day, cancel_at_period_end: false, status: "active" })
      assert.strictEqual(yield* local.submitPortal(url), "https://a.example/done")
      assert.strictEqual((yield* refusalOf(open)).statusCode, 400)
    }),
  )

  it.effect("confirms a change of one item, and invoices it at once", () =>
    Effect.gen(function* () {
      const { big, customer, find, id, item, local, price, stripe } = yield* setUp
      const open = (wanted: string) => () =>
        stripe.billingPortal.sessions.create({
          customer,
          flow_data: {
            type: "subscription_update_confirm",
            subscription_update_confirm: { subscription: id, items: [{ id: item, price: wanted, quantity: 1 }] },
            ...back,
          },
        })
      const { url } = yield* ask(open(big))
      assert.include(yield* ask(() => fetch(url).then((page) => page.text())), "big: 1 × €20.00")
      yield* local.submitPortal(url)
      yield* local.submitPortal(url)
      assert.strictEqual((yield* find).items.data[0]?.price.id, big)
      const [invoice] = (yield* ask(() => stripe.invoices.list({ customer }))).data
      assert.deepInclude(invoice, { total: 1000, status: "paid" })
      assert.lengthOf((yield* ask(() => stripe.invoices.list({ customer }))).data, 2)

      assert.strictEqual((yield* refusalOf(open(big))).statusCode, 400)
      yield* ask(() => stripe.subscriptionSchedules.create({ from_subscription: id }))
      assert.strictEqual((yield* refusalOf(open(price))).statusCode, 400)
    }),
  )

  it.effect("changes the card, which pays from then on", () =>
    Effect.gen(function* () {
      const { customer, find, local, stripe } = yield* setUp
      const { url } = yield* ask(() =>
        stripe.billingPortal.sessions.create({ customer, flow_data: { type: "payment_method_update", ...back } }),
      )
      assert.isUndefined(yield* local.submitPortal(url, { card: cards.declined }))
      yield* local.submitPortal(url, { card: cards.failsLater })
      yield* local.advance("32 days")
      assert.strictEqual((yield* find).status, "past_due")
      yield* local.submitPortal(url, { card: cards.pays })
      yield* local.advance("1 day")
      assert.strictEqual((yield* find).status, "active")
    }),
  )

  it.effect("shows subscriptions, card and invoices at home, and cancels and takes that back there", () =>
    Effect.gen(function* () {
      const { customer, find, id, local, stripe } = yield* setUp
      const { url } = yield* ask(() =>
        stripe.billingPortal.sessions.create({ customer, return_url: "https://a.example" }),
      )
      const html = yield* ask(() => fetch(url).then((page) => page.text()))
      for (const part of ["Renews on 1970-02-01", "Ends in 4242", "€10.00", "https://a.example"])
        assert.include(html, part)
      assert.strictEqual(yield* local.submitPortal(url, { action: "cancel", subscription: id }), url)
      assert.strictEqual((yield* find).cancel_at, 31 * day)
      yield* local.submitPortal(url, { action: "restore", subscription: id })
      assert.isNull((yield* find).cancel_at)
      assert.isUndefined(yield* local.submitPortal(url, { action: "delete" }))
    }),
  )

  it.effect("touches no subscription of somebody else", () =>
    Effect.gen(function* () {
      const { find, id, local, stripe } = yield* setUp
      const { id: other } = yield* customerOf(stripe)
      const refusal = yield* refusalOf(() =>
        stripe.billingPortal.sessions.create({
          customer: other,
          flow_data: { type: "subscription_cancel", subscription_cancel: { subscription: id } },
        }),
      )
      assert.strictEqual(refusal.statusCode, 400)
      const { url } = yield* ask(() => stripe.billingPortal.sessions.create({ customer: other }))
      assert.isUndefined(yield* local.submitPortal(url, { action: "cancel", subscription: id }))
      assert.isNull((yield* find).cancel_at)
    }),
  )
})
