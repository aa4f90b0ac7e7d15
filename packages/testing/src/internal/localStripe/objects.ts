/**
 * The objects of Stripe in the fields of the pinned version, each made by one function. Their times are seconds.
 */
/** The version of the API that the SDK pins. */
export const apiVersion = "2026-10-28.endive"

export interface Metadata {
  [key: string]: string
}

/** A page of a list. */
export interface List<A> {
  object: "list"
  data: Array<A>
  has_more: boolean
  url: string
}

export const list = <A>(url: string, data: Array<A>, hasMore = false): List<A> => ({
  object: "list",
  data,
  has_more: hasMore,
  url,
})

const customerRest = () => ({
  object: "customer" as const,
  address: null,
  balance: 0,
  currency: null,
  default_source: null,
  delinquent: false,
  description: null,
  discount: null,
  invoice_settings: {
    custom_fields: null,
    default_payment_method: null as string | null,
    footer: null,
    rendering_options: null,
  },
  livemode: false,
  phone: null,
  preferred_locales: [],
  shipping: null,
  tax_exempt: "none" as const,
})

export type Customer = ReturnType<typeof customerRest> & {
  id: string
  created: number
  email: string | null
  name: string | null
  metadata: Metadata
  test_clock: string | null
  /** Only on those that were deleted. */
  deleted?: true
}

export const customer = (
  given: Pick<Customer, "id" | "created" | "email" | "name" | "metadata" | "test_clock">,
): Customer => ({ ...customerRest(), ...given })

export const deletedCustomer = ({ id }: Customer) => ({ id, object: "customer" as const, deleted: true as const })

const productRest = () => ({
  object: "product" as const,
  active: true,
  default_price: null,
  description: null,
  images: [],
  livemode: false,
  marketing_features: [],
  package_dimensions: null,
  shippable: null,
  statement_descriptor: null,
  tax_code: null,
  tax_details: null,
  type: "service" as const,
  unit_label: null,
  url: null,
})

export type Product = ReturnType<typeof productRest> & {
  id: string
  created: number
  updated: number
  name: string
  metadata: Metadata
}

export const product = (given: Pick<Product, "id" | "created" | "updated" | "name" | "metadata">): Product => ({
  ...productRest(),
  ...given,
})

export type Interval = "day" | "week" | "month" | "year"

export interface Recurring {
  interval: Interval
  interval_count: number
  meter: string | null
  trial_period_days: null
  usage_type: "licensed" | "metered"
}

const priceRest = () => ({
  object: "price" as const,
  billing_scheme: "per_unit" as const,
  custom_unit_amount: null,
  livemode: false,
  tax_behavior: "unspecified" as const,
  tiers_mode: null,
  transform_quantity: null,
})

export type Price = ReturnType<typeof priceRest> & {
  id: string
  active: boolean
  created: number
  currency: string
  lookup_key: string | null
  metadata: Metadata
  nickname: string | null
  product: string
  recurring: Recurring | null
  type: "recurring" | "one_time"
  unit_amount: number | null
  unit_amount_decimal: string | null
}

export const price = (given: Omit<Price, keyof ReturnType<typeof priceRest>>): Price => ({ ...priceRest(), ...given })

/** What was called a plan once, and still stands on the items of a subscription. */
export const plan = (given: Price) => ({
  id: given.id,
  object: "plan" as const,
  active: given.active,
  amount: given.unit_amount,
  amount_decimal: given.unit_amount_decimal,
  billing_scheme: given.billing_scheme,
  created: given.created,
  currency: given.currency,
  interval: given.recurring?.interval ?? ("month" as const),
  interval_count: given.recurring?.interval_count ?? 1,
  livemode: false,
  metadata: given.metadata,
  meter: given.recurring?.meter ?? null,
  nickname: given.nickname,
  product: given.product,
  tiers_mode: null,
  transform_usage: null,
  trial_period_days: null,
  usage_type: given.recurring?.usage_type ?? ("licensed" as const),
})

const itemRest = () => ({
  object: "subscription_item" as const,
  billing_thresholds: null,
  current_trial: null,
  discounts: [],
  tax_rates: [],
})

export type Item = ReturnType<typeof itemRest> & {
  id: string
  created: number
  current_period_start: number
  current_period_end: number
  metadata: Metadata
  plan: ReturnType<typeof plan>
  price: Price
  /** Left out: measured. */
  quantity?: number
  subscription: string
}

export const item = (given: Omit<Item, keyof ReturnType<typeof itemRest> | "plan">): Item => ({
  ...itemRest(),
  ...given,
  plan: plan(given.price),
})

export type SubscriptionStatus =
  | "active"
  | "canceled"
  | "incomplete"
  | "incomplete_expired"
  | "past_due"
  | "paused"
  | "trialing"
  | "unpaid"

const subscriptionRest = () => ({
  object: "subscription" as const,
  application: null,
  application_fee_percent: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null },
  billing_cycle_anchor_config: null,
  billing_mode: { flexible: { proration_discounts: "included" as const }, type: "flexible" as const },
  billing_schedules: [],
  billing_thresholds: null,
  collection_method: "charge_automatically" as const,
  customer_account: null,
  days_until_due: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  invoice_settings: {
    account_tax_ids: null,
    custom_fields: null,
    description: null,
    footer: null,
    issuer: { type: "self" as const },
  },
  livemode: false,
  managed_payments: { enabled: false },
  next_pending_invoice_item_invoice: null,
  on_behalf_of: null,
  pause_collection: null,
  payment_settings: {
    payment_method_options: null,
    payment_method_types: null,
    save_default_payment_method: "off" as const,
  },
  pending_invoice_item_interval: null,
  pending_setup_intent: null,
  pending_update: null,
  transfer_data: null,
  trial_settings: {
    end_behavior: { billing_cycle_anchor: "now" as const, missing_payment_method: "create_invoice" as const },
  },
})

export type Subscription = ReturnType<typeof subscriptionRest> & {
  id: string
  billing_cycle_anchor: number
  cancel_at: number | null
  cancel_at_period_end: boolean
  canceled_at: number | null
  cancellation_details: {
    comment: null
    feedback: null
    feedback_option: null
    reason: "cancellation_requested" | "payment_failed" | null
  }
  created: number
  currency: string
  customer: string
  default_payment_method: string | null
  ended_at: number | null
  items: List<Item>
  latest_invoice: string | null
  metadata: Metadata
  schedule: string | null
  start_date: number
  status: SubscriptionStatus
  test_clock: string | null
  trial_end: number | null
  trial_start: number | null
}

export const subscription = (
  given: Omit<
    Subscription,
    | keyof ReturnType<typeof subscriptionRest>
    | "cancel_at"
    | "cancel_at_period_end"
    | "canceled_at"
    | "cancellation_details"
    | "ended_at"
    | "latest_invoice"
    | "schedule"
  >,
): Subscription => ({
  ...subscriptionRest(),
  cancel_at: null,
  cancel_at_period_end: false,
  canceled_at: null,
  cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
  ended_at: null,
  latest_invoice: null,
  schedule: null,
  ...given,
})

export interface TestClock {
  id: string
  object: "test_helpers.test_clock"
  created: number
  deletes_after: number
  frozen_time: number
  livemode: boolean
  name: string | null
  status: "ready" | "advancing"
  status_details: Record<string, never>
}

export const testClock = (id: string, created: number, frozenTime: number, name: string | null): TestClock => ({
  id,
  object: "test_helpers.test_clock",
  created,
  deletes_after: created + 30 * 86_400,
  frozen_time: frozenTime,
  livemode: false,
  name,
  status: "ready",
  status_details: {},
})

/** An event, with its object as it was when it happened. */
export interface StripeEvent {
  id: string
  object: "event"
  api_version: string
  created: number
  data: { object: { [field: string]: unknown }; previous_attributes?: { [field: string]: unknown } }
  livemode: boolean
  pending_webhooks: number
  request: { id: string | null; idempotency_key: string | null }
  type: string
}
