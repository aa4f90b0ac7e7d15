/**
 * How a sign-in stands, and what becomes of it when a factor was proved.
 *
 * @since 0.1.0
 */
import type { Session } from "@belfry/core/Session"
import type { User } from "@belfry/core/User"
import type * as Redacted from "effect/Redacted"
import type { Progress, SignInAttempt, SignInContext } from "./SignInAttempt.ts"

/**
 * How a sign-in stands. `user` is who proved the factors so far, null before the first.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInState extends Progress {
  readonly attempt: SignInAttempt
  readonly user: User | null
}

/**
 * A sign-in that goes on, with the attempt's new token: the only moment at which the token exists outside the client.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInContinues {
  readonly _tag: "SignInContinues"
  readonly state: SignInState
  readonly token: Redacted.Redacted
}

/**
 * A sign-in that is complete: the session, started or made fresh, its token and its user.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignInComplete {
  readonly _tag: "SignInComplete"
  readonly session: Session
  readonly token: Redacted.Redacted
  readonly user: User
  readonly context: SignInContext
}

/**
 * What becomes of a sign-in when a factor was proved.
 *
 * @category models
 * @since 0.1.0
 */
export type SignInOutcome = SignInContinues | SignInComplete
