/**
 * Opaque tokens: `prefix_` and 43 characters, 37 random and 6 of checksum.
 *
 * The prefix tells people and secret scanners what they found; the checksum turns away mistyped and made-up tokens
 * before anything is looked up.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Redacted from "effect/Redacted"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const randomLength = 37
const checksumLength = 6
/** One byte of 32 is not taken: with these in reserve, one token of a hundred thousand asks for more. */
const spare = 8

/**
 * Makes a new token: 37 characters of 62 from the secure random source (220 bits), then the checksum.
 *
 * @category constructors
 * @since 0.1.0
 */
export const generate = Effect.fnUntraced(function* (prefix: string) {
  const random = yield* SecureRandom.SecureRandom
  let text = ""
  while (text.length < randomLength) {
    for (const byte of yield* random.randomBytes(randomLength + spare)) {
      // 248 is the largest multiple of 62 in a byte: taking more would favour the first letters.
      if (byte < 248 && text.length < randomLength) text += alphabet.charAt(byte % 62)
    }
  }
  return Redacted.make(`${prefix}_${text}${checksum(text)}`, { label: prefix })
})

/**
 * Tells whether `token` has this prefix, the right length and alphabet, and the checksum that its characters ask for.
 *
 * **Details**
 *
 * No secret is involved, so this takes no care about time. A token that passes may still be unknown.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isWellFormed = (prefix: string, token: string): boolean => {
  const start = prefix.length + 1
  if (token.length !== start + randomLength + checksumLength) return false
  if (!token.startsWith(prefix) || token.charCodeAt(prefix.length) !== 95) return false
  for (let i = start; i < token.length; i++) {
    const code = token.charCodeAt(i)
    const isAlphanumeric = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
    if (!isAlphanumeric) return false
  }
  const random = token.slice(start, start + randomLength)
  return checksum(random) === token.slice(start + randomLength)
}

// internal

// CRC-32 of ISO 3309, written out because models run in browsers too.
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1
  return remainder
})

const crc32 = (text: string): number => {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) crc = (crc >>> 8) ^ (crcTable[(crc ^ text.charCodeAt(i)) & 0xff] ?? 0)
  return (crc ^ 0xffffffff) >>> 0
}

const checksum = (random: string): string => {
  let value = crc32(random)
  let text = ""
  for (let i = 0; i < checksumLength; i++) {
    text = alphabet.charAt(value % 62) + text
    value = Math.floor(value / 62)
  }
  return text
}
