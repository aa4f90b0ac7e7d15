/**
 * Sign-in attempts in memory.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryFactorTables } from "./MemoryFactorTables.ts"
import { isOver } from "./SignInAttempt.ts"
import { type RestingAttempt, SignInAttemptStore, type StoredAttempt } from "./SignInAttemptStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { attempts, emailCodes } = yield* MemoryFactorTables

  const withHash = (hashes: ReadonlyArray<KeyedHash>): StoredAttempt | undefined =>
    [...attempts.values()].find(({ tokenHash }) => hashes.includes(tokenHash))

  const live = (hashes: ReadonlyArray<KeyedHash>, now: DateTime.Utc): StoredAttempt | undefined => {
    const row = withHash(hashes)
    return row === undefined || isOver(row.attempt, now) ? undefined : row
  }

  const removeRow = ({ attempt }: StoredAttempt): void => {
    attempts.delete(attempt.id)
    emailCodes.delete(attempt.id)
  }

  const removeWhere = (isMatch: (attempt: RestingAttempt) => boolean): number => {
    const rows = [...attempts.values()].filter(({ attempt }) => isMatch(attempt))
    rows.forEach(removeRow)
    return rows.length
  }

  yield* tables.onUserRemoved((userId) => removeWhere((attempt) => attempt.userId === userId))
  yield* tables.onSessionRemoved((sessionId) => removeWhere(({ stepUp }) => stepUp?.sessionId === sessionId))

  return SignInAttemptStore.of({
    insert: (attempt, tokenHash) =>
      tables.statement(() => {
        const { id, userId, stepUp, proofs } = attempt
        if (userId === null && (proofs.length > 0 || stepUp !== null)) return violates("insert", "proofs have a user")
        if (userId !== null && !tables.users.has(userId)) return violates("insert", "the user exists")
        if (stepUp !== null && !tables.sessions.has(stepUp.sessionId)) return violates("insert", "the session exists")
        if (attempts.has(id)) return violates("insert", "unique id")
        if (withHash([tokenHash]) !== undefined) return violates("insert", "unique token hash")
        attempts.set(id, { attempt, tokenHash })
        return Effect.void
      }),
    find: (hashes, now) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(live(hashes, now)))),
    claimTry: ({ tokenHash, maxTries, now }) =>
      tables.statement(() => {
        const row = live([tokenHash], now)
        if (row === undefined || row.attempt.tries >= maxTries) return Effect.succeedNone
        const attempt = { ...row.attempt, tries: row.attempt.tries + 1 }
        attempts.set(attempt.id, { attempt, tokenHash })
        return Effect.succeedSome(attempt)
      }),
    advance: ({ from, to, userId, proofs, context, now }) =>
      tables.statement(() => {
        const row = live([from], now)
        if (row === undefined || (row.attempt.userId !== null && row.attempt.userId !== userId)) {
          return Effect.succeedNone
        }
        if (!tables.users.has(userId)) return violates("advance", "the user exists")
        if ((withHash([to]) ?? row) !== row) return violates("advance", "unique token hash")
        const attempt = { ...row.attempt, userId, proofs, context, tries: Math.max(row.attempt.tries - 1, 0) }
        attempts.set(attempt.id, { attempt, tokenHash: to })
        return Effect.succeedSome(attempt)
      }),
    complete: (tokenHash, now) =>
      tables.statement(() => {
        const row = live([tokenHash], now)
        if (row === undefined) return Effect.succeedNone
        removeRow(row)
        return Effect.succeedSome(row.attempt)
      }),
    remove: (hashes) =>
      tables.statement(() => {
        const row = withHash(hashes)
        if (row !== undefined) removeRow(row)
        return Effect.succeed(row !== undefined)
      }),
    removeByUser: (userId) =>
      tables.statement(() => Effect.succeed(removeWhere((attempt) => attempt.userId === userId))),
    removeExpired: (now, limit) =>
      tables.statement(() => {
        const rows = [...attempts.values()]
          .filter(({ attempt }) => isOver(attempt, now))
          .sort((a, b) => a.attempt.expiresAt.epochMilliseconds - b.attempt.expiresAt.epochMilliseconds)
          .slice(0, limit)
        rows.forEach(removeRow)
        return Effect.succeed(rows.length)
      }),
  })
})

/**
 * Layer that keeps sign-in attempts in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SignInAttemptStore, never, MemoryFactorTables | MemoryTables> = Layer.effect(
  SignInAttemptStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const violates = (method: string, constraint: string) => refuse("SignInAttemptStore", method, constraint)
