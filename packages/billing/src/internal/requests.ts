/**
 * What every handler of this package reads and answers the same way: who calls, which payer is named, and how it is
 * told that the provider failed.
 */
import { clientInfo, onResponse } from "@belfry/core/RequestHandlers"
import { CurrentSession, CurrentUser } from "@belfry/core/SessionsApi"
import type { SessionActor } from "@belfry/organization/Membership"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { type BillingProviderError, BillingFailed, BillingUnavailable } from "../BillingProviderError.ts"
import { PayerNotFound, type PayerRef, toPayerRef } from "../Payer.ts"
import type { SubscriptionConflict } from "../Subscription.ts"

/** Who calls. */
export const actorOf = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const actor: SessionActor = { user: yield* CurrentUser, session: yield* CurrentSession, client: clientInfo(request) }
  return actor
})

/** The payer that a request names; what has the form of no name is not found. */
export const payerOf = (text: string | undefined): Effect.Effect<PayerRef, PayerNotFound> => {
  const ref = toPayerRef(text)
  return ref === null ? Effect.fail(new PayerNotFound()) : Effect.succeed(ref)
}

/** Tells that the provider failed, and logs why. What it said may name people, and is not logged. */
export const providerFailed = Effect.fnUntraced(function* (error: BillingProviderError) {
  const { method, reason, code, requestId } = error
  yield* Effect.annotateLogs(Effect.logError("The billing provider could not answer"), {
    method,
    reason,
    code,
    requestId,
  })
  if (!error.isRetryable) return yield* new BillingFailed()
  yield* retryAfter(5)
  return yield* new BillingUnavailable()
})

/** Says when to come again to who met somebody else at work. */
export const conflicted = (error: SubscriptionConflict) =>
  error.reason === "busy" ? Effect.andThen(retryAfter(1), Effect.fail(error)) : Effect.fail(error)

// internal

const retryAfter = (seconds: number) =>
  onResponse((response) => HttpServerResponse.setHeader(response, "retry-after", String(seconds)))
