/**
 * What is sold with `BELFRY_STRIPE=local`, for looking at it: plans for people, organizations and teams. The local
 * Stripe has their prices.
 *
 * @since 0.1.0
 */
import * as BillingDefinition from "@belfry/billing/BillingDefinition"
import { PlanCatalogue } from "@belfry/billing/PlanCatalogue"
import * as StripeConfig from "@belfry/billing/StripeConfig"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * The plans: one for people and one for organizations with a trial each, one of seats for teams, and storage beside.
 *
 * @category models
 * @since 0.1.0
 */
export const definition = BillingDefinition.define({
  features: ["export", "sso"],
  limits: ["members", "gigabytes"],
  base: { features: [], limits: { members: 3, gigabytes: 1 } },
  plans: {
    pro: {
      title: "Pro",
      description: "For you alone: everything can be exported",
      prices: { month: { lookupKey: "pro_month" }, year: { lookupKey: "pro_year" } },
      features: ["export"],
      limits: { gigabytes: 10 },
      trialDays: 14,
    },
    team: {
      title: "Team",
      description: "For organizations: as many members as you like, each of them a seat",
      audience: ["organization"],
      prices: { month: { lookupKey: "team_month" }, year: { lookupKey: "team_year" } },
      seats: { prices: { month: { lookupKey: "team_seat_month" }, year: { lookupKey: "team_seat_year" } } },
      features: ["export", "sso"],
      limits: { members: null, gigabytes: 100 },
      trialDays: 14,
    },
    squad: {
      title: "Squad",
      description: "For one team of an organization",
      audience: ["team"],
      prices: { month: { lookupKey: "squad_month" } },
      seats: {},
      features: ["export"],
      limits: { gigabytes: 20 },
    },
    storage: {
      title: "Storage",
      description: "More room, beside any plan",
      group: "storage",
      audience: ["user", "organization"],
      prices: { month: { lookupKey: "storage_month" } },
      limits: { gigabytes: 1000 },
    },
  },
  organizationLimits: { members: "members" },
})

/**
 * Layer of these plans where the configuration asks for a local Stripe and the host sells nothing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.effect(
  PlanCatalogue,
  Effect.gen(function* () {
    const given = yield* PlanCatalogue
    if ((yield* StripeConfig.configMode) !== "local") return given
    return { rules: Effect.map(given.rules, (rules) => (rules.plans.length === 0 ? definition.rules : rules)) }
  }),
)
