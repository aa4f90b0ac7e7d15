/**
 * The tables that the memory adapters of this package share.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import type { OutboxEventId } from "@belfry/core/OutboxEvent"
import { MemoryOrganizationTables } from "@belfry/organization/MemoryOrganizationTables"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { BillingCustomer, CustomerId } from "./BillingCustomer.ts"
import type { EntitlementOverride } from "./Entitlement.ts"
import { payerKey, teamKey } from "./internal/memoryPayers.ts"
import type { Operation, OperationId } from "./Operation.ts"
import type { Payer } from "./Payer.ts"
import type { PlanGroup } from "./Plan.ts"
import type { ProviderSubscriptionId } from "./ProviderSubscription.ts"
import type { StoredSubscription, SubscriptionId } from "./Subscription.ts"
import type { WebhookEvent, WebhookEventId } from "./WebhookEvent.ts"

/**
 * A subscription as it rests, with the work that is due on it.
 *
 * @category models
 * @since 0.1.0
 */
export interface SubscriptionRow {
  readonly subscription: StoredSubscription
  readonly asked: number
  readonly attempts: number
  readonly dueAt: DateTime.Utc | null
  readonly lease: string | null
  readonly leasedUntil: DateTime.Utc | null
}

/**
 * An operation as it rests.
 *
 * @category models
 * @since 0.1.0
 */
export interface OperationRow {
  readonly operation: Operation
  readonly closedAt: DateTime.Utc | null
}

/**
 * The key of a trial.
 *
 * @category converting
 * @since 0.1.0
 */
export const trialKey = (id: CustomerId, group: PlanGroup): string => `${id} ${group}`

/**
 * The tables that the memory adapters of this package share. Rows are touched inside a `statement` of `MemoryTables`.
 *
 * @category services
 * @since 0.1.0
 */
export class MemoryBillingTables extends Context.Service<
  MemoryBillingTables,
  {
    readonly customers: Map<CustomerId, BillingCustomer>
    /** By `trialKey`. */
    readonly trials: Map<string, DateTime.Utc>
    /** How many tickets were taken of a subscription of the provider. */
    readonly tickets: Map<ProviderSubscriptionId, number>
    readonly subscriptions: Map<SubscriptionId, SubscriptionRow>
    readonly operations: Map<OperationId, OperationRow>
    readonly events: Map<WebhookEventId, WebhookEvent>
    readonly cursors: Map<string, DateTime.Utc>
    readonly hookRuns: Map<OutboxEventId, DateTime.Utc>
    /** By kind and id of the payer. */
    readonly overrides: Map<string, EntitlementOverride>
    /** The customer that a payer is. For use in a statement. */
    readonly customerOf: (payer: Payer) => BillingCustomer | undefined
  }
>()("@belfry/billing/MemoryBillingTables") {}

/**
 * Layer with empty tables, which take part in the transactions and cascades of `MemoryTables` and
 * `MemoryOrganizationTables`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MemoryBillingTables, never, MemoryOrganizationTables | MemoryTables> = Layer.effect(
  MemoryBillingTables,
  Effect.gen(function* () {
    const tables = yield* MemoryTables
    const organizationTables = yield* MemoryOrganizationTables
    const customers = yield* tables.table<CustomerId, BillingCustomer>("billing_customers")
    const trials = yield* tables.table<string, DateTime.Utc>("billing_trials")
    const tickets = yield* tables.table<ProviderSubscriptionId, number>("billing_tickets")
    const subscriptions = yield* tables.table<SubscriptionId, SubscriptionRow>("billing_subscriptions")
    const operations = yield* tables.table<OperationId, OperationRow>("billing_operations")
    const events = yield* tables.table<WebhookEventId, WebhookEvent>("billing_events")
    const cursors = yield* tables.table<string, DateTime.Utc>("billing_cursors")
    const hookRuns = yield* tables.table<OutboxEventId, DateTime.Utc>("billing_hook_runs")
    const overrides = yield* tables.table<string, EntitlementOverride>("billing_overrides")

    const customerOf = (payer: Payer): BillingCustomer | undefined =>
      [...customers.values()].find(
        (customer) => customer.payer !== null && payerKey(customer.payer) === payerKey(payer),
      )

    // A customer outlives its payer, what the host granted does not.
    const removePayer = (key: string): void => {
      overrides.delete(key)
      for (const [id, customer] of customers) {
        if (customer.payer !== null && payerKey(customer.payer) === key) customers.set(id, { ...customer, payer: null })
      }
    }
    yield* tables.onUserRemoved((userId) => {
      removePayer(payerKey({ _tag: "User", userId }))
      for (const [id, row] of operations) {
        if (row.operation.actorId === userId)
          operations.set(id, { ...row, operation: { ...row.operation, actorId: null } })
      }
    })
    yield* organizationTables.onOrganizationRemoved((organizationId) =>
      removePayer(payerKey({ _tag: "Organization", organizationId })),
    )
    yield* organizationTables.onTeamRemoved((teamId) => removePayer(teamKey(teamId)))

    return MemoryBillingTables.of({
      customers,
      trials,
      tickets,
      subscriptions,
      operations,
      events,
      cursors,
      hookRuns,
      overrides,
      customerOf,
    })
  }),
)
