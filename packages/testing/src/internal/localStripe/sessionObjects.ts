/**
 * Checkouts, sessions of the portal and schedules in the fields of the pinned version.
 */
import type { Metadata } from "./objects.ts"

const checkoutRest = () => ({
  object: "checkout.session" as const,
  adaptive_pricing: null,
  after_expiration: null,
  allow_promotion_codes: null,
  allowed_payment_method_types: null,
  automatic_tax: { enabled: false, liability: null, provider: null, status: null },
  billing_address_collection: null,
  client_secret: null,
  collected_information: null,
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  custom_fields: [],
  custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
  customer_account: null,
  customer_creation: null,
  customer_details: null,
  customer_email: null,
  discounts: [],
  integration_identifier: null,
  invoice_creation: null,
  livemode: false,
  managed_payments: null,
  mode: "subscription" as const,
  origin_context: null,
  payment_intent: null,
  payment_link: null,
  payment_method_configuration_details: null,
  payment_method_options: null,
  payment_method_types: ["card"],
  permissions: null,
  recovered_from: null,
  saved_payment_method_options: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  submit_type: null,
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  ui_mode: "hosted_page" as const,
  wallet_options: null,
})

export type Checkout = ReturnType<typeof checkoutRest> & {
  id: string
  amount_subtotal: number
  amount_total: number
  cancel_url: string | null
  client_reference_id: string | null
  created: number
  currency: string
  customer: string
  expires_at: number
  invoice: string | null
  locale: string | null
  metadata: Metadata
  payment_method_collection: "always" | "if_required"
  payment_status: "unpaid" | "paid" | "no_payment_required"
  status: "open" | "complete" | "expired"
  subscription: string | null
  success_url: string
  url: string | null
}

export const checkout = (given: Omit<Checkout, keyof ReturnType<typeof checkoutRest>>): Checkout => ({
  ...checkoutRest(),
  ...given,
})

/** What the portal was opened for. */
export interface Flow {
  after_completion: {
    hosted_confirmation: null
    redirect: { return_url: string } | null
    type: "portal_homepage" | "redirect"
  }
  customer_update: null
  subscription_cancel: { retention: null; subscription: string } | null
  subscription_pause: null
  subscription_update: null
  subscription_update_confirm: {
    discounts: null
    items: Array<{ id: string; price: string; quantity?: number }>
    subscription: string
  } | null
  type: "payment_method_update" | "subscription_cancel" | "subscription_update_confirm"
}

export const flow = (given: Partial<Flow> & Pick<Flow, "type" | "after_completion">): Flow => ({
  customer_update: null,
  subscription_cancel: null,
  subscription_pause: null,
  subscription_update: null,
  subscription_update_confirm: null,
  ...given,
})

export interface Portal {
  id: string
  object: "billing_portal.session"
  configuration: string
  created: number
  customer: string
  customer_account: null
  flow: Flow | null
  livemode: boolean
  locale: string | null
  on_behalf_of: null
  return_url: string
  url: string
}

export const portal = (given: Omit<Portal, "object" | "customer_account" | "livemode" | "on_behalf_of">): Portal => ({
  object: "billing_portal.session",
  customer_account: null,
  livemode: false,
  on_behalf_of: null,
  ...given,
})

export type ProrationBehavior = "always_invoice" | "create_prorations" | "none"

const phaseRest = () => ({
  add_invoice_items: [],
  application_fee_percent: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null },
  billing_cycle_anchor: null,
  billing_thresholds: null,
  collection_method: null,
  default_payment_method: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  invoice_settings: null,
  on_behalf_of: null,
  transfer_data: null,
})

export interface PhaseItem {
  billing_thresholds: null
  discounts: Array<never>
  metadata: Metadata
  plan: string
  price: string
  quantity?: number
  tax_rates: Array<never>
}

export const phaseItem = (price: string, quantity: number | undefined): PhaseItem => ({
  billing_thresholds: null,
  discounts: [],
  metadata: {},
  plan: price,
  price,
  ...(quantity === undefined ? {} : { quantity }),
  tax_rates: [],
})

export type Phase = ReturnType<typeof phaseRest> & {
  currency: string
  end_date: number
  items: Array<PhaseItem>
  metadata: Metadata
  proration_behavior: ProrationBehavior
  start_date: number
  trial_end: number | null
}

export const phase = (given: Omit<Phase, keyof ReturnType<typeof phaseRest>>): Phase => ({ ...phaseRest(), ...given })

const scheduleRest = () => ({
  object: "subscription_schedule" as const,
  application: null,
  billing_mode: { flexible: { proration_discounts: "included" as const }, type: "flexible" as const },
  customer_account: null,
  default_settings: {
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: "automatic" as const,
    billing_thresholds: null,
    collection_method: "charge_automatically" as const,
    default_payment_method: null,
    description: null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      days_until_due: null,
      description: null,
      footer: null,
      issuer: { type: "self" as const },
    },
    on_behalf_of: null,
    transfer_data: null,
  },
  livemode: false,
  pause_schedules: [],
})

export type Schedule = ReturnType<typeof scheduleRest> & {
  id: string
  canceled_at: number | null
  completed_at: number | null
  created: number
  current_phase: { end_date: number; start_date: number } | null
  customer: string
  end_behavior: "release" | "cancel"
  metadata: Metadata
  phases: Array<Phase>
  released_at: number | null
  released_subscription: string | null
  status: "active" | "completed" | "released" | "canceled"
  subscription: string | null
  test_clock: string | null
}

export const schedule = (given: Omit<Schedule, keyof ReturnType<typeof scheduleRest>>): Schedule => ({
  ...scheduleRest(),
  ...given,
})
