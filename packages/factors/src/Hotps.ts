/**
 * HOTP: codes that a token computes from a counter.
 *
 * @see [RFC 4226](https://www.rfc-editor.org/rfc/rfc4226.html)
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
import type { Digits, Provisioning, SecretInvalid } from "./OneTimePassword.ts"
import type { CodeInvalid, SignInRefused } from "./SignInAttempt.ts"
import type { SignInOutcome } from "./SignInAttempts.ts"

/**
 * HOTP.
 *
 * @category services
 * @since 0.1.0
 */
export class Hotps extends Context.Service<
  Hotps,
  {
    /**
     * Begins to set up a token: makes a secret of 20 bytes, or takes that of a token which has one (base32, at least 16
     * bytes), at `counter` (0). It opens nothing until it is confirmed, and replaces one that never was.
     */
    readonly enrol: (options: {
      readonly by: Enroller
      readonly digits?: Digits | undefined
      readonly secret?: Redacted.Redacted | undefined
      readonly counter?: number | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<
      Provisioning,
      SecretInvalid | AlreadyEnrolled | SessionNotFresh | SignInRefused | RateLimited | StoreError
    >
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
    /**
     * Proves the factor in a sign-in: the code of the next counter or of one of 5 after it, and never one twice. With
     * `nextCode`, the code that follows, it looks 100 ahead: so a token that ran away is caught up with.
     */
    readonly prove: (options: {
      readonly token: Redacted.Redacted
      readonly code: Redacted.Redacted
      readonly nextCode?: Redacted.Redacted | undefined
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError>
    /** Takes the token off, in a fresh session. */
    readonly remove: (options: {
      readonly session: Session
      readonly user: User
      readonly client: ClientInfo
    }) => Effect.Effect<void, NotEnrolled | LastWayIn | SessionNotFresh | StoreError>
  }
>()("@belfry/factors/Hotps") {}
