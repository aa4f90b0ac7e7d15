/**
 * Port: customers, and the payers that they stand for.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { OrganizationId } from "@belfry/organization/Organization"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { BillingCustomer, CustomerId, CustomerProfile, ProviderCustomerId } from "./BillingCustomer.ts"
import type { Payer } from "./Payer.ts"
import type { PlanGroup } from "./Plan.ts"

/**
 * What is known of a payer: the name, for a user the address, and how many seats its memberships take (1 for a user).
 *
 * @category models
 * @since 0.1.0
 */
export interface PayerFacts {
  readonly name: string | null
  readonly email: string | null
  readonly isEmailVerified: boolean
  readonly seats: number
}

/**
 * Where customers are kept. A payer is one customer at most, and so is a customer of the provider. When the payer is
 * removed, the customer stays without one until what it had is ended.
 *
 * @category ports
 * @since 0.1.0
 */
export class CustomerStore extends Context.Service<
  CustomerStore,
  {
    /** Reads a payer; none where it is gone. Organizations that are deleted and can be restored are there. */
    readonly facts: (payer: Payer) => Effect.Effect<Option.Option<PayerFacts>, StoreError>
    readonly find: (id: CustomerId) => Effect.Effect<Option.Option<BillingCustomer>, StoreError>
    readonly findByPayer: (payer: Payer) => Effect.Effect<Option.Option<BillingCustomer>, StoreError>
    readonly findByProvider: (id: ProviderCustomerId) => Effect.Effect<Option.Option<BillingCustomer>, StoreError>
    /** The customers that an organization and its teams are, by id. One statement. */
    readonly listByOrganization: (id: OrganizationId) => Effect.Effect<ReadonlyArray<BillingCustomer>, StoreError>
    /**
     * Keeps a customer unless the payer is one, and returns the one that is kept. One statement: of any number of
     * concurrent calls, one keeps. `absent`: the payer is gone.
     */
    readonly insert: (
      customer: BillingCustomer,
    ) => Effect.Effect<
      { readonly _tag: "kept" | "exists"; readonly customer: BillingCustomer } | { readonly _tag: "absent" },
      StoreError
    >
    /** Locks a customer until the transaction ends. Whoever changes anything of a customer does, first of all. */
    readonly lock: (id: CustomerId) => Effect.Effect<Option.Option<BillingCustomer>, StoreError>
    /**
     * Writes down who the customer is at the provider, if `generation` is still the one and nobody else is that.
     * `known`: it was written down already.
     */
    readonly attach: (options: {
      readonly id: CustomerId
      readonly generation: number
      readonly providerId: ProviderCustomerId
      readonly profile: CustomerProfile
    }) => Effect.Effect<"attached" | "known" | "conflict", StoreError>
    /** Makes the next generation, with what the provider is asked for then, if `generation` is still the one. */
    readonly renew: (options: {
      readonly id: CustomerId
      readonly generation: number
      readonly request: BillingCustomer["request"]
      readonly now: DateTime.Utc
    }) => Effect.Effect<boolean, StoreError>
    readonly setProfile: (id: CustomerId, profile: CustomerProfile) => Effect.Effect<void, StoreError>
    /**
     * Customers whose payer is called otherwise, or has another address, than the provider knows, by id, after `after`.
     */
    readonly listOutdated: (
      after: CustomerId | null,
      limit: number,
    ) => Effect.Effect<ReadonlyArray<{ readonly customer: BillingCustomer; readonly facts: PayerFacts }>, StoreError>
    /** All customers that the provider knows and that are not closed, by id, after `after`. */
    readonly list: (
      after: CustomerId | null,
      limit: number,
    ) => Effect.Effect<ReadonlyArray<BillingCustomer>, StoreError>
    /** Customers whose payer is gone, and that are not closed, by id, after `after`. */
    readonly listOrphans: (
      after: CustomerId | null,
      limit: number,
    ) => Effect.Effect<ReadonlyArray<BillingCustomer>, StoreError>
    readonly close: (id: CustomerId, now: DateTime.Utc) => Effect.Effect<void, StoreError>
    /** Claims the one trial of a customer in a group; false: it was had. */
    readonly claimTrial: (id: CustomerId, group: PlanGroup, now: DateTime.Utc) => Effect.Effect<boolean, StoreError>
    readonly hadTrial: (id: CustomerId, group: PlanGroup) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/billing/CustomerStore") {}
