import { OutboundFailed, type OutboundCalls } from "@belfry/core/Outbound"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { fromWire, toWire } from "../src/internal/clientMetadataNames.ts"
import { type ClientRules, validate } from "../src/internal/clientRules.ts"
import type { ClientMetadata } from "../src/OAuthClient.ts"
import { metadataOf } from "../src/Discovery.ts"
import * as OAuthServerHooks from "../src/OAuthServerHooks.ts"
import * as OAuthServerSettings from "../src/OAuthServerSettings.ts"

const nowhere: OutboundCalls = { send: () => Effect.fail(new OutboundFailed({ reason: "address" })) }

/** A sector document of this text, at whatever address. */
const answering = (text: string, status = 200): OutboundCalls => ({
  send: () => Effect.succeed({ status, headers: {}, body: new TextEncoder().encode(text) }),
})

const rules = (options: Partial<ClientRules> = {}): ClientRules => ({
  settings: OAuthServerSettings.make({ scopes: ["read", "write"] }),
  methods: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
  outbound: nowhere,
  isDynamic: false,
  ...options,
})

const callback = "https://app.example/callback"
const publicKey = { kty: "EC", crv: "P-256", kid: "a", x: "AA", y: "BB" }
type Given = Parameters<typeof validate>[0]

const accepts = (given: Given, options?: Partial<ClientRules>) =>
  validate({ redirectUris: [callback], ...given }, rules(options))

const refuses = (given: Given, member: string | null, options?: Partial<ClientRules>) =>
  Effect.map(Effect.flip(accepts(given, options)), (error) => {
    assert.strictEqual(error.member, member)
    // RFC 6749 §5.2: the characters of a description.
    assert.match(error.description, /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
    return error
  })

describe("RFC 7591 §2", () => {
  it.effect("MUST take client_secret_basic, authorization_code and code for what is left out", () =>
    Effect.gen(function* () {
      const client = yield* accepts({})
      assert.strictEqual(client.tokenEndpointAuthMethod, "client_secret_basic")
      assert.deepStrictEqual(client.grantTypes, ["authorization_code"])
      assert.deepStrictEqual(client.responseTypes, ["code"])
      assert.strictEqual(client.applicationType, "web")
    }),
  )

  it.effect("MUST refuse redirect-based grants without a redirect URI", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(validate({}, rules()))
      assert.strictEqual(error.code, "invalid_redirect_uri")
      const machine = yield* validate({ grantTypes: ["client_credentials"], responseTypes: [] }, rules())
      assert.deepStrictEqual(machine.redirectUris, [])
    }),
  )

  it.effect("MUST NOT take jwks and jwks_uri together, nor private_key_jwt without either", () =>
    Effect.gen(function* () {
      const jwks = { keys: [publicKey] }
      yield* refuses({ jwks, jwksUri: "https://app.example/jwks" }, "jwks")
      yield* refuses({ tokenEndpointAuthMethod: "private_key_jwt" }, "jwks")
      yield* accepts({ tokenEndpointAuthMethod: "private_key_jwt", jwks })
      yield* accepts({ tokenEndpointAuthMethod: "private_key_jwt", jwksUri: "https://app.example/jwks" })
    }),
  )

  it.effect("MUST NOT take private or symmetric keys", () =>
    Effect.gen(function* () {
      for (const secret of [{ d: "AA" }, { k: "AA" }, { p: "AA" }, { kty: "oct" }, { kty: 1 }]) {
        yield* refuses({ jwks: { keys: [{ ...publicKey, ...secret }] } }, "jwks")
      }
      yield* refuses({ jwks: { keys: [] } }, "jwks")
      yield* refuses({ jwks: { keys: [publicKey, publicKey] } }, "jwks")
    }),
  )

  it.effect("MUST keep names and URIs in other languages, and no other member with a language", () =>
    Effect.gen(function* () {
      const client = yield* accepts({ localized: { "client_name#fr-CA": "Beffroi" } })
      assert.deepStrictEqual(client.localized, { "client_name#fr-CA": "Beffroi" })
      yield* refuses({ localized: { "scope#fr": "x" } }, null)
      yield* refuses({ localized: { "client_name#": "x" } }, null)
      yield* refuses({ localized: { "logo_uri#fr": "javascript:alert(1)" } }, "logo_uri#fr")
    }),
  )

  it.effect("refuses addresses to show that are none", () =>
    Effect.gen(function* () {
      for (const uri of [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://a:b@c.example/",
        "not a uri",
      ]) {
        yield* refuses({ clientUri: uri }, "client_uri")
        yield* refuses({ tosUri: uri }, "tos_uri")
        yield* refuses({ policyUri: uri }, "policy_uri")
        yield* refuses({ logoUri: uri }, "logo_uri")
      }
      yield* refuses({ logoUri: "http://app.example/logo.png" }, "logo_uri")
      yield* accepts({ clientUri: "http://app.example", logoUri: "https://app.example/logo.png" })
    }),
  )

  it.effect("refuses names that show otherwise than they are written", () =>
    Effect.gen(function* () {
      for (const name of [
        "knaB ruoY\u202e",
        "\u202aBank",
        "\u2066Bank",
        "Bank\u2069",
        "Bank\u0000",
        "Bank\nof\tYours",
        "\u0085",
      ]) {
        yield* refuses({ clientName: name }, "client_name")
        yield* refuses({ localized: { "client_name#he": name } }, "client_name")
        yield* refuses({ contacts: [name] }, "contacts")
      }
      yield* accepts({ clientName: "Наука & שלום \u200f(2)", contacts: ["ops@app.example"] })
    }),
  )

  it.effect("refuses members that are too long or not of their form, by their name on the wire", () =>
    Effect.gen(function* () {
      yield* refuses({ clientName: "x".repeat(201) }, "client_name")
      yield* refuses({ subjectType: "sectoral" }, "subject_type")
      yield* refuses({ idTokenSignedResponseAlg: "none" }, "id_token_signed_response_alg")
      yield* refuses({ idTokenSignedResponseAlg: "HS256" }, "id_token_signed_response_alg")
      yield* refuses({ tokenEndpointAuthMethod: "client_secret_jwt" }, "token_endpoint_auth_method")
      yield* refuses({ defaultMaxAge: -1 }, "default_max_age")
    }),
  )
})

describe("RFC 7591 §2.1", () => {
  it.effect("MUST keep grant types and response types consistent", () =>
    Effect.gen(function* () {
      yield* refuses({ grantTypes: ["client_credentials"], responseTypes: ["code"] }, "response_types")
      yield* refuses({ grantTypes: ["authorization_code"], responseTypes: [] }, "response_types")
      yield* refuses({ responseTypes: ["token"] }, "response_types")
      yield* refuses({ grantTypes: ["refresh_token"], responseTypes: [] }, "grant_types")
    }),
  )

  it.effect("leaves out grant types that it does not have of clients that register, and tells others", () =>
    Effect.gen(function* () {
      const grantTypes = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
      const client = yield* accepts({ grantTypes }, { isDynamic: true })
      assert.deepStrictEqual(client.grantTypes, ["authorization_code", "refresh_token"])
      yield* refuses({ grantTypes }, "grant_types")
      yield* refuses({ grantTypes: ["password"], responseTypes: [] }, "grant_types", { isDynamic: true })
    }),
  )
})

describe("RFC 6749 §2.1", () => {
  it.effect("MUST NOT let public clients have client_credentials, nor applications in a browser a secret", () =>
    Effect.gen(function* () {
      const grantTypes = ["authorization_code", "client_credentials"]
      yield* refuses({ tokenEndpointAuthMethod: "none", grantTypes }, "grant_types")
      yield* refuses({ applicationType: "user-agent-based" }, "token_endpoint_auth_method")
      yield* accepts({ applicationType: "user-agent-based", tokenEndpointAuthMethod: "none" })
    }),
  )
})

describe("RFC 8252 §8.4", () => {
  it.effect("SHOULD reject private-use schemes without a period, unless the host lets them in", () =>
    Effect.gen(function* () {
      const redirectUris = ["cursor://anysphere.cursor-mcp/oauth/callback"]
      const error = yield* refuses({ redirectUris }, "redirect_uris")
      assert.strictEqual(error.code, "invalid_redirect_uri")
      const settings = OAuthServerSettings.make({ redirectSchemes: ["cursor"] })
      const client = yield* accepts({ redirectUris }, { settings })
      assert.strictEqual(client.applicationType, "native")
      yield* accepts({ redirectUris: ["com.example.app:/callback"] })
    }),
  )
})

describe("OpenID Connect Dynamic Client Registration §2", () => {
  it.effect("MUST take web redirect URIs by https alone, and not of a loopback address", () =>
    Effect.gen(function* () {
      for (const uri of [
        "http://app.example/cb",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "com.example:/cb",
      ]) {
        yield* refuses({ applicationType: "web", redirectUris: [uri] }, "redirect_uris")
      }
    }),
  )

  it.effect("SHOULD take loopback redirect URIs without application_type as a native application", () =>
    Effect.gen(function* () {
      for (const uri of ["http://localhost:3118/callback", "http://127.0.0.1/cb", "http://[::1]:8080/cb"]) {
        const client = yield* accepts({ redirectUris: [uri], tokenEndpointAuthMethod: "none" })
        assert.strictEqual(client.applicationType, "native")
      }
    }),
  )

  it.effect("refuses redirect URIs that a browser would rewrite, or that could be somebody else's", () =>
    Effect.gen(function* () {
      for (const uri of redirectCorpus) {
        const error = yield* refuses({ redirectUris: [uri] }, "redirect_uris")
        assert.strictEqual(error.code, "invalid_redirect_uri", uri)
      }
    }),
  )

  it.effect("refuses a redirect URI that stands twice", () =>
    refuses({ redirectUris: [callback, callback] }, "redirect_uris"),
  )

  it.effect("holds URIs after logout to the same rules", () =>
    refuses({ postLogoutRedirectUris: ["javascript:alert(1)"] }, "post_logout_redirect_uris"),
  )
})

describe("OpenID Connect Core §8.1", () => {
  const pairwise = OAuthServerSettings.make({ pairwiseSecret: Redacted.make("x".repeat(32)) })
  const two = [callback, "https://other.example/callback"]
  const sectorIdentifierUri = "https://app.example/sector.json"

  it.effect("MUST ask for a sector identifier URI where redirect URIs have several hosts", () =>
    Effect.gen(function* () {
      yield* refuses({ subjectType: "pairwise", redirectUris: two }, "sector_identifier_uri", { settings: pairwise })
      yield* accepts({ subjectType: "pairwise" }, { settings: pairwise })
    }),
  )

  it.effect("MUST find every redirect URI in the document of the sector", () =>
    Effect.gen(function* () {
      const given = { subjectType: "pairwise", redirectUris: two, sectorIdentifierUri }
      yield* accepts(given, {
        settings: pairwise,
        outbound: answering(JSON.stringify([...two, "https://more.example/"])),
      })
      for (const outbound of [
        nowhere,
        answering(JSON.stringify([callback])),
        answering(JSON.stringify({ uris: two })),
        answering("[", 200),
        answering(JSON.stringify(two), 404),
        answering(JSON.stringify([...two, "x".repeat(70_000)])),
      ]) {
        yield* refuses(given, "sector_identifier_uri", { settings: pairwise, outbound })
      }
    }),
  )

  it.effect("MUST read the document by https alone, at a foreign address", () =>
    Effect.gen(function* () {
      yield* refuses({ sectorIdentifierUri: "http://app.example/sector.json" }, "sector_identifier_uri")
      const asked: Array<string> = []
      const outbound: OutboundCalls = {
        send: ({ trust }) => {
          asked.push(trust)
          return answering(JSON.stringify([callback])).send({ url: "", trust })
        },
      }
      yield* accepts({ sectorIdentifierUri }, { outbound })
      assert.deepStrictEqual(asked, ["foreign"])
    }),
  )

  it.effect("refuses pairwise subjects where they are not enabled", () =>
    refuses({ subjectType: "pairwise" }, "subject_type"),
  )
})

describe("Scopes of clients", () => {
  it.effect("are all that there are, unless some are named", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* accepts({})).scopes, [
        "openid",
        "profile",
        "email",
        "offline_access",
        "read",
        "write",
      ])
      assert.deepStrictEqual((yield* accepts({ scopes: ["read"] })).scopes, ["read"])
      yield* refuses({ scopes: ["admin"] }, "scope")
    }),
  )

  it.effect("are whatever discovery tells, wherever settings name it", () =>
    Effect.gen(function* () {
      const settings = OAuthServerSettings.make({
        defaultScopes: ["openid", "basic"],
        clientCredentialsDefaultScopes: ["machine"],
        registrationScopes: ["register"],
        resources: [OAuthBuilders.resource("https://api.example", { scopes: ["notes:read"] })],
      })
      const { scopes_supported: told } = metadataOf({
        origin: "https://as.example",
        settings,
        hooks: OAuthServerHooks.make(),
        grantTypes: settings.grantTypes,
        authenticationMethods: [],
        contexts: [],
      })
      const { scopes } = yield* accepts({}, { settings })
      assert.includeMembers([...scopes], ["basic", "machine", "register", "notes:read"])
      assert.deepStrictEqual(told, scopes)
      assert.deepStrictEqual((yield* accepts({}, { settings, isDynamic: true })).scopes, ["register"])
    }),
  )

  it.effect("are those that clients may register for, of clients that register", () =>
    Effect.gen(function* () {
      const settings = OAuthServerSettings.make({
        scopes: ["read", "write"],
        registrationScopes: ["openid", "read"],
        registrationDefaultScopes: ["read"],
      })
      const options = { settings, isDynamic: true }
      assert.deepStrictEqual((yield* accepts({}, options)).scopes, ["read"])
      assert.deepStrictEqual((yield* accepts({ scopes: ["openid", "write", "admin"] }, options)).scopes, ["openid"])
      assert.deepStrictEqual((yield* accepts({ scopes: ["write"] }, { settings })).scopes, ["write"])
    }),
  )
})

describe("The names of the wire", () => {
  it.effect("round-trip", () =>
    Effect.gen(function* () {
      const client: ClientMetadata = yield* accepts({
        clientName: "App",
        contacts: ["ops@app.example"],
        jwks: { keys: [publicKey] },
        defaultMaxAge: 60,
        defaultAcrValues: ["aal2"],
        requireAuthTime: true,
        localized: { "client_name#fr": "Appli" },
      })
      const read = yield* Effect.fromResult(fromWire(toWire(client)))
      assert.deepStrictEqual(yield* accepts(read), client)
    }),
  )

  it.effect("are read leniently where a member is unknown, null or empty, and told where it is of another kind", () =>
    Effect.gen(function* () {
      const read = yield* Effect.fromResult(
        fromWire({ redirect_uris: [callback], client_name: null, logo_uri: "", resource: 1, skip_consent: true }),
      )
      assert.deepStrictEqual(read, { redirectUris: [callback], localized: {} })
      for (const [member, value] of [
        ["redirect_uris", callback],
        ["redirect_uris", [1]],
        ["grant_types", "authorization_code"],
        ["scope", ["openid"]],
        ["client_name", {}],
        ["jwks", []],
        ["jwks", "{}"],
        ["require_auth_time", "yes"],
        ["default_max_age", "60"],
      ] as const) {
        const error = yield* Effect.flip(Effect.fromResult(fromWire({ [member]: value })))
        assert.strictEqual(error.member, member)
      }
    }),
  )
})

const redirectCorpus: ReadonlyArray<string> = [
  "",
  " ",
  "callback",
  "/callback",
  "//app.example/callback",
  "https:/app.example/callback",
  "https:app.example",
  "https://",
  "https:///callback",
  "http://app.example/callback",
  "http://127.0.0.1.evil.example/cb",
  "http://localhost.evil.example/cb",
  "http://127.0.0.2/cb",
  "http://0.0.0.0/cb",
  "http://2130706433/cb",
  "http://0x7f000001/cb",
  "http://[::]/cb",
  "http://LOCALHOST/cb",
  "http://localhost:99999/cb",
  "http://localhost@evil.example/cb",
  "https://user@app.example/cb",
  "https://user:password@app.example/cb",
  "https://app.example/cb#fragment",
  "https://app.example/cb#",
  "https://app.example/a/../b",
  "https://app.example/a/./b",
  "https://app.example/a/%2e%2e/b",
  "https://app.example/a/%2E./b",
  "https://app.example\\@evil.example/cb",
  "https://app.example/\\evil",
  "https://app.example/cb cb",
  "https://app.example/cb\t",
  "https://app.example/cb\n",
  " https://app.example/cb",
  "https://app.example/\u0000",
  "https://äpp.example/cb",
  "https://app.example/cb\u200b",
  "https://*.app.example/cb",
  "https://app.example/*",
  'https://app.example/"onload=',
  "https://app.example/<script>",
  "HTTPS://app.example/cb",
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  "javascript://app.example/%0aalert(1)",
  "data:text/html,<script>",
  "data:text/html;base64,AA==",
  "vbscript:msgbox",
  "file:///etc/passwd",
  "blob:https://app.example/1",
  "about:blank",
  "filesystem:https://app.example/1",
  "view-source:https://app.example",
  "ws://app.example",
  "wss://app.example",
  "ftp://app.example/cb",
  "mailto:a@b.example",
  "intent:#Intent;end",
  "myapp://callback",
  "myapp:/callback",
]
