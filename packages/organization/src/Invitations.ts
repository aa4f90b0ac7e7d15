/**
 * Invitations: sent by mail, looked at by token, accepted or rejected once.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { SessionInvalid } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { Email, User } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Access from "./internal/access.ts"
import * as Changes from "./internal/changes.ts"
import { storePage, toPage } from "./internal/cursors.ts"
import * as InvitationAnswers from "./internal/invitationAnswers.ts"
import * as InvitationIssuing from "./internal/invitationIssuing.ts"
import * as InvitationSending from "./internal/invitationSending.ts"
import * as Locked from "./internal/locked.ts"
import {
  type Invitation,
  type InvitationClosed,
  type InvitationConflict,
  type InvitationForAnother,
  type InvitationId,
  InvitationNotFound,
  type InvitationPreview,
  type InvitationStatus,
  statusAt,
} from "./Invitation.ts"
import { InvitationStore } from "./InvitationStore.ts"
import type { Actor, Membership } from "./Membership.ts"
import type { LimitReached, OrganizationRef } from "./Organization.ts"
import type { Denied } from "./Organizations.ts"
import type { ListOptions, Page } from "./Page.ts"
import type { RoleNames, RoleNotFound } from "./Role.ts"
import type { TeamAssignment, TeamNotFound } from "./Team.ts"

/**
 * By what somebody answers an invitation: the token of the mail, or its id, which needs the address verified.
 *
 * @category models
 * @since 0.1.0
 */
export type InvitationKey =
  | { readonly _tag: "Token"; readonly token: Redacted.Redacted }
  | { readonly _tag: "Id"; readonly id: InvitationId }

/**
 * What accepting may fail with, for whoever holds the token or the address. Everybody else gets `InvitationNotFound`.
 *
 * @category models
 * @since 0.1.0
 */
export type AnswerRefused = InvitationNotFound | InvitationClosed | InvitationForAnother

/**
 * Invitations. Tokens go by mail alone, and only their keyed hashes are kept.
 *
 * @category services
 * @since 0.1.0
 */
export class Invitations extends Context.Service<
  Invitations,
  {
    /** Invites an address. With `resends`, an open invitation to it is sent again instead. */
    readonly create: (
      actor: Actor,
      organization: OrganizationRef,
      options: {
        readonly email: Email
        readonly roles: RoleNames
        readonly teams?: ReadonlyArray<TeamAssignment> | undefined
        readonly lifetime?: Duration.Duration | undefined
        readonly resends?: boolean | undefined
      },
    ) => Effect.Effect<
      Invitation,
      Denied | InvitationConflict | RoleNotFound | TeamNotFound | LimitReached | RateLimited
    >
    /** Newest first; of one status, when given. `search`: how the address begins. */
    readonly list: (
      actor: Actor,
      organization: OrganizationRef,
      options?: ListOptions & { readonly status?: InvitationStatus | undefined },
    ) => Effect.Effect<Page<Invitation>, Denied>
    readonly get: (
      actor: Actor,
      organization: OrganizationRef,
      id: InvitationId,
    ) => Effect.Effect<Invitation, Denied | InvitationNotFound>
    /** Mails a new token, which lives as long as a new invitation; the old one is dead. Also when it had expired. */
    readonly resend: (
      actor: Actor,
      organization: OrganizationRef,
      id: InvitationId,
    ) => Effect.Effect<Invitation, Denied | InvitationNotFound | InvitationClosed | InvitationConflict | RateLimited>
    readonly revoke: (
      actor: Actor,
      organization: OrganizationRef,
      id: InvitationId,
    ) => Effect.Effect<void, Denied | InvitationNotFound | InvitationClosed>
    /** The open invitations to the actor's own address, which must be verified: else there are none. */
    readonly mine: (actor: Actor, options?: ListOptions) => Effect.Effect<Page<InvitationPreview>, StoreError>
    /** What whoever holds a token may know before signing in. Uses nothing up. */
    readonly preview: (
      token: Redacted.Redacted,
      client: ClientInfo,
    ) => Effect.Effect<InvitationPreview, InvitationNotFound | RateLimited | StoreError>
    /**
     * Makes the actor a member, once: the same person accepting again gets the same answer. A member keeps its roles
     * and joins the teams. The session acts for the organization from then on. `SessionInvalid`: the actor was deleted
     * meanwhile, and the session with them.
     */
    readonly accept: (
      actor: Actor,
      key: InvitationKey,
    ) => Effect.Effect<Membership, AnswerRefused | LimitReached | SessionInvalid | RateLimited | StoreError>
    /** Turns an invitation down. With a token nobody need be signed in. */
    readonly reject: (
      actor: Actor | null,
      key: InvitationKey,
      client: ClientInfo,
    ) => Effect.Effect<void, AnswerRefused | RateLimited | StoreError>
    /** The address that a token proves, while its invitation is open: for signing up with it. */
    readonly provenAddress: (
      token: Redacted.Redacted,
      client: ClientInfo,
    ) => Effect.Effect<Option.Option<Email>, RateLimited | StoreError>
    /**
     * Accepts for a user who was just made with the proven address. For use in the transaction that made them, which
     * has to fail where this is false: the invitation is not open any more, or the organization is full.
     */
    readonly acceptForNewUser: (
      token: Redacted.Redacted,
      user: User,
      client: ClientInfo,
    ) => Effect.Effect<boolean, StoreError>
    /** Writes down invitations that are over, at most 100 at a time, with their events; the number. */
    readonly expire: Effect.Effect<number, StoreError>
  }
>()("@belfry/organization/Invitations") {}

/**
 * Builds the service over the stores.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* InvitationStore
  const transactions = yield* TransactionStore
  const access = yield* Access.make
  const locked = yield* Locked.make
  const changes = yield* Changes.make
  const issuing = yield* InvitationIssuing.make
  const sending = yield* InvitationSending.make
  const answers = yield* InvitationAnswers.make

  return Invitations.of({
    ...sending,
    ...answers,
    list: Effect.fn("Invitations.list")(function* (actor, organization, options = {}) {
      const now = yield* DateTime.now
      const place = storePage(options)
      const { value } = yield* access.read(
        "invitations.list",
        store.list({ userId: actor.user.id, organization }, { ...place, status: options.status ?? null, now }),
      )
      return toPage(value.map(shownAt(now)), place, ({ id }) => id)
    }),
    get: Effect.fn("Invitations.get")(function* (actor, organization, id) {
      const { value } = yield* access.read("invitations.get", store.find({ userId: actor.user.id, organization }, id))
      if (Option.isNone(value)) return yield* new InvitationNotFound()
      return shownAt(yield* DateTime.now)(value.value.invitation)
    }),
    revoke: Effect.fn("Invitations.revoke")((actor, organization, id) =>
      locked.inOrganization(
        { actor, organization, action: "invitations.revoke", read: (viewer) => store.find(viewer, id) },
        Effect.fnUntraced(function* ({ value: found }) {
          if (Option.isNone(found)) return yield* new InvitationNotFound()
          yield* issuing.revoke(found.value.invitation, Changes.doerOf(actor))
        }),
      ),
    ),
    mine: Effect.fn("Invitations.mine")(function* ({ user }, options = {}) {
      if (user.emailVerifiedAt === null) return { items: [], cursor: null }
      const place = storePage(options)
      const found = yield* store.listByEmail(user.email, { ...place, now: yield* DateTime.now })
      return toPage(found, place, ({ id }) => id)
    }),
    expire: Effect.gen(function* () {
      const now = yield* DateTime.now
      return yield* transactions.run(
        Effect.gen(function* () {
          // In the order of the organizations, in which whoever else has events of several keeps them.
          const expired = yield* store.expire(now, sweepSize)
          for (const { id, organizationId } of expired) {
            yield* changes.record({
              type: "organization-invitation.expired",
              organizationId,
              doer: Changes.nobody,
              data: { invitationId: id },
              events: [{ _tag: "InvitationExpired", invitationId: id }],
            })
          }
          return expired.length
        }),
      )
    }).pipe(Effect.withSpan("Invitations.expire")),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Invitations, make)

// internal

/** How many invitations a sweep writes down at most: whoever changes one of their organizations waits meanwhile. */
const sweepSize = 100

/** An invitation as people see it: one that is over is expired, written down or not. */
const shownAt =
  (now: DateTime.Utc) =>
  (invitation: Invitation): Invitation => ({ ...invitation, status: statusAt(invitation, now) })
