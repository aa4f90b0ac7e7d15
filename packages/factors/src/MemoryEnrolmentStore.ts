/**
 * What users have set up, read from the tables of every factor in memory.
 *
 * @since 0.1.0
 */
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { MemoryTables } from "@belfry/core/MemoryTables"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Enrolment } from "./Enrolment.ts"
import { EnrolmentStore } from "./EnrolmentStore.ts"
import type { Factor } from "./Factor.ts"
import { MemoryFactorTables } from "./MemoryFactorTables.ts"

/**
 * Builds the store over shared tables and the linked accounts.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { passwords, passkeys, totps, hotps, backupCodes } = yield* MemoryFactorTables
  const accounts = yield* LinkedAccountStore

  return EnrolmentStore.of({
    list: (userId) =>
      Effect.flatMap(accounts.listByUser(userId), (linked) =>
        tables.statement(() => {
          const password = passwords.get(userId)
          const codes = backupCodes.get(userId) ?? []
          const totp = totps.get(userId)
          const hotp = hotps.get(userId)
          return Effect.succeed([
            ...enrolment("password", password === undefined ? [] : [{ ...password, lastUsedAt: null }]),
            ...enrolment(
              "oauth",
              linked.map(({ createdAt }) => ({ createdAt, lastUsedAt: null })),
            ),
            ...enrolment(
              "passkey",
              [...passkeys.values()].filter((passkey) => passkey.userId === userId),
            ),
            ...enrolment("totp", totp === undefined || totp.confirmedAt === null ? [] : [totp]),
            ...enrolment("hotp", hotp === undefined || hotp.confirmedAt === null ? [] : [hotp]),
            ...enrolment(
              "backup-code",
              codes.map(({ createdAt, usedAt }) => ({ createdAt, lastUsedAt: usedAt })),
              codes.filter(({ usedAt }) => usedAt === null).length,
            ),
          ])
        }),
      ),
    // A transaction holds up all others as it is.
    lock: (userId) => tables.statement(() => Effect.succeed(tables.users.has(userId))),
  })
})

/**
 * Layer that reads enrolments from memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<EnrolmentStore, never, LinkedAccountStore | MemoryFactorTables | MemoryTables> =
  Layer.effect(EnrolmentStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Row {
  readonly createdAt: DateTime.Utc
  readonly lastUsedAt: DateTime.Utc | null
}

/** The enrolment that rows make: first made, last used; none where `count` is 0. */
const enrolment = (factor: Factor, rows: ReadonlyArray<Row>, count = rows.length): ReadonlyArray<Enrolment> =>
  rows[0] === undefined || count === 0
    ? []
    : [
        {
          factor,
          count,
          createdAt: rows.map(({ createdAt }) => createdAt).reduce(earlier),
          lastUsedAt: rows.map(({ lastUsedAt }) => lastUsedAt).reduce(later),
        },
      ]

const earlier = (a: DateTime.Utc, b: DateTime.Utc): DateTime.Utc => (b.epochMilliseconds < a.epochMilliseconds ? b : a)

const later = (a: DateTime.Utc | null, b: DateTime.Utc | null): DateTime.Utc | null =>
  a === null || (b !== null && b.epochMilliseconds > a.epochMilliseconds) ? b : a
