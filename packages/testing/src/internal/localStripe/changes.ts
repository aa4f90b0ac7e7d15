/**
 * Changes of a subscription: its items with what that costs, when it ends, how it is paid.
 */
import * as Cards from "./cards.ts"
import * as Endings from "./endings.ts"
import { customerOf, type Engine } from "./engine.ts"
import { declined, invalid } from "./errors.ts"
import { allow, boolean, choice, integer, metadata, objects, type Params, text } from "./forms.ts"
import type { LineDetails } from "./invoiceObjects.ts"
import * as Invoices from "./invoices.ts"
import { type Item, item as makeItem, type Subscription } from "./objects.ts"
import * as Prices from "./prices.ts"
import { amountOf, lineOf, prorated } from "./proration.ts"
import type { ProrationBehavior } from "./sessionObjects.ts"
import * as Subscriptions from "./subscriptions.ts"
import { add } from "./time.ts"

export const update = (engine: Engine, id: string, params: Params): Subscription => {
  allow(params, [
    "items",
    "metadata",
    "proration_behavior",
    "payment_behavior",
    "cancel_at_period_end",
    "cancel_at",
    "default_payment_method",
    "trial_end",
    "off_session",
    "cancellation_details",
  ])
  const subscription = Subscriptions.retrieve(engine, id)
  if (Endings.hasEnded(subscription)) {
    if (Object.keys(params).some((name) => name !== "metadata" && name !== "expand")) {
      throw invalid("A canceled subscription can only update its cancellation_details and metadata.")
    }
  }
  checkEnd(subscription, params)
  const items = objects(params, "items")
  if (items !== undefined) {
    setItems(engine, subscription, itemsOf(engine, subscription, items), {
      proration: choice(params, "proration_behavior", ["always_invoice", "create_prorations", "none"]),
      failsWhenDeclined:
        choice(params, "payment_behavior", ["allow_incomplete", "error_if_incomplete"]) === "error_if_incomplete",
    })
  }
  engine.change("customer.subscription.updated", subscription, () => {
    subscription.metadata = metadata(params, subscription.metadata)
    setEnd(engine, subscription, params)
    setTrialEnd(engine, subscription, params)
    const token = text(params, "default_payment_method")
    if (token !== undefined) subscription.default_payment_method = Cards.ofToken(engine, token).id
  })
  return subscription
}

/**
 * Changes the items now. What they cost more or less for the rest of the period goes on the next invoice, on one now,
 * or nowhere; another interval begins a new period, and is invoiced now.
 */
export const setItems = (
  engine: Engine,
  subscription: Subscription,
  items: ReadonlyArray<Item>,
  options: { readonly proration: ProrationBehavior | undefined; readonly failsWhenDeclined: boolean },
): void => {
  const [first] = items
  const recurring = first?.price.recurring
  if (first === undefined || recurring === undefined || recurring === null) {
    throw invalid("A subscription must have at least one active plan.", "items")
  }
  const customer = customerOf(engine, subscription.customer)
  const now = engine.timeOf(customer)
  const proration = options.proration ?? "create_prorations"
  const before = subscription.items.data
  const isTrial = subscription.status === "trialing"
  const isOtherInterval = before.some(
    ({ price }) =>
      price.recurring?.interval !== recurring.interval || price.recurring.interval_count !== recurring.interval_count,
  )
  const restarts = isOtherInterval && !isTrial
  const after = restarts
    ? items.map((item) => ({ ...item, current_period_start: now, current_period_end: add(now, recurring) }))
    : [...items]

  const lines: Array<LineDetails> = []
  if (!isTrial && proration !== "none") {
    for (const old of before) if (restarts || isOther(after, old)) lines.push(prorated(old, now, -1))
    if (!restarts) for (const item of after) if (isOther(before, item)) lines.push(prorated(item, now, 1))
  }
  if (restarts) lines.push(...after.map((item) => lineOf(item)))

  const isInvoiced = !isTrial && lines.length > 0 && (restarts || proration === "always_invoice")
  if (isInvoiced && options.failsWhenDeclined) {
    const waiting = engine.state.pending[subscription.id] ?? []
    const due = [...waiting, ...lines].reduce((sum, { amount }) => sum + amount, customer.balance)
    if (due > 0 && !Cards.canPay(engine, customer, subscription)) throw declined()
  }

  engine.change("customer.subscription.updated", subscription, () => {
    subscription.items.data = after
    if (restarts) subscription.billing_cycle_anchor = now
    if (subscription.cancel_at_period_end) subscription.cancel_at = Endings.periodEnd(subscription)
  })
  if (isInvoiced) {
    Invoices.charge(engine, Invoices.create(engine, subscription, "subscription_update", lines))
  } else if (lines.length > 0) {
    engine.state.pending[subscription.id] = [...(engine.state.pending[subscription.id] ?? []), ...lines]
  }
}

/** The items after a change: each by its id or new, and those that are not named as they were. */
export const itemsOf = (
  engine: Engine,
  subscription: Subscription,
  changes: ReadonlyArray<Params>,
): ReadonlyArray<Item> => {
  const before = subscription.items.data
  const named = new Map<string, Params>()
  const added: Array<Item> = []
  for (const [index, change] of changes.entries()) {
    const param = `items[${index}]`
    allow(change, ["id", "price", "quantity", "deleted", "clear_usage", "metadata"])
    const id = text(change, "id")
    if (id === undefined) {
      const item = Subscriptions.wanted(engine, change, param)
      if (before.some(({ price }) => price.id === item.price.id)) {
        throw invalid(`Existing Subscription Item is already using Price ${item.price.id}.`, `${param}[price]`)
      }
      const start = engine.timeOf(subscription)
      added.push(Subscriptions.newItem(engine, subscription.id, item, start, Endings.periodEnd(subscription)))
      continue
    }
    if (!before.some((item) => item.id === id)) {
      throw invalid(`No such subscription item: '${id}'`, `${param}[id]`, "resource_missing")
    }
    named.set(id, change)
  }
  const kept = before.flatMap((item): ReadonlyArray<Item> => {
    const change = named.get(item.id)
    if (change === undefined) return [item]
    return boolean(change, "deleted") === true ? [] : [changed(engine, item, change)]
  })
  const all = [...kept, ...added]
  Subscriptions.checkTogether(all.map(({ price }) => ({ price: Prices.recurringPrice(price) })))
  return all
}

// internal

const changed = (engine: Engine, item: Item, change: Params): Item => {
  const priceId = text(change, "price") ?? item.price.id
  const price =
    priceId === item.price.id ? Prices.recurringPrice(item.price) : Prices.sellable(engine, priceId, "items")
  // Another price begins with 1, unless a quantity is given, as at Stripe.
  const quantity = Subscriptions.quantityOf(
    price,
    integer(change, "quantity") ?? (priceId === item.price.id ? item.quantity : undefined),
    "items",
  )
  const { plan: _plan, quantity: _quantity, ...rest } = item
  return makeItem({ ...rest, price, ...(quantity === undefined ? {} : { quantity }) })
}

/** Whether an item is not among these as it is. */
const isOther = (items: ReadonlyArray<Item>, item: Item) =>
  !items.some(
    ({ id, price, quantity }) => id === item.id && price.id === item.price.id && quantity === item.quantity,
  ) && amountOf(item) !== 0

const checkEnd = (subscription: Subscription, params: Params) => {
  const changesEnd = "cancel_at" in params || "cancel_at_period_end" in params
  if (changesEnd && subscription.schedule !== null) {
    throw invalid(
      `The subscription is managed by the subscription schedule \`${subscription.schedule}\`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.`,
    )
  }
  if ("cancel_at" in params && "cancel_at_period_end" in params) {
    throw invalid("You may only specify one of these parameters: cancel_at, cancel_at_period_end.", "cancel_at")
  }
}

const setEnd = (engine: Engine, subscription: Subscription, params: Params) => {
  const atPeriodEnd = boolean(params, "cancel_at_period_end")
  if (atPeriodEnd === true) Subscriptions.endWithPeriod(engine, subscription)
  const atPeriod = text(params, "cancel_at") === "min_period_end" || text(params, "cancel_at") === "max_period_end"
  const cancelAt = atPeriod ? Endings.periodEnd(subscription) : integer(params, "cancel_at")
  if (cancelAt !== undefined) {
    const now = engine.timeOf(subscription)
    if (cancelAt <= now) throw invalid("cancel_at must be in the future.", "cancel_at")
    subscription.cancel_at = cancelAt
    subscription.cancel_at_period_end = false
    subscription.canceled_at = now
    subscription.cancellation_details.reason = "cancellation_requested"
  }
  if (atPeriodEnd === false || params["cancel_at"] === "") {
    subscription.cancel_at = null
    subscription.cancel_at_period_end = false
    subscription.canceled_at = null
    subscription.cancellation_details.reason = null
  }
}

/** `now`, or a time: the trial ends then, and the next period begins. */
const setTrialEnd = (engine: Engine, subscription: Subscription, params: Params) => {
  if (!("trial_end" in params)) return
  const now = engine.timeOf(subscription)
  const trialEnd = text(params, "trial_end") === "now" ? now : integer(params, "trial_end")
  if (trialEnd === undefined || trialEnd < now) throw invalid("trial_end must be in the future.", "trial_end")
  subscription.trial_start ??= now
  subscription.trial_end = trialEnd
  subscription.billing_cycle_anchor = trialEnd
  subscription.status = "trialing"
  for (const item of subscription.items.data) item.current_period_end = trialEnd
}
