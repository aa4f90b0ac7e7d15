import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import {
  type Browser,
  browser,
  layerServices,
  mailedLink,
  password,
  problemOf,
  serve,
  signUp,
} from "./support/PageBrowser.ts"
import { appCode, mailedCode, secretOf, sessionOf, signUpWithTotp } from "./support/PageFactors.ts"

const email = "ada@example.com"

/** Signs in by the password as far as that goes. */
const begin = Effect.fnUntraced(function* (visitor: Browser, returnTo?: string) {
  const signedIn = yield* visitor.submit("/sign-in", {
    email,
    password,
    ...(returnTo === undefined ? {} : { return_to: returnTo }),
  })
  assert.deepStrictEqual([signedIn.status, signedIn.location], [303, "/sign-in/continue"])
  assert.isFalse(visitor.cookies.has("__Host-belfry_session"))
})

describe("a sign-in by password and authenticator app", () => {
  it.effect("asks for the app's code, then leads to where the reader wanted to go", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const { secret } = yield* signUpWithTotp(browser(site), email)
      const ada = browser(site)
      yield* begin(ada, "/app")
      const page = yield* ada.open("/sign-in/continue")
      assert.include(page.text, "You are signing in as ada@example.com.")
      assert.include(page.text, "Enter the code that your authenticator app shows now.")
      assert.match(page.text, /<input id="code"[^>]* inputmode="numeric" autocomplete="one-time-code"/u)
      assert.include(page.text, 'href="/sign-in/continue?factor=backup-code">Use a backup code instead')
      yield* TestClock.adjust("30 seconds")
      const done = yield* ada.submit("/sign-in/continue", { factor: "totp", code: yield* appCode(secret) })
      assert.deepStrictEqual([done.status, done.location], [303, "/app"])
      assert.deepStrictEqual([...ada.cookies.keys()], ["__Host-belfry_session"])
      const { session } = yield* sessionOf(ada)
      assert.deepStrictEqual([...session.amr], ["pwd", "otp", "mfa"])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("counts down wrong codes, stops after five, and lets the person start again", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const { secret } = yield* signUpWithTotp(browser(site), email)
      const ada = browser(site)
      yield* begin(ada)
      yield* TestClock.adjust("30 seconds")
      const right = yield* appCode(secret)
      const wrong = ada.submit("/sign-in/continue", { factor: "totp", code: right === "000000" ? "111111" : "000000" })
      const first = yield* wrong
      assert.deepStrictEqual(
        [first.status, problemOf(first, "code")],
        [401, "The code is not right. You have 4 tries left"],
      )
      yield* wrong
      yield* wrong
      assert.strictEqual(problemOf(yield* wrong, "code"), "The code is not right. You have one try left")
      const locked = yield* wrong
      assert.strictEqual(locked.status, 409)
      assert.include(locked.text, "Too many wrong codes")
      assert.isFalse(ada.cookies.has("__Host-belfry_sign_in"))
      assert.strictEqual((yield* ada.submit("/sign-in/continue", { factor: "totp", code: right })).status, 409)
      yield* begin(ada)
      const done = yield* ada.submit("/sign-in/continue", { factor: "totp", code: right })
      assert.strictEqual(done.location, "/account")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("asks for what is missing", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUpWithTotp(browser(site), email)
      const ada = browser(site)
      yield* begin(ada)
      const page = yield* ada.submit("/sign-in/continue", { factor: "totp" })
      assert.deepStrictEqual([page.status, problemOf(page, "code")], [422, "Enter the code"])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says how long to wait when the account was tried too often", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUpWithTotp(browser(site), email)
      for (let round = 0; round < 2; round++) {
        const eve = browser(site)
        yield* begin(eve)
        for (let count = 0; count < 5; count++) {
          yield* eve.submit("/sign-in/continue", { factor: "totp", code: "000000" })
        }
      }
      const ada = browser(site)
      yield* begin(ada)
      const page = yield* ada.submit("/sign-in/continue", { factor: "totp", code: "000000" })
      assert.strictEqual(page.status, 429)
      assert.match(page.headers.get("retry-after") ?? "", /^[1-9]\d*$/u)
      assert.match(problemOf(page, "code") ?? "", /^Too many attempts\. Try again in \d+ minutes?$/u)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("takes a backup code once, however it is typed", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const { backupCodes } = yield* signUpWithTotp(browser(site), email)
      const [code = ""] = backupCodes
      const ada = browser(site)
      yield* begin(ada)
      const page = yield* ada.open("/sign-in/continue?factor=backup-code")
      assert.include(page.text, "Enter one of the backup codes")
      assert.include(page.text, "Use your authenticator app instead")
      const typed = ` ${code.toLowerCase().replaceAll("-", " ")}`
      const done = yield* ada.submit("/sign-in/continue", { factor: "backup-code", code: typed })
      assert.deepStrictEqual([done.status, done.location], [303, "/account"])
      assert.include((yield* ada.open("/account")).text, "9 codes are left.")
      const again = browser(site)
      yield* begin(again)
      const refused = yield* again.submit("/sign-in/continue", { factor: "backup-code", code })
      assert.strictEqual(refused.status, 401)
      assert.include(refused.text, "Enter one of the backup codes")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is what follows a code or a link by mail, too", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUpWithTotp(browser(site), email)
      const ada = browser(site)
      yield* ada.submit("/sign-in/email", { email, method: "email-code" })
      const byCode = yield* ada.submit("/sign-in/code", { code: yield* mailedCode(email) })
      assert.strictEqual(byCode.location, "/sign-in/continue")
      const other = browser(site)
      yield* other.submit("/sign-in/email", { email, method: "magic-link" })
      const { token } = yield* mailedLink(email, "sign-in-link")
      assert.strictEqual((yield* other.submit("/sign-in/link", { token })).location, "/sign-in/continue")
      for (const visitor of [ada, other]) {
        assert.include((yield* visitor.open("/sign-in/continue")).text, "your authenticator app shows")
        assert.strictEqual((yield* visitor.open("/account")).status, 303)
      }
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("a code generator", () => {
  it.effect("that ran away is caught up with by two codes in a row", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const owner = browser(site)
      yield* signUp(owner, email)
      const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
      // RFC 4226 appendix D, and codes of later counters of the same secret.
      assert.strictEqual(
        (yield* owner.submit("/account/hotp", { action: "start", secret: "GEZD GNBV GY3T QOJQ gezd gnbv gy3t qojq" }))
          .location,
        "/account/hotp",
      )
      const page = yield* owner.open("/account/hotp")
      assert.strictEqual(secretOf(page).replaceAll(" ", ""), secret)
      const wrong = yield* owner.submit("/account/hotp", { action: "confirm", code: "000000" })
      assert.strictEqual(wrong.status, 401)
      assert.match(problemOf(wrong, "code") ?? "", /^The code is not right/u)
      assert.strictEqual(secretOf(wrong), secretOf(page))
      const confirmed = yield* owner.submit("/account/hotp", { action: "confirm", code: "755224" })
      assert.strictEqual(confirmed.status, 200)
      const ada = browser(site)
      yield* begin(ada)
      const form = yield* ada.open("/sign-in/continue")
      assert.include(form.text, 'href="/sign-in/continue?factor=hotp&amp;resync=1"')
      assert.notInclude(form.text, 'name="next_code"')
      const both = yield* ada.open("/sign-in/continue?factor=hotp&resync=1")
      assert.include(both.text, 'name="next_code"')
      const missing = yield* ada.submit("/sign-in/continue", { factor: "hotp", code: "254676", next_code: "" })
      assert.deepStrictEqual([missing.status, problemOf(missing, "next_code")], [422, "Enter the next code, too"])
      // Counters 8 and 9: further ahead than one code alone may be.
      const alone = yield* ada.submit("/sign-in/continue", { factor: "hotp", code: "399871" })
      assert.strictEqual(alone.status, 401)
      const done = yield* ada.submit("/sign-in/continue", { factor: "hotp", code: "399871", next_code: "520489" })
      assert.deepStrictEqual([done.status, done.location], [303, "/account"])
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("the page of the next factor", () => {
  it.effect("is not there without a sign-in, nor before its first factor", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      assert.strictEqual((yield* ada.open("/sign-in/continue")).location, "/sign-in")
      assert.strictEqual((yield* ada.submit("/sign-in/continue", { factor: "totp", code: "1" })).status, 409)
      yield* ada.submit("/sign-in/email", { email, method: "email-code" })
      assert.strictEqual((yield* ada.open("/sign-in/continue")).location, "/sign-in")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("takes no factor that the sign-in does not ask for", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUpWithTotp(browser(site), email)
      const ada = browser(site)
      yield* begin(ada)
      for (const factor of ["password", "email-code", "oauth", "toString", ""]) {
        const page = yield* ada.submit("/sign-in/continue", { factor, password, code: "000000" })
        assert.strictEqual(page.status, 200, factor)
        assert.include(page.text, "your authenticator app shows", factor)
      }
      assert.isFalse(ada.cookies.has("__Host-belfry_session"))
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("cancels by a button: the sign-in is over wherever its cookie is", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const { secret } = yield* signUpWithTotp(browser(site), email)
      const ada = browser(site)
      yield* begin(ada)
      const copy = browser(site)
      for (const [name, value] of ada.cookies) copy.cookies.set(name, value)
      assert.include((yield* ada.open("/sign-in/continue")).text, '<form method="post" action="/sign-in/cancel"')
      const cancelled = yield* ada.submit("/sign-in/cancel", {})
      assert.deepStrictEqual([cancelled.status, cancelled.location], [303, "/sign-in"])
      assert.strictEqual(ada.cookies.size, 0)
      yield* TestClock.adjust("30 seconds")
      const late = yield* copy.submit("/sign-in/continue", { factor: "totp", code: yield* appCode(secret) })
      assert.strictEqual(late.status, 409)
      assert.include(late.text, "Start again")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("ends after fifteen minutes, with the way to start again", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUpWithTotp(browser(site), email)
      const ada = browser(site)
      yield* begin(ada)
      yield* TestClock.adjust("15 minutes")
      const page = yield* ada.open("/sign-in/continue")
      assert.strictEqual(page.status, 409)
      assert.include(page.text, "took too long")
      assert.include(page.text, 'href="/sign-in">Start again')
      assert.isFalse(ada.cookies.has("__Host-belfry_sign_in"))
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is left behind by who goes back to the sign-in page, and kept by who only asked for a code", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUpWithTotp(browser(site), email)
      const ada = browser(site)
      yield* begin(ada)
      yield* ada.open("/sign-in")
      assert.isFalse(ada.cookies.has("__Host-belfry_sign_in"))
      yield* ada.submit("/sign-in/email", { email, method: "email-code" })
      yield* ada.open("/sign-in")
      assert.isTrue(ada.cookies.has("__Host-belfry_sign_in"))
    }).pipe(Effect.provide(layerServices())),
  )
})
