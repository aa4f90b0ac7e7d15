/**
 * Entitlements: what a payer may use, from what everybody has, from plans, and from what the host granted.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { BillingRules } from "./BillingDefinition.ts"
import { Feature, LimitName, PlanName } from "./Plan.ts"
import type { SubscriptionStatus } from "./ProviderSubscription.ts"

/**
 * What a host granted or took away. Wins over plans until `expiresAt`. A feature that is false is taken away.
 *
 * @category models
 * @since 0.1.0
 */
export const EntitlementOverride = Schema.Struct({
  features: Schema.Record(Feature, Schema.Boolean),
  limits: Schema.Record(LimitName, Schema.NullOr(Schema.Int)),
  reason: Schema.NullOr(Schema.String.check(Schema.isMaxLength(500))),
  expiresAt: Schema.NullOr(Schema.DateTimeUtc),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface EntitlementOverride extends Schema.Schema.Type<typeof EntitlementOverride> {}

/**
 * What entitlements are computed from: one statement reads it.
 *
 * @category models
 * @since 0.1.0
 */
export interface EntitlementFacts {
  readonly subscriptions: ReadonlyArray<{ readonly plan: PlanName | null; readonly status: SubscriptionStatus }>
  readonly override: EntitlementOverride | null
}

/**
 * What a payer may use. Every limit that is declared is there; null: no limit.
 *
 * @category models
 * @since 0.1.0
 */
export const EntitlementsView = Schema.Struct({
  plans: Schema.Array(PlanName),
  features: Schema.Array(Feature),
  limits: Schema.Record(LimitName, Schema.NullOr(Schema.Int)),
}).annotate({ identifier: "Entitlements" })
/**
 * @category models
 * @since 0.1.0
 */
export interface EntitlementsView extends Schema.Schema.Type<typeof EntitlementsView> {}

/**
 * How a subscription may stand whose plan counts, unless the settings say otherwise: one that is past due does.
 *
 * @category rules
 * @since 0.1.0
 */
export const grantingStatuses: ReadonlySet<SubscriptionStatus> = new Set(["active", "trialing", "past_due"])

/**
 * What a payer may use: features of everything that counts together, of limits the highest, then the override.
 *
 * @category decisions
 * @since 0.1.0
 */
export const resolve = (
  facts: EntitlementFacts,
  rules: BillingRules,
  options: { readonly now: DateTime.Utc; readonly granting: ReadonlySet<SubscriptionStatus> },
): EntitlementsView => {
  const counting = facts.subscriptions.flatMap(({ plan, status }) => {
    const found = options.granting.has(status) ? rules.plans.find(({ name }) => name === plan) : undefined
    return found === undefined ? [] : [found]
  })
  const { override } = facts
  const holds =
    override !== null && (override.expiresAt === null || DateTime.isLessThan(options.now, override.expiresAt))
  const features = new Set([...rules.base.features, ...counting.flatMap((plan) => plan.features)])
  const limits: Record<LimitName, number | null> = {}
  for (const name of rules.limits) {
    const set = [rules.base.limits[name], ...counting.map((plan) => plan.limits[name])]
    limits[name] = set.includes(null) ? null : Math.max(0, ...set.map((limit) => limit ?? 0))
  }
  if (holds) {
    for (const feature of rules.features) {
      const isGiven = override.features[feature]
      if (isGiven === true) features.add(feature)
      if (isGiven === false) features.delete(feature)
    }
    for (const name of rules.limits) {
      const limit = override.limits[name]
      if (limit !== undefined) limits[name] = limit
    }
  }
  return {
    plans: counting.map(({ name }) => name).toSorted(),
    features: [...features].filter((feature) => rules.features.has(feature)).toSorted(),
    limits,
  }
}

/**
 * The payer's plans do not give this.
 *
 * @category errors
 * @since 0.1.0
 */
export class EntitlementMissing extends Schema.TaggedError<EntitlementMissing>("@belfry/billing/EntitlementMissing")(
  "EntitlementMissing",
  { features: Schema.Array(Feature) },
) {
  override get message(): string {
    return `Not in your plan: ${this.features.join(", ")}`
  }
}
