/**
 * Passwords: sign up, sign in, prove again, reset, change.
 *
 * No answer here tells whether an address has an account, and no password is ever attached to a user before the
 * address was proved by the person who chose the password.
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
import { type Email, type User, UserNotFound } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { VerificationTokenInvalid } from "@belfry/core/VerificationToken"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as PasswordChecks from "./internal/passwordChecks.ts"
import * as PasswordMails from "./internal/passwordMails.ts"
import * as PasswordSignUps from "./internal/passwordSignUps.ts"
import {
  EmailUnverified,
  type InvalidCredentials,
  type PasswordHash,
  type PasswordRejected,
  type PasswordRequired,
} from "./Password.ts"
import { PasswordHasher } from "./PasswordHasher.ts"
import { limits, resetPurpose } from "./PasswordRules.ts"
import { PasswordStore } from "./PasswordStore.ts"

/**
 * A session that was just started or renewed, with its user.
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
     * Completes a sign-up by the token from the mail: makes the user and signs in. Asks for the password unless
     * `browser` is the token of the browser that signed up.
     */
    readonly confirmSignUp: (options: {
      readonly token: Redacted.Redacted
      readonly browser?: Redacted.Redacted | undefined
      readonly password?: Redacted.Redacted | undefined
      readonly label?: string | null
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<
      SignIn,
      VerificationTokenInvalid | PasswordRequired | InvalidCredentials | RateLimited | StoreError
    >
    /** Signs in. Unknown address and wrong password answer alike and in equal time. */
    readonly signIn: (options: {
      readonly email: Email
      readonly password: Redacted.Redacted
      readonly label?: string | null
      readonly replaces?: Redacted.Redacted | undefined
      readonly client: ClientInfo
    }) => Effect.Effect<SignIn, InvalidCredentials | RateLimited | StoreError>
    /** Proves the password again within a session, which becomes fresh and gets a new token. */
    readonly reauthenticate: (options: {
      readonly session: Session
      readonly user: User
      readonly password: Redacted.Redacted
      readonly client: ClientInfo
    }) => Effect.Effect<SignIn, InvalidCredentials | SessionInvalid | RateLimited | StoreError>
    /** Mails a link that sets a new password, if the address is known. */
    readonly forgot: (options: {
      readonly email: Email
      readonly client: ClientInfo
    }) => Effect.Effect<void, RateLimited | StoreError>
    /** Sets a new password by the token from the mail. Every session of the user ends. */
    readonly reset: (options: {
      readonly token: Redacted.Redacted
      readonly password: Redacted.Redacted
      readonly client: ClientInfo
    }) => Effect.Effect<User, VerificationTokenInvalid | PasswordRejected | RateLimited | StoreError>
    /**
     * Changes the password. Needs the current one, or a fresh session when it is left out. The other sessions end, and
     * this one gets a new token. Who has no password yet sets the first one once the address is proved
     * (`EmailUnverified` before).
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
  }
>()("@belfry/factors/Passwords") {}

/**
 * The service over users, sessions, tokens, mail and the password store.
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
      yield* audit.record({ type, userId: user.id, client })
      yield* transactions.afterCommit(events.publish(AuthEvent.CredentialChanged({ userId: user.id, method: "pwd" })))
    })

    /** The claim of a user who is signed in, counted. */
    const claimAgain = (user: User, password: Redacted.Redacted, client: ClientInfo) =>
      Effect.as(rateLimits.consume(limits.reauthenticateByUser, user.id), {
        type: "password.reauthentication",
        user: Option.some(user),
        password,
        client,
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

      signIn: Effect.fn("Passwords.signIn")(function* ({ email, password, label, replaces, client }) {
        yield* rateLimits.consumeAll([
          [limits.signInByAddress, rateLimitSubject(client.ipAddress)],
          [limits.signInByAccount, email],
        ])
        const found = yield* users.findByEmail(email)
        return yield* checks.withProof({ type: "password.sign-in", user: found, password, client }, (user) =>
          Effect.map(sessions.start({ user, amr: ["pwd"], client, label: label ?? null, replaces }), (issued) => ({
            ...issued,
            user,
          })),
        )
      }),

      reauthenticate: Effect.fn("Passwords.reauthenticate")(function* ({ session, user, password, client }) {
        return yield* checks.withProof(yield* claimAgain(user, password, client), () =>
          Effect.map(sessions.rotate({ session, amr: withPassword(session), client }), (issued) => ({
            ...issued,
            user,
          })),
        )
      }),

      forgot: Effect.fn("Passwords.forgot")(function* ({ email, client }) {
        yield* mails.limit(email, client)
        const user = yield* users.findByEmail(email)
        const token = yield* transactions.run(
          Effect.gen(function* () {
            yield* audit.record({
              type: "password.reset-requested",
              client,
              ...(Option.isSome(user) ? { userId: user.value.id } : { reason: "unknown-address" }),
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
        if (user.email !== payload.email) return yield* new VerificationTokenInvalid()
        yield* checks.accept(password, user.email)
        const hash = yield* hasher.hash(password)
        yield* transactions.run(
          Effect.gen(function* () {
            const proof = tokens.consume(resetPurpose, token)
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
        // No last look as above: whoever changed the password since has ended this session, which the end finds out.
        else yield* checks.prove(yield* claimAgain(user, currentPassword, client))
        yield* checks.accept(newPassword, user.email)
        const hash = yield* hasher.hash(newPassword)
        const issued = yield* transactions.run(
          Effect.gen(function* () {
            yield* setPassword({ user, hash, type: "password.changed", client })
            yield* sessions.revokeAll({ userId: user.id, except: session.id, client })
            return yield* sessions.rotate({
              session,
              // Without the current password nothing was proved anew.
              ...(currentPassword === undefined
                ? { amr: session.amr, authTime: session.authTime }
                : { amr: withPassword(session) }),
              client,
            })
          }),
        )
        yield* mails.tellChanged(user)
        return { ...issued, user }
      }),
    })
  }),
)

// internal

const withPassword = (session: Session) =>
  session.amr.includes("pwd") ? session.amr : [...session.amr, "pwd" as const]

const orInvalidToken = <A, E>(effect: Effect.Effect<A, E | UserNotFound>) =>
  Effect.catchIf(
    effect,
    (error): error is Extract<E | UserNotFound, UserNotFound> => error instanceof UserNotFound,
    () => Effect.fail(new VerificationTokenInvalid()),
  )
