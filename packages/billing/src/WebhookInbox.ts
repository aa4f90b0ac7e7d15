/**
 * The inbox of webhooks: genuine ones are kept first, dealt with then, and never counted twice.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import type { RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ProviderCustomerId } from "./BillingCustomer.ts"
import { BillingProvider } from "./BillingProvider.ts"
import type { BillingProviderError } from "./BillingProviderError.ts"
import { rateLimits } from "./BillingRateLimits.ts"
import { BillingSettings } from "./BillingSettings.ts"
import { CustomerStore } from "./CustomerStore.ts"
import * as Changes from "./internal/billingChanges.ts"
import { logFailure } from "./internal/failures.ts"
import { ProviderCheckoutId, ProviderSubscriptionId } from "./ProviderSubscription.ts"
import { type SyncCause, type SyncOutcome, Synchronizations } from "./Synchronizations.ts"
import {
  type WebhookEvent,
  type WebhookEventId,
  WebhookEventNotFound,
  type WebhookReason,
  type WebhookRefused,
  type WebhookStatus,
} from "./WebhookEvent.ts"
import { WebhookEventStore } from "./WebhookEventStore.ts"

/**
 * Webhooks and events that were taken up, by what became of them: a status of an event, `failed`, or `refused`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const webhooksTotal = Metric.counter("belfry_billing_webhooks_total", {
  description: "Webhooks and events of the billing provider, by what became of them",
  incremental: true,
})

/**
 * The inbox of webhooks.
 *
 * @category services
 * @since 0.1.0
 */
export class WebhookInbox extends Context.Service<
  WebhookInbox,
  {
    /**
     * Takes a webhook in: refused where it is not genuine; kept, dealt with, closed. Succeeds only when what it says is
     * durable here, or it is about nothing of ours, or it is parked. Fails where it could not be dealt with, so that it
     * is sent again; it is kept, and the sweep tries too.
     */
    readonly receive: (request: {
      readonly body: Uint8Array
      readonly signature: string | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<WebhookEvent, WebhookRefused | RateLimited | BillingProviderError | StoreError>
    /** Deals with an event anew, whatever became of it. */
    readonly replay: (
      id: WebhookEventId,
    ) => Effect.Effect<WebhookEvent, WebhookEventNotFound | BillingProviderError | StoreError>
    /** Deals with events that are due, 50 at most; how many were taken up. Failures are counted, not failed with. */
    readonly sweep: Effect.Effect<number, StoreError>
    readonly list: (options?: {
      readonly status?: WebhookStatus | undefined
      readonly after?: WebhookEventId | undefined
      readonly limit?: number | undefined
    }) => Effect.Effect<ReadonlyArray<WebhookEvent>, StoreError>
  }
>()("@belfry/billing/WebhookInbox") {}

/**
 * Makes the service.
 *
 * **Details**
 *
 * An event is kept in a transaction of its own before anything is done about it, and due for the sweep a minute later:
 * whoever dies in between leaves it to that. What it is about is asked for; what it says of it is not believed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const audit = yield* Audit
  const changes = yield* Changes.make
  const customers = yield* CustomerStore
  const events = yield* WebhookEventStore
  const limits = yield* RateLimits
  const provider = yield* BillingProvider
  const settings = yield* BillingSettings
  const synchronizations = yield* Synchronizations
  const transactions = yield* TransactionStore

  const ignore = (event: WebhookEvent, reason: WebhookReason) =>
    Effect.gen(function* () {
      const now = yield* DateTime.now
      yield* events.finish(event.id, "ignored", reason, now)
      return { ...event, status: "ignored", reason, dueAt: null, doneAt: now } as const
    })

  const park = (event: WebhookEvent, reason: WebhookReason) =>
    Effect.as(events.fail(event.id, reason, null), {
      ...event,
      status: "parked",
      reason,
      attempts: event.attempts + 1,
      dueAt: null,
    } as const)

  /** An event of a type that changes nothing here: hosts are told of those of their customers. */
  const tell = Effect.fnUntraced(function* (event: WebhookEvent): Effect.fn.Return<SyncOutcome, StoreError> {
    const id = toCustomerId(event.customerId)
    const known = Option.isNone(id) ? Option.none() : yield* customers.findByProvider(id.value)
    if (Option.isNone(known)) return "absent"
    yield* transactions.run(
      Effect.gen(function* () {
        const customer = Option.getOrElse(yield* customers.lock(known.value.id), () => known.value)
        if (!(yield* events.finish(event.id, "done", null, yield* DateTime.now))) return
        const received = { _tag: "ProviderEventReceived", eventId: event.id, eventType: event.type } as const
        yield* changes.record({ customer, doer: null, audits: [], events: [received] })
      }),
    )
    return "applied"
  })

  /** Has what an event is about looked at. */
  const follow = (event: WebhookEvent): Followed => {
    const cause: SyncCause = { eventId: event.id, envelope: event }
    const { type, objectId, subscriptionId } = event
    const look = <Id>(id: Option.Option<Id>, at: (id: Id, cause: SyncCause) => Followed): Followed =>
      Option.isNone(id) ? Effect.succeed("malformed") : at(id.value, cause)
    if (type.startsWith("customer.subscription."))
      return look(toSubscriptionId(objectId), synchronizations.subscription)
    if (type.startsWith("checkout.session.")) return look(toCheckoutId(objectId), synchronizations.checkout)
    if (type === "customer.updated" || type === "customer.deleted") {
      return look(toCustomerId(objectId), synchronizations.providerCustomer)
    }
    const isOfSubscription = type.startsWith("invoice.") || type.startsWith("subscription_schedule.")
    // An invoice or a schedule of no subscription is nothing of ours.
    if (isOfSubscription && subscriptionId !== null) {
      return look(toSubscriptionId(subscriptionId), synchronizations.subscription)
    }
    return Effect.map(tell(event), (outcome) => (outcome === "applied" ? "applied" : "type"))
  }

  const settle = Effect.fnUntraced(function* (
    event: WebhookEvent,
  ): Effect.fn.Return<WebhookEvent, BillingProviderError | StoreError> {
    if (event.isLive !== provider.isLive) return yield* ignore(event, "mode")
    const outcome = yield* follow(event)
    switch (outcome) {
      case "applied":
      case "stale":
        return { ...event, status: "done", reason: null, dueAt: null, doneAt: yield* DateTime.now }
      case "foreign":
      case "absent":
        return yield* ignore(event, "foreign")
      case "type":
        return yield* ignore(event, "type")
      case "malformed":
        return yield* park(event, "malformed")
    }
  })

  /** Deals with an event; what fails is kept, for later or for a replay. */
  const deal = Effect.fnUntraced(function* (
    event: WebhookEvent,
  ): Effect.fn.Return<WebhookEvent, BillingProviderError | StoreError> {
    const exit = yield* Effect.exit(settle(event))
    if (Exit.isSuccess(exit)) {
      yield* count(exit.value.status)
      return exit.value
    }
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* exit
    yield* count("failed")
    const reason = reasonOf(exit.cause)
    yield* Effect.annotateLogs(logFailure("An event of the billing provider could not be dealt with", exit.cause), {
      eventId: event.id,
      type: event.type,
      attempt: event.attempts + 1,
    })
    if (event.attempts + 1 >= settings.webhookAttempts) return yield* park(event, reason)
    const retryAt = DateTime.addDuration(yield* DateTime.now, waitAfter(event.attempts))
    // Where the store is away it is still due, a minute after it came.
    yield* Effect.ignore(events.fail(event.id, reason, retryAt), { log: "Warn" })
    return yield* exit
  })

  return WebhookInbox.of({
    receive: Effect.fn("WebhookInbox.receive")(function* ({ body, signature, client }) {
      const now = yield* DateTime.now
      const envelope = yield* Effect.tapError(provider.readWebhook({ body, signature, now }), () =>
        Effect.andThen(
          count("refused"),
          settings.limitsRates
            ? limits.consume(rateLimits.refusedWebhookByClient, rateLimitSubject(client.ipAddress))
            : Effect.void,
        ),
      )
      const dueAt = DateTime.addDuration(now, Duration.minutes(1))
      const { event } = yield* events.receive(envelope, { now, dueAt })
      return event.status === "waiting" ? yield* deal(event) : event
    }),
    replay: Effect.fn("WebhookInbox.replay")(function* (id) {
      const event = yield* transactions.run(
        Effect.gen(function* () {
          const reopened = yield* events.reopen(id, yield* DateTime.now)
          if (Option.isNone(reopened)) return yield* new WebhookEventNotFound({ id })
          const { type } = reopened.value
          yield* audit.record({ type: "billing.event-replayed", data: { eventId: id, eventType: type } })
          return reopened.value
        }),
      )
      return yield* deal(event)
    }),
    sweep: Effect.gen(function* () {
      const now = yield* DateTime.now
      const due = yield* events.claim({ now, until: DateTime.addDuration(now, claimedFor), limit: 50 })
      yield* Effect.forEach(due, (event) => Effect.exit(deal(event)), { concurrency: 4, discard: true })
      return due.length
    }).pipe(Effect.withSpan("WebhookInbox.sweep")),
    list: ({ status = null, after = null, limit = 50 } = {}) =>
      events.list({ status, after, limit: Math.min(Math.max(limit, 1), 200) }),
  })
})

/**
 * Layer of the service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(WebhookInbox, make)

// internal

/** What following an event came to: of looks, or that it has ids of no known form, or is of a type without looks. */
type Followed = Effect.Effect<SyncOutcome | "malformed" | "type", BillingProviderError | StoreError>

const toSubscriptionId = Schema.decodeUnknownOption(ProviderSubscriptionId)
const toCheckoutId = Schema.decodeUnknownOption(ProviderCheckoutId)
const toCustomerId = Schema.decodeUnknownOption(ProviderCustomerId)

/** For how long a node has the events that it took up; after that, others do. */
const claimedFor = Duration.minutes(5)

const waitAfter = (attempts: number): Duration.Duration =>
  Duration.min(Duration.minutes(2 ** Math.min(attempts, 10)), Duration.hours(6))

const count = (status: WebhookStatus | "failed" | "refused") =>
  Metric.update(Metric.withAttributes(webhooksTotal, { status }), 1)

const reasonOf = (cause: Cause.Cause<BillingProviderError | StoreError>): WebhookReason => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined) return "unexpected"
  if (error._tag === "StoreError") return "store"
  return error.reason === "unexpected" ? "unexpected" : "provider"
}
