import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import * as SqlBillingStores from "@belfry/billing/SqlBillingStores"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { SubscriptionWork } from "@belfry/billing/SubscriptionWork"
import { MemberStore } from "@belfry/organization/MemberStore"
import type { OrganizationId } from "@belfry/organization/Organization"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { migrations } from "./support/BillingStores.ts"
import { layerOver, pay, subscribe, subscriptionsOf, upgrade } from "./support/Buying.ts"

const memory = layerOver(Layer.provideMerge(MemoryBillingStores.layer, TestServices.layerMemory))

const onDatabase = <E>(layer: Layer.Layer<SqlClient.SqlClient, E>) =>
  layerOver(Layer.provideMerge(SqlBillingStores.layer, TestServices.layerSql(layer)))

/** What both have. */
type Ground = Extract<Layer.Success<ReturnType<typeof onDatabase>>, Layer.Success<typeof memory>>

/** One connection does all the work of a crowd on PGlite. */
const timeout = 120_000

const crowd = <A, E, R>(effect: (place: number) => Effect.Effect<A, E, R>, size = 50) =>
  Effect.all(
    Array.from({ length: size }, (_, place) => effect(place)),
    { concurrency: "unbounded" },
  )

/** How many seats are paid at Stripe. */
const seatsAtStripe = Effect.map(LocalStripe, (local) => {
  const [subscription] = Object.values(local.objects().subscriptions)
  const seats = subscription?.items.data.find(({ price }) => price.lookup_key === "seat_month")
  return seats?.quantity
})

/** Tells the worker that members came or went. */
const membersChanged = Effect.fnUntraced(function* (organizationId: OrganizationId) {
  const now = yield* DateTime.now
  const payer = { _tag: "Organization" as const, organizationId }
  yield* SubscriptionStore.use((store) => store.request({ _tag: "SeatsOf", payer, andTeams: true }, now))
})

const join = Effect.fnUntraced(function* (organizationId: OrganizationId) {
  const { id } = yield* OrganizationBuilders.storedMember(organizationId)
  yield* membersChanged(organizationId)
  return id
})

const work = SubscriptionWork.use(({ work }) => work)

const suite = <E>(name: string, layer: Layer.Layer<Ground, E>) =>
  describe(`races ${name}`, () => {
    it.effect(
      "make one customer and one checkout of 50 upgrades at once, and one subscription when it is paid",
      () =>
        Effect.gen(function* () {
          const local = yield* LocalStripe
          const actor = yield* OrganizationBuilders.actor()
          const outcomes = yield* crowd(() => upgrade(actor, { plan: "basic" }))
          assert.strictEqual(new Set(outcomes.map(({ url }) => url)).size, 1)
          assert.strictEqual(Object.keys(local.objects().customers).length, 1)
          assert.strictEqual(Object.keys(local.objects().checkouts).length, 1)
          yield* pay(outcomes[0]?.checkoutId ?? null)
          const late = yield* crowd(() => Effect.flip(upgrade(actor, { plan: "basic" })))
          assert.deepStrictEqual([...new Set(late.map(({ _tag }) => _tag))], ["SubscriptionConflict"])
          assert.strictEqual(Object.keys(local.objects().subscriptions).length, 1)
          assert.strictEqual((yield* subscriptionsOf(actor)).length, 1)
        }).pipe(Effect.provide(layer)),
      timeout,
    )

    it.effect(
      "leave one checkout open at most of 50 different wishes",
      () =>
        Effect.gen(function* () {
          const local = yield* LocalStripe
          const actor = yield* OrganizationBuilders.actor()
          yield* crowd((place) => Effect.exit(upgrade(actor, { plan: "desks", seats: place + 2 })))
          const open = Object.values(local.objects().checkouts).filter(({ status }) => status === "open")
          assert.isAtMost(open.length, 1)
          const last = yield* upgrade(actor, { plan: "desks", seats: 99 })
          yield* pay(last.checkoutId)
          yield* Effect.flip(upgrade(actor, { plan: "desks", seats: 99 }))
          assert.strictEqual(Object.keys(local.objects().subscriptions).length, 1)
        }).pipe(Effect.provide(layer)),
      timeout,
    )

    it.effect(
      "sell one subscription where a checkout is paid while 50 more want it, or something else",
      () =>
        Effect.gen(function* () {
          const local = yield* LocalStripe
          const actor = yield* OrganizationBuilders.actor()
          const { checkoutId } = yield* upgrade(actor, { plan: "desks", seats: 2 })
          const wishes = crowd((place) => Effect.exit(upgrade(actor, { plan: "desks", seats: 2 + (place % 3) })))
          yield* Effect.all([wishes, Effect.andThen(Effect.yieldNow, pay(checkoutId))], { concurrency: "unbounded" })
          const payable = Object.values(local.objects().checkouts).filter(({ status }) => status === "open")
          for (const { id } of payable) yield* local.pay(id)
          assert.strictEqual(Object.keys(local.objects().subscriptions).length, 1)
          assert.isAtMost(payable.length, 1)
        }).pipe(Effect.provide(layer)),
      timeout,
    )

    it.effect(
      "let a person change what the worker is at, and end with what was asked for last and the seats that there are",
      () =>
        Effect.gen(function* () {
          const actor = yield* OrganizationBuilders.actor()
          const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
          const payer = { _tag: "Organization" as const, organization: organization.id }
          const { id } = yield* subscribe(actor, { plan: "team", payer })
          const request = { payer, subscriptionId: id, returnUrl: "/", locale: null } as const
          const subscriptions = yield* Subscriptions
          const people = crowd(
            () =>
              Effect.exit(
                Effect.andThen(
                  subscriptions.cancel(actor, { ...request, when: "period-end", confirm: "service" }),
                  subscriptions.restore(actor, payer, id),
                ),
              ),
            10,
          )
          const workers = crowd(() => Effect.andThen(join(organization.id), work), 10)
          yield* Effect.all([people, workers], { concurrency: "unbounded" })
          yield* Effect.exit(subscriptions.restore(actor, payer, id))
          yield* Effect.repeat(work, { while: (count) => count > 0 })
          assert.strictEqual(yield* seatsAtStripe, 11)
          const here = yield* subscriptions.get(actor, payer, id)
          assert.deepStrictEqual([here.seats, here.cancelAtPeriodEnd], [11, false])
        }).pipe(Effect.provide(layer)),
      timeout,
    )

    it.effect(
      "let one of 50 changes at once through, and tell the others that somebody is at it",
      () =>
        Effect.gen(function* () {
          const local = yield* LocalStripe
          const actor = yield* OrganizationBuilders.actor()
          yield* subscribe(actor, { plan: "desks", seats: 2 })
          const from = local.calls.length
          const outcomes = yield* crowd((place) =>
            Effect.match(upgrade(actor, { plan: "desks", seats: place + 3 }), {
              onFailure: (error) => (error._tag === "SubscriptionConflict" ? error.reason : error._tag),
              onSuccess: ({ subscription }) => subscription?.seats ?? 0,
            }),
          )
          const changed = outcomes.filter((outcome) => typeof outcome === "number")
          const updates = local.calls.slice(from).filter(({ method }) => method === "POST")
          assert.isAtLeast(changed.length, 1)
          assert.strictEqual(updates.length, changed.length)
          assert.isTrue(outcomes.every((outcome) => typeof outcome === "number" || outcome === "busy"))
          const [subscription] = Object.values(local.objects().subscriptions)
          const [here] = yield* subscriptionsOf(actor)
          assert.strictEqual(here?.state.seats, subscription?.items.data[0]?.quantity)
        }).pipe(Effect.provide(layer)),
      timeout,
    )

    it.effect(
      "end 50 joins and 49 leaves with the seats that there are",
      () =>
        Effect.gen(function* () {
          const local = yield* LocalStripe
          const actor = yield* OrganizationBuilders.actor()
          const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
          const payer = { _tag: "Organization" as const, organization: organization.id }
          yield* subscribe(actor, { plan: "team", payer })
          assert.strictEqual(yield* seatsAtStripe, 1)
          const from = local.calls.length
          const joined = yield* Effect.race(
            crowd(() => join(organization.id)),
            Effect.forever(Effect.andThen(work, Effect.yieldNow)),
          )
          yield* crowd(
            (place) =>
              Effect.gen(function* () {
                const id = joined[place]
                if (id !== undefined) yield* MemberStore.use((members) => members.remove(organization.id, id))
                yield* membersChanged(organization.id)
                yield* work
              }),
            49,
          )
          yield* Effect.repeat(work, { while: (count) => count > 0 })
          assert.strictEqual(yield* seatsAtStripe, 2)
          const updates = local.calls.slice(from).filter(({ method }) => method === "POST")
          assert.isAtMost(updates.length, 99)
        }).pipe(Effect.provide(layer)),
      timeout,
    )
  })

suite("in memory", memory)
for (const { name, layer } of TestDatabase.each(migrations)) suite(`on ${name}`, onDatabase(layer))
