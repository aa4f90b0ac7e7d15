import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { browser, serveWithApi, signUp } from "./support/PageBrowser.ts"
import { authorizeUrl, formActionsOf, go, headingOf, layer, makeClient, send, textOf } from "./support/PageClients.ts"

const email = "ada@example.com"
const session = "__Host-belfry_session"
const back = "https://client.example.com/bye"

const endSession = (parameters: Readonly<Record<string, string>>) =>
  `/auth/oauth2/end-session?${new URLSearchParams(parameters).toString()}`

describe("logging out for a client", () => {
  it.effect("is asked for first, and leads back to the client", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, email)
      const client = yield* makeClient({ postLogoutRedirectUris: [back] })
      const asked = yield* go(
        ada,
        endSession({ client_id: client.id, post_logout_redirect_uri: back, state: "the state" }),
      )
      assert.deepStrictEqual([asked.path, headingOf(asked.page)], ["/sign-out/confirm", "Sign out?"])
      assert.include(textOf(asked.page), "Analytical Engine asks to sign you out here.")
      assert.include(asked.page.text, 'href="/account">Stay signed in<')
      assert.strictEqual(formActionsOf(asked.page), "'self' https:")
      assert.isTrue(ada.cookies.has(session))
      const foreign = { origin: "https://evil.example", "sec-fetch-site": "cross-site" }
      const request = asked.url.searchParams.get("request") ?? ""
      assert.strictEqual((yield* ada.submit("/sign-out/confirm", { request }, { headers: foreign })).status, 403)
      assert.strictEqual((yield* ada.open("/account")).status, 200)
      const done = yield* send(ada, asked.page, "/sign-out/confirm")
      assert.strictEqual(done.url.href, `${back}?state=the+state`)
      assert.isFalse(ada.cookies.has(session))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("without a client ends on a page that tells nothing", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      yield* signUp(ada, email)
      const asked = yield* go(ada, endSession({}))
      assert.include(textOf(asked.page), "You will be signed out on this device.")
      const done = yield* send(ada, asked.page, "/sign-out/confirm")
      assert.deepStrictEqual([done.path, headingOf(done.page)], ["/sign-out/done", "You are signed out"])
      assert.notInclude(done.page.text, email)
      assert.isFalse(ada.cookies.has(session))
      // The same form again ends nothing, and says the same.
      assert.strictEqual((yield* send(ada, asked.page, "/sign-out/confirm")).path, "/sign-out/done")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is refused for a request that is none, is old, or is of another session", () =>
    Effect.gen(function* () {
      const site = yield* serveWithApi()
      const ada = browser(site)
      yield* signUp(ada, email)
      const asked = yield* go(ada, endSession({}))
      const bob = browser(site)
      yield* signUp(bob, "bob@example.com")
      const request = asked.url.searchParams.get("request") ?? ""
      for (const fields of [{ request }, { request: "none" }, {}]) {
        const refused = yield* bob.submit("/sign-out/confirm", fields)
        assert.deepStrictEqual([refused.status, headingOf(refused)], [400, "This cannot go on"])
      }
      assert.isTrue(bob.cookies.has(session))
      assert.strictEqual((yield* bob.open("/sign-out/confirm?request=none")).status, 400)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* ada.submit("/sign-out/confirm", { request })).status, 400)
    }).pipe(Effect.provide(layer)),
  )
})

describe("the page for what no client can be told", () => {
  describe("RFC 6749 §4.1.2.1", () => {
    it.effect("MUST show the person an error page where nobody is proved, which leads nowhere but home", () =>
      Effect.gen(function* () {
        const ada = browser(yield* serveWithApi())
        const client = yield* makeClient()
        const evil = { redirect_uri: "https://evil.example/" }
        for (const [asked, words, code] of [
          [{ ...evil, client_id: "nobody" }, "is not known here, or it was turned off", "invalid_client"],
          [{ ...evil, client_id: "" }, "sent something that we cannot use", "invalid_request"],
          [evil, "an address that is not known to be its own", "invalid_redirect_uri"],
        ] as const) {
          const { page, path } = yield* go(ada, authorizeUrl(client, asked))
          assert.deepStrictEqual([path, page.status, headingOf(page)], ["/authorize/error", 400, "This cannot go on"])
          assert.include(textOf(page), words)
          assert.include(textOf(page), `For the developers of the application ${code}:`)
          assert.notInclude(page.text, "evil.example")
          assert.deepStrictEqual(
            [...page.text.matchAll(/<a href="([^"]*)"/gu)].map(([, href]) => href),
            ["/"],
          )
        }
      }).pipe(Effect.provide(layer)),
    )
  })

  it.effect("has words for what it knows, and words in common for all else", () =>
    Effect.gen(function* () {
      const ada = browser(yield* serveWithApi())
      const show = (error: string, description = "") =>
        ada.open(`/authorize/error?${new URLSearchParams({ error, error_description: description }).toString()}`)
      for (const [code, words] of [
        ["expired", "This took too long"],
        ["other_browser", "This was begun in another browser"],
        ["invalid_redirect_uri", "an address that is not known to be its own"],
        ["rate_limited", "Wait a minute"],
        ["temporarily_unavailable", "We cannot answer at the moment"],
        ["server_error", "The mistake is ours"],
        ["made_up", "Something went wrong on the way"],
        ["constructor", "Something went wrong on the way"],
      ] as const) {
        const page = yield* show(code)
        // Anybody can make this address: nothing is limited or out of order because it says so.
        assert.deepStrictEqual([page.status, page.headers.get("retry-after")], [400, null], code)
        assert.include(textOf(page), words)
      }
      const hostile = yield* show("<script>", '<a href="https://evil.example">')
      assert.notInclude(hostile.text, "<script>\n")
      assert.notInclude(hostile.text, "evil.example")
      const described = yield* show("invalid_request", "A <b>parameter</b> is repeated")
      assert.include(described.text, "invalid_request: A &lt;b&gt;parameter&lt;/b&gt; is repeated")
      assert.notInclude((yield* show("invalid_request", "x".repeat(201))).text, "xxx")
    }).pipe(Effect.provide(layer)),
  )
})
