/**
 * Backup codes: how they are made, written, read and hashed.
 */
import { KeyRing } from "@belfry/core/KeyRing"
import type { UserId } from "@belfry/core/User"
import * as Array from "effect/Array"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** How many codes a set has. */
export const setSize = 10

/** How long a code is. 32 symbols: 50 bits. */
export const codeLength = 10

/** Letters and digits that nobody takes for one another: no I, O, 0 or 1. */
export const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

/** A code as people type it: full-width forms, lower case, spaces and dashes do not matter. */
export const normalize = (code: Redacted.Redacted): Redacted.Redacted =>
  Redacted.make(Redacted.value(code).normalize("NFKC").toUpperCase().replace(/[\s-]/gu, ""), { label: "backup code" })

/** Builds the set over the key ring and the random source. */
export const make = Effect.gen(function* () {
  const random = yield* SecureRandom.SecureRandom
  const hasher = yield* (yield* KeyRing).hasher("backup-code")

  // Hashed with the user, so that nobody can look for a code that two users share.
  const keyed = (userId: UserId, code: Redacted.Redacted) =>
    Redacted.make(`${userId}:${Redacted.value(normalize(code))}`)

  return {
    /** A new set, each code as it is shown: `ABCDE-FGHJK`. */
    generate: Effect.map(random.randomBytes(setSize * codeLength), (bytes) =>
      Array.makeBy(setSize, (index) => {
        const code = [...bytes.subarray(index * codeLength, (index + 1) * codeLength)]
          // 256 is a multiple of 32: every symbol is as likely.
          .map((byte) => alphabet.charAt(byte % alphabet.length))
          .join("")
        return Redacted.make(`${code.slice(0, 5)}-${code.slice(5)}`, { label: "backup code" })
      }),
    ),
    hash: (userId: UserId, code: Redacted.Redacted) => hasher.hash(keyed(userId, code)),
    candidates: (userId: UserId, code: Redacted.Redacted) => hasher.candidates(keyed(userId, code)),
  }
})
