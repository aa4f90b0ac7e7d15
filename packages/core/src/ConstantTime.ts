/**
 * Comparing what somebody may try to guess.
 *
 * @since 0.1.0
 */
import * as Mac from "effect/crypto/Mac"

/**
 * Whether two texts are equal, in constant time: how long it takes tells nothing of where they differ.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isEqualText = (one: string, other: string): boolean =>
  Mac.timingSafeEqual(encoder.encode(one), encoder.encode(other))

// internal

const encoder = new TextEncoder()
