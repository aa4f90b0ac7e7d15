/**
 * Checkouts: opened, paid, closed. They live by the host's clock.
 */
import * as Cards from "./cards.ts"
import { customerOf, type Engine, get } from "./engine.ts"
import { declined, invalid } from "./errors.ts"
import { allow, choice, integer, metadata, nested, objects, type Params, required, text } from "./forms.ts"
import * as Prices from "./prices.ts"
import { amountOf } from "./proration.ts"
import { type Checkout, checkout as make } from "./sessionObjects.ts"
import * as Subscriptions from "./subscriptions.ts"
import { day, hour } from "./time.ts"

const fields = [
  "mode",
  "customer",
  "line_items",
  "success_url",
  "cancel_url",
  "client_reference_id",
  "metadata",
  "locale",
  "expires_at",
  "subscription_data",
  "customer_update",
  "payment_method_collection",
  "payment_method_types",
  "billing_address_collection",
  "allow_promotion_codes",
  "automatic_tax",
  "tax_id_collection",
  "custom_text",
  "consent_collection",
  "phone_number_collection",
  "submit_type",
]

export const create = (engine: Engine, params: Params): Checkout => {
  allow(params, fields)
  if (required(params, "mode") !== "subscription") throw invalid("Only the mode subscription is known here.", "mode")
  const customer = customerOf(engine, required(params, "customer"), "customer")
  const lines = (objects(params, "line_items") ?? []).map((line, index) => {
    allow(line, ["price", "quantity", "adjustable_quantity", "tax_rates", "dynamic_tax_rates"])
    return Subscriptions.wanted(engine, line, `line_items[${index}]`)
  })
  const [first] = lines
  if (first === undefined) throw invalid("Missing required param: line_items.", "line_items", "parameter_missing")
  Subscriptions.checkTogether(lines)
  const data = nested(params, "subscription_data") ?? {}
  allow(data, [
    "metadata",
    "trial_period_days",
    "trial_end",
    "trial_settings",
    "description",
    "billing_mode",
    "proration_behavior",
  ])
  const trialDays = integer(data, "trial_period_days") ?? null
  if (trialDays !== null && trialDays < 1) {
    throw invalid("The minimum number of trial period days is 1.", "subscription_data[trial_period_days]")
  }
  const now = engine.hostTime()
  const expiresAt = integer(params, "expires_at") ?? now + day
  // A minute more or less: the request was on its way.
  if (expiresAt < now + hour / 2 - 60 || expiresAt > now + day + 60) {
    throw invalid(
      "The `expires_at` timestamp must be from 30 minutes to 24 hours from Checkout Session creation.",
      "expires_at",
    )
  }
  const total = lines.reduce(
    (sum, { price, quantity }) => sum + amountOf(quantity === undefined ? { price } : { price, quantity }),
    0,
  )
  const id = engine.id("cs_test")
  const checkout = make({
    id,
    amount_subtotal: total,
    amount_total: trialDays === null ? total : 0,
    cancel_url: text(params, "cancel_url") ?? null,
    client_reference_id: text(params, "client_reference_id") ?? null,
    created: now,
    currency: first.price.currency,
    customer: customer.id,
    expires_at: expiresAt,
    invoice: null,
    locale: text(params, "locale") ?? null,
    metadata: metadata(params),
    payment_method_collection: choice(params, "payment_method_collection", ["always", "if_required"]) ?? "always",
    payment_status: trialDays === null ? "unpaid" : "no_payment_required",
    status: "open",
    subscription: null,
    success_url: required(params, "success_url"),
    url: `${engine.origin()}/checkout/${id}`,
  })
  engine.state.checkouts[id] = checkout
  engine.state.carts[id] = {
    items: lines.map(({ price, quantity }) => ({ price: price.id, ...(quantity === undefined ? {} : { quantity }) })),
    trialDays,
    trialEnd: integer(data, "trial_end") ?? null,
    metadata: metadata(data),
  }
  return checkout
}

export const retrieve = (engine: Engine, id: string): Checkout => get(engine.state.checkouts, "checkout.session", id)

/** Closes a checkout that is open. */
export const expire = (engine: Engine, id: string, params: Params): Checkout => {
  allow(params, [])
  const checkout = retrieve(engine, id)
  if (checkout.status !== "open") {
    throw invalid(
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${checkout.status}.`,
    )
  }
  close(engine, checkout)
  return checkout
}

/** What happens when a person enters a card and subscribes. The address to go on to. */
export const pay = (engine: Engine, id: string, number: string): string => {
  const checkout = retrieve(engine, id)
  const target = checkout.success_url.replaceAll("{CHECKOUT_SESSION_ID}", id)
  if (checkout.status === "complete") return target
  if (checkout.status === "expired") throw invalid("This checkout is over.")
  const customer = customerOf(engine, checkout.customer)
  const cart = get(engine.state.carts, "checkout.session", id)
  const card = Cards.attach(engine, number)
  const now = engine.timeOf(customer)
  const trialEnd = cart.trialEnd ?? (cart.trialDays === null ? null : now + cart.trialDays * day)
  if (trialEnd === null && checkout.amount_total > 0 && card.behaviour !== "pays") throw declined()

  engine.change("customer.updated", customer, () => {
    customer.name ??= "Card Holder"
    customer.invoice_settings.default_payment_method ??= card.id
  })
  const subscription = Subscriptions.begin(engine, {
    customer: customer.id,
    items: cart.items.map((item) => ({
      price: Prices.recurringPrice(Prices.retrieve(engine, item.price)),
      quantity: item.quantity,
    })),
    trialEnd,
    metadata: cart.metadata,
    card: card.id,
    failsWhenDeclined: true,
  })
  checkout.status = "complete"
  checkout.payment_status = trialEnd === null ? "paid" : "no_payment_required"
  checkout.subscription = subscription.id
  checkout.invoice = subscription.latest_invoice
  checkout.url = null
  engine.emit("checkout.session.completed", checkout)
  return target
}

/** Closes those whose time is over. */
export const expireOverdue = (engine: Engine): void => {
  const now = engine.hostTime()
  for (const checkout of Object.values(engine.state.checkouts)) {
    if (checkout.status === "open" && checkout.expires_at <= now) close(engine, checkout)
  }
}

// internal

const close = (engine: Engine, checkout: Checkout) => {
  checkout.status = "expired"
  checkout.url = null
  engine.emit("checkout.session.expired", checkout)
}
