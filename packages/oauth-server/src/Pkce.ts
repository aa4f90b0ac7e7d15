/**
 * Proof key for code exchange: the verifier that a client keeps, and the challenge that it sends ahead.
 *
 * @since 0.1.0
 */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"

/**
 * The methods that are taken. `plain` is not one of them.
 *
 * @see [RFC 7636 §4.2](https://www.rfc-editor.org/rfc/rfc7636.html#section-4.2)
 * @see [RFC 9700 §2.1.1](https://www.rfc-editor.org/rfc/rfc9700.html#section-2.1.1)
 * @category models
 * @since 0.1.0
 */
export const methods = ["S256"] as const

/**
 * Whether text has the form of a verifier: 43 to 128 unreserved characters.
 *
 * @see [RFC 7636 §4.1](https://www.rfc-editor.org/rfc/rfc7636.html#section-4.1)
 * @category predicates
 * @since 0.1.0
 */
export const isVerifier = (text: string): boolean => /^[A-Za-z0-9\-._~]{43,128}$/u.test(text)

/**
 * Whether text has the form of an S256 challenge: the base64url of 32 bytes, without padding.
 *
 * @see [RFC 7636 §4.2](https://www.rfc-editor.org/rfc/rfc7636.html#section-4.2)
 * @category predicates
 * @since 0.1.0
 */
export const isChallenge = (text: string): boolean => /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/u.test(text)

/**
 * The S256 challenge of a verifier: the base64url of its SHA-256; null when it is no verifier by its form.
 *
 * @see [RFC 7636 §4.2](https://www.rfc-editor.org/rfc/rfc7636.html#section-4.2)
 * @category constructors
 * @since 0.1.0
 */
export const challengeOf = (verifier: Redacted.Redacted): Effect.Effect<string | null, never, Digest.Digest> =>
  isVerifier(Redacted.value(verifier))
    ? Effect.map(
        Digest.Digest.use((digest) => digest.digest(Digest.sha256, utf8.encode(Redacted.value(verifier)))),
        Base64Url.encode,
      )
    : Effect.succeed(null)

// internal

const utf8 = new TextEncoder()
