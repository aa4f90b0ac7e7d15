/**
 * Checkouts, as the person who comes back from one sees them.
 *
 * @since 0.1.0
 */
import type { Actor } from "@belfry/organization/Membership"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { BillingAccess } from "./BillingAccess.ts"
import { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError } from "./BillingProviderError.ts"
import { CustomerStore } from "./CustomerStore.ts"
import * as Changes from "./internal/changes.ts"
import { toView } from "./internal/views.ts"
import { CheckoutNotFound, type CheckoutView, type Operation, OperationId } from "./Operation.ts"
import { OperationStore } from "./OperationStore.ts"
import { Plans } from "./Plans.ts"
import { SubscriptionStore } from "./SubscriptionStore.ts"
import { Synchronizations } from "./Synchronizations.ts"
import type { BillingDenied } from "./Upgrades.ts"

/**
 * Checkouts.
 *
 * @category services
 * @since 0.1.0
 */
export class Checkouts extends Context.Service<
  Checkouts,
  {
    /**
     * How a checkout stands. One that is not over here is looked at at the provider, once: who wants to wait asks
     * again. Not the caller's to see: not found.
     */
    readonly get: (
      actor: Actor,
      id: string,
    ) => Effect.Effect<CheckoutView, CheckoutNotFound | BillingDenied | BillingProviderError>
  }
>()("@belfry/billing/Checkouts") {}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const access = yield* BillingAccess
  const changes = yield* Changes.make
  const customers = yield* CustomerStore
  const operations = yield* OperationStore
  const subscriptions = yield* SubscriptionStore
  const plans = yield* Plans
  const provider = yield* BillingProvider
  const synchronizations = yield* Synchronizations

  const find = Effect.fnUntraced(function* (id: OperationId) {
    const operation = Option.getOrNull(yield* operations.find(id))
    if (operation === null || operation.request._tag !== "Checkout") return yield* new CheckoutNotFound()
    return { ...operation, request: operation.request }
  })

  /** How it stands at the provider. What is over there is looked at, so that it is over here. */
  const lookAt = Effect.fnUntraced(function* ({ checkoutId, status }: Operation) {
    if (status !== "open" || checkoutId === null) return null
    const found = Option.getOrNull(yield* provider.findCheckout(checkoutId))
    if (found?.status !== "open") yield* synchronizations.checkout(checkoutId)
    return found
  })

  return Checkouts.of({
    get: Effect.fn("Checkouts.get")(function* (actor, text) {
      const id = toOperationId(text)
      if (Option.isNone(id)) return yield* new CheckoutNotFound()
      const { customerId, ...known } = yield* find(id.value)
      const payer = Option.getOrNull(yield* customers.find(customerId))?.payer ?? null
      if (payer === null) return yield* new CheckoutNotFound()
      yield* access.requireFor(actor, payer, "checkouts.get").pipe(
        Effect.catchTags({
          PayerNotFound: () => Effect.fail(new CheckoutNotFound()),
          BillingForbidden: () => Effect.fail(new CheckoutNotFound()),
        }),
      )
      if (known.status === "open") yield* changes.countRead(actor)
      const found = yield* lookAt({ customerId, ...known })
      const { group, request, status, url } = found === null ? known : yield* find(id.value)
      const bought = (yield* subscriptions.listByCustomer(customerId)).find(({ state, providerId, createdAt }) =>
        found?.subscriptionId === undefined || found.subscriptionId === null
          ? state.group === group && createdAt.epochMilliseconds >= known.createdAt.epochMilliseconds
          : providerId === found.subscriptionId,
      )
      const stands = standing(status, { isPaid: found?.status === "complete", isKnown: bought !== undefined })
      return {
        id: id.value,
        status: stands,
        plan: request.plan,
        returnUrl: request.returnUrl,
        cancelUrl: request.cancelUrl,
        url: stands === "open" ? url : null,
        subscription: stands === "complete" && bought !== undefined ? toView(bought, payer, yield* plans.all) : null,
      }
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Checkouts, make)

// internal

const toOperationId = Schema.decodeOption(OperationId)

/** How a checkout stands: what is paid is complete once its subscription is known here. */
const standing = (
  status: Operation["status"],
  { isPaid, isKnown }: { readonly isPaid: boolean; readonly isKnown: boolean },
): CheckoutView["status"] => {
  if (status === "done" || isPaid) return isKnown ? "complete" : "finalizing"
  return status === "open" ? "open" : "expired"
}
