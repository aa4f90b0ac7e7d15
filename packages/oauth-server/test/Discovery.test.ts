import { ClientAuthentications } from "@belfry/oauth-server/ClientAuthentications"
import { openPaths } from "@belfry/oauth-server/CorsHandlers"
import * as Discovery from "@belfry/oauth-server/Discovery"
import { GrantTypes } from "@belfry/oauth-server/GrantTypes"
import { OAuthServerApi } from "@belfry/oauth-server/OAuthServerApi"
import * as OAuthServerHooks from "@belfry/oauth-server/OAuthServerHooks"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import { claimsByScope } from "@belfry/oauth-server/UserClaims"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { HttpApi } from "effect/http-api"

const origin = "https://auth.example.com"

const metadata = (
  settings: Partial<OAuthServerSettings.OAuthServerSettingsService> = {},
  hooks: Partial<OAuthServerHooks.OAuthServerHooksService> = {},
  facts: Partial<Discovery.DiscoveryFacts> = {},
) =>
  Discovery.metadataOf({
    origin,
    settings: OAuthServerSettings.make(settings),
    hooks: OAuthServerHooks.make(hooks),
    grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
    authenticationMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
    contexts: ["aal1", "aal2"],
    ...facts,
  })

const algorithms = ["RS256", "PS256", "ES256", "EdDSA"]
const assertionAlgorithms = [...algorithms, "Ed25519"]

describe("RFC 8414 §2", () => {
  it("MUST tell endpoints and abilities of a server as it is by default", () => {
    assert.deepStrictEqual(metadata(), {
      issuer: `${origin}/auth`,
      authorization_endpoint: `${origin}/auth/oauth2/authorize`,
      token_endpoint: `${origin}/auth/oauth2/token`,
      jwks_uri: `${origin}/auth/jwks`,
      userinfo_endpoint: `${origin}/auth/oauth2/userinfo`,
      introspection_endpoint: `${origin}/auth/oauth2/introspect`,
      revocation_endpoint: `${origin}/auth/oauth2/revoke`,
      end_session_endpoint: `${origin}/auth/oauth2/end-session`,
      scopes_supported: ["openid", "profile", "email", "offline_access"],
      grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
      response_types_supported: ["code"],
      response_modes_supported: ["query", "form_post"],
      code_challenge_methods_supported: ["S256"],
      prompt_values_supported: ["none", "login", "consent", "select_account", "create"],
      acr_values_supported: ["aal1", "aal2"],
      authorization_response_iss_parameter_supported: true,
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
      token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
      introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
      introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
      revocation_endpoint_auth_methods_supported: [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "none",
      ],
      revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: algorithms,
      claim_types_supported: ["normal"],
      claims_supported: [
        ..."sub iss aud exp iat auth_time nonce at_hash acr amr sid".split(" "),
        ..."name given_name family_name picture updated_at email email_verified".split(" "),
      ],
      claims_parameter_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      require_request_uri_registration: false,
    })
  })

  it("MUST tell a registration endpoint when there is one, for holders of a token too", () => {
    for (const registration of ["token", "open"] as const) {
      assert.strictEqual(metadata({ registration })["registration_endpoint"], `${origin}/auth/oauth2/register`)
    }
    assert.notProperty(metadata({ registration: "off" }), "registration_endpoint")
  })

  it("tells nothing of authorization where only clients get tokens for themselves", () => {
    const document = metadata({ grantTypes: ["client_credentials"] })
    assert.sameMembers(Object.keys(document), [
      "issuer",
      "token_endpoint",
      "jwks_uri",
      "introspection_endpoint",
      "revocation_endpoint",
      "scopes_supported",
      "grant_types_supported",
      "token_endpoint_auth_methods_supported",
      "token_endpoint_auth_signing_alg_values_supported",
      "introspection_endpoint_auth_methods_supported",
      "introspection_endpoint_auth_signing_alg_values_supported",
      "revocation_endpoint_auth_methods_supported",
      "revocation_endpoint_auth_signing_alg_values_supported",
      "subject_types_supported",
      "id_token_signing_alg_values_supported",
      "claims_supported",
      "claims_parameter_supported",
      "request_parameter_supported",
      "request_uri_parameter_supported",
      "require_request_uri_registration",
    ])
    assert.deepStrictEqual(document["grant_types_supported"], ["client_credentials"])
    assert.notInclude(document["scopes_supported"], "offline_access")
  })

  it("tells only grant types that are on and installed, and signing algorithms only where they are used", () => {
    const document = metadata(
      { grantTypes: ["authorization_code", "urn:example:other"] },
      {},
      { authenticationMethods: ["client_secret_basic"], contexts: [] },
    )
    assert.deepStrictEqual(document["grant_types_supported"], ["authorization_code"])
    assert.notProperty(document, "token_endpoint_auth_signing_alg_values_supported")
    assert.notProperty(document, "acr_values_supported")
  })
})

describe("RFC 8414 §3.2", () => {
  it("MUST leave members without a value out", () => {
    for (const document of [metadata(), metadata({ grantTypes: [] }), metadata({ disableJwt: true })]) {
      for (const [name, value] of Object.entries(document)) {
        assert.isNotNull(value, name)
        assert.notDeepEqual(value, [], name)
      }
    }
  })
})

describe("OpenID Connect Discovery §3", () => {
  it("MUST tell where its keys are, which types subjects have, and which claims there are", () => {
    const document = metadata()
    assert.strictEqual(document["jwks_uri"], `${origin}/auth/jwks`)
    assert.deepStrictEqual(document["subject_types_supported"], ["public"])
    const scoped = ["profile", "email"].flatMap((scope) => claimsByScope[scope] ?? assert.fail(scope))
    assert.includeMembers([...Object(document["claims_supported"])], ["sub", "iss", "aud", "exp", "iat", ...scoped])
    assert.include(metadata({}, { claimsSupported: ["org"] })["claims_supported"], "org")
  })

  it("MUST list RS256 among the algorithms of ID tokens, whatever the server prefers", () => {
    const document = metadata({ idTokenAlgorithm: "EdDSA", accessTokenAlgorithm: "ES256" })
    assert.include(document["id_token_signing_alg_values_supported"], "RS256")
  })

  it("MUST say that request objects by reference are not taken, unless the host resolves them", () => {
    assert.isFalse(metadata()["request_uri_parameter_supported"])
    assert.isTrue(metadata({}, { hasRequestUris: true })["request_uri_parameter_supported"])
  })

  it("tells pairwise subjects where there is a secret for them", () => {
    const document = metadata({ pairwiseSecret: Redacted.make("p".repeat(32)) })
    assert.deepStrictEqual(document["subject_types_supported"], ["public", "pairwise"])
  })

  it("tells HS256 and no keys with JWTs disabled", () => {
    const document = metadata({ disableJwt: true })
    assert.deepStrictEqual(document["id_token_signing_alg_values_supported"], ["HS256"])
    assert.notProperty(document, "jwks_uri")
  })

  it("lists the scopes and claims of the host, or those that it wants to be known", () => {
    const settings = { scopes: ["reports:read", "openid"], registrationScopes: ["reports:write"] }
    const hooks = { claimsSupported: ["org", "email"] }
    const scopes = ["openid", "profile", "email", "offline_access", "reports:read", "reports:write"]
    assert.deepStrictEqual(metadata(settings)["scopes_supported"], scopes)
    const claims = metadata({}, hooks)["claims_supported"]
    assert.isTrue(Array.isArray(claims) && claims.filter((claim) => claim === "email").length === 1)
    assert.include(claims, "org")
    const advertised = metadata({ ...settings, advertised: { scopes: ["openid"], claims: ["sub"] } }, hooks)
    assert.deepStrictEqual(advertised["scopes_supported"], ["openid"])
    assert.deepStrictEqual(advertised["claims_supported"], ["sub"])
  })

  it("leaves the end of sessions out when it is off", () => {
    assert.notProperty(metadata({ endSession: false }), "end_session_endpoint")
  })
})

describe("OpenID Connect Core §11", () => {
  it("tells offline_access only where there are refresh tokens", () => {
    const document = metadata({ grantTypes: ["authorization_code"] })
    assert.notInclude(document["scopes_supported"], "offline_access")
  })
})

describe("the metadata", () => {
  const services = TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(
      Layer.succeed(OAuthServerSettings.OAuthServerSettings, OAuthServerSettings.make({ registration: "open" })),
    ),
    Layer.provideMerge(TestServices.layerMemory),
  )

  describe("RFC 8414 §2", () => {
    it.effect("MUST name only endpoints that are mounted, for the methods by which they are to be called", () =>
      Effect.gen(function* () {
        const mounted = new Set<string>()
        HttpApi.reflect(OAuthServerApi, {
          onGroup: () => {},
          onEndpoint: ({ endpoint }) => void mounted.add(`${endpoint.method} ${endpoint.path}`),
        })
        const { metadata } = yield* Discovery.Discovery
        const methods: Record<string, ReadonlyArray<string>> = {
          authorization_endpoint: ["GET", "POST"],
          token_endpoint: ["POST"],
          jwks_uri: ["GET"],
          registration_endpoint: ["POST"],
          userinfo_endpoint: ["GET", "POST"],
          introspection_endpoint: ["POST"],
          revocation_endpoint: ["POST"],
          end_session_endpoint: ["GET", "POST"],
        }
        const endpoints = Object.entries(metadata).filter(([name]) => /_endpoint$|_uri$/.test(name))
        assert.sameMembers(
          endpoints.map(([name]) => name),
          Object.keys(methods),
        )
        for (const [name, url] of endpoints) {
          const { pathname } = new URL(String(url))
          for (const method of methods[name] ?? [])
            assert.isTrue(mounted.has(`${method} ${pathname}`), `${name}: ${method}`)
        }
        const opened = [...openPaths.keys()].filter((path) => ![...mounted].some((each) => each.endsWith(` ${path}`)))
        assert.deepStrictEqual(opened, [], "paths that are open and lead nowhere")
      }).pipe(Effect.provide(services)),
    )

    it.effect("MUST tell the grant types, methods and keys that there really are", () =>
      Effect.gen(function* () {
        const { metadata } = yield* Discovery.Discovery
        assert.deepStrictEqual(
          metadata["grant_types_supported"],
          (yield* GrantTypes).map(({ name }) => name),
        )
        assert.deepStrictEqual(
          metadata["token_endpoint_auth_methods_supported"],
          (yield* ClientAuthentications).methods,
        )
        const supported = metadata["id_token_signing_alg_values_supported"]
        const keys = yield* SigningKeys
        for (const algorithm of algorithms) {
          assert.include(supported, algorithm)
        }
        for (const { alg } of yield* keys.jwks) assert.include(supported, alg)
      }).pipe(Effect.provide(services)),
    )
  })
})
