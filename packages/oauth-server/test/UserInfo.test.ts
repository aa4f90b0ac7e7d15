/**
 * The UserInfo endpoint, from a person's consent on: how it is asked, and what it tells of whom.
 */
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decodeJwt } from "jose"
import { layer, start, tokensFor, userInfo } from "./support/Attacker.ts"

const path = "/auth/oauth2/userinfo"

describe("RFC 6750 §2.1", () => {
  it.effect("MUST take a token in the Authorization header, and by no other scheme", () =>
    Effect.gen(function* () {
      const { app, browser, person, send } = yield* start
      const { accessToken } = yield* tokensFor(send, browser, app, { scope: "openid" })
      const by = (authorization: string) => send(path, { headers: { authorization } })
      for (const scheme of ["Bearer", "bearer", "BEARER"]) {
        assert.deepStrictEqual((yield* by(`${scheme} ${accessToken}`)).json, { sub: person.user.id }, scheme)
      }
      for (const authorization of [accessToken, `Token ${accessToken}`, `Bearer${accessToken}`, "Bearer"]) {
        assert.strictEqual((yield* by(authorization)).status, 401, authorization)
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("OpenID Connect Core §5.3.1", () => {
  it.effect("MUST be asked by GET and by POST, in the header or in a form", () =>
    Effect.gen(function* () {
      const { app, browser, person, post, send } = yield* start
      const { accessToken } = yield* tokensFor(send, browser, app, { scope: "openid" })
      const headers = { authorization: `Bearer ${accessToken}` }
      const answers = {
        get: yield* send(path, { headers }),
        "post header": yield* send(path, { method: "POST", headers }),
        "post header, empty form": yield* post("userinfo", {}, headers),
        "post body": yield* post("userinfo", { access_token: accessToken }),
      }
      for (const [way, answer] of Object.entries(answers)) {
        assert.strictEqual(answer.status, 200, way)
        assert.deepStrictEqual(answer.json, { sub: person.user.id }, way)
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("OpenID Connect Core §5.3.2", () => {
  it.effect("MUST answer with JSON, which nobody keeps, and with the sub of the ID token", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* start
      const { accessToken, idToken } = yield* tokensFor(send, browser, app)
      const answer = yield* userInfo(send, accessToken)
      assert.strictEqual(answer.headers.get("content-type"), "application/json")
      assert.strictEqual(answer.headers.get("cache-control"), "no-store")
      assert.strictEqual(TestHttp.textAt(answer, "sub"), decodeJwt(idToken).sub)
    }).pipe(Effect.provide(layer())),
  )
})

const profile = ["family_name", "given_name", "name", "updated_at"]
const email = ["email", "email_verified"]

describe("OpenID Connect Core §5.4", () => {
  it.effect("MUST tell the claims of each scope at UserInfo, and not in the ID token", () =>
    Effect.gen(function* () {
      const { app, browser, person, send } = yield* start
      assert.match(person.user.name ?? "", /^\S+ \S+/u)
      for (const [scope, expected] of [
        ["openid", []],
        ["openid profile", profile],
        ["openid email", email],
        ["openid profile email", [...profile, ...email]],
      ] as const) {
        const { accessToken, idToken } = yield* tokensFor(send, browser, app, { scope })
        const answer = yield* userInfo(send, accessToken)
        assert.sameMembers(Object.keys(Object(answer.json)), ["sub", ...expected], scope)
        const inIdToken = Object.keys(decodeJwt(idToken)).filter((name) => [...profile, ...email].includes(name))
        assert.deepStrictEqual(inIdToken, [], scope)
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("OpenID Connect Core §5.5", () => {
  it.effect("MUST tell single claims where they are asked for, as far as the person gave the scope of them", () =>
    Effect.gen(function* () {
      const { app, browser, person, send } = yield* start
      const claims = JSON.stringify({
        userinfo: { name: { essential: true }, unknown: null },
        id_token: { email: { essential: true }, name: null },
      })
      const withEmail = yield* tokensFor(send, browser, app, { scope: "openid email", claims })
      assert.strictEqual(decodeJwt(withEmail.idToken)["email"], person.user.email)
      assert.notProperty(decodeJwt(withEmail.idToken), "email_verified")
      assert.notProperty(decodeJwt(withEmail.idToken), "name")
      const withNeither = yield* tokensFor(send, browser, app, { scope: "openid", claims })
      assert.notProperty(decodeJwt(withNeither.idToken), "email")
      assert.deepStrictEqual((yield* userInfo(send, withNeither.accessToken)).json, { sub: person.user.id })
    }).pipe(Effect.provide(layer())),
  )
})
