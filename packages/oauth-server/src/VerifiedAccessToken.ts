/**
 * What an access token says to the resource that it is for, and why it is refused.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Claims } from "./Claims.ts"

/**
 * An access token that is good here.
 *
 * **Details**
 *
 * `subject` is the user as the authorization server tells them; it is the client itself when the client got the token
 * for itself (`isClientItself`): then there is no user. `claims` are all that it says.
 *
 * @see [RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068.html#section-2.2)
 * @category models
 * @since 0.1.0
 */
export const VerifiedAccessToken = Schema.Struct({
  clientId: Schema.String,
  subject: Schema.String,
  isClientItself: Schema.Boolean,
  scopes: Schema.Array(Schema.String),
  audience: Schema.Array(Schema.String),
  expiresAt: Schema.NullOr(Schema.DateTimeUtc),
  claims: Schema.Record(Schema.String, Schema.Json),
}).annotate({ identifier: "VerifiedAccessToken" })
/**
 * @category models
 * @since 0.1.0
 */
export interface VerifiedAccessToken extends Schema.Schema.Type<typeof VerifiedAccessToken> {}

/**
 * An access token that is not good here: `invalid_token` to whoever sent it.
 *
 * **Details**
 *
 * `reason` is for the span and never leaves the server. `inactive`: over, revoked, unknown. `confirmation`: it is bound
 * to a key, and so must not come as a bearer token (RFC 9449 §7.1).
 *
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 * @category errors
 * @since 0.1.0
 */
export class AccessTokenRefused extends Schema.TaggedError<AccessTokenRefused>(
  "@belfry/oauth-server/AccessTokenRefused",
)("AccessTokenRefused", {
  reason: Schema.Literals([
    "malformed",
    "algorithm",
    "type",
    "key",
    "signature",
    "claims",
    "issuer",
    "audience",
    "inactive",
    "confirmation",
  ]),
}) {
  override get message(): string {
    return `The access token is refused: ${this.reason}`
  }
}

/**
 * Nobody could tell at the moment whether the token is good: the authorization server or its store is away. It is never
 * an answer.
 *
 * @category errors
 * @since 0.1.0
 */
export class AccessTokenUnverifiable extends Schema.TaggedError<AccessTokenUnverifiable>(
  "@belfry/oauth-server/AccessTokenUnverifiable",
)("AccessTokenUnverifiable", {
  reason: Schema.Literals(["store", "keys", "introspection"]),
}) {
  override get message(): string {
    return `The access token cannot be verified at the moment: ${this.reason}`
  }
}

/**
 * Reads what a token says, once its claims can be trusted: whose it is, and that it is its time. Whom it is for is
 * checked by {@link checkFor}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromClaims = (
  claims: Claims,
  expected: { readonly issuer: string | null; readonly clockTolerance: number },
  now: DateTime.Utc,
): Result.Result<VerifiedAccessToken, AccessTokenRefused> => {
  const { aud, client_id: clientId, exp, iat, iss, nbf, scope, sub } = claims
  const seconds = now.epochMilliseconds / 1000
  if (expected.issuer !== null && iss !== expected.issuer) return refuse("issuer")
  if (typeof sub !== "string" || sub === "" || typeof clientId !== "string" || clientId === "") return refuse("claims")
  if (!isTime(exp) || !isTime(iat) || !isTime(nbf)) return refuse("claims")
  if (scope !== undefined && typeof scope !== "string") return refuse("claims")
  if (exp !== undefined && seconds >= exp + expected.clockTolerance) return refuse("inactive")
  if (Math.max(iat ?? 0, nbf ?? 0) > seconds + expected.clockTolerance) return refuse("inactive")
  return Result.succeed({
    clientId,
    subject: sub,
    isClientItself: sub === clientId,
    scopes: (scope ?? "").split(" ").filter((value) => value !== ""),
    audience: (Array.isArray(aud) ? aud : [aud]).filter((value) => typeof value === "string"),
    expiresAt: exp === undefined ? null : DateTime.makeUnsafe(exp * 1000),
    claims,
  })
}

/**
 * Checks that a token is for an audience, compared byte for byte, and that it is a bearer token.
 *
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4)
 * @category rules
 * @since 0.1.0
 */
export const checkFor = (
  token: VerifiedAccessToken,
  audience: string,
): Result.Result<VerifiedAccessToken, AccessTokenRefused> => {
  if (audience === "" || !token.audience.includes(audience)) return refuse("audience")
  return token.claims["cnf"] === undefined ? Result.succeed(token) : refuse("confirmation")
}

// internal

const refuse = (reason: AccessTokenRefused["reason"]) => Result.fail(new AccessTokenRefused({ reason }))

const isTime = (value: Schema.Json | undefined): value is number | undefined =>
  value === undefined || (typeof value === "number" && Math.abs(value) <= 8_640_000_000_000)
