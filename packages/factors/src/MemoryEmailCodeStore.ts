/**
 * Codes that were sent by mail, in memory.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type EmailCode, EmailCodeStore } from "./EmailCodeStore.ts"
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryFactorTables } from "./MemoryFactorTables.ts"
import type { SignInAttemptId } from "./SignInAttempt.ts"

/**
 * Builds the store over shared tables. The store of attempts removes the code of an attempt that goes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { attempts, emailCodes } = yield* MemoryFactorTables

  const find = ({ attemptId, hashes, now }: CodeKey): EmailCode | undefined => {
    const code = emailCodes.get(attemptId)
    return code !== undefined && hashes.includes(code.codeHash) && isBefore(now, code.expiresAt) ? code : undefined
  }

  return EmailCodeStore.of({
    put: (code, notAfter) =>
      tables.statement(() => {
        if (!attempts.has(code.attemptId)) return refuse("EmailCodeStore", "put", "the attempt exists")
        const earlier = emailCodes.get(code.attemptId)
        if (earlier !== undefined && isBefore(notAfter, earlier.createdAt)) return Effect.succeedSome(earlier.createdAt)
        emailCodes.set(code.attemptId, code)
        return Effect.succeedNone
      }),
    consume: (key) =>
      tables.statement(() => {
        const code = find(key)
        if (code === undefined) return Effect.succeedNone
        emailCodes.delete(code.attemptId)
        return Effect.succeedSome(code.email)
      }),
    find: (key) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(find(key)?.email))),
  })
})

/**
 * Layer that keeps codes in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<EmailCodeStore, never, MemoryFactorTables | MemoryTables> = Layer.effect(
  EmailCodeStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface CodeKey {
  readonly attemptId: SignInAttemptId
  readonly hashes: ReadonlyArray<KeyedHash>
  readonly now: DateTime.Utc
}

const isBefore = (a: DateTime.Utc, b: DateTime.Utc): boolean => a.epochMilliseconds < b.epochMilliseconds
