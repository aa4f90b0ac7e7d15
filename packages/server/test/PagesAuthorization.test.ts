import { english, PageCatalogues } from "@belfry/server/PageCatalogues"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { browser, mailedLink, password, serveWithApi, signUp, valueOf } from "./support/PageBrowser.ts"
import {
  answerOf,
  authorizeUrl,
  formActionsOf,
  go,
  headingOf,
  hiddenOf,
  layer,
  makeClient,
  openSite,
  otherAccountOf,
  send,
  textOf,
} from "./support/PageClients.ts"
import { appCode, mailedCode, sessionOf, signUpWithTotp } from "./support/PageFactors.ts"
import { layerProviders, Starts } from "./support/PageProviders.ts"

const email = "ada@example.com"
const other = "bob@example.com"
const german = { ...english, locale: "de", signIn: { ...english.signIn, title: "Anmelden" } }
const credentials = { email, password }

describe("signing in for a client", () => {
  it.effect("says for which one, leads to it in the end, and lets the forms end there", () =>
    Effect.gen(function* () {
      const { site, client } = yield* openSite(email)
      const ada = browser(site)
      const { page, path } = yield* go(ada, authorizeUrl(client))
      assert.deepStrictEqual([path, page.status, headingOf(page)], ["/sign-in", 200, "Sign in"])
      assert.include(textOf(page), "To continue to Analytical Engine")
      assert.notInclude(textOf(page), "registered itself")
      assert.strictEqual(formActionsOf(page), "'self' https:")
      const wrong = yield* send(ada, page, "/sign-in", { email, password: "wrong password" })
      assert.strictEqual(wrong.page.status, 401)
      assert.include(textOf(wrong.page), "To continue to Analytical Engine")
      assert.strictEqual(formActionsOf(wrong.page), "'self' https:")
      const consent = yield* send(ada, wrong.page, "/sign-in", credentials)
      assert.deepStrictEqual(
        [consent.path, headingOf(consent.page)],
        ["/authorize/consent", "Allow Analytical Engine to use your account?"],
      )
      const answer = answerOf(
        yield* send(ada, consent.page, "/authorize/consent", {
          decision: "allow",
          "scope:profile": "1",
          "scope:email": "1",
        }),
      )
      assert.deepStrictEqual([answer["state"], answer["iss"]], ["the state", "https://id.example.com/auth"])
      assert.match(answer["code"] ?? "", /^belfry_code_/u)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says nothing of a client on a page that was opened without one", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* go(ada, authorizeUrl(yield* makeClient()))
      const page = yield* ada.open("/sign-in")
      assert.notInclude(textOf(page), "Analytical Engine")
      assert.strictEqual(formActionsOf(page), "'self'")
    }).pipe(Effect.provide(layer)),
  )

  describe("RFC 7591 §5", () => {
    it.effect("SHOULD warn of a client that registered itself, before anybody signs in for it", () =>
      Effect.gen(function* () {
        const ada = browser(yield* serveWithApi())
        const client = yield* makeClient({}, { isDynamic: true })
        assert.include(
          textOf((yield* go(ada, authorizeUrl(client))).page),
          "To continue to Analytical Engine, which registered itself: nobody has checked who is behind it",
        )
      }).pipe(Effect.provide(layer)),
    )
  })

  it.effect("keeps the client through a second step, a code from the mail, and a link", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const client = yield* makeClient()
      const { secret } = yield* signUpWithTotp(browser(site), email)
      yield* TestClock.adjust("30 seconds")
      const withApp = browser(site)
      const start = yield* go(withApp, authorizeUrl(client))
      const second = yield* send(withApp, start.page, "/sign-in", credentials)
      assert.deepStrictEqual([second.path, headingOf(second.page)], ["/sign-in/continue", "One more step"])
      assert.include(textOf(second.page), "To continue to Analytical Engine")
      assert.strictEqual(formActionsOf(second.page), "'self' https:")
      const done = yield* send(withApp, second.page, "/sign-in/continue", { code: yield* appCode(secret) })
      assert.strictEqual(done.path, "/authorize/consent")

      yield* signUp(browser(site), other)
      for (const method of ["email-code", "magic-link"] as const) {
        const byMail = browser(site)
        const from = yield* go(byMail, authorizeUrl(client))
        const href = /href="(\/sign-in\/email[^"]*)"/u.exec(from.page.text)?.[1]?.replaceAll("&amp;", "&") ?? ""
        const ask = yield* go(byMail, href)
        const sent = yield* send(byMail, ask.page, "/sign-in/email", { email: other, method })
        assert.include(textOf(sent.page), "To continue to Analytical Engine")
        const entered =
          method === "email-code"
            ? yield* send(byMail, sent.page, "/sign-in/code", { code: yield* mailedCode(other) })
            : yield* Effect.gen(function* () {
                const { path } = yield* mailedLink(other, "sign-in-link")
                const opened = yield* go(byMail, path)
                assert.include(textOf(opened.page), "To continue to Analytical Engine")
                return yield* send(byMail, opened.page, "/sign-in/link")
              })
        assert.strictEqual(entered.path, "/authorize/consent")
      }
    }).pipe(Effect.provide(layer)),
  )

  describe("OpenID Connect Core §3.1.2.1", () => {
    it.effect("SHOULD show whom the client expects by login_hint, as text in the field", () =>
      Effect.gen(function* () {
        const ada = browser(yield* serveWithApi())
        const client = yield* makeClient()
        const { page } = yield* go(ada, authorizeUrl(client, { login_hint: 'a"><script>@example.com' }))
        assert.strictEqual(valueOf(page, "email"), "a&quot;&gt;&lt;script&gt;@example.com")
      }).pipe(Effect.provide(layer)),
    )
  })

  it.effect("is turned away from by a button, and the client hears so", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      const { page } = yield* go(ada, authorizeUrl(yield* makeClient()))
      assert.include(textOf(page), "Cancel and go back to Analytical Engine")
      const answer = answerOf(yield* send(ada, page, "/authorize/cancel"))
      assert.deepStrictEqual([answer["error"], answer["state"]], ["access_denied", "the state"])
      // The request is over by that.
      const again = yield* send(ada, page, "/authorize/cancel")
      assert.deepStrictEqual([again.page.status, headingOf(again.page)], [400, "This cannot go on"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("that comes too late says what to do, and leads nowhere else", () =>
    Effect.gen(function* () {
      const { site, client } = yield* openSite(email)
      const ada = browser(site)
      const { page, url } = yield* go(ada, authorizeUrl(client))
      yield* TestClock.adjust("10 minutes")
      for (const late of [yield* go(ada, url.pathname + url.search), yield* send(ada, page, "/sign-in", credentials)]) {
        assert.deepStrictEqual([late.page.status, headingOf(late.page)], [400, "This cannot go on"])
        assert.include(textOf(late.page), "Go back to the application that you came from and start again there.")
        assert.notInclude(late.page.text, "client.example.com")
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("in another browser than the one where it began shows nothing of the client", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const { url } = yield* go(browser(site), authorizeUrl(yield* makeClient()))
      const eve = browser(site)
      for (const path of ["/sign-in", "/sign-up", "/authorize/account", "/authorize/consent"]) {
        const { page } = yield* go(eve, path + url.search)
        assert.strictEqual(page.status, 400)
        assert.include(textOf(page), "This was begun in another browser")
        assert.notInclude(page.text, "Analytical Engine")
      }
      yield* go(eve, authorizeUrl(yield* makeClient({ clientName: "Difference Engine" })))
      assert.strictEqual((yield* go(eve, `/sign-in${url.search}`)).page.status, 400)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is asked of somebody who is signed in where the client waits for somebody else", () =>
    Effect.gen(function* () {
      const { site, client, signedIn: ada } = yield* openSite(email)
      const bob = browser(site)
      yield* signUp(bob, other)
      yield* TestClock.adjust("1 second")
      const claims = JSON.stringify({ id_token: { sub: { value: (yield* sessionOf(bob)).user.id } } })
      const asked = yield* go(ada, authorizeUrl(client, { claims }))
      assert.deepStrictEqual([asked.path, headingOf(asked.page)], ["/sign-in", "Sign in"])
      assert.strictEqual((yield* go(ada, `/sign-in/email${asked.url.search}`)).path, "/sign-in/email")
      const asBob = yield* send(ada, asked.page, "/sign-in", { email: other, password })
      assert.strictEqual(asBob.path, "/authorize/consent")
      assert.include(textOf(asBob.page), `Signed in as ${other}`)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leads to the client by its request alone, and nowhere else that the address names", () =>
    Effect.gen(function* () {
      const { site, client } = yield* openSite(email)
      for (const more of ["", "&return_to=%2Faccount"]) {
        const ada = browser(site)
        const { url } = yield* go(ada, authorizeUrl(client))
        const { page } = yield* go(ada, `/sign-in?request=${url.searchParams.get("request")}${more}`)
        assert.strictEqual((yield* send(ada, page, "/sign-in", credentials)).path, "/authorize/consent", more)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("by another provider leads to the client from there", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      const { page, url } = yield* go(ada, authorizeUrl(yield* makeClient()))
      const returnTo = url.searchParams.get("return_to") ?? ""
      const leaving = yield* send(ada, page, "/sign-in/provider")
      assert.strictEqual(headingOf(leaving.page), "Continue with Zeta &amp; Co")
      const [start] = (yield* Starts).all
      assert.deepStrictEqual(
        [start?.request.redirectUrl, start?.request.newUserRedirectUrl, start?.request.errorRedirectUrl],
        [
          returnTo,
          returnTo,
          `/sign-in/error?${new URLSearchParams({ provider: "zeta", return_to: returnTo }).toString()}`,
        ],
      )
      // What went wrong there is told within the flow, also to somebody who is signed in.
      yield* signUp(ada, email)
      const failed = yield* ada.open(`${start?.request.errorRedirectUrl}&error=access_denied`)
      assert.include(textOf(failed), "To continue to Analytical Engine")
      assert.include(textOf(failed), "Try again with Zeta & Co")
    }).pipe(Effect.provide(layerProviders())),
  )

  it.effect("does not stand in the way of somebody who is signed in already", () =>
    Effect.gen(function* () {
      const { site, client, signedIn: ada } = yield* openSite(email)
      const { page, path, url } = yield* go(ada, authorizeUrl(client))
      assert.strictEqual(path, "/authorize/consent")
      for (const way of ["/sign-in", "/sign-in/email", "/sign-up", "/authorize/account", "/account/confirm"]) {
        assert.strictEqual((yield* go(ada, way + url.search)).path, "/authorize/consent", way)
      }
      // Unless they ask for it.
      const href = otherAccountOf(page)
      const switched = yield* go(ada, href)
      assert.deepStrictEqual([switched.path, headingOf(switched.page)], ["/sign-in", "Sign in"])
      assert.include(switched.page.text, "/sign-in/email?return_to=%2Fauth%2Foauth2%2Fcontinue%3Frequest%3D")
      assert.match(switched.page.text, /\/sign-in\/email\?[^"]*switch=1"/u)
      yield* signUp(browser(site), other)
      const asBob = yield* send(ada, switched.page, "/sign-in", { email: other, password })
      assert.strictEqual(asBob.path, "/authorize/consent")
      assert.include(textOf(asBob.page), `Signed in as ${other}`)
    }).pipe(Effect.provide(layer)),
  )
})

describe("signing up for a client", () => {
  it.effect("leads to it by the link from the mail, also for somebody who is signed in", () =>
    Effect.gen(function* () {
      const { client, signedIn: ada } = yield* openSite(email)
      const start = yield* go(ada, authorizeUrl(client, { prompt: "create", login_hint: other }))
      assert.deepStrictEqual([start.path, headingOf(start.page)], ["/sign-up", "Create an account"])
      assert.include(textOf(start.page), "To continue to Analytical Engine")
      assert.strictEqual(valueOf(start.page, "email"), other)
      const sent = yield* send(ada, start.page, "/sign-up", { email: other, password })
      assert.strictEqual(sent.path, "/check-mail")
      assert.include(textOf(sent.page), "To continue to Analytical Engine")
      const { path } = yield* mailedLink(other, "confirm-sign-up")
      const confirm = yield* go(ada, path)
      assert.include(textOf(confirm.page), "To continue to Analytical Engine")
      const done = yield* send(ada, confirm.page, "/confirm-sign-up")
      assert.strictEqual(done.path, "/authorize/consent")
      assert.include(textOf(done.page), `Signed in as ${other}`)
      assert.deepStrictEqual(
        [...ada.cookies.keys()].filter((name) => /sign_up|mail_request/u.test(name)),
        [],
      )
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is not remembered by a sign-up that began for nobody", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      const start = yield* go(ada, authorizeUrl(yield* makeClient(), { prompt: "create" }))
      yield* send(ada, start.page, "/sign-up", { email: other, password })
      // The same browser, later: without the client this time.
      yield* signUp(ada, email)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("completes in the account where the client waits no more", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      const start = yield* go(ada, authorizeUrl(yield* makeClient(), { prompt: "create" }))
      yield* send(ada, start.page, "/sign-up", { email, password })
      yield* TestClock.adjust("10 minutes")
      const { token } = yield* mailedLink(email, "confirm-sign-up")
      const confirmed = yield* ada.submit("/confirm-sign-up", { token })
      assert.strictEqual(confirmed.location, "/account?done=welcome")
    }).pipe(Effect.provide(layer)),
  )
})

describe("proving again for a client", () => {
  it.effect("is asked for however fresh the session is, and then no more", () =>
    Effect.gen(function* () {
      const { client, signedIn: ada } = yield* openSite(email)
      const asked = yield* go(ada, authorizeUrl(client, { prompt: "login" }))
      assert.deepStrictEqual([asked.path, headingOf(asked.page)], ["/account/confirm", "Confirm that it is you"])
      assert.include(textOf(asked.page), "To continue to Analytical Engine")
      assert.include(textOf(asked.page), `Analytical Engine asks you to show that you are ${email}.`)
      assert.include(textOf(asked.page), "Use another account")
      assert.notInclude(asked.page.text, 'action="/sign-in/cancel"')
      assert.strictEqual(formActionsOf(asked.page), "'self' https:")
      assert.strictEqual((yield* send(ada, asked.page, "/account/confirm", { password: "wrong one" })).page.status, 401)
      const proved = yield* send(ada, asked.page, "/account/confirm", { password })
      assert.strictEqual(proved.path, "/authorize/consent")
      // Reloading the page that asked does not ask again.
      assert.strictEqual((yield* go(ada, asked.url.pathname + asked.url.search)).path, "/authorize/consent")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is done by signing in as somebody else, too", () =>
    Effect.gen(function* () {
      const { client, signedIn: ada } = yield* openSite(email, other)
      const asked = yield* go(ada, authorizeUrl(client, { prompt: "login" }))
      const href = otherAccountOf(asked.page)
      const signIn = yield* go(ada, href)
      const asBob = yield* send(ada, signIn.page, "/sign-in", { email: other, password })
      assert.strictEqual(asBob.path, "/authorize/consent")
      assert.include(textOf(asBob.page), `Signed in as ${other}`)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("asks for the second factor where the client wants more", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      const { secret } = yield* signUpWithTotp(ada, email)
      yield* TestClock.adjust("30 seconds")
      const asked = yield* go(ada, authorizeUrl(yield* makeClient(), { acr_values: "aal2" }))
      assert.deepStrictEqual([asked.path, headingOf(asked.page)], ["/account/confirm", "Confirm that it is you"])
      assert.include(textOf(asked.page), "authenticator app")
      const proved = yield* send(ada, asked.page, "/account/confirm", { code: yield* appCode(secret) })
      assert.strictEqual(proved.path, "/authorize/consent")
      assert.strictEqual((yield* sessionOf(ada)).session.acr, "aal2")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("begins by signing in where the session ended meanwhile", () =>
    Effect.gen(function* () {
      const { client, signedIn: ada } = yield* openSite(email)
      const asked = yield* go(ada, authorizeUrl(client, { prompt: "login" }))
      ada.cookies.delete("__Host-belfry_session")
      const start = yield* send(ada, asked.page, "/account/confirm", { password })
      assert.strictEqual(start.path, "/sign-in")
      assert.include(textOf(start.page), "To continue to Analytical Engine")
      assert.strictEqual((yield* send(ada, start.page, "/sign-in", credentials)).path, "/authorize/consent")
    }).pipe(Effect.provide(layer)),
  )
})

describe("choosing an account for a client", () => {
  it.effect("shows the one that is signed in, and goes on with it", () =>
    Effect.gen(function* () {
      const { client, signedIn: ada } = yield* openSite(email)
      const choice = yield* go(ada, authorizeUrl(client, { prompt: "select_account" }))
      assert.deepStrictEqual([choice.path, headingOf(choice.page)], ["/authorize/account", "Choose an account"])
      assert.include(textOf(choice.page), `Ada ${email} Continue as Ada Use another account`)
      assert.strictEqual(formActionsOf(choice.page), "'self' https:")
      const next = yield* send(ada, choice.page, "/authorize/account")
      assert.strictEqual(next.path, "/authorize/consent")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lets another one sign in, who takes the place of the first", () =>
    Effect.gen(function* () {
      const { client, signedIn: ada } = yield* openSite(email, other)
      const choice = yield* go(ada, authorizeUrl(client, { prompt: "select_account" }))
      const href = otherAccountOf(choice.page)
      const signIn = yield* go(ada, href)
      assert.strictEqual(signIn.path, "/sign-in")
      const asBob = yield* send(ada, signIn.page, "/sign-in", { email: other, password })
      // Who signed in for it has chosen.
      assert.strictEqual(asBob.path, "/authorize/consent")
      assert.strictEqual((yield* sessionOf(ada)).user.email, other)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is turned away from", () =>
    Effect.gen(function* () {
      const { client, signedIn: ada } = yield* openSite(email)
      const choice = yield* go(ada, authorizeUrl(client, { prompt: "select_account" }))
      assert.strictEqual(answerOf(yield* send(ada, choice.page, "/authorize/cancel"))["error"], "access_denied")
    }).pipe(Effect.provide(layer)),
  )
})

describe("the pages of a request", () => {
  it.effect("send the cookie of a session again that they prolong, also where they lead on or fail", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      for (const path of ["/authorize/consent", "/sign-in", "/authorize/account?request=none"]) {
        const ada = browser(site)
        yield* signUp(ada, `${path.length}@example.com`)
        const token = ada.cookies.get("__Host-belfry_session") ?? ""
        ada.cookies.delete("__Host-belfry_session")
        yield* TestClock.adjust("2 days")
        const { url } = yield* go(ada, authorizeUrl(yield* makeClient()))
        ada.cookies.set("__Host-belfry_session", token)
        const page = yield* ada.open(path.includes("?") ? path : path + url.search)
        assert.match(page.headers.getSetCookie().join(), /^__Host-belfry_session=[^;]+; .*Expires=/u, path)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("have no meaning without one", () =>
    Effect.gen(function* () {
      const { signedIn: ada } = yield* openSite(email)
      for (const path of ["/authorize/account", "/authorize/consent", "/authorize/consent?request=none"]) {
        const page = yield* ada.open(path)
        assert.deepStrictEqual([page.status, headingOf(page)], [400, "This cannot go on"], path)
      }
      for (const path of ["/authorize/account", "/authorize/consent", "/authorize/cancel"]) {
        assert.strictEqual((yield* ada.submit(path, { decision: "allow" })).status, 400, path)
      }
    }).pipe(Effect.provide(layer)),
  )

  describe("RFC 9700 §4.16", () => {
    it.effect("SHOULD stand in no frame: neither sign-in, nor sign-up, nor what follows it, nor the error", () =>
      Effect.gen(function* () {
        const { site, client, signedIn: ada } = yield* openSite(email)
        for (const [visitor, asked, expected] of [
          [browser(site), {}, "/sign-in"],
          [browser(site), { prompt: "create" }, "/sign-up"],
          [ada, { prompt: "login" }, "/account/confirm"],
          [ada, { prompt: "select_account" }, "/authorize/account"],
          [ada, {}, "/authorize/consent"],
          [ada, { client_id: "nobody" }, "/authorize/error"],
        ] as const) {
          const { page, path } = yield* go(visitor, authorizeUrl(client, asked))
          assert.strictEqual(path, expected)
          assert.strictEqual(page.headers.get("x-frame-options"), "DENY", path)
          assert.include(page.headers.get("content-security-policy"), "frame-ancestors 'none'", path)
        }
      }).pipe(Effect.provide(layer)),
    )
  })

  it.effect("act on no form of another site, and are kept by nobody", () =>
    Effect.gen(function* () {
      const { client, signedIn: ada } = yield* openSite(email)
      const { page } = yield* go(ada, authorizeUrl(client))
      assert.strictEqual(page.headers.get("cache-control"), "no-store")
      const fields = { ...hiddenOf(page, "/authorize/consent"), decision: "allow" }
      for (const path of ["/authorize/consent", "/authorize/account", "/authorize/cancel"]) {
        const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" }
        const refused = yield* ada.submit(path, fields, { headers })
        assert.deepStrictEqual([refused.status, refused.location], [403, null])
      }
      // Nothing of it was done.
      assert.strictEqual(
        (yield* send(ada, page, "/authorize/consent", { decision: "allow" })).url.origin,
        "https://client.example.com",
      )
    }).pipe(Effect.provide(layer)),
  )

  describe("OpenID Connect Core §3.1.2.1", () => {
    it.effect("SHOULD be in the language that the client asks for by ui_locales, before that of the browser", () =>
      Effect.gen(function* () {
        const ada = browser(yield* serveWithApi())
        const { page } = yield* go(ada, authorizeUrl(yield* makeClient(), { ui_locales: "fr de-AT" }))
        assert.deepStrictEqual([page.headers.get("content-language"), headingOf(page)], ["de", "Anmelden"])
        assert.include(page.text, '<html lang="de"')
        // The browser's counts where none of the client's is there.
        const { page: other } = yield* go(ada, authorizeUrl(yield* makeClient(), { ui_locales: "fr" }))
        assert.strictEqual(other.headers.get("content-language"), "en")
      }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(Layer.succeed(PageCatalogues, [english, german]))))),
    )
  })
})
