/**
 * What a look saw is written here: the state, what is told of the difference, and what is to be done about it, in one
 * transaction.
 */
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { BillingCustomer, CustomerId } from "../BillingCustomer.ts"
import { SubscriptionSummary } from "../BillingEvent.ts"
import { BillingSettings } from "../BillingSettings.ts"
import { CustomerStore } from "../CustomerStore.ts"
import { OperationId } from "../Operation.ts"
import { OperationStore } from "../OperationStore.ts"
import { defaultGroup } from "../Plan.ts"
import { Plans } from "../Plans.ts"
import type { ProviderPriceId, ProviderSubscription, ProviderSubscriptionId } from "../ProviderSubscription.ts"
import { isEnded, stateOf, type StoredSubscription, SubscriptionId, type SubscriptionState } from "../Subscription.ts"
import { between, endOf, type SubscriptionEvent, summaryOf } from "../SubscriptionChanges.ts"
import { SubscriptionStore } from "../SubscriptionStore.ts"
import type { SyncCause } from "../Synchronizations.ts"
import { WebhookEventStore } from "../WebhookEventStore.ts"
import * as Changes from "./billingChanges.ts"
import * as Seats from "./seats.ts"

/** What a look saw. `found` null: the provider has no such subscription. */
export interface Look {
  readonly providerId: ProviderSubscriptionId
  readonly customerId: CustomerId
  /** Taken before the provider was asked. */
  readonly ticket: number
  readonly found: ProviderSubscription | null
  readonly lookupKeyOf: (priceId: ProviderPriceId) => string | null
  readonly cause: SyncCause | undefined
  /** The checkout that it came from, which is done with it. */
  readonly operationId: OperationId | null
}

/** The operation that metadata name, if they name one. */
export const operationIn = (metadata: { readonly [key: string]: string }): Option.Option<OperationId> =>
  toOperationId(metadata["belfry_operation"])

/** Writes looks. */
export const make = Effect.gen(function* () {
  const changes = yield* Changes.make
  const seatsWanted = yield* Seats.make
  const customers = yield* CustomerStore
  const subscriptions = yield* SubscriptionStore
  const operations = yield* OperationStore
  const inbox = yield* WebhookEventStore
  const plans = yield* Plans
  const settings = yield* BillingSettings
  const transactions = yield* TransactionStore
  const random = yield* SecureRandom.SecureRandom

  /** Closes the event that a look is for; what is told of it, unless somebody else closed it. For a transaction. */
  const closed = Effect.fnUntraced(function* (
    cause: SyncCause | undefined,
    now: DateTime.Utc,
  ): Effect.fn.Return<ReadonlyArray<Changes.EventOf>, StoreError> {
    if (cause === undefined || !(yield* inbox.finish(cause.eventId, "done", null, now))) return []
    return [{ _tag: "ProviderEventReceived", eventId: cause.eventId, eventType: cause.envelope.type }]
  })

  /** Where a subscription came from that is told to have started. */
  const viaOf = Effect.fnUntraced(function* (
    found: ProviderSubscription | null,
    customerId: CustomerId,
  ): Effect.fn.Return<"checkout" | "elsewhere", StoreError> {
    const id = operationIn(found?.metadata ?? {})
    const operation = Option.isNone(id) ? Option.none() : yield* operations.find(id.value)
    // Anybody may copy metadata to a subscription of theirs.
    const isOurs = Option.exists(
      operation,
      (candidate) => candidate.customerId === customerId && candidate.request._tag === "Checkout",
    )
    return isOurs ? "checkout" : "elsewhere"
  })

  /** What is to be done about a subscription, by its worker. `wants`: what was to be done about it before. */
  const ask = Effect.fnUntraced(function* (
    { id: customerId, payer }: BillingCustomer,
    { id, state, wants }: Pick<StoredSubscription, "id" | "state" | "wants">,
    now: DateTime.Utc,
  ): Effect.fn.Return<void, StoreError> {
    if (isEnded(state.status)) return
    // Nobody pays on for what is gone, whenever it turned up.
    if (payer === null) return void (yield* subscriptions.requestEnd(customerId, "end-now", now))
    // The worker looks after what it did, too: what it cannot do it would be asked for again at once.
    const remind = subscriptions.remind(id, now)
    // Somebody took back at the provider what is to be.
    if (wants === "end-now" || (wants === "end-with-period" && endOf(state) === null)) return yield* remind
    if (state.seats === null || state.status === "incomplete") return
    const plan = state.plan === null ? undefined : yield* plans.find(state.plan)
    const wanted = plan === undefined ? null : yield* seatsWanted(payer, plan)
    if (wanted !== null && wanted !== state.seats) yield* remind
  })

  return {
    closed,
    changes,
    /** Writes what a look saw. */
    write: Effect.fnUntraced(function* (
      look: Look,
    ): Effect.fn.Return<"applied" | "stale" | "foreign" | "absent", StoreError> {
      const { providerId, ticket, found, cause, operationId } = look
      return yield* transactions.run(
        Effect.gen(function* () {
          const locked = yield* customers.lock(look.customerId)
          if (Option.isNone(locked)) return "foreign"
          const customer = locked.value
          const customerId = customer.id
          // Read under the lock: of two looks that saw the same difference, the second sees none.
          const previous = Option.getOrNull(yield* subscriptions.findByProvider(providerId))
          if (found === null && previous === null) return "absent"
          const now = yield* DateTime.now
          const before = previous?.state ?? null
          const after = found === null ? absent(before, now) : yield* stateFrom(found, before, look)
          if (after === null) return "absent"
          const milestones = previous?.milestones ?? new Set()
          const { trialNotice } = settings
          const via = milestones.has("started") ? "elsewhere" : yield* viaOf(found, customerId)
          const difference = between({ before, after, milestones, via, now, trialNotice })
          const id = previous?.id ?? SubscriptionId.make(yield* random.uuidV7())
          const state = { state: after, milestones: difference.milestones }
          const isApplied = yield* subscriptions.apply({ id, customerId, providerId, ticket, ...state, now })
          if (isApplied) {
            if (beganTrial(before, after)) yield* customers.claimTrial(customerId, after.group, now)
            yield* ask(customer, { id, state: after, wants: previous?.wants ?? null }, now)
          }
          if (operationId !== null) yield* operations.close(operationId, "done", now)
          const told = isApplied ? difference.events : []
          const events = told.map((event) => ({ ...event, subscriptionId: id, plan: after.plan }))
          const audits = told.length === 0 ? [] : saidOf(told, { id, before, after })
          yield* changes.record({ customer, doer: null, audits, events: [...events, ...(yield* closed(cause, now))] })
          return isApplied ? "applied" : "stale"
        }),
      )
    }),
  }

  function stateFrom(found: ProviderSubscription, before: SubscriptionState | null, { lookupKeyOf }: Look) {
    const previousGroup = before?.group ?? defaultGroup
    return Effect.map(plans.all, (all): SubscriptionState | null => stateOf(found, all, { previousGroup, lookupKeyOf }))
  }
})

// internal

const toOperationId = Schema.decodeUnknownOption(OperationId)

/** A subscription that the provider has no more. What was over stays as it ended. */
const absent = (before: SubscriptionState | null, now: DateTime.Utc): SubscriptionState | null =>
  before === null || isEnded(before.status)
    ? before
    : {
        ...before,
        status: "canceled",
        endedAt: now,
        endedBecause: "absent",
        scheduleId: null,
        scheduled: null,
        pastDue: null,
      }

const beganTrial = (before: SubscriptionState | null, after: SubscriptionState): boolean =>
  after.trialStart !== null && (before === null || before.trialStart === null || before.group !== after.group)

/** What the audit log says of a difference: that it started, that it ended, else that it changed. */
const saidOf = (
  told: ReadonlyArray<SubscriptionEvent>,
  about: {
    readonly id: StoredSubscription["id"]
    readonly before: SubscriptionState | null
    readonly after: SubscriptionState
  },
): ReadonlyArray<Changes.Said> => {
  const has = (tag: SubscriptionEvent["_tag"]): boolean => told.some(({ _tag }) => _tag === tag)
  const ends = [
    ...(has("SubscriptionStarted") ? ["billing.subscription-started"] : []),
    ...(has("SubscriptionEnded") ? ["billing.subscription-ended"] : []),
  ]
  const types = ends.length > 0 ? ends : has("SubscriptionChanged") ? ["billing.subscription-changed"] : []
  const [was, is] = [about.before === null ? {} : factsOf(about.before), factsOf(about.after)]
  const changed = Object.keys(is).filter((key) => !Equal.equals(was[key], is[key]))
  const only = (facts: { readonly [key: string]: Schema.Json }) =>
    Object.fromEntries(changed.flatMap((key) => (facts[key] === undefined ? [] : [[key, facts[key]]])))
  return types.map((type) => ({
    type,
    data: { subscriptionId: about.id },
    ...(about.before === null ? {} : { before: only(was) }),
    after: only(is),
  }))
}

const encodeSummary = Schema.encodeSync(Schema.toCodecJson(SubscriptionSummary))

const isFacts = Schema.is(Schema.Record(Schema.String, Schema.Json))

const factsOf = (state: SubscriptionState): { readonly [key: string]: Schema.Json } => {
  const encoded = encodeSummary(summaryOf(state))
  return isFacts(encoded) ? encoded : {}
}
