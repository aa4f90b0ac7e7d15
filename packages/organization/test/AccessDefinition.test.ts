import * as AccessDefinition from "@belfry/organization/AccessDefinition"
import { AccessModel } from "@belfry/organization/AccessModel"
import { escalation, type Membership, missing, resolve, type StoredMembership } from "@belfry/organization/Membership"
import { organizationActions } from "@belfry/organization/OrganizationActions"
import { builtInResources, Permission, permissionsOf } from "@belfry/organization/Permission"
import { RoleId, RoleName } from "@belfry/organization/Role"
import { TeamRoleName } from "@belfry/organization/Team"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { access } from "@belfry/testing/TestAccess"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const { anyMetadata, define } = AccessDefinition
const metadata = { public: anyMetadata, private: anyMetadata }
const plain = define({ resources: {}, roles: {}, teamRoles: {}, metadata })

const givenBy = ({ rules }: { readonly rules: AccessDefinition.AccessRules }, name: string): ReadonlyArray<string> =>
  [...(rules.roles.get(RoleName.make(name)) ?? [])].toSorted()
const givenInTeamsBy = ({ rules }: { readonly rules: AccessDefinition.AccessRules }, name: string) =>
  [...(rules.teamRoles.get(TeamRoleName.make(name)) ?? [])].toSorted()

const permissions = (...texts: ReadonlyArray<string>) => texts.map((text) => Permission.make(text))

const storedMembership = Effect.fnUntraced(function* (fields: Partial<StoredMembership>) {
  const { id: userId } = yield* Builders.user()
  const stored: StoredMembership = {
    organizationId: yield* OrganizationBuilders.organizationId,
    organizationName: "Engines",
    organizationSlug: null,
    memberId: yield* OrganizationBuilders.memberId,
    userId,
    builtInRoles: [],
    customRoles: [],
    ...fields,
  }
  return stored
})

const memberWith = (names: ReadonlyArray<string>, custom: ReadonlyArray<string> = []) =>
  Effect.map(
    storedMembership({
      builtInRoles: names.map((name) => RoleName.make(name)),
      customRoles:
        custom.length === 0
          ? []
          : [
              {
                id: RoleId.make("01890000-0000-7000-8000-000000000000"),
                name: RoleName.make("custom"),
                permissions: permissions(...custom),
              },
            ],
    }),
    (stored): Membership => resolve(stored, access.rules),
  )

describe("AccessDefinition", () => {
  it("gives owners everything, and the others what the package says", () => {
    const all = permissionsOf(builtInResources).toSorted()
    assert.deepStrictEqual(givenBy(plain, "owner"), all)
    assert.deepStrictEqual(
      givenBy(plain, "admin"),
      all.filter((name) => !["organization:delete", "organization:transfer", "billing:manage"].includes(name)),
    )
    assert.deepStrictEqual(givenBy(plain, "member"), [
      "member:read",
      "organization:read",
      "role:read",
      "team:read",
      "teamMember:read",
    ])
    assert.deepStrictEqual(givenBy(plain, "billing"), ["billing:manage", "billing:read", "organization:read"])
    assert.deepStrictEqual(givenInTeamsBy(plain, "member"), [])
    assert.deepStrictEqual(givenInTeamsBy(plain, "lead"), [
      "team:update",
      "teamMember:create",
      "teamMember:delete",
      "teamMember:read",
      "teamMember:update",
    ])
  })

  it("adds what the host declares, and gives it to owners, not to administrators", () => {
    assert.includeMembers([...givenBy(access, "owner")], ["project:read", "project:create", "project:delete"])
    assert.notInclude(givenBy(access, "admin"), "project:read")
    assert.deepStrictEqual(
      givenBy(access, "member").filter((name) => !givenBy(plain, "member").includes(name)),
      ["project:read"],
    )
    assert.deepStrictEqual(givenBy(access, "editor"), ["member:read", "project:create", "project:read"])
    assert.deepStrictEqual(
      givenInTeamsBy(access, "lead").filter((name) => !givenInTeamsBy(plain, "lead").includes(name)),
      ["project:delete"],
    )
    assert.deepStrictEqual(givenInTeamsBy(access, "reviewer"), ["project:read"])
  })

  it("lets administrators manage billing where the host says so, and nothing else", () => {
    const managing = define({ resources: {}, roles: {}, teamRoles: {}, metadata, adminManagesBilling: true })
    const gained = givenBy(managing, "admin").filter((name) => !givenBy(plain, "admin").includes(name))
    assert.deepStrictEqual(gained, ["billing:manage"])
  })

  it("puts whoever joins a team without a role into the one that gives nothing", () => {
    for (const { rules } of [plain, access]) assert.strictEqual([...rules.teamRoles.keys()][0], "member")
  })

  it.effect("is the package's own where the host declares nothing", () =>
    Effect.gen(function* () {
      const rules = yield* AccessModel
      assert.deepStrictEqual([...rules.permissions].toSorted(), permissionsOf(builtInResources).toSorted())
      assert.deepStrictEqual([...rules.roles.keys()], ["owner", "admin", "member", "billing"])
    }),
  )

  it("refuses a resource or a role that no name can be made of", () => {
    for (const word of ["Project", "project read", "", "project:read"]) {
      assert.throws(() => define({ resources: { [word]: ["read"] }, roles: {}, teamRoles: {}, metadata }))
      assert.throws(() => define({ resources: { project: [word] }, roles: {}, teamRoles: {}, metadata }))
    }
    assert.throws(() => define({ resources: {}, roles: { "Not a role": [] }, teamRoles: {}, metadata }))
    assert.throws(() => define({ resources: {}, roles: {}, teamRoles: { "Not a role": [] }, metadata }))
  })

  it.effect("says who may what, and what is missing", () =>
    Effect.gen(function* () {
      const editor = yield* memberWith(["editor"])
      assert.isTrue(access.has(editor, "project:create"))
      assert.isFalse(access.has(editor, "project:delete"))
      yield* access.require(editor, "project:read", "project:create")
      const error = yield* Effect.flip(access.require(editor, "project:delete", "project:read", "audit:read"))
      assert.deepStrictEqual<object>([error.reason, error.missing], ["permission", ["project:delete", "audit:read"]])
    }),
  )

  it.effect("reads and writes metadata of the host's form", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* access.publicMetadata({ publicMetadata: { plan: "team" } }), { plan: "team" })
      assert.deepStrictEqual(yield* access.encodePublic({ plan: "free" }), { plan: "free" })
      assert.deepStrictEqual(yield* access.privateMetadata({ customerId: "1" }), { customerId: "1" })
      assert.deepStrictEqual(yield* access.encodePrivate({}), {})
      yield* Effect.flip(access.publicMetadata({ publicMetadata: { plan: "gold" } }))
    }),
  )
})

describe("resolve", () => {
  it.effect("is the union over all roles, each permission once, and without what nobody declares any more", () =>
    Effect.gen(function* () {
      const member = yield* memberWith(
        ["editor", "billing", "retired"],
        ["project:read", "project:delete", "invoice:read"],
      )
      const union = new Set([...givenBy(access, "editor"), ...givenBy(access, "billing"), "project:delete"])
      assert.deepStrictEqual<object>(member.permissions, [...union].toSorted())
      assert.deepStrictEqual(member.permissionSet, union)
      assert.deepStrictEqual<object>(member.roles, ["billing", "editor", "retired", "custom"])
    }),
  )

  it.effect("tells a role of the organization by no name that is the host's, and counts what it gives", () =>
    Effect.gen(function* () {
      const stored = yield* storedMembership({
        builtInRoles: [RoleName.make("billing")],
        customRoles: [
          {
            id: RoleId.make("01890000-0000-7000-8000-000000000000"),
            name: RoleName.make("editor"),
            permissions: permissions("project:delete"),
          },
        ],
      })
      const member = resolve(stored, access.rules)
      assert.deepStrictEqual<object>(member.roles, ["billing"])
      assert.deepStrictEqual(member.permissionSet, new Set([...givenBy(access, "billing"), "project:delete"]))
    }),
  )

  it.effect("gives nothing to whoever has no role", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* memberWith([])).permissions, [])
    }),
  )
})

describe("escalation", () => {
  it.effect("is giving or taking what one lacks, or an owner's role without being one", () =>
    Effect.gen(function* () {
      const editor = yield* memberWith(["editor"])
      const owner = yield* memberWith(["owner"])
      const everything = yield* memberWith([], [...owner.permissions])
      const [read, remove] = permissions("project:read", "project:delete")
      if (read === undefined || remove === undefined) return assert.fail()
      const of = (actor: Membership, roles: ReadonlyArray<string>, touched: ReadonlyArray<Permission>) => {
        const refusal = escalation(actor, { roles: roles.map((name) => RoleName.make(name)), permissions: touched })
        return refusal === undefined ? null : [refusal.reason, refusal.missing]
      }
      assert.isNull(of(editor, ["editor"], [read]))
      assert.deepStrictEqual<object | null>(of(editor, [], [read, remove]), ["escalation", ["project:delete"]])
      assert.isNull(of(owner, ["owner"], owner.permissions))
      assert.isNull(of(everything, ["admin"], owner.permissions))
      assert.deepStrictEqual<object | null>(of(everything, ["owner"], owner.permissions), ["owner", []])
      assert.deepStrictEqual(missing(editor, [remove, read]), [remove])
    }),
  )
})

describe("The table of actions", () => {
  it("names permissions that there are", () => {
    const all = new Set<string>(permissionsOf(builtInResources))
    for (const [action, { permission }] of Object.entries(organizationActions)) {
      assert.isTrue(permission === null || all.has(permission), action)
    }
  })
})
