/**
 * Codes by e-mail: sign in, and up, by typing what was sent.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { StoreError } from "@belfry/core/StoreError"
import type { Email } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { CodeInvalid, SignInContext, SignInRefused } from "./SignInAttempt.ts"
import type { SignInContinues, SignInOutcome } from "./SignInAttempts.ts"

/**
 * Codes by e-mail.
 *
 * @category services
 * @since 0.1.0
 */
export class EmailCodes extends Context.Service<
  EmailCodes,
  {
    /**
     * Sends a code, which is good for 10 minutes, in this attempt alone, and replaces the one before. With `email` a
     * sign-in begins, in the attempt of `token` if nothing was proved in it yet; without, the code goes to the user of
     * that attempt. The answer is the same whether or not the address has an account.
     */
    readonly send: (options: {
      readonly token?: Redacted.Redacted | undefined
      readonly email?: Email | undefined
      readonly context?: SignInContext
      readonly client: ClientInfo
    }) => Effect.Effect<SignInContinues, SignInRefused | RateLimited | StoreError>
    /**
     * Proves the factor. An address that nobody has signs up, unless that is closed: then its codes are never right.
     * Case, spaces and dashes do not matter.
     */
    readonly prove: (options: {
      readonly token: Redacted.Redacted
      readonly code: Redacted.Redacted
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError>
  }
>()("@belfry/factors/EmailCodes") {}
