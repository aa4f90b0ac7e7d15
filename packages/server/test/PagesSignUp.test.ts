import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import {
  browser,
  layerServices,
  mailedLink,
  password,
  problemOf,
  serve,
  signUp,
  valueOf,
} from "./support/PageBrowser.ts"

describe("the sign-up page", () => {
  it.effect("leads over the mail to the account, signed in", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const form = yield* ada.open("/sign-up")
      assert.strictEqual(form.status, 200)
      const sent = yield* ada.submit("/sign-up", { name: "Ada", email: " Ada@Example.com ", password })
      assert.deepStrictEqual([sent.status, sent.location], [303, "/check-mail?for=sign-up"])
      assert.include((yield* ada.open("/check-mail?for=sign-up")).text, "Check your mail")
      const link = yield* mailedLink("ada@example.com")
      const page = yield* ada.open(link.path)
      assert.strictEqual(page.status, 200)
      assert.notInclude(page.text, 'type="password"')
      const confirmed = yield* ada.submit("/confirm-sign-up", { token: link.token })
      assert.deepStrictEqual([confirmed.status, confirmed.location], [303, "/account?done=welcome"])
      const account = yield* ada.open("/account?done=welcome")
      assert.strictEqual(account.status, 200)
      assert.include(account.text, "ada@example.com")
      assert.deepStrictEqual([...ada.cookies.keys()], ["__Host-belfry_session"])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("answers alike whether or not the address has an account", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), "known@example.com")
      const answers = yield* Effect.forEach(["known@example.com", "new@example.com"], (email) =>
        browser(site).submit("/sign-up", { name: "", email, password }),
      )
      const shapes = answers.map(({ status, location, headers, text }) => ({
        status,
        location,
        text,
        headers: [...headers].map(([name, value]) => [name, value.replace(/=belfry_\w+/u, "")]),
      }))
      assert.strictEqual(shapes[0]?.status, 303)
      assert.deepStrictEqual(shapes[0], shapes[1])
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("comes back with what was typed, what is wrong, and never the password", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const page = yield* ada.submit("/sign-up", { name: `"><b>Ada`, email: "ada at example", password })
      assert.strictEqual(page.status, 422)
      assert.include(page.text, "<title>Error: ")
      assert.match(page.text, /<div class="errors"[^>]* tabindex="-1" autofocus/u)
      assert.include(page.text, `href="#email"`)
      assert.strictEqual(problemOf(page, "email"), "Enter an e-mail address like name@example.com")
      assert.strictEqual(valueOf(page, "email"), "ada at example")
      assert.strictEqual(valueOf(page, "name"), "&quot;&gt;&lt;b&gt;Ada")
      assert.notInclude(page.text, password)
      assert.notInclude(page.text, "<b>")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says beside each field what to do", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const blank = yield* ada.submit("/sign-up", { name: "a\nb", email: " ", password: "" })
      assert.deepStrictEqual(
        ["name", "email", "password"].map((field) => problemOf(blank, field)),
        ["Enter a name of at most 200 characters, in one line", "Enter your e-mail address", "Choose a password"],
      )
      const short = yield* ada.submit("/sign-up", { email: "ada@example.com", password: "1234567" })
      assert.strictEqual(short.status, 422)
      assert.strictEqual(problemOf(short, "password"), "Choose a password of at least 8 characters")
      assert.strictEqual(problemOf(short, "email"), undefined)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("says when too many messages were asked for", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      const fields = { name: "Ada", email: "ada@example.com", password }
      for (let round = 0; round < 5; round++) {
        assert.strictEqual((yield* ada.submit("/sign-up", fields)).status, 303)
      }
      const page = yield* ada.submit("/sign-up", fields)
      assert.strictEqual(page.status, 429)
      assert.match(page.headers.get("retry-after") ?? "", /^[1-9]\d*$/u)
      assert.strictEqual(valueOf(page, "email"), "ada@example.com")
      assert.notInclude(page.text, password)
    }).pipe(Effect.provide(layerServices())),
  )
})

describe("the link that completes a sign-up", () => {
  it.effect("is not used up by looking at it", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* ada.submit("/sign-up", { email: "ada@example.com", password })
      const { path, token } = yield* mailedLink("ada@example.com")
      for (const visitor of [browser(site), ada]) {
        yield* visitor.open(path)
        yield* visitor.send("HEAD", path)
      }
      const confirmed = yield* ada.submit("/confirm-sign-up", { token })
      assert.strictEqual(confirmed.status, 303)
      const again = yield* ada.submit("/confirm-sign-up", { token })
      assert.strictEqual(again.status, 422)
      assert.include(again.text, "This link does not work any more")
      assert.strictEqual((yield* ada.open(path)).status, 422)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("ends the session that the browser had before", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      const ada = browser(site)
      yield* signUp(ada, "ada@example.com")
      const before = browser(site)
      for (const [name, value] of ada.cookies) before.cookies.set(name, value)
      yield* signUp(ada, "second@example.com")
      assert.strictEqual((yield* before.open("/account")).status, 303)
      assert.include((yield* ada.open("/account")).text, "second@example.com")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("asks another browser for the password", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* browser(site).submit("/sign-up", { email: "ada@example.com", password })
      const { path, token } = yield* mailedLink("ada@example.com")
      const phone = browser(site)
      assert.include((yield* phone.open(path)).text, 'type="password"')
      const without = yield* phone.submit("/confirm-sign-up", { token })
      assert.deepStrictEqual([without.status, problemOf(without, "password")], [401, "Enter your password"])
      const blank = yield* phone.submit("/confirm-sign-up", { token, password: "" })
      assert.deepStrictEqual([blank.status, problemOf(blank, "password")], [422, "Enter your password"])
      const wrong = yield* phone.submit("/confirm-sign-up", { token, password: "not that password" })
      assert.deepStrictEqual([wrong.status, problemOf(wrong, "password")], [401, "The password is not right"])
      assert.strictEqual(phone.cookies.size, 0)
      const right = yield* phone.submit("/confirm-sign-up", { token, password })
      assert.strictEqual(right.location, "/account?done=welcome")
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("asks the browser of another sign-up for the password too", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* browser(site).submit("/sign-up", { email: "ada@example.com", password })
      const { path, token } = yield* mailedLink("ada@example.com")
      const eve = browser(site)
      yield* eve.submit("/sign-up", { email: "eve@example.com", password: "the password of eve" })
      assert.notInclude((yield* eve.open(path)).text, 'type="password"')
      const page = yield* eve.submit("/confirm-sign-up", { token })
      assert.strictEqual(page.status, 401)
      assert.include(page.text, 'type="password"')
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("is over after 24 hours, and odd tokens look the same", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* ada.submit("/sign-up", { email: "ada@example.com", password })
      const { path } = yield* mailedLink("ada@example.com")
      yield* TestClock.adjust("24 hours")
      const texts = yield* Effect.forEach(
        [path, "/confirm-sign-up", "/confirm-sign-up?token=%00", "/confirm-sign-up?token=a&token=b"],
        (path) => ada.open(path),
      )
      assert.deepStrictEqual(new Set(texts.map(({ status }) => status)), new Set([422]))
      assert.strictEqual(new Set(texts.map(({ text }) => text)).size, 1)
      assert.include(texts[0]?.text, 'href="/sign-up"')
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("keeps its token out of every address but its own", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serve())
      yield* ada.submit("/sign-up", { email: "ada@example.com", password })
      const { path, token } = yield* mailedLink("ada@example.com")
      const page = yield* ada.open(path)
      assert.strictEqual(page.headers.get("referrer-policy"), "strict-origin")
      assert.include(page.text, `<form method="post" action="/confirm-sign-up"`)
      assert.deepStrictEqual(page.text.split(token).length, 2)
      const confirmed = yield* ada.submit("/confirm-sign-up", { token })
      assert.notInclude(JSON.stringify([...confirmed.headers]), token)
    }).pipe(Effect.provide(layerServices())),
  )

  it.effect("for a known address goes nowhere but to the owner's mail", () =>
    Effect.gen(function* () {
      const site = yield* serve()
      yield* signUp(browser(site), "ada@example.com")
      const eve = browser(site)
      yield* eve.submit("/sign-up", { email: "ada@example.com", password: "the password of eve" })
      const mailer = yield* CapturingMailer.CapturingMailer
      const mail = yield* mailer.takeLast("ada@example.com")
      assert.strictEqual(mail.category, "already-signed-up")
      const refused = yield* eve.submit("/sign-in", { email: "ada@example.com", password: "the password of eve" })
      assert.strictEqual(refused.status, 401)
    }).pipe(Effect.provide(layerServices())),
  )
})
