/**
 * How failures of Stripe's SDK are told. Its texts may name people, so they stay in `cause`.
 */
import { Stripe } from "stripe"
import { BillingProviderError, PaymentDeclined, spentKey } from "../BillingProviderError.ts"

/** What a call that threw failed with. */
export const toProviderError = (method: string, cause: unknown): BillingProviderError => {
  const known = cause instanceof Stripe.errors.StripeError ? cause : undefined
  const isSpent = known !== undefined && isKept(known)
  return new BillingProviderError({
    method,
    reason: known === undefined ? "unexpected" : isSpent ? "refused" : reasonOf(known),
    code: isSpent ? spentKey : (known?.code ?? null),
    requestId: known?.requestId ?? null,
    cause,
  })
}

/** An answer of a form that is not known here. */
export const toUnexpected = (method: string, cause: unknown): BillingProviderError =>
  new BillingProviderError({ method, reason: "unexpected", code: null, requestId: null, cause })

/** Whether what was asked for is not there. */
export const isMissing = ({ reason, code }: BillingProviderError): boolean =>
  reason === "refused" && code === "resource_missing"

/** The refusal of a bank; undefined: it failed for another reason. */
export const declineOf = ({ cause }: BillingProviderError): PaymentDeclined | undefined =>
  cause instanceof Stripe.errors.StripeCardError
    ? new PaymentDeclined({ code: cause.decline_code ?? cause.code ?? null })
    : undefined

// internal

/** Stripe keeps its own failures for a key as it keeps answers: by that key nothing else is to be had for a day. */
const isKept = ({ headers, statusCode }: Stripe.errors.StripeError): boolean =>
  statusCode !== undefined && statusCode >= 500 && headers?.["idempotent-replayed"] === "true"

const reasonOf = (error: Stripe.errors.StripeError): BillingProviderError["reason"] => {
  if (error instanceof Stripe.errors.StripeConnectionError) return "unavailable"
  // The same key is in use at this moment, or another call has the object: a later attempt is answered.
  if (error.statusCode === 409) return "unavailable"
  if (error instanceof Stripe.errors.StripeRateLimitError || error.statusCode === 429) return "limited"
  if (error.statusCode === 401 || error.statusCode === 403) return "configuration"
  if (error.statusCode !== undefined && error.statusCode >= 500) return "unavailable"
  return error instanceof Stripe.errors.StripeAPIError ? "unavailable" : "refused"
}
