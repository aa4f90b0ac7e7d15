import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import { BillingProviderError } from "@belfry/billing/BillingProviderError"
import { type BillingInterval, PlanName, type PriceRef } from "@belfry/billing/Plan"
import * as PlanCatalogue from "@belfry/billing/PlanCatalogue"
import * as Plans from "@belfry/billing/Plans"
import { type ProviderPrice, ProviderPriceId } from "@belfry/billing/ProviderSubscription"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"

const key = (lookupKey: string): PriceRef => ({ lookupKey })

const definition = BillingDefinition.define({
  features: ["export"],
  limits: ["projects"],
  plans: {
    pro: {
      title: "Pro",
      description: "For one",
      prices: { month: key("pro_month"), year: { id: "price_pro_year" } },
      features: ["export"],
      limits: { projects: null },
      trialDays: 14,
    },
    team: {
      title: "Team",
      audience: ["organization", "team"],
      prices: { month: key("team_month"), year: key("team_year") },
      seats: { prices: { month: key("seat_month") } },
      items: [{ prices: { month: key("support_month") }, quantity: 2 }],
    },
    Squad: {
      title: "Squad",
      audience: ["team"],
      prices: { month: key("squad_month") },
      seats: { minimum: 3 },
      items: [{ prices: { month: key("usage_month") }, quantity: null }],
    },
    twice: {
      title: "Twice",
      prices: { month: key("pro_month") },
      items: [{ prices: { month: key("pro_month") }, quantity: 4 }],
    },
    odd: { title: "Odd", prices: { month: key("pro_quarterly"), week: key("gone") } },
  },
})

/** What the provider has, and for what it was asked. */
class Shop extends Context.Service<
  Shop,
  { readonly prices: Map<string, ProviderPrice>; readonly asked: Array<ReadonlyArray<PriceRef>>; isAway: boolean }
>()("@belfry/billing/test/Plans/Shop") {}

const price = (name: string, amount: number | null, fields: Partial<ProviderPrice> = {}): ProviderPrice => ({
  id: ProviderPriceId.make(`price_${name}`),
  lookupKey: name,
  isActive: true,
  currency: "eur",
  amount,
  interval: name.endsWith("year") ? "year" : "month",
  isMetered: false,
  ...fields,
})

const layerShop = Layer.sync(Shop, () => ({
  prices: new Map(
    [
      price("pro_month", 1200),
      price("pro_year", 12_000, { lookupKey: null }),
      price("team_month", 2000),
      price("team_year", 20_000),
      price("seat_month", 800),
      price("support_month", 150),
      price("squad_month", 600),
      price("usage_month", null, { isMetered: true }),
      price("pro_quarterly", 3000, { interval: "year" }),
    ].map((each) => [each.id, each]),
  ),
  asked: [],
  isAway: false,
}))

const layerProvider = (isEnabled: boolean) =>
  Layer.unwrap(
    Effect.map(Shop, (shop) =>
      Layer.mock(BillingProvider)({
        isEnabled,
        isLive: false,
        findPrices: (refs) =>
          Effect.suspend(() => {
            shop.asked.push(refs)
            if (shop.isAway) return Effect.fail(away)
            const isNamed = ({ id, lookupKey }: ProviderPrice) =>
              refs.some((ref) => ("id" in ref ? ref.id === id : ref.lookupKey === lookupKey))
            return Effect.succeed([...shop.prices.values()].filter(isNamed))
          }),
      }),
    ),
  )

const away = new BillingProviderError({
  method: "findPrices",
  reason: "unavailable",
  code: null,
  requestId: null,
  cause: "test",
})

const services = (isEnabled = true) =>
  Effect.provide(
    Plans.layer.pipe(
      Layer.provideMerge(layerProvider(isEnabled)),
      Layer.provideMerge(Layer.merge(layerShop, PlanCatalogue.layer(definition))),
    ),
  )

const itemsOf = Effect.fnUntraced(function* (name: string, seats = 1, interval: BillingInterval = "month") {
  const plans = yield* Plans.Plans
  const plan = (yield* plans.find(PlanName.make(name))) ?? assert.fail()
  const items = yield* plans.items(plan, interval, seats)
  return items.map(({ priceId, quantity }) => [priceId.slice("price_".length), quantity])
})

describe("a list of plans", () => {
  it.effect("says what each costs in every interval in which it can be bought, in the order of the host", () =>
    Effect.gen(function* () {
      const { list } = yield* Plans.Plans
      const found = yield* list()
      const eur = { currency: "eur" }
      assert.deepStrictEqual<Readonly<Record<string, unknown>>>(
        Object.fromEntries(found.map(({ name, prices }) => [name, prices])),
        {
          pro: [
            { ...eur, interval: "month", amount: 1200, seatAmount: null },
            { ...eur, interval: "year", amount: 12_000, seatAmount: null },
          ],
          team: [{ ...eur, interval: "month", amount: 2300, seatAmount: 800 }],
          squad: [{ ...eur, interval: "month", amount: 0, seatAmount: 600 }],
          twice: [{ ...eur, interval: "month", amount: 6000, seatAmount: null }],
          odd: [],
        },
      )
      assert.deepStrictEqual<ReadonlyArray<string>>(
        found.map(({ name }) => name),
        ["pro", "team", "squad", "twice", "odd"],
      )
      const [pro = assert.fail(), team] = found
      assert.deepStrictEqual(
        { ...pro, prices: [] },
        {
          name: definition.plan("pro"),
          title: "Pro",
          description: "For one",
          group: pro.group,
          audience: ["user"],
          features: [definition.feature("export")],
          limits: { [definition.limit("projects")]: null },
          trialDays: 14,
          hasSeats: false,
          prices: [],
        },
      )
      assert.isTrue(team?.hasSeats)
    }).pipe(services()),
  )

  it.effect("has those that are sold to a kind of payer alone", () =>
    Effect.gen(function* () {
      const { list } = yield* Plans.Plans
      const names = Effect.map(list("team"), (found) => found.map(({ name }) => name))
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* names, ["team", "squad"])
    }).pipe(services()),
  )

  it.effect("asks the provider once in five minutes, for what is missing too", () =>
    Effect.gen(function* () {
      const { list } = yield* Plans.Plans
      const { asked } = yield* Shop
      yield* list()
      yield* list("user")
      yield* TestClock.adjust("299 seconds")
      yield* list()
      assert.strictEqual(asked.length, 1)
      yield* TestClock.adjust("1 second")
      yield* list()
      assert.strictEqual(asked.length, 2)
    }).pipe(services()),
  )

  it.effect("is empty where there is no provider, who is not asked", () =>
    Effect.gen(function* () {
      const { list } = yield* Plans.Plans
      assert.deepStrictEqual(yield* list(), [])
      assert.deepStrictEqual((yield* Shop).asked, [])
    }).pipe(services(false)),
  )

  it.effect("fails while the provider is away, and remembers nothing of it", () =>
    Effect.gen(function* () {
      const { list } = yield* Plans.Plans
      const shop = yield* Shop
      shop.isAway = true
      assert.deepInclude(yield* Effect.flip(list()), { reason: "unavailable" })
      shop.isAway = false
      assert.strictEqual((yield* list()).length, 5)
    }).pipe(services()),
  )
})

describe("a plan", () => {
  it.effect("is found by its name without regard to case", () =>
    Effect.gen(function* () {
      const { get } = yield* Plans.Plans
      const plan = yield* get({ name: "SQUAD", interval: "month", audience: "team" })
      assert.strictEqual(plan.title, "Squad")
    }).pipe(services()),
  )

  const cases = [
    ["is none of that name", { name: "gold", interval: "month", audience: "user" }, "plan"],
    ["is not sold to such payers", { name: "team", interval: "month", audience: "user" }, "plan"],
    ["is not sold in the interval", { name: "pro", interval: "week", audience: "user" }, "interval"],
    ["has no seats in the interval", { name: "team", interval: "year", audience: "team" }, "interval"],
  ] as const
  for (const [what, wish, reason] of cases) {
    it.effect(`that ${what} is not found: ${reason}`, () =>
      Effect.gen(function* () {
        const { get } = yield* Plans.Plans
        assert.deepInclude(yield* Effect.flip(get(wish)), { _tag: "PlanNotFound", reason })
      }).pipe(services()),
    )
  }

  it.effect("is the first of its name", () =>
    Effect.gen(function* () {
      const [first = assert.fail()] = definition.rules.plans
      const rules = { ...definition.rules, plans: [first, { ...first, title: "Second" }] }
      const catalogue = PlanCatalogue.layerEffect(Effect.succeed(rules))
      const all = Plans.Plans.use((plans) => plans.all).pipe(
        Effect.provide(
          Plans.layer.pipe(Layer.provide(layerProvider(true)), Layer.provide(Layer.merge(layerShop, catalogue))),
        ),
      )
      assert.deepStrictEqual(
        (yield* all).map(({ title }) => title),
        ["Pro"],
      )
    }),
  )
})

describe("the items of a subscription", () => {
  it.effect("are the plan's price, seats and what is sold along with it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* itemsOf("pro", 5), [["pro_month", 1]])
      assert.deepStrictEqual(yield* itemsOf("pro", 5, "year"), [["pro_year", 1]])
      assert.deepStrictEqual(yield* itemsOf("team", 5), [
        ["team_month", 1],
        ["seat_month", 5],
        ["support_month", 2],
      ])
      assert.deepStrictEqual(yield* itemsOf("squad", 5), [
        ["squad_month", 5],
        ["usage_month", null],
      ])
      assert.deepStrictEqual(yield* itemsOf("twice"), [["pro_month", 4]])
    }).pipe(services()),
  )

  it.effect("are asked for again at once when a price is missing or not sold, and remembered when it is", () =>
    Effect.gen(function* () {
      const { asked, prices } = yield* Shop
      const [pro = assert.fail()] = prices.values()
      yield* Plans.Plans.use(({ list }) => list())
      const count = asked.length
      yield* itemsOf("pro")
      assert.strictEqual(asked.length, count)
      yield* TestClock.adjust("5 minutes")
      prices.delete(pro.id)
      assert.deepInclude(yield* Effect.flip(itemsOf("pro")), { reason: "price" })
      prices.set(pro.id, { ...pro, isActive: false })
      assert.deepInclude(yield* Effect.flip(itemsOf("pro")), { reason: "price" })
      prices.set(pro.id, pro)
      assert.deepStrictEqual(yield* itemsOf("pro"), [["pro_month", 1]])
      assert.deepStrictEqual(asked.slice(count), [[key("pro_month")], [key("pro_month")], [key("pro_month")]])
    }).pipe(services()),
  )

  it.effect("are none where the price is paid in another interval", () =>
    Effect.gen(function* () {
      for (const interval of ["month", "week"] as const)
        assert.deepInclude(yield* Effect.flip(itemsOf("odd", 1, interval)), { reason: "price" })
    }).pipe(services()),
  )
})

it.effect("prices are found by their ids, also those that are sold no more", () =>
  Effect.gen(function* () {
    const { prices } = yield* Shop
    const [pro = assert.fail()] = prices.values()
    prices.set(pro.id, { ...pro, isActive: false })
    const found = yield* Plans.Plans.use((plans) => plans.prices([pro.id, ProviderPriceId.make("price_none")]))
    assert.deepStrictEqual([...found], [[pro.id, { ...pro, isActive: false }]])
  }).pipe(services()),
)
