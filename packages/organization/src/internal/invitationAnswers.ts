/**
 * Answering an invitation: looking at it by its token, accepting it, turning it down.
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import { guard } from "@belfry/core/Hooks"
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { RateLimits } from "@belfry/core/RateLimits"
import { SessionInvalid } from "@belfry/core/Session"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { Email, User } from "@belfry/core/User"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import {
  InvitationClosed,
  InvitationForAnother,
  type InvitationId,
  InvitationNotFound,
  statusAt,
} from "../Invitation.ts"
import type { InvitationKey, Invitations } from "../Invitations.ts"
import { InvitationStore, type StoredInvitation } from "../InvitationStore.ts"
import { type Member, MemberId } from "../Member.ts"
import type { Membership } from "../Membership.ts"
import { MembershipStore } from "../MembershipStore.ts"
import { MemberStore } from "../MemberStore.ts"
import { LimitReached, type OrganizationId } from "../Organization.ts"
import { OrganizationHooks } from "../OrganizationHooks.ts"
import { rateLimits as rules } from "../OrganizationRateLimits.ts"
import { OrganizationSettings } from "../OrganizationSettings.ts"
import { TeamAssignments } from "../TeamAssignments.ts"
import * as Access from "./access.ts"
import * as Changes from "./changes.ts"
import * as InvitationTokens from "./invitationTokens.ts"
import * as Limits from "./limits.ts"

type Answers = Pick<Invitations["Service"], "preview" | "accept" | "reject" | "provenAddress" | "acceptForNewUser">

/** By what somebody holds an invitation, once it was looked at: hashes of the token, or the address that is theirs. */
type Hold =
  | { readonly _tag: "Token"; readonly hashes: NonEmptyReadonlyArray<KeyedHash> }
  | { readonly _tag: "Id"; readonly id: InvitationId; readonly email: Email }

/** Who accepts. A session that there is acts for the organization from then on. */
interface Joiner {
  readonly user: User
  readonly doer: Changes.Doer
}

export const make = Effect.gen(function* () {
  const store = yield* InvitationStore
  const memberships = yield* MembershipStore
  const members = yield* MemberStore
  const transactions = yield* TransactionStore
  const settings = yield* OrganizationSettings
  const assignments = yield* TeamAssignments
  const hooks = yield* OrganizationHooks
  const rateLimits = yield* RateLimits
  const random = yield* SecureRandom.SecureRandom
  const access = yield* Access.make
  const changes = yield* Changes.make
  const tokens = yield* InvitationTokens.make

  const count = (client: ClientInfo) =>
    settings.limitsRates ? rateLimits.consume(rules.tokenByClient, rateLimitSubject(client.ipAddress)) : Effect.void

  const byToken = Effect.fnUntraced(function* (token: Redacted.Redacted) {
    const hashes = yield* tokens.candidates(token)
    if (Option.isNone(hashes)) return yield* new InvitationNotFound()
    return { _tag: "Token" as const, hashes: hashes.value }
  })

  /** The invitation that somebody holds, whatever became of it. */
  const find = Effect.fnUntraced(function* (hold: Hold) {
    const found = yield* hold._tag === "Token" ? store.findByToken(hold.hashes) : store.findByEmail(hold.email, hold.id)
    return Option.isSome(found) ? found.value : yield* new InvitationNotFound()
  })

  /** By id, an invitation is held by whoever proved the address. */
  const hold = Effect.fnUntraced(function* (user: User | null, key: InvitationKey) {
    if (key._tag === "Token") {
      const held = yield* byToken(key.token)
      return { held, stored: yield* find(held) }
    }
    if (user === null) return yield* new InvitationNotFound()
    const held: Hold = { _tag: "Id", id: key.id, email: user.email }
    const stored = yield* find(held)
    if (user.emailVerifiedAt === null) return yield* new InvitationForAnother({ reason: "unverified" })
    return { held, stored }
  })

  /** The lock of an organization that is there. */
  const lock = Effect.fnUntraced(function* (organizationId: OrganizationId) {
    const locked = yield* memberships.lock(organizationId, null)
    if (Option.isNone(locked) || locked.value.deletedAt !== null) return yield* new InvitationNotFound()
  })

  /** What became of an invitation that could not be closed: told to whoever holds it. */
  const refusal = Effect.fnUntraced(function* (held: Hold, now: DateTime.Utc) {
    const { invitation } = yield* find(held)
    const status = statusAt(invitation, now)
    return status === "pending"
      ? yield* new InvitationNotFound()
      : { invitation, closed: new InvitationClosed({ reason: status }) }
  })

  /** Who somebody is in an organization whom an invitation made a member. */
  const newMember = (
    { assignment, customRoles, ...stored }: StoredInvitation,
    id: MemberId,
    user: User,
    now: DateTime.Utc,
  ) => {
    const { organizationId } = stored.invitation
    const membership: Membership = access.resolve({
      organizationId,
      organizationName: stored.preview.organizationName,
      organizationSlug: stored.organizationSlug,
      memberId: id,
      userId: user.id,
      builtInRoles: assignment.builtIn,
      customRoles,
    })
    const { roles, userId } = membership
    const member: Member = { id, organizationId, userId, roles, createdAt: now, updatedAt: now }
    return { member, membership }
  }

  /** What an acceptance leaves behind. */
  const acceptance = (
    { invitation }: StoredInvitation,
    doer: Changes.Doer,
    member: Member,
    isNew: boolean,
  ): Changes.Change => {
    const { id: invitationId, organizationId } = invitation
    const { id: memberId, roles, userId } = member
    return {
      type: "organization-invitation.accepted",
      organizationId,
      doer,
      ...(isNew ? { after: { roles } } : {}),
      data: { invitationId, memberId },
      events: [
        { _tag: "InvitationAccepted", invitationId, userId },
        ...(isNew ? [{ _tag: "MemberAdded", memberId, userId, roles, via: "invitation" } as const] : []),
      ],
    }
  }

  /** Tells the host of an acceptance once it is committed. */
  const tell = ({ invitation }: StoredInvitation, member: Member, isNew: boolean) =>
    transactions.afterCommit(
      Effect.andThen(
        isNew ? guard("afterMemberAddition", () => hooks.afterMemberAddition({ member })) : Effect.void,
        guard("afterInvitationAcceptance", () => hooks.afterInvitationAcceptance({ invitation, member })),
      ),
    )

  /**
   * The membership of somebody who accepts: a new one, or the one there is, whose roles stay. Their session acts for
   * the organization from then on.
   */
  const seat = Effect.fnUntraced(function* (stored: StoredInvitation, { doer, user }: Joiner, now: DateTime.Utc) {
    const { organizationId } = stored.invitation
    const limit = yield* Limits.evaluate(settings.limits.members, { organizationId })
    const id = MemberId.make(yield* random.uuidV7())
    const roles = stored.assignment
    const { sessionId } = doer
    const kept = yield* members.insert({ id, organizationId, userId: user.id, roles, limit, sessionId, now })
    if (kept === "absent") return yield* new SessionInvalid()
    if (kept === "full") return yield* new LimitReached({ limit: "members", maximum: limit ?? 0 })
    if (kept === "exists") {
      const found = yield* members.get(organizationId, { _tag: "User", userId: user.id })
      if (Option.isNone(found)) return yield* new InvitationNotFound()
      const { member, membership } = found.value
      if (sessionId !== null) yield* memberships.setActive({ sessionId, memberId: member.id, now })
      return { isNew: false, member, membership: access.resolve(membership) }
    }
    return { isNew: true, ...newMember(stored, id, user, now) }
  })

  /** Makes somebody a member by an invitation that was just closed as accepted. */
  const enter = Effect.fnUntraced(function* (stored: StoredInvitation, joiner: Joiner, now: DateTime.Utc) {
    const { doer } = joiner
    const { organizationId, teams } = stored.invitation
    const { isNew, member, membership } = yield* seat(stored, joiner, now)
    const { id: memberId, userId } = member
    yield* changes.record(acceptance(stored, doer, member, isNew))
    if (teams.length > 0) yield* assignments.assign({ organizationId, memberId, userId, teams, doer })
    yield* tell(stored, member, isNew)
    return membership
  })

  /** The same answer again, for who accepted it before and is a member still. */
  const sameAgain = Effect.fnUntraced(function* (held: Hold, joiner: Joiner, now: DateTime.Utc) {
    const { invitation, closed } = yield* refusal(held, now)
    if (invitation.status !== "accepted" || invitation.acceptedBy !== joiner.user.id) return yield* closed
    const { organizationId } = invitation
    const found = yield* memberships.find({ userId: joiner.user.id, organization: organizationId })
    if (Option.isNone(found)) return yield* closed
    const membership = access.resolve(found.value)
    const { sessionId } = joiner.doer
    if (sessionId !== null) yield* memberships.setActive({ sessionId, memberId: membership.memberId, now })
    return membership
  })

  /**
   * Makes somebody a member by an invitation as it was found, without waiting for the lock of its organization: where
   * nothing changed since, nobody is in the way, and there are no teams. None otherwise.
   */
  const joinAtOnce = Effect.fnUntraced(function* (held: Hold, stored: StoredInvitation, { doer, user }: Joiner) {
    const { organizationId, teams } = stored.invitation
    const now = yield* DateTime.now
    if (teams.length > 0 || statusAt(stored.invitation, now) !== "pending") return Option.none()
    const limit = yield* Limits.evaluate(settings.limits.members, { organizationId })
    const memberId = MemberId.make(yield* random.uuidV7())
    const { member, membership } = newMember(stored, memberId, user, now)
    const record = yield* changes.prepare(acceptance(stored, doer, member, true))
    const acceptor = { id: memberId, userId: user.id, sessionId: doer.sessionId }
    const hashes = held._tag === "Token" ? held.hashes : null
    const accepted = { ...stored.invitation, status: "accepted", acceptedBy: user.id, updatedAt: now } as const
    // Whoever stops in between would leave a member whom the host is not told of.
    return yield* Effect.uninterruptible(
      Effect.gen(function* () {
        const isAccepted = yield* store.accept({ invitation: stored, hashes, member: acceptor, limit, now, record })
        if (!isAccepted) return Option.none()
        yield* changes.announce
        yield* tell({ ...stored, invitation: accepted }, member, true)
        return Option.some(membership)
      }),
    )
  })

  const join = Effect.fnUntraced(function* (held: Hold, stored: StoredInvitation, joiner: Joiner) {
    const joined = yield* joinAtOnce(held, stored, joiner)
    return Option.isSome(joined) ? joined.value : yield* joinUnderLock(held, stored, joiner)
  })

  const joinUnderLock = (held: Hold, { invitation: { id, organizationId } }: StoredInvitation, joiner: Joiner) =>
    transactions.run(
      Effect.gen(function* () {
        yield* lock(organizationId)
        const now = yield* DateTime.now
        const hashes = held._tag === "Token" ? held.hashes : null
        const closed = yield* store.close({ id, hashes, status: "accepted", acceptedBy: joiner.user.id, now })
        return Option.isSome(closed) ? yield* enter(closed.value, joiner, now) : yield* sameAgain(held, joiner, now)
      }),
    )

  const answers: Answers = {
    preview: Effect.fn("Invitations.preview")(function* (token, client) {
      yield* count(client)
      const { preview } = yield* find(yield* byToken(token))
      return { ...preview, status: statusAt(preview, yield* DateTime.now) }
    }),
    accept: Effect.fn("Invitations.accept")(function* (actor, key) {
      const { user, client } = actor
      yield* count(client)
      const { held, stored } = yield* hold(user, key)
      // Who holds the token reads the mailbox of its address; whether another account may use it is the host's to say.
      if (!settings.acceptsOtherAddresses && stored.invitation.email !== user.email) {
        return yield* new InvitationForAnother({ reason: "address" })
      }
      return yield* join(held, stored, { user, doer: Changes.doerOf(actor) })
    }),
    reject: Effect.fn("Invitations.reject")(function* (actor, key, client) {
      yield* count(client)
      const { held, stored } = yield* hold(actor?.user ?? null, key)
      const { id, organizationId } = stored.invitation
      yield* transactions.run(
        Effect.gen(function* () {
          yield* lock(organizationId)
          const now = yield* DateTime.now
          const hashes = held._tag === "Token" ? held.hashes : null
          const closed = yield* store.close({ id, hashes, status: "rejected", acceptedBy: null, now })
          if (Option.isNone(closed)) return yield* (yield* refusal(held, now)).closed
          yield* changes.record({
            type: "organization-invitation.rejected",
            organizationId,
            doer: actor === null ? { ...Changes.nobody, client } : Changes.doerOf(actor),
            data: { invitationId: id },
            events: [{ _tag: "InvitationRejected", invitationId: id }],
          })
        }),
      )
    }),
    provenAddress: Effect.fn("Invitations.provenAddress")(function* (token, client) {
      yield* count(client)
      const found = yield* Effect.flatMap(byToken(token), find).pipe(
        Effect.asSome,
        Effect.catchTag("InvitationNotFound", () => Effect.succeedNone),
      )
      const now = yield* DateTime.now
      return Option.flatMap(found, ({ invitation }) =>
        statusAt(invitation, now) === "pending" ? Option.some(invitation.email) : Option.none(),
      )
    }),
    acceptForNewUser: Effect.fn("Invitations.acceptForNewUser")(function* (token, user, client) {
      const accepted = Effect.gen(function* () {
        const held = yield* byToken(token)
        const stored = yield* find(held)
        if (stored.invitation.email !== user.email) return yield* new InvitationForAnother({ reason: "address" })
        yield* join(held, stored, { user, doer: Changes.doerBy({ by: user.id, client }) })
        return true
      })
      const refused = () => Effect.succeed(false)
      return yield* Effect.catchTags(accepted, {
        InvitationNotFound: refused,
        InvitationClosed: refused,
        InvitationForAnother: refused,
        LimitReached: refused,
        SessionInvalid: refused,
      })
    }),
  }
  return answers
})
