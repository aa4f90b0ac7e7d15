import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import { defaultGroup, type Feature, type LimitName } from "@belfry/billing/Plan"
import { assert, describe, it } from "@effect/vitest"

const prices = { month: { lookupKey: "pro_month" } }

describe("a definition", () => {
  it("has defaults for what a plan leaves out, and its name in small letters", () => {
    const { rules, plan } = BillingDefinition.define({
      features: [],
      limits: [],
      plans: { Pro: { title: "Pro", prices } },
    })
    assert.deepStrictEqual(rules, {
      plans: [
        {
          name: plan("Pro"),
          title: "Pro",
          description: null,
          group: defaultGroup,
          audience: ["user"],
          prices,
          seats: null,
          items: [],
          features: [],
          limits: {},
          trialDays: null,
          proration: "create-prorations",
        },
      ],
      features: new Set<Feature>(),
      limits: new Set<LimitName>(),
      base: { features: [], limits: {} },
      organizationLimits: {},
    })
  })

  it("keeps what is written: seats at least one, items one of each, null for what is measured or has no limit", () => {
    const { rules, feature, limit } = BillingDefinition.define({
      features: ["sso"],
      limits: ["members", "projects"],
      base: { features: ["sso"], limits: { members: 3 } },
      plans: {
        team: {
          title: "Team",
          description: "For many",
          group: "teams",
          audience: ["organization"],
          prices,
          seats: {},
          items: [{ prices }, { prices, quantity: null }],
          features: ["sso"],
          limits: { members: null },
          trialDays: 7,
          proration: "none",
        },
      },
      organizationLimits: { members: "members" },
    })
    const [plan] = rules.plans
    assert.deepInclude(plan, {
      description: "For many",
      audience: ["organization"],
      seats: { prices: null, minimum: 1 },
      items: [
        { prices, quantity: 1 },
        { prices, quantity: null },
      ],
      features: [feature("sso")],
      limits: { [limit("members")]: null },
      trialDays: 7,
      proration: "none",
    })
    assert.deepStrictEqual(rules.base, { features: [feature("sso")], limits: { [limit("members")]: 3 } })
    assert.deepStrictEqual(rules.limits, new Set([limit("members"), limit("projects")]))
    assert.deepStrictEqual(rules.organizationLimits, { members: limit("members") })
  })

  it("refuses names that could not stand in a request, a group or a permission", () => {
    const define = (plan: string, group = "main", feature = "sso") =>
      BillingDefinition.define({ features: [feature], limits: [], plans: { [plan]: { title: "X", prices, group } } })
    define("a-b_c9")
    for (const wrong of [
      () => define("9a"),
      () => define("a b"),
      () => define("a", "A"),
      () => define("a", "main", ""),
    ])
      assert.throws(wrong)
  })
})
