import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import * as Authenticator from "@belfry/testing/Authenticator"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  afterPassword,
  assertForgotten,
  at,
  type Browser,
  credentials,
  join,
  open,
  sessionOf,
  signedIn,
  textAt,
  textsAt,
} from "./support/Browser.ts"
import { bob, layer, mails, register } from "./support/People.ts"
import { assertProblem, problem } from "./support/Problems.ts"
import { codeOf } from "./support/SecondFactors.ts"
import type { TestResponse } from "./support/TestServer.ts"

const notEnrolled = (factor: string) => problem(404, "Not Found", "NotEnrolled", { factor })
const notFresh = problem(403, "Forbidden", "SessionNotFresh", { maxAge: 600 })
const refused = (reason: string) => problem(409, "Conflict", "SignInRefused", { reason })
const codeInvalid = (triesLeft: number | null) => problem(401, "Unauthorized", "CodeInvalid", { triesLeft })

/** The app that read the answer of a set-up. */
const scan = (response: TestResponse) => Authenticator.scan(Redacted.make(textAt(response, "uri")))

/** What a token shows for a counter. */
const shown = (app: Authenticator.Authenticator, counter: number) => Redacted.value(app.code(counter))

/** What an app shows now. */
const shownNow = (app: Authenticator.Authenticator) => Effect.map(codeOf(app), Redacted.value)

/** Sets up an app in the account. Its code of now is used up by that, so the clock moves on to the next one. */
const addApp = Effect.fnUntraced(function* (browser: Browser) {
  const app = scan(yield* browser.post("/auth/factors/totp", {}))
  const confirmed = yield* browser.post("/auth/factors/totp/confirm", { code: yield* shownNow(app) })
  yield* TestClock.adjust("30 seconds")
  return { app, confirmed }
})

/** Sets up a token in the account. Its code of counter 0 is used up by that. */
const addToken = Effect.fnUntraced(function* (browser: Browser) {
  const token = scan(yield* browser.post("/auth/factors/hotp", {}))
  const confirmed = yield* browser.post("/auth/factors/hotp/confirm", { code: shown(token, 0) })
  return { token, confirmed }
})

const signedUp = Effect.andThen(register(), signedIn())

/** What the password alone comes to, in another browser. */
const passwordAlone = Effect.flatMap(open(), (other) => other.post("/auth/sign-in/password", credentials))

describe("/auth/factors/totp", () => {
  it.effect("shows the secret until a first code confirms it, and the first backup codes then", () =>
    Effect.gen(function* () {
      const browser = yield* signedUp
      const begun = yield* browser.post("/auth/factors/totp", {})
      assert.strictEqual(begun.status, 200)
      assert.deepStrictEqual(Object.keys(Object(begun.json)), ["secret", "uri"])
      assert.match(textAt(begun, "secret"), /^[A-Z2-7]{32}$/)
      assert.include(textAt(begun, "uri"), textAt(begun, "secret"))
      assert.deepStrictEqual((yield* browser.get("/auth/factors/totp/pending")).json, begun.json)
      assert.strictEqual(at(yield* passwordAlone, "status"), "complete")

      const wrong = yield* browser.post("/auth/factors/totp/confirm", { code: "12345" })
      assertProblem(wrong, codeInvalid(null))
      const confirmed = yield* browser.post("/auth/factors/totp/confirm", { code: yield* shownNow(scan(begun)) })
      assert.strictEqual(confirmed.status, 200)
      assert.deepStrictEqual(Object.keys(Object(confirmed.json)), ["backupCodes"])
      assert.strictEqual(new Set(textsAt(confirmed, "backupCodes")).size, 10)
      assertProblem(yield* browser.get("/auth/factors/totp/pending"), notEnrolled("totp"))
      assert.include(yield* mails, "factor-enrolled")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes another algorithm and eight digits, and nothing beside those", () =>
    Effect.gen(function* () {
      const browser = yield* signedUp
      const app = scan(yield* browser.post("/auth/factors/totp", { algorithm: "SHA512", digits: 8 }))
      assert.deepStrictEqual([app.algorithm, app.digits], ["SHA512", 8])
      for (const choice of [{ algorithm: "MD5" }, { digits: 7 }, { digits: "6" }]) {
        const response = yield* browser.post("/auth/factors/totp", choice)
        assert.deepStrictEqual([response.status, at(response, "_tag")], [422, "InvalidRequest"])
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is set up once, and taken off once", () =>
    Effect.gen(function* () {
      const browser = yield* signedUp
      assertProblem(yield* browser.post("/auth/factors/totp/confirm", { code: "123456" }), notEnrolled("totp"))
      assertProblem(yield* browser.delete("/auth/factors/totp"), notEnrolled("totp"))
      yield* addApp(browser)
      assertProblem(
        yield* browser.post("/auth/factors/totp", {}),
        problem(409, "Conflict", "AlreadyEnrolled", { factor: "totp" }),
      )
      const removed = yield* browser.delete("/auth/factors/totp")
      assert.deepStrictEqual([removed.status, removed.text], [204, ""])
      assert.strictEqual(at(yield* passwordAlone, "status"), "complete")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks for a fresh session in every step", () =>
    Effect.gen(function* () {
      const browser = yield* signedUp
      const app = scan(yield* browser.post("/auth/factors/totp", {}))
      yield* TestClock.adjust("10 minutes")
      assertProblem(yield* browser.post("/auth/factors/totp", {}), notFresh)
      assertProblem(yield* browser.get("/auth/factors/totp/pending"), notFresh)
      assertProblem(yield* browser.post("/auth/factors/totp/confirm", { code: yield* shownNow(app) }), notFresh)
      assertProblem(yield* browser.delete("/auth/factors/totp"), notFresh)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is never a way into the account of another: a pending secret is of its user alone", () =>
    Effect.gen(function* () {
      const browser = yield* signedUp
      yield* register({ email: bob })
      yield* browser.post("/auth/factors/totp", {})
      const other = yield* open()
      yield* other.post("/auth/sign-in/password", { ...credentials, email: bob })
      assertProblem(yield* other.get("/auth/factors/totp/pending"), notEnrolled("totp"))
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/sign-in/totp", () => {
  it.effect("completes what the password began, and takes no code twice", () =>
    Effect.gen(function* () {
      const { app } = yield* addApp(yield* signedUp)
      const code = yield* shownNow(app)
      const browser = yield* afterPassword()
      const response = yield* browser.post("/auth/sign-in/totp", { code })
      assert.strictEqual(at(response, "status"), "complete")
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
      const again = yield* afterPassword()
      assertProblem(yield* again.post("/auth/sign-in/totp", { code }), codeInvalid(4))
      assert.isNull(yield* sessionOf(again))
    }).pipe(Effect.provide(layer)),
  )
})

describe("HOTP", () => {
  it.effect("is set up, proves, catches up by two codes in a row, and is taken off", () =>
    Effect.gen(function* () {
      const account = yield* signedUp
      const { token, confirmed } = yield* addToken(account)
      assert.deepStrictEqual([token.type, token.moving], ["hotp", 0])
      assert.strictEqual(textsAt(confirmed, "backupCodes").length, 10)
      const browser = yield* afterPassword()
      assert.deepStrictEqual(at(yield* browser.get("/auth/sign-in"), "factors"), ["hotp", "backup-code"])
      assertProblem(yield* browser.post("/auth/sign-in/hotp", { code: shown(token, 50) }), codeInvalid(4))
      const caughtUp = yield* browser.post("/auth/sign-in/hotp", {
        code: shown(token, 50),
        nextCode: shown(token, 51),
      })
      assert.strictEqual(at(caughtUp, "status"), "complete")
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
      const next = yield* afterPassword()
      assertProblem(yield* next.post("/auth/sign-in/hotp", { code: shown(token, 51) }), codeInvalid(4))
      assert.strictEqual((yield* next.post("/auth/sign-in/hotp", { code: shown(token, 52) })).status, 200)
      assert.strictEqual((yield* account.delete("/auth/factors/hotp")).status, 204)
      assertProblem(yield* account.delete("/auth/factors/hotp"), notEnrolled("hotp"))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes the secret and counter of a token that has them, and refuses what is no secret", () =>
    Effect.gen(function* () {
      const browser = yield* signedUp
      const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
      const begun = yield* browser.post("/auth/factors/hotp", { secret, counter: 5, digits: 6 })
      assert.deepStrictEqual([begun.status, textAt(begun, "secret"), scan(begun).moving], [200, secret, 5])
      assert.deepStrictEqual((yield* browser.get("/auth/factors/hotp/pending")).json, begun.json)
      // RFC 4226 appendix D, counter 5
      assert.strictEqual((yield* browser.post("/auth/factors/hotp/confirm", { code: "254676" })).status, 200)
      yield* browser.delete("/auth/factors/hotp")
      for (const wrong of ["GEZDGNBV", "not base32!"]) {
        const response = yield* browser.post("/auth/factors/hotp", { secret: wrong })
        assertProblem(response, problem(422, "Unprocessable Content", "SecretInvalid"))
        assert.notInclude(response.text, wrong)
      }
      for (const counter of [-1, 0.5]) {
        assert.strictEqual((yield* browser.post("/auth/factors/hotp", { counter })).status, 422)
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("A sign-in that demands an app or a token", () => {
  const policy = (...factors: ReadonlyArray<"totp" | "hotp">) =>
    Layer.provide(
      layer,
      Layer.succeed(SignInPolicy.SignInPolicy, {
        ...SignInPolicy.make(),
        enrolment: () => Effect.succeed(factors),
      }),
    )

  it.effect("is complete when the app was set up in it, and not before", () =>
    Effect.gen(function* () {
      yield* join
      const browser = yield* afterPassword()
      assert.deepStrictEqual(at(yield* browser.get("/auth/sign-in"), "enrol"), ["totp"])
      assertProblem(yield* browser.get("/auth/sign-in/enrol/totp"), notEnrolled("totp"))
      assertProblem(yield* browser.post("/auth/sign-in/enrol/hotp", {}), refused("factor-unavailable"))
      const begun = yield* browser.post("/auth/sign-in/enrol/totp", {})
      assert.deepStrictEqual((yield* browser.get("/auth/sign-in/enrol/totp")).json, begun.json)
      assertProblem(yield* browser.post("/auth/sign-in/enrol/totp/confirm", { code: "nonsense" }), codeInvalid(null))
      assert.isNull(yield* sessionOf(browser))
      const done = yield* browser.post("/auth/sign-in/enrol/totp/confirm", { code: yield* shownNow(scan(begun)) })
      assert.deepStrictEqual([at(done, "signIn", "status"), at(done, "signIn", "token")], ["complete", null])
      assert.strictEqual(textsAt(done, "backupCodes").length, 10)
      assertForgotten(done)
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
    }).pipe(Effect.provide(policy("totp"))),
  )

  it.effect("is complete when the token was set up in it, and answers programs in the body", () =>
    Effect.gen(function* () {
      yield* join
      const browser = yield* afterPassword()
      const token = scan(yield* browser.post("/auth/sign-in/enrol/hotp", { digits: 8 }))
      assert.strictEqual((yield* browser.get("/auth/sign-in/enrol/hotp")).status, 200)
      const done = yield* browser.post("/auth/sign-in/enrol/hotp/confirm", {
        code: shown(token, 0),
        transport: "bearer",
      })
      assert.strictEqual(at(done, "signIn", "status"), "complete")
      assert.match(textAt(done, "signIn", "token"), /^belfry_session_/)
      assert.notProperty(done.cookies, "belfry_session")
    }).pipe(Effect.provide(policy("hotp"))),
  )
})
