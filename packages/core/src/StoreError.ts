/**
 * The one infrastructure error of every port.
 *
 * A store that cannot answer fails with `StoreError`. It is never an answer: an unreachable store does not mean "no
 * session" or "no user". HTTP contracts turn it into 503.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A store could not answer.
 *
 * **Details**
 *
 * Shape: `store` names the port, `method` the operation. `isRetryable` is true when the same call may succeed later
 * (a lost connection, a serialization failure, a timeout). The `cause` stays on the server.
 *
 * @category errors
 * @since 0.1.0
 */
export class StoreError extends Schema.TaggedError<StoreError>("@belfry/core/StoreError")("StoreError", {
  store: Schema.String,
  method: Schema.String,
  isRetryable: Schema.Boolean,
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return `${this.store}.${this.method} could not be answered`
  }
}
