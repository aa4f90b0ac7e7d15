/**
 * TOTP: codes that an authenticator app computes from the time.
 *
 * @see [RFC 6238](https://www.rfc-editor.org/rfc/rfc6238.html)
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { Session, SessionNotFresh } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { AlreadyEnrolled, LastWayIn, NotEnrolled } from "./Enrolment.ts"
import type { Enrolled, Enroller } from "./Enrolments.ts"
import type { Digits, Provisioning, TotpAlgorithm } from "./OneTimePassword.ts"
import type { CodeInvalid, SignInRefused } from "./SignInAttempt.ts"
import type { SignInOutcome } from "./SignInAttempts.ts"

/**
 * TOTP.
 *
 * @category services
 * @since 0.1.0
 */
export class Totps extends Context.Service<
  Totps,
  {
    /**
     * Begins to set up an authenticator app: makes a secret (20 bytes for SHA-1, 32 and 64 for the others), which opens
     * nothing until it is confirmed, and replaces one that never was.
     */
    readonly enrol: (options: {
      readonly by: Enroller
      readonly algorithm?: TotpAlgorithm | undefined
      readonly digits?: Digits | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<Provisioning, AlreadyEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError>
    /** The secret that waits to be confirmed, to be shown again. */
    readonly pending: (options: {
      readonly by: Enroller
      readonly client: ClientInfo
    }) => Effect.Effect<Provisioning, NotEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError>
    /** Completes the set-up by a first code, which is used up. */
    readonly confirm: (options: {
      readonly by: Enroller
      readonly code: Redacted.Redacted
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<
      Enrolled,
      CodeInvalid | NotEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError
    >
    /** Proves the factor in a sign-in: the code of this time step or of one either side, and never one twice. */
    readonly prove: (options: {
      readonly token: Redacted.Redacted
      readonly code: Redacted.Redacted
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError>
    /** Takes the authenticator app off, in a fresh session. */
    readonly remove: (options: {
      readonly session: Session
      readonly user: User
      readonly client: ClientInfo
    }) => Effect.Effect<void, NotEnrolled | LastWayIn | SessionNotFresh | StoreError>
  }
>()("@belfry/factors/Totps") {}
