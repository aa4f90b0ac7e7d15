/**
 * Schedules: what a subscription becomes later, phase by phase.
 */
import * as Changes from "./changes.ts"
import * as Endings from "./endings.ts"
import { type Engine, get } from "./engine.ts"
import { invalid } from "./errors.ts"
import { allow, boolean, choice, integer, metadata, nested, objects, type Params, required } from "./forms.ts"
import type { Item, Subscription } from "./objects.ts"
import * as Prices from "./prices.ts"
import { type Phase, phase as makePhase, phaseItem, type Schedule, schedule as make } from "./sessionObjects.ts"
import * as Subscriptions from "./subscriptions.ts"
import { add } from "./time.ts"

/** Puts a schedule on a subscription: one phase, which is the current period. */
export const create = (engine: Engine, params: Params): Schedule => {
  allow(params, ["from_subscription"])
  const subscription = get(
    engine.state.subscriptions,
    "subscription",
    required(params, "from_subscription"),
    "from_subscription",
  )
  if (Endings.hasEnded(subscription)) {
    throw invalid("You cannot migrate a subscription that is canceled.", "from_subscription")
  }
  if (subscription.schedule !== null) {
    throw invalid("You cannot migrate a subscription that is already attached to a schedule.", "from_subscription")
  }
  const current = makePhase({
    currency: subscription.currency,
    start_date: Endings.periodStart(subscription),
    end_date: Endings.periodEnd(subscription),
    items: subscription.items.data.map(({ price, quantity }) => phaseItem(price.id, quantity)),
    metadata: {},
    proration_behavior: "create_prorations",
    trial_end: subscription.status === "trialing" ? subscription.trial_end : null,
  })
  const schedule = make({
    id: engine.id("sub_sched"),
    canceled_at: null,
    completed_at: null,
    created: engine.timeOf(subscription),
    current_phase: { start_date: current.start_date, end_date: current.end_date },
    customer: subscription.customer,
    // What was to end still does, unless the schedule is told otherwise.
    end_behavior: subscription.cancel_at === null ? "release" : "cancel",
    metadata: {},
    phases: [current],
    released_at: null,
    released_subscription: null,
    status: "active",
    subscription: subscription.id,
    test_clock: subscription.test_clock,
  })
  engine.state.schedules[schedule.id] = schedule
  engine.emit("subscription_schedule.created", schedule)
  engine.change("customer.subscription.updated", subscription, () => {
    subscription.schedule = schedule.id
    setEnd(subscription, schedule)
  })
  return schedule
}

export const retrieve = (engine: Engine, id: string): Schedule =>
  get(engine.state.schedules, "subscription_schedule", id)

/** Sets the phases anew, from the current one on. */
export const update = (engine: Engine, id: string, params: Params): Schedule => {
  allow(params, ["phases", "end_behavior", "metadata", "proration_behavior"])
  const schedule = active(engine, id)
  const subscription = subscriptionOf(engine, schedule)
  const given = objects(params, "phases")
  const phases = given === undefined ? schedule.phases : phasesOf(engine, schedule, given)
  engine.change("subscription_schedule.updated", schedule, () => {
    schedule.phases = phases
    schedule.end_behavior = choice(params, "end_behavior", ["release", "cancel"]) ?? schedule.end_behavior
    schedule.metadata = metadata(params, schedule.metadata)
    const [current] = phases
    if (current !== undefined) {
      schedule.current_phase = { start_date: current.start_date, end_date: current.end_date }
    }
  })
  const [current] = phases
  engine.change("customer.subscription.updated", subscription, () => setEnd(subscription, schedule))
  if (current !== undefined && !hasItems(subscription, current)) apply(engine, subscription, current)
  return schedule
}

/** Takes a schedule off: the subscription goes on as it is. */
export const release = (engine: Engine, id: string, params: Params): Schedule => {
  allow(params, ["preserve_cancel_date"])
  const schedule = active(engine, id)
  const subscription = subscriptionOf(engine, schedule)
  detach(engine, schedule, "released")
  if (boolean(params, "preserve_cancel_date") !== true) {
    engine.change("customer.subscription.updated", subscription, () => {
      subscription.cancel_at = null
      subscription.canceled_at = null
      subscription.cancellation_details.reason = null
    })
  }
  return schedule
}

/** What time does to a schedule, and when: the next phase begins, or there is none. */
export const dueOf = (engine: Engine, schedule: Schedule): { at: number; run: () => void } | undefined => {
  const { current_phase: current } = schedule
  if (schedule.status !== "active" || current === null) return undefined
  return { at: current.end_date, run: () => advance(engine, schedule, current.end_date) }
}

// internal

const subscriptionOf = (engine: Engine, schedule: Schedule): Subscription =>
  Subscriptions.retrieve(engine, schedule.subscription ?? schedule.released_subscription ?? "")

const active = (engine: Engine, id: string): Schedule => {
  const schedule = retrieve(engine, id)
  if (schedule.status !== "active") {
    throw invalid(`You cannot change a subscription schedule that is currently in the \`${schedule.status}\` status.`)
  }
  return schedule
}

const phasesOf = (engine: Engine, schedule: Schedule, given: ReadonlyArray<Params>): Array<Phase> => {
  const current = schedule.current_phase
  const phases: Array<Phase> = []
  for (const [index, params] of given.entries()) {
    const name = `phases[${index}]`
    allow(params, [
      "items",
      "start_date",
      "end_date",
      "duration",
      "iterations",
      "proration_behavior",
      "trial_end",
      "metadata",
    ])
    const previous = phases.at(-1)
    const start = integer(params, "start_date") ?? previous?.end_date
    if (start === undefined) throw invalid("The first phase must have a start_date.", `${name}[start_date]`)
    if (previous === undefined && start !== current?.start_date) {
      throw invalid("You can not modify the start date of the current phase.", `${name}[start_date]`)
    }
    if (previous !== undefined && start !== previous.end_date) {
      throw invalid("A phase must start when the previous one ends.", `${name}[start_date]`)
    }
    const items = (objects(params, "items") ?? []).map((item) => Subscriptions.wanted(engine, item, `${name}[items]`))
    const [first] = items
    if (first === undefined) throw invalid("A phase must have items.", `${name}[items]`, "parameter_missing")
    Subscriptions.checkTogether(items)
    const end = endOf(params, start, first.price.recurring)
    if (end <= start) throw invalid("A phase must end after it starts.", `${name}[end_date]`)
    phases.push(
      makePhase({
        currency: first.price.currency,
        start_date: start,
        end_date: end,
        items: items.map(({ price, quantity }) => phaseItem(price.id, quantity)),
        metadata: metadata(params),
        proration_behavior:
          choice(params, "proration_behavior", ["always_invoice", "create_prorations", "none"]) ?? "create_prorations",
        trial_end: integer(params, "trial_end") ?? null,
      }),
    )
  }
  return phases
}

const endOf = (params: Params, start: number, recurring: Subscriptions.Wanted["price"]["recurring"]): number => {
  const end = integer(params, "end_date")
  if (end !== undefined) return end
  const duration = nested(params, "duration")
  if (duration !== undefined) {
    const interval = choice(duration, "interval", ["day", "week", "month", "year"])
    if (interval === undefined) throw invalid("Missing required param: duration[interval].", "duration[interval]")
    return add(start, { interval, interval_count: integer(duration, "interval_count") ?? 1 })
  }
  return add(start, recurring, integer(params, "iterations") ?? 1)
}

const advance = (engine: Engine, schedule: Schedule, now: number) => {
  const subscription = subscriptionOf(engine, schedule)
  const next = schedule.phases.find((phase) => phase.start_date >= now)
  if (next !== undefined) {
    engine.change("subscription_schedule.updated", schedule, () => {
      schedule.current_phase = { start_date: next.start_date, end_date: next.end_date }
    })
    return apply(engine, subscription, next)
  }
  detach(engine, schedule, "completed")
  if (schedule.end_behavior === "cancel") Endings.end(engine, subscription, "cancellation_requested")
}

const detach = (engine: Engine, schedule: Schedule, status: "released" | "completed") => {
  const subscription = subscriptionOf(engine, schedule)
  const now = engine.timeOf(subscription)
  engine.change(`subscription_schedule.${status}`, schedule, () => {
    schedule.status = status
    schedule.current_phase = null
    if (status === "completed") schedule.completed_at = now
    else {
      schedule.released_at = now
      schedule.released_subscription = subscription.id
      schedule.subscription = null
    }
  })
  engine.change("customer.subscription.updated", subscription, () => {
    subscription.schedule = null
  })
}

/** A subscription ends with the last phase of its schedule, or goes on. */
const setEnd = (subscription: Subscription, schedule: Schedule) => {
  const ends = schedule.end_behavior === "cancel"
  subscription.cancel_at = ends ? (schedule.phases.at(-1)?.end_date ?? null) : null
  subscription.cancel_at_period_end = false
  if (ends) return
  subscription.canceled_at = null
  subscription.cancellation_details.reason = null
}

const hasItems = (subscription: Subscription, phase: Phase) =>
  subscription.items.data.length === phase.items.length &&
  phase.items.every(({ price, quantity }) =>
    subscription.items.data.some((item) => item.price.id === price && item.quantity === quantity),
  )

/** Gives a subscription the items of a phase: those of a price that it has keep their id. */
const apply = (engine: Engine, subscription: Subscription, phase: Phase) => {
  const now = engine.timeOf(subscription)
  const isPeriodOver = Endings.periodEnd(subscription) <= now
  const before = [...subscription.items.data]
  const items = phase.items.map(({ price: id, quantity }): Item => {
    const price = Prices.recurringPrice(Prices.retrieve(engine, id))
    const fresh = Subscriptions.newItem(
      engine,
      subscription.id,
      { price, quantity },
      Endings.periodStart(subscription),
      Endings.periodEnd(subscription),
    )
    const known = before.find((item) => item.price.id === id)
    return known === undefined ? fresh : { ...fresh, id: known.id, created: known.created }
  })
  if (!isPeriodOver) {
    return Changes.setItems(engine, subscription, items, {
      proration: phase.proration_behavior,
      failsWhenDeclined: false,
    })
  }
  // At the end of a period there is no rest to settle: the next one begins with these items, and is invoiced then.
  return engine.change("customer.subscription.updated", subscription, () => {
    const isOtherInterval = before[0]?.price.recurring?.interval !== items[0]?.price.recurring?.interval
    subscription.items.data = items
    if (isOtherInterval) subscription.billing_cycle_anchor = now
  })
}
