/**
 * How often something may be done: the rule, and the failure of who did it too often.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/**
 * A rule: at most `limit` times within `window`, counted for each subject.
 *
 * **Details**
 *
 * `name` keeps the counts of rules apart: two rules of one name share them. `limit` is a whole number from 1.
 *
 * @category models
 * @since 0.1.0
 */
export interface RateLimit {
  readonly name: string
  readonly limit: number
  readonly window: Duration.Duration
}

/**
 * A limit is used up. `retryAfter` is in whole seconds, at least 1, as the `Retry-After` header wants it.
 *
 * @see [RFC 9110 §10.2.3](https://www.rfc-editor.org/rfc/rfc9110.html#section-10.2.3)
 * @category errors
 * @since 0.1.0
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("@belfry/core/RateLimited")("RateLimited", {
  retryAfter: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
}) {
  override get message(): string {
    return `Too many requests: try again in ${this.retryAfter} s`
  }
}
