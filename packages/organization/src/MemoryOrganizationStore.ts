/**
 * Organizations in memory.
 *
 * @since 0.1.0
 */
import { AuditEventId } from "@belfry/core/AuditEvent"
import { AuditStore } from "@belfry/core/AuditStore"
import * as MemoryChangeRecord from "@belfry/core/MemoryChangeRecord"
import * as MemoryStoreError from "@belfry/core/MemoryStoreError"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { OutboxStore } from "@belfry/core/OutboxStore"
import type { StoreError } from "@belfry/core/StoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
import { find, membershipOf, organizationOf, pageBy } from "./internal/memoryMembership.ts"
import { MemoryOrganizationTables, type OrganizationRow } from "./MemoryOrganizationTables.ts"
import { aggregateOf, type Organization, type OrganizationId, type Slug } from "./Organization.ts"
import { OrganizationStore, type StoredOrganization } from "./OrganizationStore.ts"
import { owner } from "./Role.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const recorded = yield* MemoryChangeRecord.make
  const own = yield* MemoryOrganizationTables
  const audit = yield* AuditStore
  const { organizations, members, sessionDefaults, teams, invitations } = own

  const withSlug = (slug: Slug | null): OrganizationRow | undefined =>
    slug === null ? undefined : organizationOf(own, slug)

  const change = (id: OrganizationId, patch: Partial<StoredOrganization>): Option.Option<StoredOrganization> => {
    const row = organizations.get(id)
    if (row === undefined) return Option.none()
    const organization = { ...row.organization, ...patch }
    organizations.set(id, { ...row, organization })
    return Option.some(organization)
  }

  return OrganizationStore.of({
    insert: (organization, { sessionId = null, ...member }, record) => {
      const inserted = tables.statement((): Effect.Effect<"kept" | "slug-taken" | "absent", StoreError> => {
        if (!tables.users.has(member.userId)) return Effect.succeed("absent")
        if (withSlug(organization.slug) !== undefined) return Effect.succeed("slug-taken")
        if (organizations.has(organization.id) || members.has(member.id)) return refuse("insert", "unique id")
        const { id: organizationId, createdAt } = organization
        organizations.set(organizationId, { organization, memberCount: 1, ownerCount: 1, version: 0 })
        members.set(member.id, {
          ...member,
          organizationId,
          builtInRoles: [owner],
          lastUsedAt: sessionId === null ? null : createdAt,
          createdAt,
          updatedAt: createdAt,
        })
        if (sessionId !== null && tables.sessions.has(sessionId)) {
          sessionDefaults.set(sessionId, { memberId: member.id, chosenAt: createdAt })
        }
        return Effect.succeed("kept")
      })
      return recorded(inserted, (outcome) => outcome === "kept", record)
    },
    get: (viewer, now) =>
      tables.statement(() => {
        const membership = find(own, viewer)
        const row = membership && organizations.get(membership.organizationId)
        if (membership === undefined || row === undefined) return Effect.succeedNone
        const { id } = row.organization
        const open = [...invitations.values()].filter(
          ({ invitation: { organizationId, status, expiresAt } }) =>
            organizationId === id && status === "pending" && DateTime.isGreaterThan(expiresAt, now),
        )
        return Effect.succeedSome({
          membership,
          value: {
            organization: toOrganization(row.organization),
            counts: {
              members: row.memberCount,
              owners: row.ownerCount,
              teams: countUpTo([...teams.values()].filter(({ organizationId }) => organizationId === id)),
              pendingInvitations: countUpTo(open),
            },
          },
        })
      }),
    find: (ref) =>
      tables.statement(() => Effect.succeed(Option.fromUndefinedOr(organizationOf(own, ref)?.organization))),
    listByUser: (userId, page) =>
      tables.statement(() => {
        const joined = [...members.values()].flatMap((member) => {
          const organization = organizations.get(member.organizationId)?.organization
          const membership = membershipOf(own, member)
          if (member.userId !== userId || organization === undefined || membership === undefined) return []
          if ((organization.deletedAt !== null) !== page.deleted) return []
          return [{ organization: toOrganization(organization), membership, lastUsedAt: member.lastUsedAt }]
        })
        return Effect.succeed(
          pageBy(
            joined,
            ({ membership }) => membership.memberId,
            page,
            ({ organization }) => [organization.name, organization.slug],
            "descending",
          ),
        )
      }),
    list: (page) =>
      tables.statement(() =>
        Effect.succeed(
          pageBy(
            [...organizations.values()].map(({ organization }) => organization),
            ({ id }) => id,
            page,
            ({ name, slug }) => [name, slug],
            "descending",
          ),
        ),
      ),
    countByUser: (userId, upTo) =>
      tables.statement(() =>
        Effect.succeed(Math.min([...members.values()].filter((member) => member.userId === userId).length, upTo)),
      ),
    isSlugTaken: (slug) => tables.statement(() => Effect.succeed(withSlug(slug) !== undefined)),
    update: (id, patch, now) =>
      tables.statement((): Effect.Effect<Option.Option<StoredOrganization> | "slug-taken"> => {
        if (!organizations.has(id)) return Effect.succeedNone
        if ((withSlug(patch.slug ?? null)?.organization.id ?? id) !== id) return Effect.succeed("slug-taken")
        return Effect.succeed(change(id, { ...patch, updatedAt: now }))
      }),
    markDeleted: (id, now) =>
      tables.statement(() => {
        if (organizations.get(id)?.organization.deletedAt !== null) return Effect.succeed(false)
        change(id, { deletedAt: now, updatedAt: now })
        return Effect.succeed(true)
      }),
    restore: (id, now) =>
      tables.statement(() => {
        const row = organizations.get(id)
        if (row === undefined || row.organization.deletedAt === null) return Effect.succeed(false)
        change(id, { deletedAt: null, updatedAt: now })
        return Effect.succeed(true)
      }),
    remove: (id) =>
      tables.statement(() => {
        const isThere = organizations.has(id)
        own.removeOrganization(id)
        return Effect.succeed(isThere)
      }),
    // The audit log has its own store: the two look-ups are one by being in a transaction.
    listAuditEvents: (viewer, { after, limit, search, userId }) =>
      tables.transaction(
        Effect.gen(function* () {
          const membership = yield* tables.statement(() => Effect.succeed(find(own, viewer)))
          if (membership === undefined) return Option.none()
          const value = yield* audit.list({
            userId: Option.fromNullOr(userId),
            aggregate: Option.some(aggregateOf(membership.organizationId)),
            typePrefix: Option.fromNullOr(search),
            before: Option.map(Option.fromNullOr(after), (id) => AuditEventId.make(id)),
            limit,
          })
          return Option.some({ membership, value })
        }),
      ),
    removeDeleted: (instant, limit) =>
      tables.statement(() => {
        const ids = [...organizations.values()]
          .flatMap(({ organization: { id, deletedAt } }) => (deletedAt === null ? [] : [{ id, deletedAt }]))
          .filter(({ deletedAt }) => DateTime.isLessThanOrEqualTo(deletedAt, instant))
          .sort((a, b) => a.deletedAt.epochMilliseconds - b.deletedAt.epochMilliseconds)
          .slice(0, limit)
          .map(({ id }) => id)
        ids.forEach(own.removeOrganization)
        return Effect.succeed(ids)
      }),
  })
})

/**
 * Layer that keeps organizations in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  OrganizationStore,
  never,
  AuditStore | MemoryOrganizationTables | MemoryTables | OutboxStore
> = Layer.effect(OrganizationStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const refuse = (method: string, constraint: string) => MemoryStoreError.refuse("OrganizationStore", method, constraint)

const toOrganization = (stored: StoredOrganization): Organization => Struct.omit(stored, ["privateMetadata"])

const countUpTo = ({ length }: ReadonlyArray<unknown>): number => Math.min(length, 1000)
