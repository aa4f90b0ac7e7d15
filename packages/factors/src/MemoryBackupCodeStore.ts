/**
 * Backup codes in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { BackupCodeStore } from "./BackupCodeStore.ts"
import { refuse } from "@belfry/core/MemoryStoreError"
import { type BackupCodeRow, MemoryFactorTables } from "./MemoryFactorTables.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { backupCodes } = yield* MemoryFactorTables
  const rowsOf = (userId: UserId): ReadonlyArray<BackupCodeRow> => backupCodes.get(userId) ?? []
  const isUnused = (row: BackupCodeRow): boolean => row.usedAt === null

  yield* tables.onUserRemoved((userId) => {
    backupCodes.delete(userId)
  })

  return BackupCodeStore.of({
    replace: (userId, hashes, now) =>
      tables.statement((): Effect.Effect<void, StoreError> => {
        if (!tables.users.has(userId)) return violation("the user exists")
        if (new Set(hashes).size < hashes.length) return violation("unique code")
        backupCodes.set(
          userId,
          hashes.map((codeHash) => ({ codeHash, createdAt: now, usedAt: null })),
        )
        return Effect.void
      }),
    consume: (userId, hashes, now) =>
      tables.statement(() => {
        const isMeant = (row: BackupCodeRow) => isUnused(row) && hashes.includes(row.codeHash)
        const rows = rowsOf(userId)
        if (!rows.some(isMeant)) return Effect.succeed(false)
        backupCodes.set(
          userId,
          rows.map((row) => (isMeant(row) ? { ...row, usedAt: now } : row)),
        )
        return Effect.succeed(true)
      }),
    isUsed: (userId, hashes) =>
      tables.statement(() =>
        Effect.succeed(rowsOf(userId).some((row) => !isUnused(row) && hashes.includes(row.codeHash))),
      ),
    remaining: (userId) => tables.statement(() => Effect.succeed(rowsOf(userId).filter(isUnused).length)),
    remove: (userId) =>
      tables.statement(() => {
        const hasUnused = rowsOf(userId).some(isUnused)
        backupCodes.delete(userId)
        return Effect.succeed(hasUnused)
      }),
  })
})

/**
 * Layer that keeps backup codes in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<BackupCodeStore, never, MemoryFactorTables | MemoryTables> = Layer.effect(
  BackupCodeStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const violation = (constraint: string) => refuse("BackupCodeStore", "replace", constraint)
