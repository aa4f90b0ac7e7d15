/**
 * How a client proves itself at the token endpoint.
 *
 * @see [OpenID Connect Core §9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import { importJWK, importPKCS8, SignJWT } from "jose"
import type { ClientKey, OAuthProvider } from "../OAuthProvider.ts"
import type { ProviderUnavailable } from "../OAuthTokens.ts"
import type { StrategyContext, StrategyError } from "../ProviderStrategy.ts"
import { unavailable } from "./providerCalls.ts"

/** What a request carries to prove the client: headers, and fields of the form. */
export interface ClientCredentials {
  readonly headers: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, string>>
}

/** The credentials of a client by its method. `assertionId` is the `jti` of an assertion: it must not come twice. */
export const credentialsOf = Effect.fnUntraced(function* (
  context: StrategyContext,
  assertionId: string,
): Effect.fn.Return<ClientCredentials, StrategyError> {
  const { provider } = context
  const fields = { client_id: provider.clientId }
  switch (provider.tokenEndpointAuthMethod) {
    case "none":
      return { headers: {}, fields }
    case "client_secret_basic": {
      const secret = Redacted.value(yield* secretOf(context))
      // RFC 6749 §2.3.1: both are form-urlencoded first, so that a colon in either stays apart from the one between.
      const credentials = `${formEncoded(provider.clientId)}:${formEncoded(secret)}`
      return { headers: { authorization: `Basic ${Base64.encode(credentials)}` }, fields: {} }
    }
    case "client_secret_post":
      return { headers: {}, fields: { ...fields, client_secret: Redacted.value(yield* secretOf(context)) } }
    case "private_key_jwt":
      return {
        headers: {},
        fields: {
          ...fields,
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: yield* assertionOf(context, assertionId),
        },
      }
  }
})

/** The fields of a token request that settings and strategies must not replace. */
export const reservedFields: ReadonlySet<string> = new Set([
  "grant_type",
  "code",
  "redirect_uri",
  "code_verifier",
  "refresh_token",
  "client_id",
  "client_secret",
  "client_assertion",
  "client_assertion_type",
])

// internal

const assertionLifetime = 60

const secretOf = ({ provider, ...context }: StrategyContext): Effect.Effect<Redacted.Redacted, StrategyError> => {
  if (provider.strategy.clientSecret !== undefined) return provider.strategy.clientSecret({ provider, ...context })
  return provider.clientSecret === null ? Effect.fail(misconfigured(provider)) : Effect.succeed(provider.clientSecret)
}

const formEncoded = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1)

/** A signed statement of who the client is, RFC 7523 §3, for one use within a minute. */
const assertionOf = (
  { provider, metadata, now }: StrategyContext,
  id: string,
): Effect.Effect<string, ProviderUnavailable> => {
  const { clientKey } = provider
  if (clientKey === null) return Effect.fail(misconfigured(provider))
  const issuedAt = Math.floor(DateTime.toEpochMillis(now) / 1000)
  const algorithm = clientKey.algorithm ?? "ES256"
  return Effect.tryPromise({
    try: async () =>
      new SignJWT()
        .setProtectedHeader({ alg: algorithm, kid: clientKey.keyId })
        .setIssuer(provider.clientId)
        .setSubject(provider.clientId)
        // RFC 7523bis: the issuer, since an endpoint may be one that another server told the client.
        .setAudience(metadata.issuer ?? metadata.tokenEndpoint)
        .setJti(id)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + assertionLifetime)
        .sign(await importKey(clientKey, algorithm)),
    // The cause may show the key.
    catch: () => misconfigured(provider),
  })
}

const importKey = ({ key }: ClientKey, algorithm: string) => {
  const text = Redacted.value(key).trim()
  return text.startsWith("{") ? importJWK(JSON.parse(text), algorithm) : importPKCS8(text, algorithm)
}

const misconfigured = (provider: OAuthProvider): ProviderUnavailable => unavailable(provider, "token", "malformed")
