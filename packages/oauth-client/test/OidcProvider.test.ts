import * as HttpClientOutboundHttp from "@belfry/core/HttpClientOutboundHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { FetchHttpClient } from "effect/http"
import { exportJWK, exportPKCS8, generateKeyPair } from "jose"
import { make, type OAuthProvider, type OAuthProviderOptions } from "../src/OAuthProvider.ts"
import * as OAuthTransport from "../src/OAuthTransport.ts"
import * as OidcProvider from "./support/oidcProvider.ts"

const redirectUri = "https://app.example.com/auth/provider/acme/callback"
const secret = "0123456789abcdef0123456789abcdef:+ %"

const client = {
  client_id: "belfry",
  client_secret: secret,
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  id_token_signed_response_alg: "ES256",
  token_endpoint_auth_method: "client_secret_basic",
}

const Live = Layer.fresh(OAuthTransport.layer).pipe(
  Layer.provide(HttpClientOutboundHttp.layer()),
  Layer.provide([FetchHttpClient.layer, SecureRandom.layerWebCrypto]),
)

const settings = (
  { discoveryUrl }: OidcProvider.OidcProvider,
  options: Partial<OAuthProviderOptions> = {},
): Effect.Effect<OAuthProvider> =>
  Effect.orDie(
    Effect.fromResult(
      make({
        id: "acme",
        clientId: "belfry",
        clientSecret: Redacted.make(secret),
        tokenEndpointAuthMethod: "client_secret_basic",
        discoveryUrl,
        scopes: ["openid", "email", "profile"],
        ...options,
      }),
    ),
  )

const codeVerifier = Redacted.make("v".repeat(64))

/** Sends a browser to the provider and returns the parameters of its callback. */
const authorize = (upstream: OidcProvider.OidcProvider, provider: OAuthProvider, nonce = "nonce-1") =>
  Effect.gen(function* () {
    const transport = yield* OAuthTransport.OAuthTransport
    const state = Redacted.make("state-1")
    const url = yield* transport.authorizationUrl(provider, { redirectUri, state, codeVerifier, nonce })
    const back = yield* Effect.promise(() => upstream.browse(url))
    assert.strictEqual(`${back.origin}${back.pathname}`, redirectUri)
    assert.strictEqual(back.searchParams.get("state"), "state-1")
    return back.searchParams
  })

const exchange = (provider: OAuthProvider, parameters: URLSearchParams, verifier = codeVerifier) =>
  OAuthTransport.OAuthTransport.use((transport) =>
    transport.exchange(provider, {
      code: Redacted.make(parameters.get("code") ?? ""),
      redirectUri,
      codeVerifier: verifier,
    }),
  )

const validate = (provider: OAuthProvider, tokens: Effect.Success<ReturnType<typeof exchange>>, nonce = "nonce-1") =>
  OAuthTransport.OAuthTransport.use((transport) =>
    transport.validateIdToken(provider, tokens.idToken ?? Redacted.make(""), {
      nonce,
      accessToken: tokens.accessToken,
    }),
  )

const read = (secret: Redacted.Redacted | null) => (secret === null ? null : Redacted.value(secret))

describe("oidc-provider", () => {
  it.live("signs a person in: discovery, authorization, exchange, ID token, UserInfo", () =>
    Effect.gen(function* () {
      const upstream = yield* OidcProvider.make([client])
      const provider = yield* settings(upstream)
      const transport = yield* OAuthTransport.OAuthTransport
      const metadata = yield* transport.metadata(provider)
      assert.strictEqual(metadata.issuer, upstream.issuer)
      assert.isTrue(metadata.issuerParameterSupported)
      assert.deepStrictEqual(metadata.idTokenSigningAlgorithms, ["ES256"])

      const parameters = yield* authorize(upstream, provider)
      // RFC 9207 §2: the response names who gave it.
      assert.strictEqual(parameters.get("iss"), upstream.issuer)
      const tokens = yield* exchange(provider, parameters)
      assert.strictEqual(tokens.scope, "openid email profile")
      const claims = yield* validate(provider, tokens)
      assert.strictEqual(claims["sub"], "u-1")

      // Its ID tokens hold no address: that is at UserInfo.
      assert.deepInclude(yield* transport.profile(provider, { tokens, claims, callbackFields: {} }), {
        accountId: "u-1",
        email: "ada@example.com",
        emailVerified: true,
        name: "Ada Lovelace",
        image: "https://img.example.com/ada.png",
      })
    }).pipe(Effect.provide(Live)),
  )

  it.live("takes no ID token with the nonce of another request", () =>
    Effect.gen(function* () {
      const upstream = yield* OidcProvider.make([client])
      const provider = yield* settings(upstream)
      const tokens = yield* exchange(provider, yield* authorize(upstream, provider, "nonce-1"))
      assert.deepInclude(yield* Effect.flip(validate(provider, tokens, "nonce-2")), { reason: "nonce" })
    }).pipe(Effect.provide(Live)),
  )

  it.live("refuses a code with another verifier, and one that was used", () =>
    Effect.gen(function* () {
      const upstream = yield* OidcProvider.make([client])
      const provider = yield* settings(upstream)
      const refused = { _tag: "ProviderRefused", error: "invalid_grant" } as const
      const other = Redacted.make("w".repeat(64))
      assert.deepInclude(yield* Effect.flip(exchange(provider, yield* authorize(upstream, provider), other)), refused)
      const parameters = yield* authorize(upstream, provider)
      yield* exchange(provider, parameters)
      assert.deepInclude(yield* Effect.flip(exchange(provider, parameters)), refused)
    }).pipe(Effect.provide(Live)),
  )

  it.live("comes back with access_denied when the person says no", () =>
    Effect.gen(function* () {
      const upstream = yield* OidcProvider.make([client])
      upstream.answer = "deny"
      const parameters = yield* authorize(upstream, yield* settings(upstream))
      assert.strictEqual(parameters.get("error"), "access_denied")
      assert.strictEqual(parameters.get("iss"), upstream.issuer)
    }).pipe(Effect.provide(Live)),
  )

  it.live("renews tokens", () =>
    Effect.gen(function* () {
      const upstream = yield* OidcProvider.make([client])
      const provider = yield* settings(upstream)
      const transport = yield* OAuthTransport.OAuthTransport
      const tokens = yield* exchange(provider, yield* authorize(upstream, provider))
      const renewed = yield* transport.refresh(provider, tokens)
      assert.notStrictEqual(read(renewed.accessToken), read(tokens.accessToken))
      assert.isNotNull(renewed.refreshToken)
      assert.strictEqual(renewed.scope, "openid email profile")
      const profile = yield* transport.profile(provider, { tokens: renewed, claims: null, callbackFields: {} })
      assert.strictEqual(profile?.accountId, "u-1")
    }).pipe(Effect.provide(Live)),
  )

  it.live("goes on when its keys change between authorization and exchange", () =>
    Effect.gen(function* () {
      const upstream = yield* OidcProvider.make([client])
      const provider = yield* settings(upstream)
      yield* validate(provider, yield* exchange(provider, yield* authorize(upstream, provider)))
      const parameters = yield* authorize(upstream, provider)
      yield* Effect.promise(() => upstream.rotate())
      const claims = yield* validate(provider, yield* exchange(provider, parameters))
      assert.strictEqual(claims["sub"], "u-1")
      assert.strictEqual(upstream.countOf("/jwks"), 2)
    }).pipe(Effect.provide(Live)),
  )

  describe("accepts the client by", () => {
    it.live("none", () =>
      Effect.gen(function* () {
        const { client_secret: _, ...known } = client
        const upstream = yield* OidcProvider.make([{ ...known, token_endpoint_auth_method: "none" }])
        const options = { clientSecret: undefined, tokenEndpointAuthMethod: "none" as const }
        const provider = yield* settings(upstream, options)
        yield* validate(provider, yield* exchange(provider, yield* authorize(upstream, provider)))
      }).pipe(Effect.provide(Live)),
    )

    it.live("client_secret_post, and not by another secret", () =>
      Effect.gen(function* () {
        const upstream = yield* OidcProvider.make([{ ...client, token_endpoint_auth_method: "client_secret_post" }])
        const options = { tokenEndpointAuthMethod: "client_secret_post" as const }
        const provider = yield* settings(upstream, options)
        yield* validate(provider, yield* exchange(provider, yield* authorize(upstream, provider)))
        const wrong = yield* settings(upstream, { ...options, clientSecret: Redacted.make("wrong") })
        const failure = yield* Effect.flip(exchange(wrong, yield* authorize(upstream, wrong)))
        assert.deepInclude(failure, { _tag: "ProviderRefused", error: "invalid_client" })
      }).pipe(Effect.provide(Live)),
    )

    it.live("private_key_jwt", () =>
      Effect.gen(function* () {
        const { client_secret: _, ...known } = client
        const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
        const jwk = { ...(yield* Effect.promise(() => exportJWK(publicKey))), kid: "k1", alg: "ES256", use: "sig" }
        const upstream = yield* OidcProvider.make([
          { ...known, token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } },
        ])
        const key = Redacted.make(yield* Effect.promise(() => exportPKCS8(privateKey)))
        const provider = yield* settings(upstream, {
          clientSecret: undefined,
          tokenEndpointAuthMethod: "private_key_jwt",
          clientKey: { key, keyId: "k1" },
        })
        yield* validate(provider, yield* exchange(provider, yield* authorize(upstream, provider)))
      }).pipe(Effect.provide(Live)),
    )
  })
})
