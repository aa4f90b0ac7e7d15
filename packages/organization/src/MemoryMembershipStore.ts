/**
 * Who is a member of what, in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { UserId } from "@belfry/core/User"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { find, memberOf, membershipOf, organizationOf } from "./internal/memoryMembership.ts"
import { type MemberRow, MemoryOrganizationTables } from "./MemoryOrganizationTables.ts"
import { type ActiveSource, MembershipStore } from "./MembershipStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const own = yield* MemoryOrganizationTables
  const { members, organizations, sessionDefaults } = own

  const isThere = ({ organizationId }: MemberRow): boolean =>
    organizations.get(organizationId)?.organization.deletedAt === null

  const mine = (userId: UserId): ReadonlyArray<MemberRow> =>
    [...members.values()].filter((member) => member.userId === userId && isThere(member))

  return MembershipStore.of({
    find: (viewer) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(find(own, viewer)))),
    findDeleted: (viewer) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(find(own, viewer, true)))),
    findActive: ({ userId, sessionId }) =>
      tables.statement(() => {
        const ofUser = mine(userId)
        const byDefault = ofUser.find(({ id }) => id === sessionDefaults.get(sessionId)?.memberId)
        const [lastUsed] = ofUser.filter(({ lastUsedAt }) => lastUsedAt !== null).sort(lastUsedFirst)
        const only = ofUser.length === 1 ? ofUser[0] : undefined
        const answer = (member: MemberRow | undefined, source: ActiveSource) => {
          const membership = member && membershipOf(own, member)
          return membership && { membership, source }
        }
        return Effect.succeed(
          Option.fromUndefinedOr(answer(byDefault, "session") ?? answer(lastUsed, "last-used") ?? answer(only, "only")),
        )
      }),
    lock: (ref, memberUserId) =>
      tables.statement(() => {
        const row = organizationOf(own, ref)
        if (row === undefined) return Effect.succeedNone
        const { organization } = row
        if (memberUserId !== null && memberOf(own, organization.id, memberUserId) === undefined)
          return Effect.succeedNone
        own.organizations.set(organization.id, { ...row, version: row.version + 1 })
        return Effect.succeedSome({ id: organization.id, deletedAt: organization.deletedAt })
      }),
    setActive: ({ sessionId, memberId, now }) =>
      tables.statement(() => {
        const member = members.get(memberId)
        if (member === undefined || !isThere(member)) return Effect.succeed(false)
        members.set(memberId, { ...member, lastUsedAt: now })
        if (tables.sessions.has(sessionId)) sessionDefaults.set(sessionId, { memberId, chosenAt: now })
        return Effect.succeed(true)
      }),
    clearActive: (sessionId) => tables.statement(() => Effect.sync(() => void sessionDefaults.delete(sessionId))),
  })
})

/**
 * Layer that keeps in memory who is a member of what.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MembershipStore, never, MemoryOrganizationTables | MemoryTables> = Layer.effect(
  MembershipStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const lastUsedFirst = (a: MemberRow, b: MemberRow): number =>
  (b.lastUsedAt?.epochMilliseconds ?? 0) - (a.lastUsedAt?.epochMilliseconds ?? 0)
