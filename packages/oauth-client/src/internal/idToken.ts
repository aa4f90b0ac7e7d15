/**
 * Validation of ID tokens.
 *
 * @see [OpenID Connect Core §3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)
 */
import { isEqualText } from "@belfry/core/ConstantTime"
import * as DateTime from "effect/DateTime"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from "jose"
import type { OAuthProvider } from "../OAuthProvider.ts"
import { type Claims, IdTokenInvalid, type ProviderUnavailable } from "../OAuthTokens.ts"
import type { ExpectedNonce, ProviderMetadata, StrategyContext } from "../ProviderStrategy.ts"
import type { KeySet, ProviderDocuments } from "./providerDocuments.ts"

/** What a token must fit. */
export interface Expected {
  readonly nonce: ExpectedNonce
  readonly accessToken: Redacted.Redacted | null
  readonly maxAge?: Duration.Duration | undefined
}

/** Validates an ID token by the provider's JWK Set, or the client secret for HS256, and returns its claims. */
export const validate = Effect.fnUntraced(function* (
  context: StrategyContext,
  documents: ProviderDocuments,
  idToken: Redacted.Redacted,
  expected: Expected,
): Effect.fn.Return<Claims, IdTokenInvalid | ProviderUnavailable, Digest.Digest> {
  const { provider, metadata, now } = context
  const token = Redacted.value(idToken)
  const header = yield* Effect.try({
    try: () => decodeProtectedHeader(token),
    catch: () => invalid(provider, "malformed"),
  })
  const { alg = "none", kid } = header
  if (!algorithmsOf(provider, metadata).includes(alg)) return yield* invalid(provider, "algorithm")

  const verifyWith = (key: KeySet | Uint8Array) => verify(provider, token, key, alg, now)
  const verified = isSymmetric(alg)
    ? verifyWith(secretOf(provider))
    : metadata.jwksUri === null
      ? Effect.fail(invalid(provider, "key"))
      : withRenewal(documents, metadata.jwksUri, typeof kid === "string", verifyWith)
  const claims = yield* verified
  yield* checkClaims(context, claims, expected)
  yield* checkAccessTokenHash(provider, alg, claims, expected.accessToken)
  return claims
})

/**
 * Checks that the claims of a later ID token are of the issuer and the subject of the earlier one, which was validated.
 */
export const checkSameSubject = (
  provider: OAuthProvider,
  earlier: Redacted.Redacted,
  { iss, sub }: Claims,
): Effect.Effect<void, IdTokenInvalid> =>
  Effect.try({
    try: () => decodeJwt(Redacted.value(earlier)),
    catch: () => invalid(provider, "malformed"),
  }).pipe(
    Effect.filterOrFail(
      (before) => before.iss === iss && before.sub === sub,
      () => invalid(provider, "subject"),
    ),
    Effect.asVoid,
  )

/** Tells whether the claim `nonce` is as expected. */
export const isExpectedNonce = (expected: ExpectedNonce, nonce: Schema.Json | undefined): boolean => {
  switch (expected._tag) {
    case "Equal":
      return typeof nonce === "string" && isEqualText(expected.nonce, nonce)
    case "Absent":
      return nonce === undefined
    case "Any":
      return true
  }
}

// internal

/** Clocks may differ by this much, in seconds. */
const leeway = 60

const asymmetric: ReadonlySet<string> = new Set([
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
])

const isSymmetric = (alg: string): boolean => alg === "HS256"

/**
 * The algorithms that a token may have: what the provider says it uses, of those that are safe. The token's own word
 * counts for nothing, or a public key would serve as an HMAC secret.
 */
const algorithmsOf = (provider: OAuthProvider, metadata: ProviderMetadata): ReadonlyArray<string> =>
  metadata.idTokenSigningAlgorithms.filter(
    (alg) => asymmetric.has(alg) || (isSymmetric(alg) && provider.clientSecret !== null),
  )

const secretOf = (provider: OAuthProvider): Uint8Array =>
  encoder.encode(provider.clientSecret === null ? "" : Redacted.value(provider.clientSecret))

/**
 * Verifies with the keys that are known and, where the token's is none of them, with those that are published now. A
 * token that names no key may be of a new one whenever its signature does not fit.
 */
const withRenewal = (
  documents: ProviderDocuments,
  jwksUri: string,
  hasKeyId: boolean,
  verifyWith: (keys: KeySet) => Effect.Effect<Claims, IdTokenInvalid>,
) =>
  Effect.flatMap(documents.keys(jwksUri), verifyWith).pipe(
    Effect.catchTag("IdTokenInvalid", (error) =>
      error.reason === "key" || (error.reason === "signature" && !hasKeyId)
        ? Effect.flatMap(documents.renewedKeys(jwksUri), verifyWith)
        : Effect.fail(error),
    ),
  )

const decodeClaims = Schema.decodeUnknownOption(Schema.Record(Schema.String, Schema.Json))

const verify = (
  provider: OAuthProvider,
  token: string,
  key: KeySet | Uint8Array,
  alg: string,
  now: DateTime.Utc,
): Effect.Effect<Claims, IdTokenInvalid> => {
  const options = {
    algorithms: [alg],
    currentDate: DateTime.toDateUtc(now),
    clockTolerance: leeway,
    requiredClaims: ["iss", "sub", "aud", "exp", "iat"],
  }
  return Effect.tryPromise({
    try: () => (typeof key === "function" ? jwtVerify(token, key, options) : jwtVerify(token, key, options)),
    catch: (error) => invalid(provider, reasonOf(error)),
  }).pipe(
    Effect.flatMap(({ payload }) => Effect.fromOption(decodeClaims(payload))),
    Effect.catchTag("NoSuchElementError", () => Effect.fail(invalid(provider, "malformed"))),
  )
}

const checkClaims = (
  context: StrategyContext,
  claims: Claims,
  expected: Expected,
): Effect.Effect<void, IdTokenInvalid> => {
  const { provider, metadata } = context
  const { iss, sub, azp, iat, nonce } = claims
  const now = DateTime.toEpochMillis(context.now) / 1000
  const fail = (reason: IdTokenInvalid["reason"]) => Effect.fail(invalid(provider, reason))

  const acceptsIssuer = provider.strategy.acceptsIssuer ?? ((issuer: string) => issuer === metadata.issuer)
  if (typeof iss !== "string" || !acceptsIssuer(iss, claims, context)) return fail("issuer")
  const audiences = audiencesOf(claims)
  if (!audiences.some((audience) => provider.audiences.includes(audience))) return fail("audience")
  if ((audiences.length > 1 || azp !== undefined) && !(typeof azp === "string" && provider.audiences.includes(azp))) {
    return fail("authorized-party")
  }
  if (typeof iat !== "number" || iat > now + leeway) return fail("not-yet-valid")
  if (typeof sub !== "string" || sub === "") return fail("subject")
  if (!isExpectedNonce(expected.nonce, nonce)) return fail("nonce")
  return isRecent(claims, expected.maxAge, now) ? Effect.void : fail("auth-time")
}

const audiencesOf = ({ aud }: Claims): ReadonlyArray<string> => {
  const audiences = Array.isArray(aud) ? aud : [aud]
  return audiences.filter((audience) => typeof audience === "string")
}

const isRecent = ({ auth_time: at }: Claims, maxAge: Duration.Duration | undefined, now: number): boolean =>
  maxAge === undefined || (typeof at === "number" && now - at <= Duration.toSeconds(maxAge) + leeway)

/**
 * OpenID Connect Core §3.1.3.8: the left half of the hash of the access token, by the hash of the token's algorithm.
 */
const checkAccessTokenHash = Effect.fnUntraced(function* (
  provider: OAuthProvider,
  alg: string,
  { at_hash: claimed }: Claims,
  accessToken: Redacted.Redacted | null,
): Effect.fn.Return<void, IdTokenInvalid, Digest.Digest> {
  if (accessToken === null || claimed === undefined) return
  const digest = yield* Digest.Digest
  const bytes = yield* digest.digest(hashOf(alg), encoder.encode(Redacted.value(accessToken)))
  const actual = Base64Url.encode(bytes.slice(0, bytes.length / 2))
  if (typeof claimed !== "string" || !isEqualText(claimed, actual)) return yield* invalid(provider, "access-token-hash")
})

// Ed25519 hashes with SHA-512.
const hashOf = (alg: string): Digest.Algorithm =>
  alg.endsWith("256") ? Digest.sha256 : alg.endsWith("384") ? Digest.sha384 : Digest.sha512

const reasonOf = (error: unknown): IdTokenInvalid["reason"] => {
  if (error instanceof errors.JWTExpired) return "expired"
  if (error instanceof errors.JWTClaimValidationFailed) return reasonOfClaim(error.claim)
  if (error instanceof errors.JWSSignatureVerificationFailed) return "signature"
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return "malformed"
  if (error instanceof errors.JOSEAlgNotAllowed) return "algorithm"
  // No key, several that would do, or one that the algorithm cannot use.
  return "key"
}

const reasonOfClaim = (claim: string): IdTokenInvalid["reason"] => {
  switch (claim) {
    case "iss":
      return "issuer"
    case "aud":
      return "audience"
    case "sub":
      return "subject"
    case "exp":
      return "expired"
    case "iat":
    case "nbf":
      return "not-yet-valid"
    default:
      return "malformed"
  }
}

const invalid = (provider: OAuthProvider, reason: IdTokenInvalid["reason"]): IdTokenInvalid =>
  new IdTokenInvalid({ providerId: provider.id, reason })

const encoder = new TextEncoder()
