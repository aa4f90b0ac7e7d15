import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { browser, layerServices, password, problemOf, serve, signUp, valueOf } from "./support/PageBrowser.ts"

const email = "ada@example.com"

describe("the sign-in page", () => {
  it.effect("signs in with a cookie that script and other sites cannot use", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      const ada = browser(site)
      const signedIn = yield* ada.submit("/sign-in", { email: "ADA@example.com", password })
      assert.deepStrictEqual([signedIn.status, signedIn.location], [303, "/account"])
      const [cookie = "", ...others] = signedIn.headers.getSetCookie()
      assert.deepStrictEqual(others, [])
      const [pair = "", ...parts] = cookie.split("; ")
      assert.match(pair, /^__Host-belfry_session=belfry_session_\w+$/u)
      assert.includeMembers(parts, ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"])
      assert.isTrue(parts.some((part) => part.startsWith("Expires=")))
      assert.isFalse(parts.some((part) => part.startsWith("Domain=")))
      assert.strictEqual((yield* ada.open("/account")).status, 200)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("ends the session that the browser had before", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      const before = browser(site)
      for (const [name, value] of ada.cookies) before.cookies.set(name, value)
      assert.strictEqual((yield* before.open("/account")).status, 200)
      yield* ada.submit("/sign-in", { email, password })
      assert.strictEqual((yield* before.open("/account")).status, 303)
      assert.strictEqual((yield* ada.open("/account")).status, 200)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is not seen again by who comes back within the week: the cookie is prolonged", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      assert.deepStrictEqual((yield* ada.open("/account")).headers.getSetCookie(), [])
      yield* TestClock.adjust("2 days")
      const page = yield* ada.open("/account")
      assert.match(page.headers.getSetCookie().join(), /^__Host-belfry_session=.*Expires=Sat, 10 Jan 1970/u)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("answers an unknown address and a wrong password alike, and keeps the address alone", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      const [wrong, unknown] = yield* Effect.forEach([email, "eve@example.com"], (email) =>
        browser(site).submit("/sign-in", { email, password: "wrong password" }),
      )
      assert.deepStrictEqual([wrong?.status, unknown?.status], [401, 401])
      assert.strictEqual(wrong?.text, unknown?.text.replaceAll("eve@", "ada@"))
      assert.isDefined(wrong)
      if (wrong === undefined) return
      assert.strictEqual(valueOf(wrong, "email"), email)
      assert.strictEqual(problemOf(wrong, "email"), "The e-mail address or the password is not right")
      assert.notInclude(wrong.text, "wrong password")
      assert.deepStrictEqual(wrong.headers.getSetCookie(), [])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says which fields are missing", () =>
    Effect.gen(function* () {
      const page = yield* browser(yield* serve()).submit("/sign-in", {})
      assert.strictEqual(page.status, 422)
      assert.strictEqual(problemOf(page, "email"), "Enter your e-mail address")
      assert.strictEqual(problemOf(page, "password"), "Enter your password")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("locks out after ten attempts on an account, with a time to wait", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const attempt = ada.submit("/sign-in", { email, password: "wrong password" })
      for (let round = 0; round < 10; round++) assert.strictEqual((yield* attempt).status, 401)
      const page = yield* attempt
      assert.strictEqual(page.status, 429)
      assert.match(page.headers.get("retry-after") ?? "", /^[1-9]\d*$/u)
      assert.strictEqual(valueOf(page, "email"), email)
      assert.match(page.text, /Too many attempts\. Try again in \d+ minutes?/u)
      yield* TestClock.adjust("15 minutes")
      assert.strictEqual((yield* attempt).status, 401)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("goes on to where the reader wanted to go", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      for (const [wanted, target] of [
        ["/app?page=2#top", "/app?page=2#top"],
        ["https://app.example.com/inbox", "https://app.example.com/inbox"],
      ] as const) {
        const ada = browser(site)
        const page = yield* ada.open(`/sign-in?return_to=${encodeURIComponent(wanted)}`)
        assert.include(page.text, `name="return_to" value="${wanted}"`)
        const wrong = yield* ada.submit("/sign-in", { email, password: "wrong password", return_to: wanted })
        assert.include(wrong.text, `name="return_to" value="${wanted}"`)
        const signedIn = yield* ada.submit("/sign-in", { email, password, return_to: wanted })
        assert.deepStrictEqual([signedIn.status, signedIn.location], [303, target])
        const again = yield* ada.open(`/sign-in?return_to=${encodeURIComponent(wanted)}`)
        assert.deepStrictEqual([again.status, again.location], [303, target])
      }
    }).pipe(Effect.provide(layerServices({ allowedOrigins: ["https://app.example.com"] }))),
  )

  it.effect("sends nobody to another site", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      for (const target of [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/%2f/evil.example",
        "https:evil.example",
        "https://id.example.com@evil.example",
        "https://id.example.com.evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/ok\r\nSet-Cookie: a=b",
      ]) {
        const query = `/sign-in?return_to=${encodeURIComponent(target)}`
        const signedOut = yield* browser(site).open(query)
        assert.notInclude(signedOut.text, "evil", target)
        assert.notInclude(signedOut.text, 'name="return_to"', target)
        const goesOn = yield* ada.open(query)
        assert.strictEqual(goesOn.location, "/account", target)
        const confirms = yield* ada.open(query.replace("/sign-in", "/account/confirm"))
        assert.strictEqual(confirms.location, "/account", target)
      }
      const signedIn = yield* browser(site).submit("/sign-in", { email, password, return_to: "//evil.example" })
      assert.strictEqual(signedIn.location, "/account")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is where a page leads that needs a session, and leads back", () =>
    Effect.gen(function* () {
      const eve = browser(yield* serve())
      assert.strictEqual((yield* eve.open("/account")).location, "/sign-in")
      assert.strictEqual((yield* eve.open("/account/delete")).location, "/sign-in?return_to=%2Faccount%2Fdelete")
      assert.strictEqual((yield* eve.submit("/account", { action: "name", name: "x" })).location, "/sign-in")
      assert.strictEqual((yield* eve.open("/")).location, "/sign-in")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says so when a session is over, and has its cookie forgotten", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* signUp(ada, email)
      yield* TestClock.adjust("8 days")
      const page = yield* ada.open("/account")
      assert.strictEqual(page.location, "/sign-in?notice=session-over")
      assert.strictEqual(ada.cookies.size, 0)
      assert.include((yield* ada.open("/sign-in?notice=session-over")).text, "You were signed out")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("explains itself to a browser that keeps no cookies", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), email)
      const ada = browser(site)
      const signedIn = yield* ada.submit("/sign-in", { email, password })
      ada.cookies.clear()
      const account = yield* ada.open(signedIn.location ?? "", { headers: { referer: `${site.origin}/sign-in` } })
      assert.strictEqual(account.location, "/sign-in?notice=cookies")
      assert.include((yield* ada.open(account.location ?? "")).text, "did not keep the cookie")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("shows words of the catalogue alone, whatever the address says", () =>
    Effect.gen(function* () {
      const eve = browser(yield* serve())
      const plain = (yield* eve.open("/sign-in")).text
      for (const query of [
        "?done=Call+0900+now",
        "?done=welcome",
        "?notice=<b>",
        "?done=__proto__",
        "?done=a&done=b",
      ]) {
        assert.strictEqual((yield* eve.open(`/sign-in${query}`)).text, plain, query)
      }
      assert.include((yield* eve.open("/sign-in?done=signed-out")).text, "You are signed out.")
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("signing out", () => {
  it.effect("needs a form and ends the session for good", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, email)
      assert.include((yield* ada.open("/sign-out")).text, '<form method="post" action="/sign-out"')
      assert.strictEqual((yield* ada.open("/account")).status, 200)
      const stolen = browser(site)
      for (const [name, value] of ada.cookies) stolen.cookies.set(name, value)
      const out = yield* ada.submit("/sign-out", {})
      assert.deepStrictEqual([out.status, out.location], [303, "/sign-in?done=signed-out"])
      assert.strictEqual(ada.cookies.size, 0)
      assert.strictEqual((yield* stolen.open("/account")).status, 303)
    }).pipe(Effect.provide(layerServices())),
  )
})
