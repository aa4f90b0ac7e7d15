import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { OAuthProviderOptions } from "../src/OAuthProvider.ts"
import { type AuthorizationOptions, OAuthTransport } from "../src/OAuthTransport.ts"
import * as Transport from "./support/Transport.ts"

// RFC 7636, appendix B.
const codeVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
const codeChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

const fixed = {
  redirectUri: "https://app.example.com/auth/provider/local/callback",
  state: Redacted.make("state-1"),
  codeVerifier: Redacted.make(codeVerifier),
  nonce: "nonce-1",
}

const urlOf = (options: Partial<OAuthProviderOptions> = {}, request: AuthorizationOptions = {}, own = {}) =>
  Effect.gen(function* () {
    const local = yield* Transport.makeLocal
    const endpoint = options.authorizationEndpoint ?? `${local.url}/authorize`
    const transport = yield* OAuthTransport
    const url = yield* transport.authorizationUrl(Transport.settings(local, options), { ...fixed, ...request, ...own })
    assert.strictEqual(`${url.origin}${url.pathname}`, endpoint.split("?")[0])
    return url.searchParams
  }).pipe(Effect.provide(Transport.layer))

/** What a test is about, without what every request has. */
const without = (parameters: URLSearchParams, ...names: ReadonlyArray<string>) =>
  Object.fromEntries([...parameters].filter(([name]) => !names.includes(name)))

const always = [
  "response_type",
  "client_id",
  "redirect_uri",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
]

describe("OAuthTransport.authorizationUrl", () => {
  it.effect("asks for a code, with PKCE by S256 and a nonce", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(Object.fromEntries(yield* urlOf()), {
        response_type: "code",
        client_id: "belfry",
        redirect_uri: "https://app.example.com/auth/provider/local/callback",
        scope: "openid email",
        state: "state-1",
        nonce: "nonce-1",
        code_challenge: codeChallenge,
        code_challenge_method: "S256",
      })
    }),
  )

  it.effect("sends no nonce without the scope openid", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* urlOf({ scopes: ["user:email"] })).has("nonce"))
      assert.isFalse((yield* urlOf({}, { scopes: ["email"] })).has("nonce"))
      assert.isFalse((yield* urlOf({}, {}, { nonce: null })).has("nonce"))
    }),
  )

  it.effect("leaves out scope and PKCE where there is none", () =>
    Effect.gen(function* () {
      const parameters = yield* urlOf({ scopes: [] }, {}, { codeVerifier: null })
      assert.isFalse(parameters.has("scope"))
      assert.isFalse(parameters.has("code_challenge"))
      assert.isFalse(parameters.has("code_challenge_method"))
    }),
  )

  it.effect("asks by the settings of the provider", () =>
    Effect.gen(function* () {
      const parameters = yield* urlOf({
        prompt: "consent",
        accessType: "offline",
        responseMode: "form_post",
        authorizationParams: { hd: "example.com" },
      })
      assert.deepStrictEqual(without(parameters, ...always), {
        prompt: "consent",
        access_type: "offline",
        response_mode: "form_post",
        hd: "example.com",
      })
    }),
  )

  it.effect("puts the request over the settings, and those over the strategy and the endpoint", () =>
    Effect.gen(function* () {
      const parameters = yield* urlOf(
        {
          authorizationEndpoint: "https://id.example.com/authorize?tenant=t1&a=endpoint",
          strategy: { authorizationParams: () => ({ a: "strategy", b: "strategy", c: "strategy", d: "strategy" }) },
          authorizationParams: { b: "settings", c: "settings", prompt: "none" },
          prompt: "consent",
          accessType: "offline",
          responseMode: "form_post",
        },
        {
          authorizationParams: { c: "request", prompt: "create", access_type: "online" },
          prompt: "login",
          loginHint: "ada@example.com",
          responseMode: "query",
          scopes: ["openid", "calendar"],
        },
      )
      assert.strictEqual(parameters.get("scope"), "openid calendar")
      assert.deepStrictEqual(without(parameters, ...always), {
        tenant: "t1",
        a: "strategy",
        b: "settings",
        c: "request",
        d: "strategy",
        prompt: "login",
        access_type: "online",
        login_hint: "ada@example.com",
        response_mode: "query",
      })
    }),
  )

  it.effect("never lets anything else name what protects the flow", () =>
    Effect.gen(function* () {
      const evil = Object.fromEntries(
        [...always, "response_mode", "request", "request_uri"].map((name) => [name, "evil"]),
      )
      const query = new URLSearchParams(evil)
      const parameters = yield* urlOf(
        {
          authorizationEndpoint: `https://id.example.com/authorize?${query}&state=twice`,
          strategy: { authorizationParams: () => evil },
        },
        { authorizationParams: evil },
      )
      assert.deepStrictEqual(without(parameters, ...always), {})
      assert.notInclude([...parameters.values()], "evil")
      assert.deepStrictEqual(parameters.getAll("state"), ["state-1"])
      // What is not sent is not sent by others either.
      const bare = yield* urlOf({ scopes: [] }, { authorizationParams: evil }, { nonce: null, codeVerifier: null })
      assert.deepStrictEqual([...bare.keys()].sort(), ["client_id", "redirect_uri", "response_type", "state"])
    }),
  )

  it.effect("refuses settings that name it", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      assert.throws(() => Transport.settings(local, { authorizationParams: { state: "fixed" } }))
    }),
  )
})
