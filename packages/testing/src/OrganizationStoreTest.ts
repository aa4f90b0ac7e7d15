/**
 * Contract suite of {@link OrganizationStore}.
 *
 * @since 0.1.0
 */
import { AuditStore } from "@belfry/core/AuditStore"
import { SessionStore } from "@belfry/core/SessionStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { aggregateOf, type Organization, type OrganizationId, Slug } from "@belfry/organization/Organization"
import { OrganizationStore, type StoredOrganization } from "@belfry/organization/OrganizationStore"
import { owner as ownerRole } from "@belfry/organization/Role"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
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
  withLayer(layer)(`OrganizationStore (${name})`, (it) => {
    it.effect("gives back what it was given, by id and by slug, and nothing for names that nobody has", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const slug = yield* freshSlug
        const { organization } = yield* OrganizationBuilders.storedOrganization({
          slug,
          logo: "https://example.com/logo.png",
          publicMetadata: { plan: "team", nested: { list: [1, null, "x"] } },
          privateMetadata: { customerId: "cus_1" },
        })
        assert.deepStrictEqual(yield* store.find(organization.id), Option.some(organization))
        assert.deepStrictEqual(yield* store.find(slug), Option.some(organization))
        assert.deepStrictEqual(yield* store.find(yield* freshSlug), Option.none())
        assert.deepStrictEqual(yield* store.find(yield* OrganizationBuilders.organizationId), Option.none())
      }),
    )

    it.effect("begins with one member, who is the owner", () =>
      Effect.gen(function* () {
        const { organization, owner, ownerId } = yield* OrganizationBuilders.storedOrganization()
        const viewer = { userId: owner.id, organization: organization.id }
        const found = Option.getOrThrow(
          yield* OrganizationStore.use((store) => store.get(viewer, organization.createdAt)),
        )
        assert.deepStrictEqual(found.value.counts, { members: 1, owners: 1, teams: 0, pendingInvitations: 0 })
        assert.strictEqual(found.membership.memberId, ownerId)
        assert.deepStrictEqual(found.membership.builtInRoles, [ownerRole])
      }),
    )

    it.effect("shows a member the organization with its counts, and outsiders nothing", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { organization } = yield* OrganizationBuilders.storedOrganization({
          privateMetadata: { customerId: "1" },
        })
        const elsewhere = yield* OrganizationBuilders.storedOrganization()
        const { id: organizationId } = organization
        const member = yield* OrganizationBuilders.storedMember(organizationId)
        yield* OrganizationBuilders.storedMember(organizationId, { roles: OrganizationBuilders.builtIn("owner") })
        yield* OrganizationBuilders.storedTeam({ organizationId })
        yield* OrganizationBuilders.storedTeam({ organizationId: elsewhere.organization.id })
        const now = yield* DateTime.now
        const expiresAt = DateTime.add(now, { hours: 1 })
        yield* OrganizationBuilders.storedInvitation({ organizationId, expiresAt })
        yield* OrganizationBuilders.storedInvitation({ organizationId })
        yield* OrganizationBuilders.storedInvitation({ organizationId: elsewhere.organization.id })

        const get = (at: DateTime.Utc, userId = member.user.id) =>
          store.get({ userId, organization: organizationId }, at)
        const found = Option.getOrThrow(yield* get(now))
        assert.deepStrictEqual(found.value.organization, withoutPrivate(organization))
        assert.strictEqual(found.membership.memberId, member.id)
        const counts = { members: 3, owners: 2, teams: 1, pendingInvitations: 2 }
        assert.deepStrictEqual(found.value.counts, counts)
        // An invitation is open until its end, at which it is too late.
        const before = Option.getOrThrow(yield* get(DateTime.subtract(expiresAt, { milliseconds: 1 })))
        assert.strictEqual(before.value.counts.pendingInvitations, 2)
        const at = Option.getOrThrow(yield* get(expiresAt))
        assert.strictEqual(at.value.counts.pendingInvitations, 1)
        assert.deepStrictEqual(yield* get(now, elsewhere.owner.id), Option.none())
      }),
    )

    it.effect("refuses an owner who does not exist, and keeps nothing of it", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const organization = yield* OrganizationBuilders.organization()
        const owner = { id: yield* OrganizationBuilders.memberId, userId: (yield* Builders.user()).id }
        const { run } = yield* TransactionStore
        const answer = yield* run(Effect.tap(store.insert(organization, owner), store.isSlugTaken(yield* freshSlug)))
        assert.strictEqual(answer, "absent", "and the transaction is not aborted")
        assert.deepStrictEqual(yield* store.find(organization.id), Option.none())
      }),
    )

    it.effect("makes the membership of the owner the default of a session, where one is given", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { user, session } = yield* OrganizationBuilders.actor()
        const insert = Effect.fnUntraced(function* (sessionId: typeof session.id | null) {
          const organization = yield* OrganizationBuilders.organization()
          yield* store.insert(organization, { id: yield* OrganizationBuilders.memberId, userId: user.id, sessionId })
          return organization
        })
        const chosen = yield* insert(session.id)
        const other = yield* insert(null)
        const active = yield* MembershipStore.use(({ findActive }) =>
          findActive({ userId: user.id, sessionId: session.id }),
        )
        const { membership, source } = Option.getOrThrow(active)
        assert.deepStrictEqual([membership.organizationId, source], [chosen.id, "session"])
        const used = yield* store.listByUser(user.id, { after: null, limit: 10, search: null, deleted: false })
        assert.deepStrictEqual(
          new Map(used.map(({ organization: { id }, lastUsedAt }) => [id, lastUsedAt])),
          new Map([
            [chosen.id, chosen.createdAt],
            [other.id, null],
          ]),
        )
      }),
    )

    it.effect("gives a slug to one of 50 fibers, and lets the others' transactions go on", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { run } = yield* TransactionStore
        const owner = yield* Builders.storedUser()
        const slug = yield* freshSlug
        const insert = Effect.gen(function* () {
          const organization = yield* OrganizationBuilders.organization({ slug })
          const member = { id: yield* OrganizationBuilders.memberId, userId: owner.id }
          const kept = yield* store.insert(organization, member)
          assert.isFalse(yield* store.isSlugTaken(yield* freshSlug), "the transaction is not aborted")
          return kept
        })
        const answers = yield* Effect.forEach(Array.from({ length: 50 }), () => run(insert), {
          concurrency: "unbounded",
        })
        assert.deepStrictEqual(answers.toSorted(), ["kept", ...Array.from({ length: 49 }, () => "slug-taken" as const)])
        assert.isTrue(yield* store.isSlugTaken(slug))
      }),
    )

    it.effect("changes what a patch names, clears what it sets to null, and leaves the rest", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { organization } = yield* OrganizationBuilders.storedOrganization({
          slug: yield* freshSlug,
          logo: "https://example.com/logo.png",
          publicMetadata: { plan: "free" },
          privateMetadata: { customerId: "1" },
        })
        const slug = yield* freshSlug
        const later = DateTime.add(organization.createdAt, { seconds: 1 })
        const renamed: StoredOrganization = { ...organization, name: "Difference Engines", slug, updatedAt: later }
        assert.deepStrictEqual(
          yield* store.update(organization.id, { name: "Difference Engines", slug }, later),
          Option.some(renamed),
        )
        const patch = { slug: null, logo: null, publicMetadata: { plan: "team" }, privateMetadata: {} }
        const cleared: StoredOrganization = { ...renamed, ...patch }
        assert.deepStrictEqual(yield* store.update(organization.id, patch, later), Option.some(cleared))
        assert.deepStrictEqual(yield* store.find(organization.id), Option.some(cleared))
        assert.isFalse(yield* store.isSlugTaken(slug))
        assert.deepStrictEqual(
          yield* store.update(yield* OrganizationBuilders.organizationId, patch, later),
          Option.none(),
        )
      }),
    )

    it.effect("gives a slug by a change to one of 50 fibers, inside and outside of a transaction", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { run } = yield* TransactionStore
        const now = yield* DateTime.now
        for (const isInside of [true, false]) {
          const slug = yield* freshSlug
          const made = yield* Effect.forEach(Array.from({ length: 50 }), () =>
            OrganizationBuilders.storedOrganization({ name: "before" }),
          )
          const answers = yield* Effect.forEach(
            made,
            ({ organization: { id } }) => {
              const changing = Effect.tap(store.update(id, { slug }, now), () =>
                store.update(id, { name: "after" }, now),
              )
              return isInside ? run(changing) : changing
            },
            { concurrency: "unbounded" },
          )
          assert.strictEqual(answers.filter((answer) => answer !== "slug-taken").length, 1)
          const names = yield* Effect.forEach(made, ({ organization: { id } }) => store.find(id))
          assert.isTrue(names.every((found) => Option.getOrUndefined(found)?.name === "after"))
        }
      }),
    )

    it.effect("lists the organizations of a user, the one joined last first, page by page", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { user, session } = yield* OrganizationBuilders.actor()
        const [a, b, c] = [yield* joined("A", user), yield* joined("B", user), yield* joined("C", user)]
        const elsewhere = yield* OrganizationBuilders.storedOrganization()
        const now = yield* DateTime.now
        yield* MembershipStore.use(({ setActive }) => setActive({ sessionId: session.id, memberId: b.memberId, now }))
        const list = (after: string | null, limit = 10) =>
          Effect.map(store.listByUser(user.id, { after, limit, search: null, deleted: false }), (rows) =>
            rows.map((row) => [row.organization.name, row.membership.memberId, row.lastUsedAt] as const),
          )
        const [ofA, ofB, ofC] = [
          ["A", a.memberId, null] as const,
          ["B", b.memberId, now] as const,
          ["C", c.memberId, null] as const,
        ]
        assert.deepStrictEqual(yield* list(null), [ofC, ofB, ofA])
        assert.deepStrictEqual(yield* list(null, 2), [ofC, ofB])
        assert.deepStrictEqual(yield* list(b.memberId), [ofA])
        assert.deepStrictEqual(yield* list(null, 0), [])
        const [own] = yield* store.listByUser(elsewhere.owner.id, { ...wholePage, deleted: false })
        assert.deepStrictEqual(own?.organization, withoutPrivate(elsewhere.organization))
        assert.deepStrictEqual(own?.membership.builtInRoles, [ownerRole])
      }),
    )

    it.effect("finds by how name or slug begin, without regard to case, and takes no character for another", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { user } = yield* OrganizationBuilders.actor()
        const slug = yield* freshSlug
        yield* joined("100% Engines", user)
        yield* joined("100 Engines", user)
        yield* joined("Zürich", user, slug)
        const search = (text: string) =>
          Effect.map(store.listByUser(user.id, { after: null, limit: 10, search: text, deleted: false }), (rows) =>
            rows.map(({ organization }) => organization.name),
          )
        assert.deepStrictEqual(yield* search("100"), ["100 Engines", "100% Engines"])
        assert.deepStrictEqual(yield* search("100%"), ["100% Engines"])
        assert.deepStrictEqual(yield* search("100_"), [])
        assert.deepStrictEqual(yield* search("zür"), ["Zürich"])
        assert.deepStrictEqual(yield* search(slug.toUpperCase()), ["Zürich"])
        assert.deepStrictEqual(yield* search("Engines"), [])
        assert.deepStrictEqual(yield* search("\\"), [])
        assert.deepStrictEqual(yield* search("\0"), [])
        assert.deepStrictEqual(yield* search("\uD800"), [])
      }),
    )

    it.effect("lists all organizations, newest first, deleted ones too", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const [a, b] = [
          yield* OrganizationBuilders.storedOrganization({ name: "Listed A" }),
          yield* OrganizationBuilders.storedOrganization({ name: "Listed B" }),
        ]
        const now = yield* DateTime.now
        yield* store.markDeleted(a.organization.id, now)
        const gone: StoredOrganization = { ...a.organization, updatedAt: now, deletedAt: now }
        const page = { after: null, limit: 10, search: "listed" }
        assert.deepStrictEqual(yield* store.list(page), [b.organization, gone])
        assert.deepStrictEqual(yield* store.list({ ...page, limit: 1 }), [b.organization])
        assert.deepStrictEqual(yield* store.list({ ...page, after: b.organization.id }), [gone])
      }),
    )

    it.effect("counts the organizations of a user as far as it is asked to, those too that can be restored", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const user = yield* Builders.storedUser()
        const count = (upTo: number) => store.countByUser(user.id, upTo)
        assert.strictEqual(yield* count(2), 0)
        const { organizationId } = yield* joined("A", user)
        yield* store.markDeleted(organizationId, yield* DateTime.now)
        assert.strictEqual(yield* count(2), 1)
        yield* joined("B", user)
        yield* joined("C", user)
        assert.strictEqual(yield* count(2), 2)
        assert.strictEqual(yield* count(10), 3)
      }),
    )

    it.effect("lets 50 fibers that count before they make one make as many as there is room for", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { run } = yield* TransactionStore
        const user = yield* Builders.storedUser()
        const make = Effect.gen(function* () {
          if ((yield* store.countByUser(user.id, 3)) >= 3) return false
          yield* joined("One of three", user)
          return true
        })
        const answers = yield* Effect.forEach(Array.from({ length: 50 }), () => run(make), {
          concurrency: "unbounded",
        })
        assert.strictEqual(answers.filter((isMade) => isMade).length, 3)
      }),
    )

    it.effect("marks as deleted once, so that sessions act for it no more, and takes the mark off once", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { setActive, findActive } = yield* MembershipStore
        const { user, session } = yield* OrganizationBuilders.actor()
        const [chosen, other] = [yield* joined("Chosen", user), yield* joined("Other", user)]
        const now = yield* DateTime.now
        yield* setActive({ sessionId: session.id, memberId: other.memberId, now })
        const later = DateTime.add(now, { seconds: 1 })
        yield* setActive({ sessionId: session.id, memberId: chosen.memberId, now: later })
        const viewer = { userId: user.id, organization: chosen.organizationId }

        const activeIn = ({ id: sessionId }: typeof session) =>
          Effect.map(
            findActive({ userId: user.id, sessionId }),
            Option.match({
              onNone: () => null,
              onSome: ({ membership, source }) => [membership.organizationName, source] as const,
            }),
          )
        assert.deepStrictEqual(yield* activeIn(session), ["Chosen", "session"])

        assert.isTrue(yield* store.markDeleted(chosen.organizationId, later))
        assert.deepStrictEqual(yield* activeIn(session), ["Other", "last-used"])
        assert.isFalse(yield* store.markDeleted(chosen.organizationId, now))
        assert.isFalse(yield* store.markDeleted(yield* OrganizationBuilders.organizationId, now))
        assert.deepStrictEqual(yield* store.get(viewer, now), Option.none())
        const found = Option.getOrThrow(yield* store.find(chosen.organizationId))
        assert.deepStrictEqual([found.deletedAt, found.updatedAt], [later, later])
        const list = (deleted: boolean) =>
          Effect.map(store.listByUser(user.id, { ...wholePage, deleted }), (rows) =>
            rows.map(({ organization }) => organization.name),
          )
        assert.deepStrictEqual([yield* list(false), yield* list(true)], [["Other"], ["Chosen"]])

        assert.isTrue(yield* store.restore(chosen.organizationId, now))
        assert.isFalse(yield* store.restore(chosen.organizationId, now))
        assert.deepStrictEqual([yield* list(false), yield* list(true)], [["Other", "Chosen"], []])
        // A session acts again for what it acted for, unless something else was chosen in it meanwhile.
        assert.deepStrictEqual(yield* activeIn(session), ["Chosen", "session"])
        yield* store.markDeleted(chosen.organizationId, later)
        yield* setActive({ sessionId: session.id, memberId: other.memberId, now })
        yield* store.restore(chosen.organizationId, now)
        assert.deepStrictEqual(yield* activeIn(session), ["Other", "session"])
      }),
    )

    it.effect("keeps the slug of a deleted organization until it is gone", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const slug = yield* freshSlug
        const { organization } = yield* OrganizationBuilders.storedOrganization({ slug })
        yield* store.markDeleted(organization.id, yield* DateTime.now)
        assert.isTrue(yield* store.isSlugTaken(slug))
        assert.isTrue(yield* store.remove(organization.id))
        assert.isFalse(yield* store.isSlugTaken(slug))
        assert.isFalse(yield* store.remove(organization.id))
      }),
    )

    it.effect("removes an organization with everything in it, used roles too, and nothing of others", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const [filled, untouched] = [yield* filledOrganization, yield* filledOrganization]
        assert.isTrue(yield* store.remove(filled.organizationId))
        assert.deepStrictEqual(yield* store.find(filled.organizationId), Option.none())
        assert.deepStrictEqual(yield* store.listByUser(filled.member.user.id, { ...wholePage, deleted: false }), [])
        const left = Option.getOrThrow(
          yield* store.get(
            { userId: untouched.member.user.id, organization: untouched.organizationId },
            yield* DateTime.now,
          ),
        )
        assert.deepStrictEqual(left.value.counts, { members: 2, owners: 1, teams: 1, pendingInvitations: 1 })
        assert.deepStrictEqual(
          left.membership.customRoles.map(({ id }) => id),
          [untouched.role.id],
        )
        // Nothing holds its people any more.
        const users = yield* UserStore
        assert.isTrue(Option.isSome(yield* users.remove(filled.member.user.id)))
      }),
    )

    it.effect("brings everything back when the transaction of the removal is undone", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const { run } = yield* TransactionStore
        const { organizationId, member } = yield* filledOrganization
        const viewer = { userId: member.user.id, organization: organizationId }
        const now = yield* DateTime.now
        const before = yield* store.get(viewer, now)
        assert.isTrue(Option.isSome(before))
        yield* store.remove(organizationId).pipe(Effect.andThen(Effect.fail("undo" as const)), run, Effect.flip)
        assert.deepStrictEqual(yield* store.get(viewer, now), before)
      }),
    )

    it.effect("removes those that were deleted long enough ago, the oldest first and as many as asked for", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        // Others' tests delete organizations at the beginning of the test's time.
        const start = DateTime.add(yield* DateTime.now, { days: -1000 })
        const at = (seconds: number) => DateTime.add(start, { seconds })
        const deleted = Effect.fnUntraced(function* (seconds: number) {
          const { organizationId } = yield* filledOrganization
          yield* store.markDeleted(organizationId, at(seconds))
          return organizationId
        })
        const [second, first, third] = [yield* deleted(2), yield* deleted(1), yield* deleted(3)]
        const { organizationId: kept } = yield* filledOrganization
        assert.deepStrictEqual(yield* store.removeDeleted(at(0), 10), [])
        assert.deepStrictEqual(yield* store.removeDeleted(at(2), 1), [first])
        assert.deepStrictEqual(yield* store.removeDeleted(at(2), 10), [second], "the instant itself is long enough")
        assert.isTrue(Option.isSome(yield* store.find(third)))
        const removed = yield* Effect.forEach(Array.from({ length: 10 }), () => store.removeDeleted(at(3), 10), {
          concurrency: "unbounded",
        })
        assert.deepStrictEqual(removed.flat(), [third])
        assert.isTrue(Option.isSome(yield* store.find(kept)))
      }),
    )

    it.effect("lists what happened in an organization to its members, newest first, and nothing of others", () =>
      Effect.gen(function* () {
        const store = yield* OrganizationStore
        const audit = yield* AuditStore
        const { organization, owner } = yield* OrganizationBuilders.storedOrganization()
        const elsewhere = yield* OrganizationBuilders.storedOrganization()
        const record = Effect.fnUntraced(function* (id: OrganizationId, type: string, userId = owner.id) {
          const event = yield* Builders.auditEvent({ aggregate: aggregateOf(id), type, userId, after: { name: "x" } })
          yield* audit.insert(event)
          return event
        })
        const [first, second, third] = [
          yield* record(organization.id, "organization.created"),
          yield* record(organization.id, "organization-member.added", elsewhere.owner.id),
          yield* record(organization.id, "organization.updated"),
        ]
        yield* record(elsewhere.organization.id, "organization.created")
        const viewer = { userId: owner.id, organization: organization.id }
        const list = Effect.fnUntraced(function* (
          page: Partial<Parameters<OrganizationStore["Service"]["listAuditEvents"]>[1]> = {},
        ) {
          return Option.getOrThrow(yield* store.listAuditEvents(viewer, { ...wholePage, userId: null, ...page })).value
        })
        assert.deepStrictEqual(yield* list(), [third, second, first])
        assert.deepStrictEqual(yield* list({ limit: 2 }), [third, second])
        assert.deepStrictEqual(yield* list({ after: second.id }), [first])
        assert.deepStrictEqual(yield* list({ search: "organization." }), [third, first])
        assert.deepStrictEqual(yield* list({ search: "organization_" }), [])
        assert.deepStrictEqual(yield* list({ search: "\0" }), [])
        assert.deepStrictEqual(yield* list({ userId: elsewhere.owner.id }), [second])
        const outsider = { ...viewer, userId: elsewhere.owner.id }
        assert.deepStrictEqual(yield* store.listAuditEvents(outsider, { ...wholePage, userId: null }), Option.none())
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const wholePage = { after: null, limit: 10, search: null }

/** Slugs are unique, and the tests of a suite share their tables. */
const freshSlug = Effect.map(OrganizationBuilders.organizationId, (id) => Slug.make(`s${id.replaceAll("-", "")}`))

const withoutPrivate = (stored: StoredOrganization): Organization => Struct.omit(stored, ["privateMetadata"])

/** A new organization that somebody owns. */
const joined = Effect.fnUntraced(function* (name: string, user: Pick<User, "id">, slug: Slug | null = null) {
  const organization = yield* OrganizationBuilders.organization({ name, slug })
  const memberId = yield* OrganizationBuilders.memberId
  yield* OrganizationStore.use((store) => store.insert(organization, { id: memberId, userId: user.id }))
  return { organizationId: organization.id, memberId }
})

/**
 * An organization with one of everything: a member and an invitation with a role of its own, in a team, chosen in a
 * session.
 */
const filledOrganization = Effect.gen(function* () {
  const { organization } = yield* OrganizationBuilders.storedOrganization()
  const { id: organizationId } = organization
  const role = yield* OrganizationBuilders.storedRole(organizationId)
  const assignment = { builtIn: [], custom: [role.id] }
  const member = yield* OrganizationBuilders.storedMember(organizationId, { roles: assignment })
  const team = yield* OrganizationBuilders.storedTeam({ organizationId })
  yield* OrganizationBuilders.storedTeamMember(team, member.id)
  yield* OrganizationBuilders.storedInvitation({ organizationId, roles: [role.name], assignment })
  const session = yield* Builders.session({ userId: member.user.id })
  const tokenHash = yield* Builders.keyedHash
  yield* SessionStore.use((sessions) => sessions.insert(session, tokenHash))
  const now = yield* DateTime.now
  yield* MembershipStore.use((store) => store.setActive({ sessionId: session.id, memberId: member.id, now }))
  return { organizationId, member, role }
})
