/**
 * Contract suite of {@link InvitationStore}: what is kept and shown, and sent again. How invitations end is the
 * contract of `InvitationEndsTest`.
 *
 * @since 0.1.0
 */
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email } from "@belfry/core/User"
import type { Invitation } from "@belfry/organization/Invitation"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import type { Viewer } from "@belfry/organization/Membership"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { builtInPermission } from "@belfry/organization/Permission"
import { TeamRoleName } from "@belfry/organization/Team"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"
import { all, begin, close, closing, lead, rotationOf, shown } from "./InvitationFixtures.ts"
import { inFiftyFibers, roleName } from "./OrganizationFixtures.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"
import type { Stores } from "./TestServices.ts"

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
        const auditor = yield* OrganizationBuilders.storedRole(organizationId, {
          name: roleName("auditor"),
          permissions,
        })
        const reader = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("reader") })
        const teams = [
          { teamId: (yield* OrganizationBuilders.storedTeam({ organizationId })).id, role: lead },
          {
            teamId: (yield* OrganizationBuilders.storedTeam({ organizationId })).id,
            role: TeamRoleName.make("member"),
          },
        ]
        const assignment = { builtIn: [roleName("billing"), roleName("member")], custom: [auditor.id, reader.id] }
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
          version: 0,
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
        const auditor = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("auditor") })
        const reader = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("reader") })
        yield* OrganizationBuilders.storedRole(organizationId)
        yield* OrganizationBuilders.storedRole(other.id, { name: roleName("editor") })
        const prepare = (email: Email, ...names: ReadonlyArray<string>) =>
          Effect.map(
            invitations.prepare(viewer, { email, roles: names.map(roleName) }),
            (found) => Option.getOrThrow(found).value,
          )
        const nobody = { version: 0, organizationName: organization.name, isMember: false, open: null, roles: [] }
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
          yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("auditor") }),
          yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("reader") }),
        ]
        const { invitation, tokenHash } = yield* OrganizationBuilders.storedInvitation({
          organizationId,
          roles: [auditor.name],
          assignment: { builtIn: [], custom: [auditor.id] },
        })
        const now = DateTime.add(invitation.sentAt, { hours: 1 })
        const roles = [roleName("member"), auditor.name, reader.name]
        const assignment = { builtIn: [roleName("member")], custom: [auditor.id, reader.id] }
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
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

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
