/**
 * Calls that leave the house: what is asked, what is answered, and how they fail.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * A call. With `form` it is a POST of those fields, else a GET.
 *
 * **Details**
 *
 * `trust` tells where the URL comes from: `configured` by the host, or `foreign`, from a document or a profile. A
 * foreign URL must be https and lead to a public address. `maxBytes` of the answer's body, where less than the limit of
 * all calls is enough.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboundRequest {
  readonly url: string
  readonly trust: "configured" | "foreign"
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  readonly maxBytes?: number
}

/**
 * An answer, of any status. Names of headers are in lower case.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboundResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * Makes calls: what the port does, for code that is handed it as a value.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboundCalls {
  readonly send: (request: OutboundRequest) => Effect.Effect<OutboundResponse, OutboundFailed>
}

/**
 * A call that came to nothing: `address` (not public, not https, not resolved), `connection`, `timeout`, `too-large`.
 *
 * @category errors
 * @since 0.1.0
 */
export class OutboundFailed extends Schema.TaggedError<OutboundFailed>("@belfry/core/OutboundFailed")(
  "OutboundFailed",
  { reason: Schema.Literals(["address", "connection", "timeout", "too-large"]) },
) {
  override get message(): string {
    return `The call came to nothing: ${this.reason}`
  }
}

/**
 * The limits of calls.
 *
 * **Details**
 *
 * `timeout` for a whole exchange, 10 seconds by default; `maxBytes` of an answer's body, 1 MiB. `allowedHosts` are
 * reached though their address is not public, and by http: hosts of an intranet, loopback in tests.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutboundLimits {
  readonly timeout?: Duration.Input | undefined
  readonly maxBytes?: number | undefined
  readonly allowedHosts?: ReadonlyArray<string> | undefined
}
