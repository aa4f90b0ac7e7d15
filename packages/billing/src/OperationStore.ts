/**
 * Port: operations, written down before the provider is asked.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { CustomerId } from "./BillingCustomer.ts"
import type { Operation, OperationId, OperationStatus } from "./Operation.ts"
import type { PlanGroup } from "./Plan.ts"
import type { ProviderCheckoutId } from "./ProviderSubscription.ts"

/**
 * Where operations are kept. Of a customer and group, one checkout is open at most.
 *
 * @category ports
 * @since 0.1.0
 */
export class OperationStore extends Context.Service<
  OperationStore,
  {
    readonly find: (id: OperationId) => Effect.Effect<Option.Option<Operation>, StoreError>
    readonly findByCheckout: (id: ProviderCheckoutId) => Effect.Effect<Option.Option<Operation>, StoreError>
    /** The checkout that is open, of those that are not over at `now`. */
    readonly findOpenCheckout: (
      customerId: CustomerId,
      group: PlanGroup,
      now: DateTime.Utc,
    ) => Effect.Effect<Option.Option<Operation>, StoreError>
    /** Keeps an operation. A checkout: unless one is open, which is returned then. One statement. */
    readonly insert: (
      operation: Operation,
    ) => Effect.Effect<{ readonly _tag: "kept" } | { readonly _tag: "open"; readonly operation: Operation }, StoreError>
    /** Writes down the checkout that the provider made, while the operation is open. False: it no longer is. */
    readonly setCheckout: (
      id: OperationId,
      checkout: { readonly checkoutId: ProviderCheckoutId; readonly url: string | null },
    ) => Effect.Effect<boolean, StoreError>
    /** Closes an operation that is open. False: it was closed. */
    readonly close: (
      id: OperationId,
      status: Exclude<OperationStatus, "open">,
      now: DateTime.Utc,
    ) => Effect.Effect<boolean, StoreError>
    /** Operations that are open though their time is over: nobody came back from the provider. */
    readonly listOverdue: (now: DateTime.Utc, limit: number) => Effect.Effect<ReadonlyArray<Operation>, StoreError>
    /** Removes at most `limit` operations that were closed before `instant`; the number removed. */
    readonly removeClosed: (instant: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/billing/OperationStore") {}
