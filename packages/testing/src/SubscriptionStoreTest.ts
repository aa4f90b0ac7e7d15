/**
 * Contract suite of {@link SubscriptionStore}.
 *
 * @since 0.1.0
 */
import type { CustomerStore } from "@belfry/billing/CustomerStore"
import type { Payer } from "@belfry/billing/Payer"
import type { StoredSubscription, SubscriptionId } from "@belfry/billing/Subscription"
import { type SubscriptionLease, SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import type { UserStore } from "@belfry/core/UserStore"
import type { OrganizationStore } from "@belfry/organization/OrganizationStore"
import type { TeamStore } from "@belfry/organization/TeamStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as BillingBuilders from "./BillingBuilders.ts"
import * as OrganizationBuilders from "./OrganizationBuilders.ts"

/**
 * The stores that the suite works with.
 *
 * @category models
 * @since 0.1.0
 */
export type Stores = CustomerStore | OrganizationStore | SubscriptionStore | TeamStore | UserStore

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<Stores, E>): void =>
  withLayer(layer)(`SubscriptionStore (${name})`, (it) => {
    it.effect("gives a subscription back as it was written, however it is looked for", () =>
      Effect.gen(function* () {
        const subscriptions = yield* SubscriptionStore
        const customer = yield* BillingBuilders.storedCustomer()
        const now = yield* DateTime.now
        const state = yield* BillingBuilders.state({
          status: "past_due",
          seats: 3,
          trialStart: now,
          trialEnd: DateTime.add(now, { days: 14 }),
          endedBecause: "“x” \0 🦉".replace("\0", ""),
          scheduled: { plan: null, interval: "year", seats: null, startsAt: now },
          pastDue: { invoiceId: "in_1", amountDue: 1200, currency: "eur", payUrl: null, nextAttemptAt: now },
        })
        const milestones = new Set(["started", "trial-started"] as const)
        const stored = yield* BillingBuilders.storedSubscription(customer, { ...state, milestones })
        assert.deepStrictEqual(stored, {
          id: stored.id,
          customerId: customer.id,
          providerId: stored.providerId,
          state,
          milestones,
          applied: 1,
          wants: null,
          createdAt: now,
          updatedAt: now,
        })
        const second = yield* BillingBuilders.storedSubscription(customer)
        yield* BillingBuilders.storedSubscription(yield* BillingBuilders.storedCustomer())
        assert.deepStrictEqual(yield* subscriptions.find(stored.id), Option.some(stored))
        assert.deepStrictEqual(yield* subscriptions.listByCustomer(customer.id), [second, stored])
        assert.deepStrictEqual(yield* subscriptions.listByPayer(customer.payer), [second, stored])
        assert.deepStrictEqual(yield* subscriptions.listByPayer(yield* BillingBuilders.storedPayer), [])
        assert.deepStrictEqual(yield* subscriptions.find(yield* BillingBuilders.subscriptionId), Option.none())
        const nowhere = yield* BillingBuilders.providerSubscriptionId
        assert.deepStrictEqual(yield* subscriptions.findByProvider(nowhere), Option.none())
      }),
    )

    it.effect("gives every look a ticket of its own, each subscription by itself", () =>
      Effect.gen(function* () {
        const { ticket } = yield* SubscriptionStore
        const id = yield* BillingBuilders.providerSubscriptionId
        const tickets = yield* atOnce(20, () => ticket(id))
        assert.deepStrictEqual(
          tickets.toSorted((a, b) => a - b),
          Array.from({ length: 20 }, (_, index) => index + 1),
        )
        assert.strictEqual(yield* ticket(yield* BillingBuilders.providerSubscriptionId), 1)
      }),
    )

    it.effect("writes what the latest look saw, in whatever order looks are written", () =>
      Effect.gen(function* () {
        const subscriptions = yield* SubscriptionStore
        const { customer, subscription } = yield* begin
        const later = DateTime.add(subscription.createdAt, { hours: 1 })
        const apply = Effect.fnUntraced(function* (ticket: number, customerId = customer.id) {
          const { providerId } = subscription
          const state = yield* BillingBuilders.state({ seats: ticket })
          const id = yield* BillingBuilders.subscriptionId
          const milestones = new Set(["started"] as const)
          return yield* subscriptions.apply({ id, customerId, providerId, ticket, state, milestones, now: later })
        })
        assert.isTrue(yield* apply(5))
        const stranger = yield* BillingBuilders.storedCustomer()
        for (const stale of [apply(5), apply(4), apply(1), apply(6, stranger.id)]) assert.isFalse(yield* stale)
        const found = Option.getOrThrow(yield* subscriptions.find(subscription.id))
        assert.deepStrictEqual(found, {
          ...subscription,
          state: { ...subscription.state, seats: 5 },
          milestones: new Set(["started"] as const),
          applied: 5,
          updatedAt: later,
        })
        const many = yield* Effect.all(
          [9, 7, 15, 8, 6, 12, 11].map((ticket) => apply(ticket)),
          { concurrency: "unbounded" },
        )
        assert.isTrue(many[2])
        const last = Option.getOrThrow(yield* subscriptions.find(subscription.id))
        assert.deepStrictEqual([last.applied, last.state.seats], [15, 15])
      }),
    )

    it.effect("writes no subscription of nobody", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          Effect.gen(function* () {
            return yield* (yield* SubscriptionStore).apply({
              id: yield* BillingBuilders.subscriptionId,
              customerId: yield* BillingBuilders.customerId,
              providerId: yield* BillingBuilders.providerSubscriptionId,
              ticket: 1,
              state: yield* BillingBuilders.state(),
              milestones: new Set(),
              now: yield* DateTime.now,
            })
          }),
        )
        assert.strictEqual(error._tag, "StoreError")
      }),
    )

    it.effect("has work that is asked for done by one worker, until its lease ends", () =>
      Effect.gen(function* () {
        const { request } = yield* SubscriptionStore
        const { subscription, now } = yield* begin
        assert.isUndefined(yield* claimed(subscription.id, now))
        const { id } = subscription
        assert.strictEqual(yield* request({ _tag: "Subscription", id }, now), 1)
        assert.strictEqual(yield* request({ _tag: "Subscription", id }, DateTime.add(now, { hours: 1 })), 1)
        const claims = yield* atOnce(8, () => claimed(id, now))
        const [claim = assert.fail(), ...others] = claims.filter((each) => each !== undefined)
        assert.deepStrictEqual(others, [])
        assert.deepStrictEqual(claim, { subscription, lease: claim.lease, asked: 2, attempts: 0 })
        assert.isUndefined(yield* claimed(id, DateTime.add(now, { seconds: 89 })))
        const again = (yield* claimed(id, until(now))) ?? assert.fail()
        assert.strictEqual(again.asked, 2)
        assert.isFalse(yield* settled(claim, now))
        assert.isTrue(yield* settled(again, now))
        assert.isFalse(yield* settled(again, now))
        assert.isUndefined(yield* claimed(id, DateTime.add(now, { days: 1 })))
      }),
    )

    it.effect("has work done anew that is asked for while it is done", () =>
      Effect.gen(function* () {
        const { request } = yield* SubscriptionStore
        const { subscription, now } = yield* begin
        const { id } = subscription
        yield* request({ _tag: "Subscription", id }, now)
        const claim = (yield* claimed(id, now)) ?? assert.fail()
        yield* atOnce(10, () => request({ _tag: "Subscription", id }, now))
        assert.isUndefined(yield* claimed(id, now))
        assert.isTrue(yield* settled(claim, now))
        assert.strictEqual((yield* claimed(id, now))?.asked, 11)
      }),
    )

    it.effect("has work that failed done again later, and counts how often it failed", () =>
      Effect.gen(function* () {
        const { request } = yield* SubscriptionStore
        const { subscription, now } = yield* begin
        const { id } = subscription
        yield* request({ _tag: "Subscription", id }, now)
        const later = DateTime.add(now, { hours: 1 })
        for (const attempts of [0, 1]) {
          const claim = (yield* claimed(id, attempts === 0 ? now : later)) ?? assert.fail()
          assert.strictEqual(claim.attempts, attempts)
          assert.isTrue(yield* settled(claim, now, later))
          assert.isUndefined(yield* claimed(id, DateTime.subtract(later, { milliseconds: 1 })))
        }
        const last = (yield* claimed(id, later)) ?? assert.fail()
        yield* settled(last, later)
        yield* request({ _tag: "Subscription", id }, later)
        assert.strictEqual((yield* claimed(id, later))?.attempts, 0)
      }),
    )

    it.effect("lets what failed wait until its time, whatever is asked for while it is done and whoever reminds", () =>
      Effect.gen(function* () {
        const { remind, request, requestEnd } = yield* SubscriptionStore
        const { customer, subscription, now } = yield* begin
        const { id } = subscription
        const later = DateTime.add(now, { hours: 1 })
        yield* requestEnd(customer.id, "end-now", now)
        const claim = (yield* claimed(id, now)) ?? assert.fail()
        yield* request({ _tag: "Subscription", id }, now)
        yield* settled(claim, now, later)
        yield* remind(id, now)
        yield* requestEnd(customer.id, "end-now", now)
        yield* requestEnd(customer.id, "end-with-period", now)
        assert.isUndefined(yield* claimed(id, DateTime.subtract(later, { milliseconds: 1 })))
        const again = (yield* claimed(id, later)) ?? assert.fail()
        yield* remind(id, later)
        yield* settled(again, later)
        assert.isDefined(yield* claimed(id, later), "who reminds while it is done has it looked at again")
      }),
    )

    it.effect(
      "has work done at once of which a worker is reminded while none is due, and what is new about an end",
      () =>
        Effect.gen(function* () {
          const { remind, requestEnd } = yield* SubscriptionStore
          const { customer, subscription, now } = yield* begin
          const { id } = subscription
          yield* remind(id, now)
          const claim = (yield* claimed(id, now)) ?? assert.fail()
          yield* settled(claim, now, DateTime.add(now, { hours: 1 }))
          yield* requestEnd(customer.id, "end-with-period", now)
          const end = (yield* claimed(id, now)) ?? assert.fail()
          yield* settled(end, now, DateTime.add(now, { hours: 1 }))
          yield* requestEnd(customer.id, "end-with-period", now)
          assert.isUndefined(yield* claimed(id, now))
          yield* requestEnd(customer.id, "end-now", now)
          const sooner = (yield* claimed(id, now)) ?? assert.fail()
          yield* settled(sooner, now)
          yield* requestEnd(customer.id, "end-now", now)
          assert.isDefined(yield* claimed(id, now), "one that is done and still not over")
        }),
    )

    it.effect("leases a subscription to one of those who want to change it, and to no worker meanwhile", () =>
      Effect.gen(function* () {
        const { request } = yield* SubscriptionStore
        const { subscription, now } = yield* begin
        const { id } = subscription
        const leases = (yield* atOnce(8, () => leased(id, now))).filter((each) => each !== undefined)
        assert.deepStrictEqual(
          leases.map((lease) => lease.subscription),
          [subscription],
        )
        yield* request({ _tag: "Subscription", id }, now)
        assert.isUndefined(yield* claimed(id, now))
        const [first = assert.fail()] = leases
        const second = (yield* leased(id, until(now))) ?? assert.fail()
        assert.isFalse(yield* settled(first, now))
        assert.isTrue(yield* settled(second, now))
        assert.isUndefined(yield* leased(yield* BillingBuilders.subscriptionId, now))
      }),
    )

    it.effect("keeps work due that was due before somebody changed the subscription", () =>
      Effect.gen(function* () {
        const { request } = yield* SubscriptionStore
        const { subscription, now } = yield* begin
        const { id } = subscription
        yield* request({ _tag: "Subscription", id }, now)
        const lease = (yield* leased(id, now)) ?? assert.fail()
        assert.isTrue(yield* settled(lease, now))
        const claim = (yield* claimed(id, now)) ?? assert.fail()
        yield* settled(claim, now)
        // Nothing was due any more, so that nothing is after the next change.
        yield* settled((yield* leased(id, now)) ?? assert.fail(), now)
        assert.isUndefined(yield* claimed(id, now))
      }),
    )

    it.effect("has seats counted of an organization, with its teams or without, where there are seats to be paid", () =>
      Effect.gen(function* () {
        const { request } = yield* SubscriptionStore
        const { organization } = yield* OrganizationBuilders.storedOrganization()
        const organizationId = organization.id
        const team = yield* OrganizationBuilders.storedTeam({ organizationId })
        const elsewhere = yield* OrganizationBuilders.storedOrganization()
        const ofOrganization: Payer = { _tag: "Organization", organizationId }
        const ofTeam: Payer = { _tag: "Team", organizationId, teamId: team.id }
        const others: ReadonlyArray<Payer> = [
          { _tag: "Organization", organizationId: elsewhere.organization.id },
          yield* BillingBuilders.storedPayer,
        ]
        const customer = yield* BillingBuilders.storedCustomer({ payer: ofOrganization })
        const withSeats = yield* BillingBuilders.storedSubscription(customer, { seats: 2 })
        yield* BillingBuilders.storedSubscription(customer, { seats: null })
        yield* BillingBuilders.storedSubscription(customer, { seats: 2, status: "canceled" })
        const squad = yield* BillingBuilders.storedCustomer({ payer: ofTeam })
        const ofSquad = yield* BillingBuilders.storedSubscription(squad, { seats: 1 })
        for (const payer of others) {
          yield* BillingBuilders.storedSubscription(yield* BillingBuilders.storedCustomer({ payer }), { seats: 5 })
        }
        const now = yield* DateTime.now
        const due = Effect.map(claimedAll(now), (claims) =>
          claims.map(({ subscription }) => subscription.id).toSorted(),
        )
        yield* claimedAll(now)
        assert.strictEqual(yield* request({ _tag: "SeatsOf", payer: ofTeam, andTeams: false }, now), 1)
        assert.deepStrictEqual(yield* due, [ofSquad.id])
        assert.strictEqual(yield* request({ _tag: "SeatsOf", payer: ofOrganization, andTeams: false }, now), 1)
        assert.deepStrictEqual(yield* due, [withSeats.id])
        const after = until(until(now))
        assert.strictEqual(yield* request({ _tag: "SeatsOf", payer: ofOrganization, andTeams: true }, after), 2)
      }),
    )

    it.effect("has all of a customer end that is not over, never later than was wanted before", () =>
      Effect.gen(function* () {
        const subscriptions = yield* SubscriptionStore
        const { customer, subscription, now } = yield* begin
        const second = yield* BillingBuilders.storedSubscription(customer, { status: "incomplete" })
        yield* BillingBuilders.storedSubscription(customer, { status: "canceled" })
        yield* BillingBuilders.storedSubscription(customer, { status: "incomplete_expired" })
        const wants = Effect.map(subscriptions.listByCustomer(customer.id), (all) => all.map((each) => each.wants))
        assert.strictEqual(yield* subscriptions.requestEnd(customer.id, "end-with-period", now), 2)
        assert.deepStrictEqual(yield* wants, [null, null, "end-with-period", "end-with-period"])
        assert.strictEqual((yield* claimed(subscription.id, now))?.subscription.wants, "end-with-period")
        assert.strictEqual(yield* subscriptions.withdrawEnd(customer.id, now), 2)
        assert.deepStrictEqual(yield* wants, [null, null, null, null])
        yield* subscriptions.requestEnd(customer.id, "end-now", now)
        yield* subscriptions.requestEnd(customer.id, "end-with-period", now)
        assert.deepStrictEqual(yield* wants, [null, null, "end-now", "end-now"])
        assert.strictEqual(yield* subscriptions.withdrawEnd(customer.id, now), 0)
        assert.deepStrictEqual(yield* wants, [null, null, "end-now", "end-now"])
        assert.strictEqual((yield* claimed(second.id, until(now)))?.subscription.wants, "end-now")
      }),
    )

    it.effect("lists trials that end soon and whose notice was not given", () =>
      Effect.gen(function* () {
        const { listTrialsEnding } = yield* SubscriptionStore
        const { customer, now } = yield* begin
        const trial = (days: number, fields: Parameters<typeof BillingBuilders.storedSubscription>[1] = {}) =>
          BillingBuilders.storedSubscription(customer, {
            status: "trialing",
            trialStart: now,
            trialEnd: DateTime.add(now, { days }),
            ...fields,
          })
        const [second, first] = [yield* trial(2), yield* trial(1)]
        yield* trial(1, { milestones: new Set(["started", "trial-started", "trial-ending"]) })
        yield* trial(1, { status: "active" })
        yield* trial(3)
        const soon = DateTime.add(now, { days: 3 })
        const mine = (found: ReadonlyArray<StoredSubscription>) =>
          found.filter((each) => each.customerId === customer.id)
        assert.deepStrictEqual(mine(yield* listTrialsEnding(soon, 1000)), [first, second])
        assert.strictEqual((yield* listTrialsEnding(soon, 1)).length, 1)
      }),
    )
  })

// internal

const begin = Effect.gen(function* () {
  const customer = yield* BillingBuilders.storedCustomer()
  const subscription = yield* BillingBuilders.storedSubscription(customer)
  return { customer, subscription, now: yield* DateTime.now }
})

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const until = (now: DateTime.Utc): DateTime.Utc => DateTime.add(now, { seconds: 90 })

const atOnce = <A, E, R>(count: number, effect: () => Effect.Effect<A, E, R>) =>
  Effect.all(Array.from({ length: count }, effect), { concurrency: "unbounded" })

/** All work that is due. */
const claimedAll = Effect.fnUntraced(function* (now: DateTime.Utc) {
  const lease = yield* random.uuidV7()
  return yield* SubscriptionStore.use((store) => store.claimWork({ lease, now, until: until(now), limit: 1000 }))
})

/** The work on one subscription, where it is due. */
const claimed = (id: SubscriptionId, now: DateTime.Utc) =>
  Effect.map(claimedAll(now), (claims) => claims.find(({ subscription }) => subscription.id === id))

const leased = Effect.fnUntraced(function* (id: SubscriptionId, now: DateTime.Utc) {
  const lease = yield* random.uuidV7()
  const found = yield* SubscriptionStore.use((store) => store.lease({ id, lease, now, until: until(now) }))
  return Option.getOrUndefined(found)
})

const settled = (
  { asked, lease, subscription }: SubscriptionLease,
  now: DateTime.Utc,
  retryAt: DateTime.Utc | null = null,
) => SubscriptionStore.use((store) => store.settle({ id: subscription.id, lease, asked, retryAt, now }))
