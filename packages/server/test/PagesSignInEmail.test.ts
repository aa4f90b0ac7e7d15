import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import {
  browser,
  layerPolicy,
  layerServices,
  mailedLink,
  problemOf,
  serve,
  signUp,
  valueOf,
} from "./support/PageBrowser.ts"
import { mailedCode, otherThan, sessionOf } from "./support/PageFactors.ts"

const email = "ada@example.com"

describe("signing in by a code", () => {
  it.effect("sends it and takes it in capitals or not, with spaces and dashes, and goes where the reader wanted", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      const ada = browser(site)
      const link = /href="(\/sign-in\/email[^"]*)"/u.exec((yield* ada.open("/sign-in?return_to=%2Fapp")).text)?.[1]
      const page = yield* ada.open(link ?? "")
      assert.include(page.text, 'name="return_to" value="/app"')
      const sent = yield* ada.submit("/sign-in/email", { email, method: "email-code", return_to: "/app" })
      assert.deepStrictEqual([sent.status, sent.location], [303, "/sign-in/code"])
      const form = yield* ada.open("/sign-in/code")
      assert.match(
        form.text,
        /<input id="code"[^>]* inputmode="text" autocomplete="one-time-code" autocapitalize="char/u,
      )
      const code = yield* mailedCode(email)
      const typed = ` ${code.slice(0, 3).toLowerCase()}-${code.slice(3)} `
      const signedIn = yield* ada.submit("/sign-in/code", { code: typed })
      assert.deepStrictEqual([signedIn.status, signedIn.location], [303, "/app"])
      assert.deepStrictEqual([...ada.cookies.keys()], ["__Host-belfry_session"])
      const { session } = yield* sessionOf(ada)
      assert.deepStrictEqual([...session.amr], ["email"])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("answers alike whether or not there is an account", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      const answers = yield* Effect.forEach([email, "eve@example.com"], (email) =>
        Effect.gen(function* () {
          const visitor = browser(site)
          const sent = yield* visitor.submit("/sign-in/email", { email, method: "email-code" })
          return [sent.status, sent.location, (yield* visitor.open("/sign-in/code")).text]
        }),
      )
      assert.deepStrictEqual(answers[0], answers[1])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("counts down the tries in words, and after the last one is over for the right code, too", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      const ada = browser(site)
      yield* ada.submit("/sign-in/email", { email, method: "email-code" })
      const code = yield* mailedCode(email)
      const wrong = ada.submit("/sign-in/code", { code: otherThan(code) })
      for (const left of ["4 tries", "3 tries", "2 tries", "one try"]) {
        const page = yield* wrong
        assert.strictEqual(page.status, 401)
        assert.strictEqual(problemOf(page, "code"), `The code is not right. You have ${left} left`)
        assert.strictEqual(valueOf(page, "code"), "")
      }
      const locked = yield* wrong
      assert.strictEqual(locked.status, 409)
      assert.include(locked.text, "Too many wrong codes")
      assert.include(locked.text, 'href="/sign-in">Start again')
      const late = yield* ada.submit("/sign-in/code", { code })
      assert.strictEqual(late.status, 409)
      assert.isUndefined(ada.cookies.get("__Host-belfry_session"))
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("asks for a code where there is none, and for a shorter one", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* ada.submit("/sign-in/email", { email, method: "email-code" })
      const none = yield* ada.submit("/sign-in/code", { code: "  " })
      assert.deepStrictEqual([none.status, problemOf(none, "code")], [422, "Enter the code"])
      const long = yield* ada.submit("/sign-in/code", { code: "A".repeat(65) })
      assert.deepStrictEqual([long.status, problemOf(long, "code")], [422, "Enter a shorter code"])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("sends another one half a minute later, and says how long to wait before", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* ada.submit("/sign-in/email", { email, method: "email-code" })
      const first = yield* mailedCode(email)
      const early = yield* ada.submit("/sign-in/code", { action: "resend" })
      assert.deepStrictEqual([early.status, early.headers.get("retry-after")], [429, "30"])
      assert.include(early.text, "A code was sent already. You can ask for another in 30 seconds")
      assert.isUndefined(problemOf(early, "code"))
      yield* TestClock.adjust("30 seconds")
      const again = yield* ada.submit("/sign-in/code", { action: "resend" })
      assert.deepStrictEqual([again.status, again.location], [303, "/sign-in/code?sent=again"])
      assert.include((yield* ada.open("/sign-in/code?sent=again")).text, "Another code is on its way")
      const second = yield* mailedCode(email)
      if (first !== second) assert.strictEqual((yield* ada.submit("/sign-in/code", { code: first })).status, 401)
      assert.strictEqual((yield* ada.submit("/sign-in/code", { code: second })).status, 303)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("offers no other code, but the form of the address, to who does not know any more where it went", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* ada.submit("/sign-in/email", { email, method: "email-code" })
      ada.cookies.delete("__Host-belfry_sign_in_email")
      assert.notInclude((yield* ada.open("/sign-in/code")).text, 'value="resend"')
      assert.strictEqual((yield* ada.submit("/sign-in/code", { action: "resend" })).location, "/sign-in/email")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is over after its time: first the code, then the sign-in, which begins again", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* ada.submit("/sign-in/email", { email, method: "email-code" })
      const code = yield* mailedCode(email)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* ada.submit("/sign-in/code", { code })).status, 401)
      yield* TestClock.adjust("5 minutes")
      const over = yield* ada.submit("/sign-in/code", { code })
      assert.strictEqual(over.status, 409)
      assert.include(over.text, "took too long")
      assert.isFalse(ada.cookies.has("__Host-belfry_sign_in"))
      assert.strictEqual((yield* ada.open("/sign-in/code")).location, "/sign-in/email")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says when too many were asked for, and keeps the address", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const send = Effect.suspend(() => browser(site).submit("/sign-in/email", { email, method: "email-code" }))
      for (let round = 0; round < 5; round++) assert.strictEqual((yield* send).status, 303)
      const page = yield* send
      assert.deepStrictEqual([page.status, valueOf(page, "email")], [429, email])
      assert.match(page.text, /Too many messages were asked for/u)
      assert.match(page.headers.get("retry-after") ?? "", /^[1-9]\d*$/u)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("needs an address", () =>
    Effect.gen(function* () {
      const page = yield* browser(yield* serve()).submit("/sign-in/email", { email: "ada@", method: "email-code" })
      assert.deepStrictEqual([page.status, valueOf(page, "email")], [422, "ada@"])
      assert.isDefined(problemOf(page, "email"))
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("signing in by a link", () => {
  it.effect(
    "signs in where it was asked for, by a button and not by looking, once, without its token in an address",
    () =>
      Effect.gen(function* () {
        const site = yield* serve()
        yield* signUp(browser(site), email)
        const ada = browser(site)
        const sent = yield* ada.submit("/sign-in/email", { email, method: "magic-link", return_to: "/app" })
        assert.deepStrictEqual([sent.status, sent.location], [303, "/check-mail?for=link"])
        assert.include((yield* ada.open("/check-mail?for=link")).text, "It works once, for 10 minutes")
        const { path, token } = yield* mailedLink(email, "sign-in-link")
        assert.match(path, /^\/sign-in\/link\?token=/u)
        const page = yield* ada.open(path)
        assert.strictEqual(page.status, 200)
        assert.strictEqual(page.headers.get("referrer-policy"), "strict-origin")
        assert.strictEqual((yield* ada.open(path)).status, 200)
        const signedIn = yield* ada.submit("/sign-in/link", { token })
        assert.deepStrictEqual([signedIn.status, signedIn.location], [303, "/app"])
        assert.notInclude(JSON.stringify([...signedIn.headers]), token)
        const again = yield* ada.submit("/sign-in/link", { token })
        assert.strictEqual(again.status, 422)
        assert.include(again.text, "This link does not work any more")
      }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says in another browser what to do, and signs nobody in there, nor uses the link up", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      const [ada, phone] = [browser(site), browser(site)]
      yield* ada.submit("/sign-in/email", { email, method: "magic-link" })
      const { path, token } = yield* mailedLink(email, "sign-in-link")
      for (const page of [yield* phone.open(path), yield* phone.submit("/sign-in/link", { token })]) {
        assert.strictEqual(page.status, 403)
        assert.include(page.text, "Open the link in the other browser")
        assert.include(page.text, 'href="/sign-in/email"')
      }
      assert.strictEqual(phone.cookies.size, 0)
      assert.strictEqual((yield* ada.submit("/sign-in/link", { token })).location, "/account")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is over after ten minutes, and a made-up one never worked", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* ada.submit("/sign-in/email", { email, method: "magic-link" })
      const { path, token } = yield* mailedLink(email, "sign-in-link")
      yield* TestClock.adjust("10 minutes")
      for (const page of [
        yield* ada.open(path),
        yield* ada.submit("/sign-in/link", { token }),
        yield* ada.open("/sign-in/link"),
        yield* ada.submit("/sign-in/link", {}),
      ]) {
        assert.strictEqual(page.status, 422)
        assert.include(page.text, 'href="/sign-in/email"')
      }
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("the ways to begin", () => {
  it.effect("are those of the policy", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const page = yield* ada.open("/sign-in")
      assert.notInclude(page.text, 'name="password"')
      assert.notInclude(page.text, "data-passkey")
      assert.include(page.text, 'href="/sign-in/email"')
      const mail = yield* ada.open("/sign-in/email")
      assert.include(mail.text, 'value="magic-link"')
      assert.notInclude(mail.text, 'value="email-code"')
      assert.notInclude(mail.text, "Sign in with your password")
    }).pipe(Effect.provide(layerPolicy({ firstFactors: ["magic-link"] }))),
  )
})
