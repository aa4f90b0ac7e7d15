/**
 * What is done to members, the same way for those who may and for code that is trusted; each change with its audit
 * event and its event. All of it is for a transaction that holds the lock of the organization.
 */
import { guard } from "@belfry/core/Hooks"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User } from "@belfry/core/User"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { LastOwner, MemberId, MemberNotFound, type MemberWithUser, type RemovalReason } from "../Member.ts"
import { MemberStore, type MemberTarget } from "../MemberStore.ts"
import { LimitReached, type OrganizationId } from "../Organization.ts"
import { OrganizationHooks } from "../OrganizationHooks.ts"
import { OrganizationSettings } from "../OrganizationSettings.ts"
import { type AcceptedTeam, TeamAssignments } from "../TeamAssignments.ts"
import * as Changes from "./changes.ts"
import * as Limits from "./limits.ts"
import type { NamedRoles } from "./roleNames.ts"

/** Changes of members, over the stores. */
export type MemberChanges = Effect.Success<typeof make>

export const make = Effect.gen(function* () {
  const store = yield* MemberStore
  const transactions = yield* TransactionStore
  const random = yield* SecureRandom.SecureRandom
  const changes = yield* Changes.make
  const settings = yield* OrganizationSettings
  const hooks = yield* OrganizationHooks
  const assignments = yield* TeamAssignments

  /** Puts a user among the members; answers whoever is there already as they are. */
  const join = Effect.fnUntraced(function* (
    organizationId: OrganizationId,
    user: User,
    { names, assignment }: NamedRoles,
    doer: Changes.Doer,
  ): Effect.fn.Return<MemberWithUser, MemberNotFound | LimitReached | StoreError> {
    const now = yield* DateTime.now
    const id = MemberId.make(yield* random.uuidV7())
    const limit = yield* Limits.evaluate(settings.limits.members, { organizationId })
    const kept = yield* store.insert({ id, organizationId, userId: user.id, roles: assignment, limit, now })
    if (kept === "absent") return yield* new MemberNotFound()
    if (kept === "full") return yield* new LimitReached({ limit: "members", maximum: limit ?? 0 })
    if (kept === "exists") {
      const found = yield* store.get(organizationId, { _tag: "User", userId: user.id })
      return Option.isSome(found) ? found.value.member : yield* new MemberNotFound()
    }
    yield* changes.record({
      type: "organization-member.added",
      organizationId,
      doer,
      after: { roles: names },
      data: { memberId: id, userId: user.id },
      events: [{ _tag: "MemberAdded", memberId: id, userId: user.id, roles: names, via: "addition" }],
    })
    const member = { id, organizationId, userId: user.id, roles: names, createdAt: now, updatedAt: now }
    yield* transactions.afterCommit(guard("afterMemberAddition", () => hooks.afterMemberAddition({ member })))
    return { ...member, email: user.email, name: user.name, image: user.image }
  })

  return {
    /** Makes a user a member. One who is a member stays as it is; teams are joined in either case. */
    add: Effect.fnUntraced(function* (options: {
      readonly organizationId: OrganizationId
      readonly user: User
      readonly present: Option.Option<MemberTarget>
      readonly roles: NamedRoles
      readonly teams: ReadonlyArray<AcceptedTeam>
      readonly doer: Changes.Doer
    }): Effect.fn.Return<MemberWithUser, MemberNotFound | LimitReached | StoreError> {
      const { organizationId, user, present, teams, doer } = options
      const member = Option.isSome(present)
        ? present.value.member
        : yield* join(organizationId, user, options.roles, doer)
      if (teams.length > 0) {
        yield* assignments.assign({ organizationId, memberId: member.id, userId: user.id, teams, doer })
      }
      return member
    }),
    /** Replaces the roles of a member. The same roles again change nothing, and are not recorded. */
    setRoles: Effect.fnUntraced(function* (
      { member, membership }: MemberTarget,
      { names, assignment }: NamedRoles,
      doer: Changes.Doer,
    ): Effect.fn.Return<MemberWithUser, MemberNotFound | LastOwner | StoreError> {
      const { id: memberId, organizationId, userId, roles: before } = member
      if (isAssigned(membership, assignment)) return member
      const now = yield* DateTime.now
      const kept = yield* store.setRoles({ organizationId, memberId, roles: assignment, now })
      if (kept === "absent") return yield* new MemberNotFound()
      if (kept === "last-owner") return yield* new LastOwner({ organizationId })
      yield* changes.record({
        type: "organization-member.roles-changed",
        organizationId,
        doer,
        before: { roles: before },
        after: { roles: names },
        data: { memberId, userId },
        events: [{ _tag: "MemberRoleChanged", memberId, userId, before, after: names }],
      })
      return { ...member, roles: names, updatedAt: now }
    }),
    /** Ends a membership. */
    remove: Effect.fnUntraced(function* (
      { member }: Pick<MemberTarget, "member">,
      reason: RemovalReason,
      doer: Changes.Doer,
    ): Effect.fn.Return<void, MemberNotFound | LastOwner | StoreError> {
      const { id: memberId, organizationId, userId, roles } = member
      const removed = yield* store.remove(organizationId, memberId)
      if (removed === "absent") return yield* new MemberNotFound()
      if (removed === "last-owner") return yield* new LastOwner({ organizationId })
      yield* changes.record({
        type: "organization-member.removed",
        organizationId,
        doer,
        before: { roles },
        data: { memberId, userId, reason },
        events: [{ _tag: "MemberRemoved", memberId, userId, reason }],
      })
      const event = { organizationId, userId, reason }
      yield* transactions.afterCommit(guard("afterMemberRemoval", () => hooks.afterMemberRemoval(event)))
    }),
  }
})

// internal

/** Whether somebody has these roles and no others. Names are not enough: one may be the host's, or was once. */
const isAssigned = (
  { builtInRoles, customRoles }: MemberTarget["membership"],
  { builtIn, custom }: NamedRoles["assignment"],
): boolean =>
  isSame(builtInRoles, builtIn) &&
  isSame(
    customRoles.map(({ id }) => id),
    custom,
  )

const isSame = (some: ReadonlyArray<string>, others: ReadonlyArray<string>): boolean =>
  some.toSorted().join(" ") === others.toSorted().join(" ")
