/**
 * The endpoints of organizations, at the level of HTTP.
 */
import { StoreError } from "@belfry/core/StoreError"
import { Users } from "@belfry/core/Users"
import { Organizations } from "@belfry/organization/Organizations"
import { Slug } from "@belfry/organization/Organization"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { at, type TestResponse, textAt } from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, type Schema } from "effect"
import { TestClock } from "effect/testing"
import { layer, type Options, serve, signIn } from "./support/HostServer.ts"

const path = "/auth/organizations/engines"

/** An organization whose owner is `ada` and a member of which is `bob`. */
const begin = Effect.gen(function* () {
  const { as } = yield* serve
  const [ada, bob, eve] = [yield* signIn("ada"), yield* signIn("bob"), yield* signIn("eve")]
  const { organization, ownerId } = yield* OrganizationBuilders.storedOrganization({
    owner: ada.actor.user,
    slug: Slug.make("engines"),
    name: "Engines",
  })
  const { id: memberId } = yield* OrganizationBuilders.storedMember(organization.id, { user: bob.actor.user })
  const [asAda, asBob, asEve] = [as(ada.token), as(bob.token), as(eve.token)]
  return { ada: asAda, bob: asBob, eve: asEve, nobody: as(null), organization, ownerId, memberId, people: { ada, bob } }
})

const assertProblem = (response: TestResponse, status: number, _tag: string, fields: object = {}) => {
  assert.strictEqual(response.status, status, response.text)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
  assert.deepInclude(response.json, { type: "about:blank", status, _tag, ...fields })
}

const assertAnswer = (response: TestResponse, status: number, fields: object) => {
  assert.strictEqual(response.status, status, response.text)
  assert.deepInclude(response.json, fields)
}

/** Every endpoint, as it is called of the organization. */
const endpoints: ReadonlyArray<readonly [method: string, path: string, json?: Schema.Json]> = [
  ["POST", "/auth/organizations", { name: "Engines" }],
  ["GET", "/auth/organizations"],
  ["GET", "/auth/organization-slugs/engines"],
  ["GET", path],
  ["PATCH", path, { name: "Engines" }],
  ["DELETE", path],
  ["POST", `${path}/restore`],
  ["POST", `${path}/transfer`, { memberId: "01890000-0000-7000-8000-000000000000" }],
  ["POST", `${path}/leave`],
  ["GET", `${path}/access`],
  ["POST", `${path}/access/check`, { permissions: ["member:read"] }],
  ["GET", `${path}/audit-events`],
  ["GET", "/auth/active-organization"],
  ["POST", "/auth/active-organization", { organization: "engines" }],
  ["DELETE", "/auth/active-organization"],
]

describe("The endpoints of organizations", () => {
  it.effect("are for people who are signed in", () =>
    Effect.gen(function* () {
      const { nobody } = yield* begin
      for (const [method, path, json] of endpoints) {
        assertProblem(yield* nobody(method, path, json), 401, "SessionInvalid")
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answer 503 when a store cannot answer", () =>
    Effect.gen(function* () {
      const { as } = yield* serve
      const { token } = yield* signIn("ada")
      for (const [method, path, json] of endpoints.filter(([, path]) => !isOfMemberships(path))) {
        assertProblem(yield* as(token)(method, path, json), 503, "ServiceUnavailable")
      }
    }).pipe(Effect.provide(layerAway)),
  )

  it.effect("make an organization, which is the session's from then on", () =>
    Effect.gen(function* () {
      const { eve } = yield* begin
      const created = yield* eve("POST", "/auth/organizations", { name: "Mills", slug: "mills", logo: null })
      assert.strictEqual(created.status, 201, created.text)
      const id = textAt(created, "organization", "id")
      assert.deepInclude(at(created.json, "organization"), { name: "Mills", slug: "mills", publicMetadata: {} })
      assert.deepStrictEqual(at(created.json, "membership", "roles"), ["owner"])
      const active = yield* eve("GET", "/auth/active-organization")
      assertAnswer(active, 200, { source: "session" })
      assert.strictEqual(textAt(active, "membership", "organizationId"), id)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answer 401 to somebody who is deleted while they make one", () => {
    let meanwhile: Effect.Effect<void> = Effect.void
    return Effect.gen(function* () {
      const { as } = yield* serve
      const { token, actor } = yield* signIn("ada")
      const users = yield* Users
      meanwhile = Effect.orDie(users.remove(actor.user.id))
      const response = yield* as(token)("POST", "/auth/organizations", { name: "Mills" })
      assertProblem(response, 401, "SessionInvalid")
      assert.strictEqual(response.headers.get("www-authenticate"), 'Bearer error="invalid_token"')
    }).pipe(
      Effect.provide(
        layer({
          settings: {
            mayCreate: () =>
              Effect.as(
                Effect.suspend(() => meanwhile),
                true,
              ),
          },
        }),
      ),
    )
  })

  it.effect("refuse names and slugs that none can have", () =>
    Effect.gen(function* () {
      const { ada, organization } = yield* begin
      const bodies: ReadonlyArray<Schema.Json> = [
        { name: "" },
        { name: "a\u0000b" },
        { name: "emca\u202e" },
        { name: "x".repeat(201) },
        ...["A", "a", "-ab", "ab-", "a_b", "new", "x".repeat(49), organization.id].map((slug) => ({ name: "A", slug })),
        { name: "A", logo: "javascript:alert(1)" },
        { name: "A", publicMetadata: [] },
      ]
      for (const body of bodies) {
        assertProblem(yield* ada("POST", "/auth/organizations", body), 422, "InvalidRequest")
      }
      assertProblem(yield* ada("PATCH", path, { slug: "new" }), 422, "InvalidRequest")
      assertProblem(yield* ada("GET", "/auth/organization-slugs/New"), 422, "InvalidRequest")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("answer why an organization is not made", () =>
    Effect.gen(function* () {
      const { ada } = yield* begin
      const create = (body: Schema.Json) => ada("POST", "/auth/organizations", body)
      assertProblem(yield* create({ name: "A", slug: "engines" }), 409, "SlugTaken", { slug: "engines" })
      const invalid = yield* create({ name: "A", publicMetadata: { plan: "gold" } })
      assertProblem(invalid, 422, "MetadataInvalid")
      yield* create({ name: "A" })
      const full = yield* create({ name: "A" })
      assertProblem(full, 409, "LimitReached", { limit: "organizations", maximum: 2 })
      yield* Effect.forEach(Array.from({ length: 16 }), () => create({ name: "A" }))
      const limited = yield* create({ name: "A" })
      assertProblem(limited, 429, "RateLimited")
      assert.isAbove(Number(limited.headers.get("retry-after")), 0)
    }).pipe(Effect.provide(layer({ settings: { limits: { organizations: 2 } } }))),
  )

  it.effect("say that nobody makes any where the host does not let them", () =>
    Effect.gen(function* () {
      const { ada } = yield* begin
      assertProblem(yield* ada("POST", "/auth/organizations", { name: "A" }), 403, "OrganizationCreationRefused")
    }).pipe(Effect.provide(layer({ settings: { mayCreate: false } }))),
  )

  it.effect("list the caller's, and apart what can be restored", () =>
    Effect.gen(function* () {
      const { ada, organization } = yield* begin
      yield* TestClock.adjust("1 second")
      yield* ada("POST", "/auth/organizations", { name: "Mills" })
      const names = (response: TestResponse) => {
        const list = at(response.json, "organizations")
        return Array.isArray(list) ? list.map((own) => at(own, "organization", "name")) : assert.fail(response.text)
      }
      assert.deepStrictEqual(names(yield* ada("GET", "/auth/organizations")), ["Mills", "Engines"])
      const first = yield* ada("GET", "/auth/organizations?limit=1")
      assert.deepStrictEqual(names(first), ["Mills"])
      const rest = yield* ada("GET", `/auth/organizations?limit=1&cursor=${textAt(first, "cursor")}`)
      assert.deepStrictEqual([names(rest), at(rest.json, "cursor")], [["Engines"], null])
      assert.deepStrictEqual(names(yield* ada("GET", "/auth/organizations?search=eng")), ["Engines"])
      assert.strictEqual((yield* ada("DELETE", `/auth/organizations/${organization.id}`)).status, 204)
      assert.deepStrictEqual(names(yield* ada("GET", "/auth/organizations?deleted=false")), ["Mills"])
      assert.deepStrictEqual(names(yield* ada("GET", "/auth/organizations?deleted=true")), ["Engines"])
      for (const query of ["limit=0", "limit=101", "limit=x", "deleted=yes", `search=${"x".repeat(201)}`]) {
        assertProblem(yield* ada("GET", `/auth/organizations?${query}`), 422, "InvalidRequest")
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("say whether a slug is free", () =>
    Effect.gen(function* () {
      const { eve } = yield* begin
      assertAnswer(yield* eve("GET", "/auth/organization-slugs/engines"), 200, { isAvailable: false })
      assertAnswer(yield* eve("GET", "/auth/organization-slugs/mills"), 200, { slug: "mills", isAvailable: true })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("show and change an organization, by id or slug", () =>
    Effect.gen(function* () {
      const { ada, bob, eve, organization } = yield* begin
      for (const ref of ["engines", organization.id]) {
        const shown = yield* bob("GET", `/auth/organizations/${ref}`)
        assertAnswer(shown, 200, { counts: { members: 2, owners: 1, teams: 0, pendingInvitations: 0 } })
        assert.strictEqual(textAt(shown, "organization", "id"), organization.id)
      }
      assertProblem(yield* eve("GET", path), 404, "OrganizationNotFound")
      assertProblem(yield* ada("GET", "/auth/organizations/No%20Form"), 404, "OrganizationNotFound")
      assertAnswer(yield* ada("PATCH", path, { name: "Mills", slug: "mills" }), 200, { name: "Mills", slug: "mills" })
      assertProblem(yield* ada("GET", path), 404, "OrganizationNotFound")
      const refused = yield* bob("PATCH", "/auth/organizations/mills", { name: "Mine" })
      assertProblem(refused, 403, "PermissionMissing", { reason: "permission", missing: ["organization:update"] })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("delete and restore an organization in a fresh session", () =>
    Effect.gen(function* () {
      const { ada } = yield* begin
      assertProblem(yield* ada("POST", `${path}/restore`), 409, "DeletionRefused", { reason: "not-deleted" })
      assert.strictEqual((yield* ada("DELETE", path)).status, 204)
      assertProblem(yield* ada("GET", path), 404, "OrganizationNotFound")
      assertAnswer(yield* ada("POST", `${path}/restore`), 200, { slug: "engines", deletedAt: null })
      yield* TestClock.adjust("10 minutes")
      for (const [method, it] of [
        ["DELETE", path],
        ["POST", `${path}/restore`],
      ] as const) {
        assertProblem(yield* ada(method, it), 403, "SessionNotFresh")
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("hand an organization over, and let its people leave", () =>
    Effect.gen(function* () {
      const { ada, bob, memberId, ownerId } = yield* begin
      const nobody = yield* ada("POST", `${path}/transfer`, { memberId: "01890000-0000-7000-8000-000000000000" })
      assertProblem(nobody, 404, "MemberNotFound")
      const ghost = yield* ada("POST", `${path}/transfer`, { memberId, keeps: ["ghost"] })
      assertProblem(ghost, 404, "RoleNotFound", { roles: ["ghost"] })
      assertProblem(yield* ada("POST", `${path}/leave`), 409, "LastOwner")
      assert.strictEqual((yield* ada("POST", `${path}/transfer`, { memberId })).status, 204)
      const back = yield* ada("POST", `${path}/transfer`, { memberId: ownerId })
      assertProblem(back, 403, "PermissionMissing", { missing: ["organization:transfer"] })
      assert.strictEqual((yield* ada("POST", `${path}/leave`)).status, 204)
      assertProblem(yield* ada("POST", `${path}/leave`), 404, "OrganizationNotFound")
      assertAnswer(yield* bob("GET", `${path}/access`), 200, { roles: ["member", "owner"] })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("say what the caller may", () =>
    Effect.gen(function* () {
      const { bob, eve, memberId } = yield* begin
      const access = yield* bob("GET", `${path}/access`)
      assertAnswer(access, 200, { memberId, roles: ["member"] })
      assert.isFalse(access.text.includes("permissionSet"))
      const check = (...permissions: ReadonlyArray<string>) => bob("POST", `${path}/access/check`, { permissions })
      assertAnswer(yield* check("member:read", "project:read"), 200, { isAllowed: true, missing: [] })
      const some = yield* check("member:read", "project:delete", "unknown:thing")
      assertAnswer(some, 200, { isAllowed: false, missing: ["project:delete", "unknown:thing"] })
      assertProblem(yield* check(), 422, "InvalidRequest")
      assertProblem(yield* check("no permission"), 422, "InvalidRequest")
      const outside = yield* eve("POST", `${path}/access/check`, { permissions: ["member:read"] })
      assertProblem(outside, 404, "OrganizationNotFound")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("show what happened to those who may see it", () =>
    Effect.gen(function* () {
      const { ada, bob, people } = yield* begin
      yield* ada("PATCH", path, { name: "Mills" })
      const shown = yield* ada("GET", `${path}/audit-events?search=organization.&userId=${people.ada.actor.user.id}`)
      assert.strictEqual(shown.status, 200, shown.text)
      assert.deepInclude(at(shown.json, "events", "0"), {
        type: "organization.updated",
        before: { name: "Engines" },
        after: { name: "Mills" },
      })
      assertProblem(yield* bob("GET", `${path}/audit-events`), 403, "PermissionMissing", { missing: ["audit:read"] })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("choose what the session acts for, which a header overrides", () =>
    Effect.gen(function* () {
      const { bob, eve, organization } = yield* begin
      const active = (headers: Readonly<Record<string, string>> = {}) =>
        bob("GET", "/auth/active-organization", undefined, headers)
      const choose = (name: string) => bob("POST", "/auth/active-organization", { organization: name })
      assertAnswer(yield* active(), 200, { source: "only" })
      assertAnswer(yield* choose("engines"), 200, { organizationId: organization.id })
      assertAnswer(yield* active(), 200, { source: "session" })
      assert.strictEqual((yield* bob("DELETE", "/auth/active-organization")).status, 204)
      assertAnswer(yield* active(), 200, { source: "last-used" })
      assertAnswer(yield* active({ "belfry-organization": "engines" }), 200, { source: "request" })
      assertProblem(yield* active({ "belfry-organization": "nowhere" }), 404, "OrganizationNotFound")
      for (const name of ["nowhere", "No Form"]) assertProblem(yield* choose(name), 404, "OrganizationNotFound")
      const none = yield* eve("GET", "/auth/active-organization")
      assertAnswer(none, 200, { membership: null, source: null })
    }).pipe(Effect.provide(layer())),
  )
})

const isOfMemberships = (path: string) => path.includes("/access") || path.includes("active-organization")

const away = Effect.fail(
  new StoreError({ store: "OrganizationStore", method: "any", isRetryable: true, cause: "away" }),
)

const layerAway = Layer.succeed(
  Organizations,
  Organizations.of({
    create: () => away,
    list: () => away,
    get: () => away,
    isSlugAvailable: () => away,
    update: () => away,
    remove: () => away,
    restore: () => away,
    transfer: () => away,
    leave: () => away,
    auditEvents: () => away,
  }),
).pipe(Layer.provideMerge(layer({} satisfies Options)))
