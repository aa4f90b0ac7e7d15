/**
 * Requests to the API as a test sees them.
 */
import type { Params } from "./forms.ts"

/** A request that came. */
export interface Call {
  readonly requestId: string
  readonly method: string
  readonly path: string
  readonly params: Params
  readonly idempotencyKey: string | null
  /** What it was answered with; 0: nothing, the connection was cut or left silent. */
  readonly status: number
  /** Whether the answer is one that was given before, to the same key. */
  readonly isReplay: boolean
}
