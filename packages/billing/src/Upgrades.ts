/**
 * Upgrades: from wanting a plan to having it, by checkout, portal, change or schedule.
 *
 * @since 0.1.0
 */
import type { RateLimited } from "@belfry/core/RateLimit"
import type { RedirectRefused } from "@belfry/core/RedirectTarget"
import type { StoreError } from "@belfry/core/StoreError"
import type { Actor } from "@belfry/organization/Membership"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { BillingHooks } from "./BillingHooks.ts"
import { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError, PaymentDeclined } from "./BillingProviderError.ts"
import { BillingSettings } from "./BillingSettings.ts"
import { Customers, type KnownCustomer } from "./Customers.ts"
import { CustomerStore } from "./CustomerStore.ts"
import * as Changes from "./internal/changes.ts"
import * as CheckoutOperations from "./internal/checkoutOperations.ts"
import { sameItems } from "./internal/itemChanges.ts"
import * as Seats from "./internal/seats.ts"
import { toView } from "./internal/views.ts"
import { EmailUnverified, type SubscriptionRequest, type UpgradeOutcome } from "./Operation.ts"
import { OperationStore } from "./OperationStore.ts"
import { type BillingForbidden, kindOf, type Payer, type PayerNotFound, type PayerRef } from "./Payer.ts"
import { type BillingInterval, type Plan, PlanNotFound } from "./Plan.ts"
import { Plans } from "./Plans.ts"
import type { DesiredItem, SubscriptionStatus } from "./ProviderSubscription.ts"
import {
  isActive,
  isEnded,
  type StoredSubscription,
  SubscriptionConflict,
  type SubscriptionId,
  SubscriptionNotFound,
} from "./Subscription.ts"
import { endOf } from "./SubscriptionChanges.ts"
import { SubscriptionStore } from "./SubscriptionStore.ts"
import { SubscriptionWork } from "./SubscriptionWork.ts"
import { Synchronizations } from "./Synchronizations.ts"

/**
 * What somebody wants.
 *
 * @category models
 * @since 0.1.0
 */
export interface Wanted {
  readonly payer: PayerRef
  readonly plan: string
  readonly interval: BillingInterval
  /** For plans with seats of a user; organizations and teams pay for their members. */
  readonly seats: number | null
  readonly when: "now" | "period-end"
  /** Whether a change of one item is confirmed in the portal (`portal`), or done at once (`service`). */
  readonly confirm: "portal" | "service"
  /** Which subscription it is about; null: that of the plan's group. */
  readonly subscriptionId: SubscriptionId | null
  readonly successUrl: string
  readonly cancelUrl: string
  readonly returnUrl: string | null
  readonly locale: string | null
  readonly metadata: { readonly [key: string]: string }
}

/**
 * What any call about a payer may fail with.
 *
 * @category models
 * @since 0.1.0
 */
export type BillingDenied = PayerNotFound | BillingForbidden | RateLimited | StoreError

/**
 * Upgrades.
 *
 * @category services
 * @since 0.1.0
 */
export class Upgrades extends Context.Service<
  Upgrades,
  {
    /** What is done in which order is the list in `make`. Asked twice for the same, the answer is the same checkout. */
    readonly upgrade: (
      actor: Actor,
      wanted: Wanted,
    ) => Effect.Effect<
      UpgradeOutcome,
      | BillingDenied
      | EmailUnverified
      | PlanNotFound
      | RedirectRefused
      | SubscriptionNotFound
      | SubscriptionConflict
      | PaymentDeclined
      | BillingProviderError
    >
  }
>()("@belfry/billing/Upgrades") {}

/**
 * Makes the service.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const changes = yield* Changes.make
  const checkouts = yield* CheckoutOperations.make
  const seatsWanted = yield* Seats.make
  const customers = yield* Customers
  const customerStore = yield* CustomerStore
  const hooks = yield* BillingHooks
  const operations = yield* OperationStore
  const plans = yield* Plans
  const provider = yield* BillingProvider
  const settings = yield* BillingSettings
  const subscriptions = yield* SubscriptionStore
  const synchronizations = yield* Synchronizations
  const work = yield* SubscriptionWork

  const parse = Effect.fnUntraced(function* ({ successUrl, cancelUrl, returnUrl }: Wanted) {
    const success = yield* changes.targetOf(successUrl)
    const cancel = yield* changes.targetOf(cancelUrl)
    return { success, cancel, back: returnUrl === null ? success : yield* changes.targetOf(returnUrl) }
  })

  /** Looks at everything that the customer may have bought: a checkout that is open, then all subscriptions. */
  const look = Effect.fnUntraced(function* (customer: KnownCustomer, { group }: Plan) {
    const checkout = yield* operations.findOpenCheckout(customer.id, group, yield* DateTime.now)
    const checkoutId = Option.getOrNull(checkout)?.checkoutId ?? null
    if (checkoutId !== null) yield* synchronizations.checkout(checkoutId)
    yield* synchronizations.customer(customer)
    return yield* subscriptions.listByCustomer(customer.id)
  })

  const seatsOf = Effect.fnUntraced(function* (wish: Wish, current: StoredSubscription | null) {
    const { plan, payer, wanted } = wish
    if (plan.seats === null) return 1
    if (payer._tag !== "User") return (yield* seatsWanted(payer, plan)) ?? plan.seats.minimum
    return Math.max(plan.seats.minimum, wanted.seats ?? current?.state.seats ?? 1)
  })

  /** From one plan to another, of a subscription that there is. */
  const change = Effect.fnUntraced(function* (
    { actor, customer, plan, targets, wanted }: Wish,
    subscription: StoredSubscription,
    items: ReadonlyArray<DesiredItem>,
  ) {
    const { state } = subscription
    const conflict = (reason: SubscriptionConflict["reason"]) => Effect.fail(new SubscriptionConflict({ reason }))
    const perform = Effect.fnUntraced(function* (kind: UpgradeOutcome["kind"], request: SubscriptionRequest) {
      const changed = yield* work.perform({
        subscription,
        request,
        fingerprint: `${request._tag} ${plan.name} ${wanted.interval}`,
        actorId: actor.user.id,
      })
      return { kind, url: targets.back, checkoutId: null, subscription: changed }
    })
    if (owing.has(state.status)) return yield* conflict("unpaid")
    if (sameItems(state.items, items)) {
      if (state.scheduled !== null) return yield* perform("released", { _tag: "Release" })
      return yield* conflict(endOf(state) === null ? "subscribed" : "canceling")
    }
    const to = { plan: plan.name, interval: wanted.interval, items }
    if (wanted.when === "period-end") {
      if (state.periodEnd === null) return yield* conflict("period")
      return yield* perform("scheduled", { _tag: "Schedule", ...to, startsAt: state.periodEnd })
    }
    const [[item, ...more], [one, ...others]] = [state.items, items]
    const isPlain = item !== undefined && one !== undefined && more.length === 0 && others.length === 0
    // The portal changes one item for one, of what neither changes nor ends by itself.
    if (isPlain && wanted.confirm === "portal" && state.scheduleId === null && endOf(state) === null) {
      const url = yield* provider.createPortal({
        customerId: customer.providerId,
        flow: { _tag: "Update", subscriptionId: subscription.providerId, itemId: item.id, item: one },
        returnUrl: targets.back,
        locale: wanted.locale,
      })
      return { kind: "portal" as const, url, checkoutId: null, subscription }
    }
    return yield* perform("changed", { _tag: "Change", ...to, proration: plan.proration })
  })

  /** A checkout for who has none of the group. Null: one was paid meanwhile. */
  const checkOut = Effect.fnUntraced(function* (wish: Wish, items: ReadonlyArray<DesiredItem>) {
    const { actor, customer, payer, plan, targets, wanted } = wish
    const mayTry =
      plan.trialDays !== null &&
      !(yield* customerStore.hadTrial(customer.id, plan.group)) &&
      (yield* hooks.mayTry({ payer, plan }))
    const outcome = yield* checkouts.open({
      customer,
      payer,
      actorId: actor.user.id,
      plan,
      interval: wanted.interval,
      items,
      trialDays: mayTry ? plan.trialDays : null,
      cancelUrl: targets.cancel,
      returnUrl: targets.success,
      locale: wanted.locale,
      metadata: wanted.metadata,
      extra: yield* hooks.checkoutParameters({ payer, plan, interval: wanted.interval, actor }),
    })
    if (outcome._tag === "Paid") yield* synchronizations.checkout(outcome.checkout.id)
    if (outcome._tag !== "Open") return null
    return { kind: "checkout" as const, url: outcome.url, checkoutId: outcome.id, subscription: null }
  })

  const upgrade = Effect.fnUntraced(function* (wish: Wish) {
    for (let rounds = 0; rounds < maximumRounds; rounds++) {
      const all = yield* look(wish.customer, wish.plan)
      const current = yield* currentOf(all, wish)
      const seats = yield* seatsOf(wish, current)
      const items = yield* plans.items(wish.plan, wish.wanted.interval, seats)
      const outcome = yield* current === null ? checkOut(wish, items) : change(wish, current, items)
      if (outcome !== null) return outcome
    }
    // What was paid is not to be seen yet.
    return yield* new SubscriptionConflict({ reason: "busy" })
  })

  return Upgrades.of({
    upgrade: Effect.fn("Upgrades.upgrade")(function* (actor, wanted) {
      const payer = yield* changes.mayChange(actor, wanted.payer, { action: "upgrades.upgrade", audits: audited })
      if (settings.requiresVerifiedEmail && actor.user.emailVerifiedAt === null) return yield* new EmailUnverified()
      const targets = yield* parse(wanted)
      // Where nobody takes money, nothing is sold.
      if (!provider.isEnabled) return yield* new PlanNotFound({ reason: "plan" })
      const plan = yield* plans.get({ name: wanted.plan, interval: wanted.interval, audience: kindOf(payer) })
      const customer = yield* customers.ensure(payer, actor)
      const { subscription, ...outcome } = yield* upgrade({ actor, payer, plan, customer, targets, wanted })
      const { kind, checkoutId } = outcome
      const data = { plan: plan.name, interval: wanted.interval, kind, operation: checkoutId }
      yield* changes.did(actor, payer, { type: audited, data })
      const view = subscription === null ? null : toView(subscription, payer, yield* plans.all)
      return { ...outcome, subscription: view }
    }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Upgrades, make)

// internal

const audited = "billing.upgrade"

/** Looks again as often where a checkout was paid while another was about to be made. */
const maximumRounds = 3

/** Where an invoice, or a card, is to be seen to before anything else. */
const owing: ReadonlySet<SubscriptionStatus> = new Set<SubscriptionStatus>(["past_due", "unpaid", "paused"])

/** Who wants what, after all of it was checked. URLs are whole. */
interface Wish {
  readonly actor: Actor
  readonly payer: Payer
  readonly plan: Plan
  readonly customer: KnownCustomer
  readonly targets: { readonly success: string; readonly cancel: string; readonly back: string }
  readonly wanted: Wanted
}

/** The subscription that is meant: the one that is named, else the newest of the plan's group. */
const currentOf = (
  all: ReadonlyArray<StoredSubscription>,
  { plan, wanted }: Wish,
): Effect.Effect<StoredSubscription | null, SubscriptionNotFound | SubscriptionConflict> => {
  const ofGroup = all.filter(({ state }) => state.group === plan.group)
  if (wanted.subscriptionId === null) {
    return Effect.succeed(ofGroup.find(({ state }) => isActive(state.status)) ?? null)
  }
  const named = ofGroup.find(({ id }) => id === wanted.subscriptionId)
  if (named === undefined) return Effect.fail(new SubscriptionNotFound())
  return isEnded(named.state.status)
    ? Effect.fail(new SubscriptionConflict({ reason: "ended" }))
    : Effect.succeed(named)
}
