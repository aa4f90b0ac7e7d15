import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import { defaultGroup } from "@belfry/billing/Plan"
import { ProviderPriceId, ProviderScheduleId, ProviderSubscriptionId } from "@belfry/billing/ProviderSubscription"
import * as SqlBillingMigrations from "@belfry/billing/SqlBillingMigrations"
import * as SqlBillingStores from "@belfry/billing/SqlBillingStores"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { Synchronizations } from "@belfry/billing/Synchronizations"
import { MemoryTables } from "@belfry/core/MemoryTables"
import { StoreError } from "@belfry/core/StoreError"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { DateTime, Deferred, Effect, Fiber, Layer, Option } from "effect"
import type { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import {
  audited,
  customer,
  kept,
  layer,
  layerOver,
  operation,
  standing,
  takeEvents,
  takeTags,
} from "./support/Looking.ts"
import * as ProviderStub from "./support/ProviderStub.ts"

const lookAt = (id: ProviderSubscriptionId) => Synchronizations.use((looks) => looks.subscription(id))

/** How a subscription of the provider stands here. */
const here = (id: ProviderSubscriptionId) =>
  Effect.map(
    SubscriptionStore.use((subscriptions) => subscriptions.findByProvider(id)),
    Option.getOrUndefined,
  )

/** Takes the work that is due. */
const leases = Effect.gen(function* () {
  const now = yield* DateTime.now
  const lease = "00000000-0000-7000-8000-000000000001"
  return yield* SubscriptionStore.use((store) => store.claimWork({ lease, now, until: now, limit: 100 }))
})

/** The subscriptions that a worker has to see to. */
const dueWork = Effect.map(leases, (claimed) => claimed.map(({ subscription }) => subscription))

/** Everything that the services of looks stand on. */
type Ground =
  | Layer.Success<typeof SqlBillingStores.layer>
  | Exclude<Layer.Success<ReturnType<typeof TestServices.layerSql>>, SqlClient.SqlClient>

describe("Synchronizations.subscription", () => {
  it.effect("writes what the provider has, and tells that it started", () =>
    Effect.gen(function* () {
      const payer = yield* customer()
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
      assert.strictEqual(yield* lookAt(found.id), "applied")
      const written = yield* here(found.id)
      assert.deepStrictEqual(
        [written?.customerId, written?.state.plan, written?.state.status, written?.state.interval],
        [payer.id, "pro", "active", "month"],
      )
      assert.deepStrictEqual([...(written?.milestones ?? [])], ["started"])
      const [started, ...others] = yield* takeEvents(payer.id)
      assert.isEmpty(others)
      assert.deepInclude<object>(started ?? {}, { _tag: "SubscriptionStarted", via: "elsewhere", plan: "pro" })
      assert.deepStrictEqual(started?.payer, payer.payer)
      const [event] = yield* audited
      assert.strictEqual(event?.type, "billing.subscription-started")
      assert.deepStrictEqual<object | undefined>(event?.data, { subscriptionId: written?.id })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tells nothing of a look that sees what is known", () =>
    Effect.gen(function* () {
      const payer = yield* customer()
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* lookAt(found.id)
      yield* takeEvents(payer.id)
      assert.strictEqual(yield* lookAt(found.id), "applied")
      assert.isEmpty(yield* takeTags(payer.id))
      assert.strictEqual((yield* audited).length, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tells a change by what was and what is, in the events and in the audit log", () =>
    Effect.gen(function* () {
      const payer = yield* customer()
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* lookAt(found.id)
      yield* takeEvents(payer.id)
      yield* ProviderStub.change(found.id, {
        items: [yield* ProviderStub.item({ price: "pro_year", interval: "year" })],
      })
      yield* lookAt(found.id)
      const [changed] = yield* takeEvents(payer.id)
      if (changed?._tag !== "SubscriptionChanged") return assert.fail(changed?._tag)
      assert.deepStrictEqual([changed.before.interval, changed.after.interval], ["month", "year"])
      const last = (yield* audited).at(-1)
      assert.strictEqual(last?.type, "billing.subscription-changed")
      assert.deepStrictEqual<object | null | undefined>(last?.before, { interval: "month" })
      assert.deepStrictEqual<object | null | undefined>(last?.after, { interval: "year" })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("does not write an answer over that of a look which began after it", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const payer = yield* customer()
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
      const [read, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      // The provider has read what it answers with, and takes its time.
      state.answer = () => Effect.andThen(Deferred.succeed(read, undefined), Deferred.await(gate))
      const event = yield* kept({ type: "customer.subscription.created", objectId: found.id })
      const slow = yield* Effect.forkChild(
        Synchronizations.use((looks) => looks.subscription(found.id, { eventId: event.id, envelope: event })),
      )
      yield* Deferred.await(read)
      state.answer = () => Effect.void
      yield* ProviderStub.change(found.id, { status: "past_due" })
      assert.strictEqual(yield* lookAt(found.id), "applied")
      yield* takeEvents(payer.id)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(slow), "stale")
      assert.strictEqual((yield* here(found.id))?.state.status, "past_due")
      // What it was for is done all the same, and nothing else is told.
      assert.strictEqual(yield* standing(event.id), "done")
      assert.deepStrictEqual(yield* takeTags(payer.id), ["ProviderEventReceived"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("writes nothing at all where a part of it cannot be written", () =>
    Effect.gen(function* () {
      const { organization } = yield* OrganizationBuilders.storedOrganization()
      const payer = yield* customer({ payer: { _tag: "Organization", organizationId: organization.id } })
      const items = [
        yield* ProviderStub.item({ price: "team_month" }),
        yield* ProviderStub.item({ price: "seat_month" }),
      ]
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId, items })
      const event = yield* kept({ type: "customer.subscription.created", objectId: found.id })
      const cause = { eventId: event.id, envelope: event }
      const error = yield* Effect.flip(Synchronizations.use((looks) => looks.subscription(found.id, cause)))
      assert.strictEqual(error._tag, "StoreError")
      assert.isUndefined(yield* here(found.id))
      assert.strictEqual(yield* standing(event.id), "waiting")
      assert.isEmpty(yield* takeTags(payer.id))
      assert.isEmpty(yield* audited)
    }).pipe(
      Effect.provide(
        layer({
          hooks: {
            countSeats: () =>
              Effect.fail(new StoreError({ store: "host", method: "countSeats", isRetryable: true, cause: "away" })),
          },
        }),
      ),
    ),
  )

  it.effect("writes nothing of a subscription whose customer is nobody's here, whatever its metadata say", () =>
    Effect.gen(function* () {
      const payer = yield* customer()
      const other = yield* ProviderStub.customer()
      const metadata = { belfry_customer: payer.id, belfry_payer: "user:x" }
      const found = yield* ProviderStub.subscription({ customerId: other.id, metadata })
      assert.strictEqual(yield* lookAt(found.id), "foreign")
      assert.isUndefined(yield* here(found.id))
      assert.isEmpty(yield* takeTags(payer.id))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("writes down a customer that was made here and nobody came back with", () =>
    Effect.gen(function* () {
      const payer = yield* customer({ providerId: null })
      const made = yield* ProviderStub.customer({ metadata: { belfry_customer: payer.id } })
      const found = yield* ProviderStub.subscription({ customerId: made.id })
      assert.strictEqual(yield* lookAt(found.id), "applied")
      const known = yield* CustomerStore.use((customers) => customers.find(payer.id))
      assert.strictEqual(Option.getOrThrow(known).providerId, made.id)
      assert.deepStrictEqual(yield* takeTags(payer.id), ["CustomerCreated", "SubscriptionStarted"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes no customer for that of a row which is another already, or was deleted, or is named by no id", () =>
    Effect.gen(function* () {
      const known = yield* customer()
      const open = yield* customer({ providerId: null })
      const others = [
        yield* ProviderStub.customer({ metadata: { belfry_customer: known.id } }),
        yield* ProviderStub.customer({ metadata: { belfry_customer: open.id }, isDeleted: true }),
        yield* ProviderStub.customer({ metadata: { belfry_customer: "no-uuid" } }),
      ]
      for (const { id } of others) {
        const found = yield* ProviderStub.subscription({ customerId: id })
        assert.strictEqual(yield* lookAt(found.id), "foreign")
      }
      const rows = yield* Effect.forEach([known, open], ({ id }) =>
        CustomerStore.use((customers) => customers.find(id)),
      )
      assert.deepStrictEqual(
        rows.map((row) => Option.getOrThrow(row).providerId),
        [known.providerId, null],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends here what the provider has no more, once, and knows nothing of what was never here", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const payer = yield* customer()
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* lookAt(found.id)
      yield* takeEvents(payer.id)
      state.subscriptions.delete(found.id)
      assert.strictEqual(yield* lookAt(found.id), "applied")
      const written = yield* here(found.id)
      const now = yield* DateTime.now
      assert.deepStrictEqual(
        [written?.state.status, written?.state.endedBecause, written?.state.endedAt],
        ["canceled", "absent", now],
      )
      yield* TestClock.adjust("1 hour")
      yield* lookAt(found.id)
      assert.deepStrictEqual((yield* here(found.id))?.state.endedAt, now)
      assert.deepStrictEqual(yield* takeTags(payer.id), ["SubscriptionChanged", "SubscriptionEnded"])
      assert.strictEqual(yield* lookAt(ProviderSubscriptionId.make("sub_never")), "absent")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("has what a payer left behind end at once, whenever it turns up", () =>
    Effect.gen(function* () {
      const tables = yield* MemoryTables
      const payer = yield* customer()
      if (payer.payer?._tag !== "User") return assert.fail("no user")
      const { userId } = payer.payer
      yield* tables.statement(() => Effect.sync(() => tables.removeUser(userId)))
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
      yield* lookAt(found.id)
      const [started] = yield* takeEvents(payer.id)
      assert.isNull(started?.payer)
      assert.deepStrictEqual(
        (yield* dueWork).map(({ providerId, wants }) => [providerId, wants]),
        [[found.id, "end-now"]],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks the worker where other seats are paid for than memberships take, the plan's minimum at least", () =>
    Effect.gen(function* () {
      const { organization } = yield* OrganizationBuilders.storedOrganization()
      const payer = yield* customer({ payer: { _tag: "Organization", organizationId: organization.id } })
      const seatsOf = Effect.fnUntraced(function* (quantity: number) {
        const base = yield* ProviderStub.item({ price: "team_month" })
        return [base, yield* ProviderStub.item({ price: "seat_month", quantity })]
      })
      // One member, of whom the plan counts two.
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId, items: yield* seatsOf(2) })
      yield* lookAt(found.id)
      assert.isEmpty(yield* dueWork)
      yield* ProviderStub.change(found.id, { items: yield* seatsOf(7) })
      yield* lookAt(found.id)
      assert.deepStrictEqual(
        (yield* dueWork).map(({ providerId }) => providerId),
        [found.id],
      )
      yield* ProviderStub.change(found.id, { status: "canceled" })
      const lease = yield* dueWork
      assert.strictEqual(lease.length, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("asks the worker where an end that is wanted was taken back at the provider", () =>
    Effect.gen(function* () {
      const subscriptions = yield* SubscriptionStore
      const payer = yield* customer()
      const { id } = yield* ProviderStub.subscription({ customerId: payer.providerId, cancelAtPeriodEnd: true })
      yield* lookAt(id)
      yield* subscriptions.requestEnd(payer.id, "end-with-period", yield* DateTime.now)
      const [claim = assert.fail()] = yield* leases
      yield* subscriptions.settle({ ...claim, id: claim.subscription.id, retryAt: null, now: yield* DateTime.now })
      yield* lookAt(id)
      assert.isEmpty(yield* leases)
      yield* ProviderStub.change(id, { cancelAtPeriodEnd: false })
      yield* lookAt(id)
      assert.strictEqual((yield* leases).length, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("remembers a trial for its group, however it began", () =>
    Effect.gen(function* () {
      const customers = yield* CustomerStore
      const payer = yield* customer()
      const now = yield* DateTime.now
      const trial = { status: "trialing", trialStart: now, trialEnd: DateTime.add(now, { days: 14 }) } as const
      const items = [yield* ProviderStub.item({ price: "storage_month" })]
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId, items, ...trial })
      yield* lookAt(found.id)
      assert.isFalse(yield* customers.hadTrial(payer.id, defaultGroup))
      yield* ProviderStub.change(found.id, { items: [yield* ProviderStub.item()] })
      yield* lookAt(found.id)
      assert.isTrue(yield* customers.hadTrial(payer.id, defaultGroup))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("says that it came from a checkout where the metadata name one of this very customer", () =>
    Effect.gen(function* () {
      const [payer, other] = [yield* customer(), yield* customer()]
      const [own, foreign] = [yield* operation({ customerId: payer.id }), yield* operation({ customerId: other.id })]
      const via = Effect.fnUntraced(function* (named: string) {
        const metadata = { belfry_operation: named }
        const found = yield* ProviderStub.subscription({ customerId: payer.providerId, metadata })
        yield* lookAt(found.id)
        const [started] = yield* takeEvents(payer.id)
        return started?._tag === "SubscriptionStarted" ? started.via : started?._tag
      })
      assert.strictEqual(yield* via(own.id), "checkout")
      assert.strictEqual(yield* via(foreign.id), "elsewhere")
      assert.strictEqual(yield* via("no-uuid"), "elsewhere")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("names what is scheduled by the lookup keys of its prices, which come by id", () =>
    Effect.gen(function* () {
      const state = yield* ProviderStub.ProviderState
      const payer = yield* customer()
      const now = yield* DateTime.now
      const priceId = ProviderPriceId.make("price_pro_year")
      state.prices.set(priceId, {
        id: priceId,
        lookupKey: "pro_year",
        isActive: true,
        currency: "eur",
        amount: 12_000,
        interval: "year",
        isMetered: false,
      })
      const startsAt = DateTime.add(now, { days: 30 })
      const schedule = {
        id: ProviderScheduleId.make("sub_sched_1"),
        isOwn: true,
        next: { startsAt, items: [{ priceId, quantity: 1 }] },
      }
      const found = yield* ProviderStub.subscription({ customerId: payer.providerId, schedule })
      yield* lookAt(found.id)
      assert.deepStrictEqual<object | null | undefined>((yield* here(found.id))?.state.scheduled, {
        plan: "pro",
        interval: "year",
        seats: null,
        startsAt,
      })
    }).pipe(Effect.provide(layer())),
  )
})

const suite = <E>(name: string, ground: Layer.Layer<Ground, E>): void =>
  withLayer(layerOver(ground))(`Looks at once (${name})`, (it) => {
    it.effect("tell a difference once that 20 of them see", () =>
      Effect.gen(function* () {
        const payer = yield* customer()
        const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
        const all = Effect.replicateEffect(lookAt(found.id), 20, { concurrency: "unbounded" })
        yield* all
        assert.deepStrictEqual(yield* takeTags(payer.id), ["SubscriptionStarted"])
        yield* ProviderStub.change(found.id, { status: "past_due" })
        yield* all
        assert.deepStrictEqual(yield* takeTags(payer.id), ["SubscriptionChanged", "SubscriptionPastDue"])
      }),
    )

    it.effect("of one event tell it once", () =>
      Effect.gen(function* () {
        const payer = yield* customer()
        const found = yield* ProviderStub.subscription({ customerId: payer.providerId })
        const event = yield* kept({ type: "customer.subscription.created", objectId: found.id })
        const looks = yield* Synchronizations
        const look = looks.subscription(found.id, { eventId: event.id, envelope: event })
        yield* Effect.replicateEffect(look, 10, { concurrency: "unbounded" })
        const tags = yield* takeTags(payer.id)
        assert.deepStrictEqual(tags.toSorted(), ["ProviderEventReceived", "SubscriptionStarted"])
      }),
    )
  })
suite("memory", Layer.provideMerge(MemoryBillingStores.layer, TestServices.layerMemory))

for (const { name, layer } of TestDatabase.each([
  SqlCoreMigrations.migrations,
  SqlOrganizationMigrations.migrations,
  SqlBillingMigrations.migrations,
])) {
  suite(name, Layer.provideMerge(SqlBillingStores.layer, TestServices.layerSql(layer)))
}
