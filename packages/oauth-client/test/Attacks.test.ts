/**
 * Attacks on signing in with another provider, each from the browser to the provider and back, over HTTP on both sides.
 *
 * What each guard does in detail is tested beside it: states in `OAuthStates*`, the flow in `OAuthSignIns*`, redirect
 * targets in `OAuthSignInsRedirects`, ID tokens in `OAuthTransportIdToken`, calls in `HttpClientOutboundHttp`.
 */
import { Audit } from "@belfry/core/Audit"
import * as LocalServer from "@belfry/testing/LocalServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from "jose"
import { type AddressInfo, createServer } from "node:net"
import * as LocalProvider from "./support/LocalProvider.ts"
import {
  amrOf,
  consent,
  errorOf,
  home,
  layer,
  leave,
  open,
  pathOf,
  provider,
  signedIn,
  signIn,
  type WebBrowser,
} from "./support/WebBrowser.ts"

const strategies = ["adapter", "cookie"] as const

const callback = "/auth/provider/acme/callback"

/** Begins a sign-in: what the provider was sent. */
const begin = (browser: WebBrowser, id = "acme") => leave(browser, {}, `/auth/provider/${id}/sign-in`)

/** The callback to which a provider leads, with some of its parameters changed. */
const changed = (path: string, parameters: Readonly<Record<string, string | null>>): string => {
  const url = new URL(path, home)
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  return pathOf(url.href)
}

const parameterOf = (url: URL | string, name: string): string =>
  new URL(url, home).searchParams.get(name) ?? assert.fail(`no ${name}`)

/** The cookies that bind states to a browser. */
const stateCookies = ({ cookies }: WebBrowser) =>
  [...cookies].filter(([name]) => /^belfry_oauth_acme_\w{6}$/.test(name))

/** What the last refusal came from, as the audit log knows it. */
const lastDetail = Effect.gen(function* () {
  const [event] = yield* Audit.use((audit) => audit.list({ limit: 1 }))
  return event?.type === "oauth.refused" ? event.data["detail"] : assert.fail(`no refusal: ${event?.type}`)
})

/** Comes back, is refused with this code and by this guard, and is not signed in. */
const refused = Effect.fnUntraced(function* (browser: WebBrowser, path: string, code: string, detail?: string) {
  const error = errorOf(yield* browser.get(path))
  assert.strictEqual(error["error"], code)
  if (detail !== undefined) assert.strictEqual(yield* lastDetail, detail)
  assert.isNull(yield* amrOf(browser))
})

describe("Replayed state", () => {
  it.effect("gets nothing when it was used, its cookie kept", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const path = yield* consent(yield* begin(browser))
      const kept = new Map(browser.cookies)
      assert.strictEqual((yield* browser.get(path)).location, "/account")
      browser.cookies.clear()
      for (const [name, value] of kept) browser.cookies.set(name, value)
      yield* refused(browser, path, "state_not_found")
      assert.strictEqual(local.countOf("/token"), 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gets nothing either where the cookie is all there is of it: the code is used up", () =>
    Effect.gen(function* () {
      const local = yield* provider({ stateStrategy: "cookie" })
      const browser = yield* open()
      const path = yield* consent(yield* begin(browser))
      const kept = new Map(browser.cookies)
      assert.strictEqual((yield* browser.get(path)).location, "/account")
      browser.cookies.delete("belfry_session")
      yield* refused(browser, path, "state_mismatch")
      assert.strictEqual(local.countOf("/token"), 1)
      for (const [name, value] of kept) browser.cookies.set(name, value)
      yield* refused(browser, path, "oauth_code_verification_failed")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("makes one session and one clear error when it comes twice at once", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const path = yield* consent(yield* begin(browser))
      const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ")
      const send = browser.request(path, { headers: { cookie } })
      const answers = yield* Effect.all([send, send], { concurrency: "unbounded" })
      const [lost, won] = answers.toSorted((a) => (a.location === "/account" ? 1 : -1))
      assert.strictEqual(won?.location, "/account")
      assert.strictEqual(lost === undefined ? null : errorOf(lost)["error"], "state_not_found")
      assert.strictEqual(local.countOf("/token"), 1)
    }).pipe(Effect.provide(layer)),
  )
})

for (const stateStrategy of strategies) {
  describe(`State (${stateStrategy})`, () => {
    it.effect("of another browser gets nothing: nobody is signed in as the attacker", () =>
      Effect.gen(function* () {
        const local = yield* provider({ stateStrategy })
        const [attacker, victim, idle] = [yield* open(), yield* open(), yield* open()]
        yield* begin(victim)
        const path = yield* consent(yield* begin(attacker))
        for (const browser of [victim, idle]) yield* refused(browser, path, "state_mismatch")
        // Nor with the victim's own cookie under the name that the attacker's has.
        const [own] = stateCookies(victim)
        const [other] = stateCookies(attacker)
        if (own === undefined || other === undefined) return assert.fail("no cookie")
        victim.cookies.set(other[0], own[1])
        yield* refused(victim, path, "state_mismatch")
        assert.strictEqual(local.countOf("/token"), 0)
        assert.strictEqual((yield* attacker.get(path)).location, "/account")
      }).pipe(Effect.provide(layer)),
    )

    it.effect("of another provider gets nothing there, whatever the cookie is called", () =>
      Effect.gen(function* () {
        const honest = yield* provider({ stateStrategy })
        const evil = yield* provider({ stateStrategy, id: "evil", name: "Evil" })
        const browser = yield* open()
        const begun = yield* consent(yield* begin(browser))
        for (const [name, value] of browser.cookies) {
          browser.cookies.set(name.replace("belfry_oauth_acme_", "belfry_oauth_evil_"), value)
        }
        const path = begun.replace("/provider/acme/", "/provider/evil/")
        assert.notStrictEqual(path, begun)
        yield* refused(browser, path, "state_mismatch")
        assert.deepStrictEqual([honest.countOf("/token"), evil.countOf("/token")], [0, 0])
      }).pipe(Effect.provide(layer)),
    )

    it.effect("that nobody made, was altered or is missing gets nothing", () =>
      Effect.gen(function* () {
        const local = yield* provider({ stateStrategy })
        const browser = yield* open()
        const path = yield* consent(yield* begin(browser))
        const state = parameterOf(path, "state")
        for (const other of [
          null,
          "",
          "x",
          `${state}x`,
          state.slice(1),
          `${state.slice(0, -1)}${state.endsWith("A") ? "B" : "A"}`,
        ]) {
          yield* refused(browser, changed(path, { state: other }), "state_mismatch")
        }
        assert.strictEqual(local.countOf("/token"), 0)
        assert.strictEqual((yield* browser.get(path)).location, "/account")
      }).pipe(Effect.provide(layer)),
    )
  })

  describe(`Mix-up (RFC 9207, ${stateStrategy})`, () => {
    it.effect("sends no code to the attacker's provider that an honest one issued", () =>
      Effect.gen(function* () {
        const honest = yield* provider({ stateStrategy })
        const evil = yield* provider({ stateStrategy, id: "evil", name: "Evil" })
        const browser = yield* open()
        // The person chose the evil provider, which leads the browser on to the honest one.
        const sent = yield* begin(browser, "evil")
        const led = new URL(`${honest.url}/authorize${sent.search}`)
        const path = yield* consent(led)
        assert.strictEqual(parameterOf(path, "iss"), honest.url)
        yield* refused(browser, path, "issuer_mismatch")
        assert.deepStrictEqual([honest.countOf("/token"), evil.countOf("/token")], [0, 0])
      }).pipe(Effect.provide(layer)),
    )

    it.effect("does not get around the issuer by leaving it out", () =>
      Effect.gen(function* () {
        const local = yield* provider({ stateStrategy })
        const browser = yield* open()
        const path = yield* consent(yield* begin(browser))
        yield* refused(browser, changed(path, { iss: null }), "issuer_missing")
        assert.strictEqual(local.countOf("/token"), 0)
      }).pipe(Effect.provide(layer)),
    )

    it.effect("gets nothing by the honest provider's callback", () =>
      Effect.gen(function* () {
        const honest = yield* provider({ stateStrategy })
        yield* provider({ stateStrategy, id: "evil", name: "Evil" })
        const browser = yield* open()
        const sent = yield* begin(browser, "evil")
        const led = new URL(`${honest.url}/authorize${sent.search}`)
        led.searchParams.set("redirect_uri", `${home}${callback}`)
        yield* refused(browser, yield* consent(led), "state_mismatch")
        assert.strictEqual(honest.countOf("/token"), 0)
      }).pipe(Effect.provide(layer)),
    )
  })

  describe(`Code injection (${stateStrategy})`, () => {
    it.effect("gets nothing with PKCE: the verifier is another", () =>
      Effect.gen(function* () {
        // Without a nonce, so that PKCE alone stands.
        const local = yield* provider({ stateStrategy, useNonce: false })
        const [victim, attacker] = [yield* open(), yield* open()]
        const stolen = parameterOf(yield* consent(yield* begin(victim)), "code")
        const path = yield* consent(yield* begin(attacker))
        yield* refused(attacker, changed(path, { code: stolen }), "oauth_code_verification_failed")
        assert.strictEqual(local.countOf("/token"), 1)
      }).pipe(Effect.provide(layer)),
    )

    it.effect("gets nothing without PKCE: the nonce is another", () =>
      Effect.gen(function* () {
        yield* provider({ stateStrategy, usePkce: false })
        const [victim, attacker] = [yield* open(), yield* open()]
        const stolen = parameterOf(yield* consent(yield* begin(victim)), "code")
        const path = yield* consent(yield* begin(attacker))
        yield* refused(attacker, changed(path, { code: stolen }), "oauth_code_verification_failed", "id-token: nonce")
      }).pipe(Effect.provide(layer)),
    )
  })
}

describe("Nonce replay", () => {
  it.effect("gets nothing: an ID token of an earlier sign-in is none of this one", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const earlier = yield* begin(browser)
      const path = yield* consent(yield* begin(browser))
      local.idTokenClaims = { nonce: parameterOf(earlier, "nonce") }
      yield* refused(browser, path, "oauth_code_verification_failed", "id-token: nonce")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("does not get around the nonce by leaving it out", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const path = yield* consent(yield* begin(browser))
      const idToken = yield* Effect.promise(() => local.idToken())
      local.tokenAnswer = { id_token: idToken }
      yield* refused(browser, path, "oauth_code_verification_failed", "id-token: nonce")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gets nothing from what a browser's sign-in got, brought as a client's own", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const nonce = parameterOf(yield* begin(browser), "nonce")
      const idToken = yield* Effect.promise(() => local.idToken({ nonce }))
      const response = yield* browser.post("/auth/provider/acme/signin/id-token", { idToken })
      assert.strictEqual(response.status, 400)
      assert.strictEqual(yield* lastDetail, "id-token: nonce")
      assert.isNull(yield* amrOf(browser))
    }).pipe(Effect.provide(layer)),
  )
})

/** ID tokens that prove nothing: made of the claims that a real one would have. */
const forgeries: ReadonlyArray<
  readonly [
    name: string,
    detail: string,
    forge: (local: LocalProvider.LocalProvider, claims: Record<string, string | number>) => Promise<string>,
  ]
> = [
  ["unsigned", "id-token: algorithm", async (_, claims) => new UnsecuredJWT(claims).encode()],
  [
    "signed by HS256 with the provider's public key",
    "id-token: algorithm",
    async (local, claims) => {
      const key = await importJWK(local.keys[0] ?? {}, "ES256", { extractable: true })
      const pem = key instanceof Uint8Array ? assert.fail("no public key") : await exportSPKI(key)
      return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(pem))
    },
  ],
  [
    "signed by the right algorithm with another's key",
    "id-token: signature",
    async (local, claims) => {
      const { privateKey } = await generateKeyPair("ES256")
      return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: local.keys[0]?.kid ?? "" }).sign(privateKey)
    },
  ],
  [
    "issued for another client",
    "id-token: audience",
    (local, claims) => local.idToken({ ...claims, aud: "another-client" }),
  ],
  [
    "issued by another provider",
    "id-token: issuer",
    (local, claims) => local.idToken({ ...claims, iss: "https://evil.example" }),
  ],
]

for (const [name, detail, forge] of forgeries) {
  describe(`An ID token that is ${name}`, () => {
    it.effect("signs nobody in, from the token endpoint", () =>
      Effect.gen(function* () {
        const local = yield* provider()
        const browser = yield* open()
        const sent = yield* begin(browser)
        const path = yield* consent(sent)
        const seconds = Math.floor(local.clock() / 1000)
        const claims = {
          iss: local.url,
          aud: LocalProvider.clientId,
          sub: "u-1",
          email: "ada@example.com",
          iat: seconds,
          exp: seconds + 300,
          nonce: parameterOf(sent, "nonce"),
        }
        const idToken = yield* Effect.promise(() => forge(local, claims))
        local.tokenAnswer = { id_token: idToken }
        yield* refused(browser, path, "oauth_code_verification_failed", detail)
      }).pipe(Effect.provide(layer)),
    )

    it.effect("signs nobody in, from a client", () =>
      Effect.gen(function* () {
        const local = yield* provider()
        const browser = yield* open()
        const seconds = Math.floor(local.clock() / 1000)
        const claims = {
          iss: local.url,
          aud: LocalProvider.clientId,
          sub: "u-1",
          email: "ada@example.com",
          iat: seconds,
          exp: seconds + 300,
        }
        const idToken = yield* Effect.promise(() => forge(local, claims))
        const response = yield* browser.post("/auth/provider/acme/signin/id-token", { idToken })
        assert.strictEqual(response.status, 400)
        assert.strictEqual(yield* lastDetail, detail)
        assert.isNull(yield* amrOf(browser))
      }).pipe(Effect.provide(layer)),
    )
  })
}

describe("Open redirects", () => {
  it.effect("lead nowhere but to this site, from a start URL, a callback or an error", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      for (const target of [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
      ]) {
        const request = { redirectUrl: target, errorRedirectUrl: target, newUserRedirectUrl: target }
        assert.strictEqual((yield* signIn(browser, request)).location, "/account")
        const state = parameterOf(yield* leave(browser, request), "state")
        const iss = parameterOf(yield* consent(yield* leave(browser, request)), "iss")
        const declined = changed(callback, { state, iss, error: "access_denied" })
        assert.strictEqual(errorOf(yield* browser.get(declined))["error"], "access_denied")
      }
    }).pipe(Effect.provide(layer)),
  )
})

/** Something that listens inside of the network, and counts who calls. */
const inside = Effect.acquireRelease(
  Effect.promise(async () => {
    let calls = 0
    const server = createServer((socket) => {
      calls += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.2", resolve))
    // Sound: a server that listens on a port has an address of this form.
    const { port } = server.address() as AddressInfo
    return { host: `127.0.0.2:${port}`, calls: () => calls, server }
  }),
  ({ server }) => Effect.promise(() => new Promise((resolve) => server.close(resolve))),
)

describe("A discovery document that points to a private address", () => {
  for (const scheme of ["http", "https"]) {
    it.effect(`has nobody call there: the token endpoint (${scheme})`, () =>
      Effect.gen(function* () {
        const local = yield* provider()
        const target = yield* inside
        local.document["token_endpoint"] = `${scheme}://${target.host}/token`
        const browser = yield* open()
        yield* refused(browser, yield* consent(yield* begin(browser)), "oauth_code_verification_failed")
        assert.strictEqual(target.calls(), 0)
      }).pipe(Effect.scoped, Effect.provide(layer)),
    )

    it.effect(`has nobody call there: the JWK Set (${scheme})`, () =>
      Effect.gen(function* () {
        const local = yield* provider()
        const target = yield* inside
        local.document["jwks_uri"] = `${scheme}://${target.host}/jwks`
        const browser = yield* open()
        yield* refused(browser, yield* consent(yield* begin(browser)), "oauth_code_verification_failed")
        assert.strictEqual(target.calls(), 0)
      }).pipe(Effect.scoped, Effect.provide(layer)),
    )
  }
})

describe("An answer without end", () => {
  for (const path of ["/token", "/jwks"]) {
    it.effect(`ends a callback with a clear error: ${path}`, () =>
      Effect.gen(function* () {
        const local = yield* provider()
        const browser = yield* open()
        const back = yield* consent(yield* begin(browser))
        local.answer(path, LocalServer.endless)
        yield* refused(browser, back, "oauth_code_verification_failed")
      }).pipe(Effect.provide(layer)),
    )
  }
})

describe("Login CSRF by form_post", () => {
  for (const stateStrategy of strategies) {
    it.effect(`signs nobody in as the attacker, by whichever way the form comes (${stateStrategy})`, () =>
      Effect.gen(function* () {
        const local = yield* provider({ stateStrategy, responseMode: "form_post" })
        const [attacker, victim] = [yield* open(), yield* open()]
        yield* begin(victim)
        const back = yield* consent(yield* begin(attacker))
        const form = Object.fromEntries(new URL(back, home).searchParams)
        const posted = yield* victim.postFrom("https://evil.example", callback, form)
        assert.deepStrictEqual([posted.status, posted.cookies], [303, {}])
        yield* refused(victim, pathOf(posted.location ?? ""), "state_mismatch")
        // A browser that sends its cookies along all the same.
        const headers = { "content-type": "application/x-www-form-urlencoded", origin: "https://evil.example" }
        const body = new URLSearchParams(form).toString()
        const direct = yield* victim.request(callback, { method: "POST", headers, body })
        const response =
          direct.location?.startsWith("/sign-in/error") === true
            ? direct
            : yield* victim.get(pathOf(direct.location ?? ""))
        assert.strictEqual(errorOf(response)["error"], "state_mismatch")
        assert.isNull(yield* amrOf(victim))
        assert.strictEqual(local.countOf("/token"), 0)
      }).pipe(Effect.provide(layer)),
    )
  }

  it.effect("links nothing of the attacker's to who is signed in", () =>
    Effect.gen(function* () {
      const local = yield* provider({ responseMode: "form_post", allowDifferentLinkEmails: true })
      const [attacker, victim] = [yield* signedIn("eve@example.com"), yield* signedIn("victim@example.com")]
      const back = yield* consent(yield* leave(attacker.browser, {}, "/auth/provider/acme/link"))
      const form = Object.fromEntries(new URL(back, home).searchParams)
      const posted = yield* victim.browser.postFrom("https://evil.example", callback, form)
      assert.strictEqual(errorOf(yield* victim.browser.get(pathOf(posted.location ?? "")))["error"], "state_mismatch")
      // Not even where the attacker got her cookie into the victim's browser: who began is not who is signed in.
      for (const [name, value] of stateCookies(attacker.browser)) victim.browser.cookies.set(name, value)
      assert.strictEqual(errorOf(yield* victim.browser.get(back))["error"], "state_mismatch")
      assert.strictEqual(yield* lastDetail, "session")
      const { json } = yield* victim.browser.get("/auth/provider/acme/accounts")
      assert.deepStrictEqual(json, { accounts: [] })
      assert.strictEqual(local.countOf("/token"), 0)
    }).pipe(Effect.provide(layer)),
  )
})
