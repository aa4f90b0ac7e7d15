import { english } from "@belfry/server/PageCatalogues"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { type Browser, browser, mailedLink, serveWithApi, valueOf, type Visited } from "./support/PageBrowser.ts"
import { authorizeUrl, go, headingOf, layer, makeClient, openSite, send, textOf } from "./support/PageClients.ts"

const email = "ada@example.com"
const other = "bob@example.com"
const newPassword = "another horse battery staple"

/** The link of a page to a path, with its query. */
const hrefOf = ({ text }: Visited, path: string) =>
  new RegExp(`href="(${path}(?:\\?[^"]*)?)"`, "u").exec(text)?.[1]?.replaceAll("&amp;", "&") ?? ""

/** Where a page leads whoever forgot the password. */
const forgotIn = (page: Visited) => hrefOf(page, "/forgot-password")

const mailCookies = (visitor: Browser) => [...visitor.cookies.keys()].filter((name) => name.includes("mail_request"))

describe("a forgotten password in a sign-in for a client", () => {
  it.effect("leads to it once it is replaced through the mail", () =>
    Effect.gen(function* () {
      const { site, client } = yield* openSite(email)
      const ada = browser(site)
      const start = yield* go(ada, authorizeUrl(client, { login_hint: email }))
      const ask = yield* go(ada, forgotIn(start.page))
      assert.include(textOf(ask.page), "To continue to Analytical Engine")
      assert.strictEqual(valueOf(ask.page, "email"), email)
      assert.match(ask.page.text, /href="\/sign-in\?return_to=%2Fauth%2Foauth2%2Fcontinue%3Frequest%3D/u)
      const typo = yield* send(ada, ask.page, "/forgot-password", { email: "ada" })
      assert.strictEqual(typo.page.status, 422)
      const sent = yield* send(ada, typo.page, "/forgot-password", { email })
      assert.strictEqual(sent.path, "/check-mail")
      assert.match(sent.page.text, /href="\/forgot-password\?return_to=%2Fauth%2Foauth2%2Fcontinue%3Frequest%3D/u)
      const { path } = yield* mailedLink(email, "reset-password")
      const choose = yield* go(ada, path)
      assert.include(textOf(choose.page), "To continue to Analytical Engine")
      const weak = yield* send(ada, choose.page, "/reset-password", { password: "1234567" })
      assert.strictEqual(weak.page.status, 422)
      const signIn = yield* send(ada, weak.page, "/reset-password", { password: newPassword })
      assert.strictEqual(signIn.path, "/sign-in")
      assert.include(textOf(signIn.page), english.done["password-reset"])
      assert.include(textOf(signIn.page), "To continue to Analytical Engine")
      assert.deepStrictEqual(mailCookies(ada), [])
      const done = yield* send(ada, signIn.page, "/sign-in", { email, password: newPassword })
      assert.strictEqual(done.path, "/authorize/consent")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks the one who replaced it to sign in, whoever else is signed in", () =>
    Effect.gen(function* () {
      const { client, signedIn: ada } = yield* openSite(email, other)
      const choice = yield* go(ada, authorizeUrl(client, { prompt: "select_account" }))
      const href = /href="(\/sign-in\?[^"]*switch=1)"/u.exec(choice.page.text)?.[1]?.replaceAll("&amp;", "&") ?? ""
      const ask = yield* go(ada, forgotIn((yield* go(ada, href)).page))
      yield* send(ada, ask.page, "/forgot-password", { email: other })
      const { path } = yield* mailedLink(other, "reset-password")
      const signIn = yield* send(ada, (yield* go(ada, path)).page, "/reset-password", { password: newPassword })
      assert.deepStrictEqual([signIn.path, headingOf(signIn.page)], ["/sign-in", "Sign in"])
      const asBob = yield* send(ada, signIn.page, "/sign-in", { email: other, password: newPassword })
      assert.strictEqual(asBob.path, "/authorize/consent")
      assert.include(textOf(asBob.page), `Signed in as ${other}`)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("ends at the account where it is replaced in another browser, or too late for the client", () =>
    Effect.gen(function* () {
      const { site, client } = yield* openSite(email)
      const laptop = browser(site)
      const phone = browser(site)
      for (const visitor of [phone, laptop]) {
        const ask = yield* go(laptop, forgotIn((yield* go(laptop, authorizeUrl(client))).page))
        yield* send(laptop, ask.page, "/forgot-password", { email })
        if (visitor === laptop) yield* TestClock.adjust("10 minutes")
        const { path } = yield* mailedLink(email, "reset-password")
        const choose = yield* go(visitor, path)
        assert.notInclude(choose.page.text, "Analytical Engine")
        const signIn = yield* send(visitor, choose.page, "/reset-password", { password: newPassword })
        assert.strictEqual(signIn.url.search, "?done=password-reset")
        const done = yield* send(visitor, signIn.page, "/sign-in", { email, password: newPassword })
        assert.strictEqual(done.path, "/account")
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not remembered by one who asks for it without a client", () =>
    Effect.gen(function* () {
      const { site, client } = yield* openSite(email)
      const ada = browser(site)
      const ask = yield* go(ada, forgotIn((yield* go(ada, authorizeUrl(client))).page))
      yield* send(ada, ask.page, "/forgot-password", { email })
      assert.strictEqual(mailCookies(ada).length, 1)
      yield* mailedLink(email, "reset-password")
      yield* ada.submit("/forgot-password", { email })
      assert.deepStrictEqual(mailCookies(ada), [])
      const { token } = yield* mailedLink(email, "reset-password")
      const reset = yield* ada.submit("/reset-password", { token, password: newPassword })
      assert.strictEqual(reset.location, "/sign-in?done=password-reset")
    }).pipe(Effect.provide(layer)),
  )
})

describe("a link from a mail that is over, in a browser where a client waits", () => {
  it.effect("leads to another one within its request", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const client = yield* makeClient()
      for (const [to, form, fields, link] of [
        ["/forgot-password", "/forgot-password", { email }, "/reset-password"],
        ["/sign-up", "/sign-up", { email, password: newPassword }, "/confirm-sign-up"],
        ["/sign-in/email", "/sign-in/email", { email, method: "magic-link" }, "/sign-in/link"],
      ] as const) {
        const ada = browser(site)
        const start = yield* go(ada, authorizeUrl(client))
        const asked = yield* go(ada, hrefOf(start.page, to))
        assert.strictEqual((yield* send(ada, asked.page, form, fields)).path, "/check-mail")
        const over = yield* go(ada, `${link}?token=none`)
        assert.deepStrictEqual([over.page.status, headingOf(over.page)], [422, "This link does not work any more"])
        const again = yield* go(ada, hrefOf(over.page, to))
        assert.deepStrictEqual([again.path, again.page.status], [to, 200])
        assert.include(textOf(again.page), "To continue to Analytical Engine")
      }
    }).pipe(Effect.provide(layer)),
  )
})
