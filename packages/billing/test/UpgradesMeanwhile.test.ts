import { Checkouts } from "@belfry/billing/Checkouts"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { layer, pay, upgrade } from "./support/Buying.ts"

describe("Upgrades.upgrade, while another checkout is paid", () => {
  for (const { plan, expected } of [
    { plan: "basic", expected: "subscribed" },
    { plan: "gold", expected: "changed" },
  ]) {
    it.effect(`sells nothing beside what was bought when ${plan} was about to be`, () => {
      // Between the look at what there is and the checkout that is made, once.
      let meanwhile: Effect.Effect<unknown> = Effect.void
      const checkoutParameters = () =>
        Effect.suspend(() => {
          const act = meanwhile
          meanwhile = Effect.void
          return Effect.as(act, {})
        })
      return Effect.gen(function* () {
        const local = yield* LocalStripe
        const actor = yield* OrganizationBuilders.actor()
        const services = yield* Effect.context<Layer.Success<ReturnType<typeof layer>>>()
        const { checkoutId } = yield* upgrade(actor, { plan: "basic" })
        const look = Checkouts.use((checkouts) => checkouts.get(actor, checkoutId ?? ""))
        meanwhile = Effect.andThen(pay(checkoutId), look).pipe(Effect.orDie, Effect.provideContext(services))
        const outcome = yield* Effect.match(upgrade(actor, { plan }), {
          onFailure: (error) => ("reason" in error ? error.reason : error._tag),
          onSuccess: ({ kind }) => kind,
        })
        assert.strictEqual(outcome, expected)
        const { checkouts, subscriptions } = local.objects()
        const open = Object.values(checkouts).filter(({ status }) => status === "open")
        assert.deepStrictEqual([open.length, Object.keys(subscriptions).length], [0, 1])
      }).pipe(Effect.provide(layer({ hooks: { checkoutParameters } })))
    })
  }
})
