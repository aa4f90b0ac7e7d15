import { Audit } from "@belfry/core/Audit"
import { unknownClient } from "@belfry/core/AuditEvent"
import { StoreError } from "@belfry/core/StoreError"
import { Email, User as UserModel, type User } from "@belfry/core/User"
import * as Users from "@belfry/core/Users"
import { UserStore } from "@belfry/core/UserStore"
import type { McpAccess } from "@belfry/mcp/McpAccess"
import { annotated } from "@belfry/mcp/McpScopes"
import { Members } from "@belfry/organization/Members"
import { MembershipStore } from "@belfry/organization/MembershipStore"
import { MemberStore } from "@belfry/organization/MemberStore"
import { aggregateOf, OrganizationId, Slug } from "@belfry/organization/Organization"
import * as OrganizationServices from "@belfry/organization/OrganizationServices"
import { Permission } from "@belfry/organization/Permission"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Predicate, Schema } from "effect"
import { accessOf, begin, call, connect, layer, seen } from "./support/McpTools.ts"

type Scene = Effect.Success<typeof begin>
type Role = keyof Scene["people"]

const roles: ReadonlyArray<Role> = ["owner", "admin", "member", "billing", "outsider"]
const reading = ["get_account", "get_organization", "list_members", "list_invitations"]
const changing = ["invite_member", "revoke_invitation", "set_member_roles", "remove_member"]

/** Arguments for every tool that are good for whoever may; the organization aside. */
const calls: Readonly<Record<string, (scene: Scene) => Readonly<Record<string, Schema.Json>>>> = {
  get_account: () => ({}),
  get_organization: () => ({}),
  list_members: () => ({}),
  list_invitations: () => ({}),
  invite_member: () => ({ email: "new@example.com", roles: ["member"] }),
  revoke_invitation: ({ invitation }) => ({ invitation: invitation.id }),
  set_member_roles: ({ target }) => ({ member: target.id, roles: ["admin"] }),
  remove_member: ({ target }) => ({ member: target.id }),
}

/** What each role lacks for a tool; null where nothing. */
const lacks: Readonly<Record<string, Readonly<Record<Exclude<Role, "outsider">, string | null>>>> = {
  get_account: { owner: null, admin: null, member: null, billing: null },
  get_organization: { owner: null, admin: null, member: null, billing: null },
  list_members: { owner: null, admin: null, member: null, billing: "member:read" },
  list_invitations: { owner: null, admin: null, member: "invitation:read", billing: "invitation:read" },
  invite_member: { owner: null, admin: null, member: "invitation:create", billing: "invitation:create" },
  revoke_invitation: { owner: null, admin: null, member: "invitation:revoke", billing: "invitation:revoke" },
  set_member_roles: { owner: null, admin: null, member: "member:update", billing: "member:update" },
  remove_member: { owner: null, admin: null, member: "member:delete", billing: "member:delete" },
}

/** What is answered to a role; null where the call serves. */
const refusalOf = (tool: string, role: Role): string | null => {
  if (tool === "get_account") return null
  if (role === "outsider") return "No such organization"
  const missing = lacks[tool]?.[role] ?? null
  return missing === null ? null : `Missing: ${missing}`
}

describe("Tools at the endpoint of all organizations", () => {
  for (const [tool, argumentsOf] of Object.entries(calls)) {
    for (const role of roles) {
      const refusal = refusalOf(tool, role)
      it.effect(`${tool} ${refusal === null ? "serves" : "refuses"} ${role}`, () =>
        Effect.gen(function* () {
          const scene = yield* begin
          const named = tool === "get_account" ? {} : { organization: scene.organization.id }
          const answer = yield* call(accessOf(scene.people[role]), tool, { ...argumentsOf(scene), ...named })
          assert.strictEqual(typeof answer === "string" ? answer : null, refusal)
        }).pipe(Effect.provide(layer)),
      )
    }
  }
})

describe("Tools at the endpoint of one organization", () => {
  for (const [tool, argumentsOf] of Object.entries(calls)) {
    for (const role of roles) {
      const refusal = refusalOf(tool, role)
      const isHidden = refusal !== null && changing.includes(tool)
      it.effect(`${tool} ${refusal === null ? "serves" : isHidden ? "is hidden from" : "refuses"} ${role}`, () =>
        Effect.gen(function* () {
          const scene = yield* begin
          const access = accessOf(scene.people[role], scene.organization.id)
          const answer = yield* call(access, tool, argumentsOf(scene))
          const expected = isHidden ? `Tool '${tool}' not found` : refusal
          assert.strictEqual(typeof answer === "string" ? answer : null, expected)
        }).pipe(Effect.provide(layer)),
      )
    }
  }
})

describe("Tools", () => {
  it.effect("are seen by everybody where the endpoint is of all organizations", () =>
    Effect.gen(function* () {
      const { people } = yield* begin
      const all = ["list_organizations", ...Object.keys(calls)].toSorted()
      for (const role of roles) assert.deepStrictEqual((yield* seen(accessOf(people[role]))).toSorted(), all)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are seen by who may use them where the endpoint is of one organization", () =>
    Effect.gen(function* () {
      const { organization, people, invitation } = yield* begin
      const inviting = yield* OrganizationBuilders.storedRole(organization.id, {
        permissions: [Permission.make("invitation:create")],
      })
      const { user: inviter } = yield* OrganizationBuilders.storedMember(organization.id, {
        roles: { builtIn: [], custom: [inviting.id] },
      })
      const at = (user: Pick<User, "id">) => seen(accessOf(user, organization.id))
      for (const role of ["owner", "admin"] as const) {
        assert.deepStrictEqual((yield* at(people[role])).toSorted(), [...reading, ...changing].toSorted())
      }
      for (const role of ["member", "billing", "outsider"] as const) {
        assert.deepStrictEqual((yield* at(people[role])).toSorted(), reading.toSorted())
      }
      assert.deepStrictEqual((yield* at(inviter)).toSorted(), [...reading, "invite_member"].toSorted())
      assert.strictEqual(
        yield* call(accessOf(inviter, organization.id), "revoke_invitation", { invitation: invitation.id }),
        "Tool 'revoke_invitation' not found",
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("say what they need and what they do", () =>
    Effect.gen(function* () {
      const { owner } = yield* begin
      const { server } = yield* connect(accessOf(owner))
      const found = server.tools.map(({ annotations, tool }) => ({
        name: tool.name,
        scopes: annotated(annotations),
        reads: tool.annotations?.readOnlyHint,
        destroys: tool.annotations?.destructiveHint,
      }))
      for (const { name, scopes, reads, destroys } of found) {
        const scope = name === "get_account" ? "account:read" : "organizations:read"
        assert.deepStrictEqual(scopes, changing.includes(name) ? ["organizations:write"] : [scope])
        assert.strictEqual(reads, !changing.includes(name))
        assert.strictEqual(destroys, changing.includes(name) && name !== "invite_member")
      }
      assert.strictEqual(found.length, Object.keys(calls).length + 1)
    }).pipe(Effect.scoped, Effect.provide(layer)),
  )

  it.effect("answer what the person may see, in JSON", () =>
    Effect.gen(function* () {
      const { organization, people, target } = yield* begin
      const access = accessOf(people.member)
      const account = yield* call(access, "get_account")
      assert.deepStrictEqual<unknown>(account, {
        account: yield* Schema.encodeEffect(Schema.toCodecJson(UserModel))(people.member),
      })
      const listed = yield* call(access, "list_organizations", { limit: 1 })
      assert.nestedPropertyVal(listed, "organizations[0].organization.id", organization.id)
      assert.nestedPropertyVal(listed, "organizations[0].membership.roles[0]", "member")
      assert.nestedPropertyVal(listed, "cursor", null)
      const got = yield* call(access, "get_organization", { organization: organization.id })
      assert.nestedPropertyVal(got, "counts.members", 5)
      assert.nestedPropertyVal(got, "organization.createdAt", DateTime.formatIso(organization.createdAt))
      const first = yield* call(access, "list_members", { organization: organization.id, limit: 4 })
      const cursor: unknown = Predicate.hasProperty(first, "cursor") ? first.cursor : null
      assert.isString(cursor)
      const rest = yield* call(access, "list_members", { organization: organization.id, cursor: String(cursor) })
      assert.nestedPropertyVal(rest, "members[0].id", target.id)
      const found = yield* call(access, "list_members", { organization: organization.id, role: "billing" })
      assert.nestedPropertyVal(found, "members.length", 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("change what the HTTP API changes: with a mail, and an audit event that names no session", () =>
    Effect.gen(function* () {
      const { organization, people, target, invitation } = yield* begin
      const access = accessOf(people.admin, organization.id)
      const invited = yield* call(access, "invite_member", { email: "New@Example.com", roles: ["member"] })
      assert.nestedPropertyVal(invited, "invitation.email", "new@example.com")
      const mailer = yield* CapturingMailer.CapturingMailer
      yield* mailer.takeLast(Email.make("new@example.com"), "organization-invitation")
      assert.deepStrictEqual<unknown>(yield* call(access, "revoke_invitation", { invitation: invitation.id }), {
        revoked: invitation.id,
      })
      const changed = yield* call(access, "set_member_roles", { member: target.user.email, roles: ["admin"] })
      assert.nestedPropertyVal(changed, "member.roles[0]", "admin")
      assert.deepStrictEqual<unknown>(yield* call(access, "remove_member", { member: "me" }), { removed: "me" })
      assert.strictEqual(yield* call(access, "get_organization"), "No such organization")
      const events = yield* Audit.use((audit) => audit.list({ aggregate: aggregateOf(organization.id), limit: 10 }))
      assert.deepStrictEqual<object>(
        events.map(({ type, userId, sessionId, client }) => ({ type, userId, sessionId, client })).toReversed(),
        [
          "organization-invitation.created",
          "organization-invitation.revoked",
          "organization-member.roles-changed",
          "organization-member.removed",
        ].map((type) => ({ type, userId: people.admin.id, sessionId: null, client: access.caller })),
      )
    }).pipe(Effect.provide(layer)),
  )
})

describe("The organization of a call", () => {
  it.effect("is the one of the endpoint and no other, though somebody is in both", () =>
    Effect.gen(function* () {
      const { organization, other, owner } = yield* begin
      yield* OrganizationBuilders.storedMember(other.id, { user: owner, roles: OrganizationBuilders.builtIn("owner") })
      const organizations = yield* TrustedOrganizations
      yield* organizations.update(organization.id, { slug: Slug.make("engines") })
      yield* organizations.update(other.id, { slug: Slug.make("looms") })
      const access = accessOf(owner, organization.id)
      for (const [tool, given] of Object.entries(foreign)) {
        for (const named of [other.id, "looms", "unknown", organization.id.toUpperCase(), "../engines", ""]) {
          const answer = yield* call(access, tool, { ...given, organization: named })
          assert.strictEqual(answer, "No such organization", `${tool} ${named}`)
        }
      }
      for (const named of [organization.id, "engines"]) {
        const answer = yield* call(access, "get_organization", { organization: named })
        assert.nestedPropertyVal(answer, "organization.id", organization.id)
      }
      assert.strictEqual(yield* call(access, "list_organizations"), "Tool 'list_organizations' not found")
      assert.deepStrictEqual((yield* seen(access)).includes("list_organizations"), false)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is to be named where the endpoint names none, by id or slug", () =>
    Effect.gen(function* () {
      const { organization, other, owner } = yield* begin
      yield* TrustedOrganizations.use((all) => all.update(organization.id, { slug: Slug.make("engines") }))
      const access = accessOf(owner)
      for (const [tool, given] of Object.entries(foreign)) {
        assert.include(String(yield* call(access, tool, given)), "Say which organization")
        for (const named of [other.id, "looms", "unknown", ""]) {
          assert.strictEqual(yield* call(access, tool, { ...given, organization: named }), "No such organization")
        }
      }
      const answer = yield* call(access, "get_organization", { organization: "engines" })
      assert.nestedPropertyVal(answer, "organization.id", organization.id)
    }).pipe(Effect.provide(layer)),
  )

  for (const [what, end] of Object.entries({
    "the membership ended": ({ ownerId, organization, people }: Scene) =>
      Effect.andThen(
        OrganizationBuilders.storedMember(organization.id, { roles: OrganizationBuilders.builtIn("owner") }),
        Members.use((members) =>
          members.remove({ user: people.owner, session: null, client: unknownClient }, organization.id, {
            _tag: "Id",
            id: ownerId,
          }),
        ),
      ),
    "the organization was deleted": ({ organization }: Scene) =>
      TrustedOrganizations.use((all) => all.remove(organization.id)),
  })) {
    it.effect(`is none at once when ${what}`, () =>
      Effect.gen(function* () {
        const scene = yield* begin
        const { organization, owner } = scene
        yield* end(scene)
        assert.strictEqual(yield* call(accessOf(owner, organization.id), "get_organization"), "No such organization")
        assert.deepStrictEqual((yield* seen(accessOf(owner, organization.id))).toSorted(), reading.toSorted())
        const named = { organization: organization.id }
        assert.strictEqual(yield* call(accessOf(owner), "get_organization", named), "No such organization")
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("is none where the endpoint names something else", () =>
    Effect.gen(function* () {
      const { organization, owner } = yield* begin
      yield* TrustedOrganizations.use((all) => all.update(organization.id, { slug: Slug.make("engines") }))
      for (const reference of ["engines", "%2e", "x"]) {
        const access = accessOf(owner, reference)
        assert.strictEqual(yield* call(access, "get_organization"), "No such organization")
        const named = { organization: organization.id }
        assert.strictEqual(yield* call(access, "get_organization", named), "No such organization")
        assert.deepStrictEqual((yield* seen(access)).toSorted(), reading.toSorted())
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("The person of a call", () => {
  it.effect("is needed: a client for itself, and a subject that is nobody, are told so", () =>
    Effect.gen(function* () {
      const { organization, owner } = yield* begin
      const access = accessOf(owner, organization.id)
      const nobody: ReadonlyArray<McpAccess> = [
        { ...access, token: { ...access.token, isClientItself: true } },
        { ...access, token: { ...access.token, subject: OrganizationId.make("01890000-0000-7000-8000-000000000000") } },
        { ...access, token: { ...access.token, subject: "pairwise" } },
      ]
      for (const without of nobody) {
        for (const tool of reading) assert.strictEqual(yield* call(without, tool), "This needs a user")
        assert.deepStrictEqual((yield* seen(without)).toSorted(), reading.toSorted())
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("A person who is shut out", () => {
  it.effect("is nobody to a tool, though a token of theirs is not over", () =>
    Effect.gen(function* () {
      const { owner } = yield* begin
      assert.isObject(yield* call(accessOf(owner), "get_account"))
      yield* Users.Users.use((users) => users.disable(owner.id))
      for (const tool of [...reading, "list_organizations", ...changing]) {
        assert.strictEqual(yield* call(accessOf(owner), tool), "This needs a user")
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("What a tool cannot answer", () => {
  it.effect("is told in the words of the protocol where arguments are malformed", () =>
    Effect.gen(function* () {
      const { organization, people } = yield* begin
      const access = accessOf(people.owner, organization.id)
      const malformed: Readonly<Record<string, ReadonlyArray<Readonly<Record<string, Schema.Json>>>>> = {
        get_account: [{ unknown: 1 }],
        get_organization: [{ organization: 1 }, { organization: "x".repeat(65) }, { organisation: organization.id }],
        list_members: [
          { limit: 0 },
          { limit: 101 },
          { limit: 1.5 },
          { limit: "1" },
          { role: "\u0000" },
          { search: [] },
        ],
        list_invitations: [{ status: "open" }, { cursor: "x".repeat(201) }],
        invite_member: [
          { email: "nobody", roles: ["member"] },
          { email: "a@example.com", roles: [] },
          { email: "a@example.com" },
          { email: "a@example.com", roles: ["member", "member"] },
          { email: "a@example.com", roles: ["member"], teams: [] },
        ],
        revoke_invitation: [{}, { invitation: "x" }, { invitation: null }],
        set_member_roles: [
          { member: "me", roles: "owner" },
          { roles: ["owner"] },
          { member: "x".repeat(255), roles: ["member"] },
        ],
        remove_member: [{}, { member: 1 }, { member: { _tag: "Id" } }],
      }
      assert.deepStrictEqual(Object.keys(malformed), Object.keys(calls))
      for (const [tool, all] of Object.entries(malformed)) {
        for (const given of all) {
          const answer = String(yield* call(access, tool, given))
          assert.isTrue(answer.startsWith(`Invalid parameters for tool '${tool}'`), `${tool}: ${answer}`)
        }
      }
    }).pipe(Effect.scoped, Effect.provide(layer)),
  )

  it.effect("is told in a sentence where what is named is not there, or not as it should be", () =>
    Effect.gen(function* () {
      const { organization, people, ownerId, invitation } = yield* begin
      const access = accessOf(people.owner, organization.id)
      const cases: ReadonlyArray<readonly [string, Readonly<Record<string, Schema.Json>>, string]> = [
        ["list_members", { cursor: "x", search: "%" }, ""],
        ["invite_member", { email: invitation.email, roles: ["member"] }, "Already invited"],
        ["invite_member", { email: people.member.email, roles: ["member"] }, "Already a member"],
        ["invite_member", { email: "a@example.com", roles: ["unknown"] }, "No such role"],
        ["revoke_invitation", { invitation: organization.id }, "No such invitation"],
        ["set_member_roles", { member: "\u0000", roles: ["member"] }, "No such member"],
        ["set_member_roles", { member: people.outsider.email, roles: ["member"] }, "No such member"],
        ["set_member_roles", { member: ownerId, roles: ["member"] }, "An organization keeps at least one owner"],
        ["remove_member", { member: "me" }, "An organization keeps at least one owner"],
      ]
      for (const [tool, given, expected] of cases) {
        const answer = yield* call(access, tool, given)
        assert.strictEqual(typeof answer === "string" ? answer : "", expected, tool)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is told without a word of the store that is away", () =>
    Effect.gen(function* () {
      const { organization, people } = yield* begin
      const away = new StoreError({ store: "secret", method: "find", isRetryable: true, cause: new Error("secret") })
      const members = yield* MemberStore
      const memberships = yield* MembershipStore
      const users = yield* UserStore
      const access = accessOf(people.owner, organization.id)
      const broken = Layer.merge(
        Layer.succeed(MemberStore, { ...members, list: () => Effect.fail(away) }),
        Layer.succeed(MembershipStore, {
          ...memberships,
          find: () => Effect.fail(away),
          lock: () => Effect.fail(away),
        }),
      )
      const answers = Effect.gen(function* () {
        assert.strictEqual(yield* call(access, "list_members"), "This cannot be answered at the moment: try again")
        assert.strictEqual(
          yield* call(accessOf(people.owner), "remove_member", { organization: organization.id, member: "me" }),
          "This cannot be answered at the moment: try again",
        )
        const refused = "Permissions cannot be looked up at the moment"
        assert.strictEqual(yield* call(access, "remove_member", { member: "me" }), refused)
        assert.strictEqual((yield* Effect.flip(seen(access))).message, refused)
      })
      yield* answers.pipe(
        Effect.provide(Layer.fresh(OrganizationServices.layerWithTeams).pipe(Layer.provideMerge(broken))),
      )
      const noUsers = Layer.succeed(UserStore, { ...users, findById: () => Effect.fail(away) })
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* call(access, "get_account"), "The user cannot be looked up at the moment")
      }).pipe(Effect.provide(Layer.fresh(Users.layer).pipe(Layer.provideMerge(noUsers))))
    }).pipe(Effect.provide(layer)),
  )
})

/** Arguments of the tools that are about an organization. */
const foreign: Readonly<Record<string, Readonly<Record<string, Schema.Json>>>> = {
  get_organization: {},
  list_members: {},
  list_invitations: {},
  invite_member: { email: "new@example.com", roles: ["member"] },
  revoke_invitation: { invitation: "01890000-0000-7000-8000-000000000000" },
  set_member_roles: { member: "me", roles: ["member"] },
  remove_member: { member: "me" },
}
