/**
 * Passwords: sign up, sign in, prove again, reset, change, remove.
 *
 * No answer here tells whether an address has an account, and no password is ever attached to a user before the
 * address was proved by the person who chose the password. Sessions are started by the sign-in state machine alone.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { AuthEvent } from "@belfry/core/AuthEvent"
import { AuthEvents } from "@belfry/core/AuthEvents"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import { changePurpose } from "@belfry/core/Emails"
import type { RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import type { Session, SessionInvalid, SessionNotFresh } from "@belfry/core/Session"
import { type IssuedSession, Sessions } from "@belfry/core/Sessions"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { type Email, type EmailTaken, isDisabled, type User, UserNotFound } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { VerificationTokenInvalid } from "@belfry/core/VerificationToken"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { LastWayIn, NotEnrolled } from "./Enrolment.ts"
import { type SessionOwner, Enrolments } from "./Enrolments.ts"
import * as PasswordChecks from "./internal/passwordChecks.ts"
import * as PasswordMails from "./internal/passwordMails.ts"
import * as PasswordSignUps from "./internal/passwordSignUps.ts"
import {
  EmailUnverified,
  InvalidCredentials,
  type PasswordHash,
  type PasswordRejected,
  type PasswordRequired,
} from "./Password.ts"
import { PasswordHasher } from "./PasswordHasher.ts"
import { limits, resetPurpose } from "./PasswordRules.ts"
import { PasswordStore } from "./PasswordStore.ts"
import { type SignInContext, SignInRefused } from "./SignInAttempt.ts"
import { SignInAttempts } from "./SignInAttempts.ts"
import type { SignInOutcome } from "./SignInOutcome.ts"

/**
 * A session that was just renewed, with its user.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignIn extends IssuedSession {
  readonly user: User
}

/**
 * Passwords.
 *
 * @category services
 * @since 0.1.0
 */
export class Passwords extends Context.Service<
  Passwords,
  {
    /**
     * Starts a sign-up. Returns the token of the browser that did it, whether or not the address is known: to a known
     * one a mail says that there is an account, to another one goes the link that completes the sign-up.
     */
    readonly signUp: (options: {
      readonly email: Email
      readonly password: Redacted.Redacted
      readonly name: string | null
      readonly client: ClientInfo
    }) => Effect.Effect<Redacted.Redacted, PasswordRejected | RateLimited | StoreError>
    /**
     * Completes a sign-up by the token from the mail: makes the user and signs in, as far as the policy lets a
     * password. Asks for the password unless `browser` is the token of the browser that signed up.
     */
    readonly confirmSignUp: (options: {
      readonly token: Redacted.Redacted
      readonly browser?: Redacted.Redacted | undefined
      readonly password?: Redacted.Redacted | undefined
      readonly context?: SignInContext
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<
      SignInOutcome,
      VerificationTokenInvalid | PasswordRequired | InvalidCredentials | SignInRefused | RateLimited | StoreError
    >
    /**
     * Signs up with an address that `proof` proves already, by `AddressProofs`: makes the user, uses the proof up
     * and signs in, as far as the policy lets a password. No mail goes out. An address that has an account is told
     * (`EmailTaken`): whoever holds the proof reads that mailbox.
     */
    readonly signUpProved: (options: {
      readonly proof: Redacted.Redacted
      readonly password: Redacted.Redacted
      readonly name: string | null
      readonly context?: SignInContext
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<
      SignInOutcome,
      VerificationTokenInvalid | EmailTaken | PasswordRejected | SignInRefused | RateLimited | StoreError
    >
    /**
     * Proves a password: with `email` it begins a sign-in, in the attempt of `token` where nothing was proved in it
     * yet; without, it is the next factor of the attempt's user. Unknown address and wrong password answer alike and in
     * equal time.
     */
    readonly signIn: (options: {
      readonly token?: Redacted.Redacted | undefined
      readonly email?: Email | undefined
      readonly password: Redacted.Redacted
      readonly context?: SignInContext
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<SignInOutcome, InvalidCredentials | SignInRefused | RateLimited | StoreError>
    /**
     * Proves the password again within a session, which becomes fresh and gets a new token. Refused
     * (`factor-unavailable`) where the policy asks for another factor; by default it asks whoever has a second factor
     * for that.
     */
    readonly reauthenticate: (options: {
      readonly session: Session
      readonly user: User
      readonly password: Redacted.Redacted
      readonly client: ClientInfo
    }) => Effect.Effect<SignInOutcome, InvalidCredentials | SignInRefused | RateLimited | StoreError>
    /** Mails a link that sets a new password, if the address is known. */
    readonly forgot: (options: {
      readonly email: Email
      readonly client: ClientInfo
    }) => Effect.Effect<void, RateLimited | StoreError>
    /**
     * Sets a new password by the token from the mail. Every session and pending sign-in of the user ends. Where nobody
     * had proved the address before, every other way in goes, too: whoever made the account may be somebody else.
     */
    readonly reset: (options: {
      readonly token: Redacted.Redacted
      readonly password: Redacted.Redacted
      readonly client: ClientInfo
    }) => Effect.Effect<User, VerificationTokenInvalid | PasswordRejected | RateLimited | StoreError>
    /**
     * Changes the password. Needs the current one, or a fresh session when it is left out. The other sessions and the
     * pending sign-ins end, and this session gets a new token; it is as fresh as before, and worth as much: with the
     * current password, too, for who took over session and password must not get at the second factor by them. Who has
     * no password yet sets the first one once the address is proved (`EmailUnverified` before).
     */
    readonly change: (options: {
      readonly session: Session
      readonly user: User
      readonly currentPassword?: Redacted.Redacted | undefined
      readonly newPassword: Redacted.Redacted
      readonly client: ClientInfo
    }) => Effect.Effect<
      SignIn,
      | InvalidCredentials
      | PasswordRejected
      | EmailUnverified
      | SessionNotFresh
      | SessionInvalid
      | RateLimited
      | StoreError
    >
    /** Removes the password in a fresh session, unless it is the last way in. Pending sign-ins of the user end. */
    readonly remove: (
      options: SessionOwner,
    ) => Effect.Effect<void, NotEnrolled | LastWayIn | SessionNotFresh | StoreError>
  }
>()("@belfry/factors/Passwords") {}

/**
 * The service over sign-in attempts, users, sessions, tokens, mail, the password store and what else proves an address.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  Passwords,
  Effect.gen(function* () {
    const store = yield* PasswordStore
    const hasher = yield* PasswordHasher
    const users = yield* Users
    const sessions = yield* Sessions
    const attempts = yield* SignInAttempts
    const enrolments = yield* Enrolments
    const tokens = yield* VerificationTokens
    const rateLimits = yield* RateLimits
    const transactions = yield* TransactionStore
    const audit = yield* Audit
    const events = yield* AuthEvents
    const checks = yield* PasswordChecks.make
    const mails = yield* PasswordMails.make
    const signUps = yield* PasswordSignUps.make(checks, mails)

    /** Sets a password in the transaction of the caller, after which `proof` is used up. */
    const setPassword = Effect.fnUntraced(function* <E = never>(options: {
      readonly user: User
      readonly hash: PasswordHash
      readonly type: string
      readonly client: ClientInfo
      readonly proof?: Effect.Effect<unknown, E | StoreError>
    }) {
      const { user, hash, type, client, proof = Effect.void } = options
      // The row of the password first, then tokens: two that run at once wait for one another here, where they hold
      // nothing that the other needs.
      yield* store.set(user.id, hash, yield* DateTime.now)
      yield* proof
      yield* tokens.revoke(resetPurpose, user.id)
      // Whoever had to be locked out may have asked for another address, and would reset the password by that.
      yield* tokens.revoke(changePurpose, user.id)
      // Before the sessions end: a sign-in that proved the old password is over now, or has a session that ends with
      // them.
      yield* attempts.revokeAll(user.id)
      yield* audit.record({ type, userId: user.id, client })
      yield* transactions.afterCommit(events.publish(AuthEvent.CredentialChanged({ userId: user.id, method: "pwd" })))
    })

    /** A sign-in that begins with the password of whoever has an address. */
    const begin = Effect.fnUntraced(function* (token: Redacted.Redacted | undefined, email: Email, client: ClientInfo) {
      const uses = rateLimits.consumeAll([
        [limits.signInByAddress, rateLimitSubject(client.ipAddress)],
        [limits.signInByAccount, email],
      ])
      const lookup = Effect.gen(function* () {
        const open = yield* attempts.begin({ token, factor: "password", client })
        const owner = yield* store.findByEmail(email)
        return {
          open,
          user: Option.map(owner, ({ user }) => user),
          stored: Option.flatMap(owner, ({ hash }) => hash),
        }
      })
      // Side by side: one wait for the database and not two. Who is over a limit learns nothing from what was read
      // meanwhile.
      const [, claim] = yield* Effect.all([uses, lookup], { concurrency: "unbounded" })
      return { ...claim, refuse: checks.refuseBy("password.sign-in", claim.user, client) }
    })

    /** A sign-in that goes on with the password of the user who proved the factors before. */
    const goOn = Effect.fnUntraced(function* (token: Redacted.Redacted | undefined, client: ClientInfo) {
      if (token === undefined) return yield* new SignInRefused({ reason: "invalid" })
      const open = yield* attempts.open({ token, factor: "password", client })
      // A password alone names nobody.
      if (open.user === undefined) return yield* new SignInRefused({ reason: "factor-unavailable" })
      const refuse: PasswordChecks.Claim["refuse"] = (reason) =>
        Effect.catchTag(attempts.refuse(open, reason), "CodeInvalid", () => Effect.fail(new InvalidCredentials()))
      return { open, user: Option.some(open.user), refuse }
    })

    /**
     * Fails unless the password is that of a user who is signed in. No last look at it is due: whoever changes it after
     * that ends the session, which the end finds out.
     */
    const proveCurrent = Effect.fnUntraced(function* (user: User, password: Redacted.Redacted, client: ClientInfo) {
      yield* rateLimits.consume(limits.reauthenticateByUser, user.id)
      const claimant = Option.some(user)
      const refuse = checks.refuseBy("password.reauthentication", claimant, client)
      return yield* checks.prove({ user: claimant, password, refuse })
    })

    /** Fails unless a session may set a password without the current one. */
    const requireFresh = Effect.fnUntraced(function* (session: Session, user: User) {
      yield* sessions.requireFresh(session)
      yield* rateLimits.consume(limits.reauthenticateByUser, user.id)
      // Whoever made the account for an address that is not theirs would share it with its owner, who proves it later.
      if (user.emailVerifiedAt === null && Option.isNone(yield* store.find(user.id))) {
        return yield* new EmailUnverified()
      }
    })

    return Passwords.of({
      ...signUps,

      signIn: Effect.fn("Passwords.signIn")(function* ({ token, email, password, context = {}, replaces, client }) {
        const { open, ...claim } = yield* email === undefined ? goOn(token, client) : begin(token, email, client)
        return yield* checks.advance({ ...claim, password }, { open, context, replaces })
      }),

      reauthenticate: Effect.fn("Passwords.reauthenticate")(function* ({ session, user, password, client }) {
        // Nobody gets the token: an attempt that fails here is good for nothing, and goes when it is over.
        const { token } = yield* attempts.start({ stepUp: { session, user }, client })
        const uses = [[limits.reauthenticateByUser, user.id]] as const
        const open = yield* attempts.open({ token, factor: "password", uses, client })
        const claimant = Option.some(user)
        const refuse = checks.refuseBy("password.reauthentication", claimant, client)
        return yield* checks.advance({ user: claimant, password, refuse }, { open })
      }),

      forgot: Effect.fn("Passwords.forgot")(function* ({ email, client }) {
        yield* mails.limit(email, client)
        const found = yield* users.findByEmail(email)
        // Who is shut out gets no way in, and whoever asks learns nothing of it.
        const user = Option.filter(found, (user) => !isDisabled(user))
        const token = yield* transactions.run(
          Effect.gen(function* () {
            yield* audit.record({
              type: "password.reset-requested",
              client,
              ...(Option.isSome(found) ? { userId: found.value.id } : { reason: "unknown-address" }),
              ...(Option.isSome(found) && Option.isNone(user) ? { reason: "user-disabled" } : {}),
            })
            yield* mails.revokeResets(email, user)
            return yield* mails.issueReset(email, user)
          }),
        )
        if (Option.isSome(user)) yield* mails.sendLink("resetPassword", email, token)
      }),

      reset: Effect.fn("Passwords.reset")(function* ({ token, password, client }) {
        yield* rateLimits.consume(limits.resetByAddress, rateLimitSubject(client.ipAddress))
        const { userId, payload } = yield* tokens.peek(resetPurpose, token)
        if (userId === null) return yield* new VerificationTokenInvalid()
        const user = yield* orInvalidToken(users.get(userId))
        // The token came by mail to the address of then; who reads that mailbox need not be the user any more.
        if (user.email !== payload.email || isDisabled(user)) return yield* new VerificationTokenInvalid()
        yield* checks.accept(password, user.email)
        const hash = yield* hasher.hash(password)
        yield* transactions.run(
          Effect.gen(function* () {
            const proof = tokens.consume(resetPurpose, token)
            if (user.emailVerifiedAt === null) yield* enrolments.takeOver(userId, client)
            yield* setPassword({ user, hash, type: "password.reset", client, proof })
            // The token that came by mail proves the address, too.
            if (user.emailVerifiedAt === null) {
              yield* orInvalidToken(
                Effect.catchTag(
                  users.update(userId, { emailVerifiedAt: yield* DateTime.now }, client),
                  "EmailTaken",
                  () => Effect.fail(new VerificationTokenInvalid()),
                ),
              )
            }
            yield* sessions.revokeAll({ userId, client })
          }),
        )
        yield* mails.tellChanged(user)
        return user
      }),

      change: Effect.fn("Passwords.change")(function* ({ session, user, currentPassword, newPassword, client }) {
        if (currentPassword === undefined) yield* requireFresh(session, user)
        else yield* proveCurrent(user, currentPassword, client)
        yield* checks.accept(newPassword, user.email)
        const hash = yield* hasher.hash(newPassword)
        const issued = yield* transactions.run(
          Effect.gen(function* () {
            yield* setPassword({ user, hash, type: "password.changed", client })
            yield* sessions.revokeAll({ userId: user.id, except: session.id, client })
            const { amr, authTime } = session
            return yield* sessions.rotate({ session, amr, authTime, client })
          }),
        )
        yield* mails.tellChanged(user)
        return { ...issued, user }
      }),

      remove: Effect.fn("Passwords.remove")(({ session, user, client }) =>
        enrolments.remove({ session, user, factor: "password", remove: store.remove(user.id), client }),
      ),
    })
  }),
)

// internal

const orInvalidToken = <A, E>(effect: Effect.Effect<A, E | UserNotFound>) =>
  Effect.catchIf(
    effect,
    (error): error is Extract<E | UserNotFound, UserNotFound> => error instanceof UserNotFound,
    () => Effect.fail(new VerificationTokenInvalid()),
  )
