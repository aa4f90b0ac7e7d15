/**
 * All stores of this package in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as SqlBackupCodeStore from "./SqlBackupCodeStore.ts"
import * as SqlEmailCodeStore from "./SqlEmailCodeStore.ts"
import * as SqlEnrolmentStore from "./SqlEnrolmentStore.ts"
import * as SqlHotpStore from "./SqlHotpStore.ts"
import * as SqlPasskeyStore from "./SqlPasskeyStore.ts"
import * as SqlPasswordStore from "./SqlPasswordStore.ts"
import * as SqlSignInAttemptStore from "./SqlSignInAttemptStore.ts"
import * as SqlTotpStore from "./SqlTotpStore.ts"

/**
 * Layer with every store of this package, in PostgreSQL. The tables are those of `SqlFactorsMigrations`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  SqlBackupCodeStore.layer,
  SqlEmailCodeStore.layer,
  SqlEnrolmentStore.layer,
  SqlHotpStore.layer,
  SqlPasskeyStore.layer,
  SqlPasswordStore.layer,
  SqlSignInAttemptStore.layer,
  SqlTotpStore.layer,
)
