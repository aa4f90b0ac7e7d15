import { Portals } from "@belfry/billing/Portals"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import type { Actor } from "@belfry/organization/Membership"
import { Audit } from "@belfry/core/Audit"
import * as Builders from "@belfry/testing/Builders"
import { cards, LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { layer, pay, subscribe, subscriptionsOf, upgrade, writes } from "./support/Buying.ts"

const self = { _tag: "Self" } as const

/** What a wish was refused with, in a word. */
const refusalOf = (...wish: Parameters<typeof upgrade>) =>
  Effect.map(Effect.flip(upgrade(...wish)), (error) =>
    "reason" in error ? `${error._tag} ${error.reason}` : error._tag,
  )

/** The checkouts that Stripe has. */
const checkouts = Effect.map(LocalStripe, (local) => Object.values(local.objects().checkouts))

/** The items of somebody's newest subscription, as they are here. */
const itemsOf = Effect.fnUntraced(function* (actor: Actor) {
  const [subscription] = yield* subscriptionsOf(actor)
  return (subscription?.state.items ?? []).map(({ lookupKey, quantity }) => `${quantity} ${lookupKey}`).toSorted()
})

/** Has somebody pay with another card from now on. */
const useCard = Effect.fnUntraced(function* (actor: Actor, card: string) {
  const local = yield* LocalStripe
  const request = { payer: self, returnUrl: "/billing", locale: null, part: "payment-method" } as const
  const url = yield* Portals.use((portals) => portals.open(actor, request))
  yield* local.submitPortal(url, { card })
})

describe("Upgrades.upgrade, for who has nothing of the group", () => {
  it.effect("opens a checkout, and the same one for whoever wants the same again", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const first = yield* upgrade(actor, { plan: "basic" })
      const from = local.calls.length
      const second = yield* upgrade(actor, { plan: "BASIC" })
      assert.strictEqual(first.kind, "checkout")
      assert.deepStrictEqual([second.url, second.checkoutId], [first.url, first.checkoutId])
      assert.deepStrictEqual(writes(local, from), [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("closes the checkout of another wish at Stripe before it opens one", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const first = yield* upgrade(actor, { plan: "basic" })
      const from = local.calls.length
      const second = yield* upgrade(actor, { plan: "gold" })
      assert.notStrictEqual(second.checkoutId, first.checkoutId)
      assert.deepStrictEqual(writes(local, from), [
        "POST /v1/checkout/sessions/:id/expire",
        "POST /v1/checkout/sessions",
      ])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds the subscription of a checkout that was paid, though no webhook came", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const { checkoutId } = yield* upgrade(actor, { plan: "basic" })
      yield* pay(checkoutId)
      assert.strictEqual(yield* refusalOf(actor, { plan: "basic" }), "SubscriptionConflict subscribed")
      assert.strictEqual(Object.keys(local.objects().subscriptions).length, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("says at Stripe who pays and what for, whatever the host adds", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const { checkoutId } = yield* upgrade(actor, { plan: "basic", metadata: { campaign: "spring", belfry_own: "?" } })
      const [checkout] = yield* checkouts
      assert.deepStrictEqual(checkout?.mode, "subscription")
      assert.deepStrictEqual(checkout?.client_reference_id, checkoutId)
      assert.notProperty(checkout?.metadata, "belfry_own")
      assert.include(checkout?.metadata, {
        campaign: "spring",
        managed_by: "belfry",
        belfry_payer: `user:${actor.user.id}`,
      })
    }).pipe(
      Effect.provide(
        layer({
          hooks: {
            checkoutParameters: () =>
              Effect.succeed({ mode: "payment", customer: "cus_other", metadata: { managed_by: "me" } }),
          },
        }),
      ),
    ),
  )

  it.effect("speaks the language that was asked for, or its kin, or the browser's", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      for (const locale of ["pt-BR", "pt-AO", "eo"]) yield* upgrade(actor, { plan: "basic", locale })
      const made = local.calls.filter(({ method, path }) => method === "POST" && path === "/v1/checkout/sessions")
      assert.deepStrictEqual(
        made.map(({ params }) => params["locale"]),
        ["pt-BR", "pt", "auto"],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gives a trial once", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      assert.strictEqual((yield* subscribe(actor, { plan: "tried" })).status, "trialing")
      const request = { payer: self, subscriptionId: null, returnUrl: "/", locale: null } as const
      yield* Subscriptions.use((service) => service.cancel(actor, { ...request, when: "now", confirm: "service" }))
      assert.strictEqual((yield* subscribe(actor, { plan: "tried" })).status, "active")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gives no trial where the host says no", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      assert.strictEqual((yield* subscribe(actor, { plan: "tried" })).status, "active")
    }).pipe(Effect.provide(layer({ hooks: { mayTry: () => Effect.succeed(false) } }))),
  )

  it.effect("opens a checkout for another group beside a subscription", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      yield* subscribe(actor, { plan: "storage" })
      const plans = (yield* subscriptionsOf(actor)).map(({ state }) => state.plan ?? "none")
      assert.sameMembers<string>(plans, ["basic", "storage"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sells a user the seats that were asked for, and no fewer than the plan has", () =>
    Effect.gen(function* () {
      const [ada, eve] = [yield* OrganizationBuilders.actor(), yield* OrganizationBuilders.actor()]
      assert.strictEqual((yield* subscribe(ada, { plan: "desks", seats: 5 })).seats, 5)
      assert.strictEqual((yield* subscribe(eve, { plan: "desks", seats: 1 })).seats, 2)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sells an organization the seats of its members, whatever was asked for", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
      yield* OrganizationBuilders.storedMember(organization.id)
      const payer = { _tag: "Organization" as const, organization: organization.id }
      assert.strictEqual((yield* subscribe(actor, { plan: "team", payer, seats: 40 })).seats, 2)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Upgrades.upgrade, for who has a subscription of the group", () => {
  it.effect("changes it at once, and writes down who did", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const { id } = yield* subscribe(actor, { plan: "basic" })
      const from = local.calls.length
      const { kind, subscription } = yield* upgrade(actor, { plan: "gold" })
      assert.deepStrictEqual([kind, subscription?.id], ["changed", id])
      assert.deepStrictEqual(writes(local, from), ["POST /v1/subscriptions/:id"])
      assert.deepStrictEqual(yield* itemsOf(actor), ["1 gold_month"])
      const [event] = yield* Audit.use((audit) => audit.list({ type: "billing.upgrade" }))
      assert.deepStrictEqual(
        [event?.userId, event?.data["kind"], event?.data["plan"]],
        [actor.user.id, "changed", "gold"],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("changes the interval of a plan", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      const { subscription } = yield* upgrade(actor, { plan: "basic", interval: "year" })
      assert.strictEqual(subscription?.interval, "year")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves it as it was when the bank declines", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      yield* useCard(actor, cards.failsLater)
      assert.strictEqual(yield* refusalOf(actor, { plan: "gold" }), "PaymentDeclined")
      assert.deepStrictEqual(yield* itemsOf(actor), ["1 basic_month"])
      yield* useCard(actor, cards.pays)
      assert.strictEqual((yield* upgrade(actor, { plan: "gold" })).kind, "changed")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keeps what is scheduled where the bank declines, and lets it go when the change is done", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      const { subscription } = yield* upgrade(actor, { plan: "bundle", when: "period-end" })
      const scheduled = subscription?.scheduled ?? assert.fail("nothing is scheduled")
      yield* useCard(actor, cards.failsLater)
      assert.strictEqual(yield* refusalOf(actor, { plan: "gold" }), "PaymentDeclined")
      assert.deepStrictEqual((yield* subscriptionsOf(actor))[0]?.state.scheduled, scheduled)
      yield* useCard(actor, cards.pays)
      const from = local.calls.length
      const changed = yield* upgrade(actor, { plan: "gold" })
      assert.deepStrictEqual([changed.subscription?.plan, changed.subscription?.scheduled], ["gold", null])
      const [change, release] = ["POST /v1/subscriptions/:id", "POST /v1/subscription_schedules/:id/release"]
      assert.deepStrictEqual(writes(local, from), [change, release])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sends people to the portal to confirm a change of one item", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      const from = local.calls.length
      const outcome = yield* upgrade(actor, { plan: "gold", confirm: "portal" })
      assert.strictEqual(outcome.kind, "portal")
      assert.deepStrictEqual(writes(local, from), ["POST /v1/billing_portal/sessions"])
      yield* local.submitPortal(outcome.url)
      assert.strictEqual(yield* refusalOf(actor, { plan: "gold" }), "SubscriptionConflict subscribed")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("changes more than one item itself, whoever was to confirm it, and takes off what is not in the plan", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "bundle" })
      assert.strictEqual((yield* upgrade(actor, { plan: "basic", confirm: "portal" })).kind, "changed")
      assert.deepStrictEqual(yield* itemsOf(actor), ["1 basic_month"])
      assert.strictEqual((yield* upgrade(actor, { plan: "bundle" })).kind, "changed")
      assert.deepStrictEqual(yield* itemsOf(actor), ["1 bundle_month", "1 extra_month"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("schedules a change for the end of the period, and releases it when the plan of today is asked for", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const { periodEnd } = yield* subscribe(actor, { plan: "gold" })
      const { kind, subscription } = yield* upgrade(actor, { plan: "basic", when: "period-end" })
      const { plan, startsAt } = subscription?.scheduled ?? {}
      assert.deepStrictEqual(`${kind} ${subscription?.plan} ${plan}`, "scheduled gold basic")
      assert.deepStrictEqual(startsAt, periodEnd ?? undefined)
      const from = local.calls.length
      const released = yield* upgrade(actor, { plan: "gold" })
      assert.deepStrictEqual([released.kind, released.subscription?.scheduled], ["released", null])
      assert.deepStrictEqual(writes(local, from), ["POST /v1/subscription_schedules/:id/release"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("replaces what was scheduled by what is asked for later, and has it come", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "gold" })
      yield* upgrade(actor, { plan: "basic", when: "period-end" })
      yield* upgrade(actor, { plan: "bundle", when: "period-end" })
      yield* local.advance("32 days")
      assert.strictEqual(yield* refusalOf(actor, { plan: "bundle" }), "SubscriptionConflict subscribed")
      assert.deepStrictEqual(yield* itemsOf(actor), ["1 bundle_month", "1 extra_month"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect(
    "takes an end back that was asked for when it changes, now or later, and refuses to when nothing does",
    () =>
      Effect.gen(function* () {
        const subscriptions = yield* Subscriptions
        for (const when of ["now", "period-end"] as const) {
          const actor = yield* OrganizationBuilders.actor()
          yield* subscribe(actor, { plan: "gold" })
          const request = { payer: self, subscriptionId: null, returnUrl: "/", locale: null } as const
          yield* subscriptions.cancel(actor, { ...request, when: "period-end", confirm: "service" })
          assert.strictEqual(yield* refusalOf(actor, { plan: "gold" }), "SubscriptionConflict canceling")
          const { subscription } = yield* upgrade(actor, { plan: "basic", when, confirm: "portal" })
          assert.deepStrictEqual([subscription?.cancelAtPeriodEnd, subscription?.cancelAt], [false, null])
        }
      }).pipe(Effect.provide(layer())),
  )

  it.effect("changes nothing while an invoice is not paid", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      yield* subscribe(actor, { plan: "basic" })
      yield* useCard(actor, cards.failsLater)
      yield* local.advance("32 days")
      const from = local.calls.length
      assert.strictEqual(yield* refusalOf(actor, { plan: "gold" }), "SubscriptionConflict unpaid")
      assert.deepStrictEqual(writes(local, from), [])
      assert.isNotNull((yield* subscriptionsOf(actor))[0]?.state.pastDue)
    }).pipe(Effect.provide(layer())),
  )
})

describe("Upgrades.upgrade, before anything is asked of Stripe", () => {
  it.effect("refuses plans that are not sold, or not so, or not to such payers", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const from = local.calls.length
      assert.strictEqual(yield* refusalOf(actor, { plan: "none" }), "PlanNotFound plan")
      assert.strictEqual(yield* refusalOf(actor, { plan: "team" }), "PlanNotFound plan")
      assert.strictEqual(yield* refusalOf(actor, { plan: "gold", interval: "year" }), "PlanNotFound interval")
      assert.strictEqual(local.calls.length, from)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("refuses to send people elsewhere", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const from = local.calls.length
      for (const target of ["successUrl", "cancelUrl", "returnUrl"]) {
        const wish = { plan: "basic", [target]: "https://evil.example/" }
        assert.strictEqual(yield* refusalOf(actor, wish), "RedirectRefused origin")
      }
      assert.strictEqual(local.calls.length, from)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("sells nothing to an address that is not verified, where the host wants that", () =>
    Effect.gen(function* () {
      const user = yield* Builders.storedUser({ emailVerifiedAt: null })
      const actor = yield* OrganizationBuilders.actor({ user })
      assert.strictEqual(yield* refusalOf(actor, { plan: "basic" }), "EmailUnverified")
    }).pipe(Effect.provide(layer({ settings: { requiresVerifiedEmail: true } }))),
  )

  it.effect("counts what a person asks for", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const asked = yield* Effect.forEach(Array.from({ length: 61 }), () => refusalOf(actor, { plan: "none" }))
      assert.deepStrictEqual([asked[59], asked[60]], ["PlanNotFound plan", "RateLimited"])
    }).pipe(Effect.provide(layer({ settings: { limitsRates: true } }))),
  )
})
