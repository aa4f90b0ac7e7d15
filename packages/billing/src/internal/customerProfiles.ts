/**
 * The provider is told what payers are called, and users' addresses, where it knows others.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as DateTime from "effect/DateTime"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import type { CustomerId, ProviderCustomerId } from "../BillingCustomer.ts"
import { BillingProvider } from "../BillingProvider.ts"
import type { BillingProviderError } from "../BillingProviderError.ts"
import { CustomerStore } from "../CustomerStore.ts"
import { fingerprint } from "./fingerprints.ts"
import { customerChangeKey } from "./keys.ts"

/** Tells the provider. `forget` is for those that it deleted. */
export const make = Effect.fnUntraced(function* (
  forget: (providerId: ProviderCustomerId) => Effect.Effect<void, StoreError>,
) {
  const store = yield* CustomerStore
  const provider = yield* BillingProvider
  const digest = yield* Digest.Digest

  const sync = Effect.fn("Customers.syncProfile")(function* (
    id: CustomerId,
  ): Effect.fn.Return<void, BillingProviderError | StoreError> {
    const customer = Option.getOrUndefined(yield* store.find(id))
    if (customer === undefined || customer.payer === null || customer.providerId === null) return
    const { payer, providerId } = customer
    const facts = Option.getOrUndefined(yield* store.facts(payer))
    if (facts === undefined) return
    const remote = Option.getOrUndefined(yield* provider.findCustomer(providerId))
    if (remote === undefined || remote.isDeleted) return yield* forget(providerId)
    // The address of an organization or a team is whatever somebody set at the provider.
    const profile = { name: facts.name, email: payer._tag === "User" ? facts.email : remote.profile.email }
    if (!Equal.equals(profile, remote.profile)) {
      // A name that comes back is another change than the first: a key that is used again would answer without doing
      // it.
      const at = DateTime.formatIso(yield* DateTime.now)
      const mark = yield* Effect.provideService(fingerprint({ ...profile, at }), Digest.Digest, digest)
      yield* provider.updateCustomer(providerId, { profile }, customerChangeKey(id, mark))
    }
    yield* store.setProfile(id, profile)
  })

  /** One whom the provider does not take keeps nobody else. */
  const syncNext = (id: CustomerId): Effect.Effect<void, BillingProviderError | StoreError> =>
    Effect.catchTag(sync(id), "BillingProviderError", (error) =>
      error.reason === "refused" || error.reason === "unexpected"
        ? Effect.logWarning("The provider did not take what a customer is called", {
            customerId: id,
            reason: error.reason,
            code: error.code,
          })
        : Effect.fail(error),
    )

  const syncAfter = (after: CustomerId | null): Effect.Effect<number, BillingProviderError | StoreError> =>
    Effect.flatMap(store.listOutdated(after, pageSize), (page) =>
      Effect.flatMap(
        Effect.forEach(page, ({ customer }) => syncNext(customer.id), { discard: true }),
        () => {
          const last = page.at(-1)?.customer.id
          return last === undefined || page.length < pageSize
            ? Effect.succeed(page.length)
            : Effect.map(syncAfter(last), (more) => page.length + more)
        },
      ),
    )

  return { sync, syncAll: syncAfter(null) }
})

// internal

const pageSize = 100
