/**
 * Stripe's objects in the words of this package.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ProviderCustomer } from "../BillingProvider.ts"
import type { BillingProviderError } from "../BillingProviderError.ts"
import type { Invoice } from "../Invoice.ts"
import type { ProviderCheckout, ProviderItem, ProviderPrice, ProviderSubscription } from "../ProviderSubscription.ts"
import { ownership } from "./ownership.ts"
import { toUnexpected } from "./stripeErrors.ts"
import * as Forms from "./stripeForms.ts"

/** Reads an answer by its form; one of another form is unexpected. */
export const reading = <A, I>(form: Schema.Codec<A, I>) => {
  const decode = Schema.decodeUnknownEffect(form)
  return (method: string, input: unknown): Effect.Effect<A, BillingProviderError> =>
    Effect.mapError(decode(input), (error) => toUnexpected(method, error))
}

export const readCustomer = reading(Forms.Customer)

export const readCustomers = reading(Schema.Array(Forms.Customer))

export const readPrices = reading(Schema.Array(Forms.Price))

export const readItems = reading(Schema.Array(Forms.Item))

export const readSubscription = reading(Forms.Subscription)

export const readSchedule = reading(Forms.Schedule)

export const readCheckout = reading(Forms.Checkout)

export const readInvoices = reading(Schema.Array(Forms.Invoice))

export const readLink = reading(Forms.Link)

export const readSubscriptionEntries = reading(Schema.Array(Forms.SubscriptionEntry))

export const toCustomer = (found: typeof Forms.Customer.Type): ProviderCustomer => ({
  id: found.id,
  isDeleted: found.deleted ?? false,
  profile: { name: found.name ?? null, email: found.email ?? null },
  metadata: found.metadata ?? {},
})

export const toPrice = (found: typeof Forms.Price.Type): ProviderPrice => ({
  id: found.id,
  lookupKey: found.lookup_key,
  isActive: found.active,
  currency: found.currency,
  amount: found.unit_amount,
  interval: found.recurring?.interval ?? null,
  isMetered: found.recurring?.usage_type === "metered",
})

/** `items`: all of them, where the object has a part alone. */
export const toSubscription = (
  found: typeof Forms.Subscription.Type,
  items: ReadonlyArray<typeof Forms.Item.Type> = found.items.data,
): ProviderSubscription => ({
  id: found.id,
  customerId: found.customer,
  status: found.status,
  items: items.map(toItem),
  currency: found.currency,
  trialStart: found.trial_start,
  trialEnd: found.trial_end,
  cancelAtPeriodEnd: found.cancel_at_period_end,
  cancelAt: found.cancel_at,
  canceledAt: found.canceled_at,
  endedAt: found.ended_at,
  endedBecause: found.cancellation_details?.reason ?? null,
  schedule: found.schedule === null ? null : toSchedule(found.schedule),
  latestInvoice:
    found.latest_invoice === null
      ? null
      : {
          id: found.latest_invoice.id,
          status: found.latest_invoice.status,
          amountDue: found.latest_invoice.amount_due,
          currency: found.latest_invoice.currency,
          payUrl: found.latest_invoice.hosted_invoice_url ?? null,
          nextAttemptAt: found.latest_invoice.next_payment_attempt,
        },
  metadata: found.metadata,
  createdAt: found.created,
})

export const toCheckout = (found: typeof Forms.Checkout.Type): ProviderCheckout => ({
  id: found.id,
  status: found.status,
  url: found.url,
  customerId: found.customer,
  subscriptionId: found.subscription,
  expiresAt: found.expires_at,
  metadata: found.metadata ?? {},
})

export const toInvoice = (found: typeof Forms.Invoice.Type): Invoice => ({
  id: found.id,
  number: found.number,
  status: found.status,
  currency: found.currency,
  total: found.total,
  amountDue: found.amount_due,
  amountPaid: found.amount_paid,
  periodStart: found.period_start,
  periodEnd: found.period_end,
  createdAt: found.created,
  url: found.hosted_invoice_url ?? null,
  pdfUrl: found.invoice_pdf ?? null,
})

// internal

const toItem = (found: typeof Forms.Item.Type): ProviderItem => ({
  id: found.id,
  priceId: found.price.id,
  lookupKey: found.price.lookup_key,
  interval: found.price.recurring?.interval ?? null,
  currency: found.price.currency,
  amount: found.price.unit_amount,
  quantity: found.price.recurring?.usage_type === "metered" ? null : (found.quantity ?? null),
  periodStart: found.current_period_start,
  periodEnd: found.current_period_end,
})

/** What comes is the phase that begins when the current one ends, or later. */
const toSchedule = ({
  id,
  status,
  metadata,
  current_phase: current,
  phases,
}: typeof Forms.Schedule.Type): ProviderSubscription["schedule"] => {
  const isOpen = status === "active" || status === "not_started"
  const next = phases.find(
    ({ start_date: startsAt }) =>
      isOpen && (current === null || DateTime.isGreaterThanOrEqualTo(startsAt, current.end_date)),
  )
  return {
    id,
    isOwn: metadata?.["managed_by"] === ownership.managed_by,
    next:
      next === undefined
        ? null
        : {
            startsAt: next.start_date,
            items: next.items.map(({ price, quantity }) => ({ priceId: price, quantity: quantity ?? null })),
          },
  }
}
