/**
 * Subscriptions in memory.
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
import { payerKey } from "./internal/memoryPayers.ts"
import { MemoryBillingTables, type SubscriptionRow } from "./MemoryBillingTables.ts"
import type { Payer } from "./Payer.ts"
import { isEnded, type StoredSubscription } from "./Subscription.ts"
import { type SubscriptionLease, SubscriptionStore } from "./SubscriptionStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { customerOf, customers, subscriptions, tickets } = yield* MemoryBillingTables

  const where = (isMeant: (subscription: StoredSubscription) => boolean): ReadonlyArray<SubscriptionRow> =>
    [...subscriptions.values()].filter(({ subscription }) => isMeant(subscription))
  const ofCustomer = (id: CustomerId | undefined): ReadonlyArray<StoredSubscription> =>
    where(({ customerId }) => customerId === id)
      .map(({ subscription }) => subscription)
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, 200)
  const change = (row: SubscriptionRow, patch: Partial<SubscriptionRow>): SubscriptionRow => {
    const changed = { ...row, ...patch }
    subscriptions.set(row.subscription.id, changed)
    return changed
  }
  /** Has work done on all that are meant: at once, unless nothing else is wanted and who asks has time. */
  const ask = (
    isMeant: (subscription: StoredSubscription) => boolean,
    now: DateTime.Utc,
    {
      hasTime = false,
      wanted = (before) => before,
    }: {
      readonly hasTime?: boolean
      readonly wanted?: (before: StoredSubscription["wants"]) => StoredSubscription["wants"]
    } = {},
  ) =>
    tables.statement(() => {
      const rows = where(isMeant)
      for (const row of rows) {
        const { asked, dueAt, subscription } = row
        const wants = wanted(subscription.wants)
        const inTurn = hasTime && wants === subscription.wants
        change(row, {
          subscription: { ...subscription, wants },
          asked: asked + 1,
          dueAt: dueAt === null ? now : inTurn ? dueAt : DateTime.min(dueAt, now),
        })
      }
      return Effect.succeed(rows.length)
    })
  const isPaidBy = ({ customerId }: StoredSubscription, payer: Payer, andTeams: boolean): boolean => {
    const paying = customers.get(customerId)?.payer ?? null
    if (paying === null) return false
    if (payerKey(paying) === payerKey(payer)) return true
    return (
      andTeams &&
      payer._tag === "Organization" &&
      paying._tag === "Team" &&
      paying.organizationId === payer.organizationId
    )
  }

  return SubscriptionStore.of({
    find: (id) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(subscriptions.get(id)?.subscription))),
    findByProvider: (id) =>
      tables.statement(() =>
        Effect.succeed(Option.fromUndefinedOr(where(({ providerId }) => providerId === id)[0]?.subscription)),
      ),
    listByPayer: (payer) => tables.statement(() => Effect.succeed(ofCustomer(customerOf(payer)?.id))),
    listByCustomer: (id) => tables.statement(() => Effect.succeed(ofCustomer(id))),
    ticket: (id) =>
      tables.statement(() => {
        const taken = (tickets.get(id) ?? 0) + 1
        tickets.set(id, taken)
        return Effect.succeed(taken)
      }),
    apply: ({ customerId, id, milestones, now, providerId, state, ticket }) =>
      tables.statement(() => {
        const [row] = where((subscription) => subscription.providerId === providerId)
        if (row !== undefined) {
          const { subscription } = row
          if (subscription.applied >= ticket || subscription.customerId !== customerId) return Effect.succeed(false)
          change(row, { subscription: { ...subscription, state, milestones, applied: ticket, updatedAt: now } })
          return Effect.succeed(true)
        }
        if (!customers.has(customerId)) return refuse("SubscriptionStore", "apply", "the customer exists")
        if (subscriptions.has(id)) return refuse("SubscriptionStore", "apply", "unique id")
        subscriptions.set(id, {
          subscription: {
            id,
            customerId,
            providerId,
            state,
            milestones,
            applied: ticket,
            wants: null,
            createdAt: now,
            updatedAt: now,
          },
          ...idle,
        })
        return Effect.succeed(true)
      }),
    request: (target, now) =>
      ask(
        target._tag === "Subscription"
          ? ({ id }) => id === target.id
          : (subscription) =>
              subscription.state.seats !== null &&
              !isEnded(subscription.state.status) &&
              isPaidBy(subscription, target.payer, target.andTeams),
        now,
      ),
    remind: (id, now) => Effect.asVoid(ask((subscription) => subscription.id === id, now, { hasTime: true })),
    requestEnd: (customerId, wants, now) =>
      ask((subscription) => subscription.customerId === customerId && !isEnded(subscription.state.status), now, {
        hasTime: true,
        wanted: (before) => (before === "end-now" ? before : wants),
      }),
    withdrawEnd: (customerId, now) =>
      ask((subscription) => subscription.customerId === customerId && subscription.wants === "end-with-period", now, {
        wanted: () => null,
      }),
    claimWork: ({ lease, limit, now, until }) =>
      tables.statement(() => {
        const due = [...subscriptions.values()]
          .flatMap((row) => (row.dueAt === null ? [] : [{ row, dueAt: row.dueAt }]))
          .filter(({ row, dueAt }) => DateTime.isLessThanOrEqualTo(dueAt, now) && isFree(row, now))
          .sort((a, b) => a.dueAt.epochMilliseconds - b.dueAt.epochMilliseconds)
          .slice(0, limit)
        return Effect.succeed(
          due.map(({ row }) => toLease(change(row, { lease, leasedUntil: until, dueAt: until }), lease)),
        )
      }),
    lease: ({ id, lease, now, until }) =>
      tables.statement(() => {
        const row = subscriptions.get(id)
        if (row === undefined || !isFree(row, now)) return Effect.succeedNone
        // What was due before stays due: whoever holds this lease does something else.
        const leased = toLease(change(row, { lease, leasedUntil: until }), lease)
        return Effect.succeedSome({ ...leased, asked: row.dueAt === null ? leased.asked : leased.asked - 1 })
      }),
    settle: ({ asked, id, lease, now, retryAt }) =>
      tables.statement(() => {
        const row = subscriptions.get(id)
        if (row?.lease !== lease) return Effect.succeed(false)
        change(row, {
          lease: null,
          leasedUntil: null,
          attempts: retryAt === null ? 0 : row.attempts + 1,
          dueAt: retryAt ?? (row.asked > asked ? now : null),
        })
        return Effect.succeed(true)
      }),
    listTrialsEnding: (before, limit) =>
      tables.statement(() =>
        Effect.succeed(
          where(({ milestones, state }) => state.status === "trialing" && !milestones.has("trial-ending"))
            .flatMap(({ subscription }) => {
              const { trialEnd } = subscription.state
              return trialEnd !== null && DateTime.isLessThan(trialEnd, before) ? [{ subscription, trialEnd }] : []
            })
            .sort((a, b) => a.trialEnd.epochMilliseconds - b.trialEnd.epochMilliseconds)
            .slice(0, limit)
            .map(({ subscription }) => subscription),
        ),
      ),
  })
})

/**
 * Layer that keeps subscriptions in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SubscriptionStore, never, MemoryBillingTables | MemoryTables> = Layer.effect(
  SubscriptionStore,
  make,
)

// internal

const idle = { asked: 0, attempts: 0, dueAt: null, lease: null, leasedUntil: null }

const isFree = ({ leasedUntil }: SubscriptionRow, now: DateTime.Utc): boolean =>
  leasedUntil === null || DateTime.isLessThanOrEqualTo(leasedUntil, now)

const toLease = ({ asked, attempts, subscription }: SubscriptionRow, lease: string): SubscriptionLease => ({
  subscription,
  lease,
  asked,
  attempts,
})
