/**
 * What the tables of TOTP and HOTP have in common in memory.
 */
import type { Sealed } from "@belfry/core/KeyedHash"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { refuse } from "@belfry/core/MemoryStoreError"
import type { Claim, Row } from "./oneTimePasswordRow.ts"

type Claimed = Omit<Claim, "position">

/** Builds what both stores do over their table. */
export const make = Effect.fnUntraced(function* <R extends Row>(store: string, rows: Map<UserId, R>) {
  const tables = yield* MemoryTables

  yield* tables.onUserRemoved((userId) => {
    rows.delete(userId)
  })

  /** Replaces the row of a claim by what `change` makes of it; false when that is nothing. */
  const update = (userId: UserId, secret: Sealed, change: (row: R) => R | undefined) =>
    tables.statement(() => {
      const row = rows.get(userId)
      const changed = row === undefined || row.secret !== secret ? undefined : change(row)
      if (changed !== undefined) rows.set(userId, changed)
      return Effect.succeed(changed !== undefined)
    })

  return {
    find: (userId: UserId) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(rows.get(userId)))),
    begin: (row: R) =>
      tables.statement((): Effect.Effect<boolean, StoreError> => {
        if (!tables.users.has(row.userId)) return refuse(store, "begin", "the user exists")
        const isFree = (rows.get(row.userId)?.confirmedAt ?? null) === null
        if (isFree) rows.set(row.userId, row)
        return Effect.succeed(isFree)
      }),
    /** `take` moves the row to its new position, unless that was taken already. */
    confirm: ({ userId, secret, now }: Claimed, take: (row: R) => R | undefined) =>
      update(userId, secret, (row) => {
        const taken = row.confirmedAt === null ? take(row) : undefined
        return taken && { ...taken, confirmedAt: now }
      }),
    claim: ({ userId, secret, now }: Claimed, take: (row: R) => R | undefined) =>
      update(userId, secret, (row) => {
        const taken = row.confirmedAt === null ? undefined : take(row)
        return taken && { ...taken, lastUsedAt: now }
      }),
    reseal: (userId: UserId, from: Sealed, to: Sealed) => update(userId, from, (row) => ({ ...row, secret: to })),
    remove: (userId: UserId) =>
      tables.statement(() => {
        const isConfirmed = (rows.get(userId)?.confirmedAt ?? null) !== null
        rows.delete(userId)
        return Effect.succeed(isConfirmed)
      }),
  }
})
