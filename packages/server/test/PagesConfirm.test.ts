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
import { appCode, mailedCode, sessionOf, signInByMail, signUpWithTotp } from "./support/PageFactors.ts"

const email = "ada@example.com"
const confirm = "/account/confirm?return_to=%2Faccount%2Fdelete"

/** Lets the last proof grow old. */
const growOld = Effect.fnUntraced(function* (visitor: Browser) {
  yield* TestClock.adjust("10 minutes")
  assert.strictEqual((yield* visitor.open("/account/delete")).location, confirm)
})

describe("confirming that it is you", () => {
  it.effect("asks a person without a second factor for the password, and offers the mailbox", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* growOld(ada)
      const page = yield* ada.open(confirm)
      assert.match(page.text, /<h1>Confirm that it is you<\/h1>/u)
      assert.include(page.text, 'name="password"')
      assert.include(page.text, 'href="/account/confirm?factor=email-code&amp;return_to=%2Faccount%2Fdelete"')
      const wrong = yield* ada.submit("/account/confirm", {
        factor: "password",
        password: "wrong password",
        return_to: "/account/delete",
      })
      assert.deepStrictEqual([wrong.status, problemOf(wrong, "password")], [401, "The password is not right"])
      const before = ada.cookies.get("__Host-belfry_session")
      const proved = yield* ada.submit("/account/confirm", {
        factor: "password",
        password,
        return_to: "/account/delete",
      })
      assert.deepStrictEqual([proved.status, proved.location], [303, "/account/delete"])
      assert.notStrictEqual(ada.cookies.get("__Host-belfry_session"), before)
      assert.deepStrictEqual([...ada.cookies.keys()], ["__Host-belfry_session"])
      assert.strictEqual((yield* ada.open("/account/delete")).status, 200)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("works by a code from the mail for a person without a password, and leads back", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signInByMail(ada, email)
      yield* growOld(ada)
      const page = yield* ada.open(confirm)
      assert.notInclude(page.text, 'name="password"')
      assert.include(page.text, "We will send a code to ada@example.com.")
      const sent = yield* ada.submit("/account/confirm", { factor: "email-code", return_to: "/account/delete" })
      assert.deepStrictEqual([sent.status, sent.location], [303, "/sign-in/code"])
      assert.include((yield* ada.open("/sign-in/code")).text, "We have sent a code to ada@example.com.")
      const proved = yield* ada.submit("/sign-in/code", { code: yield* mailedCode(email) })
      assert.deepStrictEqual([proved.status, proved.location], [303, "/account/delete"])
      assert.strictEqual((yield* ada.open("/account/delete")).status, 200)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("works by a link from the mail", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signInByMail(ada, email)
      yield* growOld(ada)
      const sent = yield* ada.submit("/account/confirm", { factor: "magic-link", return_to: "/account/delete" })
      assert.strictEqual(sent.location, "/check-mail?for=link")
      const { token } = yield* mailedLink(email, "sign-in-link")
      assert.strictEqual((yield* ada.submit("/sign-in/link", { token })).location, "/account/delete")
      assert.strictEqual((yield* ada.open("/account/delete")).status, 200)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("asks who has a second factor for that, and takes no password in its place", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const { secret } = yield* signUpWithTotp(ada, email)
      yield* growOld(ada)
      const page = yield* ada.open(confirm)
      assert.include(page.text, "your authenticator app shows")
      assert.notInclude(page.text, 'name="password"')
      const refused = yield* ada.submit("/account/confirm", {
        factor: "password",
        password,
        return_to: "/account/delete",
      })
      assert.include(refused.text, "your authenticator app shows")
      assert.strictEqual((yield* ada.open("/account/delete")).location, confirm)
      const proved = yield* ada.submit("/account/confirm", {
        factor: "totp",
        code: yield* appCode(secret),
        return_to: "/account/delete",
      })
      assert.deepStrictEqual([proved.status, proved.location], [303, "/account/delete"])
      const { session } = yield* sessionOf(ada)
      assert.includeMembers([...session.amr], ["otp"])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("after too many wrong codes begins anew, and the person stays signed in", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const { secret } = yield* signUpWithTotp(ada, email)
      yield* growOld(ada)
      const fields = { factor: "totp", code: "000000", return_to: "/account/delete" }
      for (let count = 0; count < 4; count++) {
        assert.strictEqual((yield* ada.submit("/account/confirm", fields)).status, 401)
      }
      const locked = yield* ada.submit("/account/confirm", fields)
      assert.strictEqual(locked.status, 409)
      assert.include(locked.text, "Too many wrong codes")
      assert.strictEqual((yield* ada.open("/account")).status, 200)
      const proved = yield* ada.submit("/account/confirm", { ...fields, code: yield* appCode(secret) })
      assert.strictEqual(proved.location, "/account/delete")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is cancelled back to the account", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* growOld(ada)
      yield* ada.open(confirm)
      assert.isTrue(ada.cookies.has("__Host-belfry_sign_in"))
      assert.strictEqual((yield* ada.submit("/sign-in/cancel", {})).location, "/account")
      assert.deepStrictEqual([...ada.cookies.keys()], ["__Host-belfry_session"])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("goes on in the same proof when the page is loaded again, and in another one for another aim", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* growOld(ada)
      yield* ada.open(confirm)
      const token = ada.cookies.get("__Host-belfry_sign_in")
      yield* ada.open(confirm)
      assert.strictEqual(ada.cookies.get("__Host-belfry_sign_in"), token)
      yield* ada.open("/account/confirm?return_to=%2Faccount%2Ftotp")
      assert.notStrictEqual(ada.cookies.get("__Host-belfry_sign_in"), token)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect(
    "is for who is signed in, makes no other session fresh, and is over at once where nothing is to confirm",
    () =>
      Effect.gen(function* () {
        const site = yield* serve()
        const eve = browser(site)
        assert.match((yield* eve.open(confirm)).location ?? "", /^\/sign-in\?/u)
        assert.match((yield* eve.submit("/account/confirm", { password })).location ?? "", /^\/sign-in/u)
        const ada = browser(site)
        yield* signUp(ada, email)
        assert.strictEqual((yield* ada.open(confirm)).location, "/account/delete")
        yield* growOld(ada)
        yield* ada.open(confirm)
        const grace = browser(site)
        yield* signUp(grace, "grace@example.com")
        yield* growOld(grace)
        // A proof that was begun for another session is not gone on with.
        grace.cookies.set("__Host-belfry_sign_in", ada.cookies.get("__Host-belfry_sign_in") ?? "")
        assert.include((yield* grace.open(confirm)).text, "in the account of grace@example.com")
      }).pipe(Effect.provide(layerServices())),
  )
})
