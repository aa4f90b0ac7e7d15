/**
 * What a sensitive action asks for.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Factor } from "./Factor.ts"

/**
 * A sensitive action by its name: `transfer`, `api-keys.create`.
 *
 * @category models
 * @since 0.1.0
 */
export const StepUpAction = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u, { message: "Expected the name of an action" }),
)

/**
 * The action needs a recent proof of one of `factors` (or of more, one after the other): prove it again through
 * `POST /auth/reauthenticate` with this `action`.
 *
 * **Details**
 *
 * `maxAge` is how recent the proof must be, in seconds.
 *
 * @see [RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470.html#section-3)
 * @category errors
 * @since 0.1.0
 */
export class StepUpRequired extends Schema.TaggedError<StepUpRequired>("@belfry/factors/StepUpRequired")(
  "StepUpRequired",
  { action: Schema.String, factors: Schema.Array(Factor), maxAge: Schema.Finite },
) {
  override get message(): string {
    return `Prove again who you are before this: ${this.action}`
  }
}
