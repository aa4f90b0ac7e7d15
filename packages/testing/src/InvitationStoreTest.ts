/**
 * Contract suite of {@link InvitationStore}.
 *
 * @since 0.1.0
 */
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import type { Invitation, InvitationStatus } from "@belfry/organization/Invitation"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import type { MemberStore } from "@belfry/organization/MemberStore"
import type { Viewer } from "@belfry/organization/Membership"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { builtInPermission } from "@belfry/organization/Permission"
import { RoleName } from "@belfry/organization/Role"
import { RoleStore } from "@belfry/organization/RoleStore"
import { TeamRoleName } from "@belfry/organization/Team"
import { TeamStore } from "@belfry/organization/TeamStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"

/**
 * The stores that the suite needs: the one it is about, and those that it is seen through.
 *
 * @category models
 * @since 0.1.0
 */
export type Stores =
  | InvitationStore
  | MemberStore
  | MembershipStore
  | OrganizationStore
  | RoleStore
  | TeamStore
  | TransactionStore
  | UserStore

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`InvitationStore (${name})`, (it) => {
    it.effect("returns an invitation with its roles, teams and what it is shown with", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { viewer, organization, owner } = yield* begin
        const { id: organizationId } = organization
        const permissions = [builtInPermission("audit:read"), builtInPermission("role:read")]
        const auditor = yield* OrganizationBuilders.storedRole(organizationId, { name: named("auditor"), permissions })
        const reader = yield* OrganizationBuilders.storedRole(organizationId, { name: named("reader") })
        const teams = [
          { teamId: (yield* OrganizationBuilders.storedTeam({ organizationId })).id, role: lead },
          {
            teamId: (yield* OrganizationBuilders.storedTeam({ organizationId })).id,
            role: TeamRoleName.make("member"),
          },
        ]
        const assignment = { builtIn: [named("billing"), named("member")], custom: [auditor.id, reader.id] }
        const roles = [...assignment.builtIn, auditor.name, reader.name]
        const fields = { organizationId, roles, teams, assignment, inviterId: owner.id }
        const { invitation, tokenHash } = yield* OrganizationBuilders.storedInvitation(fields)
        const stored = {
          invitation,
          assignment,
          preview: {
            id: invitation.id,
            organizationName: organization.name,
            organizationLogo: "https://example.com/logo.png",
            email: invitation.email,
            inviterName: "Grace",
            roles,
            status: "pending",
            expiresAt: invitation.expiresAt,
          },
          organizationSlug: null,
          customRoles: [auditor, reader].map((role) => ({
            id: role.id,
            name: role.name,
            permissions: role.permissions,
          })),
        }
        const found = Option.getOrThrow(yield* invitations.find(viewer, invitation.id))
        assert.deepStrictEqual<unknown>(found.value, Option.some(stored))
        assert.deepStrictEqual<unknown>([found.membership.userId, found.membership.builtInRoles], [owner.id, ["owner"]])
        const hashes = [yield* Builders.keyedHash, tokenHash] as const
        assert.deepStrictEqual<unknown>(yield* invitations.findByToken(hashes), Option.some(stored))
        const byEmail = yield* invitations.findByEmail(invitation.email, invitation.id)
        assert.deepStrictEqual<unknown>(byEmail, Option.some(stored))
        assert.deepStrictEqual(Option.getOrThrow(yield* invitations.list(viewer, yield* all)).value, [invitation])
        const own = yield* invitations.listByEmail(invitation.email, yield* all)
        assert.deepStrictEqual<unknown>(own, [stored.preview])
      }),
    )

    it.effect("finds nothing by another token, another address, and in another organization", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const [here, there] = [yield* begin, yield* begin]
        const { invitation } = yield* OrganizationBuilders.storedInvitation({ organizationId: here.id })
        const { id, email } = invitation
        assert.deepStrictEqual(yield* invitations.findByToken([yield* Builders.keyedHash]), Option.none())
        assert.deepStrictEqual(yield* invitations.findByEmail(there.owner.email, id), Option.none())
        const elsewhere = Option.getOrThrow(yield* invitations.find(there.viewer, id))
        assert.deepStrictEqual(elsewhere.value, Option.none())
        assert.deepStrictEqual(Option.getOrThrow(yield* invitations.list(there.viewer, yield* all)).value, [])
        assert.deepStrictEqual(yield* invitations.listByEmail(there.owner.email, yield* all), [])
        const facts = Option.getOrThrow(yield* invitations.prepare(there.viewer, { email, roles: [] }))
        assert.deepStrictEqual(facts.value.open, null)
        const rotation = { ...(yield* rotationOf(invitation)), organizationId: there.id }
        assert.deepStrictEqual(yield* invitations.rotate(rotation), Option.none())
        assert.deepStrictEqual(yield* shown(here.viewer, invitation), invitation)
      }),
    )

    it.effect("shows nothing to whoever is no member, and nothing of a deleted organization", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId, viewer } = yield* begin
        const { invitation, tokenHash } = yield* OrganizationBuilders.storedInvitation({ organizationId })
        const { id, email } = invitation
        const look = Effect.fnUntraced(function* (by: Viewer) {
          const answers = [
            Option.isSome(yield* invitations.find(by, id)),
            Option.isSome(yield* invitations.list(by, yield* all)),
            Option.isSome(yield* invitations.prepare(by, { email, roles: [] })),
          ]
          return answers.filter(Boolean).length
        })
        const outsider = { ...viewer, userId: (yield* Builders.storedUser()).id }
        assert.deepStrictEqual([yield* look(viewer), yield* look(outsider)], [3, 0])
        yield* OrganizationStore.use((store) =>
          Effect.flatMap(DateTime.now, (now) => store.markDeleted(organizationId, now)),
        )
        assert.strictEqual(yield* look(viewer), 0)
        assert.deepStrictEqual(yield* invitations.findByToken([tokenHash]), Option.none())
        assert.deepStrictEqual(yield* invitations.findByEmail(email, id), Option.none())
        assert.deepStrictEqual(yield* invitations.listByEmail(email, yield* all), [])
      }),
    )

    it.effect("says what must be known to invite: members, open invitations, roles of these names", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { viewer, id: organizationId, owner, organization } = yield* begin
        const other = yield* begin
        const auditor = yield* OrganizationBuilders.storedRole(organizationId, { name: named("auditor") })
        const reader = yield* OrganizationBuilders.storedRole(organizationId, { name: named("reader") })
        yield* OrganizationBuilders.storedRole(organizationId)
        yield* OrganizationBuilders.storedRole(other.id, { name: named("editor") })
        const prepare = (email: Email, ...names: ReadonlyArray<string>) =>
          Effect.map(
            invitations.prepare(viewer, { email, roles: names.map(named) }),
            (found) => Option.getOrThrow(found).value,
          )
        const nobody = { organizationName: organization.name, isMember: false, open: null, roles: [] }
        assert.deepStrictEqual(yield* prepare(other.owner.email), nobody)
        assert.deepStrictEqual(yield* prepare(owner.email), { ...nobody, isMember: true })
        const pick = ({ id, name, permissions }: typeof auditor) => ({ id, name, permissions })
        assert.deepStrictEqual(yield* prepare(other.owner.email, "reader", "editor", "auditor"), {
          ...nobody,
          roles: [pick(auditor), pick(reader)],
        })
        const now = yield* DateTime.now
        const { invitation: open } = yield* OrganizationBuilders.storedInvitation({ organizationId, expiresAt: now })
        // Marked pending, its time over or not.
        const { id, expiresAt } = open
        assert.deepStrictEqual(yield* prepare(open.email), { ...nobody, open: { id, expiresAt } })
        yield* close(open, "expired")
        assert.deepStrictEqual(yield* prepare(open.email), nobody)
      }),
    )

    it.effect("keeps one open invitation of an organization to an address, of 50 fibers that send one", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const [{ id: organizationId, viewer }, other] = [yield* begin, yield* begin]
        const email = Email.make(`${organizationId}@example.com`)
        const answers = yield* inFiftyFibers(
          Effect.gen(function* () {
            const invitation = yield* OrganizationBuilders.invitation({ organizationId, email })
            return yield* insert(invitation, null)
          }),
        )
        assert.strictEqual(answers.filter((answer) => answer === "kept").length, 1)
        assert.strictEqual(answers.filter((answer) => answer === "invited").length, 49)
        const [kept] = Option.getOrThrow(yield* invitations.list(viewer, yield* all)).value
        if (kept === undefined) return assert.fail("None was kept")
        const again = yield* OrganizationBuilders.invitation({ organizationId, email })
        const elsewhere = yield* OrganizationBuilders.invitation({ organizationId: other.id, email })
        // Whether or not there is room, and for the address, not for the organization of another.
        assert.deepStrictEqual([yield* insert(again, 0), yield* insert(elsewhere, null)], ["invited", "kept"])
        for (const status of ["revoked", "rejected", "accepted"] as const) {
          const [open] = Option.getOrThrow(yield* invitations.list(viewer, yield* all)).value
          if (open === undefined) return assert.fail("None is open")
          assert.isTrue(Option.isSome(yield* close(open, status)))
          const next = yield* OrganizationBuilders.invitation({ organizationId, email })
          assert.strictEqual(yield* insert(next, null), "kept")
        }
      }),
    )

    it.effect("keeps no more open invitations than the limit; those that are over or closed leave room", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const transactions = yield* TransactionStore
        const memberships = yield* MembershipStore
        const { id: organizationId, viewer } = yield* begin
        yield* OrganizationBuilders.storedInvitation({ organizationId: (yield* begin).id })
        const underLock = Effect.gen(function* () {
          yield* memberships.lock(organizationId, null)
          return yield* insert(yield* OrganizationBuilders.invitation({ organizationId }), 3)
        }).pipe(transactions.run)
        const answers = yield* inFiftyFibers(underLock)
        assert.strictEqual(answers.filter((answer) => answer === "kept").length, 3)
        assert.strictEqual(answers.filter((answer) => answer === "full").length, 47)
        const [first] = Option.getOrThrow(yield* invitations.list(viewer, yield* all)).value
        if (first === undefined) return assert.fail("None was kept")
        yield* close(first, "revoked")
        assert.deepStrictEqual([yield* underLock, yield* underLock], ["kept", "full"])
        const later = yield* OrganizationBuilders.invitation({ organizationId, createdAt: first.expiresAt })
        assert.strictEqual(yield* insert(later, 1), "kept")
      }),
    )

    it.effect("refuses roles and teams that are not of the organization, and what it does not know", () =>
      Effect.gen(function* () {
        const [{ id: organizationId }, other] = [yield* begin, yield* begin]
        const foreignRole = yield* OrganizationBuilders.storedRole(other.id)
        const foreignTeam = yield* OrganizationBuilders.storedTeam({ organizationId: other.id })
        const nobody = yield* Builders.user()
        const nowhere = yield* OrganizationBuilders.organizationId
        const drafts = [
          { organizationId, assignment: { builtIn: [], custom: [foreignRole.id] } },
          { organizationId, teams: [{ teamId: foreignTeam.id, role: lead }] },
          { organizationId, inviterId: nobody.id },
          { organizationId: nowhere },
        ]
        for (const draft of drafts) {
          const error = yield* Effect.flip(OrganizationBuilders.storedInvitation(draft))
          if (!(error instanceof StoreError)) return assert.fail("Another failure")
          assert.deepStrictEqual([error.store, error.method, error.isRetryable], ["InvitationStore", "insert", false])
        }
        const { tokenHash } = yield* OrganizationBuilders.storedInvitation({ organizationId })
        const same = yield* OrganizationBuilders.invitation({ organizationId })
        const assignment = { builtIn: same.roles, custom: [] }
        const insertion = { invitation: same, assignment, tokenHash, limit: null }
        const error = yield* Effect.flip(InvitationStore.use((invitations) => invitations.insert(insertion)))
        assert.strictEqual(error.store, "InvitationStore")
      }),
    )

    it.effect("lists newest first, page after page, by status at an instant and by how the address begins", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId, viewer } = yield* begin
        const now = DateTime.add(yield* DateTime.now, { days: 1 })
        const over = { organizationId, expiresAt: now }
        const written = yield* invite("a1@example.com", over)
        yield* InvitationStore.use((store) => store.close({ ...closing, id: written.id, status: "expired", now }))
        const expired = yield* invite("a2@example.com", over)
        const revoked = yield* invite("b_1@example.com", { organizationId })
        yield* close(revoked, "revoked")
        const open = yield* invite("b1@example.com", { organizationId })
        const last = yield* invite("b2@example.com", { organizationId })
        const list = (page: Partial<Parameters<typeof invitations.list>[1]>) =>
          Effect.gen(function* () {
            const found = yield* invitations.list(viewer, { ...(yield* all), now, ...page })
            return Option.getOrThrow(found)
              .value.map(({ email }) => email.slice(0, email.indexOf("@")))
              .join(" ")
          })
        assert.strictEqual(yield* list({}), "b2 b1 b_1 a2 a1")
        assert.strictEqual(yield* list({ limit: 2 }), "b2 b1")
        assert.strictEqual(yield* list({ limit: 2, after: open.id }), "b_1 a2")
        assert.strictEqual(yield* list({ after: written.id }), "")
        assert.strictEqual(yield* list({ status: "pending" }), "b2 b1")
        assert.strictEqual(yield* list({ status: "expired" }), "a2 a1")
        const before = DateTime.subtract(now, { milliseconds: 1 })
        assert.strictEqual(yield* list({ status: "pending", now: before }), "b2 b1 a2")
        assert.strictEqual(yield* list({ status: "expired", now: before }), "a1")
        assert.strictEqual(yield* list({ status: "revoked" }), "b_1")
        assert.strictEqual(yield* list({ status: "accepted" }), "")
        assert.strictEqual(yield* list({ search: "B" }), "b2 b1 b_1")
        assert.strictEqual(yield* list({ search: "b_" }), "b_1")
        assert.strictEqual(yield* list({ search: "b", status: "pending", after: last.id }), "b1")
        for (const search of ["%", "\0", "example.com"]) assert.strictEqual(yield* list({ search }), "", search)
        assert.strictEqual(expired.status, "pending")
      }),
    )

    it.effect("lists the open invitations to an address, up to the instant at which they are over", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const email = Email.make(`${yield* OrganizationBuilders.organizationId}@example.com`)
        const places = []
        for (const name of ["Apple", "Banana", "avocado"]) {
          const { organization } = yield* OrganizationBuilders.storedOrganization({ name })
          places.push(yield* invite(email, { organizationId: organization.id }))
        }
        const [first, second, third] = places
        if (first === undefined || second === undefined || third === undefined) return assert.fail("Fewer were made")
        const list = (page: Partial<Parameters<typeof invitations.listByEmail>[1]>) =>
          Effect.gen(function* () {
            const found = yield* invitations.listByEmail(email, { ...(yield* all), ...page })
            return found.map(({ organizationName }) => organizationName).join(" ")
          })
        assert.strictEqual(yield* list({}), "avocado Banana Apple")
        assert.strictEqual(yield* list({ limit: 1 }), "avocado")
        assert.strictEqual(yield* list({ limit: 1, after: third.id }), "Banana")
        assert.strictEqual(yield* list({ search: "A" }), "avocado Apple")
        const last = DateTime.subtract(second.expiresAt, { milliseconds: 1 })
        assert.strictEqual(yield* list({ now: last }), "avocado Banana Apple")
        assert.strictEqual(yield* list({ now: second.expiresAt }), "")
        yield* close(second, "rejected")
        assert.strictEqual(yield* list({}), "avocado Apple")
      }),
    )

    it.effect("rotates: the new token finds it and the old one does not, with a new end and these roles", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId, viewer } = yield* begin
        const [auditor, reader] = [
          yield* OrganizationBuilders.storedRole(organizationId, { name: named("auditor") }),
          yield* OrganizationBuilders.storedRole(organizationId, { name: named("reader") }),
        ]
        const { invitation, tokenHash } = yield* OrganizationBuilders.storedInvitation({
          organizationId,
          roles: [auditor.name],
          assignment: { builtIn: [], custom: [auditor.id] },
        })
        const now = DateTime.add(invitation.sentAt, { hours: 1 })
        const roles = [named("member"), auditor.name, reader.name]
        const assignment = { builtIn: [named("member")], custom: [auditor.id, reader.id] }
        const rotation = { ...(yield* rotationOf(invitation)), roles, assignment, now }
        const { expiresAt } = rotation
        const expected = { ...invitation, roles, sends: 2, sentAt: now, updatedAt: now, expiresAt }
        assert.deepStrictEqual(yield* invitations.rotate(rotation), Option.some(expected))
        assert.deepStrictEqual(yield* invitations.findByToken([tokenHash]), Option.none())
        const found = Option.getOrThrow(yield* invitations.findByToken([rotation.tokenHash]))
        assert.deepStrictEqual([found.invitation, found.assignment], [expected, assignment])
        assert.deepStrictEqual(yield* shown(viewer, invitation), expected)
      }),
    )

    it.effect("rotates none that is closed, but for one that had expired, which opens again with these roles", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId, viewer } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(organizationId)
        for (const status of ["accepted", "rejected", "revoked"] as const) {
          const { invitation } = yield* OrganizationBuilders.storedInvitation({ organizationId })
          yield* close(invitation, status)
          assert.deepStrictEqual(yield* invitations.rotate(yield* rotationOf(invitation)), Option.none())
          assert.strictEqual((yield* shown(viewer, invitation)).status, status)
        }
        const assignment = { builtIn: [], custom: [role.id] }
        const fields = { organizationId, roles: [role.name], assignment, expiresAt: yield* DateTime.now }
        const { invitation } = yield* OrganizationBuilders.storedInvitation(fields)
        yield* close(invitation, "expired")
        const rotation = { ...(yield* rotationOf(invitation)), assignment }
        const reopened = Option.getOrThrow(yield* invitations.rotate(rotation))
        assert.deepStrictEqual([reopened.status, reopened.sends], ["pending", 2])
        const stored = Option.getOrThrow(yield* invitations.findByToken([rotation.tokenHash]))
        assert.deepStrictEqual(stored.assignment, assignment)
      }),
    )

    it.effect("opens none again to an address that has another open one", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId, viewer } = yield* begin
        const first = yield* OrganizationBuilders.storedInvitation({ organizationId, expiresAt: yield* DateTime.now })
        yield* close(first.invitation, "expired")
        const { email } = first.invitation
        const second = yield* OrganizationBuilders.storedInvitation({ organizationId, email })
        assert.deepStrictEqual(yield* invitations.rotate(yield* rotationOf(first.invitation)), Option.none())
        assert.strictEqual((yield* shown(viewer, first.invitation)).status, "expired")
        yield* close(second.invitation, "revoked")
        assert.isTrue(Option.isSome(yield* invitations.rotate(yield* rotationOf(first.invitation))))
      }),
    )

    it.effect("closes once, of 50 fibers that close it in four ways, and answers what it gave", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId, viewer, owner } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(organizationId)
        const assignment = { builtIn: [named("member")], custom: [role.id] }
        const fields = { organizationId, roles: [named("member"), role.name], assignment }
        const { invitation, tokenHash } = yield* OrganizationBuilders.storedInvitation(fields)
        const now = DateTime.add(invitation.createdAt, { hours: 1 })
        const answers = yield* Effect.forEach(
          Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? ("accepted" as const) : ("revoked" as const))),
          (status) => {
            const acceptedBy = status === "accepted" ? owner.id : null
            return invitations.close({ id: invitation.id, hashes: null, status, acceptedBy, now })
          },
          { concurrency: "unbounded" },
        )
        const [closed, ...more] = answers.flatMap(Option.toArray)
        if (closed === undefined) return assert.fail("Nobody closed it")
        assert.deepStrictEqual(more, [])
        assert.deepStrictEqual([closed.assignment, closed.customRoles.map(({ id }) => id)], [assignment, [role.id]])
        const { status } = closed.invitation
        const acceptedBy = status === "accepted" ? owner.id : null
        const expected = { ...invitation, status, acceptedBy, updatedAt: now }
        assert.deepStrictEqual(closed.invitation, expected)
        assert.deepStrictEqual(closed.preview.status, status)
        const stored = Option.getOrThrow(yield* invitations.findByToken([tokenHash]))
        // The role is free, and its name stays for show.
        assert.deepStrictEqual<unknown>(
          [stored.invitation, stored.assignment],
          [expected, { builtIn: ["member"], custom: [] }],
        )
        const removal = { organizationId, id: role.id, replacement: null, now }
        assert.strictEqual(yield* RoleStore.use((roles) => roles.remove(removal)), "removed")
        assert.deepStrictEqual(yield* shown(viewer, invitation), expected)
      }),
    )

    it.effect("is accepted and rejected up to the instant at which it is over, and expired from it on", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId, owner } = yield* begin
        const ways = [
          ["accepted", "last"],
          ["rejected", "last"],
          ["expired", "over"],
        ] as const
        for (const [status, when] of ways) {
          const { invitation } = yield* OrganizationBuilders.storedInvitation({ organizationId })
          const { id, expiresAt } = invitation
          const last = DateTime.subtract(expiresAt, { milliseconds: 1 })
          const acceptedBy = status === "accepted" ? owner.id : null
          const closeAt = (now: DateTime.Utc) => invitations.close({ id, hashes: null, status, acceptedBy, now })
          const [never, once] = when === "last" ? [expiresAt, last] : [last, expiresAt]
          assert.deepStrictEqual(yield* closeAt(never), Option.none(), status)
          assert.isTrue(Option.isSome(yield* closeAt(once)), status)
        }
      }),
    )

    it.effect("is closed by a token that is its own, and by none that it had before", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId } = yield* begin
        const { invitation, tokenHash } = yield* OrganizationBuilders.storedInvitation({ organizationId })
        const rotation = yield* rotationOf(invitation)
        yield* invitations.rotate(rotation)
        const reject = Effect.fnUntraced(function* (hash: typeof tokenHash) {
          const hashes = [yield* Builders.keyedHash, hash] as const
          const now = yield* DateTime.now
          return yield* invitations.close({ ...closing, id: invitation.id, hashes, status: "rejected", now })
        })
        assert.deepStrictEqual(yield* reject(tokenHash), Option.none())
        assert.isTrue(Option.isSome(yield* reject(rotation.tokenHash)))
      }),
    )

    it.effect("is closed by somebody who is gone as by nobody", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId } = yield* begin
        const { invitation } = yield* OrganizationBuilders.storedInvitation({ organizationId })
        const now = yield* DateTime.now
        const { id: acceptedBy } = yield* Builders.user()
        const closed = yield* invitations.close({ ...closing, id: invitation.id, status: "accepted", acceptedBy, now })
        assert.isNull(Option.getOrThrow(closed).invitation.acceptedBy)
      }),
    )

    it.effect("puts back what a transaction that fails had closed", () =>
      Effect.gen(function* () {
        const transactions = yield* TransactionStore
        const { id: organizationId, viewer } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(organizationId)
        const assignment = { builtIn: [], custom: [role.id] }
        const { invitation, tokenHash } = yield* OrganizationBuilders.storedInvitation({
          organizationId,
          roles: [role.name],
          assignment,
        })
        yield* Effect.flip(transactions.run(Effect.andThen(close(invitation, "accepted"), Effect.fail("undone"))))
        assert.deepStrictEqual(yield* shown(viewer, invitation), invitation)
        const stored = yield* InvitationStore.use((invitations) => invitations.findByToken([tokenHash]))
        assert.deepStrictEqual(Option.getOrThrow(stored).assignment, assignment)
      }),
    )

    it.effect("writes down those that are over, each by one of 50 fibers, at most as many as are asked for", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        // Nothing that other tests left is over before this.
        const now = yield* longAgo
        const { id: organizationId, viewer } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(organizationId)
        const assignment = { builtIn: [], custom: [role.id] }
        const made = yield* Effect.forEach([-2, -1, 0, 1], (offset) =>
          OrganizationBuilders.storedInvitation({
            organizationId,
            roles: [role.name],
            assignment,
            expiresAt: DateTime.add(now, { milliseconds: offset }),
          }),
        )
        const ids = made.map(({ invitation }) => invitation.id)
        const first = yield* invitations.expire(now, 1)
        assert.deepStrictEqual<unknown>(first, [{ id: ids[0], organizationId }])
        const rest = (yield* inFiftyFibers(invitations.expire(now, 10))).flat()
        assert.sameDeepMembers<unknown>(
          rest,
          ids.slice(1, 3).map((id) => ({ id, organizationId })),
        )
        const statuses = []
        for (const { invitation } of made) statuses.push((yield* shown(viewer, invitation)).status)
        assert.deepStrictEqual(statuses, ["expired", "expired", "expired", "pending"])
        const [gone] = made
        if (gone === undefined) return assert.fail("None was made")
        const stored = Option.getOrThrow(yield* invitations.findByToken([gone.tokenHash]))
        assert.deepStrictEqual([stored.assignment.custom, stored.invitation.updatedAt], [[], now])
      }),
    )

    it.effect("removes what was closed before an instant, oldest first, and nothing that is open", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const at = yield* longAgo
        // What other tests closed earlier is not of this one.
        yield* invitations.removeClosed(DateTime.subtract(at, { minutes: 1 }), 1000)
        const { id: organizationId, viewer } = yield* begin
        const closed = []
        for (const offset of [-2, -1, 0]) {
          const { invitation } = yield* OrganizationBuilders.storedInvitation({ organizationId })
          const now = DateTime.add(at, { milliseconds: offset })
          yield* invitations.close({ ...closing, id: invitation.id, status: "revoked", now })
          closed.push(invitation)
        }
        const { invitation: open } = yield* OrganizationBuilders.storedInvitation({
          organizationId,
          updatedAt: longPast,
        })
        const left = Effect.gen(function* () {
          return Option.getOrThrow(yield* invitations.list(viewer, yield* all)).value.map(({ id }) => id)
        })
        assert.strictEqual(yield* invitations.removeClosed(at, 1), 1)
        assert.deepStrictEqual<unknown>(yield* left, [open.id, closed[2]?.id, closed[1]?.id])
        assert.strictEqual(yield* invitations.removeClosed(at, 10), 1)
        assert.strictEqual(yield* invitations.removeClosed(at, 10), 0)
        assert.deepStrictEqual<unknown>(yield* left, [open.id, closed[2]?.id])
      }),
    )

    it.effect("goes with its organization, leaves out a team that goes, and forgets people who go", () =>
      Effect.gen(function* () {
        const users = yield* UserStore
        const { id: organizationId, viewer } = yield* begin
        const [inviter, invitee] = [yield* Builders.storedUser(), yield* Builders.storedUser()]
        const [kept, gone] = [
          yield* OrganizationBuilders.storedTeam({ organizationId }),
          yield* OrganizationBuilders.storedTeam({ organizationId }),
        ]
        const teams = [kept, gone].map(({ id: teamId }) => ({ teamId, role: lead }))
        const fields = { organizationId, teams, inviterId: inviter.id }
        const { invitation, tokenHash } = yield* OrganizationBuilders.storedInvitation(fields)
        const { id } = invitation
        const now = yield* DateTime.now
        yield* InvitationStore.use((store) =>
          store.close({ id, hashes: null, status: "accepted", acceptedBy: invitee.id, now }),
        )
        yield* TeamStore.use((store) => store.remove(organizationId, gone.id, false))
        yield* users.remove(inviter.id)
        yield* users.remove(invitee.id)
        const left = yield* shown(viewer, invitation)
        assert.deepStrictEqual(left, {
          ...invitation,
          status: "accepted",
          inviterId: null,
          acceptedBy: null,
          teams: teams.slice(0, 1),
        })
        const role = yield* OrganizationBuilders.storedRole(organizationId)
        const assignment = { builtIn: [], custom: [role.id] }
        yield* OrganizationBuilders.storedInvitation({ organizationId, roles: [role.name], assignment })
        yield* TransactionStore.use((transactions) =>
          transactions.run(OrganizationStore.use((store) => store.remove(organizationId))),
        )
        const found = yield* InvitationStore.use((store) => store.findByToken([tokenHash]))
        assert.deepStrictEqual(found, Option.none())
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const named = (name: string) => RoleName.make(name)

const lead = TeamRoleName.make("lead")

/** An organization with its owner, who looks at it. */
const begin = Effect.gen(function* () {
  const owner = yield* Builders.storedUser({ name: "Grace" })
  const logo = "https://example.com/logo.png"
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner, logo })
  const viewer: Viewer = { userId: owner.id, organization: organization.id }
  return { id: organization.id, organization, owner, viewer }
})

/** The first page of everything. */
const all = Effect.map(DateTime.now, (now) => ({ after: null, limit: 100, search: null, status: null, now }))

const insert = (invitation: Invitation, limit: number | null) =>
  Effect.gen(function* () {
    const tokenHash = yield* Builders.keyedHash
    const assignment = { builtIn: invitation.roles, custom: [] }
    return yield* InvitationStore.use((store) => store.insert({ invitation, assignment, tokenHash, limit }))
  })

/** An open invitation to an address. */
const invite = (email: string, fields: Partial<Invitation> & { readonly organizationId: OrganizationId }) =>
  Effect.map(
    OrganizationBuilders.storedInvitation({ ...fields, email: Email.make(email) }),
    ({ invitation }) => invitation,
  )

/** What closing without a token and without a person comes with. */
const closing = { hashes: null, acceptedBy: null } as const

/** Closes an invitation now, or at its end where it expires. */
const close = (invitation: Invitation, status: Exclude<InvitationStatus, "pending">) =>
  Effect.gen(function* () {
    const now = status === "expired" ? invitation.expiresAt : yield* DateTime.now
    return yield* InvitationStore.use((store) => store.close({ ...closing, id: invitation.id, status, now }))
  })

/** A rotation that gives the same roles of the host, for a day from the end of before. */
const rotationOf = (invitation: Invitation) =>
  Effect.gen(function* () {
    return {
      organizationId: invitation.organizationId,
      id: invitation.id,
      roles: invitation.roles,
      assignment: { builtIn: invitation.roles, custom: [] },
      tokenHash: yield* Builders.keyedHash,
      expiresAt: DateTime.add(invitation.expiresAt, { days: 1 }),
      now: yield* DateTime.now,
    }
  })

/** An invitation as a member sees it. */
const shown = (viewer: Viewer, { id }: Invitation) =>
  Effect.map(
    InvitationStore.use((store) => store.find(viewer, id)),
    (found) => Option.getOrThrow(Option.getOrThrow(found).value).invitation,
  )

const inFiftyFibers = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: 50 }), () => effect, { concurrency: "unbounded" })

const longPast = DateTime.makeUnsafe("1900-01-01T00:00:00.000Z")

let instants = 0

/** An instant of long ago, after those of before: what happened until then is of one test alone. */
const longAgo = Effect.sync(() => DateTime.add(longPast, { hours: ++instants }))
