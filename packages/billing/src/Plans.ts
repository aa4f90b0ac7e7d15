/**
 * Plans with their prices: what the catalogue says, and what the provider asks for it.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError } from "./BillingProviderError.ts"
import * as Prices from "./internal/prices.ts"
import type { PayerKind } from "./Payer.ts"
import {
  BillingInterval,
  type IntervalPrices,
  type Plan,
  type PlanName,
  PlanNotFound,
  type PlanPrice,
  type PlanView,
  type PriceRef,
} from "./Plan.ts"
import { PlanCatalogue } from "./PlanCatalogue.ts"
import type { DesiredItem, ProviderPrice, ProviderPriceId } from "./ProviderSubscription.ts"

/**
 * A price that a plan names, as the provider has it. `fault`: why nobody can buy by it; there is no such price, it is
 * not sold any more, or it is for another interval.
 *
 * @category models
 * @since 0.1.0
 */
export interface PlanPriceFinding {
  readonly plan: PlanName
  readonly interval: BillingInterval
  readonly ref: PriceRef
  readonly price: ProviderPrice | null
  readonly fault: "missing" | "inactive" | "interval" | null
}

/**
 * Plans with their prices. Prices are remembered for 5 minutes; of what is bought, one that is missing is asked for
 * again at once.
 *
 * @category services
 * @since 0.1.0
 */
export class Plans extends Context.Service<
  Plans,
  {
    /**
     * The plans that are sold to such payers, in the order of the catalogue, with what they cost. None where there is
     * no provider.
     */
    readonly list: (audience?: PayerKind) => Effect.Effect<ReadonlyArray<PlanView>, BillingProviderError | StoreError>
    /** A plan by name without regard to case, that is sold to such payers in this interval. */
    readonly get: (options: {
      readonly name: string
      readonly interval: BillingInterval
      readonly audience: PayerKind
    }) => Effect.Effect<Plan, PlanNotFound | StoreError>
    readonly find: (name: PlanName) => Effect.Effect<Plan | undefined, StoreError>
    /** Every plan, for telling what a subscription is. */
    readonly all: Effect.Effect<ReadonlyArray<Plan>, StoreError>
    /**
     * What a subscription to this has: the plan's price (1, or `seats` where it is the price of a seat), the price of
     * seats, further items. Measured ones have no quantity; of items with the same price the last counts.
     */
    readonly items: (
      plan: Plan,
      interval: BillingInterval,
      seats: number,
    ) => Effect.Effect<ReadonlyArray<DesiredItem>, PlanNotFound | BillingProviderError>
    readonly prices: (
      ids: ReadonlyArray<ProviderPriceId>,
    ) => Effect.Effect<ReadonlyMap<ProviderPriceId, ProviderPrice>, BillingProviderError>
    /** Every price that plans name, as the provider has it, for whoever sets both up. */
    readonly inspect: Effect.Effect<ReadonlyArray<PlanPriceFinding>, BillingProviderError | StoreError>
  }
>()("@belfry/billing/Plans") {}

/**
 * Builds the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const catalogue = yield* PlanCatalogue
  const provider = yield* BillingProvider
  const prices = yield* Prices.make

  const all = Effect.map(catalogue.rules, ({ plans }) =>
    plans.filter((plan, place) => plans.findIndex(({ name }) => name === plan.name) === place),
  )
  const find = (name: string) => Effect.map(all, (plans) => plans.find((plan) => plan.name === name))

  return Plans.of({
    all,
    find,
    list: Effect.fn("Plans.list")(function* (audience) {
      if (!provider.isEnabled) return []
      const plans = (yield* all).filter((plan) => audience === undefined || plan.audience.includes(audience))
      const refs = plans.flatMap((plan) => BillingInterval.literals.flatMap((interval) => refsOf(plan, interval) ?? []))
      const found = yield* prices.remembered(refs.map(({ ref }) => ref))
      return plans.map((plan) => toView(plan, found))
    }),
    get: Effect.fn("Plans.get")(function* ({ audience, interval, name }) {
      const plan = yield* find(name.toLowerCase())
      if (plan === undefined || !plan.audience.includes(audience)) return yield* new PlanNotFound({ reason: "plan" })
      if (refsOf(plan, interval) === null) return yield* new PlanNotFound({ reason: "interval" })
      return plan
    }),
    items: Effect.fn("Plans.items")(function* (plan, interval, seats) {
      const refs = refsOf(plan, interval)
      if (refs === null) return yield* new PlanNotFound({ reason: "interval" })
      const found = yield* prices.current(refs.map(({ ref }) => ref))
      const items = new Map<ProviderPriceId, DesiredItem>()
      for (const { quantity, ref } of refs) {
        const price = sold(found(ref), interval)
        if (price === undefined) return yield* new PlanNotFound({ reason: "price" })
        const count = quantity === "seats" ? seats : quantity
        items.set(price.id, { priceId: price.id, quantity: price.isMetered ? null : count })
      }
      return [...items.values()]
    }),
    prices: Effect.fn("Plans.prices")(function* (ids) {
      const found = yield* prices.current(ids.map((id) => ({ id })))
      return new Map(
        ids.flatMap((id) => {
          const price = found({ id })
          return price === undefined ? [] : [[id, price] as const]
        }),
      )
    }),
    inspect: Effect.gen(function* () {
      const named = (yield* all).flatMap((plan) =>
        BillingInterval.literals.flatMap((interval) =>
          (refsOf(plan, interval) ?? []).map(({ ref }) => ({ plan: plan.name, interval, ref })),
        ),
      )
      const found = yield* prices.current(named.map(({ ref }) => ref))
      return named.map(({ interval, plan, ref }) => {
        const price = found(ref)
        return { plan, interval, ref, price: price ?? null, fault: faultOf(price, interval) }
      })
    }).pipe(Effect.withSpan("Plans.inspect")),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Plans, never, BillingProvider> = Layer.effect(Plans, make)

// internal

/** A price of a plan, and how much of it there is. */
interface PlanRef {
  readonly ref: PriceRef
  readonly quantity: number | "seats" | null
}

/** Every price of a plan in an interval, its own first; null: it is not sold so. */
const refsOf = ({ items, prices, seats }: Plan, interval: BillingInterval): ReadonlyArray<PlanRef> | null => {
  const wanted: ReadonlyArray<readonly [IntervalPrices, PlanRef["quantity"]]> = [
    [prices, seats !== null && seats.prices === null ? "seats" : 1],
    ...(seats === null || seats.prices === null ? [] : [[seats.prices, "seats"] as const]),
    ...items.map((item) => [item.prices, item.quantity] as const),
  ]
  const refs = wanted.flatMap(([of, quantity]) => {
    const ref = of[interval]
    return ref === undefined ? [] : [{ ref, quantity }]
  })
  return refs.length === wanted.length ? refs : null
}

/** Why nothing can be bought by a price in an interval, of which a subscription has one; null: it can. */
const faultOf = (price: ProviderPrice | undefined, interval: BillingInterval): PlanPriceFinding["fault"] => {
  if (price === undefined) return "missing"
  if (!price.isActive) return "inactive"
  return price.interval === interval ? null : "interval"
}

const sold = (price: ProviderPrice | undefined, interval: BillingInterval): ProviderPrice | undefined =>
  faultOf(price, interval) === null ? price : undefined

const toView = (plan: Plan, found: Prices.Found): PlanView => ({
  name: plan.name,
  title: plan.title,
  description: plan.description,
  group: plan.group,
  audience: plan.audience,
  features: plan.features,
  limits: plan.limits,
  trialDays: plan.trialDays,
  hasSeats: plan.seats !== null,
  prices: BillingInterval.literals.flatMap((interval) => priceOf(refsOf(plan, interval) ?? [], interval, found) ?? []),
})

/** What an interval costs; undefined: it cannot be bought. What is measured adds nothing that is known before. */
const priceOf = (
  refs: ReadonlyArray<PlanRef>,
  interval: BillingInterval,
  found: Prices.Found,
): PlanPrice | undefined => {
  const parts = refs.flatMap(({ quantity, ref }) => {
    const price = sold(found(ref), interval)
    return price === undefined ? [] : [{ price, quantity: price.isMetered ? null : quantity }]
  })
  const [base] = parts
  if (base === undefined || parts.length < refs.length) return undefined
  const seat = parts.find(({ quantity }) => quantity === "seats")
  const fixed = parts.flatMap(({ price, quantity }) =>
    typeof quantity === "number" ? [price.amount === null ? null : price.amount * quantity] : [],
  )
  return {
    interval,
    currency: base.price.currency,
    amount: fixed.reduce<number | null>((sum, part) => (sum === null || part === null ? null : sum + part), 0),
    seatAmount: seat?.price.amount ?? null,
  }
}
