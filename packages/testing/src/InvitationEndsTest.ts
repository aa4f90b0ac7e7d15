/**
 * Contract suite of {@link InvitationStore}'s ends: closing, by an answer or by time, and what is removed.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { RoleStore } from "@belfry/organization/RoleStore"
import { TeamStore } from "@belfry/organization/TeamStore"
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
  withLayer(layer)(`InvitationStore, ends (${name})`, (it) => {
    it.effect("closes once, of 50 fibers that close it in four ways, and answers what it gave", () =>
      Effect.gen(function* () {
        const invitations = yield* InvitationStore
        const { id: organizationId, viewer, owner } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(organizationId)
        const assignment = { builtIn: [roleName("member")], custom: [role.id] }
        const fields = { organizationId, roles: [roleName("member"), role.name], assignment }
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

const longPast = DateTime.makeUnsafe("1900-01-01T00:00:00.000Z")

let instants = 0

/** An instant of long ago, after those of before: what happened until then is of one test alone. */
const longAgo = Effect.sync(() => DateTime.add(longPast, { hours: ++instants }))
