/**
 * Subscriptions, as the people who pay see, end and restore them.
 *
 * @since 0.1.0
 */
import type { RedirectRefused } from "@belfry/core/RedirectTarget"
import type { StoreError } from "@belfry/core/StoreError"
import type { Actor } from "@belfry/organization/Membership"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { BillingAccess } from "./BillingAccess.ts"
import { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError, PaymentDeclined } from "./BillingProviderError.ts"
import { CustomerStore } from "./CustomerStore.ts"
import type { EntitlementsView } from "./Entitlement.ts"
import { Entitlements } from "./Entitlements.ts"
import * as Changes from "./internal/changes.ts"
import { toView } from "./internal/views.ts"
import type { Payer, PayerRef } from "./Payer.ts"
import { Plans } from "./Plans.ts"
import {
  isActive,
  isEnded,
  type StoredSubscription,
  type Subscription,
  SubscriptionConflict,
  type SubscriptionId,
  SubscriptionNotFound,
} from "./Subscription.ts"
import { endOf } from "./SubscriptionChanges.ts"
import { SubscriptionStore } from "./SubscriptionStore.ts"
import { SubscriptionWork } from "./SubscriptionWork.ts"
import { Synchronizations } from "./Synchronizations.ts"
import type { BillingDenied } from "./Upgrades.ts"

/**
 * What an end came to: `portal`, the person goes to `url` to confirm; `canceled`, it is done.
 *
 * @category models
 * @since 0.1.0
 */
export interface CancelOutcome {
  readonly kind: "portal" | "canceled"
  readonly url: string
  readonly subscription: Subscription
}

/**
 * Subscriptions.
 *
 * @category services
 * @since 0.1.0
 */
export class Subscriptions extends Context.Service<
  Subscriptions,
  {
    /** All of a payer, in every state, newest first; with `active`, those that count as there. From here alone. */
    readonly list: (
      actor: Actor,
      payer: PayerRef,
      options?: { readonly active?: boolean | undefined },
    ) => Effect.Effect<ReadonlyArray<Subscription>, BillingDenied>
    readonly get: (
      actor: Actor,
      payer: PayerRef,
      id: SubscriptionId,
    ) => Effect.Effect<Subscription, BillingDenied | SubscriptionNotFound>
    /** What the payer may use, for somebody who may see its billing. */
    readonly entitlements: (actor: Actor, payer: PayerRef) => Effect.Effect<EntitlementsView, BillingDenied>
    /** Ends a subscription, the one that is active where none is named and there is one. */
    readonly cancel: (
      actor: Actor,
      request: {
        readonly payer: PayerRef
        readonly subscriptionId: SubscriptionId | null
        readonly when: "period-end" | "now"
        readonly confirm: "portal" | "service"
        readonly returnUrl: string
        readonly locale: string | null
      },
    ) => Effect.Effect<
      CancelOutcome,
      BillingDenied | SubscriptionNotFound | SubscriptionConflict | RedirectRefused | BillingProviderError
    >
    /** Takes back what was scheduled, else the end that was asked for. */
    readonly restore: (
      actor: Actor,
      payer: PayerRef,
      id: SubscriptionId | null,
    ) => Effect.Effect<
      Subscription,
      BillingDenied | SubscriptionNotFound | SubscriptionConflict | PaymentDeclined | BillingProviderError
    >
  }
>()("@belfry/billing/Subscriptions") {}

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
  const entitlements = yield* Entitlements
  const plans = yield* Plans
  const provider = yield* BillingProvider
  const subscriptions = yield* SubscriptionStore
  const synchronizations = yield* Synchronizations
  const work = yield* SubscriptionWork

  const find = Effect.fnUntraced(function* (payer: Payer, id: SubscriptionId) {
    const found = (yield* subscriptions.listByPayer(payer)).find((subscription) => subscription.id === id)
    return found ?? (yield* new SubscriptionNotFound())
  })

  /** The one that is active, where there is one. */
  const findOnly = Effect.fnUntraced(function* (payer: Payer) {
    const [only, ...others] = (yield* subscriptions.listByPayer(payer)).filter(({ state }) => isActive(state.status))
    return only !== undefined && others.length === 0 ? only : yield* new SubscriptionNotFound()
  })

  const viewOf = Effect.fnUntraced(function* (subscription: StoredSubscription, payer: Payer) {
    return toView(subscription, payer, yield* plans.all)
  })

  /** A subscription as it stands at the provider at this moment. One that is over cannot be changed. */
  const lookAt = Effect.fnUntraced(function* ({
    id,
    providerId,
  }: StoredSubscription): Effect.fn.Return<
    StoredSubscription,
    SubscriptionNotFound | SubscriptionConflict | BillingProviderError | StoreError
  > {
    yield* synchronizations.subscription(providerId)
    const found = Option.getOrNull(yield* subscriptions.find(id))
    if (found === null) return yield* new SubscriptionNotFound()
    return isEnded(found.state.status) ? yield* new SubscriptionConflict({ reason: "ended" }) : found
  })

  /** Fails if a subscription is to end already. */
  const refuseEnding = ({ state }: StoredSubscription): Effect.Effect<void, SubscriptionConflict> =>
    endOf(state) === null ? Effect.void : Effect.fail(new SubscriptionConflict({ reason: "canceling" }))

  /** The address of the portal where the end is confirmed. */
  const confirmEnd = Effect.fnUntraced(function* (
    subscription: StoredSubscription,
    page: { readonly returnUrl: string; readonly locale: string | null },
  ) {
    const { customerId, providerId } = subscription
    const known = Option.getOrNull(yield* customers.find(customerId))?.providerId ?? null
    if (known === null) return yield* new SubscriptionNotFound()
    const flow = { _tag: "Cancel", subscriptionId: providerId } as const
    return yield* provider.createPortal({ customerId: known, flow, ...page }).pipe(
      // The provider refuses where the end was asked for a moment ago, elsewhere.
      Effect.tapError(({ reason }) =>
        reason === "refused" ? Effect.flatMap(lookAt(subscription), refuseEnding) : Effect.void,
      ),
    )
  })

  // Neither this nor an end takes a payment that a bank could refuse.
  const release = (subscription: StoredSubscription, { user }: Actor) =>
    work
      .perform({ subscription, request: { _tag: "Release" }, fingerprint: "Release", actorId: user.id })
      .pipe(Effect.catchTag("PaymentDeclined", Effect.die))

  return Subscriptions.of({
    list: Effect.fn("Subscriptions.list")(function* (actor, ref, { active = false } = {}) {
      const payer = yield* access.require(actor, ref, "subscriptions.list")
      const found = yield* subscriptions.listByPayer(payer)
      const all = yield* plans.all
      return found.filter(({ state }) => !active || isActive(state.status)).map((one) => toView(one, payer, all))
    }),
    get: Effect.fn("Subscriptions.get")(function* (actor, ref, id) {
      const payer = yield* access.require(actor, ref, "subscriptions.get")
      return yield* viewOf(yield* find(payer, id), payer)
    }),
    entitlements: Effect.fn("Subscriptions.entitlements")(function* (actor, ref) {
      return yield* entitlements.of(yield* access.require(actor, ref, "entitlements.get"))
    }),
    cancel: Effect.fn("Subscriptions.cancel")(function* (actor, request) {
      const { payer: ref, subscriptionId, when, confirm, locale } = request
      const payer = yield* changes.mayChange(actor, ref, { action: "subscriptions.cancel", audits: "billing.cancel" })
      const returnUrl = yield* changes.targetOf(request.returnUrl)
      const named = yield* subscriptionId === null ? findOnly(payer) : find(payer, subscriptionId)
      const subscription = yield* lookAt(named)
      // What ends with its period can still be ended now.
      if (when === "period-end" || confirm === "portal") yield* refuseEnding(subscription)
      const data = { subscriptionId: subscription.id, when, confirm }
      if (confirm === "portal") {
        // The portal does nothing to a subscription that a schedule decides about.
        if (subscription.state.scheduleId !== null) yield* release(subscription, actor)
        const url = yield* confirmEnd(subscription, { returnUrl, locale })
        yield* changes.did(actor, payer, { type: "billing.cancel", data })
        return { kind: "portal", url, subscription: yield* viewOf(subscription, payer) }
      }
      const ended = yield* work
        .perform({ subscription, request: { _tag: "Cancel", when }, fingerprint: when, actorId: actor.user.id })
        .pipe(Effect.catchTag("PaymentDeclined", Effect.die))
      yield* changes.did(actor, payer, { type: "billing.cancel", data })
      return { kind: "canceled", url: returnUrl, subscription: yield* viewOf(ended, payer) }
    }),
    restore: Effect.fn("Subscriptions.restore")(function* (actor, ref, id) {
      const payer = yield* changes.mayChange(actor, ref, { action: "subscriptions.restore", audits: "billing.restore" })
      const subscription = yield* lookAt(yield* id === null ? findOnly(payer) : find(payer, id))
      const { scheduled } = subscription.state
      if (scheduled === null && endOf(subscription.state) === null) {
        return yield* new SubscriptionConflict({ reason: "not-canceling" })
      }
      const request = { _tag: scheduled === null ? ("Restore" as const) : ("Release" as const) }
      const restored = yield* work.perform({
        subscription,
        request,
        fingerprint: request._tag,
        actorId: actor.user.id,
      })
      const data = { subscriptionId: subscription.id, kind: request._tag }
      yield* changes.did(actor, payer, { type: "billing.restore", data })
      return yield* viewOf(restored, payer)
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Subscriptions, make)
