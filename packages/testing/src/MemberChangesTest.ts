/**
 * Contract suite of {@link MemberStore}'s changes: roles, the ends of memberships, handing over.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import type { MemberId } from "@belfry/organization/Member"
import { MemberStore } from "@belfry/organization/MemberStore"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import type { RoleAssignment } from "@belfry/organization/Role"
import { TeamStore } from "@belfry/organization/TeamStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"
import { everybody, insertion, countsOf } from "./MemberFixtures.ts"
import { begin, roleName, underLock } from "./OrganizationFixtures.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"
import type { Stores } from "./TestServices.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`MemberStore, changes (${name})`, (it) => {
    it.effect("replaces the roles of a member", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId } = yield* begin
        const [first, second] = [
          yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("a-first") }),
          yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("b-second") }),
        ]
        const given = { builtIn: [roleName("member")], custom: [first.id, second.id] }
        const { id: memberId } = yield* OrganizationBuilders.storedMember(organizationId, { roles: given })
        const now = DateTime.add(yield* DateTime.now, { hours: 1 })
        const set = (roles: RoleAssignment) => members.setRoles({ organizationId, memberId, roles, now })
        const rolesOf = Effect.map(members.get(organizationId, { _tag: "Id", id: memberId }), (found) => {
          const { member, membership } = Option.getOrThrow(found)
          assert.deepStrictEqual(member.updatedAt, now)
          assert.deepStrictEqual(
            membership.customRoles.map(({ name }) => name),
            member.roles.filter((name) => name.includes("-")),
          )
          return member.roles.join(" ")
        })
        assert.strictEqual(yield* set({ builtIn: [], custom: [second.id] }), "kept")
        assert.strictEqual(yield* rolesOf, "b-second")
        assert.strictEqual(yield* set({ builtIn: [roleName("admin"), roleName("owner")], custom: [first.id] }), "kept")
        assert.strictEqual(yield* rolesOf, "admin owner a-first")
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 2 })
        assert.strictEqual(yield* set(OrganizationBuilders.builtIn("member")), "kept")
        assert.strictEqual(yield* rolesOf, "member")
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 1 })
      }),
    )

    it.effect("leaves the last owner one, and a member there who is not of the organization", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId, ownerId } = yield* begin
        const other = yield* begin
        const now = yield* DateTime.now
        const roles = OrganizationBuilders.builtIn("admin")
        assert.strictEqual(yield* members.setRoles({ organizationId, memberId: ownerId, roles, now }), "last-owner")
        assert.strictEqual(yield* members.remove(organizationId, ownerId), "last-owner")
        const both = OrganizationBuilders.builtIn("admin", "owner")
        assert.strictEqual(yield* members.setRoles({ organizationId, memberId: ownerId, roles: both, now }), "kept")
        assert.strictEqual(yield* members.setRoles({ organizationId, memberId: other.ownerId, roles, now }), "absent")
        assert.strictEqual(yield* members.remove(organizationId, other.ownerId), "absent")
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 1, owners: 1 })
        assert.deepStrictEqual(yield* countsOf(other.viewer), { members: 1, owners: 1 })
      }),
    )

    it.effect("removes a member once, with its roles, its places in teams and as the default of sessions", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const memberships = yield* MembershipStore
        const { viewer, id: organizationId } = yield* begin
        const auditor = yield* OrganizationBuilders.storedRole(organizationId)
        const { user, session } = yield* OrganizationBuilders.actor()
        const roles = { builtIn: [], custom: [auditor.id] }
        const { id } = yield* OrganizationBuilders.storedMember(organizationId, { user, roles })
        const team = yield* OrganizationBuilders.storedTeam({ organizationId })
        yield* OrganizationBuilders.storedTeamMember(team, id)
        const { id: elsewhere } = yield* begin
        yield* OrganizationBuilders.storedMember(elsewhere, { user })
        const active = memberships.findActive({ userId: user.id, sessionId: session.id })
        assert.isTrue(yield* memberships.setActive({ sessionId: session.id, memberId: id, now: yield* DateTime.now }))
        assert.strictEqual(Option.getOrThrow(yield* active).membership.organizationId, organizationId)
        assert.strictEqual(yield* members.remove(organizationId, id), "removed")
        assert.strictEqual(yield* members.remove(organizationId, id), "absent")
        assert.deepStrictEqual(yield* members.get(organizationId, { _tag: "User", userId: user.id }), Option.none())
        const left = Option.getOrThrow(yield* active)
        assert.deepStrictEqual([left.membership.organizationId, left.source], [elsewhere, "only"])
        const found = Option.getOrThrow(
          yield* TeamStore.use((teams) => teams.listMembers(viewer, team.id, { after: null, limit: 10, search: null })),
        )
        assert.deepStrictEqual(Option.getOrThrow(found.value).members, [])
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 1, owners: 1 })
        // Nothing of the member is left: as a member again, the user has what is given then.
        yield* OrganizationBuilders.storedMember(organizationId, { user })
        const { member } = Option.getOrThrow(yield* members.get(organizationId, { _tag: "User", userId: user.id }))
        assert.deepStrictEqual<unknown>(member.roles, ["member"])
      }),
    )

    for (const [how, guarded] of [
      ["one after another", true],
      ["all at once, without the lock", false],
    ] as const) {
      it.effect(`keeps one owner when 50 leave ${how}`, () =>
        Effect.gen(function* () {
          const members = yield* MemberStore
          const { viewer, id: organizationId, ownerId } = yield* begin
          const owners = yield* Effect.forEach(Array.from({ length: 49 }), () =>
            OrganizationBuilders.storedMember(organizationId, { roles: OrganizationBuilders.builtIn("owner") }),
          )
          const now = yield* DateTime.now
          const roles = OrganizationBuilders.builtIn("member")
          const leave = (
            id: MemberId,
            index: number,
          ): Effect.Effect<string, unknown, MembershipStore | TransactionStore> => {
            const call: Effect.Effect<string, unknown> =
              index % 2 === 0
                ? members.remove(organizationId, id)
                : members.setRoles({ organizationId, memberId: id, roles, now })
            return guarded ? underLock(organizationId, call) : call
          }
          const answers = yield* Effect.forEach([ownerId, ...owners.map(({ id }) => id)], leave, {
            concurrency: "unbounded",
          })
          assert.deepStrictEqual(
            answers.filter((answer) => answer !== "removed" && answer !== "kept"),
            ["last-owner"],
          )
          const left = yield* members.listAll(organizationId, everybody)
          assert.strictEqual(left.filter(({ roles }) => roles.includes(roleName("owner"))).length, 1)
          const { member } = Option.getOrThrow(
            yield* members.get(organizationId, { _tag: "Id", id: left[0]?.id ?? ownerId }),
          )
          assert.deepStrictEqual(yield* countsOf({ ...viewer, userId: member.userId }), {
            members: left.length,
            owners: 1,
          })
        }),
      )
    }

    it.effect("counts once what two do to one member, the second while the first is under way, without the lock", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId } = yield* begin
        const roles = OrganizationBuilders.builtIn("owner")
        const add = Effect.map(OrganizationBuilders.storedMember(organizationId, { roles }), ({ id }) => id)
        const now = yield* DateTime.now
        const plain = OrganizationBuilders.builtIn("member")
        const remove = (memberId: MemberId) => members.remove(organizationId, memberId)
        const stepBack = (memberId: MemberId) => members.setRoles({ organizationId, memberId, roles: plain, now })
        const [first, second, third] = [yield* add, yield* add, yield* add]
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 4, owners: 4 })
        assert.deepStrictEqual(yield* meanwhile(remove(first), remove(first)), ["removed", "absent"])
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 3, owners: 3 })
        assert.deepStrictEqual(yield* meanwhile(stepBack(second), stepBack(second)), ["kept", "kept"])
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 3, owners: 2 })
        assert.deepStrictEqual(yield* meanwhile(stepBack(third), remove(third)), ["kept", "removed"])
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 1 })
        const user = yield* Builders.storedUser()
        const insert = Effect.flatMap(insertion(organizationId, { user }), members.insert)
        assert.deepStrictEqual(yield* meanwhile(insert, insert), ["kept", "exists"])
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 3, owners: 1 })
      }),
    )

    it.effect("hands over: the new owner keeps the other roles, the former has what is kept", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId, ownerId: from } = yield* begin
        const auditor = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("auditor") })
        const roles = { builtIn: [roleName("billing")], custom: [auditor.id] }
        const { id: to } = yield* OrganizationBuilders.storedMember(organizationId, { roles })
        const now = DateTime.add(yield* DateTime.now, { hours: 1 })
        const rolesOf = (id: MemberId) =>
          Effect.map(members.get(organizationId, { _tag: "Id", id }), (found) => {
            const { member } = Option.getOrThrow(found)
            assert.deepStrictEqual(member.updatedAt, now)
            return member.roles.join(" ")
          })
        assert.isTrue(
          yield* members.transfer({ organizationId, from, to, keeps: OrganizationBuilders.builtIn("admin"), now }),
        )
        assert.deepStrictEqual([yield* rolesOf(from), yield* rolesOf(to)], ["admin", "billing owner auditor"])
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 1 })
        // Back, and the one who hands over keeps a role of the organization, and stays an owner.
        const keeps = { builtIn: [roleName("owner")], custom: [auditor.id] }
        assert.isTrue(yield* members.transfer({ organizationId, from: to, to: from, keeps, now }))
        assert.deepStrictEqual([yield* rolesOf(from), yield* rolesOf(to)], ["admin owner", "owner auditor"])
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 2 })
        // To an owner: one less afterwards.
        assert.isTrue(yield* members.transfer({ organizationId, from, to, keeps: { builtIn: [], custom: [] }, now }))
        assert.deepStrictEqual([yield* rolesOf(from), yield* rolesOf(to)], ["", "owner auditor"])
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 1 })
      }),
    )

    it.effect("hands over by an owner to another member of the organization, and not otherwise", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId, ownerId } = yield* begin
        const other = yield* begin
        const { id: plain } = yield* OrganizationBuilders.storedMember(organizationId)
        const now = yield* DateTime.now
        const before = yield* members.listAll(organizationId, everybody)
        const pairs: ReadonlyArray<readonly [from: MemberId, to: MemberId]> = [
          [ownerId, other.ownerId],
          [other.ownerId, ownerId],
          [other.ownerId, plain],
          [plain, ownerId],
          [ownerId, ownerId],
          [ownerId, yield* OrganizationBuilders.memberId],
        ]
        for (const [from, to] of pairs) {
          const keeps = OrganizationBuilders.builtIn("member")
          assert.isFalse(yield* members.transfer({ organizationId, from, to, keeps, now }))
        }
        assert.deepStrictEqual(yield* members.listAll(organizationId, everybody), before)
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 1 })
        assert.deepStrictEqual(yield* countsOf(other.viewer), { members: 1, owners: 1 })
      }),
    )

    it.effect("keeps a user as long as there is a membership, and members as long as their organization", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const users = yield* UserStore
        const { id: organizationId } = yield* begin
        const auditor = yield* OrganizationBuilders.storedRole(organizationId)
        const roles = { builtIn: [], custom: [auditor.id] }
        const { id, user } = yield* OrganizationBuilders.storedMember(organizationId, { roles })
        assert.strictEqual((yield* Effect.flip(users.remove(user.id)))._tag, "UserReferenced")
        assert.isTrue(yield* OrganizationStore.use((store) => store.remove(organizationId)))
        assert.deepStrictEqual(yield* members.get(organizationId, { _tag: "Id", id }), Option.none())
        assert.isTrue(Option.isSome(yield* users.remove(user.id)))
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const transactions = yield* TransactionStore
        const { viewer, id: organizationId, ownerId } = yield* begin
        const { id: to } = yield* OrganizationBuilders.storedMember(organizationId)
        const { id: memberId } = yield* OrganizationBuilders.storedMember(organizationId)
        const before = yield* members.listAll(organizationId, everybody)
        const now = DateTime.add(yield* DateTime.now, { hours: 1 })
        const added = yield* insertion(organizationId, { roles: OrganizationBuilders.builtIn("owner") })
        const keeps = OrganizationBuilders.builtIn("member")
        const failure = yield* Effect.flip(
          transactions.run(
            Effect.gen(function* () {
              assert.strictEqual(yield* members.insert(added), "kept")
              assert.strictEqual(yield* members.remove(organizationId, memberId), "removed")
              assert.strictEqual(
                yield* members.setRoles({
                  organizationId,
                  memberId: to,
                  roles: OrganizationBuilders.builtIn("admin"),
                  now,
                }),
                "kept",
              )
              assert.isTrue(yield* members.transfer({ organizationId, from: ownerId, to, keeps, now }))
              return yield* Effect.fail("undo" as const)
            }),
          ),
        )
        assert.strictEqual(failure, "undo")
        assert.deepStrictEqual(yield* members.listAll(organizationId, everybody), before)
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 3, owners: 1 })
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Runs two calls, the second before the transaction of the first ends; what they answered. */
const meanwhile = Effect.fnUntraced(function* <A, B, E, F, R, S>(
  first: Effect.Effect<A, E, R>,
  second: Effect.Effect<B, F, S>,
) {
  const transactions = yield* TransactionStore
  const members = yield* MemberStore
  const done = yield* Deferred.make<void>()
  const nobody = { _tag: "Id", id: yield* OrganizationBuilders.memberId } as const
  const holding = yield* first.pipe(
    Effect.tap(() => Deferred.succeed(done, undefined)),
    // As many statements as the second could come between.
    Effect.tap(() =>
      Effect.forEach(Array.from({ length: 50 }), () => members.get(OrganizationId.make(nobody.id), nobody)),
    ),
    transactions.run,
    Effect.forkChild,
  )
  yield* Deferred.await(done)
  const answer = yield* second
  return [yield* Fiber.join(holding), answer] as const
})
