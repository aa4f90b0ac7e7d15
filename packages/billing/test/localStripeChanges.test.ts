import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ask, customerOf, day, priceOf, refusalOf, start, typesFrom } from "./support/localStripe.ts"

/** A subscription of one seat at 31 EUR for January, which has 31 days. */
const setUp = (card: string | null = "pm_card_visa", trialDays?: number) =>
  Effect.gen(function* () {
    const { local, stripe } = yield* start()
    const price = yield* priceOf(stripe, "pro", 3100)
    const big = yield* priceOf(stripe, "big", 6200)
    const year = yield* priceOf(stripe, "year", 36_500, "year")
    const customer = yield* customerOf(stripe, card)
    const made = yield* ask(() =>
      stripe.subscriptions.create({
        customer: customer.id,
        items: [{ price: price.id }],
        ...(trialDays === undefined ? {} : { trial_period_days: trialDays }),
      }),
    )
    const item = made.items.data[0]?.id ?? ""
    const find = ask(() => stripe.subscriptions.retrieve(made.id))
    const invoices = Effect.map(
      ask(() => stripe.invoices.list({ customer: customer.id })),
      ({ data }) => data,
    )
    return {
      local,
      stripe,
      id: made.id,
      item,
      find,
      invoices,
      customer: customer.id,
      price: price.id,
      big: big.id,
      year: year.id,
      from: local.events.length,
    }
  })

describe("a change at the local Stripe", () => {
  it.effect("puts the difference for the rest of the period on the next invoice", () =>
    Effect.gen(function* () {
      const { find, id, invoices, item, local, stripe } = yield* setUp()
      yield* local.advance("21 days")
      yield* ask(() => stripe.subscriptions.update(id, { items: [{ id: item, quantity: 3 }] }))
      assert.strictEqual((yield* find).items.data[0]?.quantity, 3)
      assert.lengthOf(yield* invoices, 1)

      yield* local.advance("10 days")
      const [renewal] = yield* invoices
      // Ten days of one seat back, ten days of three, and a month of three.
      assert.deepStrictEqual(
        renewal?.lines.data.map(({ amount }) => amount),
        [-1000, 3000, 9300],
      )
      assert.strictEqual(renewal?.total, 11_300)
    }),
  )

  it.effect("invoices the difference at once, or not at all, where it is told so", () =>
    Effect.gen(function* () {
      const { find, from, id, invoices, item, local, stripe } = yield* setUp()
      yield* local.advance("21 days")
      yield* ask(() =>
        stripe.subscriptions.update(id, { items: [{ id: item, quantity: 2 }], proration_behavior: "always_invoice" }),
      )
      assert.deepInclude((yield* invoices)[0], { status: "paid", total: 1000, billing_reason: "subscription_update" })
      assert.deepStrictEqual(typesFrom(local, from), [
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
      ])
      yield* ask(() =>
        stripe.subscriptions.update(id, { items: [{ id: item, quantity: 9 }], proration_behavior: "none" }),
      )
      yield* local.advance("10 days")
      assert.strictEqual((yield* invoices)[0]?.total, 27_900)
      assert.strictEqual((yield* find).items.data[0]?.id, item)
    }),
  )

  it.effect("credits what became less, and uses that up", () =>
    Effect.gen(function* () {
      const { big, customer, id, invoices, item, local, price, stripe } = yield* setUp()
      yield* ask(() =>
        stripe.subscriptions.update(id, { items: [{ id: item, price: big }], proration_behavior: "always_invoice" }),
      )
      yield* ask(() =>
        stripe.subscriptions.update(id, { items: [{ id: item, price }], proration_behavior: "always_invoice" }),
      )
      assert.deepInclude((yield* invoices)[0], { total: -3100, amount_due: 0, status: "paid", ending_balance: -3100 })
      yield* local.advance("32 days")
      assert.deepInclude((yield* invoices)[0], { total: 3100, amount_due: 0, status: "paid", starting_balance: -3100 })
      const found = yield* ask(() => stripe.customers.retrieve(customer))
      assert.isTrue(!found.deleted && found.balance === 0)
    }),
  )

  it.effect("is undone whole where the bank declines and it is told to fail", () =>
    Effect.gen(function* () {
      const { big, customer, find, from, id, item, local, stripe } = yield* setUp()
      yield* ask(() =>
        stripe.customers.update(customer, {
          invoice_settings: { default_payment_method: "pm_card_chargeCustomerFail" },
        }),
      )
      const before = yield* find
      const change = (payment_behavior: "error_if_incomplete" | "allow_incomplete") => () =>
        stripe.subscriptions.update(id, {
          items: [{ id: item, price: big }],
          proration_behavior: "always_invoice",
          payment_behavior,
        })
      const refusal = yield* refusalOf(change("error_if_incomplete"))
      assert.deepInclude(refusal, { statusCode: 402, type: "StripeCardError", decline_code: "generic_decline" })
      assert.deepStrictEqual(JSON.stringify(yield* find), JSON.stringify(before))
      assert.deepStrictEqual(typesFrom(local, from), ["customer.updated"])

      const changed = yield* ask(change("allow_incomplete"))
      assert.strictEqual(changed.status, "past_due")
      assert.strictEqual(changed.items.data[0]?.price.id, big)
    }),
  )

  it.effect("to another interval begins a new period now, and gives the rest of the old one back", () =>
    Effect.gen(function* () {
      const { find, id, invoices, item, local, stripe, year } = yield* setUp()
      yield* local.advance("21 days")
      yield* ask(() => stripe.subscriptions.update(id, { items: [{ id: item, price: year }] }))
      assert.deepInclude(yield* find, { billing_cycle_anchor: 21 * day, status: "active" })
      assert.deepInclude((yield* find).items.data[0], {
        current_period_start: 21 * day,
        current_period_end: (21 + 365) * day,
      })
      assert.deepStrictEqual(
        (yield* invoices)[0]?.lines.data.map(({ amount }) => amount),
        [-1000, 36_500],
      )
    }),
  )

  it.effect("costs nothing while a trial runs, which goes on", () =>
    Effect.gen(function* () {
      const { find, id, invoices, item, local, stripe, year } = yield* setUp("pm_card_visa", 14)
      yield* ask(() =>
        stripe.subscriptions.update(id, { items: [{ id: item, price: year }], proration_behavior: "always_invoice" }),
      )
      assert.deepInclude(yield* find, { status: "trialing", trial_end: 14 * day })
      assert.lengthOf(yield* invoices, 1)
      yield* local.advance("15 days")
      assert.deepInclude((yield* invoices)[0], { total: 36_500, status: "paid" })
      assert.strictEqual((yield* find).items.data[0]?.current_period_end, (14 + 365) * day)
    }),
  )

  it.effect("adds and takes off items, and keeps the ids of the others", () =>
    Effect.gen(function* () {
      const { big, find, id, item, price, stripe } = yield* setUp()
      yield* ask(() => stripe.subscriptions.update(id, { items: [{ price: big, quantity: 4 }] }))
      const both = (yield* find).items.data
      assert.deepStrictEqual(
        both.map(({ price, quantity }) => [price.id, quantity]),
        [
          [price, 1],
          [big, 4],
        ],
      )
      yield* ask(() => stripe.subscriptions.update(id, { items: [{ id: item, deleted: true }] }))
      assert.deepStrictEqual(
        (yield* find).items.data.map((left) => left.id),
        [both[1]?.id],
      )
      const listed = yield* ask(() => stripe.subscriptionItems.list({ subscription: id }))
      assert.lengthOf(listed.data, 1)
    }),
  )

  it.effect("is refused where it makes no sense, and nothing happens", () =>
    Effect.gen(function* () {
      const { find, id, item, price, stripe, year } = yield* setUp()
      const before = JSON.stringify(yield* find)
      const wishes = [
        [{ id: "si_none", quantity: 1 }],
        [{ price }],
        [{ price: year }],
        [{ id: item, deleted: true }],
        [{ id: item, price: "price_none" }],
      ]
      for (const items of wishes) {
        assert.strictEqual((yield* refusalOf(() => stripe.subscriptions.update(id, { items }))).statusCode, 400)
      }
      assert.strictEqual(JSON.stringify(yield* find), before)
      yield* ask(() => stripe.subscriptions.cancel(id))
      assert.strictEqual(
        (yield* refusalOf(() => stripe.subscriptions.update(id, { items: [{ id: item, quantity: 2 }] }))).statusCode,
        400,
      )
      assert.deepInclude(yield* ask(() => stripe.subscriptions.update(id, { metadata: { a: "1" } })), {
        metadata: { a: "1" },
      })
    }),
  )
})

describe("a schedule at the local Stripe", () => {
  const scheduled = (trialDays?: number, next: "big" | "year" | "pro" = "year") =>
    Effect.gen(function* () {
      const world = yield* setUp("pm_card_visa", trialDays)
      const { id, price, stripe } = world
      const created = yield* ask(() => stripe.subscriptionSchedules.create({ from_subscription: id }))
      const [phase] = created.phases
      const wanted = { big: world.big, year: world.year, pro: world.price }[next]
      const updated = yield* ask(() =>
        stripe.subscriptionSchedules.update(created.id, {
          end_behavior: "release",
          metadata: { managed_by: "belfry" },
          phases: [
            {
              items: [{ price, quantity: 1 }],
              start_date: phase?.start_date ?? 0,
              end_date: phase?.end_date ?? 0,
              ...(trialDays === undefined ? {} : { trial_end: phase?.trial_end ?? 0 }),
            },
            {
              items: [{ price: wanted, quantity: 2 }],
              start_date: phase?.end_date ?? 0,
              duration: { interval: next === "year" ? "year" : "month" },
              proration_behavior: "none",
            },
          ],
        }),
      )
      return { ...world, schedule: updated }
    })

  it.effect("changes the subscription when its phase begins, and leaves it when it is through", () =>
    Effect.gen(function* () {
      const { find, from, id, invoices, local, schedule, stripe, year } = yield* scheduled()
      const before = yield* ask(() => stripe.subscriptions.retrieve(id, { expand: ["schedule"] }))
      assert.isTrue(typeof before.schedule === "object" && before.schedule?.phases.length === 2)
      assert.deepStrictEqual(typesFrom(local, from), [
        "subscription_schedule.created",
        "customer.subscription.updated",
        "subscription_schedule.updated",
      ])

      yield* local.advance("31 days")
      const changed = yield* find
      assert.deepInclude(changed.items.data[0], {
        quantity: 2,
        current_period_start: 31 * day,
        current_period_end: (31 + 365) * day,
      })
      assert.strictEqual(changed.items.data[0]?.price.id, year)
      assert.strictEqual(changed.schedule, schedule.id)
      yield* local.advance("1 hour")
      assert.deepInclude((yield* invoices)[0], { status: "paid", total: 73_000 })

      yield* local.advance("365 days")
      assert.isNull((yield* find).schedule)
      assert.strictEqual((yield* ask(() => stripe.subscriptionSchedules.retrieve(schedule.id))).status, "completed")
      assert.include(typesFrom(local), "subscription_schedule.completed")
    }),
  )

  it.effect("keeps a trial, and begins after it", () =>
    Effect.gen(function* () {
      const { big, find, invoices, local } = yield* scheduled(14, "big")
      assert.deepInclude(yield* find, { status: "trialing", trial_end: 14 * day })
      yield* local.advance("14 days")
      const changed = yield* find
      assert.strictEqual(changed.status, "active")
      assert.strictEqual(changed.items.data[0]?.price.id, big)
      yield* local.advance("1 hour")
      assert.deepInclude((yield* invoices)[0], { status: "paid", total: 12_400 })
    }),
  )

  it.effect("that is released leaves the subscription as it is", () =>
    Effect.gen(function* () {
      const { find, id, local, price, schedule, stripe } = yield* scheduled()
      const released = yield* ask(() => stripe.subscriptionSchedules.release(schedule.id))
      assert.deepInclude(released, { status: "released", released_subscription: id, subscription: null })
      assert.isNull((yield* find).schedule)
      yield* local.advance("40 days")
      assert.strictEqual((yield* find).items.data[0]?.price.id, price)
      assert.strictEqual((yield* refusalOf(() => stripe.subscriptionSchedules.release(schedule.id))).statusCode, 400)
    }),
  )

  it.effect("is one for a subscription, and alone decides when that ends", () =>
    Effect.gen(function* () {
      const { find, id, schedule, stripe } = yield* scheduled()
      const second = yield* refusalOf(() => stripe.subscriptionSchedules.create({ from_subscription: id }))
      const end = yield* refusalOf(() => stripe.subscriptions.update(id, { cancel_at_period_end: true }))
      assert.deepStrictEqual([second.statusCode, end.statusCode], [400, 400])

      yield* ask(() => stripe.subscriptions.cancel(id))
      assert.strictEqual((yield* ask(() => stripe.subscriptionSchedules.retrieve(schedule.id))).status, "canceled")
      assert.strictEqual((yield* find).status, "canceled")
    }),
  )

  it.effect("that is put on what was to end still ends it, until it is told otherwise", () =>
    Effect.gen(function* () {
      const { find, id, local, stripe } = yield* setUp()
      yield* ask(() => stripe.subscriptions.update(id, { cancel_at_period_end: true }))
      const schedule = yield* ask(() => stripe.subscriptionSchedules.create({ from_subscription: id }))
      assert.strictEqual(schedule.end_behavior, "cancel")
      assert.deepInclude(yield* find, { cancel_at: 31 * day })
      yield* ask(() => stripe.subscriptionSchedules.update(schedule.id, { end_behavior: "release" }))
      assert.deepInclude(yield* find, { cancel_at: null, canceled_at: null })
      yield* ask(() => stripe.subscriptionSchedules.update(schedule.id, { end_behavior: "cancel" }))
      yield* local.advance("31 days")
      assert.strictEqual((yield* find).status, "canceled")
    }),
  )

  it.effect("must follow on from the current phase", () =>
    Effect.gen(function* () {
      const { big, id, stripe } = yield* setUp()
      const { id: schedule } = yield* ask(() => stripe.subscriptionSchedules.create({ from_subscription: id }))
      const items = [{ price: big, quantity: 1 }]
      for (const phases of [
        [{ items, start_date: 5, end_date: 31 * day }],
        [
          { items, start_date: 0, end_date: 31 * day },
          { items, start_date: 32 * day, end_date: 33 * day },
        ],
        [{ items, start_date: 0, end_date: 0 }],
        [{ items: [], start_date: 0, end_date: 31 * day }],
      ]) {
        assert.strictEqual(
          (yield* refusalOf(() => stripe.subscriptionSchedules.update(schedule, { phases }))).statusCode,
          400,
        )
      }
    }),
  )
})
