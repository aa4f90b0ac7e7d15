/**
 * The rules of passwords: how often they may be tried, and what the links that mails carry are good for.
 *
 * @since 0.1.0
 */
import { KeyedHash } from "@belfry/core/KeyedHash"
import type { RateLimit } from "@belfry/core/RateLimit"
import { Email } from "@belfry/core/User"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { PasswordHash } from "./Password.ts"

/**
 * How often passwords may be tried and mails be asked for.
 *
 * @category rules
 * @since 0.1.0
 */
export const limits = {
  signInByAddress: { name: "sign-in-by-address", limit: 100, window: Duration.minutes(15) },
  signInByAccount: { name: "sign-in-by-account", limit: 10, window: Duration.minutes(15) },
  reauthenticateByUser: { name: "reauthenticate-by-user", limit: 10, window: Duration.minutes(15) },
  confirmByToken: { name: "confirm-sign-up-by-token", limit: 10, window: Duration.minutes(15) },
  mailByAddress: { name: "password-mail-by-address", limit: 50, window: Duration.hours(1) },
  mailByAccount: { name: "password-mail-by-account", limit: 5, window: Duration.hours(1) },
  resetByAddress: { name: "password-reset-by-address", limit: 50, window: Duration.hours(1) },
} satisfies Record<string, RateLimit>

const SignUpPayload = Schema.Struct({
  email: Schema.toType(Email),
  name: Schema.NullOr(Schema.String),
  passwordHash: PasswordHash,
  browserHash: KeyedHash,
})

/**
 * Tokens that complete a sign-up; they live 24 hours.
 *
 * @category rules
 * @since 0.1.0
 */
export const signUpPurpose = {
  name: "password.sign-up",
  lifetime: Duration.hours(24),
  payload: SignUpPayload,
}

const ResetPayload = Schema.Struct({ email: Schema.toType(Email) })

/**
 * Tokens that set a new password; they live 1 hour.
 *
 * @category rules
 * @since 0.1.0
 */
export const resetPurpose = {
  name: "password.reset",
  lifetime: Duration.hours(1),
  payload: ResetPayload,
}

/**
 * The prefix of the token that names the browser of a sign-up.
 *
 * @category models
 * @since 0.1.0
 */
export const browserTokenPrefix = "belfry_sign_up"
