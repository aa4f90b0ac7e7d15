/**
 * What a user has set up to prove who they are.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Factor } from "./Factor.ts"

/**
 * A factor that a user has. `count` is how many of it there are: passkeys, unused backup codes, accounts elsewhere; 1
 * for the others.
 *
 * @category models
 * @since 0.1.0
 */
export const Enrolment = Schema.Struct({
  factor: Factor,
  count: Schema.Int,
  createdAt: Schema.DateTimeUtc,
  lastUsedAt: Schema.NullOr(Schema.DateTimeUtc),
}).annotate({ identifier: "Enrolment" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Enrolment extends Schema.Schema.Type<typeof Enrolment> {}

/**
 * The factors that a user can prove: those that are set up, and those that need no more than the mailbox.
 *
 * @category decisions
 * @since 0.1.0
 */
export const provable = (enrolments: ReadonlyArray<Enrolment>): ReadonlyArray<Factor> => [
  "email-code",
  "magic-link",
  ...enrolments.flatMap(({ factor }): ReadonlyArray<Factor> =>
    factor === "passkey" ? ["passkey", "security-key"] : [factor],
  ),
]

/**
 * The factor has been set up already: remove it first.
 *
 * @category errors
 * @since 0.1.0
 */
export class AlreadyEnrolled extends Schema.TaggedError<AlreadyEnrolled>("@belfry/factors/AlreadyEnrolled")(
  "AlreadyEnrolled",
  { factor: Factor },
) {
  override get message(): string {
    return "This is set up already"
  }
}

/**
 * The user has not set up this factor, or nothing waits to be confirmed.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotEnrolled extends Schema.TaggedError<NotEnrolled>("@belfry/factors/NotEnrolled")("NotEnrolled", {
  factor: Factor,
}) {
  override get message(): string {
    return "This is not set up"
  }
}

/**
 * Without this factor the user could not sign in any more.
 *
 * @category errors
 * @since 0.1.0
 */
export class LastWayIn extends Schema.TaggedError<LastWayIn>("@belfry/factors/LastWayIn")("LastWayIn", {
  factor: Factor,
}) {
  override get message(): string {
    return "This is the only way to sign in: set up another one first"
  }
}
