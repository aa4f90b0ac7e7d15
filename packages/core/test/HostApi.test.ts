import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { asProblem, RequestGuard } from "@belfry/core/ProblemApi"
import {
  Authentication,
  CurrentSession,
  CurrentUser,
  FreshSession,
  RequiredScopes,
  ScopeCheck,
} from "@belfry/core/SessionsApi"
import { Users } from "@belfry/core/Users"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { TestClock } from "effect/testing"
import * as TestApp from "./support/TestApp.ts"
import * as TestCore from "./support/TestCore.ts"
import * as TestHttp from "./support/TestHttp.ts"

const { problem, problemOf, signIn } = TestApp

class ReportLocked extends Schema.TaggedError<ReportLocked>("host/ReportLocked")("ReportLocked", {
  until: Schema.DateTimeUtc,
}) {}

class StoreError extends Schema.TaggedError<StoreError>("host/StoreError")("StoreError", {}) {}

const Reports = Schema.Struct({ reader: Schema.String, session: Schema.String })

/** What a host writes of its own, with Belfry's middleware on it. */
const HostApi = HttpApi.make("host")
  .add(
    HttpApiGroup.make("reports")
      .add(
        HttpApiEndpoint.get("reports", "/reports", { success: Reports })
          .annotate(RequiredScopes, ["reports:read"])
          .middleware(ScopeCheck)
          .middleware(Authentication),
        HttpApiEndpoint.post("publish", "/reports", { success: Schema.String })
          .annotate(RequiredScopes, ["reports:read", "reports:write"])
          .middleware(ScopeCheck)
          .middleware(FreshSession)
          .middleware(Authentication),
        HttpApiEndpoint.get("locked", "/reports/locked", {
          success: Schema.String,
          error: [
            ReportLocked.pipe(asProblem({ status: 409, title: "Conflict" })),
            StoreError.pipe(asProblem({ status: 409, title: "Conflict" })),
          ],
          query: { why: Schema.Literals(["locked", "store"]) },
        }).middleware(Authentication),
      )
      .middleware(RequestGuard),
  )
  .add(
    HttpApiGroup.make("administration")
      .add(
        HttpApiEndpoint.get("all", "/administration", { success: Schema.String })
          .annotate(RequiredScopes, ["audit:read"])
          .middleware(ScopeCheck)
          .middleware(Authentication),
      )
      .annotate(RequiredScopes, ["admin"]),
  )

const layerReports = HttpApiBuilder.group(HostApi, "reports", (handlers) =>
  handlers.handleAll({
    reports: () =>
      Effect.gen(function* () {
        return { reader: (yield* CurrentUser).email, session: (yield* CurrentSession).id }
      }),
    publish: () => Effect.succeed("published"),
    locked: ({ query }) =>
      query.why === "store"
        ? Effect.fail(new StoreError())
        : Effect.fail(new ReportLocked({ until: DateTime.makeUnsafe("2026-01-01T00:00:00Z") })),
  }),
)

const layerAdministration = HttpApiBuilder.group(HostApi, "administration", (handlers) =>
  handlers.handle("all", () => Effect.succeed("everything")),
)

const open = TestHttp.open(
  HttpApiBuilder.layer(HostApi).pipe(
    Layer.provide(Layer.merge(layerReports, layerAdministration)),
    Layer.provide(CoreHandlers.layerMiddleware),
  ),
  "http://localhost:3000",
)

const signInWith = (...scopes: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const person = yield* signIn
    yield* Users.use((users) => users.update(person.user.id, { scopes }))
    return person
  })

describe("A host's own API with Belfry's middleware", () => {
  it.effect("knows who is calling, by cookie and by bearer token", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { session, token, user } = yield* signInWith("reports:read")
      for (const credentials of [{ cookie: token }, { bearer: token }]) {
        const answer = yield* call({ to: "GET /reports", ...credentials })
        assert.deepStrictEqual([answer.status, answer.json], [200, { reader: user.email, session: session.id }])
      }
      assert.deepStrictEqual(problemOf(yield* call({ to: "GET /reports" })), problem(401, "SessionInvalid"))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("asks for every scope of the endpoint, and says which", () =>
    Effect.gen(function* () {
      const call = yield* open
      const required = ["reports:read", "reports:write"]
      for (const scopes of [[], ["reports:write"], ["reports:read"], ["reports"], ["admin"]]) {
        const { token } = yield* signInWith(...scopes)
        const answer = yield* call({ to: "POST /reports", cookie: token })
        assert.deepStrictEqual(problemOf(answer), problem(403, "ScopesMissing", { required }))
      }
      const { token } = yield* signInWith("other", ...required)
      assert.strictEqual((yield* call({ to: "POST /reports", cookie: token })).status, 200)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("asks for the scopes of the group as well", () =>
    Effect.gen(function* () {
      const call = yield* open
      const required = ["admin", "audit:read"]
      for (const scopes of [["admin"], ["audit:read"]]) {
        const { token } = yield* signInWith(...scopes)
        const answer = yield* call({ to: "GET /administration", cookie: token })
        assert.deepStrictEqual(problemOf(answer), problem(403, "ScopesMissing", { required }))
      }
      const { token } = yield* signInWith(...required)
      assert.strictEqual((yield* call({ to: "GET /administration", cookie: token })).status, 200)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("takes a scope away at the next request", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token, user } = yield* signInWith("reports:read")
      assert.strictEqual((yield* call({ to: "GET /reports", bearer: token })).status, 200)
      yield* Users.use((users) => users.update(user.id, { scopes: [] }))
      assert.strictEqual((yield* call({ to: "GET /reports", bearer: token })).status, 403)
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("asks for a fresh session and guards against other origins where it says so", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signInWith("reports:read", "reports:write")
      const headers = { "sec-fetch-site": "cross-site" }
      const crossSite = yield* call({ to: "POST /reports", cookie: token, headers })
      assert.deepStrictEqual(problemOf(crossSite), problem(403, "CrossOriginRequest"))
      yield* TestClock.adjust("10 minutes")
      const stale = yield* call({ to: "POST /reports", cookie: token })
      assert.deepStrictEqual(problemOf(stale), problem(403, "SessionNotFresh", { maxAge: 600 }))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("answers its own failures as problems, with their fields, whatever they are called", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { token } = yield* signIn
      const locked = yield* call({ to: "GET /reports/locked?why=locked", cookie: token })
      const until = "2026-01-01T00:00:00.000Z"
      assert.deepStrictEqual(problemOf(locked), problem(409, "ReportLocked", { until }))
      const store = yield* call({ to: "GET /reports/locked?why=store", cookie: token })
      assert.deepStrictEqual(problemOf(store), problem(409, "StoreError"))
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it("has the failures of the middleware in its own OpenAPI document", () => {
    const { paths } = OpenApi.fromApi(HostApi)
    const statuses = Object.keys(paths["/reports"]?.post?.responses ?? {})
    assert.deepStrictEqual(statuses.sort(), ["200", "401", "403", "422", "503"])
  })
})

describe("asProblem", () => {
  const Wire = ReportLocked.pipe(asProblem({ status: 409, title: "Conflict" }))
  const locked = new ReportLocked({ until: DateTime.makeUnsafe("2026-01-01T00:00:00Z") })
  const codec = Schema.toCodecJson(Wire)

  it.effect("reads back what it writes", () =>
    Effect.gen(function* () {
      const wire = yield* Schema.encodeEffect(codec)(locked)
      assert.deepStrictEqual(wire, {
        type: "about:blank",
        title: "Conflict",
        status: 409,
        _tag: "ReportLocked",
        until: "2026-01-01T00:00:00.000Z",
      })
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(codec)(wire), locked)
    }),
  )

  it.effect("reads a problem whose sender left out what may be left out", () =>
    Effect.gen(function* () {
      const wire = { _tag: "ReportLocked", until: "2026-01-01T00:00:00.000Z", detail: "more" }
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(codec)(wire), locked)
    }),
  )

  it.effect("reads no problem of another tag", () =>
    Effect.gen(function* () {
      const wire = { type: "about:blank", title: "Conflict", status: 409, _tag: "Other", until: "2026-01-01T00:00:00Z" }
      assert.strictEqual((yield* Effect.flip(Schema.decodeUnknownEffect(codec)(wire)))._tag, "SchemaError")
    }),
  )
})
