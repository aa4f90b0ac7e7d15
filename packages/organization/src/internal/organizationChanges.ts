/**
 * What is done to organizations, the same way for those who may and for code that is trusted; each change with its
 * audit event and its events. All of it is for a transaction, which holds the lock of the organization once there is
 * one.
 */
import { guard } from "@belfry/core/Hooks"
import { make as makeMessage } from "@belfry/core/Mail"
import { MailQueue } from "@belfry/core/MailQueue"
import { PagePaths } from "@belfry/core/PagePaths"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { type UserId, UserNotFound } from "@belfry/core/User"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { AccessModel } from "../AccessModel.ts"
import { MemberId, MemberNotFound, type MemberWithUser } from "../Member.ts"
import { MemberStore, type MemberTarget } from "../MemberStore.ts"
import { type Membership, rolesOf, type StoredMembership } from "../Membership.ts"
import {
  type JsonObject,
  type MetadataInvalid,
  type NewOrganization,
  type Organization,
  OrganizationId,
  OrganizationNotFound,
  type OrganizationPatch,
  SlugTaken,
} from "../Organization.ts"
import { OrganizationHooks } from "../OrganizationHooks.ts"
import { OrganizationMessages } from "../OrganizationMessages.ts"
import { OrganizationSettings } from "../OrganizationSettings.ts"
import { OrganizationStore, type StoredOrganization, type StoredPatch } from "../OrganizationStore.ts"
import { owner, RoleName, type RoleNames } from "../Role.ts"
import { TeamAssignments } from "../TeamAssignments.ts"
import * as Changes from "./changes.ts"
import * as Metadata from "./metadata.ts"
import type { NamedRoles } from "./roleNames.ts"

/** Private metadata beside what people say of an organization: for code that is trusted. */
interface WithPrivate {
  readonly privateMetadata?: JsonObject | undefined
}

/** Whose an organization is when it is made, and who made it. */
interface Founder {
  readonly ownerId: UserId
  readonly doer: Changes.Doer
}

/** Who hands an organization over. */
type Handing = Pick<Membership, "organizationId" | "organizationName" | "memberId" | "userId" | "roles">

/** The owners whom a mail tells that their organization is deleted. */
export const mailedOwners = { after: null, limit: 100, search: null, role: owner } as const

/** What an owner keeps who hands an organization over. */
export const keptByDefault: RoleNames = [RoleName.make("admin")]

/** An organization as its members see it. */
export const toOrganization = (stored: StoredOrganization): Organization => Struct.omit(stored, ["privateMetadata"])

/** Changes of organizations, over the stores. */
export type OrganizationChanges = Effect.Success<typeof make>

export const make = Effect.gen(function* () {
  const store = yield* OrganizationStore
  const members = yield* MemberStore
  const transactions = yield* TransactionStore
  const random = yield* SecureRandom.SecureRandom
  const changes = yield* Changes.make
  const rules = yield* AccessModel
  const settings = yield* OrganizationSettings
  const hooks = yield* OrganizationHooks
  const messages = yield* OrganizationMessages
  const assignments = yield* TeamAssignments
  const mail = yield* MailQueue
  const site = yield* Site
  const paths = yield* PagePaths

  const encodePublic = Metadata.encoder(rules.publicMetadata)
  const encodePrivate = Metadata.encoder(rules.privateMetadata)

  const metadataOf = Effect.fnUntraced(function* ({
    publicMetadata,
    privateMetadata,
  }: { readonly publicMetadata?: JsonObject | undefined } & WithPrivate): Effect.fn.Return<
    StoredPatch,
    MetadataInvalid
  > {
    return {
      ...(publicMetadata === undefined ? {} : { publicMetadata: yield* encodePublic(publicMetadata) }),
      ...(privateMetadata === undefined ? {} : { privateMetadata: yield* encodePrivate(privateMetadata) }),
    }
  })

  const purge = Effect.fnUntraced(function* (organizationId: OrganizationId, doer: Changes.Doer) {
    if (!(yield* store.remove(organizationId))) return yield* new OrganizationNotFound()
    yield* changes.record({
      type: "organization.purged",
      organizationId,
      doer,
      events: [{ _tag: "OrganizationPurged" }],
    })
  })

  const create = Effect.fnUntraced(function* (
    input: NewOrganization & WithPrivate,
    { ownerId, doer }: Founder,
  ): Effect.fn.Return<
    { readonly organization: StoredOrganization; readonly membership: StoredMembership },
    UserNotFound | SlugTaken | MetadataInvalid | StoreError
  > {
    const { sessionId } = doer
    const metadata = yield* metadataOf({
      publicMetadata: input.publicMetadata ?? {},
      privateMetadata: input.privateMetadata ?? {},
    })
    const now = yield* DateTime.now
    const organizationId = OrganizationId.make(yield* random.uuidV7())
    const memberId = MemberId.make(yield* random.uuidV7())
    const { name, slug = null, logo = null } = input
    const organization: StoredOrganization = {
      id: organizationId,
      name,
      slug,
      logo,
      publicMetadata: {},
      privateMetadata: {},
      ...metadata,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    }
    const record = yield* changes.prepare({
      type: "organization.created",
      organizationId,
      doer,
      after: { name, slug, logo },
      data: { memberId, ownerId },
      events: [
        { _tag: "OrganizationCreated", slug, ownerId },
        { _tag: "MemberAdded", memberId, userId: ownerId, roles: [owner], via: "creation" },
      ],
    })
    const member = { id: memberId, organizationId, userId: ownerId, roles: [owner], createdAt: now, updatedAt: now }
    // Whoever stops in between would leave an organization that the host is not told of.
    yield* Effect.uninterruptible(
      Effect.gen(function* () {
        const kept = yield* store.insert(organization, { id: memberId, userId: ownerId, sessionId }, record)
        if (kept === "absent") return yield* new UserNotFound({ userId: ownerId })
        // Without a slug there is none that could be taken.
        if (kept === "slug-taken" && slug !== null) return yield* new SlugTaken({ slug })
        yield* changes.announce
        yield* assignments.begin({ organizationId, memberId, userId: ownerId, doer })
        yield* transactions.afterCommit(guard("afterMemberAddition", () => hooks.afterMemberAddition({ member })))
      }),
    )
    const membership: StoredMembership = {
      organizationId,
      organizationName: name,
      organizationSlug: slug,
      memberId,
      userId: ownerId,
      builtInRoles: [owner],
      customRoles: [],
    }
    return { organization, membership }
  })

  return {
    /**
     * Makes an organization with its owner; the session of one who asked for it acts for it from then on. Where no team
     * is made with it that is one statement, and a transaction by itself.
     */
    create: (input: NewOrganization & WithPrivate, founder: Founder) =>
      assignments.begins ? transactions.run(create(input, founder)) : create(input, founder),
    /** Changes an organization. What it has already changes nothing, and is not recorded. */
    update: Effect.fnUntraced(function* <O extends Organization & WithPrivate>(
      previous: O,
      patch: OrganizationPatch & WithPrivate,
      doer: Changes.Doer,
    ): Effect.fn.Return<O | StoredOrganization, OrganizationNotFound | SlugTaken | MetadataInvalid | StoreError> {
      const { publicMetadata, privateMetadata, ...others } = patch
      const metadata = yield* metadataOf({ publicMetadata, privateMetadata })
      const changed = changesOf(previous, { ...others, ...metadata })
      const fields = Object.keys(changed)
      if (fields.length === 0) return previous
      const updated = yield* store.update(previous.id, changed, yield* DateTime.now)
      if (updated === "slug-taken") {
        // Without a slug there is none that could be taken.
        return yield* changed.slug === undefined || changed.slug === null
          ? new OrganizationNotFound()
          : new SlugTaken({ slug: changed.slug })
      }
      if (Option.isNone(updated)) return yield* new OrganizationNotFound()
      yield* changes.record({
        type: "organization.updated",
        organizationId: previous.id,
        doer,
        before: factsOf(previous, changed, previous),
        after: factsOf(updated.value, changed, previous),
        events: [{ _tag: "OrganizationUpdated", fields }],
      })
      const organization = toOrganization(updated.value)
      const event = { previous: Struct.omit(previous, ["privateMetadata"]), organization }
      yield* transactions.afterCommit(guard("afterUpdate", () => hooks.afterUpdate(event)))
      return updated.value
    }),
    /**
     * Deletes an organization: for a while it can be restored, if the settings say so. `owners` are told by mail where
     * it can.
     */
    remove: Effect.fnUntraced(function* (
      { organizationId, organizationName }: Pick<StoredMembership, "organizationId" | "organizationName">,
      owners: ReadonlyArray<Pick<MemberWithUser, "email">>,
      doer: Changes.Doer,
      grace: Duration.Duration = settings.deletionGrace,
    ): Effect.fn.Return<void, OrganizationNotFound | StoreError> {
      const now = yield* DateTime.now
      if (!(yield* store.markDeleted(organizationId, now))) return yield* new OrganizationNotFound()
      const purgesAt = DateTime.addDuration(now, grace)
      yield* changes.record({
        type: "organization.deleted",
        organizationId,
        doer,
        events: [{ _tag: "OrganizationDeleted", purgesAt }],
      })
      if (Duration.isZero(grace)) return yield* purge(organizationId, doer)
      const words = messages.deleted({
        siteName: site.name,
        organizationName,
        grace,
        url: site.url(`${paths.organizations}/${organizationId}/settings`),
      })
      yield* Effect.forEach(owners, ({ email }) => send({ to: email, category: "organization-deleted", ...words }), {
        discard: true,
      })
    }),
    /** Takes the mark of deletion off again. */
    restore: Effect.fnUntraced(function* (
      deleted: StoredOrganization,
      doer: Changes.Doer,
    ): Effect.fn.Return<StoredOrganization, OrganizationNotFound | StoreError> {
      const now = yield* DateTime.now
      if (!(yield* store.restore(deleted.id, now))) return yield* new OrganizationNotFound()
      yield* changes.record({
        type: "organization.restored",
        organizationId: deleted.id,
        doer,
        events: [{ _tag: "OrganizationRestored" }],
      })
      return { ...deleted, updatedAt: now, deletedAt: null }
    }),
    /** Removes an organization for good, with everything in it. */
    purge,
    /** Makes `to` an owner, and leaves `from` with the roles `keeps`. */
    transfer: Effect.fnUntraced(function* (
      { from, to, keeps }: { readonly from: Handing; readonly to: MemberTarget; readonly keeps: NamedRoles },
      doer: Changes.Doer,
    ): Effect.fn.Return<void, MemberNotFound | StoreError> {
      const { organizationId, organizationName } = from
      const pair = { from: from.memberId, to: to.member.id }
      const now = yield* DateTime.now
      const isDone = yield* members.transfer({ organizationId, ...pair, keeps: keeps.assignment, now })
      if (!isDone) return yield* new MemberNotFound()
      const before = { from: from.roles, to: to.member.roles }
      const after = {
        from: keeps.names,
        to: rolesOf({ ...to.membership, builtInRoles: [...new Set([...to.membership.builtInRoles, owner])] }),
      }
      const [fromUserId, toUserId] = [from.userId, to.member.userId]
      const changed = [
        { memberId: pair.from, userId: fromUserId, before: before.from, after: after.from },
        { memberId: pair.to, userId: toUserId, before: before.to, after: after.to },
      ].filter((change) => !Equal.equals(change.before, change.after))
      yield* changes.record({
        type: "organization.transferred",
        organizationId,
        doer,
        before,
        after,
        data: { fromMemberId: pair.from, fromUserId, toMemberId: pair.to, toUserId },
        events: [
          { _tag: "OwnershipTransferred", fromUserId, toUserId },
          ...changed.map((change) => ({ _tag: "MemberRoleChanged" as const, ...change })),
        ],
      })
      const url = site.url(`${paths.organizations}/${organizationId}`)
      const words = messages.ownershipReceived({ siteName: site.name, organizationName, url })
      yield* send({ to: to.member.email, category: "organization-ownership", ...words })
    }),
  }

  // A mail that comes before its change, or without it, would say what is not so.
  function send(message: Parameters<typeof makeMessage>[0]) {
    return transactions.afterCommit(mail.enqueue(makeMessage(message)))
  }
})

// internal

/** What of a patch is not so already. */
const changesOf = (previous: Organization & WithPrivate, patch: StoredPatch): StoredPatch => ({
  ...(patch.name === undefined || patch.name === previous.name ? {} : { name: patch.name }),
  ...(patch.slug === undefined || patch.slug === previous.slug ? {} : { slug: patch.slug }),
  ...(patch.logo === undefined || patch.logo === previous.logo ? {} : { logo: patch.logo }),
  ...(patch.publicMetadata === undefined || Equal.equals(patch.publicMetadata, previous.publicMetadata)
    ? {}
    : { publicMetadata: patch.publicMetadata }),
  ...(patch.privateMetadata === undefined || Equal.equals(patch.privateMetadata, previous.privateMetadata)
    ? {}
    : { privateMetadata: patch.privateMetadata }),
})

/**
 * What an audit event says of the fields that changed: of metadata, the names of the members that did, without values.
 */
const factsOf = (
  organization: Organization,
  changed: StoredPatch,
  previous: Organization & WithPrivate,
): { readonly [key: string]: Schema.Json } => ({
  ...(changed.name === undefined ? {} : { name: organization.name }),
  ...(changed.slug === undefined ? {} : { slug: organization.slug }),
  ...(changed.logo === undefined ? {} : { logo: organization.logo }),
  ...(changed.publicMetadata === undefined
    ? {}
    : { publicMetadata: changedMembers(previous.publicMetadata, changed.publicMetadata) }),
  ...(changed.privateMetadata === undefined
    ? {}
    : { privateMetadata: changedMembers(previous.privateMetadata ?? {}, changed.privateMetadata) }),
})

const changedMembers = (before: JsonObject, after: JsonObject): ReadonlyArray<string> =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => !Equal.equals(before[key], after[key]))
    .toSorted()
