/**
 * Port: what stands behind a provider's word. It alone starts sessions, when nothing more is asked of the person, and
 * it keeps everybody one way in.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { Session, SessionNotFresh } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { User, UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { UnlinkRefused } from "./OAuthAccount.ts"
import type { GateRefused } from "./OAuthSignIn.ts"

/**
 * What became of a sign-in: a session, or an attempt that goes on with another factor, with its token.
 *
 * @category models
 * @since 0.1.0
 */
export type GateOutcome =
  | {
      readonly _tag: "Complete"
      readonly session: Session
      readonly token: Redacted.Redacted
      readonly returnTo: string | null
    }
  | { readonly _tag: "Continues"; readonly token: Redacted.Redacted; readonly expiresAt: DateTime.Utc }

/**
 * What stands behind a provider's word.
 *
 * @category ports
 * @since 0.1.0
 */
export class SignInGate extends Context.Service<
  SignInGate,
  {
    /** The cookie that carries the token of an attempt, without the prefix that https allows. */
    readonly attemptCookie: string
    /**
     * Writes down that a provider told who `user` is. Completes the sign-in or moves it one step. `token` is the
     * attempt that the browser carries: it goes on where this is its next factor, and is left alone where it is over.
     * `replaces` is the session that a new one replaces. For use in the transaction that links or makes the user.
     */
    readonly prove: (options: {
      readonly token: Redacted.Redacted | null
      readonly user: User
      readonly returnTo: string | null
      readonly replaces: Redacted.Redacted | null
      readonly client: ClientInfo
    }) => Effect.Effect<GateOutcome, GateRefused | StoreError>
    /**
     * Ends every way in that a user has, linked accounts and sessions too: nobody proved the user's address before, so
     * whoever made the account may have been somebody else. For use in the transaction in which it is linked and
     * proved, before both.
     */
    readonly takeOver: (userId: UserId, client: ClientInfo) => Effect.Effect<void, StoreError>
    /**
     * Takes a linked account away by `remove`, which tells whether there was one. Fails unless the user could still
     * sign in, and then nothing is removed.
     */
    readonly removeWayIn: (options: {
      readonly session: Session
      readonly user: User
      readonly remove: Effect.Effect<boolean, StoreError>
      readonly client: ClientInfo
    }) => Effect.Effect<void, UnlinkRefused | SessionNotFresh | StoreError>
  }
>()("@belfry/oauth-client/SignInGate") {}
