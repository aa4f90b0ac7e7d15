/**
 * An authenticator app as people have it: nothing of ours, so that it shows what other programs make of our secrets.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import { createHmac } from "node:crypto"

/**
 * The code that an app shows at an instant (milliseconds of the epoch) for a secret in base32: SHA-1, 6 digits, 30 s.
 *
 * @see [RFC 6238 §4](https://www.rfc-editor.org/rfc/rfc6238.html#section-4)
 * @category converting
 * @since 0.1.0
 */
export const codeAt = (secret: Redacted.Redacted, epochMillis: number): Redacted.Redacted => {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(epochMillis / 30_000)))
  const mac = createHmac("sha1", bytesOf(Redacted.value(secret)))
    .update(counter)
    .digest()
  const value = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff
  return Redacted.make(String(value % 1_000_000).padStart(6, "0"))
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

const bytesOf = (base32: string): Buffer => {
  const bits = [...base32].map((character) => alphabet.indexOf(character).toString(2).padStart(5, "0")).join("")
  return Buffer.from((bits.match(/.{8}/gu) ?? []).map((byte) => Number.parseInt(byte, 2)))
}
