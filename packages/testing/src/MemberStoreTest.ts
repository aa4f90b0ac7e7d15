/**
 * Contract suite of {@link MemberStore}: who is found and listed, and who is seated. What becomes of members is the
 * contract of `MemberChangesTest`.
 *
 * @since 0.1.0
 */
import { Email } from "@belfry/core/User"
import type { MemberId, MemberRef } from "@belfry/organization/Member"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { MemberStore } from "@belfry/organization/MemberStore"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { builtInPermission } from "@belfry/organization/Permission"
import type { RoleAssignment } from "@belfry/organization/Role"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
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

    it.effect("makes a new membership the default of a session, where one is given and it is kept", () =>
      Effect.gen(function* () {
        const members = yield* MemberStore
        const { user, session } = yield* OrganizationBuilders.actor()
        const active = MembershipStore.use((store) => store.findActive({ userId: user.id, sessionId: session.id }))
        const [full, chosen, other] = [(yield* begin).id, (yield* begin).id, (yield* begin).id]
        const sessionId = session.id
        assert.strictEqual(
          yield* members.insert({ ...(yield* insertion(full, { user, limit: 1 })), sessionId }),
          "full",
        )
        assert.deepStrictEqual(yield* active, Option.none())
        assert.strictEqual(yield* members.insert({ ...(yield* insertion(chosen, { user })), sessionId }), "kept")
        assert.strictEqual(yield* members.insert(yield* insertion(other, { user })), "kept")
        const { membership, source } = Option.getOrThrow(yield* active)
        assert.deepStrictEqual([membership.organizationId, source], [chosen, "session"])
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
  })
