/**
 * What an operation on a subscription asks the provider for, step by step, each under a key of its own.
 */
import * as Effect from "effect/Effect"
import { BillingProvider, type SubscriptionUpdate } from "../BillingProvider.ts"
import type { BillingProviderError, PaymentDeclined } from "../BillingProviderError.ts"
import type { Operation, SubscriptionRequest } from "../Operation.ts"
import type { Plan } from "../Plan.ts"
import { endOf } from "../SubscriptionChanges.ts"
import { planOf, seatItemOf, type StoredSubscription, type SubscriptionState } from "../Subscription.ts"
import { changeItems } from "./itemChanges.ts"
import { operationKey } from "./keys.ts"

/** Asks the provider for what an operation wants. */
export const make = Effect.gen(function* () {
  const provider = yield* BillingProvider

  return Effect.fnUntraced(function* (
    operation: Pick<Operation, "id">,
    request: SubscriptionRequest,
    { providerId, state }: StoredSubscription,
    plans: ReadonlyArray<Plan>,
  ): Effect.fn.Return<void, BillingProviderError | PaymentDeclined> {
    const keyOf = (step: string): string => operationKey(operation.id, step)
    const update = (step: string, change: Partial<SubscriptionUpdate>) =>
      provider.updateSubscription(providerId, { ...nothing, ...change }, keyOf(step))

    const { scheduleId } = state
    const release = scheduleId === null ? Effect.void : provider.releaseSchedule(scheduleId, keyOf("release"))
    // While there is a schedule, it decides about ends, and about items when its time has come.
    if (request._tag !== "Seats" && request._tag !== "Change") yield* release
    switch (request._tag) {
      case "Change": {
        const change = {
          ...changeItems(state.items, request.items),
          proration: request.proration,
          failsWhenDeclined: true,
        }
        if (scheduleId === null) return yield* update("change", { ...change, ...withoutEnd(state) })
        // Beside the schedule, which stays where the payment is declined.
        yield* update("change", change)
        yield* release
        return endOf(state) === null ? undefined : yield* update("restore", withoutEnd(state))
      }
      case "Schedule": {
        if (endOf(state) !== null) yield* update("restore", withoutEnd(state))
        const { items, interval, startsAt } = request
        return yield* provider.scheduleChange(providerId, { items, interval, startsAt }, keyOf("schedule"))
      }
      case "Release":
        return
      case "Cancel":
        return yield* request.when === "now"
          ? provider.cancelSubscription(providerId, keyOf("cancel"))
          : update("cancel", { cancelAtPeriodEnd: true })
      case "Restore":
        return endOf(state) === null ? undefined : yield* update("restore", withoutEnd(state))
      case "Seats": {
        const known = planOf(state.items, plans)
        const item = known === undefined ? undefined : state.items[seatItemOf(state.items, known)]
        if (known === undefined || item === undefined) return
        const { id, priceId } = item
        return yield* update("seats", {
          items: [{ id, priceId, quantity: request.quantity }],
          proration: known.plan.proration,
        })
      }
    }
  })
})

// internal

const nothing: SubscriptionUpdate = {
  items: null,
  removed: [],
  proration: "none",
  failsWhenDeclined: false,
  cancelAtPeriodEnd: null,
  clearsCancelAt: false,
  metadata: null,
}

/** Takes an end back that was asked for, in the words in which the provider has it: it does not take both. */
const withoutEnd = ({ cancelAtPeriodEnd, cancelAt }: SubscriptionState) => ({
  cancelAtPeriodEnd: cancelAtPeriodEnd ? false : null,
  clearsCancelAt: !cancelAtPeriodEnd && cancelAt !== null,
})
