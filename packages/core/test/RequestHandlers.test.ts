/**
 * Cookies of ours, as handlers read, send and clear them.
 */
import { clearCookie, cookieSession, readCookie, setCookie } from "@belfry/core/RequestHandlers"
import { Sessions } from "@belfry/core/Sessions"
import { Site } from "@belfry/core/Site"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { signIn } from "./support/SignIns.ts"
import * as TestCore from "./support/TestCore.ts"
import * as TestHttp from "./support/TestHttp.ts"

const name = "belfry_thing"
const attributes = "Path=/; HttpOnly; SameSite=Lax"

/** Answers what a request carries, sends cookies that end in each of the ways, and tells who is signed in. */
const open = Effect.gen(function* () {
  const site = yield* Site
  const sessions = yield* Sessions
  const value = Redacted.make("secret")
  const empty = HttpServerResponse.empty()
  const expiresAt = DateTime.makeUnsafe(86_400_000)
  const routes = Layer.mergeAll(
    HttpRouter.add("GET", "/read", (request) => {
      const found = readCookie(request, name, site)
      return Effect.succeed(HttpServerResponse.text(found === undefined ? "none" : Redacted.value(found)))
    }),
    HttpRouter.add("GET", "/kept", Effect.as(setCookie({ name, value }, site), empty)),
    HttpRouter.add("GET", "/for-a-while", Effect.as(setCookie({ name, value, maxAge: "1 hour" }, site), empty)),
    HttpRouter.add("GET", "/until", Effect.as(setCookie({ name, value, expiresAt }, site), empty)),
    HttpRouter.add("GET", "/cleared", Effect.as(clearCookie(name, site), empty)),
    HttpRouter.add("GET", "/who", (request) =>
      Effect.match(cookieSession(request, sessions, site), {
        onFailure: ({ _tag }) => HttpServerResponse.text(_tag),
        onSuccess: ({ session }) => HttpServerResponse.text(session.id),
      }),
    ),
  )
  return yield* TestHttp.open(routes, "http://localhost:3000")
})

describe("A cookie of ours", () => {
  it.effect("is read where it is there and not empty", () =>
    Effect.gen(function* () {
      const call = yield* open
      for (const [cookie, expected] of [
        [`${name}=secret`, "secret"],
        [`${name}=`, "none"],
        [`other=secret; ${name}x=secret`, "none"],
        [undefined, "none"],
      ] as const) {
        assert.strictEqual((yield* call({ to: "GET /read", headers: { cookie } })).text, expected, cookie)
      }
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("is kept until the browser is closed, for a while, or until an instant, and cleared", () =>
    Effect.gen(function* () {
      const call = yield* open
      const sent = (path: string) => Effect.map(call({ to: `GET ${path}` }), ({ cookies }) => cookies)
      assert.deepStrictEqual(yield* sent("/kept"), [`${name}=secret; ${attributes}`])
      assert.deepStrictEqual(yield* sent("/for-a-while"), [`${name}=secret; Max-Age=3600; ${attributes}`])
      assert.deepStrictEqual(yield* sent("/until"), [
        `${name}=secret; Path=/; Expires=Fri, 02 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax`,
      ])
      assert.deepStrictEqual(yield* sent("/cleared"), [
        `${name}=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax`,
      ])
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("that holds a session tells whose it is, and is sent again when that prolonged it", () =>
    Effect.gen(function* () {
      const call = yield* open
      const { session, token } = yield* signIn
      const who = (cookie?: Redacted.Redacted) => call({ to: "GET /who", cookie })
      assert.strictEqual((yield* who()).text, "SessionInvalid")
      assert.strictEqual((yield* who(Redacted.make("belfry_session_other"))).text, "SessionInvalid")
      const first = yield* who(token)
      assert.deepStrictEqual([first.text, first.cookies], [session.id, []])
      yield* TestClock.adjust("2 days")
      const later = yield* who(token)
      assert.deepStrictEqual(
        [later.text, later.cookies],
        [
          session.id,
          [
            `belfry_session=${Redacted.value(token)}; Path=/; Expires=Sat, 10 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax`,
          ],
        ],
      )
    }).pipe(Effect.provide(TestCore.layer)),
  )
})
