/**
 * Comparing texts that somebody may try to guess.
 */
import * as Mac from "effect/crypto/Mac"

/** Whether two texts are equal; the time it takes tells nothing of where they differ. */
export const isEqualText = (one: string, other: string): boolean =>
  Mac.timingSafeEqual(encoder.encode(one), encoder.encode(other))

// internal

const encoder = new TextEncoder()
