/**
 * A provider that stands behind the transport, in memory: it gives codes to people, takes each code once with its
 * verifier, and answers with ID tokens whose claims are checked as the real transport checks them.
 */
import type { OAuthProvider } from "@belfry/oauth-client/OAuthProvider"
import {
  type Claims,
  IdTokenInvalid,
  type OAuthTokenSet,
  ProviderRefused,
  ProviderUnavailable,
} from "@belfry/oauth-client/OAuthTokens"
import { OAuthTransport } from "@belfry/oauth-client/OAuthTransport"
import type { ProviderMetadata, StrategyError } from "@belfry/oauth-client/ProviderStrategy"
import { Context, Effect, Layer, Redacted } from "effect"
import { createHash } from "node:crypto"

/** Somebody with an account at the provider. */
export interface Person {
  readonly sub: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly name?: string
  readonly picture?: string
}

/** How the provider behaves, where it does not behave well. */
export interface Script {
  readonly metadata?: Partial<ProviderMetadata> | ProviderUnavailable
  readonly exchange?: StrategyError
  readonly tokens?: (tokens: OAuthTokenSet) => OAuthTokenSet
  readonly claims?: (claims: Claims) => Claims
  readonly profile?: null | StrategyError
}

interface Grant {
  readonly person: Person
  readonly redirectUri: string
  readonly challenge: string | null
  readonly nonce: string | null
}

/** The provider's side. */
export class FakeProvider extends Context.Service<
  FakeProvider,
  {
    /** Somebody consents at the URL that the browser was sent to. */
    readonly authorize: (location: URL, person: Person) => { readonly code: string; readonly state: string }
    readonly idToken: (claims: Claims) => Redacted.Redacted
    /** How it behaves from now on. */
    readonly behave: (script: Script) => Effect.Effect<void>
    /** The codes that were brought, used or not. */
    readonly exchanged: Array<string>
  }
>()("test/FakeProvider") {}

/** The issuer that it names in its metadata. */
export const issuer = "https://id.example"

export const layer = Layer.effectContext(
  Effect.sync(() => {
    let script: Script = {}
    let count = 0
    const grants = new Map<string, Grant>()
    const exchanged: Array<string> = []

    const idToken = (claims: Claims) => Redacted.make(JSON.stringify(script.claims?.(claims) ?? claims))

    const metadata = (provider: OAuthProvider): Effect.Effect<ProviderMetadata, ProviderUnavailable> =>
      script.metadata instanceof ProviderUnavailable
        ? Effect.fail(script.metadata)
        : Effect.succeed({
            issuer: provider.issuer ?? issuer,
            authorizationEndpoint: `${issuer}/authorize`,
            tokenEndpoint: `${issuer}/token`,
            userinfoEndpoint: null,
            jwksUri: null,
            idTokenSigningAlgorithms: ["ES256"],
            issuerParameterSupported: false,
            ...script.metadata,
          })

    const transport = OAuthTransport.of({
      metadata,
      authorizationUrl: (provider, request) =>
        Effect.map(metadata(provider), ({ authorizationEndpoint }) => {
          const url = new URL(authorizationEndpoint)
          const { codeVerifier, nonce, redirectUri, state } = request
          url.searchParams.set("redirect_uri", redirectUri)
          url.searchParams.set("state", Redacted.value(state))
          if (codeVerifier !== null) url.searchParams.set("code_challenge", challengeOf(codeVerifier))
          if (nonce !== null) url.searchParams.set("nonce", nonce)
          return url
        }),
      exchange: ({ id: providerId, scopes: own }, { code, redirectUri, codeVerifier, scopes = own }) =>
        Effect.suspend((): Effect.Effect<OAuthTokenSet, StrategyError> => {
          if (script.exchange !== undefined) return Effect.fail(script.exchange)
          const value = Redacted.value(code)
          exchanged.push(value)
          const grant = grants.get(value)
          grants.delete(value)
          const challenge = codeVerifier === null ? null : challengeOf(codeVerifier)
          if (grant === undefined || grant.redirectUri !== redirectUri || grant.challenge !== challenge) {
            return Effect.fail(new ProviderRefused({ providerId, error: "invalid_grant", description: null }))
          }
          const { person, nonce } = grant
          const accessToken = `access-${value}`
          const claims = {
            ...person,
            ...(nonce === null ? {} : { nonce }),
            at_hash: challengeOf(Redacted.make(accessToken)),
          }
          const tokens: OAuthTokenSet = {
            accessToken: Redacted.make(accessToken),
            tokenType: "Bearer",
            refreshToken: Redacted.make(`refresh-${value}`),
            // It grants what it is asked for, without a word.
            scope: scopes.join(" "),
            idToken: idToken(claims),
            accessTokenExpiresAt: null,
            refreshTokenExpiresAt: null,
            raw: Redacted.make({}),
          }
          return Effect.succeed(script.tokens?.(tokens) ?? tokens)
        }),
      refresh: () => Effect.die("nothing is refreshed here"),
      validateIdToken: ({ id: providerId }, token, { nonce, accessToken }) =>
        Effect.suspend((): Effect.Effect<Claims, IdTokenInvalid> => {
          const claims: Claims = JSON.parse(Redacted.value(token))
          if ((claims["nonce"] ?? null) !== nonce)
            return Effect.fail(new IdTokenInvalid({ providerId, reason: "nonce" }))
          const hash = claims["at_hash"]
          return accessToken !== null && hash !== undefined && hash !== challengeOf(accessToken)
            ? Effect.fail(new IdTokenInvalid({ providerId, reason: "access-token-hash" }))
            : Effect.succeed(claims)
        }),
      profile: (_, { claims }) =>
        Effect.suspend(() => {
          if (script.profile === null || claims === null) return Effect.succeed(null)
          if (script.profile !== undefined) return Effect.fail(script.profile)
          return Effect.succeed({
            accountId: text(claims["sub"]) ?? "",
            email: text(claims["email"]),
            emailVerified: claims["email_verified"] === true,
            name: text(claims["name"]),
            image: text(claims["picture"]),
            raw: claims,
          })
        }),
    })

    const provider = FakeProvider.of({
      authorize: ({ searchParams }, person) => {
        const code = `code-${++count}`
        grants.set(code, {
          person,
          redirectUri: searchParams.get("redirect_uri") ?? "",
          challenge: searchParams.get("code_challenge"),
          nonce: searchParams.get("nonce"),
        })
        return { code, state: searchParams.get("state") ?? "" }
      },
      idToken,
      behave: (next) => Effect.sync(() => void (script = next)),
      exchanged,
    })

    return Context.make(OAuthTransport, transport).pipe(Context.add(FakeProvider, provider))
  }),
)

/** What hashes an access token, and a verifier, here. */
export const challengeOf = (secret: Redacted.Redacted): string =>
  createHash("sha256").update(Redacted.value(secret)).digest("base64url")

// internal

const text = (value: unknown): string | null => (typeof value === "string" ? value : null)
