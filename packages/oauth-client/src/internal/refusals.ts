/**
 * Why a sign-in or a link came to nothing, for the person and for the audit log.
 */
import type { UserId } from "@belfry/core/User"
import * as Data from "effect/Data"
import type { GateRefused, OAuthErrorCode } from "../OAuthSignIn.ts"
import type { StrategyError } from "../ProviderStrategy.ts"

/**
 * A refusal under way. `code` is what the person is told; `detail` says more to an auditor, in a word of our own.
 */
export class Refusal extends Data.TaggedError("Refusal")<{
  readonly code: string
  readonly detail?: string
  readonly userId?: UserId
}> {}

/** The gate refused somebody whom the provider knows. */
export class GateRefusal extends Data.TaggedError("GateRefusal")<{
  readonly error: GateRefused
  readonly userId: UserId
}> {}

/** Refuses by a code of our own. */
export const refuse = (code: OAuthErrorCode, more: { readonly detail?: string; readonly userId?: UserId } = {}) =>
  new Refusal({ code, ...more })

/** What went wrong at the provider, in words of our own alone. */
export const detailOf = (error: StrategyError): string => {
  switch (error._tag) {
    case "IdTokenInvalid":
      return `id-token: ${error.reason}`
    case "ProviderUnavailable":
      return `${error.endpoint}: ${error.reason}`
    case "ProviderRefused":
      return /^[a-z_]{1,64}$/u.test(error.error) ? `refused: ${error.error}` : "refused"
  }
}
