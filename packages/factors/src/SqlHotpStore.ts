/**
 * HOTP secrets and counters in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import { HotpStore } from "./HotpStore.ts"
import * as SqlOneTimePasswords from "./internal/sqlOneTimePasswords.ts"
import type { Hotp } from "./OneTimePassword.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* SqlOneTimePasswords.make<HotpRow>({
    store: "HotpStore",
    table: "belfry_hotps",
    columns: "counter",
    position: "counter",
  })

  return HotpStore.of({
    ...store,
    find: (userId) => Effect.map(store.find(userId), Option.map(toHotp)),
    begin: (hotp) => store.begin({ ...SqlOneTimePasswords.toColumns(hotp), counter: hotp.counter }),
    // The column has the next counter.
    confirm: ({ counter, ...claim }) => store.confirm({ ...claim, position: counter + 1 }),
    claimCounter: ({ counter, ...claim }) => store.claim("claimCounter", { ...claim, position: counter + 1 }),
  })
})

/**
 * Layer that keeps HOTP secrets and counters in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<HotpStore, never, SqlClient.SqlClient> = Layer.effect(HotpStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface HotpRow extends SqlOneTimePasswords.CommonRow {
  /** An int8, which the driver reads as bigint. */
  readonly counter: bigint | number
}

const toHotp = (row: HotpRow): Hotp => ({ ...SqlOneTimePasswords.toFields(row), counter: Number(row.counter) })
