/**
 * Checkouts: of a customer and group one is open, and whoever wants the same gets the same.
 */
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { BillingProvider } from "../BillingProvider.ts"
import { BillingProviderError } from "../BillingProviderError.ts"
import { BillingSettings } from "../BillingSettings.ts"
import type { KnownCustomer } from "../Customers.ts"
import { type Operation, OperationId, type OperationRequest } from "../Operation.ts"
import { OperationStore } from "../OperationStore.ts"
import type { Payer } from "../Payer.ts"
import type { BillingInterval, Plan } from "../Plan.ts"
import type { DesiredItem, ProviderCheckout } from "../ProviderSubscription.ts"
import { isActive, SubscriptionConflict } from "../Subscription.ts"
import { SubscriptionStore } from "../SubscriptionStore.ts"
import { fingerprint } from "./fingerprints.ts"
import { operationKey } from "./keys.ts"
import { metadataOf } from "./metadata.ts"

/** What somebody wants to check out. URLs are whole. */
export interface CheckoutWish {
  readonly customer: KnownCustomer
  readonly payer: Payer
  readonly actorId: UserId
  readonly plan: Plan
  readonly interval: BillingInterval
  readonly items: ReadonlyArray<DesiredItem>
  readonly trialDays: number | null
  readonly cancelUrl: string
  readonly returnUrl: string
  readonly locale: string | null
  readonly metadata: { readonly [key: string]: string }
  readonly extra: { readonly [key: string]: Schema.Json }
}

/**
 * A checkout that is open; or one was paid meanwhile, so that there is a subscription to look at, or that stands here
 * already.
 */
export type CheckoutOutcome =
  | { readonly _tag: "Open"; readonly id: OperationId; readonly url: string }
  | { readonly _tag: "Paid"; readonly checkout: ProviderCheckout }
  | { readonly _tag: "Subscribed" }

/** Opens checkouts. */
export const make = Effect.gen(function* () {
  const operations = yield* OperationStore
  const provider = yield* BillingProvider
  const settings = yield* BillingSettings
  const subscriptions = yield* SubscriptionStore
  const site = yield* Site
  const random = yield* SecureRandom.SecureRandom
  const digest = yield* Digest.Digest

  /** The operation, without what tells it from another of the same wish. */
  const operationOf = Effect.fnUntraced(function* (wish: CheckoutWish) {
    const { customer, payer, plan, interval, items, trialDays, cancelUrl, returnUrl, locale, metadata, extra } = wish
    const createdAt = yield* DateTime.now
    const expiresAt = DateTime.addDuration(createdAt, lifetimeOf(settings.checkoutLifetime))
    const id = OperationId.make(yield* random.uuidV7())
    const operation: CheckoutOperation = {
      id,
      customerId: customer.id,
      group: plan.group,
      subscriptionId: null,
      request: {
        _tag: "Checkout",
        plan: plan.name,
        interval,
        items,
        trialDays,
        successUrl: site.url(`/auth/billing/checkouts/${id}/return`),
        cancelUrl,
        returnUrl,
        locale,
        expiresAt,
        metadata: metadataOf(metadata, { customerId: customer.id, payer, operationId: id }),
        extra,
      },
      fingerprint: yield* Effect.provideService(
        fingerprint({ plan: plan.name, interval, items, trialDays, cancelUrl, returnUrl, locale, metadata, extra }),
        Digest.Digest,
        digest,
      ),
      status: "open",
      checkoutId: null,
      url: null,
      actorId: wish.actorId,
      createdAt,
      expiresAt,
    }
    return operation
  })

  /**
   * Whether there is a subscription by now. Another checkout may have been paid since somebody looked; what it came to
   * was written down before it was closed, and so before this one was kept.
   */
  const isSubscribed = ({ customer, plan }: CheckoutWish) =>
    Effect.map(subscriptions.listByCustomer(customer.id), (all) =>
      all.some(({ state }) => state.group === plan.group && isActive(state.status)),
    )

  /** Makes the checkout of an operation at the provider, or learns which it was: the request is the row's. */
  const create = ({ id, request }: CheckoutOperation, { providerId: customerId }: KnownCustomer) =>
    provider.createCheckout({ ...request, customerId }, operationKey(id, "checkout"))

  /** The open checkout of an operation that was written down. */
  const open = Effect.fnUntraced(function* (
    operation: CheckoutOperation,
    customer: KnownCustomer,
  ): Effect.fn.Return<CheckoutOutcome, SubscriptionConflict | BillingProviderError | StoreError> {
    const { id, checkoutId } = operation
    if (checkoutId !== null && operation.url !== null) return { _tag: "Open", id, url: operation.url }
    const made = yield* create(operation, customer).pipe(
      Effect.tapError(({ reason }) => (reason === "refused" ? close(id, "failed") : Effect.void)),
    )
    if (made.url === null) return yield* withoutUrl
    if (yield* operations.setCheckout(id, { checkoutId: made.id, url: made.url })) {
      return { _tag: "Open", id, url: made.url }
    }
    // Somebody wanted something else meanwhile: what was made is nobody's to pay.
    const checkout = yield* provider.expireCheckout(made.id)
    if (checkout.status === "complete") return { _tag: "Paid", checkout }
    return yield* new SubscriptionConflict({ reason: "superseded" })
  })

  const close = (id: OperationId, status: "failed" | "superseded") =>
    Effect.flatMap(DateTime.now, (now) => operations.close(id, status, now))

  /**
   * Makes room for another wish. The checkout is closed at the provider before it is closed here: whoever dies between
   * the two leaves one that nobody can pay, never one that can be paid and that nobody remembers.
   */
  const supersede = Effect.fnUntraced(function* (
    operation: CheckoutOperation,
    customer: KnownCustomer,
  ): Effect.fn.Return<ProviderCheckout | null, BillingProviderError | StoreError> {
    const { checkoutId } = operation
    // One that the provider refuses to make was never made, since it answers the same to the same key.
    const learn = create(operation, customer).pipe(
      Effect.map(({ id }) => id),
      Effect.catchIf(
        ({ reason }) => reason === "refused",
        () => Effect.succeed(null),
      ),
    )
    const made = checkoutId ?? (yield* learn)
    const checkout = made === null ? null : yield* provider.expireCheckout(made)
    if (checkout?.status === "complete") return checkout
    yield* close(operation.id, "superseded")
    return null
  })

  return {
    /** The one open checkout for a wish; what was open for another is closed. */
    open: Effect.fnUntraced(function* (
      wish: CheckoutWish,
    ): Effect.fn.Return<CheckoutOutcome, SubscriptionConflict | BillingProviderError | StoreError> {
      const { customer } = wish
      for (let attempts = 0; attempts < maximumAttempts; attempts++) {
        const wanted = yield* operationOf(wish)
        const inserted = yield* operations.insert(wanted)
        if (inserted._tag === "kept") {
          if (!(yield* isSubscribed(wish))) return yield* open(wanted, customer)
          yield* close(wanted.id, "superseded")
          return { _tag: "Subscribed" }
        }
        const { request, ...found } = inserted.operation
        // The store looks for checkouts alone.
        if (request._tag !== "Checkout") break
        const standing: CheckoutOperation = { ...found, request }
        if (found.fingerprint === wanted.fingerprint && isUsable(standing, wanted.createdAt)) {
          return yield* open(standing, customer)
        }
        const paid = yield* supersede(standing, customer)
        if (paid !== null) return { _tag: "Paid", checkout: paid }
      }
      return yield* new SubscriptionConflict({ reason: "superseded" })
    }),
  }
})

// internal

/** Every attempt that fails was beaten by another wish, so that one of them came through. */
const maximumAttempts = 3

type CheckoutOperation = Operation & { readonly request: Extract<OperationRequest, { readonly _tag: "Checkout" }> }

/** The provider takes 30 minutes to 24 hours, by its own clock and when it is asked. */
const lifetimeOf = Duration.clamp({ minimum: Duration.minutes(31), maximum: Duration.minutes(24 * 60 - 1) })

/** Whether a checkout can be gone on with: it is there and not over, or the provider would still make it. */
const isUsable = ({ checkoutId, expiresAt }: Operation, now: DateTime.Utc): boolean =>
  DateTime.isGreaterThan(expiresAt, checkoutId === null ? DateTime.addDuration(now, Duration.minutes(30)) : now)

const withoutUrl = new BillingProviderError({
  method: "createCheckout",
  reason: "unexpected",
  code: null,
  requestId: null,
  cause: new Error("The checkout has no address"),
})
