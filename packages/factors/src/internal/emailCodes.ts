/**
 * Codes by mail: how they are made, read and hashed.
 */
import { KeyRing } from "@belfry/core/KeyRing"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { SignInAttemptId } from "../SignInAttempt.ts"

/** What codes are made of. */
export type CodeFormat = "letters" | "digits"

/** How long a code is: 25 bits of letters, 20 of digits. */
export const codeLength = 6

/**
 * The letters are consonants, so that no code is a word, without L and Q, which are read for I and O.
 */
export const alphabets: Readonly<Record<CodeFormat, string>> = {
  letters: "BCDFGHJKMNPRSTVWXZ",
  digits: "0123456789",
}

/** A code as people type it: full-width forms, lower case, spaces and dashes do not matter. */
export const normalize = (code: Redacted.Redacted): Redacted.Redacted =>
  Redacted.make(
    Redacted.value(code)
      .normalize("NFKC")
      .toUpperCase()
      .replace(/[\s\p{Dash}]/gu, ""),
    { label: "e-mail code" },
  )

/** Builds the codes over the key ring and the random source. */
export const make = Effect.fnUntraced(function* (format: CodeFormat) {
  const random = yield* SecureRandom.SecureRandom
  const hasher = yield* (yield* KeyRing).hasher("email-code")
  const alphabet = alphabets[format]
  const symbol = Effect.map(random.intBetween(0, alphabet.length, { halfOpen: true }), (index) =>
    alphabet.charAt(index),
  )

  // Hashed with the attempt: the code of one is worth nothing in another.
  const keyed = (attemptId: SignInAttemptId, code: Redacted.Redacted) =>
    Redacted.make(`${attemptId}:${Redacted.value(normalize(code))}`)

  return {
    /** A new code; every one is as likely. */
    generate: Effect.map(Effect.all(Array.from({ length: codeLength }, () => symbol)), (symbols) =>
      Redacted.make(symbols.join(""), { label: "e-mail code" }),
    ),
    hash: (attemptId: SignInAttemptId, code: Redacted.Redacted) => hasher.hash(keyed(attemptId, code)),
    candidates: (attemptId: SignInAttemptId, code: Redacted.Redacted) => hasher.candidates(keyed(attemptId, code)),
  }
})
