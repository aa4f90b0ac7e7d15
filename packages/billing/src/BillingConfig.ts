/**
 * Billing from configuration: `BELFRY_BILLING_*`, and the plans of a file.
 *
 * @since 0.1.0
 */
import { boolean, duration } from "@belfry/core/ConfigValues"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as BillingDefinition from "./BillingDefinition.ts"
import { BillingSettings, type BillingSettingsService, make } from "./BillingSettings.ts"
import { Feature, IntervalPrices, LimitName, PlanGroup, PlanName, Proration } from "./Plan.ts"
import { PayerKind } from "./Payer.ts"
import { PlanCatalogue } from "./PlanCatalogue.ts"

const defaults = make()

/**
 * The settings of `BELFRY_BILLING_*`; what is not set is the default.
 *
 * @category config
 * @since 0.1.0
 */
export const configSettings: Config.Config<BillingSettingsService> = Config.all({
  requiresVerifiedEmail: boolean("BELFRY_BILLING_VERIFIED_EMAIL", defaults.requiresVerifiedEmail),
  deletion: Config.schema(Schema.Literals(["refuse", "cancel"]), "BELFRY_BILLING_DELETION").pipe(
    Config.withDefault(defaults.deletion),
  ),
  adoptsCustomers: boolean("BELFRY_BILLING_ADOPT_CUSTOMERS", defaults.adoptsCustomers),
  createsCustomerOnSignUp: boolean("BELFRY_BILLING_CUSTOMER_ON_SIGN_UP", defaults.createsCustomerOnSignUp),
  checkoutLifetime: duration("BELFRY_BILLING_CHECKOUT_LIFETIME", defaults.checkoutLifetime, {
    minimum: Duration.minutes(30),
    maximum: Duration.hours(24),
  }),
  trialNotice: duration("BELFRY_BILLING_TRIAL_NOTICE", defaults.trialNotice, {
    minimum: Duration.zero,
    maximum: Duration.days(30),
  }),
  eventRetention: duration("BELFRY_BILLING_EVENT_RETENTION", defaults.eventRetention, {
    // Events that webhooks missed are looked for a day back, and one that was forgotten would count as new.
    minimum: Duration.days(2),
    maximum: Duration.days(3650),
  }),
  reconcileInterval: duration("BELFRY_BILLING_RECONCILE_INTERVAL", defaults.reconcileInterval, {
    minimum: Duration.minutes(10),
    maximum: Duration.days(30),
  }),
  limitsRates: boolean("BELFRY_BILLING_RATE_LIMITS", defaults.limitsRates),
}).pipe(Config.map((settings) => make(settings)))

/**
 * Layer of the settings of the configuration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.effect(BillingSettings, configSettings)

/**
 * The plans of a file cannot be used.
 *
 * @category errors
 * @since 0.1.0
 */
export class PlansInvalid extends Schema.TaggedError<PlansInvalid>("@belfry/billing/PlansInvalid")("PlansInvalid", {
  file: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `BELFRY_BILLING_PLANS: in the file ${this.file}, ${this.reason}`
  }
}

/**
 * Reads plans from JSON in the form of `BillingDefinition.define`; fails with what is wrong about it.
 *
 * **Example** (One plan)
 *
 * ```json
 * {
 *   "features": ["export"],
 *   "limits": ["projects"],
 *   "base": { "features": [], "limits": { "projects": 1 } },
 *   "plans": {
 *     "pro": {
 *       "title": "Pro",
 *       "prices": { "month": { "lookupKey": "pro_month" } },
 *       "features": ["export"],
 *       "limits": { "projects": null }
 *     }
 *   }
 * }
 * ```
 *
 * @category decoding
 * @since 0.1.0
 */
export const parsePlans = Effect.fnUntraced(function* (
  text: string,
): Effect.fn.Return<BillingDefinition.BillingRules, string> {
  const json = yield* Effect.try({ try: (): unknown => JSON.parse(text), catch: () => "there is no JSON" })
  const file = yield* Effect.mapError(decodePlans(json), ({ issue }) => explain(issue))
  const unknown = faultOf(file)
  return unknown === undefined ? BillingDefinition.define(file).rules : yield* Effect.fail(unknown)
})

/**
 * Layer of the plans of the file that `BELFRY_BILLING_PLANS` names; without it, those that the host gave.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfigPlans = Layer.effect(
  PlanCatalogue,
  Effect.gen(function* () {
    const given = yield* PlanCatalogue
    const setting = yield* Config.option(Config.NonEmptyString("BELFRY_BILLING_PLANS"))
    if (Option.isNone(setting)) return given
    const file = setting.value
    const fs = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(
      fs.readFileString(file),
      () => new PlansInvalid({ file, reason: "nothing can be read" }),
    )
    const rules = yield* Effect.mapError(parsePlans(text), (reason) => new PlansInvalid({ file, reason }))
    return { rules: Effect.succeed(rules) }
  }),
)

// internal

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

const Prices = IntervalPrices.check(
  Schema.makeFilter((prices) => Object.keys(prices).length > 0, { message: "Expected a price for some interval" }),
)

const Limits = Schema.Record(LimitName, Schema.NullOr(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))))

const PlanOptions = Schema.Struct({
  title: Schema.NonEmptyString,
  description: Schema.optionalKey(Schema.String),
  group: Schema.optionalKey(PlanGroup),
  audience: Schema.optionalKey(Schema.NonEmptyArray(PayerKind)),
  prices: Prices,
  seats: Schema.optionalKey(Schema.Struct({ prices: Schema.optionalKey(Prices), minimum: Schema.optionalKey(Count) })),
  items: Schema.optionalKey(
    Schema.Array(Schema.Struct({ prices: Prices, quantity: Schema.optionalKey(Schema.NullOr(Count)) })),
  ),
  features: Schema.optionalKey(Schema.Array(Feature)),
  limits: Schema.optionalKey(Limits),
  trialDays: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 730 }))),
  proration: Schema.optionalKey(Proration),
})

const PlansFile = Schema.Struct({
  features: Schema.Array(Feature),
  limits: Schema.Array(LimitName),
  base: Schema.optionalKey(Schema.Struct({ features: Schema.Array(Feature), limits: Limits })),
  plans: Schema.Record(Schema.String, PlanOptions),
  organizationLimits: Schema.optionalKey(
    Schema.Struct({
      members: Schema.optionalKey(LimitName),
      invitations: Schema.optionalKey(LimitName),
      roles: Schema.optionalKey(LimitName),
      teams: Schema.optionalKey(LimitName),
      teamMembers: Schema.optionalKey(LimitName),
    }),
  ),
})
interface PlansFile extends Schema.Schema.Type<typeof PlansFile> {}

// A name that is misspelt would be a feature that nobody gets.
const decodePlans = Schema.decodeUnknownEffect(PlansFile, { onExcessProperty: "error" })

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const explain = (issue: SchemaIssue.Issue): string =>
  formatIssues(issue)
    .issues.map(({ message, path = [] }) => {
      const names = path.map((segment) => String(typeof segment === "object" ? segment.key : segment))
      return names.length === 0 ? message : `${names.join(".")}: ${message}`
    })
    .join("; ")

const isPlanName = Schema.is(PlanName)

/** What the compiler would say of a definition in code: names of plans, of features and of limits. */
const faultOf = ({ base, features, limits, organizationLimits = {}, plans }: PlansFile): string | undefined => {
  const names = Object.keys(plans)
  const badName = names.find((name) => !isPlanName(name.toLowerCase()))
  if (badName !== undefined) return `plans.${badName}: no name of a plan: letters, digits, _ and -`
  const again = names.find((name, place) => names.findIndex((one) => one.toLowerCase() === name.toLowerCase()) < place)
  if (again !== undefined) return `plans.${again}: there are two of this name`
  const grants = [
    ["base", base] as const,
    ...Object.entries(plans).map(([name, plan]) => [`plans.${name}`, plan] as const),
  ]
  for (const [where, given] of grants) {
    const feature = given?.features?.find((name) => !features.includes(name))
    if (feature !== undefined) return `${where}.features: ${feature} is not among the features`
    const limit = limitNames(given?.limits).find((name) => !limits.includes(name))
    if (limit !== undefined) return `${where}.limits: ${limit} is not among the limits`
  }
  const limit = Object.values(organizationLimits).find((name) => !limits.includes(name))
  return limit === undefined ? undefined : `organizationLimits: ${limit} is not among the limits`
}

const limitNames = (limits: object = {}): ReadonlyArray<LimitName> =>
  Object.keys(limits).map((name) => LimitName.make(name))
