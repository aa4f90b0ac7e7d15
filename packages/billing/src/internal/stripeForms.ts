/**
 * The forms of Stripe's objects, of API version 2026-10-28.endive, as far as they are read here. Every word that
 * decides something is one that is known; whatever else an object has is not looked at.
 */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { ProviderCustomerId } from "../BillingCustomer.ts"
import { BillingInterval } from "../Plan.ts"
import {
  LatestInvoice,
  ProviderCheckout,
  ProviderCheckoutId,
  ProviderPriceId,
  ProviderScheduleId,
  ProviderSubscriptionId,
  SubscriptionStatus,
} from "../ProviderSubscription.ts"

/** An instant in seconds since 1970. */
export const Seconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8_640_000_000_000 })).pipe(
  Schema.decodeTo(Schema.DateTimeUtc, {
    decode: SchemaGetter.transform((seconds: number) => DateTime.makeUnsafe(seconds * 1000)),
    encode: SchemaGetter.transform((instant: DateTime.Utc) => Math.floor(instant.epochMilliseconds / 1000)),
  }),
)

const Metadata = Schema.Record(Schema.String, Schema.String)

/** The id of another object, which may stand there whole. */
const referenceTo = <S extends Schema.Codec<string, string>>(id: S) =>
  Schema.Union([Schema.String, Schema.Struct({ id: Schema.String })]).pipe(
    Schema.decodeTo(id, {
      decode: SchemaGetter.transform((found: string | { readonly id: string }) =>
        typeof found === "string" ? found : found.id,
      ),
      encode: SchemaGetter.transform((text: string) => text),
    }),
  )

export const Customer = Schema.Struct({
  id: ProviderCustomerId,
  deleted: Schema.optionalKey(Schema.Boolean),
  name: Schema.optionalKey(Schema.NullOr(Schema.String)),
  email: Schema.optionalKey(Schema.NullOr(Schema.String)),
  metadata: Schema.optionalKey(Metadata),
})

export const Price = Schema.Struct({
  id: ProviderPriceId,
  active: Schema.Boolean,
  currency: Schema.String,
  lookup_key: Schema.NullOr(Schema.String),
  unit_amount: Schema.NullOr(Schema.Int),
  recurring: Schema.NullOr(Schema.Struct({ interval: BillingInterval, usage_type: Schema.String })),
})

export const Item = Schema.Struct({
  id: Schema.String,
  price: Price,
  quantity: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  current_period_start: Seconds,
  current_period_end: Seconds,
})

const PhaseItem = Schema.Struct({
  price: referenceTo(ProviderPriceId),
  quantity: Schema.optionalKey(Schema.NullOr(Schema.Int)),
})

const Phase = Schema.Struct({
  start_date: Seconds,
  end_date: Seconds,
  items: Schema.Array(PhaseItem),
  trial_end: Schema.NullOr(Seconds),
  // What a host sets for a checkout must outlive a change of plan.
  default_tax_rates: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Struct({ id: Schema.String })))),
  automatic_tax: Schema.optionalKey(Schema.NullOr(Schema.Struct({ enabled: Schema.Boolean }))),
})

export const Schedule = Schema.Struct({
  id: ProviderScheduleId,
  status: Schema.String,
  current_phase: Schema.NullOr(Schema.Struct({ start_date: Seconds, end_date: Seconds })),
  phases: Schema.Array(Phase),
  metadata: Schema.NullOr(Metadata),
})

const Invoiced = Schema.Struct({
  id: Schema.String,
  status: LatestInvoice.fields.status,
  amount_due: Schema.Int,
  currency: Schema.String,
  hosted_invoice_url: Schema.optionalKey(Schema.NullOr(Schema.String)),
  next_payment_attempt: Schema.NullOr(Seconds),
})

export const Subscription = Schema.Struct({
  id: ProviderSubscriptionId,
  customer: referenceTo(ProviderCustomerId),
  status: SubscriptionStatus,
  items: Schema.Struct({ data: Schema.Array(Item), has_more: Schema.Boolean }),
  currency: Schema.String,
  trial_start: Schema.NullOr(Seconds),
  trial_end: Schema.NullOr(Seconds),
  cancel_at_period_end: Schema.Boolean,
  cancel_at: Schema.NullOr(Seconds),
  canceled_at: Schema.NullOr(Seconds),
  ended_at: Schema.NullOr(Seconds),
  cancellation_details: Schema.NullOr(Schema.Struct({ reason: Schema.NullOr(Schema.String) })),
  schedule: Schema.NullOr(Schedule),
  latest_invoice: Schema.NullOr(Invoiced),
  metadata: Metadata,
  created: Seconds,
})

export const Checkout = Schema.Struct({
  id: ProviderCheckoutId,
  status: ProviderCheckout.fields.status,
  url: Schema.NullOr(Schema.String),
  customer: Schema.NullOr(referenceTo(ProviderCustomerId)),
  subscription: Schema.NullOr(referenceTo(ProviderSubscriptionId)),
  expires_at: Seconds,
  metadata: Schema.NullOr(Metadata),
})

export const Invoice = Schema.Struct({
  id: Schema.String,
  number: Schema.NullOr(Schema.String),
  status: LatestInvoice.fields.status,
  currency: Schema.String,
  total: Schema.Int,
  amount_due: Schema.Int,
  amount_paid: Schema.Int,
  period_start: Seconds,
  period_end: Seconds,
  created: Seconds,
  hosted_invoice_url: Schema.optionalKey(Schema.NullOr(Schema.String)),
  invoice_pdf: Schema.optionalKey(Schema.NullOr(Schema.String)),
})

export const Link = Schema.Struct({ url: Schema.String })

/** A subscription in a list, which is looked at apart. A state that is not known here is told of then. */
export const SubscriptionEntry = Schema.Struct({ id: ProviderSubscriptionId, status: Schema.String })
