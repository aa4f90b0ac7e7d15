/**
 * Contract suite of {@link RoleStore}.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { InvitationId } from "@belfry/organization/Invitation"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import type { MemberId } from "@belfry/organization/Member"
import { MemberStore } from "@belfry/organization/MemberStore"
import type { Viewer } from "@belfry/organization/Membership"
import type { MembershipStore } from "@belfry/organization/MembershipStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import { builtInPermission } from "@belfry/organization/Permission"
import type { CustomRole, RoleAssignment, RoleId } from "@belfry/organization/Role"
import { RoleStore } from "@belfry/organization/RoleStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"
import { begin, roleName, underLock } from "./OrganizationFixtures.ts"
import type { Stores } from "./TestServices.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`RoleStore (${name})`, (it) => {
    it.effect("returns roles as they were given, for members and for trusted code", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { viewer, id } = yield* begin
        const permissions = [builtInPermission("audit:read"), builtInPermission("role:read")]
        const auditor = yield* OrganizationBuilders.role({
          name: roleName("auditor"),
          description: "Looks",
          permissions,
        })
        const empty = yield* OrganizationBuilders.role({ name: roleName("empty") })
        for (const role of [auditor, empty]) assert.strictEqual(yield* roles.insert(id, role, null), "kept")
        const names = [roleName("empty"), roleName("auditor"), roleName("owner"), roleName("unheard-of")]
        const found = Option.getOrThrow(yield* roles.findByNames(viewer, names))
        assert.deepStrictEqual(found.value, [auditor, empty])
        assert.deepStrictEqual<unknown>(
          [found.membership.userId, found.membership.builtInRoles],
          [viewer.userId, ["owner"]],
        )
        assert.deepStrictEqual(yield* roles.getByNames(id, names), [auditor, empty])
        assert.deepStrictEqual(yield* roles.getByNames(id, []), [])
        assert.deepStrictEqual(Option.getOrThrow(yield* roles.findByNames(viewer, [])).value, [])
      }),
    )

    it.effect("keeps the roles of organizations apart, and shows none to whoever is no member", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const [own, other] = [yield* begin, yield* begin]
        const auditor = yield* OrganizationBuilders.storedRole(own.id, { name: roleName("auditor") })
        const sameName = yield* OrganizationBuilders.role({ name: auditor.name })
        assert.deepStrictEqual(yield* roles.getByNames(other.id, [auditor.name]), [])
        assert.strictEqual(yield* roles.insert(other.id, sameName, null), "kept")
        assert.deepStrictEqual(Option.getOrThrow(yield* roles.findByNames(own.viewer, [auditor.name])).value, [auditor])
        const outsider = { ...own.viewer, userId: other.viewer.userId }
        assert.deepStrictEqual(yield* roles.findByNames(outsider, [auditor.name]), Option.none())
        assert.deepStrictEqual(yield* roles.list(outsider, all), Option.none())
        const now = yield* DateTime.now
        assert.deepStrictEqual(yield* roles.update(other.id, auditor.id, { description: "taken" }, now), Option.none())
        const removal = { organizationId: other.id, id: auditor.id, replacement: null, now }
        assert.strictEqual(yield* roles.remove(removal), "absent")
        assert.deepStrictEqual(yield* roles.getByNames(own.id, [auditor.name]), [auditor])
      }),
    )

    it.effect("shows the roles of a deleted organization to trusted code alone", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { viewer, id } = yield* begin
        const { name } = yield* OrganizationBuilders.storedRole(id)
        yield* OrganizationStore.use((store) => Effect.flatMap(DateTime.now, (now) => store.markDeleted(id, now)))
        assert.deepStrictEqual(yield* roles.list(viewer, all), Option.none())
        assert.deepStrictEqual(yield* roles.findByNames(viewer, [name]), Option.none())
        assert.strictEqual((yield* roles.getByNames(id, [name])).length, 1)
      }),
    )

    it.effect("lists roles by name, page after page, and by how the name begins", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { viewer, id } = yield* begin
        yield* OrganizationBuilders.storedRole((yield* begin).id, { name: roleName("a-foreign") })
        for (const name of ["b-one", "a-one", "c", "b-two", "b"]) {
          yield* OrganizationBuilders.storedRole(id, { name: roleName(name) })
        }
        const list = (page: Partial<typeof all>) =>
          Effect.map(roles.list(viewer, { ...all, ...page }), (found) =>
            Option.getOrThrow(found)
              .value.map(({ name }) => name)
              .join(" "),
          )
        assert.strictEqual(yield* list({}), "a-one b b-one b-two c")
        assert.strictEqual(yield* list({ limit: 2 }), "a-one b")
        assert.strictEqual(yield* list({ limit: 2, after: "b" }), "b-one b-two")
        assert.strictEqual(yield* list({ after: "c" }), "")
        assert.strictEqual(yield* list({ search: "B" }), "b b-one b-two")
        assert.strictEqual(yield* list({ search: "B-", after: "b-one" }), "b-two")
        for (const search of ["_", "%", "\0", "one"]) assert.strictEqual(yield* list({ search }), "", search)
      }),
    )

    it.effect("gives a name to one role of an organization, of 50 fibers that want it", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { id } = yield* begin
        const name = roleName("auditor")
        const wanted = yield* Effect.forEach(Array.from({ length: 50 }), () => OrganizationBuilders.role({ name }))
        // Without the lock, too.
        const answers = yield* Effect.forEach(wanted, (role) => roles.insert(id, role, null), {
          concurrency: "unbounded",
        })
        assert.strictEqual(answers.filter((answer) => answer === "kept").length, 1)
        assert.strictEqual(answers.filter((answer) => answer === "name-taken").length, 49)
        const kept = wanted[answers.indexOf("kept")]
        assert.deepStrictEqual<unknown>(yield* roles.getByNames(id, [name]), [kept])
      }),
    )

    it.effect("answers that a name is taken which another transaction is about to give", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const transactions = yield* TransactionStore
        const { id } = yield* begin
        const name = roleName("auditor")
        const [first, second] = [yield* OrganizationBuilders.role({ name }), yield* OrganizationBuilders.role({ name })]
        const done = yield* Deferred.make<void>()
        const holding = yield* roles.insert(id, first, null).pipe(
          Effect.tap(() => Deferred.succeed(done, undefined)),
          // As many statements as the second could come between.
          Effect.tap(() => Effect.forEach(Array.from({ length: 50 }), () => roles.getByNames(id, [name]))),
          transactions.run,
          Effect.forkChild,
        )
        yield* Deferred.await(done)
        assert.strictEqual(yield* roles.insert(id, second, null), "name-taken")
        assert.strictEqual(yield* Fiber.join(holding), "kept")
        assert.deepStrictEqual(yield* roles.getByNames(id, [name]), [first])
      }),
    )

    it.effect("keeps no more roles than the limit, and answers first that a name is taken", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { viewer, id } = yield* begin
        const wanted = yield* Effect.forEach(Array.from({ length: 50 }), () => OrganizationBuilders.role())
        const answers = yield* Effect.forEach(wanted, (role) => underLock(id, roles.insert(id, role, 3)), {
          concurrency: "unbounded",
        })
        assert.strictEqual(answers.filter((answer) => answer === "kept").length, 3)
        assert.strictEqual(answers.filter((answer) => answer === "full").length, 47)
        const [first] = Option.getOrThrow(yield* roles.list(viewer, all)).value
        const taken = yield* OrganizationBuilders.role({ name: first?.name ?? roleName("none") })
        assert.strictEqual(yield* roles.insert(id, taken, 3), "name-taken")
        assert.strictEqual(yield* roles.insert((yield* begin).id, yield* OrganizationBuilders.role(), 1), "kept")
      }),
    )

    it.effect("refuses a role of no organization", () =>
      Effect.gen(function* () {
        const nowhere = yield* OrganizationBuilders.organizationId
        const role = yield* OrganizationBuilders.role()
        const error = yield* Effect.flip(RoleStore.use((roles) => roles.insert(nowhere, role, null)))
        assert.deepStrictEqual([error.store, error.method, error.isRetryable], ["RoleStore", "insert", false])
      }),
    )

    it.effect("changes what a patch has: an absent key stays, null clears", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { id } = yield* begin
        const permissions = [builtInPermission("audit:read")]
        const role = yield* OrganizationBuilders.storedRole(id, {
          name: roleName("auditor"),
          description: "Looks",
          permissions,
        })
        const now = DateTime.add(role.createdAt, { hours: 1 })
        const update = (patch: Parameters<typeof roles.update>[2]) => roles.update(id, role.id, patch, now)
        const expected = { ...role, permissions: [builtInPermission("role:read")], updatedAt: now }
        assert.deepStrictEqual(yield* update({ permissions: expected.permissions }), Option.some(expected))
        const cleared = { ...expected, description: null, name: roleName("reviewer") }
        assert.deepStrictEqual(yield* update({ description: null, name: cleared.name }), Option.some(cleared))
        assert.deepStrictEqual(yield* update({ name: cleared.name }), Option.some(cleared))
        assert.deepStrictEqual(yield* roles.getByNames(id, [role.name, cleared.name]), [cleared])
      }),
    )

    it.effect("answers that a name is taken inside a transaction, which goes on", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const transactions = yield* TransactionStore
        const { id } = yield* begin
        const [one, two] = [yield* OrganizationBuilders.storedRole(id), yield* OrganizationBuilders.storedRole(id)]
        const now = yield* DateTime.now
        const updated = yield* transactions.run(
          Effect.gen(function* () {
            assert.strictEqual(yield* roles.update(id, one.id, { name: two.name }, now), "name-taken")
            return yield* roles.update(id, one.id, { description: "went on" }, now)
          }),
        )
        assert.deepStrictEqual(updated, Option.some({ ...one, description: "went on" }))
      }),
    )

    it.effect("shows the new name with those who have the role or are offered it", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { viewer, id } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(id, { name: roleName("auditor") })
        const held = yield* holders(id, role, ["member"])
        const sameName = yield* OrganizationBuilders.storedRole((yield* begin).id, { name: roleName("auditor") })
        yield* roles.update(id, role.id, { name: roleName("reviewer") }, yield* DateTime.now)
        assert.deepStrictEqual(yield* rolesOf(viewer, held), ["member reviewer", "member reviewer"])
        assert.strictEqual(sameName.name, "auditor")
      }),
    )

    it.effect("removes a role that nobody has, once", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { id: organizationId } = yield* begin
        const { id, name } = yield* OrganizationBuilders.storedRole(organizationId)
        const other = yield* OrganizationBuilders.storedRole(organizationId)
        const now = yield* DateTime.now
        const answers = yield* Effect.forEach(
          Array.from({ length: 50 }),
          () => roles.remove({ organizationId, id, replacement: null, now }),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter((answer) => answer === "removed").length, 1)
        assert.strictEqual(answers.filter((answer) => answer === "absent").length, 49)
        assert.deepStrictEqual(yield* roles.getByNames(organizationId, [name, other.name]), [other])
      }),
    )

    it.effect("keeps a role that a member has or an open invitation offers", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { id: organizationId, viewer } = yield* begin
        const [held, offered] = [
          yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("held") }),
          yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("offered") }),
        ]
        const now = yield* DateTime.now
        const member = yield* OrganizationBuilders.storedMember(organizationId, {
          roles: { builtIn: [], custom: [held.id] },
        })
        const { invitation } = yield* OrganizationBuilders.storedInvitation({
          organizationId,
          roles: [offered.name],
          assignment: { builtIn: [], custom: [offered.id] },
        })
        const remove = (id: RoleId, replacement: { readonly custom: RoleId } | null = null) =>
          roles.remove({ organizationId, id, replacement, now })
        const foreign = yield* OrganizationBuilders.storedRole((yield* begin).id)
        for (const { id } of [held, offered]) {
          assert.strictEqual(yield* remove(id), "in-use")
          // What is no other role of the organization replaces nothing.
          assert.strictEqual(yield* remove(id, { custom: foreign.id }), "in-use")
          assert.strictEqual(yield* remove(id, { custom: id }), "in-use")
        }
        assert.deepStrictEqual(yield* rolesOf(viewer, { member: member.id, invitation: invitation.id }), [
          "held",
          "offered",
        ])
        // Free again once nobody has it.
        yield* MemberStore.use((members) => members.remove(organizationId, member.id))
        const closing = { id: invitation.id, status: "revoked", acceptedBy: null, hashes: null, now } as const
        yield* InvitationStore.use((invitations) => invitations.close(closing))
        for (const { id } of [held, offered]) assert.strictEqual(yield* remove(id), "removed")
      }),
    )

    it.effect("gives the replacement to whoever has the role or is offered it: one of the host", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { id: organizationId, viewer } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("auditor") })
        const other = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("other") })
        const without = yield* holders(organizationId, role, ["member"], [other])
        const having = yield* holders(organizationId, role, ["billing", "member"])
        const untouched = yield* holders(organizationId, other, ["member"])
        const now = DateTime.add(yield* DateTime.now, { hours: 1 })
        const replacement = { builtIn: roleName("billing") }
        assert.strictEqual(yield* roles.remove({ organizationId, id: role.id, replacement, now }), "removed")
        assert.deepStrictEqual(yield* rolesOf(viewer, without), ["billing member other", "billing member other"])
        assert.deepStrictEqual(yield* rolesOf(viewer, having), ["billing member", "billing member"])
        assert.deepStrictEqual(yield* rolesOf(viewer, untouched), ["member other", "member other"])
        const found = yield* MemberStore.use((members) =>
          members.get(organizationId, { _tag: "Id", id: without.member }),
        )
        assert.deepStrictEqual(Option.getOrThrow(found).member.updatedAt, now)
        assert.deepStrictEqual(yield* roles.getByNames(organizationId, [role.name]), [])
      }),
    )

    it.effect("gives the replacement to whoever has the role or is offered it: one of the organization", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { id: organizationId, viewer } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("auditor") })
        const next = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("reviewer") })
        const without = yield* holders(organizationId, role, ["member"])
        const having = yield* holders(organizationId, role, [], [next])
        const now = yield* DateTime.now
        const replacement = { custom: next.id }
        assert.strictEqual(yield* roles.remove({ organizationId, id: role.id, replacement, now }), "removed")
        assert.deepStrictEqual(yield* rolesOf(viewer, without), ["member reviewer", "member reviewer"])
        assert.deepStrictEqual(yield* rolesOf(viewer, having), ["reviewer", "reviewer"])
        // They have it as if it had been given to them: it is in use by it.
        assert.strictEqual(yield* roles.remove({ organizationId, id: next.id, replacement: null, now }), "in-use")
      }),
    )

    it.effect("either removes a role or lets it be given, when 50 fibers do both", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const members = yield* MemberStore
        const { id: organizationId, viewer } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(organizationId)
        const people = yield* Effect.forEach(Array.from({ length: 25 }), () =>
          OrganizationBuilders.storedMember(organizationId),
        )
        const now = yield* DateTime.now
        const remove = roles.remove({ organizationId, id: role.id, replacement: null, now })
        // As services do: what the names stand for is read under the lock.
        const give = (memberId: MemberId) =>
          Effect.flatMap(roles.getByNames(organizationId, [role.name]), ([found]) =>
            found === undefined
              ? Effect.succeed("no such role" as const)
              : members.setRoles({ organizationId, memberId, roles: { builtIn: [], custom: [found.id] }, now }),
          )
        const answers = yield* Effect.forEach(
          people.flatMap(({ id }) => [underLock(organizationId, give(id)), underLock(organizationId, remove)]),
          (call): Effect.Effect<string, unknown, MembershipStore | TransactionStore> => call,
          { concurrency: "unbounded" },
        )
        const left = yield* roles.getByNames(organizationId, [role.name])
        const holding = Option.getOrThrow(yield* members.list(viewer, { ...all, role: role.name })).value.length
        const given = answers.filter((answer) => answer === "kept").length
        assert.strictEqual(answers.includes("removed"), left.length === 0)
        assert.deepStrictEqual([holding, given], left.length === 0 ? [0, 0] : [25, 25])
      }),
    )

    it.effect("loses the roles of an organization with it, whoever has them", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const { id } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(id)
        yield* holders(id, role, ["member"])
        assert.isTrue(yield* OrganizationStore.use((organizations) => organizations.remove(id)))
        assert.deepStrictEqual(yield* roles.getByNames(id, [role.name]), [])
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const roles = yield* RoleStore
        const transactions = yield* TransactionStore
        const { id: organizationId, viewer } = yield* begin
        const role = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("auditor") })
        const changed = yield* OrganizationBuilders.storedRole(organizationId, { name: roleName("changed") })
        const held = yield* holders(organizationId, role, ["member"])
        const before = Option.getOrThrow(yield* roles.list(viewer, all)).value
        const now = DateTime.add(yield* DateTime.now, { hours: 1 })
        const added = yield* OrganizationBuilders.role()
        const replacement = { builtIn: roleName("billing") }
        const failure = yield* Effect.flip(
          transactions.run(
            Effect.gen(function* () {
              assert.strictEqual(yield* roles.insert(organizationId, added, null), "kept")
              yield* roles.update(organizationId, changed.id, { name: roleName("new") }, now)
              assert.deepStrictEqual(yield* roles.getByNames(organizationId, [changed.name]), [])
              assert.strictEqual(yield* roles.remove({ organizationId, id: role.id, replacement, now }), "removed")
              return yield* Effect.fail("undo" as const)
            }),
          ),
        )
        assert.strictEqual(failure, "undo")
        assert.deepStrictEqual(Option.getOrThrow(yield* roles.list(viewer, all)).value, before)
        assert.deepStrictEqual(yield* rolesOf(viewer, held), ["member auditor", "member auditor"])
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const all: {
  readonly after: string | null
  readonly limit: number
  readonly search: string | null
  readonly role: null
} = {
  after: null,
  limit: 200,
  search: null,
  role: null,
}

interface Holders {
  readonly member: MemberId
  readonly invitation: InvitationId
}

/**
 * A member who has a role, and an invitation that offers it; with roles of the host, and others of the organization.
 */
const holders = Effect.fnUntraced(function* (
  organizationId: OrganizationId,
  role: CustomRole,
  builtIn: ReadonlyArray<string>,
  others: ReadonlyArray<CustomRole> = [],
) {
  const custom = [role, ...others]
  const assignment: RoleAssignment = { builtIn: builtIn.map(roleName), custom: custom.map(({ id }) => id) }
  const member = yield* OrganizationBuilders.storedMember(organizationId, { roles: assignment })
  const roles = [...assignment.builtIn, ...custom.map(({ name }) => name)]
  const { invitation } = yield* OrganizationBuilders.storedInvitation({ organizationId, roles, assignment })
  const held: Holders = { member: member.id, invitation: invitation.id }
  return held
})

/** The names of the roles, first of the host, as the member has them and as the invitation offers them. */
const rolesOf = Effect.fnUntraced(function* (viewer: Viewer, { member, invitation }: Holders) {
  const members = yield* MemberStore.use((store) => store.find(viewer, { _tag: "Id", id: member }))
  const invitations = yield* InvitationStore.use((store) => store.find(viewer, invitation))
  const offered = Option.getOrThrow(Option.getOrThrow(invitations).value)
  const builtIn = [...offered.assignment.builtIn].sort()
  const custom = offered.customRoles.map(({ name }) => name).sort()
  assert.deepStrictEqual([...offered.invitation.roles].sort(), [...builtIn, ...custom].sort())
  return [Option.getOrThrow(Option.getOrThrow(members).value).member.roles.join(" "), [...builtIn, ...custom].join(" ")]
})
