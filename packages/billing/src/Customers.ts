/**
 * Customers: every payer is one at the provider, found or made once, however often and wherever it is asked for.
 *
 * @since 0.1.0
 */
import type { Audit } from "@belfry/core/Audit"
import type { Outbox } from "@belfry/core/Outbox"
import type { StoreError } from "@belfry/core/StoreError"
import type { TransactionStore } from "@belfry/core/TransactionStore"
import type { Actor } from "@belfry/organization/Membership"
import * as Context from "effect/Context"
import type * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type BillingCustomer, CustomerId, type ProviderCustomerId } from "./BillingCustomer.ts"
import type { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError } from "./BillingProviderError.ts"
import { CustomerStore } from "./CustomerStore.ts"
import * as Making from "./internal/customerMaking.ts"
import * as Profiles from "./internal/customerProfiles.ts"
import * as Requests from "./internal/customerRequests.ts"
import { type Payer, PayerNotFound } from "./Payer.ts"

/**
 * A customer whom the provider knows.
 *
 * @category models
 * @since 0.1.0
 */
export interface KnownCustomer extends BillingCustomer {
  readonly providerId: ProviderCustomerId
}

/**
 * Customers.
 *
 * @category services
 * @since 0.1.0
 */
export class Customers extends Context.Service<
  Customers,
  {
    readonly find: (payer: Payer) => Effect.Effect<Option.Option<BillingCustomer>, StoreError>
    /**
     * The payer's customer, made at the provider where it is not. `actor`'s verified address becomes an organization's,
     * until somebody sets another in the portal.
     */
    readonly ensure: (
      payer: Payer,
      actor: Actor | null,
    ) => Effect.Effect<KnownCustomer, PayerNotFound | BillingProviderError | StoreError>
    /** Tells the provider the payer's name, and a user's address, where it knows others. */
    readonly syncProfile: (id: CustomerId) => Effect.Effect<void, BillingProviderError | StoreError>
    /** Does so for all whose names differ, at most 100 at a time; the number. */
    readonly syncProfiles: Effect.Effect<number, BillingProviderError | StoreError>
    /** What is known here of a customer that the provider deleted: it is made anew when it is needed. */
    readonly forget: (providerId: ProviderCustomerId) => Effect.Effect<void, StoreError>
  }
>()("@belfry/billing/Customers") {}

/**
 * Builds the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* CustomerStore
  const random = yield* SecureRandom.SecureRandom
  const requestOf = yield* Requests.make
  const makeAtProvider = yield* Making.make

  const ensure = Effect.fn("Customers.ensure")(function* (
    payer: Payer,
    actor: Actor | null,
  ): Effect.fn.Return<KnownCustomer, PayerNotFound | BillingProviderError | StoreError> {
    const known = Option.getOrUndefined(yield* store.findByPayer(payer))
    if (known !== undefined && known.providerId !== null) return { ...known, providerId: known.providerId }
    const facts = Option.getOrUndefined(yield* store.facts(payer))
    if (facts === undefined) return yield* new PayerNotFound()
    const customer = known ?? (yield* keep(payer, { facts, address: Requests.addressOf(actor) }))
    return yield* makeAtProvider(customer, { payer, facts, actor })
  })

  /** Writes a customer down before the provider is asked; the one that is there, if somebody was faster. */
  const keep = Effect.fnUntraced(function* (
    payer: Payer,
    about: Omit<Parameters<typeof requestOf>[1], "payer">,
  ): Effect.fn.Return<BillingCustomer, PayerNotFound | StoreError> {
    const id = CustomerId.make(yield* random.uuidV7())
    const now = yield* DateTime.now
    const kept = yield* store.insert({
      id,
      payer,
      providerId: null,
      generation: 0,
      request: yield* requestOf(id, { payer, ...about }),
      requestedAt: now,
      profile: { name: null, email: null },
      createdAt: now,
      closedAt: null,
    })
    return kept._tag === "absent" ? yield* new PayerNotFound() : kept.customer
  })

  const forget = Effect.fn("Customers.forget")(function* (
    providerId: ProviderCustomerId,
  ): Effect.fn.Return<void, StoreError> {
    const customer = Option.getOrUndefined(yield* store.findByProvider(providerId))
    if (customer === undefined) return
    const { generation, id, payer, profile } = customer
    const facts = payer === null ? undefined : Option.getOrUndefined(yield* store.facts(payer))
    const request =
      payer === null || facts === undefined
        ? customer.request
        : yield* requestOf(id, { payer, facts, address: profile.email })
    yield* store.renew({ id, generation, request, now: yield* DateTime.now })
  })

  const profiles = yield* Profiles.make(forget)

  return Customers.of({
    find: store.findByPayer,
    ensure,
    syncProfile: profiles.sync,
    syncProfiles: profiles.syncAll,
    forget,
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  Customers,
  never,
  Audit | BillingProvider | CustomerStore | Digest.Digest | Outbox | SecureRandom.SecureRandom | TransactionStore
> = Layer.effect(Customers, make)
