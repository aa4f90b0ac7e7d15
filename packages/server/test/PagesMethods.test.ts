import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { browser, layerPolicy, layerServices, password, problemOf, serve, signUp } from "./support/PageBrowser.ts"
import { appCode, backupCodesOf, secretOf, setUpTotp, signInByMail, signUpWithTotp } from "./support/PageFactors.ts"

const email = "ada@example.com"

/** The part of the account page about one method, without tags. */
const methodOf = (text: string, title: string): string =>
  (new RegExp(`<h3>${title}</h3>([^]*?)</li>`, "u").exec(text)?.[1] ?? "")
    .replace(/<[^>]*>/gu, " ")
    .replace(/\s+/gu, " ")

describe("how somebody signs in", () => {
  it.effect("is an overview in the account: what is set up, since when, and the way to change it", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const before = (yield* ada.open("/account")).text
      assert.include(before, '<section id="sign-in-methods"')
      assert.include(methodOf(before, "Password"), "Set. Change password")
      assert.include(methodOf(before, "Authenticator app"), "Off Set up")
      assert.include(methodOf(before, "Code generator"), "Off Set up")
      assert.include(methodOf(before, "Passkeys"), "None yet.")
      assert.include(methodOf(before, "Backup codes"), "You get them when you set up one of the ways above.")
      yield* setUpTotp(ada)
      yield* TestClock.adjust("3 hours")
      const after = (yield* ada.open("/account")).text
      assert.include(methodOf(after, "Authenticator app"), "On Added 3 hours ago, never used Remove")
      assert.include(methodOf(after, "Backup codes"), "10 codes are left. New codes")
      assert.include(after, 'aria-label="Remove: Authenticator app"')
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("warns when three backup codes are left, or fewer", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const { backupCodes } = yield* signUpWithTotp(browser(site), email)
      let page = ""
      for (const [index, code] of backupCodes.slice(0, 7).entries()) {
        yield* TestClock.adjust("1 hour")
        const ada = browser(site)
        yield* ada.submit("/sign-in", { email, password })
        yield* ada.submit("/sign-in/continue", { factor: "backup-code", code })
        page = (yield* ada.open("/account")).text
        const text = methodOf(page, "Backup codes")
        assert.include(text, `${9 - index} codes are left.`)
        assert.strictEqual(text.includes("Make new ones before you run out."), index === 6)
      }
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("setting up an authenticator app", () => {
  it.effect("shows a QR code, the secret in groups of four, and the backup codes once", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const intro = yield* ada.open("/account/totp")
      assert.include(intro.text, "Show me the code to scan")
      assert.notInclude(intro.text, "<svg")
      assert.strictEqual((yield* ada.submit("/account/totp", { action: "start" })).location, "/account/totp")
      const page = yield* ada.open("/account/totp")
      assert.match(page.text, /<svg\s+class="qr"[^>]*\sviewBox="0 0 (\d+) \1"[^>]*\srole="img"\s+aria-label="QR code/u)
      assert.match(page.text, /<path fill="#000" d="M4 4h7v1h-7z/u)
      assert.match(secretOf(page), /^(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}$/u)
      assert.include(page.text, `href="otpauth://totp/Example:${encodeURIComponent(email)}?`)
      assert.strictEqual(page.headers.get("cache-control"), "no-store")
      // Looked at again it is the same secret: an app that has scanned it stays right.
      assert.strictEqual(secretOf(yield* ada.open("/account/totp")), secretOf(page))
      const right = yield* appCode(secretOf(page))
      const wrong = yield* ada.submit("/account/totp", { action: "confirm", code: right === "1" ? "2" : "1" })
      assert.strictEqual(wrong.status, 401)
      assert.match(problemOf(wrong, "code") ?? "", /^The code is not right\. Enter the one that the app shows now/u)
      assert.strictEqual(secretOf(wrong), secretOf(page))
      assert.strictEqual((yield* ada.submit("/account/totp", { action: "confirm" })).status, 422)
      const codes = yield* ada.submit("/account/totp", { action: "confirm", code: right })
      assert.strictEqual(codes.status, 200)
      assert.strictEqual(codes.headers.get("cache-control"), "no-store")
      assert.strictEqual(new Set(backupCodesOf(codes)).size, 10)
      assert.include(codes.text, "Backup codes of ada@example.com for Example")
      assert.include(codes.text, 'href="/account?done=totp-added">I have saved them')
      assert.include(codes.text, 'data-copy="Copy"')
      assert.strictEqual(codes.text.split("<script ").length, page.text.split("<script ").length + 1)
      assert.notInclude(codes.headers.get("content-security-policy"), "connect-src")
      const account = yield* ada.open("/account?done=totp-added")
      assert.include(account.text, "Your authenticator app is set up.")
      for (const code of backupCodesOf(codes)) assert.notInclude(account.text, code)
      // Sent once more by a reload it does nothing.
      assert.strictEqual(
        (yield* ada.submit("/account/totp", { action: "confirm", code: right })).location,
        "/account/totp",
      )
      assert.strictEqual((yield* ada.submit("/account/totp", { action: "start" })).location, "/account#sign-in-methods")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("needs a fresh proof, which leads back", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* TestClock.adjust("10 minutes")
      const confirm = "/account/confirm?return_to=%2Faccount%2Ftotp"
      assert.strictEqual((yield* ada.open("/account/totp")).location, confirm)
      assert.strictEqual((yield* ada.submit("/account/totp", { action: "start" })).location, confirm)
      yield* ada.open(confirm)
      const proved = yield* ada.submit("/account/confirm", { factor: "password", password, return_to: "/account/totp" })
      assert.strictEqual(proved.location, "/account/totp")
      assert.strictEqual((yield* ada.open("/account/totp")).status, 200)
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("setting up a code generator", () => {
  it.effect("makes a secret, or takes that of the device, and refuses one that is none", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      assert.include((yield* ada.open("/account/hotp")).text, 'name="secret"')
      for (const secret of ["GEZDGNBV", "not base 32 at all 0189", "A".repeat(257)]) {
        const page = yield* ada.submit("/account/hotp", { action: "start", secret })
        assert.strictEqual(page.status, 422, secret)
        assert.isDefined(problemOf(page, "secret"))
        assert.notInclude(page.text, secret)
      }
      assert.strictEqual(
        (yield* ada.submit("/account/hotp", { action: "start", secret: "" })).location,
        "/account/hotp",
      )
      const page = yield* ada.open("/account/hotp")
      assert.match(secretOf(page), /^(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}$/u)
      assert.include(page.text, 'href="otpauth://hotp/')
      assert.strictEqual((yield* ada.submit("/account/hotp", { action: "" })).status, 400)
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("backup codes", () => {
  it.effect("are made anew in the answer of the form alone, and those from before do not work any more", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      const { backupCodes: old } = yield* signUpWithTotp(ada, email)
      const before = yield* ada.open("/account/backup-codes")
      assert.include(before.text, "10 codes are left. When you make new codes")
      assert.strictEqual(backupCodesOf(before).length, 0)
      const made = yield* ada.submit("/account/backup-codes", {})
      assert.deepStrictEqual([made.status, made.headers.get("cache-control")], [200, "no-store"])
      const codes = backupCodesOf(made)
      assert.strictEqual(new Set([...codes, ...old]).size, 20)
      assert.include(made.text, 'href="/account?done=codes-saved"')
      const other = browser(site)
      yield* other.submit("/sign-in", { email, password })
      const refused = yield* other.submit("/sign-in/continue", { factor: "backup-code", code: old[0] ?? "" })
      assert.strictEqual(refused.status, 401)
      const done = yield* other.submit("/sign-in/continue", { factor: "backup-code", code: codes[0] ?? "" })
      assert.strictEqual(done.location, "/account")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("need a fresh proof, and a second factor that they stand in for", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      assert.strictEqual((yield* ada.submit("/account/backup-codes", {})).location, "/account#sign-in-methods")
      yield* setUpTotp(ada)
      yield* TestClock.adjust("10 minutes")
      const confirm = "/account/confirm?return_to=%2Faccount%2Fbackup-codes"
      assert.strictEqual((yield* ada.open("/account/backup-codes")).location, confirm)
      assert.strictEqual((yield* ada.submit("/account/backup-codes", {})).location, confirm)
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("removing a factor", () => {
  it.effect("asks once more, takes the app off and its backup codes with it", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUpWithTotp(ada, email)
      const page = yield* ada.open("/account/remove?factor=totp")
      assert.include(page.text, "Remove your authenticator app?")
      assert.include(methodOf((yield* ada.open("/account")).text, "Authenticator app"), "On")
      const removed = yield* ada.submit("/account/remove", { factor: "totp" })
      assert.deepStrictEqual([removed.status, removed.location], [303, "/account?done=totp-removed"])
      const account = (yield* ada.open("/account?done=totp-removed")).text
      assert.include(account, "Your authenticator app was removed.")
      assert.include(methodOf(account, "Authenticator app"), "Off")
      assert.include(methodOf(account, "Backup codes"), "You get them when")
      for (const answer of [
        yield* ada.open("/account/remove?factor=totp"),
        yield* ada.submit("/account/remove", { factor: "totp" }),
      ]) {
        assert.strictEqual(answer.location, "/account#sign-in-methods")
      }
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("needs a fresh proof, which leads back to the question", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUpWithTotp(ada, email)
      yield* TestClock.adjust("10 minutes")
      const confirm = "/account/confirm?return_to=%2Faccount%2Fremove%3Ffactor%3Dtotp"
      assert.strictEqual((yield* ada.open("/account/remove?factor=totp")).location, confirm)
      assert.strictEqual((yield* ada.submit("/account/remove", { factor: "totp" })).location, confirm)
      assert.include(methodOf((yield* ada.open("/account")).text, "Authenticator app"), "On")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("leaves the last way in", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      const page = yield* ada.submit("/account/remove", { factor: "password" })
      assert.strictEqual(page.status, 409)
      assert.include(page.text, "This is the only way in that you have")
      assert.include(methodOf((yield* ada.open("/account")).text, "Password"), "Set.")
    }).pipe(Effect.provide(layerPolicy({ firstFactors: ["password"] }))),
  )

  it.effect("is refused for what is no factor", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      for (const factor of ["", "email-code", "toString"]) {
        assert.strictEqual((yield* ada.submit("/account/remove", { factor })).status, 400)
        assert.strictEqual((yield* ada.open(`/account/remove?factor=${factor}`)).location, "/account#sign-in-methods")
      }
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("a person without a password", () => {
  it.effect("sets one in a fresh session, and removes it again", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signInByMail(ada, email)
      const page = yield* ada.open("/account")
      assert.include(methodOf(page.text, "Password"), "You have none. Set a password")
      assert.notInclude(page.text, 'name="current_password"')
      const short = yield* ada.submit("/account", { action: "password", new_password: "1234567" })
      assert.deepStrictEqual(
        [short.status, problemOf(short, "new_password")],
        [422, "Choose a password of at least 8 characters"],
      )
      const missing = yield* ada.submit("/account", { action: "password" })
      assert.deepStrictEqual([missing.status, problemOf(missing, "new_password")], [422, "Choose a new password"])
      const set = yield* ada.submit("/account", { action: "password", new_password: password })
      assert.deepStrictEqual([set.status, set.location], [303, "/account?done=password-changed"])
      const other = browser(site)
      assert.strictEqual((yield* other.submit("/sign-in", { email, password })).location, "/account")
      assert.include((yield* ada.open("/account")).text, 'href="/account/remove?factor=password"')
      const removed = yield* ada.submit("/account/remove", { factor: "password" })
      assert.strictEqual(removed.location, "/account?done=password-removed")
      assert.strictEqual((yield* browser(site).submit("/sign-in", { email, password })).status, 401)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("proves first who it is when the last proof is old", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signInByMail(ada, email)
      yield* TestClock.adjust("10 minutes")
      const confirm = "/account/confirm?return_to=%2Faccount%23password"
      const page = yield* ada.open("/account")
      assert.notInclude(page.text, 'name="new_password"')
      assert.include(page.text, `href="${confirm}"`)
      assert.strictEqual(
        (yield* ada.submit("/account", { action: "password", new_password: password })).location,
        confirm,
      )
    }).pipe(Effect.provide(layerServices())),
  )
})
