/**
 * TOTP secrets in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import * as SqlOneTimePasswords from "./internal/sqlOneTimePasswords.ts"
import type { Totp, TotpAlgorithm } from "./OneTimePassword.ts"
import { TotpStore } from "./TotpStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* SqlOneTimePasswords.make<TotpRow>({
    store: "TotpStore",
    table: "belfry_totps",
    columns: "algorithm, period, last_step",
    position: "last_step",
  })

  return TotpStore.of({
    ...store,
    find: (userId) => Effect.map(store.find(userId), Option.map(toTotp)),
    begin: (totp) =>
      store.begin({
        ...SqlOneTimePasswords.toColumns(totp),
        algorithm: totp.algorithm,
        period: totp.period,
        last_step: totp.lastStep,
      }),
    confirm: ({ step, ...claim }) => store.confirm({ ...claim, position: step }),
    claimStep: ({ step, ...claim }) => store.claim("claimStep", { ...claim, position: step }),
  })
})

/**
 * Layer that keeps TOTP secrets in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<TotpStore, never, SqlClient.SqlClient> = Layer.effect(TotpStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface TotpRow extends SqlOneTimePasswords.CommonRow {
  readonly algorithm: TotpAlgorithm
  readonly period: number
  /** An int8, which the driver reads as bigint. */
  readonly last_step: bigint | number | null
}

const toTotp = (row: TotpRow): Totp => ({
  ...SqlOneTimePasswords.toFields(row),
  algorithm: row.algorithm,
  period: row.period,
  lastStep: row.last_step === null ? null : Number(row.last_step),
})
