/**
 * Invoices and their lines in the fields of the pinned version.
 */
import type { List, Metadata } from "./objects.ts"

/** What a line of an invoice says. */
export interface LineDetails {
  amount: number
  currency: string
  description: string
  item: string
  period: { start: number; end: number }
  price: string
  product: string
  proration: boolean
  quantity: number | null
}

export const line = (id: string, invoice: string, subscription: string, given: LineDetails) => ({
  id,
  object: "line_item" as const,
  amount: given.amount,
  currency: given.currency,
  description: given.description,
  discount_amounts: [],
  discountable: !given.proration,
  discounts: [],
  invoice,
  livemode: false,
  metadata: {},
  parent: {
    invoice_item_details: null,
    subscription_item_details: {
      invoice_item: null,
      proration: given.proration,
      proration_details: null,
      subscription,
      subscription_item: given.item,
    },
    type: "subscription_item_details" as const,
  },
  period: given.period,
  pretax_credit_amounts: [],
  pricing: {
    price_details: { price: given.price, product: given.product },
    type: "price_details" as const,
    unit_amount_decimal: null,
  },
  quantity: given.quantity,
  quantity_decimal: null,
  subscription,
  subtotal: given.amount,
  taxes: [],
})

export type Line = ReturnType<typeof line>

const invoiceRest = () => ({
  object: "invoice" as const,
  account_country: "DE",
  account_name: "Local Stripe",
  account_tax_ids: null,
  amount_overpaid: 0,
  amount_shipping: 0,
  application: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
  collection_method: "charge_automatically" as const,
  custom_fields: null,
  customer_account: null,
  customer_address: null,
  customer_phone: null,
  customer_shipping: null,
  customer_tax_exempt: "none" as const,
  customer_tax_ids: [],
  default_payment_method: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  due_date: null,
  footer: null,
  from_invoice: null,
  issuer: { type: "self" as const },
  last_finalization_error: null,
  latest_revision: null,
  livemode: false,
  on_behalf_of: null,
  payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
  post_payment_credit_notes_amount: 0,
  pre_payment_credit_notes_amount: 0,
  receipt_number: null,
  rendering: null,
  shipping_cost: null,
  shipping_details: null,
  statement_descriptor: null,
  total_discount_amounts: [],
  total_pretax_credit_amounts: [],
  total_taxes: [],
  webhooks_delivered_at: null,
})

export type Invoice = ReturnType<typeof invoiceRest> & {
  id: string
  amount_due: number
  amount_paid: number
  amount_remaining: number
  attempt_count: number
  attempted: boolean
  auto_advance: boolean
  automatically_finalizes_at: number | null
  billing_reason: "subscription_create" | "subscription_cycle" | "subscription_update"
  created: number
  currency: string
  customer: string
  customer_email: string | null
  customer_name: string | null
  effective_at: number | null
  ending_balance: number | null
  hosted_invoice_url: string | null
  invoice_pdf: string | null
  lines: List<Line>
  metadata: Metadata
  next_payment_attempt: number | null
  number: string | null
  parent: {
    quote_details: null
    subscription_details: { metadata: Metadata; subscription: string }
    type: "subscription_details"
  }
  period_end: number
  period_start: number
  starting_balance: number
  status: "draft" | "open" | "paid" | "uncollectible" | "void"
  status_transitions: {
    finalized_at: number | null
    marked_uncollectible_at: number | null
    paid_at: number | null
    voided_at: number | null
  }
  subtotal: number
  subtotal_excluding_tax: number
  test_clock: string | null
  total: number
  total_excluding_tax: number
}

export const invoice = (given: Omit<Invoice, keyof ReturnType<typeof invoiceRest>>): Invoice => ({
  ...invoiceRest(),
  ...given,
})
