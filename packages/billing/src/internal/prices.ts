/**
 * Prices of the provider, remembered for a while.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { BillingProvider } from "../BillingProvider.ts"
import type { BillingProviderError } from "../BillingProviderError.ts"
import type { PriceRef } from "../Plan.ts"
import type { ProviderPrice } from "../ProviderSubscription.ts"
import { isPrice } from "../Subscription.ts"

/** The price that a reference names; undefined: the provider has none. */
export type Found = (ref: PriceRef) => ProviderPrice | undefined

/** Remembers prices, and that there is none. */
export const make = Effect.gen(function* () {
  const provider = yield* BillingProvider
  const kept = new Map<string, { readonly price: ProviderPrice | undefined; readonly until: number }>()

  const find = Effect.fnUntraced(function* (
    refs: ReadonlyArray<PriceRef>,
    isEnough: (price: ProviderPrice | undefined) => boolean,
  ): Effect.fn.Return<Found, BillingProviderError> {
    const now = yield* Clock.currentTimeMillis
    const known = new Map<string, ProviderPrice | undefined>()
    for (const ref of refs) {
      const entry = kept.get(keyOf(ref))
      if (entry !== undefined && entry.until > now && isEnough(entry.price)) known.set(keyOf(ref), entry.price)
    }
    const missing = [...new Map(refs.map((ref) => [keyOf(ref), ref])).values()].filter((ref) => !known.has(keyOf(ref)))
    if (missing.length > 0) {
      const answers = yield* provider.findPrices(missing)
      for (const [key, { until }] of kept) if (until <= now) kept.delete(key)
      for (const ref of missing) {
        const price = answers.find(({ id, lookupKey }) => isPrice({ priceId: id, lookupKey }, ref))
        known.set(keyOf(ref), price)
        kept.set(keyOf(ref), { price, until: now + Duration.toMillis(lifetime) })
      }
    }
    return (ref) => known.get(keyOf(ref))
  })

  return {
    /** For showing: that there is no such price is remembered too, so that anybody may look as often as they like. */
    remembered: (refs: ReadonlyArray<PriceRef>) => find(refs, () => true),
    /** For buying: what is missing, or not sold, is asked for again. */
    current: (refs: ReadonlyArray<PriceRef>) => find(refs, (price) => price?.isActive === true),
  }
})

// internal

const lifetime = Duration.minutes(5)

const keyOf = (ref: PriceRef): string => ("id" in ref ? `id ${ref.id}` : `key ${ref.lookupKey}`)
