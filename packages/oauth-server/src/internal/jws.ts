/**
 * JWS in compact form, read before any key is touched: its size, its parts, its header.
 *
 * @see [RFC 7515 §5.2](https://www.rfc-editor.org/rfc/rfc7515.html#section-5.2)
 */
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import { compactVerify, type CryptoKey } from "jose"
import type { Claims } from "../Claims.ts"
import { readObject, textOf } from "./jsonObjects.ts"

/** What the header says of signature and type. Nothing else in it counts. */
export interface JwsHeader {
  readonly alg: string
  readonly kid: string | null
  readonly typ: string | null
}

/** No token of this server comes near it, and nobody is made to work on more. */
export const maxLength = 16_384

/**
 * Reads the header of a compact JWS; null when it is too long, not of the form, or asks for more than a signature by a
 * key that is known already.
 *
 * **Details**
 *
 * `jku`, `x5u`, `jwk` and `x5c` bring or name keys: whoever forges a token brings his own. `crit` and `b64` change what
 * the signature means, and `zip` and `enc` belong to encryption.
 */
export const readHeader = (token: string): JwsHeader | null => {
  if (token.length > maxLength || !compact.test(token)) return null
  const header = readObject(decode(token.slice(0, token.indexOf("."))), 4)
  if (header === null || refused.some((name) => Object.hasOwn(header, name))) return null
  const { alg, kid, typ } = header
  if (typeof alg !== "string" || !isTextOrAbsent(kid) || !isTextOrAbsent(typ)) return null
  return { alg, kid: kid ?? null, typ: typ ?? null }
}

/**
 * Verifies the signature of a compact JWS by a key and the algorithm that the key is for; null when it does not fit.
 */
export const verifySignature = (token: string, key: CryptoKey, algorithm: string): Effect.Effect<Uint8Array | null> =>
  Effect.promise(() =>
    compactVerify(token, key, { algorithms: [algorithm] }).then(
      ({ payload }) => payload,
      () => null,
    ),
  )

/** Reads the claims of a JWS whose signature was verified; null when they are no JSON object, or a deep one. */
export const readClaims = (payload: Uint8Array): Claims | null => readObject(textOf(payload), 32)

/**
 * Whether a header's `typ` is the one that is expected: a media type without regard to case, `application/` left out
 * where nothing else has a slash.
 *
 * @see [RFC 7515 §4.1.9](https://www.rfc-editor.org/rfc/rfc7515.html#section-4.1.9)
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4)
 */
export const isType = (typ: string | null, expected: string): boolean =>
  typ !== null && typ.toLowerCase().replace(/^application\/(?=[^/]*$)/u, "") === expected.toLowerCase()

// internal

const compact = /^[\w-]+\.[\w-]+\.[\w-]+$/

const refused = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc"]

const isTextOrAbsent = (value: unknown): value is string | undefined => value === undefined || typeof value === "string"

const decode = (part: string): string | null => {
  const bytes = Base64Url.decode(part)
  return Result.isSuccess(bytes) ? textOf(bytes.success) : null
}
