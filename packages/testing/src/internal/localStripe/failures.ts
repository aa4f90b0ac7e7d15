/**
 * Requests that fail, as a seed decides.
 */
import { generator } from "./random.ts"

/**
 * How a request fails. `before`: nothing is done, 500. `after`: it is done, and the answer is lost: the connection is
 * cut, or 500. `timeout`: as one of these two, and the connection stays silent until the client gives up. `429` and
 * `409`: nothing is done. `kept`: nothing is done, 500, and so for the same key ever after.
 */
export type Kind = "before" | "after" | "timeout" | "429" | "409" | "kept"

/** One request in how many fails, and how. */
export interface Failing {
  /** From 0, none, to 1, all. */
  readonly rate: number
  readonly seed: number
  readonly kinds?: ReadonlyArray<Kind>
  /** Only requests of this method and path fail. */
  readonly only?: (method: string, path: string) => boolean
}

/** What becomes of one request. */
export interface Failure {
  readonly kind: Kind
  /** Whether it is done nevertheless. */
  readonly isDone: boolean
  /** Whether the connection is cut, rather than answered. */
  readonly isCut: boolean
}

const usual: ReadonlyArray<Kind> = ["before", "after", "429", "409"]

/** Decides for one request after another. */
export const decider = ({ kinds = usual, only, rate, seed }: Failing) => {
  const random = generator(seed)
  return (method: string, path: string): Failure | undefined => {
    if (only !== undefined && !only(method, path)) return undefined
    // Always the same number of draws, so that one decision does not move the next ones.
    const [hit, which, done, cut] = [random(), random(), random(), random()]
    const kind = kinds[Math.floor((which ?? 0) * kinds.length)]
    if (kind === undefined || (hit ?? 1) >= rate) return undefined
    return { kind, isDone: kind === "after" || (kind === "timeout" && (done ?? 0) < 0.5), isCut: (cut ?? 0) < 0.5 }
  }
}
