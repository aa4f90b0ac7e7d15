import { BillingProvider } from "@belfry/billing/BillingProvider"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { Portals } from "@belfry/billing/Portals"
import type { SubscriptionId } from "@belfry/billing/Subscription"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import type { Actor } from "@belfry/organization/Membership"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { layer, subscribe, upgrade, writes } from "./support/Buying.ts"

type Cancel = Parameters<Subscriptions["Service"]["cancel"]>[1]

const self = { _tag: "Self" } as const

const cancel = (actor: Actor, request: Partial<Cancel> = {}) =>
  Subscriptions.use((subscriptions) =>
    subscriptions.cancel(actor, {
      payer: self,
      subscriptionId: null,
      when: "period-end",
      confirm: "service",
      returnUrl: "/billing",
      locale: null,
      ...request,
    }),
  )

const restore = (actor: Actor, id: SubscriptionId | null = null) =>
  Subscriptions.use((subscriptions) => subscriptions.restore(actor, self, id))

/** What a call was refused with, in a word. */
const refusalOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => ("reason" in error ? `${error._tag} ${String(error.reason)}` : error._tag))

describe("Subscriptions.cancel", () => {
  it.effect("ends a subscription with its period, which restore takes back", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const { periodEnd } = yield* subscribe(actor, { plan: "basic" })
      const ended = yield* cancel(actor)
      assert.deepStrictEqual([ended.kind, ended.subscription.status], ["canceled", "active"])
      assert.isTrue(ended.subscription.cancelAtPeriodEnd)
      assert.deepStrictEqual(ended.subscription.cancelAt ?? periodEnd, periodEnd)
      assert.strictEqual(yield* refusalOf(cancel(actor)), "SubscriptionConflict canceling")
      const restored = yield* restore(actor)
      assert.deepStrictEqual([restored.cancelAtPeriodEnd, restored.cancelAt], [false, null])
      assert.strictEqual(yield* refusalOf(restore(actor)), "SubscriptionConflict not-canceling")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends a subscription at once, also one that ends with its period", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const { id } = yield* subscribe(actor, { plan: "basic" })
      yield* cancel(actor)
      const ended = yield* cancel(actor, { when: "now" })
      assert.deepStrictEqual([ended.subscription.status, ended.subscription.isActive], ["canceled", false])
      assert.strictEqual(yield* refusalOf(cancel(actor)), "SubscriptionNotFound")
      assert.strictEqual(yield* refusalOf(cancel(actor, { subscriptionId: id })), "SubscriptionConflict ended")
      assert.strictEqual(yield* refusalOf(restore(actor, id)), "SubscriptionConflict ended")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sends people to the portal to confirm, after it took a schedule off that the portal would not", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "gold" })
      yield* upgrade(actor, { plan: "basic", when: "period-end" })
      const from = local.calls.length
      const outcome = yield* cancel(actor, { confirm: "portal" })
      assert.strictEqual(outcome.kind, "portal")
      assert.deepStrictEqual(writes(local, from), [
        "POST /v1/subscription_schedules/:id/release",
        "POST /v1/billing_portal/sessions",
      ])
      yield* local.submitPortal(outcome.url)
      // Nobody was told of it, and it is seen all the same.
      assert.strictEqual(yield* refusalOf(cancel(actor, { confirm: "portal" })), "SubscriptionConflict canceling")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("needs a name where there are two, and finds nothing by the name of somebody else's", () =>
    Effect.gen(function* () {
      const [ada, eve] = [yield* OrganizationBuilders.actor(), yield* OrganizationBuilders.actor()]
      const { id } = yield* subscribe(ada, { plan: "basic" })
      yield* subscribe(ada, { plan: "storage" })
      assert.strictEqual(yield* refusalOf(cancel(ada)), "SubscriptionNotFound")
      assert.strictEqual(yield* refusalOf(cancel(eve, { subscriptionId: id })), "SubscriptionNotFound")
      assert.strictEqual(yield* refusalOf(restore(eve, id)), "SubscriptionNotFound")
      assert.strictEqual(yield* refusalOf(upgrade(eve, { plan: "gold", subscriptionId: id })), "SubscriptionNotFound")
      assert.strictEqual((yield* cancel(ada, { subscriptionId: id })).subscription.id, id)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses to send people elsewhere afterwards, before anything is done", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      const from = local.calls.length
      assert.strictEqual(
        yield* refusalOf(cancel(actor, { returnUrl: "https://evil.example" })),
        "RedirectRefused origin",
      )
      assert.strictEqual(local.calls.length, from)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Subscriptions.restore", () => {
  it.effect("takes back what was scheduled", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "gold" })
      yield* upgrade(actor, { plan: "basic", when: "period-end" })
      const from = local.calls.length
      const restored = yield* restore(actor)
      assert.deepStrictEqual([restored.plan, restored.scheduled], ["gold", null])
      assert.deepStrictEqual(writes(local, from), ["POST /v1/subscription_schedules/:id/release"])
    }).pipe(Effect.provide(layer())),
  )
})

describe("Subscriptions.list", () => {
  it.effect("has all of a payer with the limits of their plans, or those alone that count as there", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const subscriptions = yield* Subscriptions
      yield* subscribe(actor, { plan: "basic" })
      yield* cancel(actor, { when: "now" })
      const all = yield* subscriptions.list(actor, self)
      assert.deepStrictEqual(
        all.map(({ plan, status, limits }) => `${plan} ${status} ${JSON.stringify(limits)}`),
        ['basic canceled {"projects":5}'],
      )
      assert.deepStrictEqual(yield* subscriptions.list(actor, self, { active: true }), [])
    }).pipe(Effect.provide(layer())),
  )
})

describe("Portals.open", () => {
  it.effect("opens the portal for who is a customer, and for nobody else", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const portals = yield* Portals
      const [ada, eve] = [yield* OrganizationBuilders.actor(), yield* OrganizationBuilders.actor()]
      yield* subscribe(ada, { plan: "basic" })
      const request = { payer: self, returnUrl: "/billing", locale: null, part: "home" } as const
      assert.isTrue((yield* portals.open(ada, request)).startsWith(`${local.url}/portal/`))
      assert.strictEqual(yield* refusalOf(portals.open(eve, request)), "CustomerNotFound")
      // Who looked for a portal became nobody's customer.
      const provider = yield* BillingProvider
      const known = yield* CustomerStore.use((store) => store.findByPayer({ _tag: "User", userId: eve.user.id }))
      assert.deepStrictEqual([provider.isEnabled, known._tag], [true, "None"])
    }).pipe(Effect.provide(layer())),
  )
})
