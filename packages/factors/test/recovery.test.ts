/**
 * Getting back in: what still works, and what is dead afterwards.
 */
import { Users } from "@belfry/core/Users"
import * as Authenticator from "@belfry/testing/Authenticator"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  afterPassword,
  at,
  type Browser,
  credentials,
  open,
  sessionCookie,
  sessionOf,
  signedIn,
  textsAt,
} from "./support/Browser.ts"
import { takeCode } from "./support/Mailboxes.ts"
import { ada, layer, register } from "./support/People.ts"
import { assertProblem, invalidCredentials } from "./support/Problems.ts"

const newPassword = "trombone under water"

/** The code that an app shows now. */
const codeNow = (secret: Redacted.Redacted) =>
  Effect.map(DateTime.now, (now) => Redacted.value(Authenticator.type(secret).codeAt(now)))

const signInByCode = Effect.fnUntraced(function* (browser: Browser) {
  yield* browser.post("/auth/sign-in/email-code/send", { email: ada })
  return yield* browser.post("/auth/sign-in/email-code", { code: Redacted.value(yield* takeCode()) })
})

describe("Who forgot the password", () => {
  it.effect(
    "signs in by a code, chooses another one without the old, and the old one and every old session are dead",
    () =>
      Effect.gen(function* () {
        yield* register()
        const old = yield* signedIn()
        const browser = yield* open()
        assert.strictEqual(at(yield* signInByCode(browser), "status"), "complete")
        const before = browser.cookies.get(sessionCookie)
        assert.strictEqual((yield* browser.post("/auth/password/change", { newPassword })).status, 200)
        assert.notStrictEqual(browser.cookies.get(sessionCookie), before)
        assert.isNull(yield* sessionOf(old))
        const thief = yield* open()
        thief.cookies.set(sessionCookie, before ?? "")
        assert.isNull(yield* sessionOf(thief))
        assertProblem(yield* (yield* open()).post("/auth/sign-in/password", credentials), invalidCredentials)
        const answer = yield* (yield* open()).post("/auth/sign-in/password", { ...credentials, password: newPassword })
        assert.strictEqual(at(answer, "status"), "complete")
        assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["email"], acr: "aal1" })
      }).pipe(Effect.provide(layer)),
  )

  it.effect("does not get past a second factor by it", () =>
    Effect.gen(function* () {
      yield* register()
      const own = yield* signedIn()
      const secret = Redacted.make(String(at(yield* own.post("/auth/factors/totp", {}), "secret")))
      yield* own.post("/auth/factors/totp/confirm", { code: yield* codeNow(secret) })
      const browser = yield* open()
      assert.strictEqual(at(yield* signInByCode(browser), "status"), "continue")
      assert.strictEqual((yield* browser.post("/auth/password/change", { newPassword })).status, 401)
    }).pipe(Effect.provide(layer)),
  )
})

describe("Who signed up by a code", () => {
  it.effect("is nobody until the code came back, and then has an account with a proved address", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      yield* browser.post("/auth/sign-in/email-code/send", { email: ada })
      assert.isTrue(Option.isNone(yield* Users.use((users) => users.findByEmail(ada))))
      const code = Redacted.value(yield* takeCode())
      assert.strictEqual(at(yield* browser.post("/auth/sign-in/email-code", { code }), "status"), "complete")
      const user = yield* Users.use((users) => users.findByEmail(ada))
      assert.isTrue(Option.isSome(user) && user.value.emailVerifiedAt !== null)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("chooses a first password while the proof is fresh, and signs in with it", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      yield* signInByCode(browser)
      assert.strictEqual((yield* browser.post("/auth/password/change", { newPassword })).status, 200)
      const answer = yield* (yield* open()).post("/auth/sign-in/password", { email: ada, password: newPassword })
      assert.strictEqual(at(answer, "status"), "complete")
    }).pipe(Effect.provide(layer)),
  )
})

describe("Who lost the phone", () => {
  it.effect("signs in with a backup code, takes the app off, and then needs the password alone", () =>
    Effect.gen(function* () {
      yield* register()
      const own = yield* signedIn()
      const secret = Redacted.make(String(at(yield* own.post("/auth/factors/totp", {}), "secret")))
      const confirmed = yield* own.post("/auth/factors/totp/confirm", { code: yield* codeNow(secret) })
      const [code = ""] = textsAt(confirmed, "backupCodes")
      yield* TestClock.adjust("30 days")
      const browser = yield* afterPassword()
      const done = yield* browser.post("/auth/sign-in/backup-code", { code: code.toLowerCase().replace("-", " ") })
      assert.strictEqual(at(done, "status"), "complete")
      assert.deepStrictEqual(yield* sessionOf(browser), { amr: ["pwd", "otp", "mfa"], acr: "aal2" })
      assert.strictEqual((yield* browser.delete("/auth/factors/totp")).status, 204)
      // The other codes stood in for the app, and went with it.
      const enrolments = at(yield* browser.get("/auth/factors"), "enrolments")
      assert.deepStrictEqual(
        Array.isArray(enrolments) ? enrolments.map((enrolment) => Reflect.get(enrolment, "factor")) : [],
        ["password"],
      )
      yield* signedIn()
    }).pipe(Effect.provide(layer)),
  )
})
