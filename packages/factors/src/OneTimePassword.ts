/**
 * One-time passwords that an app or a token computes: HOTP (RFC 4226) and TOTP (RFC 6238).
 *
 * @since 0.1.0
 */
import { Sealed } from "@belfry/core/KeyedHash"
import { type Email, UserId } from "@belfry/core/User"
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
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
 * The counter of a token: how many codes it has shown.
 *
 * @see [RFC 4226 §5.1](https://www.rfc-editor.org/rfc/rfc4226.html#section-5.1)
 * @category models
 * @since 0.1.0
 */
export const HotpCounter = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 48 }))

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
 * What of a factor is written into its `otpauth:` URI.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProvisioningOptions {
  readonly type: "totp" | "hotp"
  /** The name of the site. */
  readonly issuer: string
  readonly account: Email
  /** Base32 without padding. */
  readonly secret: Redacted.Redacted
  readonly algorithm: TotpAlgorithm
  readonly digits: Digits
  /** `period` of a TOTP in seconds, or the first `counter` of a HOTP. */
  readonly moving: { readonly period: number } | { readonly counter: number }
}

/**
 * The `otpauth:` URI that sets up an app. Everything is written, defaults too: apps differ in theirs.
 *
 * @see [Key URI Format](https://github.com/google/google-authenticator/wiki/Key-Uri-Format)
 * @category decisions
 * @since 0.1.0
 */
export const provisioningUri = (options: ProvisioningOptions): Redacted.Redacted => {
  const { type, account, secret, algorithm, digits, moving } = options
  // A colon divides issuer from account, escaped or not.
  const issuer = escape(options.issuer.replaceAll(":", ""))
  const parameters = Object.entries({ algorithm, digits, ...moving }).map(([name, value]) => `&${name}=${value}`)
  return Redacted.make(
    `otpauth://${type}/${issuer}:${escape(account)}?secret=${Redacted.value(secret)}&issuer=${issuer}${parameters.join("")}`,
    { label: "otpauth URI" },
  )
}

/**
 * The digits of a code as people type it: full-width forms, spaces and dashes do not matter. None unless there are
 * exactly as many as a code has.
 *
 * @category decisions
 * @since 0.1.0
 */
export const normalizeCode = (code: Redacted.Redacted, digits: Digits): Option.Option<string> => {
  const text = Redacted.value(code)
  // Some characters become many.
  if (text.length > 64) return Option.none()
  const normalized = text.normalize("NFKC").replace(/[\s\p{Pd}]/gu, "")
  return /^[0-9]+$/u.test(normalized) && normalized.length === digits ? Option.some(normalized) : Option.none()
}

/**
 * The time step of an instant, for a period in seconds.
 *
 * @see [RFC 6238 §4.2](https://www.rfc-editor.org/rfc/rfc6238.html#section-4.2)
 * @category decisions
 * @since 0.1.0
 */
export const timeStepAt = (now: DateTime.Utc, period: number): number =>
  Math.floor(now.epochMilliseconds / (period * 1000))

/**
 * The 31-bit number that a code is made of: four bytes of an HMAC, from where its last four bits point.
 *
 * @see [RFC 4226 §5.3](https://www.rfc-editor.org/rfc/rfc4226.html#section-5.3)
 * @category decisions
 * @since 0.1.0
 */
export const truncate = (mac: Uint8Array): number => {
  const view = new DataView(mac.buffer, mac.byteOffset, mac.byteLength)
  return view.getUint32(view.getUint8(mac.byteLength - 1) & 0x0f) & 0x7fffffff
}

/**
 * The secret is not base32 of 16 to 64 bytes.
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
    return "This secret cannot be used: base32 of 16 to 64 bytes is expected"
  }
}

// internal

/** Percent-encoded. A name may have half of a surrogate pair, which cannot be. */
const escape = (text: string): string => encodeURIComponent(text.toWellFormed())
