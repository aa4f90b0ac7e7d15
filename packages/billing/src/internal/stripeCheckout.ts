/**
 * What a checkout is asked for with.
 */
import type * as Schema from "effect/Schema"
import type { Stripe } from "stripe"
import type { ProviderCustomerId } from "../BillingCustomer.ts"
import type { OperationRequest } from "../Operation.ts"
import { localeOf } from "./stripeLocales.ts"
import { sortedTexts } from "./sortedTexts.ts"

/** The parameters of a checkout: the host's, and over them ours. What decides who pays for what is ours alone. */
export const checkoutParameters = (
  request: Extract<OperationRequest, { readonly _tag: "Checkout" }> & { readonly customerId: ProviderCustomerId },
): Stripe.Checkout.SessionCreateParams => {
  const extra = objectOf(
    sorted(Object.fromEntries(Object.entries(request.extra).filter(([name]) => !reserved.has(name)))),
  )
  const subscription = objectOf(extra["subscription_data"])
  return {
    customer_update: { address: "auto", name: "auto" },
    ...extra,
    mode: "subscription",
    customer: request.customerId,
    line_items: request.items.map(({ priceId, quantity }) =>
      quantity === null ? { price: priceId } : { price: priceId, quantity },
    ),
    success_url: request.successUrl,
    cancel_url: request.cancelUrl,
    ...(request.locale === null ? {} : { locale: localeOf(request.locale) }),
    expires_at: Math.floor(request.expiresAt.epochMilliseconds / 1000),
    ...(request.metadata["belfry_operation"] === undefined
      ? {}
      : { client_reference_id: request.metadata["belfry_operation"] }),
    metadata: sortedTexts({ ...textsOf(extra["metadata"]), ...request.metadata }),
    payment_method_collection: "always",
    subscription_data: {
      ...Object.fromEntries(Object.entries(subscription).filter(([name]) => !trials.has(name))),
      metadata: sortedTexts({ ...textsOf(subscription["metadata"]), ...request.metadata }),
      ...(request.trialDays === null ? {} : { trial_period_days: request.trialDays }),
    },
  }
}

// internal

const reserved = new Set([
  "mode",
  "customer",
  "customer_account",
  "customer_email",
  "customer_creation",
  "line_items",
  "success_url",
  "cancel_url",
  "return_url",
  "ui_mode",
  "client_reference_id",
  "expires_at",
  "payment_method_collection",
])

/** A trial is had once, which is decided here. */
const trials = new Set(["trial_period_days", "trial_end"])

const objectOf = (value: Schema.Json | undefined): { readonly [key: string]: Schema.Json } =>
  isObject(value) ? value : {}

/** In the order of names: who reads a request from the database must send the same bytes as who wrote it there. */
const sorted = (value: Schema.Json): Schema.Json =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, field]) => [name, sorted(field)]),
      )
    : isList(value)
      ? value.map(sorted)
      : value

const isList = (value: Schema.Json): value is ReadonlyArray<Schema.Json> => Array.isArray(value)

const isObject = (value: Schema.Json | undefined): value is { readonly [key: string]: Schema.Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const textsOf = (value: Schema.Json | undefined): { readonly [key: string]: string } =>
  Object.fromEntries(
    Object.entries(objectOf(value)).flatMap(([name, text]) => (typeof text === "string" ? [[name, text]] : [])),
  )
