/**
 * How many seats are to be paid, as memberships say at the moment.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { BillingHooks } from "../BillingHooks.ts"
import { CustomerStore } from "../CustomerStore.ts"
import type { Payer } from "../Payer.ts"
import type { Plan } from "../Plan.ts"

/** Counts seats. */
export const make = Effect.gen(function* () {
  const customers = yield* CustomerStore
  const hooks = yield* BillingHooks

  /** The seats of a plan for a payer, its minimum at least. Null: they are as bought, there are none, nobody pays. */
  return Effect.fnUntraced(function* (payer: Payer, plan: Plan): Effect.fn.Return<number | null, StoreError> {
    if (plan.seats === null || payer._tag === "User") return null
    const facts = yield* customers.facts(payer)
    if (Option.isNone(facts)) return null
    return Math.max(plan.seats.minimum, yield* hooks.countSeats({ payer, plan, facts: facts.value }))
  })
})
