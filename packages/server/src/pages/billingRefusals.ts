/**
 * What a page about bills shows where something was refused, or the payment service does not answer.
 *
 * @since 0.1.0
 */
import type { CustomerNotFound } from "@belfry/billing/BillingCustomer"
import type { BillingProviderError, PaymentDeclined } from "@belfry/billing/BillingProviderError"
import type { EmailUnverified } from "@belfry/billing/Operation"
import type { SubscriptionConflict } from "@belfry/billing/Subscription"
import type { RateLimited } from "@belfry/core/RateLimit"
import * as Effect from "effect/Effect"
import type { Catalogue } from "../PageCatalogues.ts"
import type { Again } from "./organizationRefusals.ts"

/**
 * A refusal that the person can do something about, or that has words of its own.
 *
 * @category models
 * @since 0.1.0
 */
export type Refusal =
  | BillingProviderError
  | CustomerNotFound
  | EmailUnverified
  | PaymentDeclined
  | RateLimited
  | SubscriptionConflict

/**
 * Shows the page again where it was refused.
 *
 * @category combinators
 * @since 0.1.0
 */
export const orAgain =
  <B, E2, R2>({ problems }: Catalogue, again: (refused: Again) => Effect.Effect<B, E2, R2>) =>
  <A, E extends { readonly _tag: string }, R>(self: Effect.Effect<A, E, R>) =>
    Effect.catchIf(
      self,
      (error): error is Extract<E, Refusal> => Object.hasOwn(refusals, error._tag),
      (error) => Effect.flatMap(refusalOf(problems, error), again),
    )

/**
 * What a page answers with besides its text when the payment service does not answer. Notes what it said.
 *
 * @category constructors
 * @since 0.1.0
 */
export const away = Effect.fnUntraced(function* (error: BillingProviderError) {
  const { code, method, reason, requestId } = error
  yield* Effect.annotateLogs(Effect.logError("A page has no answer of the billing provider"), {
    method,
    reason,
    code,
    requestId,
  })
  return error.isRetryable ? { status: 503, headers: { "retry-after": "5" } } : { status: 502, headers: {} }
})

// internal

type Problems = Catalogue["problems"]

const refusalOf = (problems: Problems, refusal: Refusal): Effect.Effect<Again> => {
  switch (refusal._tag) {
    case "BillingProviderError":
      return Effect.map(away(refusal), (answer) => ({
        ...answer,
        problems: [{ message: refusal.isRetryable ? problems.billingUnavailable : problems.billingFailed }],
      }))
    case "CustomerNotFound":
      return refused(409, problems.noCustomer)
    case "EmailUnverified":
      return refused(403, problems.billingEmailUnverified)
    case "PaymentDeclined":
      return refused(402, problems.declined)
    case "RateLimited":
      return refused(429, problems.limited(refusal.retryAfter), refusal.retryAfter)
    case "SubscriptionConflict":
      return refused(409, problems.subscription[refusal.reason], refusal.reason === "busy" ? 1 : undefined)
  }
}

const refused = (status: number, message: string, retryAfter?: number): Effect.Effect<Again> =>
  Effect.succeed({
    status,
    problems: [{ message }],
    headers: retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
  })

const refusals: Readonly<Record<Refusal["_tag"], true>> = {
  BillingProviderError: true,
  CustomerNotFound: true,
  EmailUnverified: true,
  PaymentDeclined: true,
  RateLimited: true,
  SubscriptionConflict: true,
}
