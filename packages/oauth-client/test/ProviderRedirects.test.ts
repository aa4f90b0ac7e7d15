/**
 * The browser's way to a provider and back, at the level of HTTP.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { PagePaths } from "@belfry/core/PagePaths"
import * as RequestBodyHandlers from "@belfry/core/RequestBodyHandlers"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import {
  amrOf,
  at,
  Away,
  consent,
  enrolApp,
  errorOf,
  home,
  layer,
  layerAway,
  leave,
  open,
  pathOf,
  provider,
  signedIn,
  signIn,
  textAt,
} from "./support/WebBrowser.ts"

const callback = "/auth/provider/acme/callback"

/** What may come in: fields and cookies of names that mean something, and of any other, in a query or in any body. */
const Chaos = Schema.Struct({
  place: Schema.Literals(["start", "callback", "form"]),
  type: Schema.Union([
    Schema.Literals(["application/x-www-form-urlencoded", "application/json", "multipart/form-data"]),
    Schema.String,
  ]),
  fields: Schema.Array(
    Schema.Tuple([
      Schema.Union([Schema.Literals(["state", "code", "error", "iss", "user", "token", "__proto__"]), Schema.String]),
      Schema.String,
    ]),
  ),
  cookies: Schema.Array(
    Schema.Tuple([
      Schema.Literals(["state", "belfry_oauth_start", "belfry_session", "belfry_sign_in", "__proto__"]),
      Schema.String,
    ]),
  ),
  tail: Schema.String,
})

/** The characters of a text that a header may have. */
const inHeader = (text: string): string => text.replaceAll(/[^\x20-\x7E\x80-\xFF]|[;,]/gu, "").trim()

const stateCookies = (cookies: ReadonlyMap<string, string>) =>
  [...cookies.keys()].filter((name) => /^(?:__Host-)?belfry_oauth_acme_\w{6}$/.test(name))

describe("GET /auth/provider/:providerId/start", () => {
  it.effect("leads to the page of the host's own path where it goes wrong", () =>
    Effect.gen(function* () {
      const response = yield* (yield* open()).get("/auth/provider/nobody/start?token=x")
      assert.strictEqual(response.location, "/hilfe?error=provider_not_found")
    }).pipe(
      Effect.provide(
        Layer.provideMerge(
          Layer.effect(
            PagePaths,
            Effect.map(PagePaths, (paths) => ({ ...paths, signInError: "/hilfe" as const })),
          ),
          layer,
        ),
      ),
    ),
  )

  it.effect("leads to the provider, with a cookie that binds the way back to this browser", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const started = yield* browser.post("/auth/provider/acme/sign-in")
      const left = yield* browser.get(pathOf(textAt(started, "url")))
      assert.strictEqual(left.status, 302)
      const location = new URL(left.location ?? "")
      assert.strictEqual(`${location.origin}${location.pathname}`, `${local.url}/authorize`)
      assert.strictEqual(location.searchParams.get("redirect_uri"), `http://localhost:3000${callback}`)
      assert.strictEqual(location.searchParams.get("code_challenge_method"), "S256")
      assert.strictEqual(left.headers.get("referrer-policy"), "no-referrer")
      assert.strictEqual(left.headers.get("cache-control"), "no-store")
      assert.lengthOf(Object.keys(left.cookies), 1)
      const [name] = stateCookies(browser.cookies)
      const expires = DateTime.toDateUtc(DateTime.add(yield* DateTime.now, { minutes: 10 })).toUTCString()
      assert.deepStrictEqual(left.cookies[name ?? ""]?.attributes, [
        `Expires=${expires}`,
        "HttpOnly",
        "Path=/",
        "SameSite=Lax",
      ])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is of no use to another browser, without its token, or when it is over", () =>
    Effect.gen(function* () {
      yield* provider()
      const [browser, other] = [yield* open(), yield* open()]
      const path = pathOf(textAt(yield* browser.post("/auth/provider/acme/sign-in"), "url"))
      yield* other.post("/auth/provider/acme/sign-in")
      const mismatch = { error: "state_mismatch", provider: "acme" }
      assert.deepStrictEqual(errorOf(yield* other.get(path)), mismatch)
      assert.deepStrictEqual(errorOf(yield* (yield* open()).get(path)), mismatch)
      for (const query of ["", "?token=", "?token=x", "?token=a&token=b", `?token=${"x".repeat(9000)}`]) {
        const refused = yield* browser.get(`/auth/provider/acme/start${query}`)
        assert.deepStrictEqual(errorOf(refused), mismatch, query)
        assert.deepStrictEqual(refused.cookies, {})
      }
      assert.strictEqual((yield* browser.get(path)).status, 302)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(errorOf(yield* browser.get(path)), mismatch)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leads to the error page where there is no such provider, and does not repeat what came", () =>
    Effect.gen(function* () {
      const browser = yield* open()
      for (const id of ["nobody", "x".repeat(100), "%3Cb%3E", "%00", "..%2F..", "%F0%9F%A6%89"]) {
        for (const path of ["start", "callback"]) {
          const response = yield* browser.get(`/auth/provider/${id}/${path}?token=x&state=x`)
          assert.deepStrictEqual(errorOf(response), { error: "provider_not_found" }, id)
        }
        const posted = yield* browser.postFrom("https://evil.example", `/auth/provider/${id}/callback`, { state: "x" })
        assert.deepStrictEqual(errorOf(posted), { error: "provider_not_found" }, id)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says that the provider cannot be asked, and keeps nothing", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      local.answer("/.well-known/openid-configuration", (_, response) => response.writeHead(404).end())
      const browser = yield* open()
      const started = yield* browser.post("/auth/provider/acme/sign-in")
      const refused = yield* browser.get(pathOf(textAt(started, "url")))
      assert.deepStrictEqual(errorOf(refused), { error: "temporarily_unavailable", provider: "acme" })
      assert.deepStrictEqual(refused.cookies, {})
    }).pipe(Effect.provide(layer)),
  )

  it.effect("says to a client that comes too often when to come again", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      let response = yield* browser.get("/auth/provider/acme/start")
      for (let calls = 0; calls < 500 && errorOf(response)["error"] === "state_mismatch"; calls++) {
        response = yield* browser.get("/auth/provider/acme/start")
      }
      assert.deepStrictEqual(errorOf(response), { error: "rate_limited", provider: "acme" })
      assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/)
    }).pipe(Effect.provide(layer)),
  )
})

describe("GET /auth/provider/:providerId/callback", () => {
  it.effect("signs in and leads to where the person wanted to go", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const response = yield* signIn(browser, { redirectUrl: "/reports?year=2026" })
      assert.deepStrictEqual([response.status, response.location], [302, "/reports?year=2026"])
      assert.strictEqual(response.headers.get("referrer-policy"), "no-referrer")
      assert.strictEqual(response.headers.get("cache-control"), "no-store")
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
      assert.deepStrictEqual([...browser.cookies.keys()].toSorted(), ["belfry_oauth_start", "belfry_session"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leads somebody new, and who has no target, to theirs", () =>
    Effect.gen(function* () {
      yield* provider()
      const request = { redirectUrl: "/reports", newUserRedirectUrl: "/welcome" }
      assert.strictEqual((yield* signIn(yield* open(), request)).location, "/welcome")
      assert.strictEqual((yield* signIn(yield* open(), request)).location, "/reports")
      assert.strictEqual((yield* signIn(yield* open())).location, "/account")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("replaces the session that the browser had", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      yield* signIn(browser)
      const before = browser.cookies.get("belfry_session")
      yield* signIn(browser)
      assert.notStrictEqual(browser.cookies.get("belfry_session"), before)
      assert.lengthOf(Object.values(at(yield* browser.get("/auth/sessions"), "sessions") ?? {}), 1)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("uses a state once", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const path = yield* consent(yield* leave(browser))
      const kept = new Map(browser.cookies)
      yield* browser.get(path)
      for (const [name, value] of kept) browser.cookies.set(name, value)
      browser.cookies.delete("belfry_session")
      const again = yield* browser.get(path)
      assert.deepStrictEqual(errorOf(again), { error: "state_not_found", provider: "acme" })
      assert.deepStrictEqual(stateCookies(browser.cookies), [])
      assert.isNull(yield* amrOf(browser))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("is of no use in another browser, and does not spoil the way back of the first", () =>
    Effect.gen(function* () {
      yield* provider()
      const [browser, other] = [yield* open(), yield* open()]
      yield* leave(other)
      const path = yield* consent(yield* leave(browser))
      assert.deepStrictEqual(errorOf(yield* other.get(path)), { error: "state_mismatch", provider: "acme" })
      assert.isNull(yield* amrOf(other))
      assert.lengthOf(stateCookies(other.cookies), 1)
      yield* browser.get(path)
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leaves the cookie where it does not fit: it may be another state's", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const path = yield* consent(yield* leave(browser))
      const [name = ""] = stateCookies(browser.cookies)
      const fitting = browser.cookies.get(name) ?? ""
      browser.cookies.set(name, `x${fitting}`)
      const refused = yield* browser.get(path)
      assert.deepStrictEqual(errorOf(refused), { error: "state_mismatch", provider: "acme" })
      assert.deepStrictEqual(refused.cookies, {})
      browser.cookies.set(name, fitting)
      assert.strictEqual((yield* browser.get(path)).location, "/account")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lets several tabs come to their end, in any order", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const first = yield* consent(yield* leave(browser, { redirectUrl: "/one" }))
      const second = yield* consent(yield* leave(browser, { redirectUrl: "/two" }))
      assert.lengthOf(stateCookies(browser.cookies), 2)
      assert.strictEqual((yield* browser.get(second)).location, "/two")
      assert.strictEqual((yield* browser.get(first)).location, "/one")
      assert.deepStrictEqual(stateCookies(browser.cookies), [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps few states of a browser that begins again and again", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      for (let tabs = 0; tabs < 12; tabs++) yield* leave(browser)
      assert.isAtMost(stateCookies(browser.cookies).length, 8)
      const path = yield* consent(yield* leave(browser))
      yield* browser.get(path)
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps what a sealed cookie holds of a state, and takes it away after", () =>
    Effect.gen(function* () {
      yield* provider({ stateStrategy: "cookie" })
      const browser = yield* open()
      const response = yield* signIn(browser, { redirectUrl: "/reports" })
      assert.strictEqual(response.location, "/reports")
      assert.deepStrictEqual(stateCookies(browser.cookies), [])
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("tells a target that the person declined, and forgets the state", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const location = yield* leave(browser, { errorRedirectUrl: "/try-again?from=acme" })
      const state = location.searchParams.get("state") ?? ""
      const issuer = encodeURIComponent(location.origin)
      const declined = yield* browser.get(`${callback}?error=access_denied&state=${state}&iss=${issuer}`)
      assert.deepStrictEqual([declined.status, declined.location], [302, "/try-again?from=acme&error=access_denied"])
      assert.deepStrictEqual(stateCookies(browser.cookies), [])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("counts nothing of a callback in which a parameter comes twice, or is longer than it can be", () =>
    Effect.gen(function* () {
      const local = yield* provider()
      const browser = yield* open()
      const path = yield* consent(yield* leave(browser))
      const mismatch = { error: "state_mismatch", provider: "acme" }
      for (const more of ["code=other", "state=other", "iss=https%3A%2F%2Fevil.example", `iss=${"x".repeat(513)}`]) {
        assert.deepStrictEqual(errorOf(yield* browser.get(`${path}&${more}`)), mismatch, more)
      }
      assert.deepStrictEqual(errorOf(yield* browser.get(`${path}&error=access_denied&error=x`)), mismatch)
      for (const [name, value] of [
        ["code", "c".repeat(4097)],
        ["error", "e".repeat(257)],
        ["iss", "i".repeat(513)],
      ] as const) {
        const long = new URL(path, home)
        long.searchParams.set(name, value)
        assert.deepStrictEqual(errorOf(yield* browser.get(pathOf(long.href))), mismatch, name)
      }
      assert.strictEqual(local.countOf("/token"), 0)
      yield* browser.get(path)
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("sends the browser on to the next factor with the cookie of the attempt", () =>
    Effect.gen(function* () {
      yield* provider()
      yield* signIn(yield* open())
      yield* enrolApp("ada@example.com")
      const browser = yield* open()
      const response = yield* signIn(browser, { redirectUrl: "/reports" })
      assert.deepStrictEqual([response.status, response.location], [302, "/sign-in/continue"])
      assert.isNull(yield* amrOf(browser))
      const cookie = response.cookies["belfry_sign_in"]
      const expires = DateTime.toDateUtc(DateTime.add(yield* DateTime.now, { minutes: 15 })).toUTCString()
      assert.deepStrictEqual(cookie?.attributes, [`Expires=${expires}`, "HttpOnly", "Path=/", "SameSite=Lax"])
      const state = yield* SignInAttempts.use((attempts) =>
        attempts.get(Redacted.make(cookie?.value ?? ""), unknownClient),
      )
      assert.deepStrictEqual(state.factors, ["totp", "backup-code"])
      assert.deepStrictEqual(state.attempt.context, { returnTo: "/reports" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives an account whose address nobody proved to its owner alone", () =>
    Effect.gen(function* () {
      yield* provider({ trustedForAccountLinking: true })
      const { browser: stranger } = yield* signedIn("ada@example.com")
      yield* enrolApp("ada@example.com")
      const browser = yield* open()
      const response = yield* signIn(browser, { redirectUrl: "/reports" })
      // The stranger's app is not asked for, and the stranger is out.
      assert.strictEqual(response.location, "/reports")
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
      assert.isNull(yield* amrOf(stranger))
      const again = yield* signIn(yield* open(), { redirectUrl: "/reports" })
      assert.strictEqual(again.location, "/reports")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("takes the cookie of an attempt back that it completes", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const { token } = yield* SignInAttempts.use((attempts) => attempts.start({ client: unknownClient }))
      browser.cookies.set("belfry_sign_in", Redacted.value(token))
      yield* signIn(browser)
      assert.isFalse(browser.cookies.has("belfry_sign_in"))
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("links to who began it and is signed in still", () =>
    Effect.gen(function* () {
      yield* provider()
      const { browser, user } = yield* signedIn("ada@example.com")
      const request = { redirectUrl: "/account?linked=1" }
      const path = yield* consent(yield* leave(browser, request, "/auth/provider/acme/link"))
      const session = browser.cookies.get("belfry_session")
      const response = yield* browser.get(path)
      assert.strictEqual(response.location, "/account?linked=1")
      assert.strictEqual(browser.cookies.get("belfry_session"), session)
      const accounts = yield* browser.get("/auth/provider/acme/accounts")
      assert.strictEqual(at(accounts, "accounts", "0", "userId"), user.id)

      const again = yield* consent(yield* leave(browser, {}, "/auth/provider/acme/link"))
      browser.cookies.delete("belfry_session")
      assert.deepStrictEqual(errorOf(yield* browser.get(again)), { error: "state_mismatch", provider: "acme" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("sends a session along that it prolonged", () =>
    Effect.gen(function* () {
      yield* provider()
      const { browser } = yield* signedIn("ada@example.com")
      yield* TestClock.adjust("2 days")
      const state = (yield* leave(browser)).searchParams.get("state") ?? ""
      const declined = yield* browser.get(`/auth/provider/acme/callback?error=access_denied&state=${state}`)
      assert.strictEqual(declined.status, 302)
      assert.isTrue("belfry_session" in declined.cookies)
      assert.strictEqual((yield* browser.get("/auth/session")).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("gives cookies the prefix of https there", () =>
    Effect.gen(function* () {
      const site = "https://app.example"
      yield* provider()
      const browser = yield* open(site)
      const started = yield* browser.post("/auth/provider/acme/sign-in")
      assert.isTrue(started.cookies["__Host-belfry_oauth_start"]?.attributes.includes("Secure"))
      const url = new URL(textAt(started, "url"))
      const left = yield* browser.get(`${url.pathname}${url.search}`)
      assert.lengthOf(stateCookies(browser.cookies), 1)
      for (const { attributes } of Object.values(left.cookies)) assert.isTrue(attributes.includes("Secure"))
    }).pipe(Effect.provide(layer)),
  )
})

describe("POST /auth/provider/:providerId/callback", () => {
  const site = "https://id.example"

  /** What the provider would have the browser post. */
  const formOf = Effect.fnUntraced(function* (location: URL) {
    const { searchParams } = new URL(yield* consent(location), site)
    return Object.fromEntries(searchParams)
  })

  it.effect("comes again by GET, with the cookies that another site's form does not bring, and signs in", () =>
    Effect.gen(function* () {
      yield* provider({ responseMode: "form_post" })
      const browser = yield* open()
      const location = yield* leave(browser)
      assert.strictEqual(location.searchParams.get("response_mode"), "form_post")
      const form = { ...(yield* formOf(location)), user: '{"name":{"firstName":"Ada"}}' }
      const posted = yield* browser.postFrom(site, callback, { ...form, scope: "openid", other: "x".repeat(9000) })
      assert.strictEqual(posted.status, 303)
      assert.strictEqual(posted.headers.get("referrer-policy"), "no-referrer")
      assert.strictEqual(posted.headers.get("cache-control"), "no-store")
      assert.deepStrictEqual(posted.cookies, {})
      const again = new URL(posted.location ?? "", home)
      assert.deepStrictEqual([again.origin, again.pathname], [home, callback])
      assert.deepStrictEqual(Object.fromEntries(again.searchParams), form)
      assert.isNull(yield* amrOf(browser))
      const response = yield* browser.get(pathOf(again.href))
      assert.deepStrictEqual([response.status, response.location], [302, "/account"])
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("signs in at once where the cookie of the state comes along", () =>
    Effect.gen(function* () {
      yield* provider({ responseMode: "form_post" })
      const browser = yield* open()
      const body = new URLSearchParams(yield* formOf(yield* leave(browser))).toString()
      const headers = { "content-type": "application/x-www-form-urlencoded; charset=UTF-8", origin: site }
      const response = yield* browser.request(callback, { method: "POST", headers, body })
      assert.deepStrictEqual([response.status, response.location], [303, "/account"])
      assert.deepStrictEqual(yield* amrOf(browser), ["oauth"])
    }).pipe(Effect.provide(layer)),
  )

  it.effect("reads no other body than a form", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const body = new URLSearchParams(yield* formOf(yield* leave(browser))).toString()
      for (const type of ["text/plain", "application/json", "multipart/form-data; boundary=b"]) {
        const headers = { "content-type": type }
        const response = yield* browser.request(callback, { method: "POST", headers, body })
        assert.deepStrictEqual(errorOf(response), { error: "state_mismatch", provider: "acme" }, type)
      }
      assert.isNull(yield* amrOf(browser))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("reads forms as the host reads bodies", () => {
    let body = ""
    const hosts = Layer.succeed(
      RequestBodyHandlers.RequestBody,
      RequestBodyHandlers.make(() => Effect.sync(() => new TextEncoder().encode(body))),
    )
    return Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const form = yield* formOf(yield* leave(browser))
      body = new URLSearchParams(form).toString()
      const posted = yield* browser.postFrom(site, callback, {})
      assert.deepStrictEqual(Object.fromEntries(new URL(posted.location ?? "", home).searchParams), form)
    }).pipe(Effect.provide(Layer.provideMerge(hosts, layer)))
  })

  it.effect("signs nobody in by a form that another site made up", () =>
    Effect.gen(function* () {
      yield* provider()
      const [attacker, browser] = [yield* open(), yield* open()]
      yield* leave(browser)
      const form = yield* formOf(yield* leave(attacker))
      const posted = yield* browser.postFrom("https://evil.example", callback, form)
      const response = yield* browser.get(posted.location ?? "")
      assert.deepStrictEqual(errorOf(response), { error: "state_mismatch", provider: "acme" })
      assert.isNull(yield* amrOf(browser))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("leads to the error page where the form says nothing, or is none", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const form = "application/x-www-form-urlencoded"
      const bodies: ReadonlyArray<readonly [type: string | undefined, body: string | Uint8Array]> = [
        [form, ""],
        [form, "state="],
        [form, "state=a&state=b&code=c"],
        [form, `state=${"x".repeat(513)}`],
        [form, `state=x&code=${"x".repeat(70_000)}`],
        [form, "%=%&=&&&%zz"],
        [form, new Uint8Array([0xff, 0xfe, 0x00, 0xc3, 0x28])],
        ["application/json", '{"state":"x"}'],
        ["multipart/form-data; boundary=b", '--b\r\nContent-Disposition: form-data; name="state"\r\n\r\nx\r\n--b--'],
        ["text/plain", "state=x"],
        ["", "state=x"],
        [undefined, "state=x"],
      ]
      for (const [type, body] of bodies) {
        const headers = type === undefined ? {} : { "content-type": type }
        const response = yield* browser.request(callback, { method: "POST", headers, body })
        assert.deepStrictEqual(errorOf(response), { error: "state_mismatch", provider: "acme" }, `${type}`)
      }
      const nothing = yield* browser.request(callback, { method: "POST" })
      assert.deepStrictEqual(errorOf(nothing), { error: "state_mismatch", provider: "acme" })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("fits into a URL that servers take, whatever was posted", () =>
    Effect.gen(function* () {
      yield* provider()
      const browser = yield* open()
      const state = new URL(yield* consent(yield* leave(browser)), home).searchParams.get("state") ?? ""
      const form = {
        state,
        code: "c".repeat(4096),
        iss: "i".repeat(512),
        error: "e".repeat(256),
        user: "u".repeat(1025),
      }
      const posted = yield* browser.postFrom(site, callback, form)
      assert.strictEqual(posted.status, 303)
      assert.isBelow(posted.location?.length ?? Infinity, 8192)
      assert.notInclude(posted.location, "user=")
    }).pipe(Effect.provide(layer)),
  )
})

describe("The redirects", () => {
  it.effect("stand outside of the check of origins, and the JSON endpoints within", () =>
    Effect.gen(function* () {
      yield* provider()
      const { browser } = yield* signedIn("ada@example.com")
      const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" }
      for (const [method, path] of [
        ["GET", "/auth/provider/acme/start"],
        ["GET", callback],
        ["POST", callback],
      ] as const) {
        assert.strictEqual(errorOf(yield* browser.request(path, { method, headers }))["error"], "state_mismatch")
      }
      for (const path of ["sign-in", "link", "unlink", "access-token"]) {
        const response = yield* browser.request(`/auth/provider/acme/${path}`, { method: "POST", headers, json: {} })
        assert.deepStrictEqual([response.status, at(response, "_tag")], [403, "CrossOriginRequest"], path)
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("lead to a page when a store is away, and say when to come again", () =>
    Effect.gen(function* () {
      yield* provider()
      const away = yield* Away
      const browser = yield* open()
      const path = pathOf(textAt(yield* browser.post("/auth/provider/acme/sign-in"), "url"))
      const callbackPath = yield* consent(yield* leave(browser))
      yield* away.set(true)
      for (const target of [path, callbackPath]) {
        const response = yield* browser.get(target)
        assert.deepStrictEqual(errorOf(response), { error: "temporarily_unavailable", provider: "acme" })
        assert.strictEqual(response.headers.get("retry-after"), "1")
        assert.deepStrictEqual(response.cookies, {})
      }
      yield* away.set(false)
      assert.strictEqual((yield* browser.get(callbackPath)).location, "/account")
    }).pipe(Effect.provide(layerAway)),
  )

  it.effect.prop(
    "answer whatever comes in by a redirect to this site",
    [Chaos],
    ([chaos]) =>
      Effect.gen(function* () {
        yield* provider()
        const browser = yield* open()
        yield* leave(browser)
        const [stateCookie = ""] = stateCookies(browser.cookies)
        for (const [name, value] of chaos.cookies) {
          browser.cookies.set(name === "state" ? stateCookie : name, inHeader(value))
        }
        const query = chaos.fields
          .map((pair) => pair.map((text) => encodeURIComponent(text.toWellFormed())).join("="))
          .join("&")
        const isForm = chaos.place === "form"
        const response = yield* browser.request(
          `/auth/provider/acme/${chaos.place === "start" ? "start" : "callback"}?${isForm ? "" : query}${chaos.tail}`,
          isForm ? { method: "POST", headers: { "content-type": inHeader(chaos.type) }, body: query } : {},
        )
        assert.include([302, 303], response.status, response.text)
        const { origin, pathname } = new URL(response.location ?? "", home)
        assert.strictEqual(origin, home)
        assert.include(["/sign-in/error", callback], pathname)
        assert.strictEqual(response.text, "")
        assert.isNull(yield* amrOf(browser))
      }).pipe(Effect.provide(layer)),
    { arbitrary: { runs: 60 } },
  )
})
