import * as NodeServices from "@effect/platform-node/NodeServices"
import * as LocalStripe from "@belfry/testing/LocalStripe"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { TestClock } from "effect/testing"
import { ask, customerOf, priceOf, refusalOf, sdkOf, start, typesFrom } from "./support/localStripe.ts"

describe("the wire of the local Stripe", () => {
  it.effect("answers the SDK with what it made, changed and deleted", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const made = yield* ask(() =>
        stripe.customers.create({ email: "ada@example.com", name: "Ada", metadata: { a: "1", b: "2" } }),
      )
      assert.match(made.id, /^cus_/u)
      yield* ask(() => stripe.customers.update(made.id, { name: "Ada Lovelace", metadata: { b: "", c: "3" } }))

      const found = yield* ask(() => stripe.customers.retrieve(made.id))
      assert.isTrue(!found.deleted && found.name === "Ada Lovelace")
      assert.deepStrictEqual(found.deleted ? {} : found.metadata, { a: "1", c: "3" })

      yield* ask(() => stripe.customers.del(made.id))
      const gone = yield* ask(() => stripe.customers.retrieve(made.id))
      assert.deepInclude(gone, { id: made.id, object: "customer", deleted: true })
      assert.deepStrictEqual(typesFrom(local), ["customer.created", "customer.updated", "customer.deleted"])
    }),
  )

  it.effect("tells what an object was before it changed", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const { id } = yield* ask(() => stripe.customers.create({ name: "Ada" }))
      yield* ask(() => stripe.customers.update(id, { name: "Grace" }))
      yield* ask(() => stripe.customers.update(id, { name: "Grace" }))

      assert.deepStrictEqual(typesFrom(local), ["customer.created", "customer.updated"])
      assert.deepStrictEqual(local.events[1]?.data.previous_attributes, { name: "Ada" })
      assert.strictEqual(local.events[0]?.data.object["name"], "Ada")
      assert.strictEqual(local.events[1]?.data.object["name"], "Grace")
    }),
  )

  it.effect("finds a new customer by search only after a minute, and by address at once", () =>
    Effect.gen(function* () {
      const { stripe } = yield* start()
      const { id } = yield* ask(() =>
        stripe.customers.create({ email: "Ada@example.com", metadata: { belfry_customer: "it's \\ 1" } }),
      )
      const search = ask(() => stripe.customers.search({ query: "metadata['belfry_customer']:'it\\'s \\\\ 1'" }))
      assert.lengthOf((yield* search).data, 0)
      assert.lengthOf((yield* ask(() => stripe.customers.list({ email: "Ada@example.com" }))).data, 1)
      assert.lengthOf((yield* ask(() => stripe.customers.list({ email: "ada@example.com" }))).data, 0)

      yield* TestClock.adjust("59 seconds")
      assert.lengthOf((yield* search).data, 0)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        (yield* search).data.map((found) => found.id),
        [id],
      )
      const other = yield* ask(() => stripe.customers.search({ query: "metadata['belfry_customer']:'2'" }))
      assert.lengthOf(other.data, 0)
    }),
  )

  it.effect("gives lists page by page, newest first", () =>
    Effect.gen(function* () {
      const { stripe } = yield* start()
      for (let n = 0; n < 5; n += 1) yield* ask(() => stripe.customers.create({ name: String(n) }))

      const first = yield* ask(() => stripe.customers.list({ limit: 2 }))
      assert.isTrue(first.has_more)
      assert.deepStrictEqual(
        first.data.map(({ name }) => name),
        ["4", "3"],
      )
      const all = yield* ask(() => stripe.customers.list({ limit: 2 }).autoPagingToArray({ limit: 100 }))
      assert.deepStrictEqual(
        all.map(({ name }) => name),
        ["4", "3", "2", "1", "0"],
      )
      assert.strictEqual((yield* refusalOf(() => stripe.customers.list({ limit: 101 }))).statusCode, 400)
    }),
  )

  it.effect("finds prices by lookup key and id, and gives a key to one price alone", () =>
    Effect.gen(function* () {
      const { stripe } = yield* start()
      const month = yield* priceOf(stripe, "pro_month", 1200)
      yield* priceOf(stripe, "pro_year", 12_000, "year")

      const found = yield* ask(() => stripe.prices.list({ lookup_keys: ["pro_month", "none"] }))
      assert.deepStrictEqual(
        found.data.map(({ id }) => id),
        [month.id],
      )
      const expanded = yield* ask(() => stripe.prices.retrieve(month.id, { expand: ["product"] }))
      assert.isTrue(
        typeof expanded.product === "object" && !expanded.product.deleted && expanded.product.name === "pro_month",
      )

      const taken = yield* refusalOf(() =>
        stripe.prices.create({ currency: "eur", unit_amount: 1, lookup_key: "pro_month", product_data: { name: "x" } }),
      )
      assert.strictEqual(taken.statusCode, 400)
    }),
  )

  it.effect("refuses other keys, other versions, unknown parameters and what is not there", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const stranger = yield* refusalOf(() => sdkOf(local, { secretKey: "sk_test_other" }).customers.list())
      assert.strictEqual(stranger.statusCode, 401)

      const other = yield* refusalOf(() => stripe.customers.list({}, { apiVersion: "2024-06-20" }))
      assert.strictEqual(other.statusCode, 400)

      const missing = yield* refusalOf(() => stripe.customers.retrieve("cus_none"))
      assert.deepInclude(missing, { statusCode: 404, code: "resource_missing" })

      const unknown = yield* ask(() =>
        fetch(`${local.url}/v1/customers`, {
          method: "POST",
          headers: { authorization: `Bearer ${local.secretKey}` },
          body: new URLSearchParams({ nick: "a" }),
        }),
      )
      assert.strictEqual(unknown.status, 400)
      assert.include(yield* ask(() => unknown.text()), "parameter_unknown")
      assert.lengthOf(local.events, 0)
    }),
  )
})

describe("idempotency keys of the local Stripe", () => {
  it.effect("answer the same for a day, and refuse other parameters", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const create = (name: string) => () => stripe.customers.create({ name }, { idempotencyKey: "key" })

      const first = yield* ask(create("Ada"))
      yield* TestClock.adjust("23 hours")
      const second = yield* ask(create("Ada"))
      assert.strictEqual(second.id, first.id)
      assert.deepStrictEqual(
        local.calls.map(({ isReplay }) => isReplay),
        [false, true],
      )
      assert.strictEqual((yield* refusalOf(create("Grace"))).type, "StripeIdempotencyError")

      yield* TestClock.adjust("1 hour")
      assert.notStrictEqual((yield* ask(create("Grace"))).id, first.id)
    }),
  )

  it.effect("are in use while a request is answered", () =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start()
      const create = () => stripe.customers.create({ name: "Ada" }, { idempotencyKey: "key" })
      const inside: Array<Promise<number | undefined>> = []
      local.killPoints(async (_at, call) => {
        if (call.path !== "/v1/customers" || inside.length > 1) return
        const second = create().then(
          () => 200,
          (error: { readonly statusCode?: number }) => error.statusCode,
        )
        inside.push(second)
        await second
      })
      yield* ask(create)
      assert.deepStrictEqual(yield* ask(() => Promise.all(inside)), [409, 409])
      assert.deepStrictEqual(typesFrom(local), ["customer.created"])
      assert.strictEqual((yield* ask(create)).name, "Ada")
    }),
  )

  it.effect("keep what a bank refused, not what was asked for wrongly", () =>
    Effect.gen(function* () {
      const { stripe } = yield* start()
      const price = yield* priceOf(stripe, "pro", 1000)
      const { id: customer } = yield* customerOf(stripe, null)
      const subscribe =
        (idempotencyKey: string, given = price.id) =>
        () =>
          stripe.subscriptions.create(
            { customer, items: [{ price: given }], payment_behavior: "error_if_incomplete" },
            { idempotencyKey },
          )
      assert.strictEqual((yield* refusalOf(subscribe("declined"))).type, "StripeCardError")
      assert.strictEqual((yield* refusalOf(subscribe("wrong", "price_none"))).statusCode, 400)

      yield* ask(() =>
        stripe.customers.update(customer, { invoice_settings: { default_payment_method: "pm_card_visa" } }),
      )
      assert.strictEqual((yield* refusalOf(subscribe("declined"))).type, "StripeCardError")
      assert.strictEqual((yield* ask(subscribe("wrong"))).status, "active")
    }),
  )
})

describe("the seed of the local Stripe", () => {
  const history = (seed: number) =>
    Effect.gen(function* () {
      const { local, stripe } = yield* start({ seed })
      const price = yield* priceOf(stripe, "pro", 1000)
      const { id: customer } = yield* customerOf(stripe)
      yield* ask(() => stripe.subscriptions.create({ customer, items: [{ price: price.id }] }))
      yield* local.advance("40 days")
      return local.events.map(({ created, id, type }) => `${id} ${type} ${created}`)
    }).pipe(Effect.scoped)

  it.effect("decides ids and events: the same history is the same twice", () =>
    Effect.gen(function* () {
      const first = yield* history(1)
      assert.isAbove(first.length, 8)
      assert.deepStrictEqual(yield* history(1), first)
      assert.notDeepEqual(yield* history(2), first)
    }),
  )

  it.effect("and the state survive a restart, where there is a file", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = `${yield* fs.makeTempDirectoryScoped()}/stripe.json`
      const made = yield* Effect.scoped(
        Effect.gen(function* () {
          const { stripe } = yield* start({ file })
          return yield* ask(() => stripe.customers.create({ name: "Ada" }, { idempotencyKey: "key" }))
        }),
      )
      const { stripe } = yield* start({ file })
      assert.strictEqual(
        (yield* ask(() => stripe.customers.create({ name: "Ada" }, { idempotencyKey: "key" }))).id,
        made.id,
      )
      assert.notStrictEqual((yield* ask(() => stripe.customers.create({ name: "Eve" }))).id, made.id)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("is offered as a layer", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe.LocalStripe
      const made = yield* ask(() => sdkOf(local).customers.create({ name: "Ada" }))
      assert.strictEqual(made.name, "Ada")
    }).pipe(Effect.provide(LocalStripe.layer())),
  )
})
