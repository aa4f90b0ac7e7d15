/**
 * Links by e-mail: sign in, and up, by following what was sent.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { StoreError } from "@belfry/core/StoreError"
import type { Email } from "@belfry/core/User"
import type { VerificationTokenInvalid } from "@belfry/core/VerificationToken"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { SignInContext, SignInRefused } from "./SignInAttempt.ts"
import type { SignInContinues, SignInOutcome } from "./SignInAttempts.ts"

/**
 * The link was opened in another browser than the one that asked for it. It stays good there.
 *
 * **Details**
 *
 * Otherwise somebody could ask for a link to another person's address and wait for that person to follow it.
 *
 * @category errors
 * @since 0.1.0
 */
export class OtherBrowser extends Schema.TaggedError<OtherBrowser>("@belfry/factors/OtherBrowser")("OtherBrowser", {}) {
  override get message(): string {
    return "Open this link in the browser that asked for it"
  }
}

/**
 * Links by e-mail.
 *
 * @category services
 * @since 0.1.0
 */
export class MagicLinks extends Context.Service<
  MagicLinks,
  {
    /**
     * Sends a link, which is good once, for 10 minutes. With `email` a sign-in begins, in the attempt of `token` if
     * nothing was proved in it yet; without, the link goes to the user of that attempt. The answer is the same whether
     * or not the address has an account.
     */
    readonly send: (options: {
      readonly token?: Redacted.Redacted | undefined
      readonly email?: Email | undefined
      readonly context?: SignInContext
      readonly client: ClientInfo
    }) => Effect.Effect<SignInContinues, SignInRefused | RateLimited | StoreError>
    /** Tells whether a link would sign in here, without using it up: for the page that it leads to. */
    readonly check: (options: {
      readonly link: Redacted.Redacted
      readonly token?: Redacted.Redacted | undefined
    }) => Effect.Effect<void, VerificationTokenInvalid | OtherBrowser | StoreError>
    /**
     * Proves the factor by the token of a link. `token` is that of the attempt in this browser: unless the layer allows
     * others, it must be the one that asked for the link. An address that nobody has signs up, unless that is closed.
     */
    readonly prove: (options: {
      readonly link: Redacted.Redacted
      readonly token?: Redacted.Redacted | undefined
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<
      SignInOutcome,
      VerificationTokenInvalid | OtherBrowser | SignInRefused | RateLimited | StoreError
    >
  }
>()("@belfry/factors/MagicLinks") {}
