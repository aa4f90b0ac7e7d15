/**
 * How organizations and memberships end by code that is trusted, by the end of a user, and by time.
 */
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LastOwner } from "../Member.ts"
import { MemberStore } from "../MemberStore.ts"
import { MembershipStore } from "../MembershipStore.ts"
import { type OrganizationId, OrganizationNotFound, type OrganizationRef } from "../Organization.ts"
import { OrganizationSettings } from "../OrganizationSettings.ts"
import { OrganizationStore } from "../OrganizationStore.ts"
import type { TrustedOrganizations } from "../TrustedOrganizations.ts"
import * as Changes from "./changes.ts"
import * as Locked from "./locked.ts"
import * as MemberChanges from "./memberChanges.ts"
import * as OrganizationChanges from "./organizationChanges.ts"
import { orFail } from "./trust.ts"

type Service = TrustedOrganizations["Service"]

export const make = Effect.gen(function* () {
  const store = yield* OrganizationStore
  const members = yield* MemberStore
  const memberships = yield* MembershipStore
  const transactions = yield* TransactionStore
  const settings = yield* OrganizationSettings
  const locked = yield* Locked.make
  const changes = yield* Changes.make
  const organizationChanges = yield* OrganizationChanges.make
  const memberChanges = yield* MemberChanges.make

  const nameOf = (id: OrganizationId) =>
    Effect.map(
      orFail(store.find(id), () => new OrganizationNotFound()),
      ({ name }) => name,
    )

  /** At once and for good, whether it is deleted already or not. */
  const purgeOne = (organization: OrganizationRef, doer: Changes.Doer) =>
    transactions.run(
      Effect.gen(function* () {
        const found = memberships.lock(organization, null)
        const { id, deletedAt } = yield* orFail(found, () => new OrganizationNotFound())
        if (deletedAt !== null) return yield* organizationChanges.purge(id, doer)
        const ending = { organizationId: id, organizationName: yield* nameOf(id) }
        yield* organizationChanges.remove(ending, [], doer, Duration.zero)
      }),
    )

  /** Ends what a user is in an organization, deleted or not. */
  const endMembership = Effect.fnUntraced(function* (
    organizationId: OrganizationId,
    userId: UserId,
    doer: Changes.Doer,
  ): Effect.fn.Return<void, LastOwner | StoreError> {
    const locked = yield* memberships.lock(organizationId, userId)
    const member = yield* members.get(organizationId, { _tag: "User", userId })
    // Gone while the lock was waited for.
    if (Option.isNone(locked) || Option.isNone(member)) return
    const ending = Effect.catchTag(
      memberChanges.remove(member.value, "user-deleted", doer),
      "MemberNotFound",
      () => Effect.void,
    )
    if (locked.value.deletedAt === null) return yield* ending
    // Nobody could restore a deleted organization any more whose last owner is gone: it goes, too.
    yield* Effect.catchTag(ending, "LastOwner", () =>
      Effect.catchTag(organizationChanges.purge(organizationId, doer), "OrganizationNotFound", () => Effect.void),
    )
  })

  const remove: Service["remove"] = Effect.fn("TrustedOrganizations.remove")(
    (organization, { purges = false, ...by } = {}) =>
      purges
        ? purgeOne(organization, Changes.doerBy(by))
        : locked.inTrust(
            organization,
            Effect.fnUntraced(function* ({ id }) {
              const owners = yield* members.listAll(id, OrganizationChanges.mailedOwners)
              const ending = { organizationId: id, organizationName: yield* nameOf(id) }
              yield* organizationChanges.remove(ending, owners, Changes.doerBy(by))
            }),
          ),
  )

  const removeUser: Service["removeUser"] = Effect.fn("TrustedOrganizations.removeUser")((userId, client) =>
    transactions.run(
      Effect.gen(function* () {
        const doer = Changes.doerBy({ by: userId, client })
        for (const organizationId of yield* members.listOrganizations(userId)) {
          yield* endMembership(organizationId, userId, doer)
        }
      }),
    ),
  )

  const purge: Service["purge"] = Effect.gen(function* () {
    const until = DateTime.subtractDuration(yield* DateTime.now, settings.deletionGrace)
    return yield* transactions.run(
      Effect.gen(function* () {
        const purged = yield* store.removeDeleted(until, purgeSize)
        // In the order in which everybody keeps the events of several organizations.
        for (const organizationId of purged.toSorted()) {
          yield* changes.record({
            type: "organization.purged",
            organizationId,
            doer: Changes.nobody,
            events: [{ _tag: "OrganizationPurged" }],
          })
        }
        return purged.length
      }),
    )
  }).pipe(Effect.withSpan("TrustedOrganizations.purge"))

  return { remove, removeUser, purge }
})

// internal

/** How many organizations a sweep removes at most. */
const purgeSize = 100
