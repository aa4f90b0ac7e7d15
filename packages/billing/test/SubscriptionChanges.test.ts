import type { Milestone, SubscriptionState } from "@belfry/billing/Subscription"
import { isEnded, stateOf } from "@belfry/billing/Subscription"
import { between, endOf, type SubscriptionEvent, summaryOf } from "@belfry/billing/SubscriptionChanges"
import { defaultGroup } from "@belfry/billing/Plan"
import { ProviderCustomerId } from "@belfry/billing/BillingCustomer"
import {
  ProviderPriceId,
  type ProviderSubscription,
  ProviderSubscriptionId,
  SubscriptionStatus,
} from "@belfry/billing/ProviderSubscription"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Schema } from "effect"
import { definition } from "./support/Looking.ts"

const start = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
const days = (count: number) => DateTime.add(start, { days: count })

/** An object of the provider: an active subscription to `pro`. */
const found = (fields: Partial<ProviderSubscription> = {}): ProviderSubscription => ({
  id: ProviderSubscriptionId.make("sub_1"),
  customerId: ProviderCustomerId.make("cus_1"),
  status: "active",
  items: [item("pro_month")],
  currency: "eur",
  trialStart: null,
  trialEnd: null,
  cancelAtPeriodEnd: false,
  cancelAt: null,
  canceledAt: null,
  endedAt: null,
  endedBecause: null,
  schedule: null,
  latestInvoice: null,
  metadata: {},
  createdAt: start,
  ...fields,
})

const item = (price: string, quantity: number | null = 1): ProviderSubscription["items"][number] => ({
  id: `si_${price}`,
  priceId: ProviderPriceId.make(`price_${price}`),
  lookupKey: price,
  interval: price.endsWith("year") ? "year" : "month",
  currency: "eur",
  amount: 1000,
  quantity,
  periodStart: start,
  periodEnd: days(30),
})

const state = (fields: Partial<ProviderSubscription> = {}): SubscriptionState =>
  stateOf(found(fields), definition.rules.plans, { previousGroup: defaultGroup, lookupKeyOf: () => null })

/** Looks one after another at states that a subscription was in; what each of them told. */
const looks = (
  states: ReadonlyArray<SubscriptionState>,
  now: DateTime.Utc = start,
): { readonly told: ReadonlyArray<SubscriptionEvent>; readonly milestones: ReadonlySet<Milestone> } => {
  const told: Array<SubscriptionEvent> = []
  let before: SubscriptionState | null = null
  let milestones: ReadonlySet<Milestone> = new Set()
  for (const after of states) {
    const difference = between({ before, after, milestones, via: "elsewhere", now, trialNotice: Duration.days(3) })
    told.push(...difference.events)
    milestones = difference.milestones
    before = after
  }
  return { told, milestones }
}

const tags = (states: ReadonlyArray<SubscriptionState>, now?: DateTime.Utc) =>
  looks(states, now).told.map(({ _tag }) => _tag)

const trial = { trialStart: start, trialEnd: days(14) }

describe("What is told of a subscription", () => {
  it("is that it started, once", () => {
    assert.deepStrictEqual(tags([state(), state()]), ["SubscriptionStarted"])
  })

  it("is nothing of one whose first payment failed", () => {
    assert.isEmpty(tags([state({ status: "incomplete" }), state({ status: "incomplete_expired" })]))
  })

  it("is that it started when its first payment came after all, without a change before that", () => {
    assert.deepStrictEqual(tags([state({ status: "incomplete" }), state()]), ["SubscriptionStarted"])
  })

  it("is a trial from its start over its notice to its end, each once", () => {
    const trialing = state({ status: "trialing", ...trial })
    assert.deepStrictEqual(tags([trialing, trialing]), ["SubscriptionStarted", "TrialStarted"])
    assert.deepStrictEqual(tags([trialing, trialing], days(11)), ["SubscriptionStarted", "TrialStarted", "TrialEnding"])
    assert.deepStrictEqual(tags([trialing, state(trial)]), [
      "SubscriptionStarted",
      "TrialStarted",
      "SubscriptionChanged",
      "TrialEnded",
    ])
  })

  it("gives the notice of a trial at the very instant, and not before", () => {
    const trialing = state({ status: "trialing", ...trial })
    const before = DateTime.subtract(days(11), { milliseconds: 1 })
    assert.notInclude(tags([trialing], before), "TrialEnding")
    assert.include(tags([trialing], days(11)), "TrialEnding")
  })

  const ends: ReadonlyArray<readonly [string, Partial<ProviderSubscription>, "converted" | "expired"]> = [
    ["one that is paid", {}, "converted"],
    ["one that could not be paid", { status: "past_due" }, "converted"],
    ["one that stopped for want of a card", { status: "paused" }, "expired"],
    ["one that was ended within it", { status: "canceled", endedAt: days(3) }, "expired"],
    ["one that ended with it", { status: "canceled", endedAt: days(14) }, "expired"],
    ["one that ended later", { status: "canceled", endedAt: days(40) }, "converted"],
  ]
  for (const [what, fields, outcome] of ends) {
    it(`is that the trial of ${what} ${outcome}, also when nobody looked in between`, () => {
      const ended = looks([state({ ...trial, ...fields })]).told.find(({ _tag }) => _tag === "TrialEnded")
      assert.deepStrictEqual<object | undefined>(ended, { _tag: "TrialEnded", outcome })
    })
  }

  it("is everything that was reached, of one that was over before anybody looked", () => {
    const over = state({ ...trial, status: "canceled", endedAt: days(60), endedBecause: "payment_failed" })
    assert.deepStrictEqual(tags([over]), ["SubscriptionStarted", "TrialStarted", "TrialEnded", "SubscriptionEnded"])
  })

  it("is an end that was asked for, in both of the provider's ways, and that it was taken back", () => {
    for (const ending of [{ cancelAtPeriodEnd: true }, { cancelAt: days(30) }]) {
      const { told } = looks([state(), state(ending), state()])
      assert.deepStrictEqual(
        told.map(({ _tag }) => _tag),
        [
          "SubscriptionStarted",
          "SubscriptionChanged",
          "CancellationRequested",
          "SubscriptionChanged",
          "CancellationWithdrawn",
        ],
      )
      const requested = told.find(({ _tag }) => _tag === "CancellationRequested")
      assert.deepStrictEqual<object | undefined>(requested, { _tag: "CancellationRequested", endsAt: days(30) })
    }
  })

  it("is not that an end was taken back which came", () => {
    const over = state({ status: "canceled", cancelAtPeriodEnd: true, endedAt: days(30) })
    assert.deepStrictEqual(tags([state({ cancelAtPeriodEnd: true }), over]).slice(1), [
      "SubscriptionChanged",
      "SubscriptionEnded",
    ])
  })

  it("is an invoice that could not be collected, once while it is owed, and that it was", () => {
    const latestInvoice = {
      id: "in_1",
      status: "open" as const,
      amountDue: 1200,
      currency: "eur",
      payUrl: null,
      nextAttemptAt: null,
    }
    const owing = state({ status: "past_due", latestInvoice })
    const { told } = looks([state(), owing, state({ status: "unpaid", latestInvoice }), state()])
    assert.deepStrictEqual(
      told.map(({ _tag }) => _tag),
      [
        "SubscriptionStarted",
        "SubscriptionChanged",
        "SubscriptionPastDue",
        "SubscriptionChanged",
        "SubscriptionChanged",
        "SubscriptionRecovered",
      ],
    )
    assert.deepInclude(
      told.find(({ _tag }) => _tag === "SubscriptionPastDue"),
      { invoiceId: "in_1", amountDue: 1200 },
    )
  })

  it("is how many seats there were and are", () => {
    const seats = (quantity: number) => state({ items: [item("team_month"), item("seat_month", quantity)] })
    const { told } = looks([seats(2), seats(5)])
    assert.deepStrictEqual<object | undefined>(told.at(-1), { _tag: "SeatsChanged", before: 2, after: 5 })
  })
})

describe("Looks at a subscription", () => {
  const flag = Schema.Boolean
  const Snapshot = Schema.Struct({
    status: SubscriptionStatus,
    isYear: flag,
    inTrial: flag,
    ends: flag,
    seats: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })),
  })
  const histories = Schema.Array(Snapshot).check(Schema.isMinLength(1), Schema.isMaxLength(12))
  const stateFrom = ({ status, isYear, inTrial, ends, seats }: typeof Snapshot.Type): SubscriptionState =>
    state({
      status,
      items: [item(isYear ? "pro_year" : "pro_month"), item("seat_month", seats)],
      ...(inTrial || status === "trialing" ? trial : {}),
      cancelAtPeriodEnd: ends,
      endedAt: isEnded(status) ? days(20) : null,
    })

  it.prop("tell each milestone once at most, whatever they see", [histories], ([history]) => {
    const { told } = looks(history.map(stateFrom), days(12))
    const once = ["SubscriptionStarted", "TrialStarted", "TrialEnding", "TrialEnded", "SubscriptionEnded"] as const
    for (const tag of once) assert.isAtMost(told.filter(({ _tag }) => _tag === tag).length, 1, tag)
  })

  it.prop("tell changes that chain from how it started to how it stands", [histories], ([history]) => {
    const states = history.map(stateFrom)
    const { told } = looks(states)
    const started = told.find((event) => event._tag === "SubscriptionStarted")
    if (started === undefined) return assert.isTrue(told.every(({ _tag }) => _tag !== "SubscriptionChanged"))
    const last = states.at(-1)
    let current = started.summary
    for (const event of told) {
      if (event._tag !== "SubscriptionChanged") continue
      assert.deepStrictEqual(event.before, current)
      current = event.after
    }
    assert.deepStrictEqual(current, last === undefined ? undefined : summaryOf(last))
  })

  it.prop("reach the same in the end, however many of them were left out", [histories, flag], ([history, last]) => {
    // A history as the provider has them: what was there stays there, and what is over stays so.
    const ended = history.findIndex(({ status }) => isEnded(status))
    const real = history
      .slice(0, ended < 0 ? undefined : ended + 1)
      .map((snapshot) => ({
        ...snapshot,
        inTrial: true,
        status: snapshot.status === "incomplete" ? ("active" as const) : snapshot.status,
      }))
      .filter(({ status }) => status !== "incomplete_expired" && status !== "trialing")
      .map(stateFrom)
    const reached = (states: ReadonlyArray<SubscriptionState>) => [...looks(states).milestones].toSorted()
    const some = real.filter((_, index) => index === real.length - 1 || (last && index % 2 === 0))
    assert.deepStrictEqual(reached(some), reached(real))
  })

  it.prop("say when it ends only of one that goes on", [Snapshot], ([snapshot]) => {
    const seen = stateFrom(snapshot)
    const ends = endOf(seen)
    if (isEnded(seen.status)) assert.isNull(ends)
    else assert.strictEqual(ends !== null, snapshot.ends)
  })

  it.prop("see the same in the same object", [Snapshot], ([snapshot]) => {
    assert.deepStrictEqual(stateFrom(snapshot), stateFrom(snapshot))
    assert.isEmpty(
      looks([stateFrom(snapshot), stateFrom(snapshot)]).told.filter(({ _tag }) => _tag === "SubscriptionChanged"),
    )
  })
})
