/**
 * Contract suite of {@link MemberStore}.
 *
 * @since 0.1.0
 */
import type { SessionStore } from "@belfry/core/SessionStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email, type User } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import type { InvitationStore } from "@belfry/organization/InvitationStore"
import type { MemberId, MemberRef } from "@belfry/organization/Member"
import { MemberStore } from "@belfry/organization/MemberStore"
import type { Viewer } from "@belfry/organization/Membership"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { builtInPermission } from "@belfry/organization/Permission"
import { type RoleAssignment, RoleName } from "@belfry/organization/Role"
import type { RoleStore } from "@belfry/organization/RoleStore"
import { TeamStore } from "@belfry/organization/TeamStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
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
  | SessionStore
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
  withLayer(layer)(`MemberStore (${name})`, (it) => {
    it.effect("finds a member by id, address and user, with the roles by name and what they give", () =>
      Effect.gen(function* () {
        const { organization, viewer, id: organizationId } = yield* begin
        const permissions = [builtInPermission("audit:read"), builtInPermission("role:read")]
        const auditor = yield* OrganizationBuilders.storedRole(organizationId, {
          name: roleName("auditor"),
          permissions,
        })
        const user = yield* Builders.storedUser({ name: "Charles", image: "https://example.com/charles.png" })
        const roles = { builtIn: [roleName("member"), roleName("billing")], custom: [auditor.id] }
        const { id } = yield* OrganizationBuilders.storedMember(organizationId, { user, roles })
        const now = yield* DateTime.now
        const expected = {
          member: {
            id,
            organizationId,
            userId: user.id,
            roles: ["billing", "member", "auditor"],
            createdAt: now,
            updatedAt: now,
            email: user.email,
            name: "Charles",
            image: "https://example.com/charles.png",
          },
          membership: {
            organizationId,
            organizationName: organization.name,
            organizationSlug: null,
            memberId: id,
            userId: user.id,
            builtInRoles: ["member", "billing"],
            customRoles: [{ id: auditor.id, name: "auditor", permissions }],
          },
        }
        const refs: ReadonlyArray<MemberRef> = [
          { _tag: "Id", id },
          { _tag: "Email", email: user.email },
          { _tag: "User", userId: user.id },
        ]
        for (const ref of refs) {
          const found = Option.getOrThrow(yield* MemberStore.use((members) => members.find(viewer, ref)))
          assert.strictEqual(found.membership.userId, viewer.userId)
          assert.deepStrictEqual<unknown>(found.value, Option.some(expected))
          const got = yield* MemberStore.use((members) => members.get(organizationId, ref))
          assert.deepStrictEqual<unknown>(got, Option.some(expected))
        }
      }),
    )

    it.effect("finds nobody of another organization, and nothing at all for whoever is no member", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId } = yield* begin
        const other = yield* begin
        const refs: ReadonlyArray<MemberRef> = [
          { _tag: "Id", id: other.ownerId },
          { _tag: "Email", email: other.owner.email },
          { _tag: "User", userId: other.owner.id },
        ]
        for (const ref of refs) {
          const found = Option.getOrThrow(yield* members.find(viewer, ref))
          assert.deepStrictEqual(found.value, Option.none())
          assert.deepStrictEqual(yield* members.get(organizationId, ref), Option.none())
          const asOutsider = { userId: viewer.userId, organization: other.id }
          assert.deepStrictEqual(yield* members.find(asOutsider, ref), Option.none())
        }
        const outsider = { userId: viewer.userId, organization: other.id }
        assert.deepStrictEqual(yield* members.list(outsider, everybody), Option.none())
      }),
    )

    it.effect("has the members of a deleted organization for trusted code alone", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId, ownerId } = yield* begin
        yield* OrganizationStore.use((store) =>
          Effect.flatMap(DateTime.now, (now) => store.markDeleted(organizationId, now)),
        )
        assert.deepStrictEqual(yield* members.list(viewer, everybody), Option.none())
        assert.deepStrictEqual(yield* members.find(viewer, { _tag: "Id", id: ownerId }), Option.none())
        assert.strictEqual((yield* members.listAll(organizationId, everybody)).length, 1)
        assert.isTrue(Option.isSome(yield* members.get(organizationId, { _tag: "Id", id: ownerId })))
        assert.deepStrictEqual(yield* members.listOrganizations(viewer.userId), [organizationId])
      }),
    )

    it.effect("lists members oldest first, page after page", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId, ownerId } = yield* begin
        yield* begin
        const added = yield* Effect.forEach(Array.from({ length: 4 }), () =>
          OrganizationBuilders.storedMember(organizationId),
        )
        const ids = [ownerId, ...added.map(({ id }) => id)]
        const page = (after: MemberId | null, limit: number) =>
          Effect.map(members.list(viewer, { ...everybody, after, limit }), (found) =>
            Option.getOrThrow(found).value.map(({ id }) => id),
          )
        assert.deepStrictEqual(yield* page(null, 100), ids)
        assert.deepStrictEqual(yield* page(null, 2), ids.slice(0, 2))
        assert.deepStrictEqual(yield* page(ids[1] ?? null, 2), ids.slice(2, 4))
        assert.deepStrictEqual(yield* page(ids[4] ?? null, 2), [])
        assert.deepStrictEqual(yield* page(null, 0), [])
        const all = yield* members.listAll(organizationId, { ...everybody, after: ownerId, limit: 3 })
        assert.deepStrictEqual(
          all.map(({ id }) => id),
          ids.slice(1, 4),
        )
      }),
    )

    it.effect("finds members by how address or name begins, as it is written, without regard to case", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId } = yield* begin
        const mark = organizationId.replaceAll("-", "")
        const people: ReadonlyArray<readonly [address: string, name: string | null]> = [
          [`ada.${mark}`, "Zoe Lovelace"],
          [`a_b.${mark}`, "100% Babbage"],
          [`axb.${mark}`, "1000 Babbages"],
          [`c.${mark}`, null],
          [`d.${mark}`, "back\\slash"],
        ]
        for (const [address, name] of people) {
          const user = yield* Builders.storedUser({ email: Email.make(`${address}@example.com`), name })
          yield* OrganizationBuilders.storedMember(organizationId, { user })
        }
        const search = (text: string) =>
          Effect.map(members.list(viewer, { ...everybody, search: text }), (found) =>
            Option.getOrThrow(found).value.map(({ email }) => email.split(".")[0]),
          )
        const expected: ReadonlyArray<readonly [search: string, found: ReadonlyArray<string>]> = [
          [`ADA.${mark}`, ["ada"]],
          ["zoe love", ["ada"]],
          ["Lovelace", []],
          [`a_b.${mark}`, ["a_b"]],
          ["100%", ["a_b"]],
          ["BACK\\", ["d"]],
          ["back\\\\", []],
          ["%", []],
          ["\0", []],
          ["\uD800", []],
        ]
        for (const [text, found] of expected) assert.deepStrictEqual(yield* search(text), [...found], text)
      }),
    )

    it.effect("lists those who have a role: of the host, of the organization, of owners", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId, ownerId } = yield* begin
        const auditor = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("auditor") })
        const add = (roles: RoleAssignment) => OrganizationBuilders.storedMember(organizationId, { roles })
        const billing = yield* add(OrganizationBuilders.builtIn("billing"))
        const both = yield* add({ builtIn: [roleName("billing")], custom: [auditor.id] })
        const custom = yield* add({ builtIn: [], custom: [auditor.id] })
        const owner = yield* add(OrganizationBuilders.builtIn("admin", "owner"))
        const having = (role: string) =>
          Effect.map(members.list(viewer, { ...everybody, role: roleName(role) }), (found) =>
            Option.getOrThrow(found).value.map(({ id }) => id),
          )
        assert.deepStrictEqual(yield* having("billing"), [billing.id, both.id])
        assert.deepStrictEqual(yield* having("auditor"), [both.id, custom.id])
        assert.deepStrictEqual(yield* having("owner"), [ownerId, owner.id])
        assert.deepStrictEqual(yield* having("unheard-of"), [])
      }),
    )

    it.effect("keeps a user once in an organization, as the member was", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId } = yield* begin
        const { id, user } = yield* OrganizationBuilders.storedMember(organizationId)
        const again = yield* insertion(organizationId, { user, roles: OrganizationBuilders.builtIn("owner") })
        assert.strictEqual(yield* members.insert(again), "exists")
        const { member } = Option.getOrThrow(yield* members.get(organizationId, { _tag: "User", userId: user.id }))
        assert.deepStrictEqual<unknown>([member.id, member.roles], [id, ["member"]])
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 1 })
        // The same person elsewhere is another member.
        assert.strictEqual(yield* members.insert(yield* insertion((yield* begin).id, { user })), "kept")
      }),
    )

    it.effect("seats no more than the limit, and answers first who sits there already", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, owner, id: organizationId } = yield* begin
        const full = yield* insertion(organizationId, { limit: 1 })
        assert.strictEqual(yield* members.insert(full), "full")
        assert.strictEqual(yield* members.insert(yield* insertion(organizationId, { user: owner, limit: 1 })), "exists")
        assert.strictEqual(yield* members.insert({ ...full, limit: 2 }), "kept")
        assert.strictEqual(yield* members.insert({ ...full, limit: 2 }), "exists")
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 1 })
      }),
    )

    it.effect("gives the last 5 seats to 5 of 50 fibers", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId } = yield* begin
        const wanted = yield* Effect.forEach(Array.from({ length: 50 }), () => insertion(organizationId, { limit: 6 }))
        const answers = yield* Effect.forEach(wanted, (one) => underLock(organizationId, members.insert(one)), {
          concurrency: "unbounded",
        })
        assert.strictEqual(answers.filter((answer) => answer === "kept").length, 5)
        assert.strictEqual(answers.filter((answer) => answer === "full").length, 45)
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 6, owners: 1 })
      }),
    )

    it.effect("makes one member of a user whom 50 fibers add", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId } = yield* begin
        const user = yield* Builders.storedUser()
        const wanted = yield* Effect.forEach(Array.from({ length: 50 }), () => insertion(organizationId, { user }))
        const answers = yield* Effect.forEach(wanted, (one) => underLock(organizationId, members.insert(one)), {
          concurrency: "unbounded",
        })
        assert.strictEqual(answers.filter((answer) => answer === "kept").length, 1)
        assert.strictEqual(answers.filter((answer) => answer === "exists").length, 49)
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 2, owners: 1 })
      }),
    )

    it.effect("finds no user who does not exist, whether there is room or not, and keeps nothing of it", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId } = yield* begin
        for (const room of [{}, { limit: 1 }]) {
          const stranger = yield* insertion(organizationId, { user: yield* Builders.user(), ...room })
          assert.strictEqual(yield* underLock(organizationId, members.insert(stranger)), "absent")
        }
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 1, owners: 1 })
      }),
    )

    it.effect("refuses members of no organization, and with roles of another organization", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { viewer, id: organizationId, ownerId } = yield* begin
        const foreign = yield* OrganizationBuilders.storedRole((yield* begin).id)
        const roles = { builtIn: [], custom: [foreign.id] }
        const now = yield* DateTime.now
        const refused = [
          members.insert(yield* insertion(yield* OrganizationBuilders.organizationId)),
          members.insert(yield* insertion(organizationId, { roles })),
          members.setRoles({
            organizationId,
            memberId: ownerId,
            roles: { ...roles, builtIn: [roleName("owner")] },
            now,
          }),
        ]
        for (const call of refused) assert.strictEqual((yield* Effect.flip(call)).store, "MemberStore")
        assert.deepStrictEqual(yield* countsOf(viewer), { members: 1, owners: 1 })
      }),
    )

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

    it.effect("names the organizations of a user in the order of their ids", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { user } = yield* OrganizationBuilders.actor()
        const made = yield* Effect.forEach(Array.from({ length: 3 }), () =>
          OrganizationBuilders.storedOrganization({ owner: user }),
        )
        const ids = made.map(({ organization }) => organization.id)
        const { id: joined } = yield* begin
        yield* OrganizationBuilders.storedMember(joined, { user })
        assert.deepStrictEqual(yield* members.listOrganizations(user.id), [...ids, joined])
        assert.deepStrictEqual(yield* members.listOrganizations((yield* Builders.user()).id), [])
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

const everybody = { after: null, limit: 200, search: null, role: null }

const roleName = (name: string): RoleName => RoleName.make(name)

/** An organization, as its owner looks at it. */
const begin = Effect.map(OrganizationBuilders.storedOrganization(), ({ organization, owner, ownerId }) => ({
  organization,
  owner,
  ownerId,
  id: organization.id,
  viewer: { userId: owner.id, organization: organization.id },
}))

const insertion = Effect.fnUntraced(function* (
  organizationId: OrganizationId,
  fields: { readonly user?: User; readonly roles?: RoleAssignment; readonly limit?: number } = {},
) {
  const user = fields.user ?? (yield* Builders.storedUser())
  return {
    id: yield* OrganizationBuilders.memberId,
    organizationId,
    userId: user.id,
    roles: fields.roles ?? OrganizationBuilders.builtIn("member"),
    limit: fields.limit ?? null,
    now: yield* DateTime.now,
  }
})

/** As services call it: in a transaction that holds the lock of the organization. */
const underLock = <A, E>(organizationId: OrganizationId, call: Effect.Effect<A, E>) =>
  TransactionStore.use((transactions) =>
    transactions.run(
      Effect.andThen(
        MembershipStore.use((memberships) => memberships.lock(organizationId, null)),
        call,
      ),
    ),
  )

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

/** The counts that the organization keeps. */
const countsOf = Effect.fnUntraced(function* (viewer: Viewer) {
  const now = yield* DateTime.now
  const found = yield* OrganizationStore.use((organizations) => organizations.get(viewer, now))
  const { members, owners } = Option.getOrThrow(found).value.counts
  return { members, owners }
})
