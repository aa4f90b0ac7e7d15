/**
 * All stores of this package in memory.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as MemoryBillingTables from "./MemoryBillingTables.ts"
import * as MemoryCustomerStore from "./MemoryCustomerStore.ts"
import * as MemoryEntitlementStore from "./MemoryEntitlementStore.ts"
import * as MemoryOperationStore from "./MemoryOperationStore.ts"
import * as MemorySubscriptionStore from "./MemorySubscriptionStore.ts"
import * as MemoryWebhookEventStore from "./MemoryWebhookEventStore.ts"

/**
 * Layer with every store of this package, over the tables of the memory stores of `core` and `organization`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  MemoryCustomerStore.layer,
  MemoryEntitlementStore.layer,
  MemoryOperationStore.layer,
  MemorySubscriptionStore.layer,
  MemoryWebhookEventStore.layer,
).pipe(Layer.provideMerge(MemoryBillingTables.layer))
