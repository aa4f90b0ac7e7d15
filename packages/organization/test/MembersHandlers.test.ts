/**
 * The endpoints of members and roles, at the level of HTTP: what paths and bodies may say, and what comes back.
 */
import { Slug } from "@belfry/organization/Organization"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { at as valueAt, type TestResponse, textAt } from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, type Schema } from "effect"
import { layer, serve, signIn } from "./support/HostServer.ts"

const assertProblem = (response: TestResponse, status: number, _tag: string, fields: object = {}) => {
  assert.strictEqual(response.status, status, response.text)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
  assert.deepInclude(response.json, { type: "about:blank", status, _tag, ...fields })
}

/** An organization as its owner calls it, and another member. */
const begin = Effect.gen(function* () {
  const { as } = yield* serve
  const { actor, token } = yield* signIn("ada")
  const { organization, ownerId } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
  const member = yield* OrganizationBuilders.storedMember(organization.id)
  const path = `/auth/organizations/${organization.id}`
  const call = (method: string, rest: string, json?: Schema.Json) => as(token)(method, `${path}${rest}`, json)
  return { actor, as, at: organization.id, call, member, ownerId, path, token }
})

describe("The endpoints of members", () => {
  it.effect("name a member by id, by address, or the caller as me", () =>
    Effect.gen(function* () {
      const { actor, at, call, member, ownerId } = yield* begin
      const byId = yield* call("GET", `/members/${member.id}`)
      assert.strictEqual(byId.status, 200, byId.text)
      assert.deepStrictEqual(byId.json, {
        id: member.id,
        organizationId: at,
        userId: member.user.id,
        roles: ["member"],
        createdAt: "1970-01-01T00:00:00.000Z",
        updatedAt: "1970-01-01T00:00:00.000Z",
        email: member.user.email,
        name: member.user.name,
        image: null,
      })
      const address = encodeURIComponent(member.user.email.toUpperCase())
      assert.deepStrictEqual((yield* call("GET", `/members/${address}`)).json, byId.json)
      const oneself = yield* call("GET", "/members/me")
      assert.deepStrictEqual([valueAt(oneself.json, "id"), valueAt(oneself.json, "userId")], [ownerId, actor.user.id])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("find nobody by what is neither", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      for (const name of [
        "x",
        "ME",
        "%00",
        "%F0%9F",
        "a".repeat(300),
        "..%2F..",
        encodeURIComponent("a b@example.com"),
      ]) {
        for (const [method, json] of [["GET"], ["PATCH", { roles: ["admin"] }], ["DELETE"]] as const) {
          const response = yield* call(method, `/members/${name}`, json)
          assert.strictEqual(response.status, 404, `${method} ${name} ${response.text}`)
        }
      }
      assertProblem(yield* call("GET", "/members/nobody@example.com"), 404, "MemberNotFound")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("list page by page, by search and by role", () =>
    Effect.gen(function* () {
      const { call, member, ownerId } = yield* begin
      const ids = (response: TestResponse) => {
        const members = valueAt(response.json, "members")
        return Array.isArray(members) ? members.map((each: unknown) => valueAt(each, "id")) : assert.fail(response.text)
      }
      const first = yield* call("GET", "/members?limit=1")
      assert.deepStrictEqual(ids(first), [ownerId])
      const second = yield* call("GET", `/members?limit=1&cursor=${textAt(first, "cursor")}`)
      assert.deepStrictEqual([ids(second), valueAt(second.json, "cursor")], [[member.id], null])
      assert.deepStrictEqual(ids(yield* call("GET", "/members?role=owner")), [ownerId])
      assert.deepStrictEqual(ids(yield* call("GET", `/members?search=${encodeURIComponent("ada@ex")}`)), [ownerId])
      for (const query of ["limit=0", "limit=101", "limit=x", "role=Owner", `search=${"x".repeat(201)}`]) {
        assertProblem(yield* call("GET", `/members?${query}`), 422, "InvalidRequest")
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("take roles as a set of 1 to 20 names, and say which there are not", () =>
    Effect.gen(function* () {
      const { call, member } = yield* begin
      const set = (roles: Schema.Json) => call("PATCH", `/members/${member.id}`, { roles })
      const names = Array.from({ length: 21 }, (_, index) => `role-${index}`)
      for (const roles of [[], ["member", "member"], names, ["Member"], "member", [null]]) {
        assertProblem(yield* set(roles), 422, "InvalidRequest")
      }
      assertProblem(yield* set(["member", "auditor"]), 404, "RoleNotFound", { roles: ["auditor"] })
      const changed = yield* set(["billing", "admin"])
      assert.deepStrictEqual([changed.status, valueAt(changed.json, "roles")], [200, ["admin", "billing"]])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("add at once where the host lets it, and end a membership", () =>
    Effect.gen(function* () {
      const { as, at, call, path } = yield* begin
      const newcomer = yield* signIn("charles")
      const added = yield* call("POST", "/members", { userId: newcomer.actor.user.id, roles: ["admin"] })
      assert.strictEqual(added.status, 200, added.text)
      const asNewcomer = as(newcomer.token)
      assert.strictEqual((yield* asNewcomer("GET", path)).status, 200)
      assertProblem(yield* call("DELETE", "/members/me"), 409, "LastOwner", { organizationId: at })
      const gone = yield* asNewcomer("DELETE", `${path}/members/me`)
      assert.deepStrictEqual([gone.status, gone.text], [204, ""])
      assertProblem(yield* asNewcomer("GET", path), 404, "OrganizationNotFound")
    }).pipe(Effect.provide(layer({ settings: { addsMembersDirectly: true } }))),
  )

  it.effect("say that people are invited here", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      const { actor } = yield* signIn("charles")
      const asked = { userId: actor.user.id, roles: ["member"] }
      assertProblem(yield* call("POST", "/members", asked), 403, "MemberAdditionDisabled")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are for people who are signed in, and for members", () =>
    Effect.gen(function* () {
      const { as, path } = yield* begin
      assert.strictEqual((yield* as(null)("GET", `${path}/members`)).status, 401)
      const { token } = yield* signIn("eve")
      const names = ["x", "0190163d-8694-739b-aea5-966c26f8ad91", "no%20slug", "new"]
      for (const place of [path, ...names.map((name) => `/auth/organizations/${name}`)]) {
        for (const rest of ["members", "members/me", "roles", "roles/member"]) {
          assertProblem(yield* as(token)("GET", `${place}/${rest}`), 404, "OrganizationNotFound")
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("name the organization by its slug, too", () =>
    Effect.gen(function* () {
      const { as, at, token } = yield* begin
      const slug = Slug.make("engines")
      const now = yield* DateTime.now
      yield* OrganizationStore.use((store) => store.update(at, { slug }, now))
      const found = yield* as(token)("GET", `/auth/organizations/${slug}/members`)
      assert.strictEqual(found.status, 200, found.text)
    }).pipe(Effect.provide(layer())),
  )
})

describe("The endpoints of roles", () => {
  it.effect("make, show, change and delete a role", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      const made = yield* call("POST", "/roles", { name: "auditor", permissions: ["audit:read"] })
      assert.strictEqual(made.status, 201, made.text)
      const expected = {
        id: textAt(made, "id"),
        name: "auditor",
        description: null,
        permissions: ["audit:read"],
        isBuiltIn: false,
        createdAt: "1970-01-01T00:00:00.000Z",
        updatedAt: "1970-01-01T00:00:00.000Z",
      }
      assert.deepStrictEqual(made.json, expected)
      assert.deepStrictEqual((yield* call("GET", "/roles/auditor")).json, expected)
      const changed = yield* call("PATCH", "/roles/auditor", { description: "Looks", permissions: [] })
      assert.deepStrictEqual(changed.json, { ...expected, description: "Looks", permissions: [] })
      const gone = yield* call("DELETE", "/roles/auditor")
      assert.deepStrictEqual([gone.status, gone.text], [204, ""])
      assertProblem(yield* call("GET", "/roles/auditor"), 404, "RoleNotFound", { roles: ["auditor"] })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("list the roles of the host first, and go on by the cursor", () =>
    Effect.gen(function* () {
      const { at, call } = yield* begin
      for (let made = 0; made < 2; made++) yield* OrganizationBuilders.storedRole(at)
      const sizeOf = (response: TestResponse) => {
        const roles = valueAt(response.json, "roles")
        return Array.isArray(roles) ? roles.length : assert.fail(response.text)
      }
      const first = yield* call("GET", "/roles?limit=1")
      assert.strictEqual(sizeOf(first), 6)
      const second = yield* call("GET", `/roles?limit=1&cursor=${textAt(first, "cursor")}`)
      assert.deepStrictEqual([sizeOf(second), valueAt(second.json, "cursor")], [1, null])
      assert.strictEqual(sizeOf(yield* call("GET", "/roles?search=ad")), 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("replace a role that somebody has when it is deleted", () =>
    Effect.gen(function* () {
      const { at, call } = yield* begin
      const { id, name } = yield* OrganizationBuilders.storedRole(at)
      const roles = { builtIn: [], custom: [id] }
      const member = yield* OrganizationBuilders.storedMember(at, { roles })
      assertProblem(yield* call("DELETE", `/roles/${name}`), 409, "RoleRefused", { reason: "in-use" })
      const unknown = yield* call("DELETE", `/roles/${name}?replacement=unheard-of`)
      assertProblem(unknown, 404, "RoleNotFound", { roles: ["unheard-of"] })
      assert.strictEqual((yield* call("DELETE", `/roles/${name}?replacement=billing`)).status, 204)
      const left = yield* call("GET", `/members/${member.id}`)
      assert.deepStrictEqual(valueAt(left.json, "roles"), ["billing"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuse what is no role, and what no role can be", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      const permissions: ReadonlyArray<string> = []
      for (const body of [
        { name: "Auditor", permissions },
        { name: "", permissions },
        { name: "a".repeat(64), permissions },
        { name: "auditor" },
        { name: "auditor", permissions: ["audit"] },
        { name: "auditor", permissions: ["audit:read", "audit:read"] },
        ...["x".repeat(501), "a\u0000", "a\uD800", "a\nb", "\u202Ea"].map((description) => ({
          name: "auditor",
          permissions,
          description,
        })),
      ]) {
        assertProblem(yield* call("POST", "/roles", body), 422, "InvalidRequest")
      }
      const unknown = yield* call("POST", "/roles", { name: "auditor", permissions: ["audit:write"] })
      assertProblem(unknown, 409, "RoleRefused", { reason: "permission-unknown" })
      const builtIn = yield* call("PATCH", "/roles/admin", { description: "Mine" })
      assertProblem(builtIn, 409, "RoleRefused", { reason: "built-in" })
      for (const name of ["Auditor", "%00", "a".repeat(300)]) {
        for (const [method, json] of [["GET"], ["PATCH", { description: "Mine" }], ["DELETE"]] as const) {
          assertProblem(yield* call(method, `/roles/${name}`, json), 404, "RoleNotFound", { roles: [] })
        }
      }
    }).pipe(Effect.provide(layer())),
  )
})
