/**
 * Parts of the claims of tokens.
 */
import * as Digest from "effect/crypto/Digest"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import type { Claims } from "../Claims.ts"

/**
 * An instant as JWTs tell it: whole seconds since the epoch.
 *
 * @see [RFC 7519 §2](https://www.rfc-editor.org/rfc/rfc7519.html#section-2)
 */
export const secondsOf = (at: DateTime.Utc): number => Math.floor(at.epochMilliseconds / 1000)

/** Claims of a hook without those that are the server's own. */
export const withoutReserved = (claims: Claims, reserved: ReadonlyArray<string>): Claims => {
  const names = Object.keys(claims)
  // Most hooks tell nothing, and each token asks several.
  return names.some((name) => reserved.includes(name))
    ? Object.fromEntries(Object.entries(claims).filter(([name]) => !reserved.includes(name)))
    : claims
}

/**
 * `at_hash`: the left half of the hash of an access token, by the hash of the ID token's algorithm; SHA-512 for
 * Ed25519.
 *
 * @see [OpenID Connect Core §3.1.3.6](https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken)
 */
export const accessTokenHash = (
  digest: Digest.Digest["Service"],
  algorithm: string,
  token: Redacted.Redacted,
): Effect.Effect<string> => {
  const hash = algorithm === "EdDSA" ? Digest.sha512 : Digest.sha256
  return digest.digest(hash, new TextEncoder().encode(Redacted.value(token))).pipe(
    // The hashes are fixed, so it fails only on a runtime that lacks them.
    Effect.orDie,
    Effect.map((bytes) => Base64Url.encode(bytes.slice(0, bytes.length / 2))),
  )
}
