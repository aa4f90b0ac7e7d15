/**
 * Idempotency keys: the first answer is kept for a day, and given again.
 */
import type { Engine } from "./engine.ts"
import { keyInUse, keyReused } from "./errors.ts"
import type { KeptAnswer } from "./state.ts"
import { day } from "./time.ts"

export interface Keys {
  /** The answer that was given to this key; undefined: it is new. In use from now on, either way. */
  readonly begin: (key: string, fingerprint: string) => KeptAnswer | undefined
  /** Keeps an answer, written along with what was done. */
  readonly keep: (key: string, fingerprint: string, status: number, body: string) => void
  /** Takes a key out of use. */
  readonly end: (key: string) => void
}

export const make = (engine: Engine): Keys => {
  const { answers } = engine.state
  const inUse = new Set<string>()
  return {
    begin: (key, fingerprint) => {
      if (inUse.has(key)) throw keyInUse()
      const kept = Object.hasOwn(answers, key) ? answers[key] : undefined
      if (kept !== undefined && kept.at + day > engine.time()) {
        if (kept.fingerprint !== fingerprint) throw keyReused()
        inUse.add(key)
        return kept
      }
      inUse.add(key)
      return undefined
    },
    keep: (key, fingerprint, status, body) => {
      answers[key] = { at: engine.time(), fingerprint, status, body }
    },
    end: (key) => inUse.delete(key),
  }
}
