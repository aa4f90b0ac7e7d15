/**
 * What holds of permissions whatever people do: random roles, and random histories of an organization.
 */
import { Invitations } from "@belfry/organization/Invitations"
import { Members } from "@belfry/organization/Members"
import { type Actor, escalation, missing, resolve, type StoredMembership } from "@belfry/organization/Membership"
import { MemberId } from "@belfry/organization/Member"
import { OrganizationId } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import type { Permission } from "@belfry/organization/Permission"
import { RoleId, type RoleName, type RoleNames } from "@belfry/organization/Role"
import { Roles } from "@belfry/organization/Roles"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import { UserId } from "@belfry/core/User"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { access } from "@belfry/testing/TestAccess"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { layer } from "./support/HostServer.ts"
import { permissions, roleName } from "./support/People.ts"

const { rules } = access
const declared = [...rules.permissions]
const hostRoles = [...rules.roles.keys()]
const id = "0190163d-8694-739b-aea5-966c26f8ad91"

const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))
const Indexes = Schema.Array(Index).check(Schema.isMaxLength(6))

/** The one of these that a random number is for. */
const pick = <A>(from: ReadonlyArray<A>, index: number): A => from[index % from.length] ?? assert.fail("none to pick")
const pickAll = <A>(from: ReadonlyArray<A>, indexes: ReadonlyArray<number>): ReadonlyArray<A> => [
  ...new Set(indexes.map((index) => pick(from, index))),
]

const membershipOf = (
  builtInRoles: ReadonlyArray<RoleName>,
  custom: ReadonlyArray<ReadonlyArray<Permission>>,
): StoredMembership => ({
  organizationId: OrganizationId.make(id),
  organizationName: "Analytical Engines",
  organizationSlug: null,
  memberId: MemberId.make(id),
  userId: UserId.make(id),
  builtInRoles,
  customRoles: custom.map((given, index) => ({
    id: RoleId.make(id),
    name: roleName(`role-${index}`),
    permissions: given,
  })),
})

describe("Permissions", () => {
  it.prop(
    "are the union over the roles, and nothing that the host does not declare",
    [Indexes, Schema.Array(Indexes)],
    ([builtIn, custom]) => {
      const names = pickAll(hostRoles, builtIn)
      const given = custom.map((indexes) => [...pickAll(declared, indexes), ...permissions("project:archive")])
      const { permissionSet, permissions: list } = resolve(membershipOf(names, given), rules)
      const union = new Set<string>([...names.flatMap((name) => [...(rules.roles.get(name) ?? [])]), ...given.flat()])
      union.delete("project:archive")
      assert.deepStrictEqual([...permissionSet].toSorted(), [...union].toSorted())
      assert.deepStrictEqual<unknown>([...list], [...union].toSorted())
    },
  )

  it.prop(
    "only grow by a role or a permission more",
    [Indexes, Schema.Array(Indexes), Index, Index],
    ([builtIn, custom, more, role]) => {
      const names = pickAll(hostRoles, builtIn)
      const given = custom.map((indexes) => pickAll(declared, indexes))
      const before = resolve(membershipOf(names, given), rules)
      const grown = [
        membershipOf([...names, pick(hostRoles, role)], given),
        membershipOf(names, [...given, [pick(declared, more)]]),
        membershipOf(
          names,
          given.map((list) => [...list, pick(declared, more)]),
        ),
      ]
      for (const stored of grown) {
        const after = resolve(stored, rules)
        for (const permission of before.permissions) assert.isTrue(after.permissionSet.has(permission), permission)
        // Whatever was allowed is allowed still, giving and taking too.
        const touched = { roles: pickAll(hostRoles, builtIn), permissions: before.permissions }
        assert.deepStrictEqual(missing(after, before.permissions), [])
        if (escalation(before, touched) === undefined) assert.isUndefined(escalation(after, touched))
      }
    },
  )
})

/** Mostly those who may do much, and now and then somebody who may do nothing. */
const callers = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 5, 6, 7]

const kinds = [
  "setRoles",
  "remove",
  "leave",
  "transfer",
  "make",
  "change",
  "delete",
  "invite",
  "accept",
  "add",
] as const

const Step = Schema.Struct({
  kind: Schema.Literals(kinds),
  actor: Index,
  target: Index,
  roles: Indexes,
  given: Indexes,
})

type Step = typeof Step.Type

/** The names of the roles that the organization makes and deletes. */
const ownNames = ["one", "two", "three", "keeper"].map(roleName)

/** An organization with six people in it, of different standing, and two who are not. */
const begin = Effect.gen(function* () {
  const people = yield* Effect.forEach(Array.from({ length: 8 }), () => OrganizationBuilders.actor())
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: pick(people, 0).user })
  const organizationId = organization.id
  const keeper = yield* OrganizationBuilders.storedRole(organizationId, {
    name: roleName("keeper"),
    permissions: permissions(
      "member:read",
      "member:create",
      "member:update",
      "member:delete",
      "role:read",
      "role:create",
      "role:update",
      "role:delete",
      "invitation:create",
      "project:read",
    ),
  })
  const everything = yield* OrganizationBuilders.storedRole(organizationId, {
    name: roleName("everything"),
    permissions: declared,
  })
  const standings = [
    OrganizationBuilders.builtIn("admin"),
    { builtIn: [], custom: [keeper.id] },
    { builtIn: [], custom: [everything.id] },
    OrganizationBuilders.builtIn("member", "billing"),
    OrganizationBuilders.builtIn("editor"),
  ]
  for (const [index, roles] of standings.entries()) {
    yield* OrganizationBuilders.storedMember(organizationId, { user: pick(people, index + 1).user, roles })
  }
  return { at: organizationId, people }
})

type Scene = Effect.Success<typeof begin>

/** What everybody may do by what they are, or are invited to be, by address; `owner` is one thing more. */
const standing = Effect.fnUntraced(function* ({ at, people }: Scene) {
  const { items: members } = yield* TrustedOrganizations.use((trusted) => trusted.listMembers(at))
  const owners = members.filter(({ roles }) => roles.includes(roleName("owner")))
  const owner = people.find(({ user }) => user.id === owners[0]?.userId) ?? assert.fail("nobody owns it")
  const { items: roles } = yield* Roles.use((service) => service.list(owner, at))
  const { items: invitations } = yield* Invitations.use((service) => service.list(owner, at, { status: "pending" }))
  const gives = new Map(roles.map(({ name, permissions: given }) => [name, given]))
  const held = new Map<string, Set<string>>()
  for (const { email, roles: names } of [...members, ...invitations]) {
    const all = held.get(email) ?? new Set<string>()
    for (const name of names) {
      for (const permission of gives.get(name) ?? assert.fail(`no role ${name}`)) all.add(permission)
      if (name === "owner") all.add("owner")
    }
    held.set(email, all)
  }
  const invited = people.filter(({ user }) => invitations.some(({ email }) => email === user.email))
  const outsiders = people.filter(({ user }) => members.every(({ userId }) => userId !== user.id))
  return { held, members, owners, owner, names: [...gives.keys()], invitations, invited, outsiders }
})

type Standing = Effect.Success<ReturnType<typeof standing>>

/** Who does it: somebody who is invited, where there is something to accept. */
const actorOf = ({ people }: Scene, step: Step, { invited }: Standing): Actor =>
  step.kind === "accept" && invited.length > 0 ? pick(invited, step.actor) : pick(people, pick(callers, step.actor))

/** Tries what a step says. Most of it is refused. */
const tryStep = Effect.fnUntraced(function* ({ at, people }: Scene, step: Step, before: Standing) {
  const actor = actorOf({ at, people }, step, before)
  const { user: other } = pick(
    step.kind === "invite" && before.outsiders.length > 0 ? before.outsiders : people,
    step.target,
  )
  const ref = { _tag: "User", userId: other.id } as const
  const made = before.names.filter((name) => !rules.roles.has(name))
  const own = pick(step.kind === "make" || made.length === 0 ? ownNames : made, step.target)
  const given = pickAll(declared, step.given)
  const [first = roleName("member"), ...others] = pickAll(before.names, step.roles)
  const names: RoleNames = [first, ...others]
  switch (step.kind) {
    case "setRoles":
      return yield* Members.use((members) => members.setRoles(actor, at, ref, names))
    case "remove":
      return yield* Members.use((members) => members.remove(actor, at, ref))
    case "leave":
      return yield* Organizations.use((organizations) => organizations.leave(actor, at))
    case "transfer": {
      const { id: to } = pick(before.members, step.target)
      return yield* Organizations.use((organizations) => organizations.transfer(actor, at, { to, keeps: names }))
    }
    case "make":
      return yield* Roles.use((roles) => roles.create(actor, at, { name: own, permissions: given }))
    case "change":
      return yield* Roles.use((roles) => roles.update(actor, at, own, { permissions: given }))
    case "delete":
      return yield* Roles.use((roles) => roles.remove(actor, at, own, first))
    case "invite":
      return yield* Invitations.use((invitations) =>
        invitations.create(actor, at, { email: other.email, roles: names }),
      )
    case "accept": {
      const invitation = before.invitations.find(({ email }) => email === actor.user.email)
      if (invitation === undefined) return
      return yield* Invitations.use((invitations) => invitations.accept(actor, { _tag: "Id", id: invitation.id }))
    }
    case "add":
      return yield* Members.use((members) => members.add(actor, at, { userId: other.id, roles: names }))
  }
})

/** What somebody has of one that another has not, and the other way round. */
const difference = (a: ReadonlySet<string> | undefined, b: ReadonlySet<string> | undefined): ReadonlyArray<string> => [
  ...[...(a ?? [])].filter((permission) => b?.has(permission) !== true),
  ...[...(b ?? [])].filter((permission) => a?.has(permission) !== true),
]

describe("The history of an organization", () => {
  it.effect.prop(
    "has nobody give or take what they did not have, and an owner at all times",
    [Schema.Array(Step).check(Schema.isMinLength(10), Schema.isMaxLength(40))],
    ([steps]) =>
      Effect.gen(function* () {
        const scene = yield* begin
        let before = yield* standing(scene)
        for (const step of steps) {
          const { user } = actorOf(scene, step, before)
          yield* Effect.exit(tryStep(scene, step, before))
          const after = yield* standing(scene)
          for (const email of new Set([...before.held.keys(), ...after.held.keys()])) {
            for (const changed of difference(before.held.get(email), after.held.get(email))) {
              assert.isTrue(before.held.get(user.email)?.has(changed), `${step.kind} gave or took ${changed}`)
            }
          }
          const viewer = { userId: after.owner.user.id, organization: scene.at }
          const found = yield* OrganizationStore.use((store) => store.get(viewer, after.owner.user.createdAt))
          const { counts } = Option.getOrThrow(found).value
          assert.deepStrictEqual([counts.members, counts.owners], [after.members.length, after.owners.length])
          assert.isAtLeast(counts.owners, 1)
          before = after
        }
      }).pipe(Effect.provide(layer({ settings: { addsMembersDirectly: true, limitsRates: false } }))),
  )
})
