/**
 * The middleware by which endpoints of a host act for an organization, at the level of HTTP.
 */
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { RequestGuard } from "@belfry/core/ProblemApi"
import { Authentication } from "@belfry/core/SessionsApi"
import { StoreError } from "@belfry/core/StoreError"
import * as MembershipHandlers from "@belfry/organization/MembershipHandlers"
import { CurrentMembership, MembershipCheck, RequiredPermissions } from "@belfry/organization/MembershipApi"
import { Memberships } from "@belfry/organization/Memberships"
import { Slug } from "@belfry/organization/Organization"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { access } from "@belfry/testing/TestAccess"
import * as TestHttp from "@belfry/testing/TestHttp"
import { at, type TestResponse } from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { home, layer, sender, signIn } from "./support/HostServer.ts"

const success = Schema.Struct({ organizationId: Schema.String, roles: Schema.Array(Schema.String) })

class ProjectsApi extends HttpApiGroup.make("projects")
  .add(
    HttpApiEndpoint.get("list", "/projects", { success }),
    HttpApiEndpoint.post("create", "/projects", { success }).annotate(RequiredPermissions, [
      access.permission("project:create"),
    ]),
    HttpApiEndpoint.get("ofOrganization", "/of/:organization/projects", {
      params: { organization: Schema.String },
      success,
    }),
  )
  .annotate(RequiredPermissions, [access.permission("project:read")])
  .middleware(MembershipCheck)
  .middleware(Authentication) {}

class HostApi extends HttpApi.make("host").add(ProjectsApi).middleware(RequestGuard) {}

const answer = () => Effect.map(CurrentMembership, ({ organizationId, roles }) => ({ organizationId, roles }))

const handlers = HttpApiBuilder.group(HostApi, "projects", (group) =>
  group.handleAll({ list: answer, create: answer, ofOrganization: answer }),
)

/** The host's server with what stands behind it. */
const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Layer.Success<ReturnType<typeof layer>>>()
  const app = HttpApiBuilder.layer(HostApi).pipe(
    Layer.provide(handlers),
    Layer.provide(MembershipHandlers.layerMembershipCheck),
    Layer.provide(CoreHandlers.layerMiddleware),
    Layer.provide(Layer.succeedContext(services)),
  )
  return sender(yield* TestHttp.serve(app, home))
})

/** `bob` is a member of one organization and an editor in another. */
const begin = Effect.gen(function* () {
  const { as } = yield* serve
  const { actor, token } = yield* signIn("bob")
  const one = yield* OrganizationBuilders.storedOrganization({ slug: Slug.make("one") })
  const { organization: two } = yield* OrganizationBuilders.storedOrganization({ slug: Slug.make("two") })
  yield* OrganizationBuilders.storedMember(one.organization.id, { user: actor.user })
  const join = OrganizationBuilders.storedMember(two.id, {
    user: actor.user,
    roles: OrganizationBuilders.builtIn("editor"),
  })
  const call = (path: string, headers: Readonly<Record<string, string>> = {}, method = "GET") =>
    as(token)(method, path, undefined, headers)
  return { actor, as, call, join, one: one.organization, two }
})

const assertFor = (response: TestResponse, organizationId: string, ...roles: ReadonlyArray<string>) => {
  assert.strictEqual(response.status, 200, response.text)
  assert.deepStrictEqual(response.json, { organizationId, roles })
}

const assertProblem = (response: TestResponse, status: number, tag: string) => {
  assert.deepStrictEqual([response.status, at(response.json, "_tag")], [status, tag], response.text)
  assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
}

describe("MembershipCheck", () => {
  it.effect("acts for the only organization, the one used last, and the session's default", () =>
    Effect.gen(function* () {
      const { actor, call, join, one, two } = yield* begin
      assertFor(yield* call("/projects"), one.id, "member")
      yield* join
      assertProblem(yield* call("/projects"), 409, "OrganizationRequired")
      const memberships = yield* Memberships
      yield* memberships.activate(actor, two.id)
      assertFor(yield* call("/projects"), two.id, "editor")
      yield* memberships.deactivate(actor)
      assertFor(yield* call("/projects"), two.id, "editor")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("acts for the organization of the header, by id or slug, whatever the session has chosen", () =>
    Effect.gen(function* () {
      const { actor, call, join, one, two } = yield* begin
      yield* join
      yield* Memberships.use((memberships) => memberships.activate(actor, two.id))
      assertFor(yield* call("/projects", { "belfry-organization": one.id }), one.id, "member")
      assertFor(yield* call("/projects", { "belfry-organization": " one " }), one.id, "member")
      assertFor(yield* call("/projects", { "Belfry-Organization": "two" }), two.id, "editor")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("acts for the organization of the path, whatever the header says", () =>
    Effect.gen(function* () {
      const { call, join, one, two } = yield* begin
      yield* join
      assertFor(yield* call("/of/one/projects"), one.id, "member")
      assertFor(yield* call(`/of/${two.id}/projects`, { "belfry-organization": one.id }), two.id, "editor")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds no organization that is not the caller's, and falls back to none that is", () =>
    Effect.gen(function* () {
      const { call } = yield* begin
      const foreign = yield* OrganizationBuilders.storedOrganization({ slug: Slug.make("foreign") })
      const nowhere = yield* OrganizationBuilders.organizationId
      for (const name of [
        foreign.organization.id,
        "foreign",
        nowhere,
        "nowhere",
        "",
        "No Such Form",
        "\u00FF",
        "%00",
      ]) {
        assertProblem(yield* call("/projects", { "belfry-organization": name }), 404, "OrganizationNotFound")
      }
      for (const name of [foreign.organization.id, "foreign", nowhere, "nowhere", "NO", "%00", "x".repeat(4000)]) {
        assertProblem(yield* call(`/of/${name}/projects`), 404, "OrganizationNotFound")
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks for the permissions of the endpoint and of its group, and says which are missing", () =>
    Effect.gen(function* () {
      const { call, join, two } = yield* begin
      const refused = yield* call("/projects", {}, "POST")
      assertProblem(refused, 403, "PermissionMissing")
      assert.deepStrictEqual(at(refused.json, "missing"), ["project:create"])
      yield* join
      assertFor(yield* call("/projects", { "belfry-organization": "two" }, "POST"), two.id, "editor")
      const billing = yield* signIn("carol")
      const roles = OrganizationBuilders.builtIn("billing")
      yield* OrganizationBuilders.storedMember(two.id, { user: billing.actor.user, roles })
      const { as } = yield* serve
      const nothing = yield* as(billing.token)("POST", "/projects")
      assertProblem(nothing, 403, "PermissionMissing")
      assert.deepStrictEqual(at(nothing.json, "missing"), ["project:read", "project:create"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks who is calling first", () =>
    Effect.gen(function* () {
      const { as, one } = yield* begin
      assertProblem(yield* as(null)("GET", `/of/${one.id}/projects`), 401, "SessionInvalid")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("cannot say without its store, and says so", () =>
    Effect.gen(function* () {
      const { token } = yield* signIn("dan")
      const { as } = yield* serve
      const response = yield* as(token)("GET", "/projects")
      assert.strictEqual(response.status, 503, response.text)
    }).pipe(
      Effect.provide(
        Layer.effect(
          Memberships,
          Effect.map(Memberships, (memberships) => Memberships.of({ ...memberships, active: () => Effect.fail(away) })),
        ).pipe(Layer.provideMerge(layer())),
      ),
    ),
  )
})

const away = new StoreError({ store: "MembershipStore", method: "findActive", isRetryable: true, cause: "away" })
