/**
 * Subscriptions: made, listed, renewed, ended. Changes of their items are in `changes.ts`.
 */
import * as Cards from "./cards.ts"
import * as Endings from "./endings.ts"
import { customerOf, type Engine, get } from "./engine.ts"
import { declined, invalid, missing } from "./errors.ts"
import { allow, boolean, choice, integer, metadata, objects, type Params, required, text } from "./forms.ts"
import * as Invoices from "./invoices.ts"
import {
  type Item,
  item as makeItem,
  list as listOf,
  type Metadata,
  type Price,
  type Recurring,
  type Subscription,
  subscription as make,
} from "./objects.ts"
import { page } from "./pagination.ts"
import * as Prices from "./prices.ts"
import { amountOf, lineOf } from "./proration.ts"
import { add, day, hour, nextAnniversary } from "./time.ts"

/** How long a first payment is waited for. */
const firstPayment = 23 * hour

/** How long before its end a trial's end is told. */
const notice = 3 * day

/** An item that is asked for. */
export interface Wanted {
  readonly price: Price & { readonly recurring: Recurring }
  readonly quantity: number | undefined
}

/** Reads an item: its price must be sold, and have a quantity where nothing is measured. */
export const wanted = (engine: Engine, params: Params, param: string): Wanted => {
  const price = Prices.sellable(engine, required(params, "price"), `${param}[price]`)
  const quantity = integer(params, "quantity")
  return { price, quantity: quantityOf(price, quantity, `${param}[quantity]`) }
}

/** The quantity of a price: none where it is measured, else 1 where none is given. */
export const quantityOf = (price: Wanted["price"], quantity: number | undefined, param: string): number | undefined => {
  if (price.recurring.usage_type === "licensed") return quantity ?? 1
  if (quantity !== undefined) throw invalid("You cannot set the quantity for metered plans.", param)
  return undefined
}

/** Items of one subscription are billed together: one currency, one interval, each price once. */
export const checkTogether = (items: ReadonlyArray<Pick<Wanted, "price">>): void => {
  const intervals = new Set(items.map(({ price }) => `${price.recurring.interval} ${price.recurring.interval_count}`))
  if (intervals.size > 1)
    throw invalid("All prices on a subscription must have the same `recurring.interval`.", "items")
  if (new Set(items.map(({ price }) => price.currency)).size > 1) {
    throw invalid("All prices on a subscription must have the same currency.", "items")
  }
  if (new Set(items.map(({ price }) => price.id)).size < items.length) {
    throw invalid("Cannot add multiple subscription items with the same plan.", "items")
  }
}

/** Begins a subscription, charges what is due, and then tells it. */
export const begin = (
  engine: Engine,
  options: {
    readonly customer: string
    readonly items: ReadonlyArray<Wanted>
    readonly trialEnd: number | null
    readonly metadata: Metadata
    readonly card: string | null
    /** Refuses where the first payment is declined, rather than waiting for it. */
    readonly failsWhenDeclined: boolean
  },
): Subscription => {
  const [first] = options.items
  if (first === undefined) throw invalid("Missing required param: items.", "items", "parameter_missing")
  checkTogether(options.items)
  const customer = customerOf(engine, options.customer, "customer")
  const now = engine.timeOf(customer)
  const { trialEnd } = options
  if (trialEnd !== null && trialEnd <= now) throw invalid("trial_end must be in the future.", "trial_end")
  const periodEnd = trialEnd ?? add(now, first.price.recurring)

  const paysBy = options.card ?? customer.invoice_settings.default_payment_method
  const due = trialEnd === null ? options.items.reduce((sum, item) => sum + amountOf(amountsOf(item)), 0) : 0
  const isPaid = due + customer.balance <= 0 || (paysBy !== null && engine.state.cards[paysBy]?.behaviour === "pays")
  if (!isPaid && options.failsWhenDeclined) throw declined()

  const id = engine.id("sub")
  const subscription = make({
    id,
    billing_cycle_anchor: trialEnd ?? now,
    created: now,
    currency: first.price.currency,
    customer: customer.id,
    default_payment_method: options.card,
    items: listOf(
      `/v1/subscription_items?subscription=${id}`,
      options.items.map((item) => newItem(engine, id, item, now, periodEnd)),
    ),
    metadata: options.metadata,
    start_date: now,
    status: trialEnd !== null ? "trialing" : isPaid ? "active" : "incomplete",
    test_clock: customer.test_clock,
    trial_end: trialEnd,
    trial_start: trialEnd === null ? null : now,
  })
  engine.state.subscriptions[id] = subscription
  const lines = subscription.items.data.map((item) => lineOf(item, trialEnd !== null))
  Invoices.charge(engine, Invoices.create(engine, subscription, "subscription_create", lines))
  engine.emit("customer.subscription.created", subscription)
  return subscription
}

/** A new item of a subscription, for a period. */
export const newItem = (engine: Engine, subscription: string, item: Wanted, start: number, end: number): Item =>
  makeItem({
    id: engine.id("si"),
    created: start,
    current_period_start: start,
    current_period_end: end,
    metadata: {},
    ...amountsOf(item),
    subscription,
  })

/** What the dashboard does: a subscription without a checkout. */
export const create = (engine: Engine, params: Params): Subscription => {
  allow(params, [
    "customer",
    "items",
    "metadata",
    "trial_period_days",
    "trial_end",
    "payment_behavior",
    "default_payment_method",
    "cancel_at_period_end",
    "off_session",
  ])
  const customer = customerOf(engine, required(params, "customer"), "customer")
  const days = integer(params, "trial_period_days")
  const token = text(params, "default_payment_method")
  const subscription = begin(engine, {
    customer: customer.id,
    items: (objects(params, "items") ?? []).map((item, index) => wanted(engine, item, `items[${index}]`)),
    trialEnd: integer(params, "trial_end") ?? (days === undefined ? null : engine.timeOf(customer) + days * day),
    metadata: metadata(params),
    card: token === undefined ? null : Cards.ofToken(engine, token).id,
    failsWhenDeclined: text(params, "payment_behavior") === "error_if_incomplete",
  })
  if (boolean(params, "cancel_at_period_end") === true) {
    engine.change("customer.subscription.updated", subscription, () => endWithPeriod(engine, subscription))
  }
  return subscription
}

/** Has a subscription end when its period does. */
export const endWithPeriod = (engine: Engine, subscription: Subscription): void => {
  subscription.cancel_at_period_end = true
  subscription.cancel_at = Endings.periodEnd(subscription)
  subscription.canceled_at = engine.timeOf(subscription)
  subscription.cancellation_details.reason = "cancellation_requested"
}

export const retrieve = (engine: Engine, id: string): Subscription =>
  get(engine.state.subscriptions, "subscription", id)

export const list = (engine: Engine, params: Params) => {
  allow(params, ["customer", "status", "price", "limit", "starting_after", "ending_before", "created", "test_clock"])
  const customer = text(params, "customer")
  const price = text(params, "price")
  const status = choice(params, "status", [
    "all",
    "ended",
    "active",
    "canceled",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
  ])
  const found = Object.values(engine.state.subscriptions).filter(
    (subscription) =>
      (customer === undefined || subscription.customer === customer) &&
      (price === undefined || subscription.items.data.some((item) => item.price.id === price)) &&
      // Without a status, Stripe lists all that were not canceled.
      (status === "all" ||
        (status === undefined && subscription.status !== "canceled") ||
        (status === "ended" && Endings.hasEnded(subscription)) ||
        subscription.status === status),
  )
  return page("/v1/subscriptions", found.toReversed(), params)
}

export const listItems = (engine: Engine, params: Params) => {
  allow(params, ["subscription", "limit", "starting_after", "ending_before"])
  const subscription = retrieve(engine, required(params, "subscription"))
  return page("/v1/subscription_items", subscription.items.data, params)
}

/** Ends a subscription now. One that ended already is not found. */
export const cancel = (engine: Engine, id: string, params: Params): Subscription => {
  allow(params, ["invoice_now", "prorate", "cancellation_details"])
  const subscription = retrieve(engine, id)
  if (Endings.hasEnded(subscription)) throw missing("subscription", id)
  Endings.end(engine, subscription, "cancellation_requested")
  return subscription
}

/** Begins the next period: the trial ends, or it is time to pay again. */
export const renew = (engine: Engine, subscription: Subscription): void => {
  const now = Endings.periodEnd(subscription)
  const [first] = subscription.items.data
  const recurring = first?.price.recurring
  if (recurring === undefined || recurring === null) return
  engine.at(now, () => {
    engine.change("customer.subscription.updated", subscription, () => {
      const end = nextAnniversary(subscription.billing_cycle_anchor, recurring, now)
      for (const item of subscription.items.data) {
        item.current_period_start = now
        item.current_period_end = end
      }
      if (subscription.status === "trialing") subscription.status = "active"
    })
    Invoices.create(
      engine,
      subscription,
      "subscription_cycle",
      subscription.items.data.map((item) => lineOf(item)),
    )
  })
}

/** What time does to a subscription, and when. What comes first in the list is done first at the same time. */
export const dueOf = (engine: Engine, subscription: Subscription): ReadonlyArray<{ at: number; run: () => void }> => {
  if (Endings.hasEnded(subscription) || subscription.status === "paused") return []
  if (subscription.status === "incomplete") {
    return [{ at: subscription.created + firstPayment, run: () => Endings.expire(engine, subscription) }]
  }
  const due: Array<{ at: number; run: () => void }> = []
  const { trial_end: trialEnd, cancel_at: cancelAt, id } = subscription
  if (subscription.status === "trialing" && trialEnd !== null && engine.state.trialsTold[id] === undefined) {
    due.push({
      at: Math.max(subscription.trial_start ?? 0, trialEnd - notice),
      run: () => {
        engine.state.trialsTold[id] = true
        engine.emit("customer.subscription.trial_will_end", subscription)
      },
    })
  }
  if (cancelAt !== null) due.push({ at: cancelAt, run: () => Endings.end(engine, subscription, null) })
  due.push({ at: Endings.periodEnd(subscription), run: () => renew(engine, subscription) })
  return due
}

// internal

const amountsOf = ({ price, quantity }: Wanted) => (quantity === undefined ? { price } : { price, quantity })
