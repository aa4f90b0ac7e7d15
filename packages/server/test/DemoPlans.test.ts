import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import * as PlanCatalogue from "@belfry/billing/PlanCatalogue"
import * as DemoPlans from "@belfry/server/DemoPlans"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"

const own = BillingDefinition.define({
  features: [],
  limits: [],
  plans: { own: { title: "Own", prices: { month: { lookupKey: "own" } } } },
})

/** The names of what is sold, by a host that has these plans. */
const sold = (env: Record<string, string>, given: { readonly rules: BillingDefinition.BillingRules }) =>
  PlanCatalogue.PlanCatalogue.pipe(
    Effect.flatMap(({ rules }) => rules),
    Effect.map(({ plans }) => plans.map(({ name }) => String(name))),
    Effect.provide(Layer.provide(DemoPlans.layerConfig, PlanCatalogue.layer(given))),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
  )

describe("the plans for looking at", () => {
  it.effect("are sold with a local Stripe by who has none, and never elsewhere", () =>
    Effect.gen(function* () {
      const nothing = { rules: BillingDefinition.nothing }
      const local = { BELFRY_STRIPE: "local" }
      assert.deepStrictEqual(yield* sold(local, nothing), ["pro", "team", "squad", "storage"])
      assert.deepStrictEqual(yield* sold(local, own), ["own"])
      assert.deepStrictEqual(yield* sold({}, nothing), [])
      assert.deepStrictEqual(yield* sold({ BELFRY_STRIPE_SECRET_KEY: "sk_test_1" }, nothing), [])
    }),
  )

  it.effect("are there for everybody who may pay", () =>
    Effect.sync(() => {
      const audience = DemoPlans.definition.rules.plans.flatMap((plan) => plan.audience)
      assert.sameMembers([...new Set(audience)], ["user", "organization", "team"])
    }),
  )
})
