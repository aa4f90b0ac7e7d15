/**
 * Backup codes: ten codes to keep on paper, each good once, for when the other second factors are out of reach.
 *
 * @see [NIST SP 800-63B-4 §3.1.2](https://pages.nist.gov/800-63-4/sp800-63b.html#lookupsecrets)
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { Session, SessionNotFresh } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { User, UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { NotEnrolled } from "./Enrolment.ts"
import type { CodeInvalid, SignInRefused } from "./SignInAttempt.ts"
import type { SignInOutcome } from "./SignInAttempts.ts"

/**
 * Backup codes.
 *
 * @category services
 * @since 0.1.0
 */
export class BackupCodes extends Context.Service<
  BackupCodes,
  {
    /** Proves the factor in a sign-in. Case, spaces and dashes do not matter. The user is told by mail. */
    readonly prove: (options: {
      readonly token: Redacted.Redacted
      readonly code: Redacted.Redacted
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError>
    /** How many codes of the user are unused. */
    readonly remaining: (userId: UserId) => Effect.Effect<number, StoreError>
    /** Makes a new set in a fresh session; the old one is worthless. The codes are returned this once. */
    readonly replace: (options: {
      readonly session: Session
      readonly user: User
      readonly client: ClientInfo
    }) => Effect.Effect<ReadonlyArray<Redacted.Redacted>, NotEnrolled | SessionNotFresh | StoreError>
  }
>()("@belfry/factors/BackupCodes") {}
