/**
 * What every part of the local Stripe stands on: the state, the clocks, ids and events.
 */
import { missing } from "./errors.ts"
import { apiVersion, type Customer, type StripeEvent } from "./objects.ts"
import type { State } from "./state.ts"

/** The request on whose behalf things happen; null where time alone does them. */
export interface Cause {
  readonly id: string | null
  readonly idempotency_key: string | null
}

export interface Engine {
  readonly state: State
  /** Where its pages are. */
  readonly origin: () => string
  /** The host's time, in seconds: checkouts and signatures live by it, whatever its own clock says. */
  readonly hostTime: () => number
  /** Its own time, in seconds. */
  readonly time: () => number
  /** The time of a customer, who may be on a test clock. */
  readonly timeOf: (customer: Pick<Customer, "test_clock">) => number
  /** Does things as if it were that time: what is due happens at its own. */
  readonly at: <A>(instant: number, f: () => A) => A
  /** Does things on behalf of a request. */
  readonly because: <A>(cause: Cause, f: () => A) => A
  readonly id: (prefix: string) => string
  readonly emit: (type: string, object: object, previous?: { [field: string]: unknown }) => void
  /** Changes an object and tells it, with what was there before; nothing is told where nothing changed. */
  readonly change: <A extends object>(type: string, object: A, f: (object: A) => void) => void
}

export const make = (options: {
  readonly state: State
  readonly seed: number
  readonly now: () => number
  readonly origin: () => string
  readonly onEvent: (event: StripeEvent) => void
}): Engine => {
  const { state } = options
  let instant: number | undefined
  let cause: Cause = { id: null, idempotency_key: null }
  const world = options.seed.toString(36).padStart(6, "0")

  const hostTime = () => Math.floor(options.now() / 1000)
  const time = () => instant ?? Math.floor((options.now() + state.offset) / 1000)

  const engine: Engine = {
    state,
    origin: options.origin,
    hostTime,
    time,
    timeOf: ({ test_clock }) =>
      instant ?? (test_clock === null ? undefined : state.clocks[test_clock]?.frozen_time) ?? time(),
    at: (at, f) => {
      const before = instant
      instant = at
      try {
        return f()
      } finally {
        instant = before
      }
    },
    because: (given, f) => {
      const before = cause
      cause = given
      try {
        return f()
      } finally {
        cause = before
      }
    },
    id: (prefix) => {
      state.counter += 1
      return `${prefix}_${world}${state.counter.toString(36).padStart(8, "0")}`
    },
    emit: (type, object, previous) => {
      const event: StripeEvent = {
        id: engine.id("evt"),
        object: "event",
        api_version: apiVersion,
        created: time(),
        data: { object: fieldsOf(object), ...(previous === undefined ? {} : { previous_attributes: previous }) },
        livemode: false,
        pending_webhooks: 1,
        request: { ...cause },
        type,
      }
      state.events.push(event)
      state.deliveries[event.id] = { eventId: event.id, attempts: 0, nextAt: 0, status: "waiting" }
      options.onEvent(event)
    },
    change: (type, object, f) => {
      const before = fieldsOf(object)
      f(object)
      const after = fieldsOf(object)
      const changed = Object.entries(before).filter(
        ([field, value]) => JSON.stringify(value) !== JSON.stringify(after[field]),
      )
      const added = Object.keys(after).filter((field) => !(field in before))
      if (changed.length + added.length > 0) engine.emit(type, object, Object.fromEntries(changed))
    },
  }
  return engine
}

/** What an id names; refuses where there is none. */
export const get = <A>(table: { readonly [id: string]: A }, kind: string, id: string, param?: string): A => {
  const found = Object.hasOwn(table, id) ? table[id] : undefined
  if (found === undefined) throw missing(kind, id, param)
  return found
}

/** A customer who was not deleted. */
export const customerOf = (engine: Engine, id: string, param?: string): Customer => {
  const customer = get(engine.state.customers, "customer", id, param)
  if (customer.deleted === true) throw missing("customer", id, param)
  return customer
}

// internal

/** A copy of an object's fields, as they are now. */
const fieldsOf = (object: object): { [field: string]: unknown } =>
  Object.fromEntries(Object.entries(structuredClone(object)))
