/**
 * Contract suite of {@link InvitationStore}: what is done at once, without the lock of the organization. It holds while
 * the organization has the version that was read, and is done whole, with its record, or not at all.
 *
 * @since 0.1.0
 */
import { AuditStore } from "@belfry/core/AuditStore"
import type { ChangeRecord } from "@belfry/core/ChangeRecord"
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { OutboxStore } from "@belfry/core/OutboxStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { InvitationStore, type StoredInvitation } from "@belfry/organization/InvitationStore"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { MemberStore } from "@belfry/organization/MemberStore"
import { aggregateOf, type OrganizationId, Slug } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as Builders from "./Builders.ts"
import { begin, close, lead } from "./InvitationFixtures.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"
import { inFiftyFibers, roleName } from "./OrganizationFixtures.ts"
import type { Stores } from "./TestServices.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`InvitationStore at once (${name})`, (it) => {
    it.effect("makes the invited a member, closes the invitation and keeps the record, together", () =>
      Effect.gen(function* () {
        const { id, organization } = yield* begin
        const reader = yield* OrganizationBuilders.storedRole(id, { name: roleName("reader") })
        const assignment = { builtIn: [roleName("billing")], custom: [reader.id] }
        const { accept, guest, record, stored } = yield* invite(id, { assignment })
        assert.isTrue(yield* accept())
        const members = yield* MemberStore
        const { member, membership } = Option.getOrThrow(yield* members.get(id, { _tag: "User", userId: guest.id }))
        assert.deepStrictEqual([member.roles, membership.customRoles.length], [["billing", "reader"], 1])
        const after = Option.getOrThrow(yield* found(stored))
        assert.deepStrictEqual([after.invitation.status, after.invitation.acceptedBy], ["accepted", guest.id])
        assert.deepStrictEqual(after.assignment.custom, [])
        const seen = { userId: guest.id, organization: organization.id }
        const now = yield* DateTime.now
        const counts = Option.getOrThrow(yield* OrganizationStore.use((store) => store.get(seen, now))).value.counts
        assert.deepStrictEqual([counts.members, counts.pendingInvitations], [2, 0])
        assert.deepStrictEqual(yield* kept(record), { audits: 1, versions: [1] })
      }),
    )

    it.effect("makes it the default of the session that accepts", () =>
      Effect.gen(function* () {
        const { id } = yield* begin
        const { accept, guest } = yield* invite(id)
        const { session } = yield* OrganizationBuilders.actor({ user: guest })
        assert.isTrue(yield* accept({ sessionId: session.id }))
        const active = yield* MembershipStore.use((store) =>
          store.findActive({ userId: guest.id, sessionId: session.id }),
        )
        const { membership, source } = Option.getOrThrow(active)
        assert.deepStrictEqual([membership.organizationId, source], [id, "session"])
      }),
    )

    it.effect("accepts nothing where anything changed in the organization since it was read", () =>
      Effect.gen(function* () {
        const { id } = yield* begin
        const changes = [
          inLock(id, Effect.void),
          inLock(id, OrganizationBuilders.storedMember(id)),
          OrganizationStore.use((store) => Effect.flatMap(DateTime.now, (now) => store.markDeleted(id, now))),
        ]
        for (const change of changes) {
          const invited = yield* invite(id)
          yield* change
          yield* invited.isNotAccepted()
        }
      }),
    )

    it.effect("accepts nothing by what was read before somebody else was let in", () =>
      Effect.gen(function* () {
        const { id } = yield* begin
        const [first, second] = [yield* invite(id), yield* invite(id)]
        const late = yield* second.again
        assert.isTrue(yield* first.accept())
        yield* late.isNotAccepted()
        assert.isTrue(yield* (yield* second.again).accept())
      }),
    )

    it.effect("accepts nothing for somebody who is a member already, or gone", () =>
      Effect.gen(function* () {
        const { id, owner } = yield* begin
        const own = yield* invite(id, { guest: owner })
        yield* own.isNotAccepted()
        const gone = yield* invite(id)
        yield* UserStore.use((store) => store.remove(gone.guest.id))
        yield* gone.isNotAccepted()
      }),
    )

    it.effect("accepts nothing where there are as many members as there may be", () =>
      Effect.gen(function* () {
        const { id } = yield* begin
        const { accept, isNotAccepted } = yield* invite(id)
        yield* isNotAccepted({ limit: 1 })
        assert.isTrue(yield* accept({ limit: 2 }))
      }),
    )

    it.effect("accepts nothing by an invitation that is closed, is over, or has another token by now", () =>
      Effect.gen(function* () {
        const { id } = yield* begin
        for (const status of ["revoked", "rejected", "expired"] as const) {
          const { isNotAccepted, stored } = yield* invite(id)
          yield* close(stored.invitation, status)
          yield* isNotAccepted({}, status)
        }
        const late = yield* invite(id)
        yield* late.isNotAccepted({ now: late.stored.invitation.expiresAt }, "pending")
        yield* late.isNotAccepted({ hashes: [yield* Builders.keyedHash] }, "pending")
        assert.isTrue(yield* late.accept())
      }),
    )

    it.effect("lets one in, of 50 fibers that accept one invitation for as many people", () =>
      Effect.gen(function* () {
        const { id } = yield* begin
        const { accept, record, stored } = yield* invite(id)
        const accepted = yield* inFiftyFibers(
          Effect.flatMap(Builders.storedUser(), (user) => accept({ user, record: undefined })),
        )
        assert.strictEqual(accepted.filter((isAccepted) => isAccepted).length, 1)
        const members = yield* MemberStore.use((store) => store.listAll(id, { after: null, limit: 100, search: null }))
        assert.strictEqual(members.length, 2)
        assert.strictEqual(Option.getOrThrow(yield* found(stored)).invitation.status, "accepted")
        assert.deepStrictEqual((yield* kept(record)).versions.length, 1)
      }),
    )

    it.effect("keeps an invitation with its record while the organization has the version that was read", () =>
      Effect.gen(function* () {
        const { id, viewer } = yield* begin
        const invitations = yield* InvitationStore
        const facts = Option.getOrThrow(
          yield* invitations.prepare(viewer, { email: (yield* Builders.user()).email, roles: [] }),
        ).value
        const insert = Effect.fnUntraced(function* (version: number) {
          const invitation = yield* OrganizationBuilders.invitation({ organizationId: id })
          const tokenHash = yield* Builders.keyedHash
          const record = yield* recordOf(id)
          const assignment = { builtIn: invitation.roles, custom: [] }
          const outcome = yield* invitations.insert({ invitation, assignment, tokenHash, limit: null, version, record })
          return [outcome, yield* kept(record)]
        })
        assert.deepStrictEqual(yield* insert(facts.version), ["kept", { audits: 1, versions: [1] }])
        // The first one changed the organization.
        assert.deepStrictEqual(yield* insert(facts.version), ["changed", { audits: 0, versions: [] }])
        assert.deepStrictEqual(yield* insert(facts.version + 1), ["kept", { audits: 1, versions: [2] }])
        yield* inLock(id, Effect.void)
        assert.deepStrictEqual(yield* insert(facts.version + 2), ["changed", { audits: 0, versions: [] }])
      }),
    )

    it.effect("keeps nothing while somebody changes the organization, whether it waits for them or not", () =>
      Effect.gen(function* () {
        const { id, viewer } = yield* begin
        const invitations = yield* InvitationStore
        const invitation = yield* OrganizationBuilders.invitation({ organizationId: id })
        const facts = yield* invitations.prepare(viewer, { email: invitation.email, roles: [] })
        const { version } = Option.getOrThrow(facts).value
        const [isLocked, mayCommit] = [yield* Latch.make(), yield* Latch.make()]
        const other = yield* Effect.forkChild(inLock(id, Effect.andThen(isLocked.open, mayCommit.await)))
        yield* isLocked.await
        const assignment = { builtIn: invitation.roles, custom: [] }
        const insertion = { invitation, assignment, tokenHash: yield* Builders.keyedHash, limit: null, version }
        const inserting = yield* Effect.forkChild(invitations.insert(insertion))
        yield* TestClock.withLive(Effect.sleep("50 millis"))
        yield* mayCommit.open
        yield* Fiber.join(other)
        assert.strictEqual(yield* Fiber.join(inserting), "changed")
      }),
    )

    it.effect("keeps no more invitations than there may be, of 50 fibers that send one by what they read", () =>
      Effect.gen(function* () {
        const { id, viewer } = yield* begin
        const invitations = yield* InvitationStore
        const outcomes = yield* inFiftyFibers(
          Effect.gen(function* () {
            const invitation = yield* OrganizationBuilders.invitation({ organizationId: id })
            const facts = yield* invitations.prepare(viewer, { email: invitation.email, roles: [] })
            const { version } = Option.getOrThrow(facts).value
            const assignment = { builtIn: invitation.roles, custom: [] }
            const tokenHash = yield* Builders.keyedHash
            return yield* invitations.insert({ invitation, assignment, tokenHash, limit: 1, version })
          }),
        )
        assert.strictEqual(outcomes.filter((outcome) => outcome === "kept").length, 1)
      }),
    )

    it.effect("lets in and invites for many organizations at the same time, each with its record", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const scenes = yield* Effect.forEach(Array.from({ length: 12 }), () =>
          Effect.gen(function* () {
            const { id, viewer } = yield* begin
            const reader = yield* OrganizationBuilders.storedRole(id, { name: roleName("reader") })
            const assignment = { builtIn: [roleName("billing")], custom: [reader.id] }
            const team = yield* OrganizationBuilders.storedTeam({ organizationId: id })
            return { id, viewer, assignment, team, invited: yield* invite(id, { assignment }) }
          }),
        )
        const accepted = yield* Effect.forEach(scenes, ({ invited }) => invited.accept(), { concurrency: "unbounded" })
        assert.deepStrictEqual(
          accepted,
          scenes.map(() => true),
        )
        const drafts = yield* Effect.forEach(scenes, ({ assignment, id, team, viewer }) =>
          Effect.gen(function* () {
            const invitation = yield* OrganizationBuilders.invitation({
              organizationId: id,
              roles: [roleName("billing"), roleName("reader")],
              teams: [{ teamId: team.id, role: lead }],
            })
            const facts = Option.getOrThrow(yield* invitations.prepare(viewer, { email: invitation.email, roles: [] }))
            const { version } = facts.value
            const tokenHash = yield* Builders.keyedHash
            return { invitation, assignment, tokenHash, limit: 5, version, record: yield* recordOf(id) }
          }),
        )
        const kinds = yield* Effect.forEach(drafts, (draft) => invitations.insert(draft), { concurrency: "unbounded" })
        assert.deepStrictEqual(
          kinds,
          scenes.map(() => "kept"),
        )
        for (const [index, { id, invited, assignment }] of scenes.entries()) {
          const { invitation, record, tokenHash } = drafts[index] ?? assert.fail()
          const stored = Option.getOrThrow(yield* invitations.findByToken([tokenHash]))
          assert.deepStrictEqual(stored.invitation, invitation)
          assert.deepStrictEqual(stored.assignment, assignment)
          const member = yield* MemberStore.use((store) => store.get(id, { _tag: "User", userId: invited.guest.id }))
          assert.deepStrictEqual(Option.getOrThrow(member).member.roles, [roleName("billing"), roleName("reader")])
          assert.deepStrictEqual(yield* kept(invited.record), { audits: 1, versions: [1] })
          assert.deepStrictEqual(yield* kept(record), { audits: 1, versions: [2] })
        }
      }),
    )

    it.effect("keeps one of several new organizations of one slug, and all others that come with them", () =>
      Effect.gen(function* () {
        const organizations = yield* OrganizationStore
        const { session, user } = yield* OrganizationBuilders.actor()
        const nobody = yield* Builders.user()
        const slug = Slug.make(`once-${(yield* OrganizationBuilders.memberId).slice(-12)}`)
        const drafts = yield* Effect.forEach([slug, null, slug, null, slug, null], (slug) =>
          Effect.gen(function* () {
            const organization = yield* OrganizationBuilders.organization({ slug })
            const id = yield* OrganizationBuilders.memberId
            return { organization, id, record: yield* recordOf(organization.id) }
          }),
        )
        const kinds = yield* Effect.forEach(
          drafts,
          ({ id, organization, record }, index) =>
            organizations.insert(
              organization,
              // All of one session, and the last of somebody who is not there.
              { id, userId: index === 5 ? nobody.id : user.id, sessionId: session.id },
              record,
            ),
          { concurrency: "unbounded" },
        )
        assert.deepStrictEqual([kinds[1], kinds[3], kinds[5]], ["kept", "kept", "absent"])
        assert.deepStrictEqual([kinds[0], kinds[2], kinds[4]].toSorted(), ["kept", "slug-taken", "slug-taken"])
        for (const [index, { record }] of drafts.entries()) {
          const isKept = kinds[index] === "kept"
          assert.deepStrictEqual(
            yield* kept(record),
            isKept ? { audits: 1, versions: [1] } : { audits: 0, versions: [] },
          )
        }
        const active = yield* MembershipStore.use((store) =>
          store.findActive({ userId: user.id, sessionId: session.id }),
        )
        assert.strictEqual(Option.getOrThrow(active).source, "session")
      }),
    )

    it.effect("keeps a new organization with its record, or neither", () =>
      Effect.gen(function* () {
        const organizations = yield* OrganizationStore
        const owner = yield* Builders.storedUser()
        const insert = Effect.fnUntraced(function* (user: User, slug: Slug | null) {
          const organization = yield* OrganizationBuilders.organization({ slug })
          const record = yield* recordOf(organization.id)
          const seat = { id: yield* OrganizationBuilders.memberId, userId: user.id }
          return [yield* organizations.insert(organization, seat, record), yield* kept(record)]
        })
        const slug = Slug.make(`once-${(yield* OrganizationBuilders.memberId).slice(-12)}`)
        assert.deepStrictEqual(yield* insert(owner, slug), ["kept", { audits: 1, versions: [1] }])
        const none = { audits: 0, versions: [] }
        assert.deepStrictEqual(yield* insert(owner, slug), ["slug-taken", none])
        assert.deepStrictEqual(yield* insert(yield* Builders.user(), null), ["absent", none])
      }),
    )
  })

// internal

/** A change that is made as all others are. */
const inLock = <A, E, R>(id: OrganizationId, change: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const { run } = yield* TransactionStore
    const { lock } = yield* MembershipStore
    return yield* run(Effect.andThen(lock(id, null), change))
  })

const recordOf = Effect.fnUntraced(function* (id: OrganizationId): Effect.fn.Return<ChangeRecord> {
  const aggregate = aggregateOf(id)
  return {
    audit: yield* Builders.auditEvent({ aggregate }),
    events: [yield* Builders.outboxEvent({ aggregate })],
  }
})

/** What there is of a record: how many audit events, and which versions its events have. */
const kept = Effect.fnUntraced(function* ({ audit, events }: ChangeRecord) {
  const audits = yield* AuditStore.use((store) =>
    store.list({
      userId: Option.none(),
      aggregate: Option.fromNullOr(audit.aggregate),
      typePrefix: Option.none(),
      before: Option.none(),
      limit: 1000,
    }),
  )
  const outbox = yield* OutboxStore
  const now = DateTime.add(yield* DateTime.now, { days: 1 })
  const lease = "00000000-0000-7000-8000-000000000000"
  // The lease is over at once, so that others find all of it again.
  const batches = yield* outbox.claim({ lease, now, until: now, aggregates: 10_000, events: 1000 })
  const ids = new Set(events.map(({ id }) => id))
  return {
    audits: audits.filter(({ id }) => id === audit.id).length,
    versions: batches
      .flatMap((batch) => batch.events)
      .filter(({ id }) => ids.has(id))
      .map(({ version }) => version),
  }
})

/** Invites somebody. */
const invite = Effect.fnUntraced(function* (
  organizationId: OrganizationId,
  { guest: given, assignment }: { readonly guest?: User; readonly assignment?: StoredInvitation["assignment"] } = {},
) {
  const guest = given ?? (yield* Builders.storedUser())
  const roles = assignment === undefined ? {} : { roles: [roleName("billing"), roleName("reader")], assignment }
  const { tokenHash } = yield* OrganizationBuilders.storedInvitation({ organizationId, ...roles })
  const again = look(organizationId, guest, tokenHash)
  return { ...(yield* again), again }
})

/** An invitation as it is found now, and what accepting it by that comes to. */
const look = Effect.fnUntraced(function* (organizationId: OrganizationId, guest: User, tokenHash: KeyedHash) {
  const store = yield* InvitationStore
  const stored = Option.getOrThrow(yield* store.findByToken([tokenHash]))
  const record = yield* recordOf(organizationId)

  const accept = Effect.fnUntraced(function* (
    options: {
      readonly user?: User
      readonly limit?: number
      readonly now?: DateTime.Utc
      readonly hashes?: readonly [KeyedHash]
      readonly sessionId?: Parameters<typeof store.accept>[0]["member"]["sessionId"]
      readonly record?: undefined
    } = {},
  ) {
    const { user = guest, limit = null, hashes = [tokenHash], sessionId } = options
    const now = options.now ?? (yield* DateTime.now)
    const member = { id: yield* OrganizationBuilders.memberId, userId: user.id, sessionId }
    return yield* store.accept({ invitation: stored, hashes, member, limit, now, record })
  })

  /** Nobody is let in, nothing is told, and the invitation is as it was. */
  const isNotAccepted = Effect.fnUntraced(function* (
    options: Parameters<typeof accept>[0] = {},
    status: StoredInvitation["invitation"]["status"] = stored.invitation.status,
  ) {
    const members = yield* MemberStore
    const before = yield* members.listAll(organizationId, { after: null, limit: 100, search: null })
    assert.isFalse(yield* accept(options))
    const after = yield* members.listAll(organizationId, { after: null, limit: 100, search: null })
    assert.deepStrictEqual(after, before)
    assert.deepStrictEqual(yield* kept(record), { audits: 0, versions: [] })
    const now = yield* found(stored)
    if (Option.isSome(now)) assert.strictEqual(now.value.invitation.status, status)
  })

  return { accept, guest, isNotAccepted, record, stored }
})

const found = ({ invitation }: StoredInvitation) =>
  InvitationStore.use((store) => store.findByEmail(invitation.email, invitation.id))
