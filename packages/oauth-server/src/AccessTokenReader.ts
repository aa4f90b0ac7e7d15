/**
 * Access tokens read by this server's own keys, without looking anything up.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { SigningKeys } from "./SigningKeys.ts"
import {
  AccessTokenRefused,
  AccessTokenUnverifiable,
  fromClaims,
  type VerifiedAccessToken,
} from "./VerifiedAccessToken.ts"

/**
 * Reads the JWT access tokens of this server.
 *
 * **Details**
 *
 * Keys are those that `SigningKeys` holds in memory: a token costs no statement. Whom a token is for and whether it was
 * revoked is not told here; `AccessTokenVerifier.layerLocalJwt` checks the one, and `AccessTokens` knows the other.
 * Opaque tokens are refused as `malformed`.
 *
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4)
 * @category services
 * @since 0.1.0
 */
export class AccessTokenReader extends Context.Service<
  AccessTokenReader,
  {
    /** Reads a token that is this server's, and not over by this server's clock. */
    readonly read: (
      token: Redacted.Redacted,
    ) => Effect.Effect<VerifiedAccessToken, AccessTokenRefused | AccessTokenUnverifiable>
  }
>()("@belfry/oauth-server/AccessTokenReader") {}

/**
 * Makes the service over {@link SigningKeys}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const keys = yield* SigningKeys

  const read: AccessTokenReader["Service"]["read"] = Effect.fnUntraced(function* (token) {
    const claims = yield* keys.verify(token, { typ: "at+jwt" }).pipe(
      Effect.catchTags({
        JwtInvalid: ({ reason }) => Effect.fail(new AccessTokenRefused({ reason })),
        StoreError: () => Effect.fail(new AccessTokenUnverifiable({ reason: "store" })),
      }),
    )
    const now = yield* DateTime.now
    const verified = yield* Effect.fromResult(fromClaims(claims, expected, now))
    const { expiresAt, isClientItself } = verified
    if (expiresAt === null) return yield* new AccessTokenRefused({ reason: "claims" })
    if (now.epochMilliseconds >= expiresAt.epochMilliseconds)
      return yield* new AccessTokenRefused({ reason: "inactive" })
    // RFC 9700 §4.15: without a grant it is the client's own, and of nobody else.
    if (isClientItself !== (claims["grant_id"] === undefined))
      return yield* new AccessTokenRefused({ reason: "claims" })
    return verified
  })

  return AccessTokenReader.of({ read })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(AccessTokenReader, make)

// internal

/** The key has proved the issuer. Nodes' clocks differ: `iat` may lie a minute ahead. */
const expected = { issuer: null, clockTolerance: 60 }
