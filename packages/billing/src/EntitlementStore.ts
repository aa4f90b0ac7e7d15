/**
 * Port: what entitlements are computed from, in one statement.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { EntitlementFacts, EntitlementOverride } from "./Entitlement.ts"
import type { Payer } from "./Payer.ts"

/**
 * Where overrides are kept, and what plans payers have.
 *
 * @category ports
 * @since 0.1.0
 */
export class EntitlementStore extends Context.Service<
  EntitlementStore,
  {
    /** Subscriptions that are not over, and the override. One statement, by index. Empty for who is no customer. */
    readonly facts: (payer: Payer) => Effect.Effect<EntitlementFacts, StoreError>
    /** Sets the override of a payer, or removes it with null; what it was before. Needs no customer. */
    readonly setOverride: (
      payer: Payer,
      override: EntitlementOverride | null,
      now: DateTime.Utc,
    ) => Effect.Effect<EntitlementOverride | null, StoreError>
  }
>()("@belfry/billing/EntitlementStore") {}
