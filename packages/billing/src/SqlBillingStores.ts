/**
 * All stores of this package in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as SqlCustomerStore from "./SqlCustomerStore.ts"
import * as SqlEntitlementStore from "./SqlEntitlementStore.ts"
import * as SqlOperationStore from "./SqlOperationStore.ts"
import * as SqlSubscriptionStore from "./SqlSubscriptionStore.ts"
import * as SqlWebhookEventStore from "./SqlWebhookEventStore.ts"

/**
 * Layer with every store of this package, in PostgreSQL. The tables are those of `SqlBillingMigrations`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  SqlCustomerStore.layer,
  SqlEntitlementStore.layer,
  SqlOperationStore.layer,
  SqlSubscriptionStore.layer,
  SqlWebhookEventStore.layer,
)
