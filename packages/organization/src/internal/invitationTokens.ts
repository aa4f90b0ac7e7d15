/**
 * The tokens of invitations: made, and turned into what stores keep and look for.
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { tokenPrefix } from "../Invitation.ts"

/** Builds the tokens over the key ring. */
export const make = Effect.gen(function* () {
  const random = yield* SecureRandom.SecureRandom
  const hasher = yield* (yield* KeyRing).hasher("invitation-token")
  const generate = Effect.provideService(OpaqueToken.generate(tokenPrefix), SecureRandom.SecureRandom, random)

  return {
    /** A new token, which goes out by mail alone, and its hash, which is kept. */
    issue: Effect.gen(function* () {
      const token = yield* generate
      return { token, tokenHash: yield* hasher.hash(token) }
    }),
    /** The hashes a token may be kept under. The checksum turns away made-up tokens before anything is looked up. */
    candidates: (token: Redacted.Redacted): Effect.Effect<Option.Option<NonEmptyReadonlyArray<KeyedHash>>> =>
      OpaqueToken.isWellFormed(tokenPrefix, Redacted.value(token))
        ? Effect.asSome(hasher.candidates(token))
        : Effect.succeedNone,
  }
})
