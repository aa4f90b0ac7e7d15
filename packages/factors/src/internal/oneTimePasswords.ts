/**
 * How codes are computed and compared, for TOTP and HOTP alike, and how their secrets are written.
 */
import { isEqualText } from "@belfry/core/ConstantTime"
import { base32nopad } from "@scure/base"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { type Digits, SecretInvalid, type TotpAlgorithm, truncate } from "../OneTimePassword.ts"

/** What codes are computed from. */
export interface Generator {
  readonly secret: Redacted.Redacted<Uint8Array>
  readonly algorithm: TotpAlgorithm
  readonly digits: Digits
}

/** Bytes of a new secret: as many as the hash has (RFC 6238 §5.1). */
export const secretLengths: Record<TotpAlgorithm, number> = { SHA1: 20, SHA256: 32, SHA512: 64 }

/** A secret in base32 (RFC 4648 §6) without padding: what people type and apps read. */
export const encodeSecret = (bytes: Uint8Array): Redacted.Redacted =>
  Redacted.make(base32nopad.encode(bytes), { label: "one-time password secret" })

/** Reads a secret in base32 as people write it: lower case, spaces, dashes and padding do not matter. */
export const decodeSecret = (text: Redacted.Redacted): Result.Result<Redacted.Redacted<Uint8Array>, SecretInvalid> =>
  Result.try({
    try: () => {
      const compact = Redacted.value(text).toUpperCase().replace(/[\s-]/gu, "").replace(/=+$/u, "")
      const bytes = base32nopad.decode(compact)
      if (bytes.length < 16 || bytes.length > 64) throw new SecretInvalid()
      return Redacted.make(bytes, { label: "one-time password secret" })
    },
    // The cause quotes what it could not read.
    catch: () => new SecretInvalid(),
  })

/** A secret in base32 as it was written, in the form in which it is kept. */
export const readSecret = (text: Redacted.Redacted): Result.Result<Redacted.Redacted, SecretInvalid> =>
  Result.map(decodeSecret(text), (bytes) => encodeSecret(Redacted.value(bytes)))

/** Builds the computation over the platform's HMAC and random source. */
export const make = Effect.gen(function* () {
  const mac = yield* Mac.Mac
  const random = yield* SecureRandom.SecureRandom

  // Algorithms are fixed and no secret is empty: a CryptoError can only mean a runtime that lacks them.
  const codes = Effect.fnUntraced(function* (generator: Generator, counters: ReadonlyArray<number>) {
    const key = yield* Mac.key(macs[generator.algorithm], Redacted.value(generator.secret))
    return yield* Effect.forEach(counters, (counter) =>
      Effect.map(mac.sign(key, eightBytes(counter)), (tag) => ({ counter, code: codeOf(tag, generator.digits) })),
    )
  }, Effect.orDie)

  return {
    /** A new secret for an algorithm. */
    generateSecret: (algorithm: TotpAlgorithm) =>
      Effect.map(random.randomBytes(secretLengths[algorithm]), encodeSecret),
    /** The code of each counter. */
    codes,
    /**
     * Those of ascending `counters` at which `typed`, codes that follow one another, begin. All are computed and
     * compared, each in constant time, so that the time taken does not tell which one it was.
     */
    matches: (generator: Generator, counters: ReadonlyArray<number>, typed: ReadonlyArray<string>) => {
      const last = counters[counters.length - 1] ?? 0
      const further = typed.slice(1).map((_, index) => last + 1 + index)
      return Effect.map(codes(generator, [...counters, ...further]), (expected) =>
        counters.filter((_, start) =>
          typed
            .map((code, index) => isEqualText(code, expected[start + index]?.code ?? ""))
            .reduce((all, isNext) => all && isNext, true),
        ),
      )
    },
  }
})

const macs: Record<TotpAlgorithm, Mac.Algorithm> = {
  SHA1: Mac.hmacSha1,
  SHA256: Mac.hmacSha256,
  SHA512: Mac.hmacSha512,
}

/** RFC 4226 §5.2: the counter goes into the HMAC as 8 bytes, the highest first. */
const eightBytes = (counter: number): Uint8Array => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(counter))
  return bytes
}

const codeOf = (mac: Uint8Array, digits: Digits): string => String(truncate(mac) % 10 ** digits).padStart(digits, "0")
