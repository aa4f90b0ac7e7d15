/**
 * Port: subscriptions as they stand here, looks at the provider in their order, and work that is due.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { CustomerId } from "./BillingCustomer.ts"
import type { Payer } from "./Payer.ts"
import type { ProviderSubscriptionId } from "./ProviderSubscription.ts"
import type { Milestone, StoredSubscription, SubscriptionId, SubscriptionState } from "./Subscription.ts"

/**
 * Work that is due on a subscription, leased to one worker. `asked` counts what was asked for by then.
 *
 * @category models
 * @since 0.1.0
 */
export interface SubscriptionLease {
  readonly subscription: StoredSubscription
  readonly lease: string
  readonly asked: number
  readonly attempts: number
}

/**
 * Whose work is asked for. `SeatsOf`: all that have seats and are not over, of a payer; with `andTeams`, those of an
 * organization's teams too.
 *
 * @category models
 * @since 0.1.0
 */
export type WorkTarget =
  | { readonly _tag: "Subscription"; readonly id: SubscriptionId }
  | { readonly _tag: "SeatsOf"; readonly payer: Payer; readonly andTeams: boolean }

/**
 * Where subscriptions are kept.
 *
 * @category ports
 * @since 0.1.0
 */
export class SubscriptionStore extends Context.Service<
  SubscriptionStore,
  {
    readonly find: (id: SubscriptionId) => Effect.Effect<Option.Option<StoredSubscription>, StoreError>
    readonly findByProvider: (
      id: ProviderSubscriptionId,
    ) => Effect.Effect<Option.Option<StoredSubscription>, StoreError>
    /** All of a payer, newest first, at most 200. One statement. None for who is no customer. */
    readonly listByPayer: (payer: Payer) => Effect.Effect<ReadonlyArray<StoredSubscription>, StoreError>
    /** All of a customer, newest first; at most 200. */
    readonly listByCustomer: (id: CustomerId) => Effect.Effect<ReadonlyArray<StoredSubscription>, StoreError>
    /**
     * Takes the next ticket for a look at a subscription, which need not be known here: 1, 2, and so on. Taken before
     * the provider is asked. One statement.
     */
    readonly ticket: (id: ProviderSubscriptionId) => Effect.Effect<number, StoreError>
    /**
     * Writes what a look saw, unless a later ticket's was written already: then false, and nothing changed. For use
     * under the customer's lock. What it found before comes from `findByProvider` under the same lock.
     */
    readonly apply: (options: {
      readonly id: SubscriptionId
      readonly customerId: CustomerId
      readonly providerId: ProviderSubscriptionId
      readonly ticket: number
      readonly state: SubscriptionState
      readonly milestones: ReadonlySet<Milestone>
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /** Has a worker look at what a subscription should be, at once. One statement; each adds to what was asked. */
    readonly request: (target: WorkTarget, now: DateTime.Utc) => Effect.Effect<number, StoreError>
    /**
     * Has a worker look at a subscription, when it gets there: what waits to be tried again goes on waiting, so that
     * whoever finds the same thing wrong time and again does not have it tried as often.
     */
    readonly remind: (id: SubscriptionId, now: DateTime.Utc) => Effect.Effect<void, StoreError>
    /**
     * Has every subscription of a customer end that is not over, by a worker. Never weaker than wanted before; where
     * it was wanted before, as `remind`.
     */
    readonly requestEnd: (
      customerId: CustomerId,
      wants: "end-now" | "end-with-period",
      now: DateTime.Utc,
    ) => Effect.Effect<number, StoreError>
    /** Takes back `end-with-period` of a customer's subscriptions. */
    readonly withdrawEnd: (customerId: CustomerId, now: DateTime.Utc) => Effect.Effect<number, StoreError>
    /** Leases subscriptions with work that is due, at most `limit`. Of any number of concurrent calls, one gets one. */
    readonly claimWork: (options: {
      readonly lease: string
      readonly now: DateTime.Utc
      readonly until: DateTime.Utc
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<SubscriptionLease>, StoreError>
    /**
     * Leases one subscription, for a change that somebody asks for; none while it is leased. One statement. Work that
     * was due before stays due: `asked` leaves it out, so that `settle` has it seen to.
     */
    readonly lease: (options: {
      readonly id: SubscriptionId
      readonly lease: string
      readonly now: DateTime.Utc
      readonly until: DateTime.Utc
    }) => Effect.Effect<Option.Option<SubscriptionLease>, StoreError>
    /**
     * Ends a lease. `retryAt`, of who failed, has the work due then, whatever was asked for meanwhile. Null: it is
     * done, and what was asked for after the lease began is due at once. False when the lease is somebody else's by
     * now.
     */
    readonly settle: (options: {
      readonly id: SubscriptionId
      readonly lease: string
      readonly asked: number
      readonly retryAt: DateTime.Utc | null
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    /** Subscriptions in trial that ends before `before`, and whose notice was not given. */
    readonly listTrialsEnding: (
      before: DateTime.Utc,
      limit: number,
    ) => Effect.Effect<ReadonlyArray<StoredSubscription>, StoreError>
  }
>()("@belfry/billing/SubscriptionStore") {}
