/**
 * Contract suite of {@link MembershipStore}.
 *
 * @since 0.1.0
 */
import { SessionStore } from "@belfry/core/SessionStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import type { MemberId } from "@belfry/organization/Member"
import { MemberStore } from "@belfry/organization/MemberStore"
import type { Viewer } from "@belfry/organization/Membership"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { type OrganizationId, Slug } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { Permission } from "@belfry/organization/Permission"
import { RoleName } from "@belfry/organization/Role"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"
import type { Stores } from "./TestServices.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`MembershipStore (${name})`, (it) => {
    it.effect("finds the membership of a user with its roles, by id and by slug", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const slug = yield* freshSlug
        const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization({ slug })
        const [b, a] = [
          yield* OrganizationBuilders.storedRole(organization.id, { permissions: [read, write] }),
          yield* OrganizationBuilders.storedRole(organization.id, { name: RoleName.make("accountant") }),
        ]
        const member = yield* OrganizationBuilders.storedMember(organization.id, {
          roles: { builtIn: [billing], custom: [b.id, a.id] },
        })
        const who = { organizationId: organization.id, organizationName: organization.name, organizationSlug: slug }
        assert.deepStrictEqual(
          yield* store.find({ userId: owner.id, organization: organization.id }),
          Option.some({
            ...who,
            memberId: ownerId,
            userId: owner.id,
            builtInRoles: [RoleName.make("owner")],
            customRoles: [],
          }),
        )
        assert.deepStrictEqual(
          yield* store.find({ userId: member.user.id, organization: slug }),
          Option.some({
            ...who,
            memberId: member.id,
            userId: member.user.id,
            builtInRoles: [billing],
            customRoles: [
              { id: a.id, name: a.name, permissions: [] },
              { id: b.id, name: b.name, permissions: [read, write] },
            ],
          }),
        )
      }),
    )

    it.effect("finds nothing for somebody who is a member elsewhere, nor where there is no such organization", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const [one, two] = [
          yield* OrganizationBuilders.storedOrganization({ slug: yield* freshSlug }),
          yield* OrganizationBuilders.storedOrganization(),
        ]
        const find = (viewer: Viewer) => store.find(viewer)
        assert.deepStrictEqual(yield* find({ userId: two.owner.id, organization: one.organization.id }), Option.none())
        if (one.organization.slug !== null) {
          assert.deepStrictEqual(
            yield* find({ userId: two.owner.id, organization: one.organization.slug }),
            Option.none(),
          )
        }
        const nowhere = yield* OrganizationBuilders.organizationId
        assert.deepStrictEqual(yield* find({ userId: one.owner.id, organization: nowhere }), Option.none())
        assert.deepStrictEqual(yield* find({ userId: one.owner.id, organization: yield* freshSlug }), Option.none())
      }),
    )

    it.effect("finds memberships of a deleted organization by its own look-up alone", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization()
        const viewer = { userId: owner.id, organization: organization.id }
        assert.deepStrictEqual(yield* store.findDeleted(viewer), Option.none())
        yield* markDeleted(organization.id)
        assert.deepStrictEqual(yield* store.find(viewer), Option.none())
        const found = yield* store.findDeleted(viewer)
        assert.strictEqual(Option.getOrUndefined(found)?.memberId, ownerId)
        const outsider = yield* Builders.storedUser()
        assert.deepStrictEqual(yield* store.findDeleted({ ...viewer, userId: outsider.id }), Option.none())
      }),
    )

    it.effect("acts for the session's default, else for the one used last, else for the only one", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const { user, session } = yield* OrganizationBuilders.actor()
        const other = yield* storedSession(user.id)
        const active = (sessionId = session.id) => activeOf({ userId: user.id, sessionId })
        assert.isUndefined(yield* active())

        const first = yield* joined(user.id)
        assert.deepStrictEqual(yield* active(), [first.memberId, "only"])
        const second = yield* joined(user.id)
        assert.isUndefined(yield* active(), "of several, one has to be chosen")

        const now = yield* DateTime.now
        assert.isTrue(yield* store.setActive({ sessionId: session.id, memberId: first.memberId, now }))
        const later = DateTime.add(now, { seconds: 1 })
        assert.isTrue(yield* store.setActive({ sessionId: other.id, memberId: second.memberId, now: later }))
        assert.deepStrictEqual(yield* active(), [first.memberId, "session"])
        assert.deepStrictEqual(yield* active(other.id), [second.memberId, "session"])

        yield* store.clearActive(session.id)
        assert.deepStrictEqual(yield* active(), [second.memberId, "last-used"])
        assert.deepStrictEqual(yield* active(other.id), [second.memberId, "session"])
        // Once more for the same session replaces what it had.
        const last = DateTime.add(now, { seconds: 2 })
        assert.isTrue(yield* store.setActive({ sessionId: other.id, memberId: first.memberId, now: last }))
        assert.deepStrictEqual(yield* active(other.id), [first.memberId, "session"])
        assert.deepStrictEqual(yield* active(), [first.memberId, "last-used"])
      }),
    )

    it.effect("is used last, and the default of none, by a session that is over", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const { user, session } = yield* OrganizationBuilders.actor()
        const [{ memberId }, { id: over }] = [yield* joined(user.id), yield* Builders.session({ userId: user.id })]
        yield* joined(user.id)
        assert.isTrue(yield* store.setActive({ sessionId: over, memberId, now: yield* DateTime.now }))
        assert.deepStrictEqual(yield* activeOf({ userId: user.id, sessionId: over }), [memberId, "last-used"])
        assert.deepStrictEqual(yield* activeOf({ userId: user.id, sessionId: session.id }), [memberId, "last-used"])
      }),
    )

    it.effect("acts for no organization that somebody else's session chose", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const ada = yield* OrganizationBuilders.actor()
        const bob = yield* OrganizationBuilders.actor()
        const { memberId } = yield* joined(ada.user.id)
        const now = yield* DateTime.now
        yield* store.setActive({ sessionId: ada.session.id, memberId, now })
        assert.isUndefined(yield* activeOf({ userId: bob.user.id, sessionId: ada.session.id }))
      }),
    )

    it.effect("acts for no organization that is deleted, by whichever way it was chosen", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const { user, session } = yield* OrganizationBuilders.actor()
        const gone = yield* joined(user.id)
        const now = yield* DateTime.now
        yield* store.setActive({ sessionId: session.id, memberId: gone.memberId, now })
        yield* markDeleted(gone.organizationId)
        assert.isUndefined(yield* activeOf({ userId: user.id, sessionId: session.id }))
        assert.isFalse(yield* store.setActive({ sessionId: session.id, memberId: gone.memberId, now }))
        // What is left is the only one, although the deleted one was used last.
        const left = yield* joined(user.id)
        assert.deepStrictEqual(yield* activeOf({ userId: user.id, sessionId: session.id }), [left.memberId, "only"])
        yield* OrganizationStore.use((organizations) => organizations.restore(gone.organizationId, now))
        assert.deepStrictEqual(yield* activeOf({ userId: user.id, sessionId: session.id }), [gone.memberId, "session"])
      }),
    )

    it.effect("ends a default with the membership, and with the session", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const { user, session } = yield* OrganizationBuilders.actor()
        const other = yield* storedSession(user.id)
        const { organization } = yield* OrganizationBuilders.storedOrganization()
        const member = yield* OrganizationBuilders.storedMember(organization.id, { user })
        const now = yield* DateTime.now
        yield* store.setActive({ sessionId: session.id, memberId: member.id, now })
        yield* store.setActive({ sessionId: other.id, memberId: member.id, now })
        yield* SessionStore.use((sessions) => sessions.remove(user.id, other.id))
        assert.deepStrictEqual(yield* activeOf({ userId: user.id, sessionId: other.id }), [member.id, "last-used"])
        yield* MemberStore.use((members) => members.remove(organization.id, member.id))
        assert.isUndefined(yield* activeOf({ userId: user.id, sessionId: session.id }))
        assert.isFalse(yield* store.setActive({ sessionId: session.id, memberId: member.id, now }))
      }),
    )

    it.effect("locks an organization for members, whether it is deleted or not, and for code without one", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const { run } = yield* TransactionStore
        const slug = yield* freshSlug
        const { organization, owner } = yield* OrganizationBuilders.storedOrganization({ slug })
        const outsider = yield* Builders.storedUser()
        const unlocked = { id: organization.id, deletedAt: null }
        assert.deepStrictEqual(yield* run(store.lock(organization.id, owner.id)), Option.some(unlocked))
        assert.deepStrictEqual(yield* run(store.lock(slug, owner.id)), Option.some(unlocked))
        assert.deepStrictEqual(yield* run(store.lock(slug, null)), Option.some(unlocked))
        assert.deepStrictEqual(yield* run(store.lock(organization.id, outsider.id)), Option.none())
        assert.deepStrictEqual(yield* run(store.lock(yield* OrganizationBuilders.organizationId, null)), Option.none())
        const deletedAt = yield* DateTime.now
        yield* markDeleted(organization.id)
        assert.deepStrictEqual(
          yield* run(store.lock(organization.id, owner.id)),
          Option.some({ id: organization.id, deletedAt }),
        )
      }),
    )

    it.effect("lets 50 fibers change an organization one after another, so that none loses what another did", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const organizations = yield* OrganizationStore
        const { run } = yield* TransactionStore
        const { organization, owner } = yield* OrganizationBuilders.storedOrganization({ name: "0" })
        const now = yield* DateTime.now
        const count = run(
          Effect.gen(function* () {
            yield* store.lock(organization.id, owner.id)
            const found = Option.getOrThrow(yield* organizations.find(organization.id))
            yield* organizations.update(organization.id, { name: String(Number(found.name) + 1) }, now)
          }),
        )
        yield* Effect.forEach(Array.from({ length: 50 }), () => count, { concurrency: "unbounded", discard: true })
        assert.strictEqual(Option.getOrThrow(yield* organizations.find(organization.id)).name, "50")
      }),
    )

    it.effect("forgets a choice with the transaction it was made in", () =>
      Effect.gen(function* () {
        const store = yield* MembershipStore
        const { run } = yield* TransactionStore
        const { user, session } = yield* OrganizationBuilders.actor()
        const [kept, undone] = [yield* joined(user.id), yield* joined(user.id)]
        const now = yield* DateTime.now
        yield* store.setActive({ sessionId: session.id, memberId: kept.memberId, now })
        const later = DateTime.add(now, { seconds: 1 })
        yield* store
          .setActive({ sessionId: session.id, memberId: undone.memberId, now: later })
          .pipe(Effect.andThen(Effect.fail("undo" as const)), run, Effect.flip)
        assert.deepStrictEqual(yield* activeOf({ userId: user.id, sessionId: session.id }), [kept.memberId, "session"])
        yield* store.clearActive(session.id)
        assert.deepStrictEqual(yield* activeOf({ userId: user.id, sessionId: session.id }), [
          kept.memberId,
          "last-used",
        ])
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const [read, write] = [Permission.make("project:read"), Permission.make("project:create")]

const billing = RoleName.make("billing")

/** Slugs are unique, and the tests of a suite share their tables. */
const freshSlug = Effect.map(OrganizationBuilders.organizationId, (id) => Slug.make(`s${id.replaceAll("-", "")}`))

const storedSession = Effect.fnUntraced(function* (userId: UserId) {
  const session = yield* Builders.session({ userId })
  const tokenHash = yield* Builders.keyedHash
  yield* SessionStore.use((sessions) => sessions.insert(session, tokenHash))
  return session
})

/** A new organization that somebody owns. */
const joined = Effect.fnUntraced(function* (userId: UserId) {
  const organization = yield* OrganizationBuilders.organization()
  const memberId: MemberId = yield* OrganizationBuilders.memberId
  yield* OrganizationStore.use((organizations) => organizations.insert(organization, { id: memberId, userId }))
  return { organizationId: organization.id, memberId }
})

const markDeleted = Effect.fnUntraced(function* (id: OrganizationId) {
  const now = yield* DateTime.now
  assert.isTrue(yield* OrganizationStore.use((organizations) => organizations.markDeleted(id, now)))
})

const activeOf = (options: Parameters<MembershipStore["Service"]["findActive"]>[0]) =>
  MembershipStore.use((store) =>
    Effect.map(store.findActive(options), (found) =>
      Option.getOrUndefined(Option.map(found, ({ membership, source }) => [membership.memberId, source])),
    ),
  )
