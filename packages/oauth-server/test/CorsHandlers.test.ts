import * as CorsHandlers from "@belfry/oauth-server/CorsHandlers"
import { CoreApi } from "@belfry/core/CoreApi"
import * as CoreHandlers from "@belfry/core/CoreHandlers"
import { OAuthServerApi } from "@belfry/oauth-server/OAuthServerApi"
import * as OAuthServerHandlers from "@belfry/oauth-server/OAuthServerHandlers"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import * as Management from "./support/Management.ts"

/** All of this package, and a host that lets one other origin in with the user's cookie. */
const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Layer.Success<ReturnType<typeof Management.layer>>>()
  const app = Layer.mergeAll(HttpApiBuilder.layer(CoreApi), HttpApiBuilder.layer(OAuthServerApi)).pipe(
    Layer.provide(OAuthServerHandlers.layer),
    Layer.provide(CoreHandlers.layer),
    Layer.provideMerge(HttpRouter.cors({ allowedOrigins: ["https://own.example"], credentials: true })),
    Layer.provideMerge(CorsHandlers.layer),
    Layer.provide(Layer.succeedContext(services)),
  )
  return yield* TestHttp.serve(app, Management.home)
})

const origin = "https://spa.example"

describe("OpenID Connect Core §5.3", () => {
  it.effect("SHOULD let pages of any origin ask UserInfo, and see why they are refused", () =>
    Effect.gen(function* () {
      const send = yield* serve
      for (const method of ["GET", "POST"]) {
        const preflight = yield* send("/auth/oauth2/userinfo", {
          method: "OPTIONS",
          headers: {
            origin,
            "access-control-request-method": method,
            "access-control-request-headers": "authorization",
          },
        })
        assert.strictEqual(preflight.status, 204)
        assert.include(preflight.headers.get("access-control-allow-methods"), method)
        assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /\bauthorization\b/iu)
        const refused = yield* send("/auth/oauth2/userinfo", { method, headers: { origin } })
        assert.strictEqual(refused.status, 401)
        assert.strictEqual(refused.headers.get("access-control-allow-origin"), "*")
        assert.match(refused.headers.get("access-control-expose-headers") ?? "", /\bwww-authenticate\b/iu)
      }
    }).pipe(Effect.provide(Management.layer())),
  )
})

describe("RFC 9700 §2.6", () => {
  it.effect("lets pages of any origin call what takes no cookie, without credentials", () =>
    Effect.gen(function* () {
      const send = yield* serve
      for (const [path, methods] of CorsHandlers.openPaths) {
        for (const from of [origin, "https://own.example", "null"]) {
          const preflight = yield* send(path, {
            method: "OPTIONS",
            headers: { origin: from, "access-control-request-method": methods.split(", ")[0] ?? "" },
          })
          assert.strictEqual(preflight.status, 204)
          assert.strictEqual(preflight.headers.get("access-control-allow-origin"), "*")
          assert.strictEqual(preflight.headers.get("access-control-allow-methods"), methods)
          assert.isNull(preflight.headers.get("access-control-allow-credentials"))
          const answer = yield* send(path, {
            method: methods.includes("GET") ? "GET" : "POST",
            headers: { origin: from },
          })
          assert.notStrictEqual(answer.status, 404, path)
          assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*", path)
          assert.isNull(answer.headers.get("access-control-allow-credentials"), path)
        }
      }
    }).pipe(Effect.provide(Management.layer({ settings: { registration: "open" } }))),
  )

  it.effect("MUST NOT let other origins call the authorization endpoint, nor what stands on cookies", () =>
    Effect.gen(function* () {
      const send = yield* serve
      for (const path of [
        "/auth/oauth2/authorize?client_id=x",
        "/auth/oauth2/continue?request=x",
        "/auth/oauth2/consent",
        "/auth/oauth2/end-session",
        "/auth/oauth2/introspect",
        "/auth/oauth2/clients",
        "/auth/oauth2/consents",
        "/auth/session",
        "/auth/oauth2/token/",
        "/auth/oauth2/TOKEN",
      ]) {
        for (const method of ["GET", "POST", "OPTIONS"]) {
          const answer = yield* send(path, { method, headers: { origin } })
          const allowed = answer.headers.get("access-control-allow-origin")
          assert.include([null, "https://own.example"], allowed, `${method} ${path}`)
        }
      }
    }).pipe(Effect.provide(Management.layer())),
  )
})
