/**
 * All stores of this package in memory.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import type { AuditStore } from "./AuditStore.ts"
import type { LinkedAccountStore } from "./LinkedAccountStore.ts"
import * as MemoryAuditStore from "./MemoryAuditStore.ts"
import * as MemoryLinkedAccountStore from "./MemoryLinkedAccountStore.ts"
import * as MemoryOutboxStore from "./MemoryOutboxStore.ts"
import * as MemorySessionStore from "./MemorySessionStore.ts"
import * as MemoryTables from "./MemoryTables.ts"
import * as MemoryTransactionStore from "./MemoryTransactionStore.ts"
import * as MemoryUserStore from "./MemoryUserStore.ts"
import * as MemoryVerificationTokenStore from "./MemoryVerificationTokenStore.ts"
import type { OutboxStore } from "./OutboxStore.ts"
import type { SessionStore } from "./SessionStore.ts"
import type { TransactionStore } from "./TransactionStore.ts"
import type { UserStore } from "./UserStore.ts"
import type { VerificationTokenStore } from "./VerificationTokenStore.ts"

/**
 * Layer with every store of this package and their transactions, over tables in memory.
 *
 * **Details**
 *
 * The tables are part of its output, so that memory adapters of other packages share them.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  | AuditStore
  | LinkedAccountStore
  | MemoryTables.MemoryTables
  | OutboxStore
  | SessionStore
  | TransactionStore
  | UserStore
  | VerificationTokenStore
> = Layer.mergeAll(
  MemoryAuditStore.layer,
  MemoryLinkedAccountStore.layer,
  MemoryOutboxStore.layer,
  MemorySessionStore.layer,
  MemoryTransactionStore.layer,
  MemoryUserStore.layer,
  MemoryVerificationTokenStore.layer,
).pipe(Layer.provideMerge(MemoryTables.layer))
