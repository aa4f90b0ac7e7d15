/**
 * All stores of this package in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as SqlOAuthStateStore from "./SqlOAuthStateStore.ts"

/**
 * Layer with every store of this package, in PostgreSQL. The tables are those of `SqlOAuthClientMigrations`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(SqlOAuthStateStore.layer)
