/**
 * All stores of this package in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import type { AuditStore } from "./AuditStore.ts"
import type { LinkedAccountStore } from "./LinkedAccountStore.ts"
import type { OutboxStore } from "./OutboxStore.ts"
import type { SessionStore } from "./SessionStore.ts"
import * as SqlAuditStore from "./SqlAuditStore.ts"
import * as SqlLinkedAccountStore from "./SqlLinkedAccountStore.ts"
import * as SqlOutboxStore from "./SqlOutboxStore.ts"
import * as SqlSessionStore from "./SqlSessionStore.ts"
import * as SqlTransactionStore from "./SqlTransactionStore.ts"
import * as SqlUserStore from "./SqlUserStore.ts"
import * as SqlVerificationTokenStore from "./SqlVerificationTokenStore.ts"
import type { TransactionStore } from "./TransactionStore.ts"
import type { UserStore } from "./UserStore.ts"
import type { VerificationTokenStore } from "./VerificationTokenStore.ts"

/**
 * Layer with every store of this package and their transactions, in PostgreSQL.
 *
 * **Details**
 *
 * The tables are those of `SqlCoreMigrations`. Rate limits are not part of it: see `SqlRateLimitStore`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  AuditStore | LinkedAccountStore | OutboxStore | SessionStore | TransactionStore | UserStore | VerificationTokenStore,
  never,
  SqlClient.SqlClient
> = Layer.mergeAll(
  SqlAuditStore.layer,
  SqlLinkedAccountStore.layer,
  SqlOutboxStore.layer,
  SqlSessionStore.layer,
  SqlTransactionStore.layer,
  SqlUserStore.layer,
  SqlVerificationTokenStore.layer,
)
