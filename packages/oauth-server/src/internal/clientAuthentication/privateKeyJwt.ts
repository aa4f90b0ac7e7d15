/**
 * `private_key_jwt`: a client proves itself by a JWT that it signs for this server, once.
 *
 * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3)
 * @see [OpenID Connect Core §9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)
 */
import type { Hasher } from "@belfry/core/KeyRing"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose"
import type { AssertionStore } from "../../AssertionStore.ts"
import type { OAuthClient } from "../../OAuthClient.ts"
import type { ClientKeys, KeySet } from "./clientKeys.ts"
import { invalidClient, invalidRequest, type Method, readClientId } from "./method.ts"

/** What assertions are verified with. */
export interface AssertionServices {
  readonly keys: ClientKeys
  readonly assertions: AssertionStore["Service"]
  /** Of the `jti`, so that what a client writes there is not kept as it is. */
  readonly hasher: Hasher
  /**
   * What an assertion may be meant for: the issuer, and for clients that follow OpenID Connect Core the endpoints. Each
   * value of `aud` must be one of them: an assertion that another server would take too could come from there.
   */
  readonly audiences: ReadonlyArray<string>
}

/** The method `private_key_jwt`. */
export const privateKeyJwt = (services: AssertionServices): Method => ({
  method: "private_key_jwt",
  read: (_authorization, parameters) => {
    const assertion = parameters.get("client_assertion")
    const type = parameters.get("client_assertion_type")
    if (assertion === undefined && type === undefined) return Option.none()
    return Option.some(
      Result.gen(function* () {
        if (assertion === undefined) return yield* Result.fail(invalidRequest("client_assertion is missing"))
        if (type === undefined) return yield* Result.fail(invalidRequest("client_assertion_type is missing"))
        if (type !== assertionType) return yield* Result.fail(invalidClient("assertion-type"))
        const clientId = yield* subjectOf(assertion)
        const named = parameters.get("client_id")
        // RFC 7521 §4.2: client_id, where it is sent, must identify the same client.
        if (named !== undefined && named !== clientId) return yield* Result.fail(invalidClient("assertion-client-id"))
        return { method: "private_key_jwt", clientId, assertion: Redacted.make(assertion) } as const
      }),
    )
  },
  verify: Effect.fnUntraced(function* (credentials, client) {
    if (credentials.method !== "private_key_jwt") return "method"
    if (client === null) return "unknown"
    const now = yield* Clock.currentTimeMillis
    const verified = yield* Effect.result(verifySignature(services, client, credentials.assertion, now))
    if (Result.isFailure(verified)) return verified.failure.reason
    const { exp, iat, jti } = verified.success
    // `jwtVerify` asked for their presence and that `exp` is a number.
    if (exp === undefined || typeof jti !== "string" || !isJti(jti)) return "assertion-jti"
    if (exp * 1000 > now + (maxLifetime + skew) * 1000) return "assertion-lifetime"
    if (iat !== undefined && iat * 1000 > now + skew * 1000) return "assertion-iat"
    const hash = yield* services.hasher.hash(Redacted.make(jti))
    const isFirst = yield* services.assertions.claim(client.id, hash, DateTime.makeUnsafe((exp + skew) * 1000))
    return isFirst ? null : "assertion-replayed"
  }),
})

/** The value of `client_assertion_type`. */
export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/**
 * The algorithms of assertions; `Ed25519` is the newer name of `EdDSA` with that curve. Symmetric ones are not among
 * them, or a public key would serve as a secret.
 *
 * @see [RFC 9864 §2.2](https://www.rfc-editor.org/rfc/rfc9864.html#section-2.2)
 * @see [RFC 8725 §3.1](https://www.rfc-editor.org/rfc/rfc8725.html#section-3.1)
 */
export const assertionAlgorithms: ReadonlyArray<string> = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]

// internal

/** Seconds. */
const maxLifetime = 300
const skew = 30
const maxLength = 16_384

const isJti = (jti: string): boolean => jti.length > 0 && jti.length <= 512

/** Who an assertion is about, before anything of it is verified: which client to look up. */
const subjectOf = (assertion: string) =>
  Result.flatMap(
    Result.try({
      try: () => (assertion.length > maxLength ? undefined : decodeJwt(assertion).sub),
      catch: () => invalidClient("assertion-malformed"),
    }),
    (subject: unknown) =>
      typeof subject === "string" ? readClientId(subject) : Result.fail(invalidClient("assertion-malformed")),
  )

class AssertionInvalid extends Schema.TaggedError<AssertionInvalid>("@belfry/oauth-server/AssertionInvalid")(
  "AssertionInvalid",
  { reason: Schema.String },
) {}

const verifySignature = Effect.fnUntraced(function* (
  { audiences, keys }: AssertionServices,
  client: OAuthClient,
  assertion: Redacted.Redacted,
  now: number,
) {
  const token = Redacted.value(assertion)
  const { kid } = yield* Effect.try({
    try: () => decodeProtectedHeader(token),
    catch: () => new AssertionInvalid({ reason: "assertion-malformed" }),
  })
  const verifyWith = (keySet: KeySet) =>
    Effect.tryPromise({
      try: () => verifyWithAny(token, keySet, client.id, audiences, now),
      catch: (cause) => new AssertionInvalid({ reason: reasonOf(cause) }),
    })
  const isOfNewKey = ({ reason }: AssertionInvalid) =>
    reason === "assertion-key" || (reason === "assertion-signature" && kid === undefined)
  return yield* Effect.flatMap(keys.get(client), verifyWith).pipe(
    Effect.catchIf(
      (error) => error._tag === "AssertionInvalid" && isOfNewKey(error),
      () => Effect.flatMap(keys.renewed(client), verifyWith),
    ),
    Effect.catchTag("KeysUnavailable", ({ reason }) =>
      Effect.fail(new AssertionInvalid({ reason: `assertion-keys-${reason}` })),
    ),
  )
})

/** Verifies with the key that fits; where several do, since the assertion names none, with one after the other. */
const verifyWithAny = async (
  token: string,
  keySet: KeySet,
  clientId: string,
  audiences: ReadonlyArray<string>,
  now: number,
): Promise<JWTPayload> => {
  const options = {
    algorithms: [...assertionAlgorithms],
    issuer: clientId,
    subject: clientId,
    requiredClaims: ["exp", "jti", "aud"],
    clockTolerance: skew,
    currentDate: new Date(now),
  }
  const accept = ({ payload }: { readonly payload: JWTPayload }): JWTPayload => {
    const audience = Array.isArray(payload.aud) ? payload.aud : [payload.aud]
    const isForUs = audience.length > 0 && audience.every((each) => each !== undefined && audiences.includes(each))
    if (!isForUs) throw new errors.JWTClaimValidationFailed("not for this server", payload, "aud")
    return payload
  }
  try {
    return accept(await jwtVerify(token, keySet, options))
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return accept(await jwtVerify(token, key, options))
      } catch (other) {
        if (!(other instanceof errors.JWSSignatureVerificationFailed)) throw other
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

const reasonOf = (cause: unknown): string => {
  if (cause instanceof errors.JWKSNoMatchingKey) return "assertion-key"
  if (cause instanceof errors.JWSSignatureVerificationFailed) return "assertion-signature"
  if (cause instanceof errors.JWTExpired) return "assertion-expired"
  if (cause instanceof errors.JWTClaimValidationFailed) return `assertion-${cause.claim}`
  if (cause instanceof errors.JOSEAlgNotAllowed) return "assertion-algorithm"
  return "assertion-malformed"
}
