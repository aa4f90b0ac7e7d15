/**
 * How failures of work are logged that nobody waits for.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { BillingProviderError } from "../BillingProviderError.ts"

/** Logs why work failed. What the provider said stays out of it, since that may name people. */
export const logFailure = <E>(message: string, cause: Cause.Cause<E | BillingProviderError | StoreError>) => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (!(error instanceof BillingProviderError)) return Effect.logWarning(message, cause)
  const { method, reason, code, requestId } = error
  return Effect.annotateLogs(Effect.logWarning(message), { method, reason, code, requestId })
}
