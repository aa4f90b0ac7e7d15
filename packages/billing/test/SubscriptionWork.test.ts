import { CustomerStore } from "@belfry/billing/CustomerStore"
import { OperationStore } from "@belfry/billing/OperationStore"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { SubscriptionWork } from "@belfry/billing/SubscriptionWork"
import { Synchronizations } from "@belfry/billing/Synchronizations"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Deferred, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { layer, subscribe, subscriptionsOf, upgrade, writes } from "./support/Buying.ts"

const work = SubscriptionWork.use(({ work }) => work)

const overdue = Effect.gen(function* () {
  const found = yield* OperationStore.use((store) => Effect.flatMap(DateTime.now, (now) => store.listOverdue(now, 10)))
  return found.map(({ request }) => request._tag)
})

/** An organization with one member that pays for its seats. */
const team = Effect.gen(function* () {
  const actor = yield* OrganizationBuilders.actor()
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
  const payer = { _tag: "Organization" as const, organization: organization.id }
  const subscription = yield* subscribe(actor, { plan: "team", payer })
  return { actor, organizationId: organization.id, subscription }
})

const join = Effect.fnUntraced(function* (organizationId: OrganizationId) {
  yield* OrganizationBuilders.storedMember(organizationId)
  const payer = { _tag: "Organization" as const, organizationId }
  const now = yield* DateTime.now
  yield* SubscriptionStore.use((store) => store.request({ _tag: "SeatsOf", payer, andTeams: false }, now))
})

const quantities = Effect.map(LocalStripe, (local) =>
  Object.values(local.objects().subscriptions).flatMap(({ items }) => items.data.map(({ quantity }) => quantity)),
)

describe("SubscriptionWork.perform", () => {
  it.effect("does nothing while somebody else is at it, and goes on when their time is over", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const { id } = yield* subscribe(actor, { plan: "basic" })
      const now = yield* DateTime.now
      const until = DateTime.add(now, { seconds: 90 })
      const lease = "00000000-0000-7000-8000-000000000001"
      yield* SubscriptionStore.use((store) => store.lease({ id, lease, now, until }))
      const from = local.calls.length
      const refused = yield* Effect.flip(upgrade(actor, { plan: "gold" }))
      assert.strictEqual("reason" in refused ? refused.reason : refused._tag, "busy")
      assert.deepStrictEqual(writes(local, from), [])
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual((yield* upgrade(actor, { plan: "gold" })).kind, "changed")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sees what was done though the answer was lost, and does not do it again", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      local.failing({ rate: 1, seed: 1, kinds: ["after"], only: (method) => method === "POST" })
      assert.strictEqual((yield* Effect.flip(upgrade(actor, { plan: "gold" })))._tag, "BillingProviderError")
      local.failing(undefined)
      assert.strictEqual((yield* subscriptionsOf(actor))[0]?.state.plan, "gold")
      const from = local.calls.length
      const refused = yield* Effect.flip(upgrade(actor, { plan: "gold" }))
      assert.strictEqual("reason" in refused ? refused.reason : refused._tag, "subscribed")
      assert.deepStrictEqual(writes(local, from), [])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* overdue, [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves an operation open of which nobody knows what became, and gives the lease back", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      let isAway = false
      const only = (method: string, path: string) => (isAway ||= method === "POST" && path.includes("/subscriptions/"))
      local.failing({ rate: 1, seed: 1, kinds: ["after"], only })
      yield* Effect.flip(upgrade(actor, { plan: "gold" }))
      local.failing(undefined)
      assert.deepStrictEqual(yield* overdue, [])
      assert.strictEqual((yield* upgrade(actor, { plan: "bundle" })).kind, "changed")
      yield* TestClock.adjust("90 seconds")
      assert.deepStrictEqual(yield* overdue, ["Change"])
    }).pipe(Effect.provide(layer())),
  )
})

describe("SubscriptionWork.work", () => {
  it.effect("pays for as many seats as there are members", () =>
    Effect.gen(function* () {
      const { organizationId } = yield* team
      assert.deepStrictEqual((yield* quantities).toSorted(), [1, 1])
      yield* join(organizationId)
      yield* join(organizationId)
      assert.strictEqual(yield* work, 1)
      assert.deepStrictEqual((yield* quantities).toSorted(), [1, 3])
      assert.strictEqual(yield* work, 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tries again later what Stripe could not do, after a wait that doubles", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const { organizationId } = yield* team
      yield* join(organizationId)
      local.failing({ rate: 1, seed: 1, kinds: ["before"] })
      assert.deepStrictEqual([yield* work, yield* work], [1, 0])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* work, yield* work], [1, 0])
      local.failing(undefined)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* work, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* work, 1)
      assert.deepStrictEqual((yield* quantities).toSorted(), [1, 2])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("waits with what Stripe refuses, though every look finds it as it should not be", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const { organizationId, subscription } = yield* team
      yield* join(organizationId)
      local.failing({ rate: 1, seed: 1, kinds: ["before"], only: (method) => method === "POST" })
      assert.deepStrictEqual([yield* work, yield* work], [1, 0])
      const found = yield* SubscriptionStore.use((store) => store.find(subscription.id))
      yield* Synchronizations.use((looks) => looks.subscription(Option.getOrThrow(found).providerId))
      assert.strictEqual(yield* work, 0)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* work, yield* work], [1, 0])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is told at once of what this process asks for, when that is committed", () =>
    Effect.gen(function* () {
      const { arrivals, request } = yield* SubscriptionWork
      const { subscription } = yield* team
      const isOpen = Effect.map(Effect.timeoutOption(arrivals.await, 0), Option.isSome)
      const target = { _tag: "Subscription", id: subscription.id } as const
      const asking = TransactionStore.use(({ run }) => run(Effect.andThen(request(target), isOpen)))
      assert.deepStrictEqual([yield* isOpen, yield* asking, yield* isOpen], [false, false, true])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves what was cut short to whoever comes next", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const { organizationId } = yield* team
      yield* join(organizationId)
      const reached = yield* Deferred.make<void>()
      const services = yield* Effect.context<never>()
      local.killPoints((at, { method }) =>
        at === "before" && method === "POST"
          ? Effect.runPromiseWith(services)(Effect.asVoid(Deferred.succeed(reached, undefined)))
          : undefined,
      )
      const worker = yield* Effect.forkChild(work)
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(worker)
      local.killPoints(undefined)
      assert.strictEqual(yield* work, 1)
      assert.deepStrictEqual((yield* quantities).toSorted(), [1, 2])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves the seats alone that a user bought", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const { id } = yield* subscribe(actor, { plan: "desks", seats: 7 })
      yield* SubscriptionWork.use((service) => service.request({ _tag: "Subscription", id }))
      const from = local.calls.length
      assert.strictEqual(yield* work, 1)
      assert.deepStrictEqual([local.calls.length, yield* quantities], [from, [7]])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends what is to end with the period, and at once what is to end at once", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      const payer = { _tag: "User" as const, userId: actor.user.id }
      const customer = Option.getOrThrow(yield* CustomerStore.use((store) => store.findByPayer(payer)))
      const end = (wants: "end-now" | "end-with-period") =>
        Effect.flatMap(DateTime.now, (now) =>
          SubscriptionStore.use((store) => store.requestEnd(customer.id, wants, now)),
        )
      yield* end("end-with-period")
      yield* work
      assert.deepStrictEqual(
        (yield* subscriptionsOf(actor)).map(({ state }) => [state.status, state.cancelAtPeriodEnd]),
        [["active", true]],
      )
      yield* end("end-now")
      yield* work
      assert.deepStrictEqual(
        (yield* subscriptionsOf(actor)).map(({ state }) => state.status),
        ["canceled"],
      )
    }).pipe(Effect.provide(layer())),
  )
})
