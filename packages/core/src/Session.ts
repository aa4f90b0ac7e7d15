/**
 * A session: who is signed in, since when, by which means, and until when.
 *
 * The rules of time live here as pure decisions; stores keep rows, and {@link SessionPolicy} says how long.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isUuid } from "./Uuid.ts"
import { type User, UserId } from "./User.ts"

/**
 * Identifies a session: a UUIDv7. It is never a credential; the token is.
 *
 * @category models
 * @since 0.1.0
 */
export const SessionId = Schema.String.check(isUuid).pipe(Schema.brand("SessionId"))
/**
 * @category models
 * @since 0.1.0
 */
export type SessionId = typeof SessionId.Type

/**
 * How a person proved who they are.
 *
 * **Details**
 *
 * The values of RFC 8176 plus `email` (a code or link sent by mail) and `oauth` (another provider said so).
 *
 * @see [RFC 8176 §2](https://www.rfc-editor.org/rfc/rfc8176.html#section-2)
 * @category models
 * @since 0.1.0
 */
export const AuthenticationMethod = Schema.Literals([
  "face",
  "fpt",
  "geo",
  "hwk",
  "iris",
  "kba",
  "mca",
  "mfa",
  "otp",
  "pin",
  "pop",
  "pwd",
  "rba",
  "retina",
  "sc",
  "sms",
  "swk",
  "tel",
  "user",
  "vbm",
  "wia",
  "email",
  "oauth",
])
/**
 * @category models
 * @since 0.1.0
 */
export type AuthenticationMethod = typeof AuthenticationMethod.Type

/**
 * How much a sign-in proves, as the policy that completed it names it: one word, so that it fits into OpenID Connect's
 * `acr_values`, which are separated by spaces.
 *
 * @see [OpenID Connect Core §2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken)
 * @category models
 * @since 0.1.0
 */
export const AuthenticationContext = Schema.String.check(
  Schema.isPattern(/^[\x21-\x7E]{1,255}$/u, { message: "Expected one word" }),
)

/**
 * A session as services return it and as the wire carries it. The token is not part of it.
 *
 * **Details**
 *
 * `amr` says by which means the person proved who they are, `acr` how much that is worth (null when no policy said so),
 * and `authTime` when they last did (OpenID Connect's claims of these names). `expiresAt` slides with use and
 * never passes `endsAt`, the absolute limit. `ipAddress` and `userAgent` are those of the sign-in; `label` is a name
 * that the person or the client gave to it.
 *
 * @category models
 * @since 0.1.0
 */
export const Session = Schema.Struct({
  id: SessionId,
  userId: UserId,
  amr: Schema.Array(AuthenticationMethod),
  acr: Schema.NullOr(AuthenticationContext),
  authTime: Schema.DateTimeUtc,
  createdAt: Schema.DateTimeUtc,
  lastSeenAt: Schema.DateTimeUtc,
  expiresAt: Schema.DateTimeUtc,
  endsAt: Schema.DateTimeUtc,
  ipAddress: Schema.NullOr(Schema.String),
  userAgent: Schema.NullOr(Schema.String),
  label: Schema.NullOr(Schema.String),
}).annotate({ identifier: "Session" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Session extends Schema.Schema.Type<typeof Session> {}

/**
 * A session together with its user: what one statement reads for an authenticated request.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionWithUser {
  readonly session: Session
  readonly user: User
}

/**
 * A factor that was proved in a session, and when last. To core `factor` is a name without a meaning: the package that
 * proves gives it one.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionProof {
  readonly factor: string
  readonly at: DateTime.Utc
}

/**
 * How long sessions live.
 *
 * **Details**
 *
 * `lifetime`: how long an unused session lives (7 days). `updateAge`: use moves the expiry at most once in this time (1
 * day). `absoluteLifetime`: the end whatever the use (30 days). `idleTimeout`: if given, a session unused for this long
 * is over even within its lifetime. `freshness`: how long a proof of identity counts as fresh (10 minutes).
 *
 * @see [NIST SP 800-63B-4 §5.2](https://pages.nist.gov/800-63-4/sp800-63b.html#sec5)
 * @category models
 * @since 0.1.0
 */
export interface SessionPolicy {
  readonly lifetime: Duration.Duration
  readonly updateAge: Duration.Duration
  readonly absoluteLifetime: Duration.Duration
  readonly idleTimeout: Option.Option<Duration.Duration>
  readonly freshness: Duration.Duration
}

/**
 * @category models
 * @since 0.1.0
 */
export const defaultSessionPolicy: SessionPolicy = {
  lifetime: Duration.days(7),
  updateAge: Duration.days(1),
  absoluteLifetime: Duration.days(30),
  idleTimeout: Option.none(),
  freshness: Duration.minutes(10),
}

/**
 * When a session used at `now` expires: `now` plus the lifetime, but never past `endsAt`.
 *
 * @category decisions
 * @since 0.1.0
 */
export const expiryAt = (policy: SessionPolicy, now: DateTime.Utc, endsAt: DateTime.Utc): DateTime.Utc =>
  DateTime.min(DateTime.addDuration(now, policy.lifetime), endsAt)

/**
 * Tells whether a session is over at `now`. The expiry instant itself is already too late.
 *
 * @category decisions
 * @since 0.1.0
 */
export const isExpired = (session: Session, policy: SessionPolicy, now: DateTime.Utc): boolean =>
  now.epochMilliseconds >= session.expiresAt.epochMilliseconds ||
  (Option.isSome(policy.idleTimeout) &&
    now.epochMilliseconds >= session.lastSeenAt.epochMilliseconds + Duration.toMillis(policy.idleTimeout.value))

/**
 * The session after its use at `now`, if the store must learn of the use; none otherwise.
 *
 * **Details**
 *
 * The expiry moves when less than `lifetime - updateAge` remains and moving it gains time. With an idle timeout, the
 * last use is written down once in a quarter of it: a session that is used within three quarters never idles out.
 *
 * @category decisions
 * @since 0.1.0
 */
export const slide = (session: Session, policy: SessionPolicy, now: DateTime.Utc): Option.Option<Session> => {
  const remaining = session.expiresAt.epochMilliseconds - now.epochMilliseconds
  const expiresAt = expiryAt(policy, now, session.endsAt)
  const expiryIsDue =
    remaining < Duration.toMillis(policy.lifetime) - Duration.toMillis(policy.updateAge) &&
    expiresAt.epochMilliseconds > session.expiresAt.epochMilliseconds
  const idleIsDue =
    Option.isSome(policy.idleTimeout) &&
    now.epochMilliseconds - session.lastSeenAt.epochMilliseconds >= Duration.toMillis(policy.idleTimeout.value) / 4
  return expiryIsDue || idleIsDue
    ? Option.some({ ...session, lastSeenAt: now, expiresAt: expiryIsDue ? expiresAt : session.expiresAt })
    : Option.none()
}

/**
 * Tells whether the person proved who they are recently enough for what cannot be undone.
 *
 * @see [OpenID Connect Core §2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken)
 * @category decisions
 * @since 0.1.0
 */
export const isFresh = (session: Session, policy: SessionPolicy, now: DateTime.Utc): boolean =>
  now.epochMilliseconds - session.authTime.epochMilliseconds < Duration.toMillis(policy.freshness)

/**
 * The token opens no session: unknown, expired or revoked, which look alike from outside.
 *
 * @category errors
 * @since 0.1.0
 */
export class SessionInvalid extends Schema.TaggedError<SessionInvalid>("@belfry/core/SessionInvalid")(
  "SessionInvalid",
  {},
) {
  override get message(): string {
    return "No session, or one that is over"
  }
}

/**
 * The caller has no session with this id.
 *
 * @category errors
 * @since 0.1.0
 */
export class SessionNotFound extends Schema.TaggedError<SessionNotFound>("@belfry/core/SessionNotFound")(
  "SessionNotFound",
  { sessionId: SessionId },
) {
  override get message(): string {
    return "No such session"
  }
}

/**
 * The last proof of identity is too old for this request: authenticate again.
 *
 * **Details**
 *
 * `maxAge` is how recent the proof must be, in seconds.
 *
 * @see [RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470.html#section-3)
 * @category errors
 * @since 0.1.0
 */
export class SessionNotFresh extends Schema.TaggedError<SessionNotFresh>("@belfry/core/SessionNotFresh")(
  "SessionNotFresh",
  { maxAge: Schema.Finite },
) {
  override get message(): string {
    return "Confirm who you are, then try again"
  }
}
