/**
 * Invitations in memory.
 *
 * @since 0.1.0
 */
import type { AuditStore } from "@belfry/core/AuditStore"
import * as MemoryChangeRecord from "@belfry/core/MemoryChangeRecord"
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { OutboxStore } from "@belfry/core/OutboxStore"
import type { StoreError } from "@belfry/core/StoreError"
import type { Email } from "@belfry/core/User"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { seat } from "./internal/memoryMembers.ts"
import { guarded, memberOf, pageBy } from "./internal/memoryMembership.ts"
import { type Invitation, type InvitationId, type InvitationStatus, statusAt } from "./Invitation.ts"
import { InvitationStore, type StoredInvitation } from "./InvitationStore.ts"
import { type InvitationRow, MemoryOrganizationTables, type OrganizationRow } from "./MemoryOrganizationTables.ts"
import type { OrganizationId } from "./Organization.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const recorded = yield* MemoryChangeRecord.make
  const organizationTables = yield* MemoryOrganizationTables
  const { organizations, roles, invitations, teams } = organizationTables

  const ofOrganization = (organizationId: OrganizationId): ReadonlyArray<InvitationRow> =>
    [...invitations.values()].filter(({ invitation }) => invitation.organizationId === organizationId)

  const openTo = (organizationId: OrganizationId, email: Email): InvitationRow | undefined =>
    ofOrganization(organizationId).find(
      ({ invitation }) => invitation.email === email && invitation.status === "pending",
    )

  const isMember = (organizationId: OrganizationId, email: Email): boolean => {
    const user = [...tables.users.values()].find((each) => each.email === email)
    return user !== undefined && memberOf(organizationTables, organizationId, user.id) !== undefined
  }

  /** An invitation with what is read with it. Undefined where the organization is gone. */
  const toStored = ({ invitation, assignment }: InvitationRow): StoredInvitation | undefined => {
    const row = organizations.get(invitation.organizationId)
    if (row === undefined) return undefined
    const { organization } = row
    const { id, email, roles: names, status, expiresAt, inviterId } = invitation
    return {
      invitation,
      assignment,
      preview: {
        id,
        organizationName: organization.name,
        organizationLogo: organization.logo,
        email,
        inviterName: inviterId === null ? null : (tables.users.get(inviterId)?.name ?? null),
        roles: names,
        status,
        expiresAt,
      },
      organizationSlug: organization.slug,
      version: row.version,
      customRoles: assignment.custom
        .flatMap((roleId) => roles.get(roleId)?.role ?? [])
        .map((role) => ({ id: role.id, name: role.name, permissions: role.permissions }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    }
  }

  /** The same of an organization that is there. */
  const whereThere = (row: InvitationRow | undefined): Option.Option<StoredInvitation> =>
    row === undefined || organizations.get(row.invitation.organizationId)?.organization.deletedAt !== null
      ? Option.none()
      : Option.fromUndefinedOr(toStored(row))

  const put = (row: InvitationRow, changed: Partial<Invitation>, rest: Partial<InvitationRow> = {}): InvitationRow => {
    const next = { ...row, ...rest, invitation: { ...row.invitation, ...changed } }
    invitations.set(next.invitation.id, next)
    return next
  }

  /** Ends an invitation, which gives no roles of the organization from then on. */
  const end = (row: InvitationRow, changed: Partial<Invitation>): InvitationRow =>
    put(row, changed, { assignment: { ...row.assignment, custom: [] } })

  const isFull = (organizationId: OrganizationId, limit: number | null, now: DateTime.Utc): boolean =>
    limit !== null &&
    ofOrganization(organizationId).filter(({ invitation }) => statusAt(invitation, now) === "pending").length >= limit

  /** What the foreign keys of an invitation with these roles and teams ask for. */
  const isWhole = (organizationId: OrganizationId, { assignment, invitation }: Omit<InvitationRow, "tokenHash">) =>
    organizations.has(organizationId) &&
    (invitation.inviterId === null || tables.users.has(invitation.inviterId)) &&
    assignment.custom.every((id) => roles.get(id)?.organizationId === organizationId) &&
    invitation.teams.every(({ teamId }) => teams.get(teamId)?.organizationId === organizationId)

  return InvitationStore.of({
    prepare: (viewer, { email, roles: names }) =>
      tables.statement(() =>
        Effect.succeed(
          guarded(organizationTables, viewer, ({ organizationId, organizationName }) => {
            const open = openTo(organizationId, email)?.invitation
            return {
              version: organizations.get(organizationId)?.version ?? 0,
              organizationName,
              isMember: isMember(organizationId, email),
              open: open === undefined ? null : { id: open.id, expiresAt: open.expiresAt },
              roles: [...roles.values()]
                .filter((row) => row.organizationId === organizationId && names.includes(row.role.name))
                .map(({ role: { id, name, permissions } }) => ({ id, name, permissions }))
                .sort((a, b) => (a.name < b.name ? -1 : 1)),
            }
          }),
        ),
      ),
    insert: ({ invitation, assignment, tokenHash, limit, version = null, record }) => {
      const inserted = tables.statement((): Effect.Effect<"kept" | "invited" | "full" | "changed", StoreError> => {
        const { id, organizationId, email, createdAt } = invitation
        const row = organizations.get(organizationId)
        if (version !== null && !isAt(row, version)) return Effect.succeed("changed")
        if (openTo(organizationId, email) !== undefined) return Effect.succeed("invited")
        if (isFull(organizationId, limit, createdAt)) return Effect.succeed("full")
        if (!isWhole(organizationId, { invitation, assignment })) {
          return refuse("InvitationStore", "insert", "the organization has its roles and teams, and the inviter exists")
        }
        if (invitations.has(id) || [...invitations.values()].some((row) => row.tokenHash === tokenHash)) {
          return refuse("InvitationStore", "insert", "unique id and token")
        }
        invitations.set(id, { invitation, assignment, tokenHash })
        if (version !== null && row !== undefined) organizations.set(organizationId, { ...row, version: version + 1 })
        return Effect.succeed("kept")
      })
      return recorded(inserted, (outcome) => outcome === "kept", record)
    },
    list: (viewer, page) =>
      tables.statement(() =>
        Effect.succeed(
          guarded(organizationTables, viewer, ({ organizationId }) =>
            pageBy(
              ofOrganization(organizationId)
                .map(({ invitation }) => invitation)
                .filter((invitation) => page.status === null || statusAt(invitation, page.now) === page.status),
              ({ id }) => id,
              page,
              ({ email }) => [email],
              "descending",
            ),
          ),
        ),
      ),
    find: (viewer, id) =>
      tables.statement(() =>
        Effect.succeed(
          guarded(organizationTables, viewer, ({ organizationId }) => {
            const row = invitations.get(id)
            return row?.invitation.organizationId === organizationId
              ? Option.fromUndefinedOr(toStored(row))
              : Option.none()
          }),
        ),
      ),
    findByToken: (hashes) =>
      tables.statement(() =>
        Effect.succeed(whereThere([...invitations.values()].find(({ tokenHash }) => hashes.includes(tokenHash)))),
      ),
    findByEmail: (email, id) =>
      tables.statement(() => {
        const row = invitations.get(id)
        return Effect.succeed(whereThere(row?.invitation.email === email ? row : undefined))
      }),
    listByEmail: (email, page) =>
      tables.statement(() =>
        Effect.succeed(
          pageBy(
            [...invitations.values()]
              .filter(({ invitation }) => invitation.email === email && statusAt(invitation, page.now) === "pending")
              .flatMap((row) => Option.toArray(whereThere(row)))
              .map(({ preview }) => preview),
            ({ id }) => id,
            page,
            ({ organizationName }) => [organizationName],
            "descending",
          ),
        ),
      ),
    rotate: ({ organizationId, id, roles: names, assignment, tokenHash, expiresAt, now }) =>
      tables.statement(() => {
        const row = invitations.get(id)
        if (row?.invitation.organizationId !== organizationId || !isOpenOrOver(row.invitation)) {
          return Effect.succeedNone
        }
        if (row.invitation.status === "expired" && openTo(organizationId, row.invitation.email) !== undefined) {
          return Effect.succeedNone
        }
        if (!isWhole(organizationId, { invitation: row.invitation, assignment })) {
          return refuse("InvitationStore", "rotate", "the organization has its roles")
        }
        const sends = row.invitation.sends + 1
        const changed = { status: "pending", roles: names, sends, sentAt: now, updatedAt: now, expiresAt } as const
        return Effect.succeedSome(put(row, changed, { assignment, tokenHash }).invitation)
      }),
    close: ({ id, hashes, status, acceptedBy, now }) =>
      tables.statement(() => {
        const row = invitations.get(id)
        if (row?.invitation.status !== "pending" || !isInTime(status, row.invitation, now)) return Effect.succeedNone
        if (hashes !== null && !hashes.includes(row.tokenHash)) return Effect.succeedNone
        const person = acceptedBy !== null && tables.users.has(acceptedBy) ? acceptedBy : null
        const closed = end(row, { status, acceptedBy: person, updatedAt: now })
        return Effect.succeed(Option.fromUndefinedOr(toStored({ ...closed, assignment: row.assignment })))
      }),
    accept: ({ hashes, invitation: { assignment, invitation, version }, limit, member, now, record }) => {
      const { id, userId, sessionId = null } = member
      const accepted = tables.statement((): Effect.Effect<boolean, StoreError> => {
        const place = organizations.get(invitation.organizationId)
        const held = invitations.get(invitation.id)
        if (!isAt(place, version) || (limit !== null && place.memberCount >= limit)) return Effect.succeed(false)
        if (held?.invitation.status !== "pending" || !isInTime("accepted", held.invitation, now)) {
          return Effect.succeed(false)
        }
        if (hashes !== null && !hashes.includes(held.tokenHash)) return Effect.succeed(false)
        if (
          !tables.users.has(userId) ||
          memberOf(organizationTables, invitation.organizationId, userId) !== undefined
        ) {
          return Effect.succeed(false)
        }
        if (organizationTables.members.has(id)) return refuse("InvitationStore", "accept", "unique id")
        seat(tables, organizationTables, place, { id, userId, roles: assignment, sessionId, now })
        end(held, { status: "accepted", acceptedBy: userId, updatedAt: now })
        return Effect.succeed(true)
      })
      return recorded(accepted, (isAccepted) => isAccepted, record)
    },
    expire: (now, limit) =>
      tables.statement(() => {
        const over = [...invitations.values()]
          .filter(({ invitation }) => invitation.status === "pending" && statusAt(invitation, now) === "expired")
          .sort((a, b) => a.invitation.expiresAt.epochMilliseconds - b.invitation.expiresAt.epochMilliseconds)
          .slice(0, limit)
        for (const row of over) end(row, { status: "expired", updatedAt: now })
        return Effect.succeed(
          over
            .map(({ invitation: { id, organizationId } }) => ({ id, organizationId }))
            .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1)),
        )
      }),
    removeClosed: (instant, limit) =>
      tables.statement(() => {
        const closed = [...invitations.values()]
          .map(({ invitation }) => invitation)
          .filter(({ status, updatedAt }) => status !== "pending" && isBefore(updatedAt, instant))
          .sort((a, b) => a.updatedAt.epochMilliseconds - b.updatedAt.epochMilliseconds)
          .slice(0, limit)
        for (const { id } of closed) invitations.delete(id)
        return Effect.succeed(closed.length)
      }),
  })
})

/**
 * Layer that keeps invitations in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  InvitationStore,
  never,
  AuditStore | MemoryOrganizationTables | MemoryTables | OutboxStore
> = Layer.effect(InvitationStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Whether an organization is there and has this version still. */
const isAt = (row: OrganizationRow | undefined, version: number): row is OrganizationRow =>
  row !== undefined && row.version === version && row.organization.deletedAt === null

const isOpenOrOver = ({ status }: Invitation): boolean => status === "pending" || status === "expired"

const isInTime = (status: Exclude<InvitationStatus, "pending">, invitation: Invitation, now: DateTime.Utc): boolean =>
  status === "revoked" || (statusAt(invitation, now) === "expired") === (status === "expired")

const isBefore = (a: DateTime.Utc, b: DateTime.Utc): boolean => a.epochMilliseconds < b.epochMilliseconds

const orderOf = ({ id, organizationId }: { readonly id: InvitationId; readonly organizationId: OrganizationId }) =>
  `${organizationId} ${id}`
