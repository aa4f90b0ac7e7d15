/**
 * A single-use token that was sent to somebody to prove something: that an address is theirs, that they asked for a
 * new password.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { isUuid } from "./Uuid.ts"
import type { UserId } from "./User.ts"

/**
 * Identifies a verification token: a UUIDv7, not the secret.
 *
 * @category models
 * @since 0.1.0
 */
export const VerificationTokenId = Schema.String.check(isUuid).pipe(Schema.brand("VerificationTokenId"))
/**
 * @category models
 * @since 0.1.0
 */
export type VerificationTokenId = typeof VerificationTokenId.Type

/**
 * A verification token as kept: what it is for and about whom. The secret is not part of it.
 *
 * **Details**
 *
 * `purpose` separates uses: a token issued for one purpose never serves another. `subject` is whom it is about in the
 * terms of the purpose (an address, a user id). `payload` is JSON that the purpose's owner encodes and decodes.
 *
 * @category models
 * @since 0.1.0
 */
export interface VerificationToken {
  readonly id: VerificationTokenId
  readonly purpose: string
  readonly subject: string
  readonly userId: UserId | null
  readonly payload: Schema.Json
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/**
 * The token is unknown, used, expired or meant for something else, which look alike.
 *
 * @category errors
 * @since 0.1.0
 */
export class VerificationTokenInvalid extends Schema.TaggedError<VerificationTokenInvalid>(
  "@belfry/core/VerificationTokenInvalid",
)("VerificationTokenInvalid", {}) {
  override get message(): string {
    return "This link or code is not valid any more"
  }
}
