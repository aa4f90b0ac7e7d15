/**
 * Checked by `tsc -b`: names that a host did not declare do not compile.
 */
import * as BillingDefinition from "@belfry/billing/BillingDefinition"

const billing = BillingDefinition.define({
  features: ["sso", "export"],
  limits: ["members", "projects"],
  base: { features: [], limits: { members: 3 } },
  plans: {
    team: {
      title: "Team",
      audience: ["organization"],
      prices: { month: { lookupKey: "team_month" }, year: { id: "price_1" } },
      seats: { prices: { month: { lookupKey: "seat_month" } } },
      limits: { members: 50, projects: null },
      trialDays: 14,
    },
    business: { title: "Business", prices: { month: { lookupKey: "business_month" } }, features: ["sso"] },
  },
  organizationLimits: { members: "members" },
})

billing.feature("sso")
billing.limit("projects")
billing.plan("team")
// @ts-expect-error no such feature
billing.feature("ssso")
// @ts-expect-error no such limit
billing.limit("project")
// @ts-expect-error no such plan
billing.plan("teams")

BillingDefinition.define({
  features: ["sso"],
  limits: ["members"],
  plans: {
    // @ts-expect-error a plan gives features that are declared
    team: { title: "Team", prices: {}, features: ["export"] },
  },
})
BillingDefinition.define({
  features: ["sso"],
  limits: ["members"],
  plans: {
    // @ts-expect-error a plan sets limits that are declared
    team: { title: "Team", prices: {}, limits: { projects: 1 } },
  },
})
BillingDefinition.define({
  features: [],
  limits: ["members"],
  plans: {},
  // @ts-expect-error organizations have no such limit
  organizationLimits: { projects: "members" },
})
