/**
 * Invoices: made, finalized, collected, tried again.
 */
import * as Cards from "./cards.ts"
import * as Endings from "./endings.ts"
import { customerOf, type Engine, get } from "./engine.ts"
import { declined, invalid } from "./errors.ts"
import { allow, choice, type Params, text } from "./forms.ts"
import { type Invoice, invoice as make, line, type LineDetails } from "./invoiceObjects.ts"
import { list as listOf, type Subscription } from "./objects.ts"
import { page } from "./pagination.ts"
import { day, hour } from "./time.ts"

/** Days after the first failure on which a payment is tried again. After the last one, the subscription ends. */
const retryDays = [1, 3, 5, 7]

/** Makes a draft with these lines and those that wait; the subscription knows it as its newest. */
export const create = (
  engine: Engine,
  subscription: Subscription,
  billingReason: Invoice["billing_reason"],
  lines: ReadonlyArray<LineDetails>,
): Invoice => {
  const customer = customerOf(engine, subscription.customer)
  const now = engine.timeOf(customer)
  const id = engine.id("in")
  const all = [...(engine.state.pending[subscription.id] ?? []), ...lines]
  delete engine.state.pending[subscription.id]
  const total = all.reduce((sum, { amount }) => sum + amount, 0)
  const due = Math.max(0, total + customer.balance)
  const invoice = make({
    id,
    amount_due: due,
    amount_paid: 0,
    amount_remaining: due,
    attempt_count: 0,
    attempted: false,
    auto_advance: true,
    automatically_finalizes_at: now + hour,
    billing_reason: billingReason,
    created: now,
    currency: subscription.currency,
    customer: customer.id,
    customer_email: customer.email,
    customer_name: customer.name,
    effective_at: null,
    ending_balance: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    lines: listOf(
      `/v1/invoices/${id}/lines`,
      all.map((details) => line(engine.id("il"), id, subscription.id, details)),
    ),
    metadata: {},
    next_payment_attempt: now + hour,
    number: null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: { ...subscription.metadata }, subscription: subscription.id },
      type: "subscription_details",
    },
    period_end: now,
    period_start: billingReason === "subscription_cycle" ? Endings.periodStart(subscription) : now,
    starting_balance: customer.balance,
    status: "draft",
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal: total,
    subtotal_excluding_tax: total,
    test_clock: customer.test_clock,
    total,
    total_excluding_tax: total,
  })
  engine.state.invoices[id] = invoice
  subscription.latest_invoice = id
  engine.emit("invoice.created", invoice)
  return invoice
}

/** Fixes a draft: a number, an address, the customer's credit used. */
export const finalize = (engine: Engine, invoice: Invoice): void => {
  const customer = customerOf(engine, invoice.customer)
  const now = engine.timeOf(customer)
  const left = invoice.total + customer.balance
  invoice.starting_balance = customer.balance
  invoice.ending_balance = Math.min(0, left)
  invoice.amount_due = Math.max(0, left)
  invoice.amount_remaining = invoice.amount_due
  invoice.number = `LOCAL-${invoice.id.slice(-8).toUpperCase()}`
  invoice.hosted_invoice_url = `${engine.origin()}/invoice/${invoice.id}`
  invoice.invoice_pdf = `${engine.origin()}/invoice/${invoice.id}/pdf`
  invoice.status = "open"
  invoice.effective_at = now
  invoice.automatically_finalizes_at = null
  invoice.status_transitions.finalized_at = now
  if (customer.balance !== invoice.ending_balance) {
    engine.change("customer.updated", customer, () => {
      customer.balance = invoice.ending_balance ?? 0
    })
  }
  engine.emit("invoice.finalized", invoice)
}

/** Tries to be paid by the card of the customer, and has the subscription follow. Whether it is paid now. */
export const collect = (engine: Engine, invoice: Invoice): boolean => {
  const customer = customerOf(engine, invoice.customer)
  const subscription = subscriptionOf(engine, invoice)
  if (invoice.amount_due === 0 || Cards.canPay(engine, customer, subscription)) {
    settle(engine, invoice)
    return true
  }
  fail(engine, invoice, subscription)
  return false
}

/** Finalizes and collects at once. */
export const charge = (engine: Engine, invoice: Invoice): boolean => {
  finalize(engine, invoice)
  return collect(engine, invoice)
}

/** Pays an invoice that is open, by the customer's card or another one. */
export const pay = (engine: Engine, id: string, params: Params): Invoice => {
  allow(params, ["payment_method", "paid_out_of_band", "off_session", "source", "forgive", "mandate"])
  const invoice = retrieve(engine, id)
  if (invoice.status === "paid") throw invalid("Invoice is already paid", undefined, "invoice_already_paid")
  if (invoice.status === "draft") finalize(engine, invoice)
  if (invoice.status !== "open") throw invalid("This invoice can no longer be paid")
  const token = text(params, "payment_method")
  const card = token === undefined ? undefined : Cards.ofToken(engine, token)
  const customer = customerOf(engine, invoice.customer)
  const isPaid =
    card === undefined ? Cards.canPay(engine, customer, subscriptionOf(engine, invoice)) : card.behaviour === "pays"
  if (!isPaid) {
    engine.change("invoice.payment_failed", invoice, () => {
      invoice.attempt_count += 1
      invoice.attempted = true
    })
    throw declined()
  }
  settle(engine, invoice)
  return invoice
}

export const retrieve = (engine: Engine, id: string): Invoice => get(engine.state.invoices, "invoice", id)

export const list = (engine: Engine, params: Params) => {
  allow(params, ["customer", "subscription", "status", "limit", "starting_after", "ending_before", "created"])
  const customer = text(params, "customer")
  const subscription = text(params, "subscription")
  const status = choice(params, "status", ["draft", "open", "paid", "uncollectible", "void"])
  const found = Object.values(engine.state.invoices).filter(
    (invoice) =>
      (customer === undefined || invoice.customer === customer) &&
      (subscription === undefined || invoice.parent.subscription_details.subscription === subscription) &&
      (status === undefined || invoice.status === status),
  )
  return page("/v1/invoices", found.toReversed(), params)
}

/** What time does to an invoice, and when. */
export const dueOf = (engine: Engine, invoice: Invoice): { at: number; run: () => void } | undefined => {
  if (!invoice.auto_advance) return undefined
  if (invoice.status === "draft" && invoice.automatically_finalizes_at !== null) {
    return { at: invoice.automatically_finalizes_at, run: () => void charge(engine, invoice) }
  }
  if (invoice.status === "open" && invoice.next_payment_attempt !== null) {
    return { at: invoice.next_payment_attempt, run: () => void collect(engine, invoice) }
  }
  return undefined
}

// internal

const subscriptionOf = (engine: Engine, invoice: Invoice): Subscription =>
  get(engine.state.subscriptions, "subscription", invoice.parent.subscription_details.subscription)

const settle = (engine: Engine, invoice: Invoice) => {
  const subscription = subscriptionOf(engine, invoice)
  const now = engine.timeOf(subscription)
  if (invoice.amount_due > 0) {
    invoice.attempt_count += 1
    invoice.attempted = true
  }
  invoice.status = "paid"
  invoice.amount_paid = invoice.amount_due
  invoice.amount_remaining = 0
  invoice.next_payment_attempt = null
  invoice.auto_advance = false
  invoice.status_transitions.paid_at = now
  delete engine.state.failedAt[invoice.id]
  engine.emit("invoice.paid", invoice)
  const { status } = subscription
  const isNewest = subscription.latest_invoice === invoice.id
  if ((status === "past_due" || status === "unpaid" || status === "incomplete") && isNewest) {
    engine.change("customer.subscription.updated", subscription, () => {
      subscription.status = "active"
    })
  }
}

const fail = (engine: Engine, invoice: Invoice, subscription: Subscription) => {
  const now = engine.timeOf(subscription)
  const first = (engine.state.failedAt[invoice.id] ??= now)
  invoice.attempt_count += 1
  invoice.attempted = true
  // The first payment of a subscription is not tried again: it waits for the customer until it expires.
  const days = invoice.billing_reason === "subscription_create" ? undefined : retryDays[invoice.attempt_count - 1]
  invoice.next_payment_attempt = days === undefined ? null : first + days * day
  engine.emit("invoice.payment_failed", invoice)
  if (subscription.status === "active" || subscription.status === "trialing") {
    engine.change("customer.subscription.updated", subscription, () => {
      subscription.status = "past_due"
    })
  }
  const isGivenUp = invoice.billing_reason !== "subscription_create" && days === undefined
  if (isGivenUp && !Endings.hasEnded(subscription)) Endings.end(engine, subscription, "payment_failed")
}
