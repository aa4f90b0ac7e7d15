/**
 * The factors by which people prove who they are, and what they say in `amr`.
 *
 * @since 0.1.0
 */
import type { AuthenticationMethod } from "@belfry/core/Session"
import * as Schema from "effect/Schema"

/**
 * A factor: one way of proving who one is.
 *
 * **Details**
 *
 * `passkey` is a WebAuthn credential that verified its user (by PIN, finger or face) and so proves two things at once;
 * `security-key` is the same credential when it did not, and proves possession alone. `oauth` is an account at another
 * provider.
 *
 * @see [NIST SP 800-63B-4 §3](https://pages.nist.gov/800-63-4/sp800-63b.html#sec3)
 * @category models
 * @since 0.1.0
 */
export const Factor = Schema.Literals([
  "password",
  "email-code",
  "magic-link",
  "oauth",
  "passkey",
  "security-key",
  "totp",
  "hotp",
  "backup-code",
])
/**
 * @category models
 * @since 0.1.0
 */
export type Factor = typeof Factor.Type

/**
 * Factors that a user sets up. What is not among them everybody has (a mailbox), or is kept elsewhere.
 *
 * @category models
 * @since 0.1.0
 */
export const EnrollableFactor = Factor.pick(["passkey", "totp", "hotp"])
/**
 * @category models
 * @since 0.1.0
 */
export type EnrollableFactor = typeof EnrollableFactor.Type

/**
 * What a method of authentication draws on. Two different ones are more than one kind of evidence.
 *
 * @category models
 * @since 0.1.0
 */
export type Evidence = "knowledge" | "possession" | "inherence" | "mailbox" | "federation"

/**
 * The kind of evidence behind an `amr` value; none for values that describe a sign-in rather than a means of it.
 *
 * @category decisions
 * @since 0.1.0
 */
export const evidenceOf = (method: AuthenticationMethod): Evidence | undefined => evidence[method]

/**
 * The `amr` of proofs that were given one after the other: each value once, and `mfa` when they are of two kinds.
 *
 * @see [RFC 8176 §2](https://www.rfc-editor.org/rfc/rfc8176.html#section-2)
 * @category decisions
 * @since 0.1.0
 */
export const amrOf = (methods: ReadonlyArray<AuthenticationMethod>): ReadonlyArray<AuthenticationMethod> => {
  const kinds = new Set(methods.map(evidenceOf).filter((kind) => kind !== undefined))
  const isMultiple = kinds.size > 1 || methods.includes("mfa")
  // `mfa` last, wherever it came from.
  const once = new Set(methods.filter((method) => method !== "mfa"))
  return isMultiple ? [...once, "mfa"] : [...once]
}

// internal

const evidence: Partial<Record<AuthenticationMethod, Evidence>> = {
  pwd: "knowledge",
  pin: "knowledge",
  kba: "knowledge",
  otp: "possession",
  hwk: "possession",
  swk: "possession",
  pop: "possession",
  sc: "possession",
  sms: "possession",
  tel: "possession",
  face: "inherence",
  fpt: "inherence",
  iris: "inherence",
  retina: "inherence",
  vbm: "inherence",
  email: "mailbox",
  oauth: "federation",
}
