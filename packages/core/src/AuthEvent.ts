/**
 * Events that the host may follow as they happen.
 *
 * They are told after the change committed and only inside this process; the durable record is the audit log.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { AuthenticationMethod, Session, SessionId } from "./Session.ts"
import type { User, UserId } from "./User.ts"

/**
 * Something happened to a user or a session.
 *
 * @category models
 * @since 0.1.0
 */
export type AuthEvent = Data.TaggedEnum<{
  UserCreated: { readonly user: User }
  UserUpdated: { readonly previous: User; readonly user: User }
  UserDeleted: { readonly user: User }
  EmailVerified: { readonly user: User }
  EmailChanged: { readonly previous: User; readonly user: User }
  CredentialChanged: { readonly userId: UserId; readonly method: AuthenticationMethod }
  SessionStarted: { readonly session: Session; readonly user: User }
  SessionRotated: { readonly session: Session }
  SessionsRevoked: { readonly userId: UserId; readonly sessionIds: ReadonlyArray<SessionId> }
}>

/**
 * Constructors and matchers of {@link AuthEvent}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const AuthEvent = Data.taggedEnum<AuthEvent>()
