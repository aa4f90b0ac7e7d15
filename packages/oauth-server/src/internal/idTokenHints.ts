/**
 * ID tokens that come back as hints: whom a client means. They may be over, but must be of this server and for the
 * client.
 *
 * @see [OpenID Connect Core §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)
 * @see [OpenID Connect RP-Initiated Logout §2](https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout)
 */
import type { Sealer } from "@belfry/core/KeyRing"
import type { StoreError } from "@belfry/core/StoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { compactVerify } from "jose"
import type { Claims } from "../Claims.ts"
import { ClientId, type OAuthClient } from "../OAuthClient.ts"
import type { SigningKeys } from "../SigningKeys.ts"
import { openSecret } from "./clientSecretSignature.ts"
import { isType, maxLength, readClaims, readHeader } from "./jws.ts"

/** Whom an ID token names, and the session that it came from. */
export interface Hint {
  readonly subject: string
  readonly sid: string | null
}

/** Verifies hints. `disableJwt`: ID tokens are signed with the secret of their client. */
export const idTokenHints = (services: {
  readonly keys: SigningKeys["Service"]
  readonly sealer: Sealer
  readonly issuer: string
  readonly disableJwt: boolean
}) => {
  const { disableJwt, issuer, keys, sealer } = services

  const claimsByKey = (token: Redacted.Redacted) =>
    keys.verify(token, { typ: "JWT" }).pipe(Effect.catchTag("JwtInvalid", () => Effect.succeed(null)))

  const claimsBySecret = Effect.fnUntraced(function* (token: Redacted.Redacted, client: OAuthClient) {
    const text = Redacted.value(token)
    const header = readHeader(text)
    if (header?.alg !== "HS256" || !isType(header.typ, "JWT")) return null
    const secret = yield* openSecret(sealer, client, yield* DateTime.now)
    if (secret === null) return null
    const key = new TextEncoder().encode(Redacted.value(secret))
    const verified = yield* Effect.option(Effect.tryPromise(() => compactVerify(text, key, { algorithms: ["HS256"] })))
    const claims = Option.isSome(verified) ? readClaims(verified.value.payload) : null
    return claims?.["iss"] === issuer ? claims : null
  })

  return {
    /** Whom a hint names; null when it is no ID token of this server for the client. */
    verify: Effect.fnUntraced(function* (
      token: Redacted.Redacted,
      client: OAuthClient,
    ): Effect.fn.Return<Hint | null, StoreError> {
      const claims: Claims | null = disableJwt ? yield* claimsBySecret(token, client) : yield* claimsByKey(token)
      if (claims === null || !audiences(claims).includes(client.id)) return null
      const { sid, sub } = claims
      return typeof sub === "string" ? { subject: sub, sid: typeof sid === "string" ? sid : null } : null
    }),
  }
}

/** The client that a hint says it is for. Nothing of it is proved. */
export const claimedClientOf = (token: Redacted.Redacted): ClientId | null => {
  const text = Redacted.value(token)
  if (text.length > maxLength || readHeader(text) === null) return null
  const payload = Base64Url.decode(text.split(".")[1] ?? "")
  const claims = Result.isSuccess(payload) ? readClaims(payload.success) : null
  const [audience] = claims === null ? [] : audiences(claims)
  return isClientId(audience) ? audience : null
}

// internal

const isClientId = Schema.is(ClientId)

const audiences = ({ aud }: Claims): ReadonlyArray<unknown> => (Array.isArray(aud) ? aud : [aud])
