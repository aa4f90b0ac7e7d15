/**
 * Who does a thing that many callers of this process find due at the same moment.
 */

/** Claims by key; each is forgotten 10 seconds after it was taken. */
export interface RecentClaims {
  /** True for the first caller of the last 10 seconds. Times are epoch milliseconds. */
  readonly take: (key: string, now: number) => boolean
  /** Lets the next caller have it: the thing was not done. */
  readonly release: (key: string) => void
}

/** Makes an empty set of claims. Its size is the number of claims of 10 seconds. */
export const make = (): RecentClaims => {
  const takenAt = new Map<string, number>()
  return {
    take: (key, now) => {
      // The oldest come first. One from the future was taken before the clock was set back.
      for (const [old, time] of takenAt) {
        if (time <= now && now < time + lifetime) break
        takenAt.delete(old)
      }
      if (takenAt.has(key)) return false
      takenAt.set(key, now)
      return true
    },
    release: (key) => void takenAt.delete(key),
  }
}

/** Longer than any request that read a row before the change is likely to take. */
const lifetime = 10_000
