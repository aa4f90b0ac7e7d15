/**
 * Passwords: which ones we take and how they rest.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * The shortest and the longest password, in bytes of UTF-8 after normalization.
 *
 * **Details**
 *
 * NIST asks for at least 8 characters where a password is not the only factor, and for at least 64 to be allowed; the
 * upper bound only keeps the hashing of one request cheap.
 *
 * @see [NIST SP 800-63B-4 §3.1.1.2](https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver)
 * @category rules
 * @since 0.1.0
 */
export const lengthInBytes = { minimum: 8, maximum: 1024 } as const

/**
 * A password as it travels: redacted, any text of at most 4,096 characters. {@link check} says whether it will do.
 *
 * @category models
 * @since 0.1.0
 */
export const PasswordText = Schema.RedactedFromValue(Schema.String.check(Schema.isMaxLength(4096)))

/**
 * An Argon2id hash in PHC string format: `$argon2id$v=19$m=...,t=...,p=...$salt$hash`.
 *
 * @see [RFC 9106](https://www.rfc-editor.org/rfc/rfc9106.html#section-3)
 * @category models
 * @since 0.1.0
 */
export const PasswordHash = Schema.String.check(
  Schema.isPattern(/^\$argon2id\$v=19\$m=\d{1,10},t=\d{1,10},p=\d{1,8}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}$/u),
).pipe(Schema.brand("PasswordHash"))
/**
 * @category models
 * @since 0.1.0
 */
export type PasswordHash = typeof PasswordHash.Type

/**
 * The password cannot be taken: `reason` says why, the bounds are in bytes.
 *
 * @category errors
 * @since 0.1.0
 */
export class PasswordRejected extends Schema.TaggedError<PasswordRejected>("@belfry/factors/PasswordRejected")(
  "PasswordRejected",
  {
    reason: Schema.Literals(["too-short", "too-long", "common"]),
    minimum: Schema.Int,
    maximum: Schema.Int,
  },
) {
  override get message(): string {
    return `This password cannot be used: ${this.reason}`
  }
}

/**
 * The credentials are not right. Unknown address and wrong password look alike, and take as long.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>("@belfry/factors/InvalidCredentials")(
  "InvalidCredentials",
  {},
) {
  override get message(): string {
    return "The e-mail address or the password is not right"
  }
}

/**
 * The link was opened in another browser than the one that signed up: the password chosen there is asked for.
 *
 * **Details**
 *
 * Otherwise somebody could sign up with another person's address and a password of their own, and wait for that person
 * to follow the link.
 *
 * @category errors
 * @since 0.1.0
 */
export class PasswordRequired extends Schema.TaggedError<PasswordRequired>("@belfry/factors/PasswordRequired")(
  "PasswordRequired",
  {},
) {
  override get message(): string {
    return "Enter the password that was chosen when signing up"
  }
}

/**
 * The user has no password yet, and may set the first one only after proving the e-mail address.
 *
 * **Details**
 *
 * Otherwise somebody could make an account for another person's address, give it a password, and keep a way in when
 * that person proves the address and takes the account for their own.
 *
 * @category errors
 * @since 0.1.0
 */
export class EmailUnverified extends Schema.TaggedError<EmailUnverified>("@belfry/factors/EmailUnverified")(
  "EmailUnverified",
  {},
) {
  override get message(): string {
    return "Confirm the e-mail address before setting a password"
  }
}

/**
 * Writes a password in its one form: NFKC, so that every keyboard types the same one.
 *
 * @see [NIST SP 800-63B-4 §3.1.1.2](https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver)
 * @category converting
 * @since 0.1.0
 */
export const normalize = (password: Redacted.Redacted): Redacted.Redacted =>
  Redacted.make(Redacted.value(password).normalize("NFKC"), { label: "password" })

/**
 * Refuses a normalized password that is too short or too long.
 *
 * @category decisions
 * @since 0.1.0
 */
export const check = (password: Redacted.Redacted): Result.Result<void, PasswordRejected> => {
  const bytes = new TextEncoder().encode(Redacted.value(password)).length
  const { minimum, maximum } = lengthInBytes
  if (bytes < minimum) return Result.fail(new PasswordRejected({ reason: "too-short", minimum, maximum }))
  if (bytes > maximum) return Result.fail(new PasswordRejected({ reason: "too-long", minimum, maximum }))
  return Result.succeed(undefined)
}

/**
 * The refusal of a password that everybody tries first.
 *
 * @category errors
 * @since 0.1.0
 */
export const common = () => new PasswordRejected({ reason: "common", ...lengthInBytes })
