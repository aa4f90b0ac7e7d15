/**
 * The life of a world of chaos, and what must be true in the end: what stands here is what Stripe has, and the host was
 * told everything once.
 */
import { OutboxDeliveries } from "@belfry/core/OutboxDeliveries"
import { OutboxStore } from "@belfry/core/OutboxStore"
import { BillingEvent } from "@belfry/billing/BillingEvent"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { ProviderSubscriptionId } from "@belfry/billing/ProviderSubscription"
import { Reconciliations } from "@belfry/billing/Reconciliations"
import { isEnded, stateOf } from "@belfry/billing/Subscription"
import { summaryOf } from "@belfry/billing/SubscriptionChanges"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { SubscriptionWork } from "@belfry/billing/SubscriptionWork"
import { WebhookEventStore } from "@belfry/billing/WebhookEventStore"
import { WebhookInbox } from "@belfry/billing/WebhookInbox"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import { Duration, Effect, Exit, Layer, Option, References, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { strict as assert } from "node:assert"
import { definition } from "./Buying.ts"
import { layerGround, type Machine, makeMachine, receiver } from "./Chaos.ts"
import { chance, hero, step } from "./ChaosSteps.ts"

/** Which world. `drops`: how many of one webhook never come. */
export interface World {
  readonly seed: number
  readonly drops: number
}

/** What was compared and counted in a world that ended well. */
export interface Ending {
  readonly compared: number
  readonly told: number
  readonly kills: number
}

/** How many histories a world has. */
export const inWorld = 40

/** Lives through a world, and dies where it does not end as it must. */
export const run = ({ drops, seed }: World): Effect.Effect<Ending> =>
  Effect.gen(function* () {
    const machine = yield* makeMachine
    yield* receiver(machine)
    const heroes = yield* live(machine, { seed, drops })
    yield* settle(machine)
    if (drops > 0) {
      yield* succeed(
        machine,
        Reconciliations.use(({ all, missedEvents }) => Effect.andThen(missedEvents, all)),
      )
      yield* settle(machine)
    }
    const compared = yield* assertEqual
    yield* assertSeats(heroes)
    return { compared, told: yield* assertTold, kills: machine.kills() }
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.merge(layerGround, Layer.succeed(References.TracerEnabled, false))),
    Effect.provide(TestClock.layer()),
    Effect.orDie,
  )

// internal

/** How calls fail. What is kept silent takes the longest, so it comes seldom. */
const kinds = ["before", "after", "429", "409", "kept", "before", "after", "429", "409", "timeout"] as const

const work = SubscriptionWork.use(({ work }) => work)
const deliver = OutboxDeliveries.use(({ deliver }) => deliver)
const sweep = WebhookInbox.use(({ sweep }) => sweep)
const overdue = Reconciliations.use(({ overdueOperations }) => overdueOperations)
const orphans = Reconciliations.use(({ orphans }) => orphans)
const jobs = [work, deliver, sweep, overdue, orphans]

/** Lives through the histories of a world, all side by side. */
const live = Effect.fnUntraced(function* (machine: Machine, { drops: drop, seed }: World) {
  const local = yield* LocalStripe
  const luck = chance(seed)
  const heroes = yield* Effect.forEach(Array.from({ length: inWorld }), (_, place) => hero(seed * 1000 + place))
  local.failing({ rate: 0.2, seed, kinds })
  for (let round = 0; heroes.some(({ steps }) => steps > 0); round++) {
    for (const who of heroes) {
      if (who.steps-- <= 0) continue
      yield* step(machine, who)
      if (luck.next() < 0.3) yield* machine.killAt(luck.within(1, 60))
      if (luck.next() < 0.2) yield* machine.attempt(jobs[luck.within(0, jobs.length - 1)] ?? work)
      if (luck.next() < 0.2) {
        const order = { shuffle: seed * 100 + round, twice: 0.3, drop }
        yield* local.deliveries.flush(order)
      }
      yield* machine.spare
    }
    const moment = Duration.minutes(2)
    yield* TestClock.adjust(luck.of([moment, moment, Duration.hours(3), Duration.days(luck.within(1, 40))]))
    yield* local.advance(0)
  }
  local.failing(undefined)
  return heroes
})

/** Has the process do what must not fail any more. */
const succeed = <A, E>(machine: Machine, job: Parameters<typeof machine.attempt<A, E>>[0]) =>
  Effect.flatMap(machine.attempt(job), (exit) => (Exit.isFailure(exit) ? Effect.failCause(exit.cause) : Effect.void))

/** Lets everything that is on its way arrive, until nothing is. */
const settle = Effect.fnUntraced(function* (machine: Machine) {
  const local = yield* LocalStripe
  const events = yield* WebhookEventStore
  const outbox = yield* OutboxStore
  const all = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.repeat(effect, { while: (count) => count !== 0 })
  for (let round = 0; round < 60; round++) {
    yield* TestClock.adjust("6 hours")
    yield* local.advance(0)
    yield* local.deliveries.flush({ shuffle: round, twice: 0.3 })
    for (const job of [overdue, orphans, all(sweep), all(work), all(deliver)]) yield* succeed(machine, job)
    const waiting = yield* events.list({ status: "waiting", after: null, limit: 1 })
    const isQuiet = local.deliveries.waiting().length === 0 && waiting.length === 0
    if (isQuiet && (yield* outbox.waitsSince) === null && round > 8) return
  }
  return yield* Effect.die(new Error("It never becomes quiet"))
})

/** What stands here is what Stripe has, for every subscription of every customer that was made here. */
const assertEqual = Effect.gen(function* () {
  const local = yield* LocalStripe
  const provider = yield* BillingProvider
  const subscriptions = yield* SubscriptionStore
  const { customers, subscriptions: there, prices } = local.objects()
  const lookupKeyOf = (id: string) => prices[id]?.lookup_key ?? null
  let compared = 0
  for (const { id, customer } of Object.values(there)) {
    const providerId = ProviderSubscriptionId.make(id)
    const found = Option.getOrThrow(yield* provider.findSubscription(providerId))
    const here = yield* subscriptions.findByProvider(providerId)
    if (Option.isNone(here)) {
      // Of a customer whom Stripe deleted, it tells nobody any more whose it was; and it ended what that had.
      assert.ok(isEnded(found.status) && customers[String(customer)]?.deleted === true, `${id} is not here`)
      continue
    }
    const previousGroup = here.value.state.group
    const expected = stateOf(found, definition.rules.plans, { previousGroup, lookupKeyOf })
    assert.deepStrictEqual(here.value.state, expected, id)
    compared++
  }
  return compared
})

/** Seats are those that memberships take, of whatever goes on. */
const assertSeats = Effect.fnUntraced(function* (heroes: Effect.Success<ReturnType<typeof live>>) {
  const subscriptions = yield* SubscriptionStore
  const customers = yield* CustomerStore
  for (const { payer, organizationId } of heroes) {
    if (organizationId === null) continue
    const facts = yield* customers.facts(payer)
    for (const { state } of yield* subscriptions.listByPayer(payer)) {
      const isPaid = state.status === "active" || state.status === "trialing"
      if (Option.isSome(facts) && state.seats !== null && isPaid) assert.strictEqual(state.seats, facts.value.seats)
    }
  }
})

const decode = Schema.decodeUnknownSync(Schema.toCodecJson(BillingEvent))

/** The host was told every event once, every milestone once, and changes that chain up to how it stands. */
const assertTold = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const subscriptions = yield* SubscriptionStore
  const rows = yield* sql<{ readonly id: string; readonly event: string }>`
    SELECT id::text AS id, event::text AS event FROM told ORDER BY place`
  assert.strictEqual(new Set(rows.map(({ id }) => id)).size, rows.length, "a hook ran twice")
  const events = rows.map(({ event }) => decode(JSON.parse(event)))
  const received = events.flatMap((event) => (event._tag === "ProviderEventReceived" ? [event.eventId] : []))
  assert.strictEqual(new Set(received).size, received.length, "an event of Stripe was told of twice")
  const once = new Set(["SubscriptionStarted", "TrialStarted", "TrialEnding", "TrialEnded", "SubscriptionEnded"])
  const seen = new Set<string>()
  const standing = new Map<string, unknown>()
  for (const event of events) {
    if (!("subscriptionId" in event)) continue
    const key = `${event._tag} ${event.subscriptionId}`
    assert.ok(!once.has(event._tag) || !seen.has(key), key)
    seen.add(key)
    if (event._tag === "SubscriptionStarted") standing.set(event.subscriptionId, event.summary)
    if (event._tag !== "SubscriptionChanged") continue
    assert.deepStrictEqual(event.before, standing.get(event.subscriptionId), "changes do not chain")
    standing.set(event.subscriptionId, event.after)
  }
  for (const [id, summary] of standing) {
    const row = (yield* sql<{ readonly provider_id: string }>`
      SELECT provider_id FROM belfry_billing_subscriptions WHERE id = ${id}`)[0]
    const providerId = ProviderSubscriptionId.make(row?.provider_id ?? "none")
    const { state } = Option.getOrThrow(yield* subscriptions.findByProvider(providerId))
    assert.deepStrictEqual(summary, summaryOf(state))
  }
  return rows.length
})
