/**
 * Keeping an invitation and mailing it, the same way for those who may invite and for code that is trusted. All of it
 * is for a transaction that holds the lock of the organization, or for who knows its version.
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { Email } from "@belfry/core/User"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Invitation, InvitationClosed, InvitationConflict, InvitationId, statusAt } from "../Invitation.ts"
import { type InvitationFacts, InvitationStore } from "../InvitationStore.ts"
import { LimitReached, type OrganizationId } from "../Organization.ts"
import { OrganizationSettings } from "../OrganizationSettings.ts"
import type { AcceptedTeam } from "../TeamAssignments.ts"
import * as Changes from "./changes.ts"
import * as InvitationMails from "./invitationMails.ts"
import * as InvitationTokens from "./invitationTokens.ts"
import * as Limits from "./limits.ts"
import { changed } from "./locked.ts"
import type { NamedRoles } from "./roleNames.ts"

/** What is to be kept. `inviterName` is null where nobody is to be named. */
export interface Issued {
  readonly organizationId: OrganizationId
  readonly email: Email
  readonly facts: InvitationFacts
  readonly roles: NamedRoles
  readonly teams: ReadonlyArray<AcceptedTeam>
  readonly lifetime: Duration.Duration | undefined
  readonly inviterName: string | null
  readonly doer: Changes.Doer
  /** The version that the organization must have still; null for who holds its lock. */
  readonly version: number | null
}

export const make = Effect.gen(function* () {
  const store = yield* InvitationStore
  const settings = yield* OrganizationSettings
  const random = yield* SecureRandom.SecureRandom
  const changes = yield* Changes.make
  const tokens = yield* InvitationTokens.make
  const mails = yield* InvitationMails.make

  /** An open invitation that is over stands in the way of a new one until it is written down as expired. */
  const clear = Effect.fnUntraced(function* (
    organizationId: OrganizationId,
    { isMember, open }: InvitationFacts,
    now: DateTime.Utc,
  ): Effect.fn.Return<void, InvitationConflict | StoreError> {
    if (isMember) return yield* new InvitationConflict({ reason: "member" })
    if (open === null) return
    if (statusAt({ ...open, status: "pending" }, now) === "pending") {
      return yield* new InvitationConflict({ reason: "invited" })
    }
    const closed = yield* store.close({ id: open.id, hashes: null, status: "expired", acceptedBy: null, now })
    // A sweep wrote it down just now, and told of it.
    if (Option.isNone(closed)) return
    yield* changes.record({
      type: "organization-invitation.expired",
      organizationId,
      doer: Changes.nobody,
      data: { invitationId: open.id },
      events: [{ _tag: "InvitationExpired", invitationId: open.id }],
    })
  })

  const lifetimeOf = (asked: Duration.Duration | undefined) =>
    asked === undefined ? settings.invitationLifetime : Duration.clamp(asked, settings.invitationLifetimeBounds)

  return {
    clear,
    /** Keeps a new invitation to an address that has none, and mails its token. Without the lock, one statement. */
    issue: Effect.fnUntraced(function* (
      asked: Issued,
    ): Effect.fn.Return<Invitation | typeof changed, InvitationConflict | LimitReached | StoreError> {
      const { organizationId, email, facts, roles, teams, doer, version } = asked
      const now = yield* DateTime.now
      yield* clear(organizationId, facts, now)
      const limit = yield* Limits.evaluate(settings.limits.invitations, { organizationId })
      const { token, tokenHash } = yield* tokens.issue
      const invitation: Invitation = {
        id: InvitationId.make(yield* random.uuidV7()),
        organizationId,
        email,
        roles: roles.names,
        teams,
        status: "pending",
        inviterId: doer.userId,
        acceptedBy: null,
        sends: 1,
        sentAt: now,
        createdAt: now,
        updatedAt: now,
        expiresAt: DateTime.addDuration(now, lifetimeOf(asked.lifetime)),
      }
      const { id: invitationId, expiresAt } = invitation
      const record = yield* changes.prepare({
        type: "organization-invitation.created",
        organizationId,
        doer,
        after: { roles: roles.names },
        data: { invitationId, teamIds: teams.map(({ teamId }) => teamId) },
        events: [{ _tag: "InvitationCreated", invitationId, roles: roles.names, expiresAt }],
      })
      const { assignment } = roles
      const { organizationName } = facts
      // Whoever stops in between would leave an invitation that nobody is told of.
      return yield* Effect.uninterruptible(
        Effect.gen(function* () {
          const kept = yield* store.insert({ invitation, assignment, tokenHash, limit, version, record })
          if (kept === "changed") return changed
          if (kept === "invited") return yield* new InvitationConflict({ reason: "invited" })
          if (kept === "full") return yield* new LimitReached({ limit: "invitations", maximum: limit ?? 0 })
          yield* changes.announce
          yield* mails.send({ invitation, token, organizationName, inviterName: asked.inviterName })
          return invitation
        }),
      )
    }),
    /** Takes back an open invitation. */
    revoke: Effect.fnUntraced(function* (
      earlier: Invitation,
      doer: Changes.Doer,
    ): Effect.fn.Return<void, InvitationClosed | StoreError> {
      const { id, organizationId } = earlier
      const now = yield* DateTime.now
      const status = statusAt(earlier, now)
      if (status !== "pending") return yield* new InvitationClosed({ reason: status })
      const closed = yield* store.close({ id, hashes: null, status: "revoked", acceptedBy: null, now })
      // Only a sweep closes without the lock.
      if (Option.isNone(closed)) return yield* new InvitationClosed({ reason: "expired" })
      yield* changes.record({
        type: "organization-invitation.revoked",
        organizationId,
        doer,
        data: { invitationId: id },
        events: [{ _tag: "InvitationRevoked", invitationId: id }],
      })
    }),
  }
})
