/**
 * A customer that is written down here gets one at the provider: one that was made by an attempt nobody heard of, one
 * that is there under a user's verified address, else a new one.
 */
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { Actor } from "@belfry/organization/Membership"
import * as DateTime from "effect/DateTime"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { BillingCustomer } from "../BillingCustomer.ts"
import { BillingProvider, type ProviderCustomer } from "../BillingProvider.ts"
import { BillingProviderError } from "../BillingProviderError.ts"
import { BillingSettings } from "../BillingSettings.ts"
import type { KnownCustomer } from "../Customers.ts"
import { CustomerStore, type PayerFacts } from "../CustomerStore.ts"
import type { Payer } from "../Payer.ts"
import * as Changes from "./billingChanges.ts"
import * as Requests from "./customerRequests.ts"
import { fingerprint } from "./fingerprints.ts"
import { customerChangeKey, customerKey } from "./keys.ts"
import { customerIdKey, isOwn } from "./metadata.ts"

/** Who the customer is for. */
export interface Buyer {
  readonly payer: Payer
  readonly facts: PayerFacts
  readonly actor: Actor | null
}

/** Makes customers at the provider. */
export const make = Effect.gen(function* () {
  const store = yield* CustomerStore
  const provider = yield* BillingProvider
  const settings = yield* BillingSettings
  const transactions = yield* TransactionStore
  const digest = yield* Digest.Digest
  const changes = yield* Changes.make
  const requestOf = yield* Requests.make

  /** One of ours whom an earlier attempt made. The provider forgets keys after a day, so that it would make another. */
  const madeBefore = Effect.fnUntraced(function* ({ id, requestedAt }: BillingCustomer) {
    const keysEnd = DateTime.add(requestedAt, { hours: keyHours })
    if (DateTime.isGreaterThan(keysEnd, yield* DateTime.now)) return undefined
    return { remote: yield* findMade(id) }
  })

  const findMade = (id: BillingCustomer["id"]) =>
    Effect.map(provider.searchCustomers({ key: customerIdKey, value: id }), (found) =>
      found.find((remote) => !remote.isDeleted && isMadeFor(remote, id)),
    )

  /**
   * One that the provider knows by the user's verified address, and that is nobody else's here: the only one of its
   * kind. It is marked first, so that an attempt that is cut off finds it again.
   */
  const adopted = Effect.fnUntraced(function* (
    { id, request }: BillingCustomer,
    { facts, payer }: Buyer,
  ): Effect.fn.Return<ProviderCustomer | undefined, BillingProviderError | StoreError> {
    if (!settings.adoptsCustomers || payer._tag !== "User" || !facts.isEmailVerified || facts.email === null) return
    const there = (yield* provider.listCustomersByEmail(facts.email)).filter(({ isDeleted }) => !isDeleted)
    const own = there.find((remote) => isMadeFor(remote, id))
    if (own !== undefined) return own
    const [only, ...others] = there.filter(({ metadata }) => !Object.keys(metadata).some(isOwn))
    if (only === undefined || others.length > 0 || Option.isSome(yield* store.findByProvider(only.id))) return
    const { metadata } = request
    const key = customerChangeKey(id, yield* fingerprintOf({ customer: only.id, metadata }))
    return yield* provider.updateCustomer(only.id, { metadata }, key)
  })

  const fingerprintOf = (value: Parameters<typeof fingerprint>[0]) =>
    Effect.provideService(fingerprint(value), Digest.Digest, digest)

  const make = Effect.fnUntraced(function* (
    customer: BillingCustomer,
    buyer: Buyer,
    attempts: number,
  ): Effect.fn.Return<KnownCustomer, BillingProviderError | StoreError> {
    const { providerId } = customer
    if (providerId !== null) return { ...customer, providerId }
    if (attempts === 0) return yield* taken
    const { generation, id } = customer
    const again = Effect.flatMap(store.find(id), (found) =>
      Option.isNone(found) ? taken : make(found.value, buyer, attempts - 1),
    )
    const begin = Effect.gen(function* () {
      const { actor, facts, payer } = buyer
      const request = yield* requestOf(id, { payer, facts, address: Requests.addressOf(actor) })
      yield* store.renew({ id, generation, request, now: yield* DateTime.now })
      return yield* again
    })
    const earlier = yield* madeBefore(customer)
    if (earlier !== undefined && earlier.remote === undefined) return yield* begin
    const made = provider.createCustomer(customer.request, customerKey(id, generation)).pipe(
      // It may be there all the same, and is used if it is found.
      Effect.catchIf(
        ({ isKeySpent }) => isKeySpent,
        () => findMade(id),
      ),
    )
    const remote = earlier?.remote ?? (yield* adopted(customer, buyer)) ?? (yield* made)
    if (remote === undefined) return yield* begin
    const doer = buyer.actor === null ? null : Changes.doerOf(buyer.actor)
    const outcome = yield* transactions.run(changes.attach(customer, remote, doer))
    // Somebody else's by now, or another one is made already: what is written down says.
    return outcome === "conflict" ? yield* again : { ...customer, providerId: remote.id, profile: remote.profile }
  })

  return (customer: BillingCustomer, buyer: Buyer) => make(customer, buyer, 3)
})

// internal

/** Within this time a key is good for certain; the provider keeps it for 24 hours. */
const keyHours = 23

const isMadeFor = ({ metadata }: ProviderCustomer, id: BillingCustomer["id"]): boolean => metadata[customerIdKey] === id

const taken = Effect.fail(
  new BillingProviderError({
    method: "createCustomer",
    reason: "unexpected",
    code: null,
    requestId: null,
    cause: new Error("The customer of the provider is another payer's"),
  }),
)
