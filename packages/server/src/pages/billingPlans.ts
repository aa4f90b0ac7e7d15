/**
 * The plans that are sold to a payer, and the way to have one: by checkout, by a change now, or with the end of the
 * period.
 *
 * @since 0.1.0
 */
import { BillingHooks } from "@belfry/billing/BillingHooks"
import { BillingInterval, type Plan, PlanGroup } from "@belfry/billing/Plan"
import { Plans } from "@belfry/billing/Plans"
import { Subscriptions } from "@belfry/billing/Subscriptions"
import { Upgrades } from "@belfry/billing/Upgrades"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { SeatsForm } from "./billingForms.ts"
import { away, orAgain } from "./billingRefusals.ts"
import { type BillingVisit, makeBillingVisits, requireManager } from "./billingVisits.ts"
import { actionOf, decode, type FormFields, problemsOf } from "./form.ts"
import { typedOf } from "./organizationForms.ts"
import { type Again, asShown } from "./organizationRefusals.ts"
import { PageKit } from "./PageKit.ts"
import { get, post, type Visit } from "./visit.ts"
import { leaveForPaymentPage, planTitlesOf } from "./views/billingParts.ts"
import { billingPlanPage } from "./views/billingPlan.ts"
import { billingPlansPage, type OfferedPlan } from "./views/billingPlans.ts"
import type { Shown } from "./views/organizationParts.ts"

/** What a form asks for: a plan for who has none of its group, or a change of what there is. */
const actions = {
  subscribe: { isChange: false, when: "now" },
  now: { isChange: true, when: "now" },
  "period-end": { isChange: true, when: "period-end" },
} as const

/**
 * Adds the page of plans, which is also that of one plan.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const hooks = yield* BillingHooks
  const plans = yield* Plans
  const subscriptions = yield* Subscriptions
  const upgrades = yield* Upgrades
  const visits = yield* makeBillingVisits

  /** What is sold to the payer, and what it has of each. `unpriced`: how a page without prices is answered. */
  const offer = Effect.fnUntraced(function* ({ actor, kind, payer, ref }: BillingVisit) {
    const all = yield* plans.all
    const sold = all.filter(({ audience }) => audience.includes(kind))
    const ever = yield* subscriptions.list(actor, ref)
    const own = ever.filter(({ isActive }) => isActive)
    const tried = new Set(ever.flatMap(({ group, trialStart }) => (trialStart === null ? [] : [group])))
    const offersTrial = yield* Effect.filter(sold, (plan) =>
      plan.trialDays === null || tried.has(plan.group) ? Effect.succeed(false) : hooks.mayTry({ payer, plan }),
    )
    const [priced, unpriced] = yield* plans.list(kind).pipe(
      Effect.map((views) => [views, undefined] as const),
      Effect.catchTag("BillingProviderError", (error) => Effect.map(away(error), (shown) => [[], shown] as const)),
    )
    const offered = (plan: Plan, interval: BillingInterval): OfferedPlan => ({
      plan,
      price: priced.find(({ name }) => name === plan.name)?.prices.find((price) => price.interval === interval) ?? null,
      current: own.find(({ group }) => group === plan.group) ?? null,
      trialDays: offersTrial.includes(plan) ? plan.trialDays : null,
    })
    return { sold, own, titles: planTitlesOf(all), unpriced, offered }
  })

  const showPlans = Effect.fnUntraced(function* ({ query, words }: Visit, entered: BillingVisit) {
    const { offered, own, sold, unpriced } = yield* offer(entered)
    const group = groupOf(query("group"))
    const shown = sold.filter((plan) => group === undefined || plan.group === group)
    const intervals = BillingInterval.literals.filter((interval) => shown.some(({ prices }) => interval in prices))
    const paid = own.find((subscription) => group === undefined || subscription.group === group)?.interval
    const wishes = [intervalOf(query("interval")), paid, "month" as const]
    const interval = wishes.find((wish) => intervals.some((each) => each === wish)) ?? intervals[0] ?? "month"
    return billingPlansPage(words, {
      ...entered,
      ...unpriced,
      group,
      interval,
      intervals,
      plans: shown.map((plan) => offered(plan, interval)),
      isAway: unpriced !== undefined,
    })
  })

  /** The plan of the address, in its interval. */
  const find = Effect.fnUntraced(function* ({ query }: Visit, entered: BillingVisit) {
    const interval = intervalOf(query("interval")) ?? "month"
    const plan = yield* plans.get({ name: query("plan") ?? "", interval, audience: entered.kind })
    const { offered, titles, unpriced } = yield* offer(entered)
    return { interval, offered: offered(plan, interval), titles, unpriced }
  })

  const showPlan = ({ words }: Visit, entered: BillingVisit, found: Found, shown: Shown = {}) =>
    billingPlanPage(words, {
      ...entered,
      ...(found.unpriced === undefined
        ? {}
        : { ...found.unpriced, state: { values: {}, problems: [{ message: words.billingPlans.noPrices }] } }),
      ...found,
      ...shown,
    })
  type Found = Effect.Success<ReturnType<typeof find>>

  /** The seats that a form asks for; null where they are not the person's to choose. */
  const seatsOf = ({ words }: Visit, { kind }: BillingVisit, { plan }: OfferedPlan, fields: FormFields) => {
    if (kind !== "user" || plan.seats === null) return Result.succeed(null)
    const { minimum } = plan.seats
    const form = decode(SeatsForm, fields)
    if (Result.isFailure(form)) return Result.fail(problemsOf(form.failure, fields, { seats: words.fields.seats }))
    const { seats } = form.success
    return seats < minimum
      ? Result.fail([{ field: "seats", message: words.problems.fewSeats(minimum) }])
      : Result.succeed(seats)
  }

  const choose = Effect.fnUntraced(function* (visit: Visit, entered: BillingVisit, fields: FormFields) {
    const { words } = visit
    const { actor, at, ref } = entered
    const { isChange, when } = yield* actionOf(actions, fields)
    const found = yield* find(visit, entered)
    const { interval, offered } = found
    const { current, plan } = offered
    const again = (refused: Again) =>
      Effect.succeed(showPlan(visit, entered, found, asShown(refused, typedOf(fields, ["seats"]))))
    // What the form said is not how it stands any more: the page says how it does, and what a change would cost.
    if (isChange !== (current !== null)) return at.plan({ plan: plan.name, interval })
    const seats = seatsOf(visit, entered, offered, fields)
    if (Result.isFailure(seats)) return yield* again({ status: 422, problems: seats.failure })
    const isSame = current !== null && current.plan === plan.name && current.interval === interval
    return yield* upgrades
      .upgrade(actor, {
        payer: ref,
        plan: plan.name,
        interval,
        seats: seats.success,
        when,
        // Whoever finds at the last moment that there is something to change has not seen what it costs.
        confirm: isChange ? "service" : "portal",
        subscriptionId: current?.id ?? null,
        successUrl: at.done("subscribed"),
        cancelUrl: at.plans({ interval, group: plan.group }),
        returnUrl: null,
        locale: words.locale,
        metadata: {},
      })
      .pipe(
        Effect.map(({ kind, url }) => {
          switch (kind) {
            case "checkout":
            case "portal":
              return leaveForPaymentPage(words, { to: kind, url })
            case "changed":
              return at.done(isSame ? "seats-changed" : "plan-changed")
            case "scheduled":
              return at.done("change-scheduled")
            case "released":
              return at.done("change-released")
          }
        }),
        Effect.catchIf(
          (error) => error._tag === "PlanNotFound" && error.reason === "price",
          () => again({ status: 409, problems: [{ message: words.problems.noPrice }] }),
        ),
        orAgain(words, again),
        // The pages of this site are always allowed.
        Effect.catchTag("RedirectRefused", Effect.die),
      )
  })

  yield* get(
    paths.billingPlans,
    Effect.fnUntraced(function* (visit) {
      const entered = yield* visits.enter(visit)
      if (visit.query("plan") === undefined) return yield* showPlans(visit, entered)
      yield* requireManager(entered)
      return showPlan(visit, entered, yield* find(visit, entered))
    }),
  )

  yield* post(
    paths.billingPlans,
    Effect.fnUntraced(function* (visit, fields) {
      const entered = yield* visits.enter(visit)
      return yield* choose(visit, entered, fields)
    }),
  )
})

// internal

const isGroup = Schema.is(PlanGroup)

const isInterval = Schema.is(BillingInterval)

const groupOf = (text: string | undefined): PlanGroup | undefined => (isGroup(text) ? text : undefined)

const intervalOf = (text: string | undefined): BillingInterval | undefined => (isInterval(text) ? text : undefined)
