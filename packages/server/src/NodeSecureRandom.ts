/**
 * Random bytes on Node, drawn by the page: the system is asked once for a few hundred ids and tokens.
 *
 * @since 0.1.0
 */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Layer from "effect/Layer"
import { randomFillSync } from "node:crypto"

/**
 * `SecureRandom` over a page that is filled at once, as Node does it for `randomUUID`. To ask for 16 bytes costs as
 * much as to ask for all 4096, and a token request asks several times. What was given out is erased from the page.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.sync(SecureRandom.SecureRandom, () => {
  const page = new Uint8Array(pageSize)
  let used = pageSize
  return SecureRandom.make((size) => {
    if (size > pageSize) return randomFillSync(new Uint8Array(size))
    if (used + size > pageSize) {
      randomFillSync(page)
      used = 0
    }
    const bytes = page.slice(used, used + size)
    page.fill(0, used, used + size)
    used += size
    return bytes
  })
})

// internal

const pageSize = 4096
