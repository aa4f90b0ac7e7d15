import { Checkouts } from "@belfry/billing/Checkouts"
import { OperationId } from "@belfry/billing/Operation"
import { OperationStore } from "@belfry/billing/OperationStore"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as LocalStripes from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { TestClock } from "effect/testing"
import { layer, pay, upgrade } from "./support/Buying.ts"

describe("Checkouts.get", () => {
  it.effect("tells that a checkout is open, and where it goes on", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const checkouts = yield* Checkouts
      const { checkoutId, url } = yield* upgrade(actor, { plan: "basic", successUrl: "/done", cancelUrl: "/back" })
      const found = yield* checkouts.get(actor, checkoutId ?? "")
      assert.deepStrictEqual({ ...found, subscription: null }, found)
      assert.deepStrictEqual([found.status, found.plan, found.url], ["open", "basic", url])
      assert.deepStrictEqual(
        [found.returnUrl, found.cancelUrl],
        ["http://localhost:3000/done", "http://localhost:3000/back"],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("looks at what was paid, once, and has the subscription then without asking again", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const checkouts = yield* Checkouts
      const { checkoutId } = yield* upgrade(actor, { plan: "basic" })
      yield* pay(checkoutId)
      const found = yield* checkouts.get(actor, checkoutId ?? "")
      assert.deepStrictEqual([found.status, found.url, found.subscription?.plan], ["complete", null, "basic"])
      const from = local.calls.length
      const again = yield* checkouts.get(actor, checkoutId ?? "")
      assert.deepStrictEqual([again.status, again.subscription?.id], ["complete", found.subscription?.id])
      assert.strictEqual(local.calls.length, from)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves a checkout open whose card was declined, and tells when its time is over", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const checkouts = yield* Checkouts
      const { checkoutId } = yield* upgrade(actor, { plan: "basic" })
      yield* pay(checkoutId, LocalStripes.cards.declined)
      assert.strictEqual((yield* checkouts.get(actor, checkoutId ?? "")).status, "open")
      yield* TestClock.adjust("3 hours")
      yield* local.advance(0)
      const over = yield* checkouts.get(actor, checkoutId ?? "")
      assert.deepStrictEqual([over.status, over.url, over.subscription], ["expired", null, null])
      const next = yield* upgrade(actor, { plan: "basic" })
      assert.notStrictEqual(next.checkoutId, checkoutId)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("finds nothing by what is no id, and by the id of what is no checkout", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const checkouts = yield* Checkouts
      for (const id of ["", "checkout", "00000000-0000-7000-8000-000000000000"]) {
        assert.strictEqual((yield* Effect.flip(checkouts.get(actor, id)))._tag, "CheckoutNotFound")
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("Upgrades.upgrade, when an answer was lost", () => {
  const lost = Effect.fnUntraced(function* () {
    const local = yield* LocalStripe
    const actor = yield* OrganizationBuilders.actor()
    const only = (_method: string, path: string) => path === "/v1/checkout/sessions"
    local.failing({ rate: 1, seed: 1, kinds: ["after"], only })
    const failed = yield* Effect.flip(upgrade(actor, { plan: "basic" }))
    assert.strictEqual(failed._tag, "BillingProviderError")
    local.failing(undefined)
    const statuses = () => Object.values(local.objects().checkouts).map(({ status }) => status)
    assert.deepStrictEqual(statuses(), ["open"])
    return { actor, statuses }
  })

  it.effect("asks anew, by another key, for what Stripe failed at and says so to the same key ever after", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const failOnce = (at: string) => {
        let left = 1
        const only = (method: string, path: string) => method === "POST" && path === at && left-- > 0
        local.failing({ rate: 1, seed: 1, kinds: ["kept"], only })
      }
      failOnce("/v1/customers")
      assert.strictEqual((yield* upgrade(actor, { plan: "basic" })).kind, "checkout")
      failOnce("/v1/checkout/sessions")
      assert.strictEqual((yield* Effect.flip(upgrade(actor, { plan: "gold" })))._tag, "BillingProviderError")
      assert.strictEqual((yield* upgrade(actor, { plan: "gold" })).kind, "checkout")
      const { checkouts, customers } = local.objects()
      const open = Object.values(checkouts).filter(({ status }) => status === "open")
      assert.deepStrictEqual([Object.keys(customers).length, open.length], [1, 1])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("goes on with the checkout that Stripe made and nobody heard of", () =>
    Effect.gen(function* () {
      const { actor, statuses } = yield* lost()
      assert.strictEqual((yield* upgrade(actor, { plan: "basic" })).kind, "checkout")
      assert.deepStrictEqual(statuses(), ["open"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("closes it for another wish, so that it can never be paid", () =>
    Effect.gen(function* () {
      const { actor, statuses } = yield* lost()
      assert.strictEqual((yield* upgrade(actor, { plan: "gold" })).kind, "checkout")
      assert.deepStrictEqual(statuses().toSorted(), ["expired", "open"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("closes what it made when somebody wanted something else meanwhile", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const services = yield* Effect.context<OperationStore>()
      local.killPoints((at, { params }) => {
        const id = params["client_reference_id"]
        if (at !== "after" || typeof id !== "string") return
        const supersede = Effect.flatMap(OperationStore, (store) =>
          Effect.flatMap(DateTime.now, (now) => store.close(OperationId.make(id), "superseded", now)),
        )
        return Effect.runPromiseWith(services)(Effect.asVoid(supersede))
      })
      const refused = yield* Effect.flip(upgrade(actor, { plan: "basic" }))
      assert.strictEqual("reason" in refused ? refused.reason : refused._tag, "superseded")
      assert.deepStrictEqual(
        Object.values(local.objects().checkouts).map(({ status }) => status),
        ["expired"],
      )
    }).pipe(Effect.provide(layer())),
  )
})
