/**
 * Operations in memory.
 *
 * @since 0.1.0
 */
import { refuse } from "@belfry/core/MemoryStoreError"
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { CustomerId } from "./BillingCustomer.ts"
import { MemoryBillingTables } from "./MemoryBillingTables.ts"
import type { Operation, OperationId } from "./Operation.ts"
import { OperationStore } from "./OperationStore.ts"
import type { PlanGroup } from "./Plan.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { customers, operations, subscriptions } = yield* MemoryBillingTables

  const where = (isMeant: (operation: Operation) => boolean): ReadonlyArray<Operation> =>
    [...operations.values()].map(({ operation }) => operation).filter(isMeant)
  const openCheckout = (customerId: CustomerId, group: PlanGroup): Operation | undefined =>
    where(
      (operation) =>
        operation.customerId === customerId &&
        operation.group === group &&
        operation.request._tag === "Checkout" &&
        operation.status === "open",
    )[0]
  const whileOpen = (id: OperationId): Operation | undefined => {
    const operation = operations.get(id)?.operation
    return operation?.status === "open" ? operation : undefined
  }

  return OperationStore.of({
    find: (id) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(operations.get(id)?.operation))),
    findByCheckout: (id) =>
      tables.statement(() => Effect.succeed(Option.fromUndefinedOr(where(({ checkoutId }) => checkoutId === id)[0]))),
    findOpenCheckout: (customerId, group, now) =>
      tables.statement(() => {
        const open = openCheckout(customerId, group)
        return Effect.succeed(
          open !== undefined && DateTime.isGreaterThan(open.expiresAt, now) ? Option.some(open) : Option.none(),
        )
      }),
    insert: (operation) =>
      tables.statement((): ReturnType<OperationStore["Service"]["insert"]> => {
        const { customerId, group, id, request, subscriptionId } = operation
        const open = request._tag === "Checkout" ? openCheckout(customerId, group) : undefined
        if (open !== undefined) return Effect.succeed({ _tag: "open", operation: open })
        if (operations.has(id)) return refuse("OperationStore", "insert", "unique id")
        if (!customers.has(customerId)) return refuse("OperationStore", "insert", "the customer exists")
        if (subscriptionId !== null && !subscriptions.has(subscriptionId))
          return refuse("OperationStore", "insert", "the subscription exists")
        operations.set(id, { operation, closedAt: null })
        return Effect.succeed({ _tag: "kept" })
      }),
    setCheckout: (id, { checkoutId, url }) =>
      tables.statement(() => {
        const operation = whileOpen(id)
        if (operation === undefined) return Effect.succeed(false)
        if (where((other) => other.checkoutId === checkoutId && other.id !== id).length > 0)
          return refuse("OperationStore", "setCheckout", "unique checkout")
        operations.set(id, { operation: { ...operation, checkoutId, url }, closedAt: null })
        return Effect.succeed(true)
      }),
    close: (id, status, now) =>
      tables.statement(() => {
        const operation = whileOpen(id)
        if (operation === undefined) return Effect.succeed(false)
        operations.set(id, { operation: { ...operation, status }, closedAt: now })
        return Effect.succeed(true)
      }),
    listOverdue: (now, limit) =>
      tables.statement(() =>
        Effect.succeed(
          where(({ expiresAt, status }) => status === "open" && DateTime.isLessThanOrEqualTo(expiresAt, now))
            .toSorted((a, b) => a.expiresAt.epochMilliseconds - b.expiresAt.epochMilliseconds)
            .slice(0, limit),
        ),
      ),
    removeClosed: (instant, limit) =>
      tables.statement(() => {
        const old = [...operations.values()]
          .flatMap(({ operation: { id }, closedAt }) => (closedAt === null ? [] : [{ id, closedAt }]))
          .filter(({ closedAt }) => DateTime.isLessThan(closedAt, instant))
          .sort((a, b) => a.closedAt.epochMilliseconds - b.closedAt.epochMilliseconds)
          .slice(0, limit)
        for (const { id } of old) operations.delete(id)
        return Effect.succeed(old.length)
      }),
  })
})

/**
 * Layer that keeps operations in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<OperationStore, never, MemoryBillingTables | MemoryTables> = Layer.effect(
  OperationStore,
  make,
)
