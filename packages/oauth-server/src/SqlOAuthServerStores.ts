/**
 * All stores of this package in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as SqlAssertionStore from "./SqlAssertionStore.ts"
import * as SqlClientStore from "./SqlClientStore.ts"
import * as SqlConsentStore from "./SqlConsentStore.ts"
import * as SqlGrantStore from "./SqlGrantStore.ts"
import * as SqlInitialAccessTokenStore from "./SqlInitialAccessTokenStore.ts"
import * as SqlRecordStore from "./SqlRecordStore.ts"
import * as SqlResourceStore from "./SqlResourceStore.ts"
import * as SqlSigningKeyStore from "./SqlSigningKeyStore.ts"
import * as SqlWaitingRequestStore from "./SqlWaitingRequestStore.ts"

/**
 * Layer with every store of this package, in PostgreSQL. The tables are those of `SqlOAuthServerMigrations`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  SqlAssertionStore.layer,
  SqlClientStore.layer,
  SqlConsentStore.layer,
  SqlGrantStore.layer,
  SqlInitialAccessTokenStore.layer,
  SqlRecordStore.layer,
  SqlResourceStore.layer,
  SqlSigningKeyStore.layer,
  SqlWaitingRequestStore.layer,
)
