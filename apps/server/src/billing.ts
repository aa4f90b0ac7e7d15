/**
 * What the commands for billing do, as trusted code does it: no permission is asked for.
 */
import { Email } from "@belfry/core/User"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { Customers } from "@belfry/billing/Customers"
import { Entitlements } from "@belfry/billing/Entitlements"
import { EntitlementOverride, EntitlementsView } from "@belfry/billing/Entitlement"
import { EntitlementStore } from "@belfry/billing/EntitlementStore"
import { type Payer, PayerText, toPayerRef, toPayerText } from "@belfry/billing/Payer"
import { BillingInterval, type Feature, type LimitName, PlanName, type PriceRef } from "@belfry/billing/Plan"
import { PlanCatalogue } from "@belfry/billing/PlanCatalogue"
import { type PlanPriceFinding, Plans } from "@belfry/billing/Plans"
import { Reconciliations } from "@belfry/billing/Reconciliations"
import { ProviderPrice } from "@belfry/billing/ProviderSubscription"
import { isEnded, type StoredSubscription, SubscriptionId, SubscriptionState } from "@belfry/billing/Subscription"
import { SubscriptionStore } from "@belfry/billing/SubscriptionStore"
import { WebhookEvent, WebhookEventId, type WebhookStatus } from "@belfry/billing/WebhookEvent"
import { WebhookInbox } from "@belfry/billing/WebhookInbox"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { BillingOff, PayerUnknown, Undeclared } from "./CommandError.ts"
import { print, printEach } from "./output.ts"
import { during } from "./progress.ts"
import { quoted, userWith, withServices, withStripe } from "./services.ts"

/** What is granted or taken away beside plans. */
export interface Grant {
  readonly features: ReadonlyArray<Feature>
  readonly without: ReadonlyArray<Feature>
  readonly limits: ReadonlyArray<readonly [LimitName, number | null]>
  readonly until: Option.Option<DateTime.Utc>
  readonly reason: Option.Option<string>
}

/** Shows a payer: the customer, what it pays for now, what it may use, and why. */
export const status = (name: string) =>
  Effect.gen(function* () {
    const payer = yield* payerOf(name)
    const customer = yield* Customers.use((customers) => customers.find(payer))
    const subscriptions = yield* SubscriptionStore.use((store) => store.listByPayer(payer))
    const { override } = yield* EntitlementStore.use((store) => store.facts(payer))
    const providerId = Option.getOrNull(customer)?.providerId ?? null
    const entitlements = yield* Entitlements.use((entitlements) => entitlements.of(payer))
    const live = subscriptions.filter(({ state }) => !isEnded(state.status))
    const document = {
      payer: toPayerText(payer),
      customerId: providerId,
      subscriptions: live.map(toView),
      entitlements,
    }
    yield* print(StatusView, { ...document, override }, [
      `payer         ${toPayerText(payer)}`,
      `customer      ${providerId ?? "none"}`,
      ...live.map((subscription) => `subscription  ${lineOf(subscription)}`),
      ...linesOf(entitlements),
      ...(override === null ? [] : [`granted       ${lineOfOverride(override)}`]),
    ])
  }).pipe(withServices)

/** Lists all subscriptions of a payer, newest first, ended ones too. */
export const listSubscriptions = (name: string) =>
  Effect.gen(function* () {
    const payer = yield* payerOf(name)
    const items = yield* SubscriptionStore.use((store) => store.listByPayer(payer))
    yield* printEach(SubscriptionView, {
      pageAt: () => Effect.succeed({ items, cursor: null }),
      line: lineOf,
      value: toView,
    })
  }).pipe(withServices)

/** Compares one payer, or every customer, with the provider. */
export const reconcile = (name: Option.Option<string>) =>
  Effect.gen(function* () {
    yield* requireProvider
    const reconciliations = yield* Reconciliations
    if (Option.isSome(name)) {
      const subscriptions = yield* reconciliations.payer(yield* payerOf(name.value))
      return yield* print(PayerReconciled, { subscriptions }, [`looked at ${subscriptions} subscriptions`])
    }
    const { customers, failed } = yield* during("comparing with Stripe", () => reconciliations.all)
    yield* print(AllReconciled, { customers, failed }, [
      `looked at ${customers} customers${failed === 0 ? "" : `, of which ${failed} failed`}`,
    ])
    if (failed > 0) process.exitCode = 1
  }).pipe(withStripe)

/** Lists events of the provider, newest first. */
export const listEvents = (status: Option.Option<WebhookStatus>) =>
  Effect.gen(function* () {
    const inbox = yield* WebhookInbox
    yield* printEach(WebhookEvent, {
      pageAt: (cursor) =>
        inbox.list({ status: Option.getOrUndefined(status), after: toEventId(cursor), limit: pageSize }).pipe(
          Effect.map((items) => ({
            items,
            cursor: items.length < pageSize ? null : (items.at(-1)?.id ?? null),
          })),
        ),
      line: lineOfEvent,
      value: (event) => event,
    })
  }).pipe(withServices)

/** Deals with an event anew, whatever became of it. */
export const replay = (id: WebhookEventId) =>
  Effect.gen(function* () {
    yield* requireProvider
    const event = yield* WebhookInbox.use((inbox) => inbox.replay(id))
    yield* print(WebhookEvent, event, [lineOfEvent(event)])
  }).pipe(withStripe)

/** Sets what a payer has beside its plans, in place of what was set before; with null, nothing. */
export const grant = (name: string, grant: Grant | null) =>
  Effect.gen(function* () {
    const payer = yield* payerOf(name)
    if (grant !== null) yield* requireDeclared(grant)
    const override = grant === null ? null : toOverride(grant)
    const entitlements = yield* Entitlements.use((entitlements) => entitlements.override(payer, override))
    yield* print(EntitlementsView, entitlements, linesOf(entitlements))
  }).pipe(withServices)

/** Lists what is sold with the prices that the provider has for it; the exit code tells whether something is missing. */
export const listPlans = () =>
  Effect.gen(function* () {
    yield* requireProvider
    const findings = yield* Plans.use((plans) => plans.inspect)
    const lines = findings.length === 0 ? ["nothing is sold: set BELFRY_BILLING_PLANS"] : findings.map(lineOfFinding)
    yield* print(Schema.Array(FindingView), findings, lines)
    if (findings.some(({ fault }) => fault !== null)) process.exitCode = 1
  }).pipe(withStripe)

// internal

const pageSize = 200

const SubscriptionView = Schema.Struct({
  id: SubscriptionId,
  providerId: Schema.String,
  ...SubscriptionState.fields,
  wants: Schema.NullOr(Schema.Literals(["end-now", "end-with-period"])),
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
})

const toView = ({ createdAt, id, providerId, state, updatedAt, wants }: StoredSubscription) => ({
  id,
  providerId,
  ...state,
  wants,
  createdAt,
  updatedAt,
})

const StatusView = Schema.Struct({
  payer: PayerText,
  customerId: Schema.NullOr(Schema.String),
  subscriptions: Schema.Array(SubscriptionView),
  entitlements: EntitlementsView,
  override: Schema.NullOr(EntitlementOverride),
})

const PayerReconciled = Schema.Struct({ subscriptions: Schema.Int })

const AllReconciled = Schema.Struct({ customers: Schema.Int, failed: Schema.Int })

const FindingView = Schema.Struct({
  plan: PlanName,
  interval: BillingInterval,
  ref: Schema.Union([Schema.Struct({ id: Schema.String }), Schema.Struct({ lookupKey: Schema.String })]),
  price: Schema.NullOr(ProviderPrice),
  fault: Schema.NullOr(Schema.Literals(["missing", "inactive", "interval"])),
})

const toEventId = (text: string | undefined): WebhookEventId | undefined =>
  text === undefined ? undefined : WebhookEventId.make(text)

const toEmail = Schema.decodeUnknownOption(Email)

/** A payer by an address, or by `organization:` or `team:` and what names it. */
const payerOf = Effect.fnUntraced(function* (name: string) {
  const email = toEmail(name)
  if (Option.isSome(email)) return { _tag: "User", userId: (yield* userWith(email.value)).id } satisfies Payer
  const ref = toPayerRef(name)
  if (ref === null || ref._tag === "Self") {
    return yield* new PayerUnknown({ reason: "form" })
  }
  const { id: organizationId } = yield* TrustedOrganizations.use(({ get }) => get(ref.organization))
  if (ref._tag === "Organization") return { _tag: "Organization", organizationId } satisfies Payer
  const team: Payer = { _tag: "Team", organizationId, teamId: ref.teamId }
  const facts = yield* CustomerStore.use((store) => store.facts(team))
  return Option.isSome(facts) ? team : yield* new PayerUnknown({ reason: "team" })
})

const requireProvider = Effect.gen(function* () {
  if (!(yield* BillingProvider).isEnabled) return yield* new BillingOff()
})

/** Where plans are known here, a name that none of them has is a mistake. A host's own may have others. */
const requireDeclared = Effect.fnUntraced(function* ({ features, limits, without }: Grant) {
  const rules = yield* Effect.flatMap(PlanCatalogue, (catalogue) => catalogue.rules)
  if (rules.plans.length === 0) return
  const feature = [...features, ...without].find((name) => !rules.features.has(name))
  if (feature !== undefined) return yield* new Undeclared({ kind: "feature", name: feature })
  const limit = limits.find(([name]) => !rules.limits.has(name))
  if (limit !== undefined) return yield* new Undeclared({ kind: "limit", name: limit[0] })
})

const toOverride = ({ features, limits, reason, until, without }: Grant): EntitlementOverride => ({
  features: Object.fromEntries([
    ...features.map((name) => [name, true] as const),
    ...without.map((name) => [name, false] as const),
  ]),
  limits: Object.fromEntries(limits),
  reason: Option.getOrNull(reason),
  expiresAt: Option.getOrNull(until),
})

const linesOf = ({ features, limits, plans }: EntitlementsView): ReadonlyArray<string> => [
  `plans         ${orNone(plans)}`,
  `features      ${orNone(features)}`,
  `limits        ${orNone(limitsOf(limits))}`,
]

const orNone = (texts: ReadonlyArray<string>): string => (texts.length === 0 ? "none" : texts.join(" "))

const limitsOf = (limits: { readonly [name: string]: number | null }): ReadonlyArray<string> =>
  Object.entries(limits).map(([name, limit]) => `${name}=${limit ?? "none"}`)

const lineOf = ({ providerId, state, wants }: StoredSubscription): string =>
  [
    providerId,
    state.plan ?? "no plan",
    state.status,
    ...(state.interval === null ? [] : [state.interval]),
    ...(state.seats === null ? [] : [`${state.seats} seats`]),
    ...(state.endedAt === null ? dateOf("until", state.periodEnd) : dateOf("ended", state.endedAt)),
    ...(state.endedAt === null && (state.cancelAtPeriodEnd || state.cancelAt !== null) ? ["ends then"] : []),
    ...(state.scheduled === null ? [] : [`then ${state.scheduled.plan ?? "no plan"}`]),
    ...(wants === null ? [] : [wants]),
  ].join("  ")

const dateOf = (word: string, instant: DateTime.Utc | null): ReadonlyArray<string> =>
  instant === null ? [] : [`${word} ${DateTime.formatIso(instant)}`]

const lineOfOverride = ({ expiresAt, features, limits, reason }: EntitlementOverride): string =>
  [
    ...Object.entries(features).map(([name, isGiven]) => `${isGiven ? "+" : "-"}${name}`),
    ...limitsOf(limits),
    ...dateOf("until", expiresAt),
    ...(reason === null ? [] : [quoted(reason)]),
  ].join("  ")

const lineOfEvent = ({ attempts, createdAt, id, reason, status, type }: WebhookEvent): string =>
  [id, DateTime.formatIso(createdAt), type, status, ...(reason === null ? [] : [reason]), `${attempts} attempts`].join(
    "  ",
  )

const lineOfFinding = ({ fault, interval, plan, price, ref }: PlanPriceFinding): string =>
  [
    plan,
    interval,
    refOf(ref),
    ...(price === null
      ? []
      : [price.id, price.amount === null ? "no single amount" : `${price.amount} ${price.currency}`]),
    ...(fault === null ? [] : [faults[fault]]),
  ].join("  ")

const refOf = (ref: PriceRef): string => ("id" in ref ? ref.id : ref.lookupKey)

const faults = {
  missing: "MISSING: Stripe has no such price",
  inactive: "MISSING: the price is archived",
  interval: "MISSING: the price is for another interval",
} as const
