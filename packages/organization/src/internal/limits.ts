/**
 * Limits, evaluated when they are needed: inside the transaction that adds.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import type { Limit } from "../OrganizationSettings.ts"

/** How many there may be; null: no limit. */
export const evaluate = <Facts>(limit: Limit<Facts>, facts: Facts): Effect.Effect<number | null, StoreError> =>
  typeof limit === "function" ? limit(facts) : Effect.succeed(limit)
