/**
 * One-time passwords that an app or a token computes: HOTP (RFC 4226) and TOTP (RFC 6238).
 *
 * @since 0.1.0
 */
import { Sealed } from "@belfry/core/KeyedHash"
import { UserId } from "@belfry/core/User"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * The hash of a TOTP. Most authenticator apps know SHA-1 alone, and some ignore what they are told: it is the default.
 *
 * @see [RFC 6238 §1.2](https://www.rfc-editor.org/rfc/rfc6238.html#section-1.2)
 * @category models
 * @since 0.1.0
 */
export const TotpAlgorithm = Schema.Literals(["SHA1", "SHA256", "SHA512"])
/**
 * @category models
 * @since 0.1.0
 */
export type TotpAlgorithm = typeof TotpAlgorithm.Type

/**
 * How many digits a code has.
 *
 * @see [RFC 4226 §5.3](https://www.rfc-editor.org/rfc/rfc4226.html#section-5.3)
 * @category models
 * @since 0.1.0
 */
export const Digits = Schema.Literals([6, 8])
/**
 * @category models
 * @since 0.1.0
 */
export type Digits = typeof Digits.Type

/**
 * A user's TOTP as it rests. `secret` is sealed. Unconfirmed, it opens nothing. `lastStep` is the newest time step that
 * was accepted: that one and older ones never are again. `period` in seconds.
 *
 * @category models
 * @since 0.1.0
 */
export const Totp = Schema.Struct({
  userId: UserId,
  secret: Sealed,
  algorithm: TotpAlgorithm,
  digits: Digits,
  period: Schema.Int,
  lastStep: Schema.NullOr(Schema.Int),
  createdAt: Schema.DateTimeUtc,
  confirmedAt: Schema.NullOr(Schema.DateTimeUtc),
  lastUsedAt: Schema.NullOr(Schema.DateTimeUtc),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface Totp extends Schema.Schema.Type<typeof Totp> {}

/**
 * A user's HOTP as it rests. `secret` is sealed. Unconfirmed, it opens nothing. `counter` is the next one that is
 * accepted; codes of lower counters never are again.
 *
 * @category models
 * @since 0.1.0
 */
export const Hotp = Schema.Struct({
  userId: UserId,
  secret: Sealed,
  digits: Digits,
  counter: Schema.Int,
  createdAt: Schema.DateTimeUtc,
  confirmedAt: Schema.NullOr(Schema.DateTimeUtc),
  lastUsedAt: Schema.NullOr(Schema.DateTimeUtc),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface Hotp extends Schema.Schema.Type<typeof Hotp> {}

/**
 * What an app or a token is set up with: the secret in base32, and the same as an `otpauth:` URI for a QR code. Shown
 * until it is confirmed and never again.
 *
 * @see [Key URI Format](https://github.com/google/google-authenticator/wiki/Key-Uri-Format)
 * @category models
 * @since 0.1.0
 */
export interface Provisioning {
  readonly secret: Redacted.Redacted
  readonly uri: Redacted.Redacted
}

/**
 * The secret is not base32, or is shorter than 16 bytes.
 *
 * @see [RFC 4226 §4](https://www.rfc-editor.org/rfc/rfc4226.html#section-4)
 * @category errors
 * @since 0.1.0
 */
export class SecretInvalid extends Schema.TaggedError<SecretInvalid>("@belfry/factors/SecretInvalid")(
  "SecretInvalid",
  {},
) {
  override get message(): string {
    return "This secret cannot be used: base32 of at least 16 bytes is expected"
  }
}
