/**
 * Organizations: made, found, changed, handed over, left, deleted and restored by the people in them.
 *
 * @since 0.1.0
 */
import { type AuditEvent, AuditEventId } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import { SessionInvalid, type SessionNotFresh } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Access from "./internal/access.ts"
import { doerOf } from "./internal/changes.ts"
import { storePage, toPage } from "./internal/cursors.ts"
import * as Limits from "./internal/limits.ts"
import * as Locked from "./internal/locked.ts"
import * as MemberChanges from "./internal/memberChanges.ts"
import * as OrganizationChanges from "./internal/organizationChanges.ts"
import { findRoles } from "./internal/roleNames.ts"
import { type LastOwner, type MemberId, MemberNotFound } from "./Member.ts"
import { MemberStore } from "./MemberStore.ts"
import { type Actor, isOwner, type Membership, type Viewer } from "./Membership.ts"
import { MembershipStore } from "./MembershipStore.ts"
import {
  DeletionRefused,
  LimitReached,
  type MetadataInvalid,
  type NewOrganization,
  type Organization,
  type OrganizationCounts,
  OrganizationCreationRefused,
  OrganizationNotFound,
  type OrganizationPatch,
  type OrganizationRef,
  type Slug,
  type SlugTaken,
} from "./Organization.ts"
import { OrganizationHooks } from "./OrganizationHooks.ts"
import { rateLimits } from "./OrganizationRateLimits.ts"
import { OrganizationSettings } from "./OrganizationSettings.ts"
import { OrganizationStore } from "./OrganizationStore.ts"
import type { ListOptions, Page } from "./Page.ts"
import { PermissionMissing } from "./Permission.ts"
import type { RoleNames, RoleNotFound } from "./Role.ts"
import { RoleStore } from "./RoleStore.ts"

/**
 * What every call about an organization may fail with: not the caller's to see, not the caller's to do, no answer.
 *
 * @category models
 * @since 0.1.0
 */
export type Denied = OrganizationNotFound | PermissionMissing | StoreError

/**
 * An organization of somebody, and who they are in it.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnOrganization {
  readonly organization: Organization
  readonly membership: Membership
  readonly lastUsedAt: DateTime.Utc | null
}

/**
 * Organizations, as the people in them see and change them. `organizationActions` says what each call needs.
 *
 * @category services
 * @since 0.1.0
 */
export class Organizations extends Context.Service<
  Organizations,
  {
    /**
     * Makes an organization; the actor owns it, and the session acts for it from then on. `SessionInvalid`: the actor
     * was deleted meanwhile, and the session with them.
     */
    readonly create: (
      actor: Actor,
      organization: NewOrganization,
    ) => Effect.Effect<
      OwnOrganization,
      | OrganizationCreationRefused
      | SlugTaken
      | LimitReached
      | MetadataInvalid
      | SessionInvalid
      | RateLimited
      | StoreError
    >
    /** The actor's organizations, the one joined last first; with `deleted`, those that the actor can restore. */
    readonly list: (
      actor: Actor,
      options?: ListOptions & { readonly deleted?: boolean | undefined },
    ) => Effect.Effect<Page<OwnOrganization>, StoreError>
    readonly get: (
      actor: Actor,
      organization: OrganizationRef,
    ) => Effect.Effect<
      { readonly organization: Organization; readonly membership: Membership; readonly counts: OrganizationCounts },
      Denied
    >
    /** Whether a slug is free at the moment. */
    readonly isSlugAvailable: (slug: Slug) => Effect.Effect<boolean, StoreError>
    readonly update: (
      actor: Actor,
      organization: OrganizationRef,
      patch: OrganizationPatch,
    ) => Effect.Effect<Organization, Denied | SlugTaken | MetadataInvalid>
    /** Deletes an organization, in a fresh session. Owners can restore it for a while. */
    readonly remove: (
      actor: Actor,
      organization: OrganizationRef,
    ) => Effect.Effect<void, Denied | DeletionRefused | SessionNotFresh>
    /**
     * Brings a deleted organization back as it was, in a fresh session: its members act for it again in sessions for
     * which they chose it, and nothing else since.
     */
    readonly restore: (
      actor: Actor,
      organization: OrganizationRef,
    ) => Effect.Effect<Organization, Denied | DeletionRefused | SessionNotFresh>
    /** Makes another member an owner and gives the actor `keeps` (`admin`) instead, at once, in a fresh session. */
    readonly transfer: (
      actor: Actor,
      organization: OrganizationRef,
      options: { readonly to: MemberId; readonly keeps?: RoleNames | undefined },
    ) => Effect.Effect<void, Denied | MemberNotFound | RoleNotFound | SessionNotFresh>
    /** Ends the actor's own membership. */
    readonly leave: (
      actor: Actor,
      organization: OrganizationRef,
    ) => Effect.Effect<void, OrganizationNotFound | LastOwner | StoreError>
    /** What happened in the organization, newest first. */
    readonly auditEvents: (
      actor: Actor,
      organization: OrganizationRef,
      options?: ListOptions & { readonly userId?: UserId | undefined },
    ) => Effect.Effect<Page<AuditEvent>, Denied>
  }
>()("@belfry/organization/Organizations") {}

/**
 * Builds the service over the stores.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* OrganizationStore
  const memberships = yield* MembershipStore
  const members = yield* MemberStore
  const roles = yield* RoleStore
  const transactions = yield* TransactionStore
  const sessions = yield* Sessions
  const limits = yield* RateLimits
  const settings = yield* OrganizationSettings
  const hooks = yield* OrganizationHooks
  const access = yield* Access.make
  const locked = yield* Locked.make
  const changes = yield* OrganizationChanges.make
  const memberChanges = yield* MemberChanges.make

  const mayCreate = ({ user }: Actor) =>
    typeof settings.mayCreate === "function" ? settings.mayCreate(user) : Effect.succeed(settings.mayCreate)

  /** Under the lock of the user, so that nobody makes two where there is room for one. */
  const refuseTooMany = Effect.fnUntraced(function* ({ user }: Actor, maximum: number) {
    if ((yield* store.countByUser(user.id, maximum)) < maximum) return
    return yield* new LimitReached({ limit: "organizations", maximum })
  })

  /** Whether a deleted organization can be restored still; the instant at which its time of grace ends is too late. */
  const canBeRestored = (deletedAt: DateTime.Utc, now: DateTime.Utc): boolean =>
    DateTime.isLessThan(now, DateTime.addDuration(deletedAt, settings.deletionGrace))

  /** Who somebody is in an organization, and whether that is deleted. */
  const findEvenDeleted = Effect.fnUntraced(function* (viewer: Viewer) {
    const deleted = yield* memberships.findDeleted(viewer)
    const found = Option.isSome(deleted) ? deleted : yield* memberships.find(viewer)
    return Option.map(found, (membership) => ({ membership, value: Option.isSome(deleted) }))
  })

  return Organizations.of({
    create: Effect.fn("Organizations.create")(function* (actor, input) {
      if (!(yield* mayCreate(actor))) return yield* new OrganizationCreationRefused()
      if (settings.limitsRates) yield* limits.consume(rateLimits.createByUser, actor.user.id)
      const maximum = yield* Limits.evaluate(settings.limits.organizations, { user: actor.user })
      const creation = changes.create(
        { ...input, privateMetadata: undefined },
        { ownerId: actor.user.id, doer: doerOf(actor) },
      )
      const { organization, membership } = yield* Effect.catchTag(
        maximum === null ? creation : transactions.run(Effect.andThen(refuseTooMany(actor, maximum), creation)),
        "UserNotFound",
        () => Effect.fail(new SessionInvalid()),
      )
      return {
        organization: OrganizationChanges.toOrganization(organization),
        membership: access.resolve(membership),
        lastUsedAt: actor.session === null ? null : organization.createdAt,
      }
    }),
    list: Effect.fn("Organizations.list")(function* ({ user }, { deleted = false, ...options } = {}) {
      const place = storePage(options)
      const found = yield* store.listByUser(user.id, { ...place, deleted })
      const now = yield* DateTime.now
      const { items, cursor } = toPage(
        found.map((own) => ({ ...own, membership: access.resolve(own.membership) })),
        place,
        ({ membership }) => membership.memberId,
      )
      const isShown = ({ organization: { deletedAt }, membership }: OwnOrganization): boolean =>
        deletedAt === null || (canBeRestored(deletedAt, now) && membership.permissionSet.has("organization:delete"))
      return { items: items.filter(isShown), cursor }
    }),
    get: Effect.fn("Organizations.get")(function* ({ user }, organization) {
      const now = yield* DateTime.now
      const { membership, value } = yield* access.read(
        "organizations.get",
        store.get({ userId: user.id, organization }, now),
      )
      return { ...value, membership }
    }),
    isSlugAvailable: Effect.fn("Organizations.isSlugAvailable")((slug) =>
      Effect.map(store.isSlugTaken(slug), (isTaken) => !isTaken),
    ),
    update: Effect.fn("Organizations.update")(function* (actor, organization, patch) {
      const now = yield* DateTime.now
      const updated = yield* locked.inOrganization(
        { actor, organization, action: "organizations.update", read: (viewer) => store.get(viewer, now) },
        ({ value }) =>
          changes.update<Organization>(value.organization, { ...patch, privateMetadata: undefined }, doerOf(actor)),
      )
      return "privateMetadata" in updated ? OrganizationChanges.toOrganization(updated) : updated
    }),
    remove: Effect.fn("Organizations.remove")(function* (actor, organization) {
      yield* sessions.requireFresh(actor.session)
      yield* locked.inOrganization(
        {
          actor,
          organization,
          action: "organizations.remove",
          // Whom a mail tells of it is read with the membership.
          read: (viewer) => members.list(viewer, OrganizationChanges.mailedOwners),
          audits: "organization.deleted",
        },
        Effect.fnUntraced(function* ({ organizationId, membership, value: owners }) {
          if (!settings.allowsDeletion) return yield* new DeletionRefused({ reason: "disabled", detail: null })
          yield* hooks.beforeDeletion({ organizationId })
          yield* changes.remove(membership, owners, doerOf(actor))
        }),
      )
    }),
    restore: Effect.fn("Organizations.restore")(function* (actor, organization) {
      yield* sessions.requireFresh(actor.session)
      return yield* locked.inOrganization(
        {
          actor,
          organization,
          action: "organizations.restore",
          read: findEvenDeleted,
        },
        Effect.fnUntraced(function* ({ organizationId, value: isDeleted }) {
          if (!isDeleted) return yield* new DeletionRefused({ reason: "not-deleted", detail: null })
          const found = Option.getOrUndefined(yield* store.find(organizationId))
          const deletedAt = found?.deletedAt ?? null
          if (found === undefined || deletedAt === null || !canBeRestored(deletedAt, yield* DateTime.now)) {
            return yield* new OrganizationNotFound()
          }
          return OrganizationChanges.toOrganization(yield* changes.restore(found, doerOf(actor)))
        }),
      )
    }),
    transfer: Effect.fn("Organizations.transfer")(function* (
      actor,
      organization,
      { to, keeps = OrganizationChanges.keptByDefault },
    ) {
      yield* sessions.requireFresh(actor.session)
      yield* locked.inOrganization(
        {
          actor,
          organization,
          action: "organizations.transfer",
          read: (viewer) => members.find(viewer, { _tag: "Id", id: to }),
          // Whoever hands something over has it: the permission alone does not make an owner.
          authorize: ({ membership }) =>
            Effect.andThen(
              access.authorize(membership, "organizations.transfer"),
              isOwner(membership) ? Effect.void : Effect.fail(new PermissionMissing({ reason: "owner", missing: [] })),
            ),
          audits: "organization.transferred",
        },
        Effect.fnUntraced(function* ({ organizationId, membership, value: target }) {
          if (Option.isNone(target) || target.value.member.id === membership.memberId)
            return yield* new MemberNotFound()
          const kept = yield* findRoles({ rules: access.rules, store: roles }, organizationId, keeps)
          yield* changes.transfer({ from: membership, to: target.value, keeps: kept }, doerOf(actor))
        }),
      )
    }),
    leave: Effect.fn("Organizations.leave")((actor, organization) =>
      locked
        .inOrganization(
          {
            actor,
            organization,
            action: "organizations.leave",
            read: (viewer) => members.find(viewer, { _tag: "User", userId: actor.user.id }),
          },
          ({ value: oneself }) =>
            Option.isNone(oneself)
              ? Effect.fail(new MemberNotFound())
              : memberChanges.remove(oneself.value, "left", doerOf(actor)),
        )
        .pipe(
          Effect.catchTags({
            MemberNotFound: () => Effect.fail(new OrganizationNotFound()),
            // The table asks for no permission to leave.
            PermissionMissing: (error) => Effect.die(error),
          }),
        ),
    ),
    auditEvents: Effect.fn("Organizations.auditEvents")(function* ({ user }, organization, options = {}) {
      const place = storePage(options, isAuditEventId)
      const { value } = yield* access.read(
        "organizations.auditEvents",
        store.listAuditEvents({ userId: user.id, organization }, { ...place, userId: options.userId ?? null }),
      )
      return toPage(value, place, ({ id }) => id)
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Organizations, make)

// internal

const isAuditEventId = Schema.is(AuditEventId)
