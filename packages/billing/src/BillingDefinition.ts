/**
 * What a host sells: features, limits and plans. The compiler checks every use.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { PayerKind } from "./Payer.ts"
import {
  defaultGroup,
  Feature,
  type IntervalPrices,
  LimitName,
  type Plan,
  PlanGroup,
  PlanName,
  type Proration,
} from "./Plan.ts"

/**
 * The limits of organizations that a plan can set.
 *
 * @category models
 * @since 0.1.0
 */
export type OrganizationLimit = "members" | "invitations" | "roles" | "teams" | "teamMembers"

/**
 * How many of what; null is no limit.
 *
 * @category models
 * @since 0.1.0
 */
export type GrantedLimits<L extends string> = { readonly [K in L]?: number | null }

/**
 * What something gives: features, and how many of what; null is no limit.
 *
 * @category models
 * @since 0.1.0
 */
export interface Grants<F extends string = Feature, L extends string = LimitName> {
  readonly features: ReadonlyArray<F>
  readonly limits: GrantedLimits<L>
}

/**
 * What is sold, without the types: see `PlanCatalogue`.
 *
 * @category models
 * @since 0.1.0
 */
export interface BillingRules {
  /** The first plan of a name wins; names are in small letters. */
  readonly plans: ReadonlyArray<Plan>
  readonly features: ReadonlySet<Feature>
  readonly limits: ReadonlySet<LimitName>
  /** What everybody has who pays nothing. A limit that neither this nor a plan sets is 0. */
  readonly base: Grants
  /** Which limit of the plans counts for which of organizations. */
  readonly organizationLimits: { readonly [K in OrganizationLimit]?: LimitName }
}

/**
 * A plan as a host writes it. Left out: `group` is `main`, `audience` users, `proration` prorations on the next
 * invoice.
 *
 * @category models
 * @since 0.1.0
 */
export interface PlanOptions<F extends string, L extends string> {
  readonly title: string
  readonly description?: string
  readonly group?: string
  readonly audience?: NonEmptyReadonlyArray<PayerKind>
  readonly prices: IntervalPrices
  readonly seats?: { readonly prices?: IntervalPrices; readonly minimum?: number }
  readonly items?: ReadonlyArray<{ readonly prices: IntervalPrices; readonly quantity?: number | null }>
  readonly features?: ReadonlyArray<F>
  readonly limits?: { readonly [K in L]?: number | null }
  readonly trialDays?: number
  readonly proration?: Proration
}

/**
 * A host's declaration, ready for use: `rules` for `PlanCatalogue.layer`, and names that the compiler knows.
 *
 * @category models
 * @since 0.1.0
 */
export interface BillingDefinition<F extends string, L extends string, P extends string> {
  readonly rules: BillingRules
  readonly feature: (feature: F) => Feature
  readonly limit: (limit: L) => LimitName
  readonly plan: (plan: P) => PlanName
}

/**
 * Declares what a host sells.
 *
 * **Example** (Two plans for organizations)
 *
 * ```ts
 * export const billing = BillingDefinition.define({
 *   features: ["sso", "audit-export"],
 *   limits: ["members", "projects"],
 *   base: { features: [], limits: { members: 3, projects: 1 } },
 *   plans: {
 *     team: {
 *       title: "Team",
 *       audience: ["organization"],
 *       prices: { month: { lookupKey: "team_month" }, year: { lookupKey: "team_year" } },
 *       seats: { prices: { month: { lookupKey: "seat_month" }, year: { lookupKey: "seat_year" } } },
 *       limits: { members: 50, projects: null },
 *       trialDays: 14
 *     },
 *     business: {
 *       title: "Business",
 *       audience: ["organization"],
 *       prices: { month: { lookupKey: "business_month" } },
 *       features: ["sso"], // "ssso" does not compile
 *       limits: { members: null, projects: null }
 *     }
 *   },
 *   organizationLimits: { members: "members" }
 * })
 * yield* entitlements.require(payer, billing.feature("sso"))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const define = <const F extends string, const L extends string, const P extends string>(options: {
  readonly features: ReadonlyArray<F>
  readonly limits: ReadonlyArray<L>
  readonly base?: Grants<NoInfer<F>, NoInfer<L>>
  readonly plans: Readonly<Record<P, PlanOptions<NoInfer<F>, NoInfer<L>>>>
  readonly organizationLimits?: { readonly [K in OrganizationLimit]?: NoInfer<L> }
}): BillingDefinition<F, L, P> => ({
  rules: rulesOf(options),
  feature: (feature) => Feature.make(feature),
  limit: (limit) => LimitName.make(limit),
  plan: (plan) => PlanName.make(plan.toLowerCase()),
})

/**
 * What a host sells that sells nothing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const nothing: BillingRules = {
  plans: [],
  features: new Set(),
  limits: new Set(),
  base: { features: [], limits: {} },
  organizationLimits: {},
}

// internal

/** Everything as text: what is typed above is checked already. */
const rulesOf = (options: {
  readonly features: ReadonlyArray<string>
  readonly limits: ReadonlyArray<string>
  readonly base?: Grants<string, string>
  readonly plans: Readonly<Record<string, PlanOptions<string, string>>>
  readonly organizationLimits?: { readonly [K in OrganizationLimit]?: string }
}): BillingRules => {
  const { base = { features: [], limits: {} }, organizationLimits = {} } = options
  return {
    plans: Object.entries(options.plans).map(([name, plan]) => planOf(name, plan)),
    features: new Set(featuresOf(options.features)),
    limits: new Set(options.limits.map((limit) => LimitName.make(limit))),
    base: { features: featuresOf(base.features), limits: limitsOf(base.limits) },
    organizationLimits: Object.fromEntries(
      Object.entries(organizationLimits).map(([name, limit]) => [name, LimitName.make(limit)]),
    ),
  }
}

const planOf = (name: string, plan: PlanOptions<string, string>): Plan => ({
  name: PlanName.make(name.toLowerCase()),
  title: plan.title,
  description: plan.description ?? null,
  group: plan.group === undefined ? defaultGroup : PlanGroup.make(plan.group),
  audience: plan.audience ?? ["user"],
  prices: plan.prices,
  seats: plan.seats === undefined ? null : { prices: plan.seats.prices ?? null, minimum: plan.seats.minimum ?? 1 },
  items: (plan.items ?? []).map(({ prices, quantity = 1 }) => ({ prices, quantity })),
  features: featuresOf(plan.features ?? []),
  limits: limitsOf(plan.limits ?? {}),
  trialDays: plan.trialDays ?? null,
  proration: plan.proration ?? "create-prorations",
})

const featuresOf = (names: ReadonlyArray<string>): ReadonlyArray<Feature> => names.map((name) => Feature.make(name))

const limitsOf = (limits: { readonly [name: string]: number | null | undefined }): Plan["limits"] =>
  Object.fromEntries(
    Object.entries(limits).flatMap(([name, limit]) => (limit === undefined ? [] : [[LimitName.make(name), limit]])),
  )
