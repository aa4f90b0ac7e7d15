/**
 * The checks of an authorization request: their order, and what each refuses.
 */
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import * as RequestParameters from "@belfry/oauth-server/Parameters"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { check, prove, requestChecks, sourceChecks } from "../src/internal/authorizeChecks.ts"
import { type RequestFacts, toRequest } from "../src/internal/authorizeFacts.ts"

const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

const callback = "https://client.example.com/callback"

/** A request that passes every check. */
const good: Readonly<Record<string, string>> = {
  client_id: "client",
  redirect_uri: callback,
  response_type: "code",
  scope: "openid profile",
  state: "xyz",
  code_challenge: challenge,
  code_challenge_method: "S256",
}

type Changes = Readonly<Record<string, string | ReadonlyArray<string> | null>>

/** The facts of {@link good} with other parameters (null: left out), client or server. */
const facts = Effect.fnUntraced(function* (
  changes: Changes = {},
  options: Partial<Omit<RequestFacts, "client" | "parameters">> & {
    readonly client?: Parameters<typeof OAuthBuilders.client>[0]
  } = {},
) {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...good, ...changes })) {
    for (const each of value === null ? [] : typeof value === "string" ? [value] : value) search.append(name, each)
  }
  const made = RequestParameters.make(search)
  const { client, ...others } = options
  return {
    parameters: RequestParameters.lenient(search),
    repeated: Result.isSuccess(made) ? [] : ["", ...made.failure.names],
    client: yield* OAuthBuilders.client(client),
    redirectUri: callback,
    settings: OAuthServerSettings.make(),
    requestUri: "absent",
    resources: [],
    idTokenHint: "absent",
    supportedAcrValues: ["urn:one", "urn:two"],
    ...others,
  } satisfies RequestFacts
})

const errorOf = (...given: Parameters<typeof facts>) =>
  Effect.map(facts(...given), (known) => check(known)?.code ?? null)

const refusalOf = (...given: Parameters<typeof facts>) =>
  Effect.map(facts(...given), (known) => {
    const proved = prove(known)
    return Result.isFailure(proved) ? proved.failure.reason : null
  })

const publicClient = { metadata: { tokenEndpointAuthMethod: "none" } } as const
const exempted = { privileges: { requirePkce: false } }
const noPkce = { code_challenge: null, code_challenge_method: null }

describe("the order of the checks", () => {
  it("is this one, each with its section", () => {
    assert.deepStrictEqual(
      sourceChecks.map(({ name, spec }) => `${spec}: ${name}`),
      [
        "RFC 6749 §3.1: client_id stands once",
        "RFC 6749 §4.1.1: client_id is given",
        "Client ID Metadata Document §4: client is what its metadata document says, where its id is the URL of one",
        "RFC 6749 §4.1.2.1: client is known",
        "RFC 6749 §3.1: redirect_uri stands once",
        "OpenID Connect Core §3.1.2.2: redirect_uri is given for OpenID Connect",
        "RFC 6749 §3.1.2.3: redirect_uri is given, unless one alone is registered",
        "RFC 9700 §4.1.3: redirect_uri is registered",
        "RFC 6749 §3.1.2: redirect_uri has no fragment",
        "RFC 8252 §8.4: redirect_uri runs no script",
      ],
    )
    assert.deepStrictEqual(
      requestChecks.map(({ name, spec }) => `${spec}: ${name}`),
      [
        "RFC 6749 §3.1: parameters stand once",
        "RFC 6749 §4.1.2.1: parameters are of sound size and characters",
        "OpenID Connect Core §3.1.2.6: request is not taken",
        "OpenID Connect Core §3.1.2.6: request_uri is taken where a host resolves it",
        "OpenID Connect Core §3.1.2.6: request_uri is known",
        "OpenID Connect Core §7.2.1: registration is not taken",
        "RFC 6749 §3.1.1: response_type is given",
        "RFC 9700 §2.1.2: response_type is code",
        "OAuth 2.0 Multiple Response Type Encoding Practices §2.1: response_mode is query or form_post",
        "RFC 6749 §4.1.2.1: client is registered for codes",
        "RFC 6749 §3.3: scope is well-formed",
        "RFC 6749 §3.3: scope is registered for the client",
        "RFC 6749 §3.3: scope asks for something",
        "RFC 7636 §4.4.1: code_challenge_method is S256",
        "RFC 7636 §4.2: code_challenge is a SHA-256",
        "RFC 9700 §2.1.1: code_challenge is given by public clients",
        "OAuth 2.1 §4.1.1: code_challenge is given by confidential clients, unless exempted",
        "OAuth 2.1 §4.1.1: code_challenge is given for offline_access",
        "OAuth 2.1 §7.5.1: nonce is given where code_challenge is not",
        "RFC 8707 §2: resource is well-formed",
        "RFC 8707 §2: resource is known",
        "RFC 8707 §2.1: resource is bound to one thing at most",
        "RFC 8707 §2: resource is allowed to the client",
        "OpenID Connect Core §3.1.2.1: prompt is known",
        "OpenID Connect Core §3.1.2.1: prompt none stands alone",
        "OpenID Connect Core §3.1.2.1: max_age is a number of seconds",
        "OpenID Connect Core §5.5: claims is well-formed",
        "OpenID Connect Core §5.5.1: claims asks for one subject",
        "OpenID Connect Core §5.5.1.1: essential acr is one that sessions can have",
        "OpenID Connect Core §3.1.2.2: id_token_hint is an ID token for the client",
        "OpenID Connect Core §3.1.2.1: id_token_hint and claims name the same subject",
      ],
    )
  })

  it.effect("tells the person first who asks, then the client what is wrong", () =>
    Effect.gen(function* () {
      assert.isNull(yield* refusalOf())
      assert.isNull(yield* errorOf())
      const faults = { response_type: "token", scope: "unknown", redirect_uri: "https://evil.example" }
      assert.strictEqual(yield* refusalOf(faults), "invalid_redirect_uri")
      assert.strictEqual(yield* errorOf({ ...faults, redirect_uri: callback }), "unsupported_response_type")
      assert.strictEqual(yield* errorOf({ scope: "unknown", prompt: "never" }), "invalid_scope")
      assert.strictEqual(yield* errorOf({ scope: "unknown", state: ["a", "b"] }), "invalid_request")
    }),
  )
})

describe("RFC 6749 §4.1.2.1", () => {
  it.effect("MUST NOT redirect where client_id is missing, repeated, unknown or disabled", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* refusalOf({ client_id: null }), "invalid_request")
      assert.strictEqual(yield* refusalOf({ client_id: "" }), "invalid_request")
      assert.strictEqual(yield* refusalOf({ client_id: ["client", "client"] }), "invalid_request")
      assert.strictEqual(yield* refusalOf({}, { client: { isDisabled: true } }), "invalid_client")
      const unknown = prove({ ...(yield* facts()), client: null })
      assert.isTrue(Result.isFailure(unknown) && unknown.failure.reason === "invalid_client")
    }),
  )

  it.effect("MUST NOT redirect where redirect_uri is missing, repeated or not registered", () =>
    Effect.gen(function* () {
      const two = { client: { metadata: { redirectUris: [callback, "https://client.example.com/other"] } } }
      assert.strictEqual(yield* refusalOf({ redirect_uri: null, scope: "profile" }, two), "invalid_redirect_uri")
      assert.strictEqual(yield* refusalOf({ redirect_uri: [callback, callback] }), "invalid_request")
      assert.strictEqual(yield* refusalOf({ redirect_uri: "https://evil.example/callback" }), "invalid_redirect_uri")
      assert.isNull(yield* refusalOf({ redirect_uri: "https://client.example.com/other" }, two))
      for (const uri of ["https://client.example.com/callback#x", "javascript:alert(1)", "data:text/html,x"]) {
        const registered = { client: { metadata: { redirectUris: [uri] } } }
        assert.strictEqual(yield* refusalOf({ redirect_uri: uri }, registered), "invalid_redirect_uri", uri)
      }
    }),
  )

  it.effect("MUST answer clients that are not registered for codes with unauthorized_client", () =>
    Effect.gen(function* () {
      const client = { metadata: { grantTypes: ["client_credentials"] } }
      assert.strictEqual(yield* errorOf({}, { client }), "unauthorized_client")
      const settings = OAuthServerSettings.make({ grantTypes: ["client_credentials"] })
      assert.strictEqual(yield* errorOf({}, { settings }), "unauthorized_client")
    }),
  )
})

describe("RFC 6749 §3.1.2.3", () => {
  it.effect("SHOULD take the one registered redirect URI where none is given", () =>
    Effect.gen(function* () {
      const known = yield* facts({ redirect_uri: null, scope: "profile" })
      const proved = prove(known)
      assert.isTrue(Result.isSuccess(proved) && proved.success.redirectUri === callback)
      assert.isFalse(toRequest(known).isRedirectUriGiven)
      assert.isTrue(toRequest(yield* facts()).isRedirectUriGiven)
    }),
  )
})

describe("OpenID Connect Core §3.1.2.2", () => {
  it.effect("MUST refuse a request of OpenID Connect without redirect_uri", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* refusalOf({ redirect_uri: null }), "invalid_redirect_uri")
      assert.strictEqual(yield* refusalOf({ redirect_uri: "" }), "invalid_redirect_uri")
    }),
  )
})

describe("RFC 6749 §3.1", () => {
  it.effect("MUST refuse any parameter that stands twice, but for resource", () =>
    Effect.gen(function* () {
      for (const name of [
        "state",
        "scope",
        "response_type",
        "nonce",
        "prompt",
        "unknown",
        "Odd-Name",
        "code_challenge",
      ]) {
        const value = good[name] ?? "x"
        assert.strictEqual(yield* errorOf({ [name]: [value, value] }), "invalid_request", name)
      }
      assert.isNull(yield* errorOf({ resource: ["https://api.example.com/a", "https://api.example.com/b"] }))
    }),
  )

  it.effect("MUST take an empty parameter for none, and ignore unknown ones", () =>
    Effect.gen(function* () {
      const empty = { state: "", nonce: "", prompt: "", max_age: "", claims: "", resource: "", request: "" }
      assert.isNull(yield* errorOf({ ...empty, request_uri: "", registration: "", response_mode: "" }))
      assert.strictEqual(yield* errorOf({ response_type: "" }), "invalid_request")
      assert.isNull(yield* errorOf({ foo: "bar", __proto__x: "y", constructor: "z" }))
    }),
  )

  it.effect("refuses what nobody can keep: too long, or with control characters", () =>
    Effect.gen(function* () {
      for (const name of ["state", "nonce", "login_hint", "ui_locales", "acr_values", "claims", "display"]) {
        assert.strictEqual(yield* errorOf({ [name]: "\u0000" }), "invalid_request", name)
        assert.strictEqual(yield* errorOf({ [name]: "a\r\nb" }), "invalid_request", name)
        assert.strictEqual(yield* errorOf({ [name]: "x".repeat(8193) }), "invalid_request", name)
      }
      assert.isNull(yield* errorOf({ state: "ä 🦉 %".repeat(100), nonce: "n".repeat(2048) }))
    }),
  )
})

describe("OpenID Connect Core §3.1.2.6", () => {
  it.effect("MUST refuse request objects and what else it does not take by their own codes", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* errorOf({ request: "x" }), "request_not_supported")
      assert.strictEqual(yield* errorOf({}, { requestUri: "unsupported" }), "request_uri_not_supported")
      assert.strictEqual(yield* errorOf({}, { requestUri: "refused" }), "invalid_request_uri")
      assert.isNull(yield* errorOf({}, { requestUri: "resolved" }))
      assert.strictEqual(yield* errorOf({ registration: "{}" }), "registration_not_supported")
    }),
  )
})

describe("RFC 6749 §3.1.1", () => {
  it.effect("MUST refuse a missing response_type, and every other one than code", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* errorOf({ response_type: null }), "invalid_request")
      const others = ["token", "id_token", "none", "code token", "code id_token", "id_token token", "CODE", " code"]
      for (const response_type of [...others, "code id_token token", "codes"]) {
        assert.strictEqual(yield* errorOf({ response_type }), "unsupported_response_type", response_type)
      }
    }),
  )
})

describe("OAuth 2.0 Multiple Response Type Encoding Practices §2.1", () => {
  it.effect("MUST NOT put codes into fragments", () =>
    Effect.gen(function* () {
      for (const response_mode of ["fragment", "jwt", "query.jwt", "web_message", "Query"]) {
        assert.strictEqual(yield* errorOf({ response_mode }), "invalid_request", response_mode)
      }
      for (const response_mode of ["query", "form_post"]) {
        assert.isNull(yield* errorOf({ response_mode }))
        assert.strictEqual(toRequest(yield* facts({ response_mode })).responseMode, response_mode)
      }
      assert.strictEqual(toRequest(yield* facts()).responseMode, "query")
    }),
  )
})

describe("RFC 6749 §3.3", () => {
  it.effect("MUST refuse scopes that are malformed or not registered for the client", () =>
    Effect.gen(function* () {
      for (const scope of ["openid  profile", " openid", "openid ", 'open"id', "open\\id", "opénid"]) {
        assert.strictEqual(yield* errorOf({ scope }), "invalid_scope", scope)
      }
      for (const scope of ["unknown", "openid unknown", "OPENID"]) {
        assert.strictEqual(yield* errorOf({ scope }), "invalid_scope", scope)
      }
    }),
  )

  it.effect("MUST take the default where no scope is asked for, or fail", () =>
    Effect.gen(function* () {
      const settings = OAuthServerSettings.make({ defaultScopes: ["openid", "notes:read", "unregistered"] })
      const client = { metadata: { scopes: ["openid", "notes:read", "notes:write"] } }
      for (const scope of [null, ""]) {
        assert.isNull(yield* errorOf({ scope }, { settings, client }))
        assert.deepStrictEqual(toRequest(yield* facts({ scope }, { settings, client })).scopes, [
          "openid",
          "notes:read",
        ])
      }
      const none = { metadata: { scopes: ["notes:write"] } }
      assert.strictEqual(yield* errorOf({ scope: null }, { settings, client: none }), "invalid_scope")
    }),
  )
})

describe("OpenID Connect Core §11", () => {
  it.effect("MUST ignore offline_access where the client cannot refresh", () =>
    Effect.gen(function* () {
      const scope = "openid offline_access"
      assert.deepStrictEqual(toRequest(yield* facts({ scope })).scopes, ["openid", "offline_access"])
      const cannot = [
        { client: { metadata: { grantTypes: ["authorization_code"] } } },
        { client: { metadata: { scopes: ["openid"] } } },
        { settings: OAuthServerSettings.make({ grantTypes: ["authorization_code"] }) },
      ]
      for (const options of cannot) {
        assert.isNull(yield* errorOf({ scope }, options))
        assert.deepStrictEqual(toRequest(yield* facts({ scope }, options)).scopes, ["openid"])
        assert.strictEqual(yield* errorOf({ scope: "offline_access" }, options), "invalid_scope")
      }
    }),
  )
})

describe("RFC 7636 §4.4.1", () => {
  it.effect("MUST refuse plain, other methods, and a challenge without method", () =>
    Effect.gen(function* () {
      for (const code_challenge_method of ["plain", "s256", "S512", "none", null, ""]) {
        assert.strictEqual(yield* errorOf({ code_challenge_method }), "invalid_request", String(code_challenge_method))
      }
      assert.strictEqual(yield* errorOf({ code_challenge: null }), "invalid_request")
    }),
  )
})

describe("RFC 7636 §4.2", () => {
  it.effect("MUST refuse a challenge that is no SHA-256 in base64url", () =>
    Effect.gen(function* () {
      const wrong = ["", "x", challenge.slice(1), `${challenge}A`, `${challenge}=`, challenge.replace("-", "+")]
      for (const code_challenge of [...wrong, `${challenge.slice(0, 42)} `]) {
        assert.strictEqual(yield* errorOf({ code_challenge }), "invalid_request", code_challenge)
      }
    }),
  )
})

describe("RFC 9700 §2.1.1", () => {
  it.effect("MUST ask public clients for PKCE, whatever a host says of them", () =>
    Effect.gen(function* () {
      const client = { ...publicClient, ...exempted }
      assert.strictEqual(yield* errorOf({ ...noPkce, nonce: "n" }, { client }), "invalid_request")
      assert.isNull(yield* errorOf({}, { client }))
    }),
  )
})

describe("OAuth 2.1 §4.1.1", () => {
  it.effect("MUST ask confidential clients for PKCE, unless they are exempted", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* errorOf({ ...noPkce, nonce: "n" }), "invalid_request")
      assert.isNull(yield* errorOf({ ...noPkce, nonce: "n" }, { client: exempted }))
    }),
  )

  it.effect("MUST ask for PKCE with offline_access, exempted or not", () =>
    Effect.gen(function* () {
      const request = { ...noPkce, nonce: "n", scope: "openid offline_access" }
      assert.strictEqual(yield* errorOf(request, { client: exempted }), "invalid_request")
    }),
  )
})

describe("OAuth 2.1 §7.5.1", () => {
  it.effect("MUST ask an exempted client for the nonce of OpenID Connect instead", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* errorOf(noPkce, { client: exempted }), "invalid_request")
      assert.strictEqual(
        yield* errorOf({ ...noPkce, nonce: "n", scope: "profile" }, { client: exempted }),
        "invalid_request",
      )
    }),
  )
})

describe("RFC 8707 §2", () => {
  it.effect("MUST answer a resource that is malformed, unknown or not allowed with invalid_target", () =>
    Effect.gen(function* () {
      for (const resource of [
        "nonsense",
        "/relative",
        "https://api.example.com/#x",
        "https://api.example.com/\u0000",
      ]) {
        assert.strictEqual(yield* errorOf({ resource }), "invalid_target", resource)
      }
      const many = Array.from({ length: 11 }, (_, index) => `https://api.example.com/${index}`)
      assert.strictEqual(yield* errorOf({ resource: many }), "invalid_target")
      const resource = "https://api.example.com"
      assert.strictEqual(yield* errorOf({ resource }, { resources: null }), "invalid_target")
      const narrow = { privileges: { resources: ["https://other.example.com"] } }
      assert.strictEqual(yield* errorOf({ resource }, { client: narrow }), "invalid_target")
      const known = yield* facts({ resource: [resource, resource, "https://api.example.com/"] })
      assert.deepStrictEqual(toRequest(known).resources, [resource, "https://api.example.com/"])
    }),
  )
})

describe("OpenID Connect Core §3.1.2.1", () => {
  it.effect("MUST refuse an unknown prompt, and none beside another", () =>
    Effect.gen(function* () {
      for (const prompt of ["never", "Login", "login never", "none login", "consent none"]) {
        assert.strictEqual(yield* errorOf({ prompt }), "invalid_request", prompt)
      }
      assert.isNull(yield* errorOf({ prompt: "none" }))
      const known = yield* facts({ prompt: "login consent login select_account create" })
      assert.deepStrictEqual(toRequest(known).prompts, ["login", "consent", "select_account", "create"])
    }),
  )

  it.effect("MUST take max_age in whole seconds, and the client's where none is given", () =>
    Effect.gen(function* () {
      for (const max_age of ["-1", "1.5", "x", "1e3", "99999999999", "0x10", " 1"]) {
        assert.strictEqual(yield* errorOf({ max_age }), "invalid_request", max_age)
      }
      const client = { metadata: { defaultMaxAge: 60 } }
      assert.strictEqual(toRequest(yield* facts({}, { client })).maxAge, 60)
      assert.strictEqual(toRequest(yield* facts({ max_age: "0" }, { client })).maxAge, 0)
      assert.isNull(toRequest(yield* facts()).maxAge)
    }),
  )

  it.effect("MUST refuse a hint that is no ID token for the client, or that contradicts claims", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* errorOf({}, { idTokenHint: "invalid" }), "invalid_request")
      const claims = JSON.stringify({ id_token: { sub: { value: "a" } } })
      const hint = (subject: string) => ({ idTokenHint: { subject } }) as const
      assert.strictEqual(yield* errorOf({ claims }, hint("b")), "invalid_request")
      assert.strictEqual(toRequest(yield* facts({ claims }, hint("a"))).subject, "a")
      assert.strictEqual(toRequest(yield* facts({ claims })).subject, "a")
      assert.strictEqual(toRequest(yield* facts({}, hint("b"))).subject, "b")
    }),
  )
})

describe("OpenID Connect Core §5.5", () => {
  it.effect("MUST refuse claims that are not of the form", () =>
    Effect.gen(function* () {
      const wrong = [
        "x",
        "[]",
        "null",
        "{",
        '{"userinfo":1}',
        '{"userinfo":{"email":1}}',
        '{"id_token":{"email":{"essential":"yes"}}}',
        '{"id_token":{"sub":{"values":["a","b"]}}}',
        '{"id_token":{"sub":{"value":1}}}',
        '{"id_token":{"email":{"value":"\\u0000"}}}',
        '{"id_token":{"email":{"value":"\\ud800"}}}',
        '{"id_token":{"__proto__":null}}',
        `{"id_token":{"email":{"value":${"[".repeat(3000)}${"]".repeat(3000)}}}}`,
      ]
      for (const claims of wrong) assert.strictEqual(yield* errorOf({ claims }), "invalid_request", claims.slice(0, 80))
      const claims = '{"userinfo":{"email":null,"name":{"essential":true}},"id_token":{"auth_time":null},"other":{}}'
      assert.isNull(yield* errorOf({ claims }))
      assert.deepStrictEqual(toRequest(yield* facts({ claims })).claims, {
        userinfo: { email: null, name: { essential: true } },
        id_token: { auth_time: null },
      })
    }),
  )
})

describe("OpenID Connect Core §5.5.1.1", () => {
  it.effect("MUST enforce an essential acr, and SHOULD take the others for a wish", () =>
    Effect.gen(function* () {
      const essential = (...values: ReadonlyArray<string>) =>
        JSON.stringify({ id_token: { acr: { essential: true, values } } })
      assert.strictEqual(yield* errorOf({ claims: essential("urn:unknown") }), "unmet_authentication_requirements")
      const known = toRequest(yield* facts({ claims: essential("urn:unknown", "urn:two"), acr_values: "urn:one" }))
      assert.deepStrictEqual([known.acrValues, known.isAcrEssential], [["urn:two"], true])
      const wish = toRequest(yield* facts({ acr_values: "urn:unknown urn:one" }))
      assert.deepStrictEqual([wish.acrValues, wish.isAcrEssential], [["urn:one"], false])
      assert.isNull(yield* errorOf({ acr_values: "urn:unknown" }))
      const client = { metadata: { defaultAcrValues: ["urn:two"] } }
      assert.deepStrictEqual(toRequest(yield* facts({}, { client })).acrValues, ["urn:two"])
      assert.deepStrictEqual(toRequest(yield* facts({ acr_values: "urn:one" }, { client })).acrValues, ["urn:one"])
    }),
  )
})

describe("OpenID Connect Core §15.1", () => {
  it.effect("MUST take display, ui_locales, claims_locales, acr_values and login_hint without error", () =>
    Effect.gen(function* () {
      const changes = {
        display: "popup",
        ui_locales: "fr-CA fr en <script>",
        claims_locales: "de",
        acr_values: "1 2",
        login_hint: "ada@example.com",
      }
      assert.isNull(yield* errorOf(changes))
      const request = toRequest(yield* facts(changes))
      assert.deepStrictEqual(request.uiLocales, ["fr-CA", "fr", "en"])
      assert.strictEqual(request.display, "popup")
      assert.strictEqual(request.loginHint, "ada@example.com")
      assert.isNull(toRequest(yield* facts({ display: "hologram" })).display)
    }),
  )
})
