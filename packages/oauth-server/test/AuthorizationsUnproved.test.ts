/**
 * Errors for clients that registered themselves: the authorization server is no open redirector for them.
 */
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import {
  type Asked,
  authorizePath,
  home,
  layer,
  layerHost,
  locationOf,
  openSite,
  queryOf,
  storedClient,
} from "./support/Authorizing.ts"

/** Requests that end in an error before anybody did anything. */
const faulty: ReadonlyArray<readonly [error: string, asked: Asked]> = [
  ["invalid_scope", { scope: "unheard-of" }],
  ["unsupported_response_type", { response_type: "token" }],
  ["invalid_target", { resource: "https://unheard-of.example" }],
]

/** A client that the host's hook trusts. */
const hooked = ClientId.make("trusted-by-hook")

const ofBrowser = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }

describe("RFC 9700 §4.11.2", () => {
  it.effect("SHOULD ask before an error leads away to a client that registered itself", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite({
        isDynamic: true,
        metadata: { clientName: "<b>Your bank\u202E</b>" },
      })
      for (const [error, asked] of faulty) {
        for (const referer of [null, "https://mail.example.com/", "null", "https://client.example.com.evil.example/"]) {
          const headers = { ...ofBrowser, ...(referer === null ? {} : { referer }) }
          const page = yield* browser.request(authorizePath(client, asked), { headers })
          assert.deepStrictEqual([page.status, page.location], [400, null], error)
          assert.include(page.text, "&#60;b&#62;Your bank")
          assert.notInclude(page.text, "\u202E")
          assert.include(page.text, `<strong>client.example.com</strong> (${error})`)
          const [, href = ""] = /<a href="([^"]*)">Continue to client\.example\.com<\/a>/u.exec(page.text) ?? []
          const target = new URL(href.replaceAll("&#38;", "&"))
          assert.deepInclude(Object.fromEntries(target.searchParams), {
            error,
            state: "of the client",
            iss: `${home}/auth`,
          })
          assert.strictEqual(page.headers.get("x-frame-options"), "DENY")
          const style = /<style>([^<]*)<\/style>/u.exec(page.text)?.[1] ?? ""
          const hash = createHash("sha256").update(style).digest("base64")
          assert.match(
            page.headers.get("content-security-policy") ?? "",
            /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; base-uri 'none'; frame-ancestors 'none'$/u,
          )
          assert.include(page.headers.get("content-security-policy"), `style-src 'sha256-${hash}'`)
          assert.strictEqual(page.headers.get("x-content-type-options"), "nosniff")
          assert.strictEqual(page.headers.get("referrer-policy"), "no-referrer")
          assert.strictEqual(page.headers.get("cache-control"), "no-store")
        }
        const posted = yield* browser.go(authorizePath(client, { ...asked, response_mode: "form_post" }))
        assert.include(
          posted.text,
          `<form method="post" action="https://client.example.com/callback"><input type="hidden"`,
        )
        assert.notInclude(posted.text, "<script")
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tells the error at once to clients that the host knows, or the person", () =>
    Effect.gen(function* () {
      const { browser, client: allowed } = yield* openSite({ isDynamic: true })
      const person = yield* browser.signIn()
      yield* ConsentStore.use((store) =>
        Effect.flatMap(
          OAuthBuilders.consent({ clientId: allowed.id, userId: person.user.id, scopes: ["openid"] }),
          store.merge,
        ),
      )
      const clients = [
        allowed,
        yield* storedClient(),
        yield* storedClient({ isDynamic: true, privileges: { skipConsent: true } }),
        yield* storedClient({ id: hooked, isDynamic: true }),
      ]
      for (const client of clients) {
        for (const asked of [{ scope: "unheard-of" }, { prompt: "none", max_age: "0" }]) {
          const answer = yield* browser.go(authorizePath(client, asked))
          assert.strictEqual(locationOf(answer).origin, "https://client.example.com", client.metadata.clientName ?? "")
          assert.property(queryOf(answer), "error")
        }
      }
    }).pipe(Effect.provide(layer({ hooks: { isTrusted: (id) => Effect.succeed(id === hooked) } }))),
  )

  it.effect("tells what silence cannot do without a page, as OpenID Connect Core §3.1.2.6 demands", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite({ isDynamic: true })
      for (const error of ["login_required", "consent_required"]) {
        const answer = yield* browser.request(authorizePath(client, { prompt: "none" }), { headers: ofBrowser })
        assert.strictEqual(queryOf(answer)["error"], error)
        yield* browser.signIn()
      }
    }).pipe(Effect.provide(layer())),
  )

  for (const [error, host] of [
    ["account_selection_required", { hooks: { selectsAccount: () => Effect.succeed(true) } }],
    [
      "interaction_required",
      { hooks: { postLogin: () => Effect.succeed(true) }, pages: { postLogin: "/welcome" as const } },
    ],
  ] as const) {
    it.effect(`tells ${error} without a page, as OpenID Connect Core §3.1.2.6 demands`, () =>
      Effect.gen(function* () {
        const { browser, client } = yield* openSite({ isDynamic: true })
        yield* browser.signIn()
        const answer = yield* browser.request(authorizePath(client, { prompt: "none" }), { headers: ofBrowser })
        assert.strictEqual(queryOf(answer)["error"], error)
      }).pipe(Effect.provide(layer(host))),
    )
  }

  it.effect("SHOULD ask, too, where who is signed in cannot do what is asked, unless in silence", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite({ isDynamic: true })
      yield* browser.signIn()
      const page = yield* browser.request(authorizePath(client, { acr_values: "aal2" }), { headers: ofBrowser })
      assert.deepStrictEqual([page.status, page.location], [400, null])
      assert.include(page.text, "(unmet_authentication_requirements)")
      const silent = { acr_values: "aal2", prompt: "none" }
      const answer = yield* browser.request(authorizePath(client, silent), { headers: ofBrowser })
      assert.strictEqual(queryOf(answer)["error"], "unmet_authentication_requirements")
    }).pipe(
      Effect.provide(
        TestServices.layerOAuthServerWith(TestServices.layerAuthenticationContexts({ reachable: [] })).pipe(
          Layer.provideMerge(layerHost()),
          Layer.provideMerge(TestServices.layerMemory),
        ),
      ),
    ),
  )

  it.effect("SHOULD ask, too, where nobody can do what is asked, unless in silence", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite({ isDynamic: true })
      const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ["urn:unknown"] } } })
      const page = yield* browser.request(authorizePath(client, { claims }), { headers: ofBrowser })
      assert.deepStrictEqual([page.status, page.location], [400, null])
      assert.include(page.text, "(unmet_authentication_requirements)")
      const answer = yield* browser.request(authorizePath(client, { claims, prompt: "none" }), { headers: ofBrowser })
      assert.strictEqual(queryOf(answer)["error"], "unmet_authentication_requirements")
      // What is wrong with a request is wrong in silence, too: anybody can make it so.
      const faulty = authorizePath(client, { scope: "unheard-of", prompt: "none" })
      assert.strictEqual((yield* browser.request(faulty, { headers: ofBrowser })).status, 400)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("shows a name on one line, cut at 80 characters, and the id in place of one that nobody sees", () =>
    Effect.gen(function* () {
      const { browser } = yield* openSite()
      const shown = Effect.fnUntraced(function* (clientName: string) {
        const client = yield* storedClient({ isDynamic: true, metadata: { clientName } })
        const page = yield* browser.request(authorizePath(client, { scope: "unheard-of" }), { headers: ofBrowser })
        return [/<p>(.*) sent you here/su.exec(page.text)?.[1], client.id] as const
      })
      assert.deepStrictEqual((yield* shown("Your\n\u0007bank\u00a0\u2028of\u200bAda"))[0], "Your bank of Ada")
      assert.deepStrictEqual((yield* shown("n".repeat(81)))[0], "n".repeat(80))
      const [name, id] = yield* shown("\u200b\u0000 ")
      assert.strictEqual(name, id)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tells the error at once where it leads to an application, or back to where the person comes from", () =>
    Effect.gen(function* () {
      const { browser, client: web } = yield* openSite({ isDynamic: true })
      for (const [error, asked] of faulty) {
        for (const redirectUri of ["http://127.0.0.1:51004/callback", "com.example.app:/callback"]) {
          const native = yield* storedClient({
            isDynamic: true,
            metadata: { applicationType: "native", redirectUris: [redirectUri] },
          })
          assert.strictEqual(queryOf(yield* browser.go(authorizePath(native, asked)))["error"], error)
        }
        for (const headers of [
          { ...ofBrowser, referer: "https://client.example.com/" },
          { ...ofBrowser, "sec-fetch-dest": "iframe" },
        ]) {
          const answer = yield* browser.request(authorizePath(web, asked), { headers })
          assert.strictEqual(queryOf(answer)["error"], error)
        }
        for (const script of [
          yield* browser.fetch(authorizePath(web, asked)),
          yield* browser.request(authorizePath(web, asked), { headers: { accept: "application/json" } }),
        ]) {
          assert.strictEqual(script.headers.get("content-type"), "application/json")
          assert.include(script.text, error)
        }
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leads to a client that registered itself once the person did something for it", () =>
    Effect.gen(function* () {
      const { browser, client } = yield* openSite({ isDynamic: true })
      yield* browser.signIn()
      const consent = locationOf(yield* browser.go(authorizePath(client)))
      const denied = yield* browser.submit("/auth/oauth2/consent", {
        request: consent.searchParams.get("request") ?? "",
        accept: "false",
      })
      assert.strictEqual(queryOf(denied)["error"], "access_denied")
    }).pipe(Effect.provide(layer())),
  )
})
