/**
 * The form in which secrets rest: `keyId.hash`, an HMAC-SHA-256 under a key of the key ring.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A keyed hash: the id of the key, a dot, and the HMAC-SHA-256 in base64url (43 characters).
 *
 * @see [RFC 2104](https://www.rfc-editor.org/rfc/rfc2104.html#section-2)
 * @category models
 * @since 0.1.0
 */
export const KeyedHash = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,32}\.[A-Za-z0-9_-]{43}$/u)).pipe(
  Schema.brand("KeyedHash"),
)
/**
 * @category models
 * @since 0.1.0
 */
export type KeyedHash = typeof KeyedHash.Type

/**
 * An AEAD ciphertext with the id of its key: `keyId.nonce+ciphertext`, base64url.
 *
 * @see [RFC 5116](https://www.rfc-editor.org/rfc/rfc5116.html#section-2)
 * @category models
 * @since 0.1.0
 */
export const Sealed = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,32}\.[A-Za-z0-9_-]+$/u)).pipe(
  Schema.brand("Sealed"),
)
/**
 * @category models
 * @since 0.1.0
 */
export type Sealed = typeof Sealed.Type
