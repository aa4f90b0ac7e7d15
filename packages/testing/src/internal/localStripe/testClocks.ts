/**
 * Test clocks, and what time does on all clocks.
 */
import * as Checkouts from "./checkoutSessions.ts"
import { type Engine, get } from "./engine.ts"
import { invalid } from "./errors.ts"
import { allow, integer, type Params, text } from "./forms.ts"
import * as Invoices from "./invoices.ts"
import { type TestClock, testClock } from "./objects.ts"
import * as Schedules from "./schedules.ts"
import * as Subscriptions from "./subscriptions.ts"

export const create = (engine: Engine, params: Params): TestClock => {
  allow(params, ["frozen_time", "name"])
  const frozen = integer(params, "frozen_time")
  if (frozen === undefined) throw invalid("Missing required param: frozen_time.", "frozen_time", "parameter_missing")
  const clock = testClock(engine.id("clock"), engine.time(), frozen, text(params, "name") ?? null)
  engine.state.clocks[clock.id] = clock
  return clock
}

export const retrieve = (engine: Engine, id: string): TestClock => get(engine.state.clocks, "test_clock", id)

/** Moves a clock on, and does what is due on the way. */
export const advance = (engine: Engine, id: string, params: Params): TestClock => {
  allow(params, ["frozen_time"])
  const clock = retrieve(engine, id)
  const to = integer(params, "frozen_time")
  if (to === undefined || to <= clock.frozen_time) {
    throw invalid("frozen_time must be after the current frozen time.", "frozen_time")
  }
  runUntil(engine, clock.id, to)
  clock.frozen_time = to
  return clock
}

/** Ends a clock and all who live by it. */
export const remove = (engine: Engine, id: string) => {
  const clock = retrieve(engine, id)
  for (const customer of Object.values(engine.state.customers)) {
    if (customer.test_clock === id) delete engine.state.customers[customer.id]
  }
  for (const subscription of Object.values(engine.state.subscriptions)) {
    if (subscription.test_clock === id) delete engine.state.subscriptions[subscription.id]
  }
  delete engine.state.clocks[id]
  return { id: clock.id, object: clock.object, deleted: true }
}

/** Does what is due by now for everybody who is on no test clock. */
export const catchUp = (engine: Engine): void => runUntil(engine, null, engine.time())

// internal

interface Due {
  readonly at: number
  readonly run: () => void
}

/** What is due is done one after another, the earliest first: each may make more. */
const runUntil = (engine: Engine, clock: string | null, until: number) => {
  for (let next = earliest(engine, clock); next !== undefined && next.at <= until; next = earliest(engine, clock)) {
    engine.at(next.at, next.run)
  }
  if (clock === null) Checkouts.expireOverdue(engine)
}

const earliest = (engine: Engine, clock: string | null): Due | undefined => {
  const { invoices, schedules, subscriptions } = engine.state
  let first: Due | undefined
  const offer = (due: Due | undefined) => {
    if (due !== undefined && (first === undefined || due.at < first.at)) first = due
  }
  // At the same time, a schedule goes before the period that it changes.
  for (const schedule of Object.values(schedules)) {
    if (schedule.test_clock === clock) offer(Schedules.dueOf(engine, schedule))
  }
  for (const subscription of Object.values(subscriptions)) {
    if (subscription.test_clock === clock) Subscriptions.dueOf(engine, subscription).forEach(offer)
  }
  for (const invoice of Object.values(invoices)) {
    if (invoice.test_clock === clock) offer(Invoices.dueOf(engine, invoice))
  }
  return first
}
