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
import { changePurpose } from "@belfry/core/Emails"
import { KeyedHash } from "@belfry/core/KeyedHash"
import { KeyRing } from "@belfry/core/KeyRing"
import { make as makeMessage } from "@belfry/core/Mail"
import { MailQueue } from "@belfry/core/MailQueue"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { PagePaths } from "@belfry/core/PagePaths"
import type { RateLimit, RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import type { Session, SessionInvalid, SessionNotFresh } from "@belfry/core/Session"
import { type IssuedSession, Sessions } from "@belfry/core/Sessions"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Email, type User, UserId, UserNotFound } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { VerificationTokenInvalid } from "@belfry/core/VerificationToken"
import { type Purpose, VerificationTokens } from "@belfry/core/VerificationTokens"
import * as Context from "effect/Context"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import { CommonPasswords } from "./CommonPasswords.ts"
import {
  check,
  common,
  InvalidCredentials,
  normalize,
  PasswordHash,
  type PasswordRejected,
  PasswordRequired,
} from "./Password.ts"
import { PasswordHasher } from "./PasswordHasher.ts"
import { PasswordMessages } from "./PasswordMessages.ts"
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
     * this one gets a new token.
     */
    readonly change: (options: {
      readonly session: Session
      readonly user: User
      readonly currentPassword?: Redacted.Redacted | undefined
      readonly newPassword: Redacted.Redacted
      readonly client: ClientInfo
    }) => Effect.Effect<
      SignIn,
      InvalidCredentials | PasswordRejected | SessionNotFresh | SessionInvalid | RateLimited | StoreError
    >
  }
>()("@belfry/factors/Passwords") {}

/**
 * How often passwords may be tried and mails be asked for.
 *
 * @category rules
 * @since 0.1.0
 */
export const limits = {
  signInByAddress: { name: "sign-in-by-address", limit: 100, window: Duration.minutes(15) },
  signInByAccount: { name: "sign-in-by-account", limit: 10, window: Duration.minutes(15) },
  reauthenticateByUser: { name: "reauthenticate-by-user", limit: 10, window: Duration.minutes(15) },
  confirmByToken: { name: "confirm-sign-up-by-token", limit: 10, window: Duration.minutes(15) },
  mailByAddress: { name: "password-mail-by-address", limit: 50, window: Duration.hours(1) },
  mailByAccount: { name: "password-mail-by-account", limit: 5, window: Duration.hours(1) },
  resetByAddress: { name: "password-reset-by-address", limit: 50, window: Duration.hours(1) },
} satisfies Record<string, RateLimit>

const SignUpPayload = Schema.Struct({
  email: Schema.toType(Email),
  name: Schema.NullOr(Schema.String),
  passwordHash: PasswordHash,
  browserHash: KeyedHash,
})

/**
 * Tokens that complete a sign-up; they live 24 hours.
 *
 * @category rules
 * @since 0.1.0
 */
export const signUpPurpose: Purpose<typeof SignUpPayload> = {
  name: "password.sign-up",
  lifetime: Duration.hours(24),
  payload: SignUpPayload,
}

const ResetPayload = Schema.Struct({ email: Schema.toType(Email) })

/**
 * Tokens that set a new password; they live 1 hour.
 *
 * @category rules
 * @since 0.1.0
 */
export const resetPurpose: Purpose<typeof ResetPayload> = {
  name: "password.reset",
  lifetime: Duration.hours(1),
  payload: ResetPayload,
}

/**
 * The prefix of the token that names the browser of a sign-up.
 *
 * @category models
 * @since 0.1.0
 */
export const browserTokenPrefix = "belfry_sign_up"

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
    const commonPasswords = yield* CommonPasswords
    const users = yield* Users
    const sessions = yield* Sessions
    const tokens = yield* VerificationTokens
    const rateLimits = yield* RateLimits
    const transactions = yield* TransactionStore
    const audit = yield* Audit
    const events = yield* AuthEvents
    const mail = yield* MailQueue
    const messages = yield* PasswordMessages
    const site = yield* Site
    const paths = yield* PagePaths
    const random = yield* SecureRandom.SecureRandom
    const browserHasher = yield* (yield* KeyRing).hasher("sign-up-browser")

    const accept = Effect.fnUntraced(function* (password: Redacted.Redacted, email: Email) {
      const normalized = normalize(password)
      yield* Effect.fromResult(check(normalized))
      const context = [email, email.slice(0, email.indexOf("@")), site.name]
      if (yield* commonPasswords.includes(normalized, context)) return yield* common()
    })

    const limitMail = (email: Email, client: ClientInfo) =>
      rateLimits.consumeAll([
        [limits.mailByAddress, rateLimitSubject(client.ipAddress)],
        [limits.mailByAccount, email],
      ])

    const sendLink = (
      category: "confirmSignUp" | "alreadySignedUp" | "resetPassword",
      to: Email,
      token: Redacted.Redacted,
    ) => {
      const purpose = category === "confirmSignUp" ? signUpPurpose : resetPurpose
      const path = category === "confirmSignUp" ? paths.confirmSignUp : paths.resetPassword
      return mail.enqueue(
        makeMessage({
          to,
          category: mailCategories[category],
          ...messages[category]({
            siteName: site.name,
            url: site.url(path, { token: Redacted.value(token) }),
            lifetime: purpose.lifetime,
          }),
        }),
      )
    }

    const tellChanged = (user: User) =>
      mail.enqueue(
        makeMessage({
          to: user.email,
          category: "password-changed",
          ...messages.passwordChanged({ siteName: site.name, resetUrl: site.url(paths.forgotPassword) }),
        }),
      )

    const resetSubject = (email: Email, user: Option.Option<User>): string =>
      Option.match(user, { onNone: () => email, onSome: ({ id }) => id })

    /** Issues a reset token. For an unknown address it is one that nobody receives: the work is the same. */
    const issueReset = (email: Email, user: Option.Option<User>) =>
      tokens.issue({
        purpose: resetPurpose,
        subject: resetSubject(email, user),
        userId: Option.match(user, { onNone: () => null, onSome: ({ id }) => id }),
        payload: { email },
      })

    const compare = Effect.fnUntraced(function* (password: Redacted.Redacted, user: Option.Option<User>) {
      // Looked up for nobody as well: an unknown address costs the same statements and the same derivation.
      const stored = yield* store.find(Option.match(user, { onNone: () => nobody, onSome: ({ id }) => id }))
      const { matches, isOutdated } = yield* hasher.compare(password, stored)
      if (!matches || Option.isNone(user) || Option.isNone(stored)) return Option.none()
      if (isOutdated) {
        yield* store.rehash(user.value.id, stored.value, yield* hasher.hash(password), yield* DateTime.now)
      }
      return user
    })

    const failed = (type: string, reason: FailureReason, userId: UserId | undefined, client: ClientInfo) =>
      Effect.andThen(
        audit.record({ type, reason, client, ...(userId === undefined ? {} : { userId }) }),
        Effect.fail(new InvalidCredentials()),
      )

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

    const prove = Effect.fnUntraced(function* (user: User, password: Redacted.Redacted, client: ClientInfo) {
      yield* rateLimits.consume(limits.reauthenticateByUser, user.id)
      const proved = yield* compare(password, Option.some(user))
      if (Option.isNone(proved)) return yield* failed("password.reauthentication", "wrong-password", user.id, client)
    })

    return Passwords.of({
      signUp: Effect.fn("Passwords.signUp")(function* ({ email, password, name, client }) {
        yield* accept(password, email)
        yield* limitMail(email, client)
        const passwordHash = yield* hasher.hash(password)
        const browser = yield* Effect.provideService(
          OpaqueToken.generate(browserTokenPrefix),
          SecureRandom.SecureRandom,
          random,
        )
        const browserHash = yield* browserHasher.hash(browser)
        const owner = yield* users.findByEmail(email)
        // Both branches hash once, read once, write a token and an event, and queue one mail. Earlier tokens stay: who
        // signs up with somebody else's address must not make that person's links worthless.
        const token = yield* transactions.run(
          Effect.gen(function* () {
            yield* audit.record({
              type: "password.sign-up-requested",
              client,
              ...(Option.isSome(owner) ? { userId: owner.value.id, reason: "known-address" } : {}),
            })
            return Option.isSome(owner)
              ? yield* issueReset(email, owner)
              : yield* tokens.issue({
                  purpose: signUpPurpose,
                  subject: email,
                  userId: null,
                  payload: { email, name, passwordHash, browserHash },
                })
          }),
        )
        yield* sendLink(Option.isSome(owner) ? "alreadySignedUp" : "confirmSignUp", email, token)
        return browser
      }),

      confirmSignUp: Effect.fn("Passwords.confirmSignUp")(function* (options) {
        const { token, browser, password, client } = options
        const { id, payload } = yield* tokens.peek(signUpPurpose, token)
        const isSameBrowser =
          browser !== undefined &&
          (yield* browserHasher.candidates(browser)).some((hash) => isEqual(hash, payload.browserHash))
        if (!isSameBrowser) {
          if (password === undefined) return yield* new PasswordRequired()
          yield* rateLimits.consume(limits.confirmByToken, id)
          const { matches } = yield* hasher.compare(password, Option.some(payload.passwordHash))
          if (!matches) return yield* failed("password.sign-up", "wrong-password", undefined, client)
        }
        return yield* transactions
          .run(
            Effect.gen(function* () {
              // The user first: of two links to one address the later waits here, where it holds nothing yet that the
              // other one revokes.
              const user = yield* users.signUp(
                { email: payload.email, name: payload.name, emailVerifiedAt: yield* DateTime.now },
                client,
              )
              yield* tokens.consume(signUpPurpose, token)
              yield* store.set(user.id, payload.passwordHash, yield* DateTime.now)
              // Whoever else signed up with this address has not proved it.
              yield* tokens.revoke(signUpPurpose, payload.email)
              yield* audit.record({ type: "password.sign-up", userId: user.id, client })
              const issued = yield* sessions.start({
                user,
                amr: ["pwd"],
                client,
                label: options.label ?? null,
                replaces: options.replaces,
              })
              return { ...issued, user }
            }),
          )
          .pipe(
            // Somebody proved the address in another way since the mail was sent.
            Effect.catchTag("EmailTaken", () => Effect.fail(new VerificationTokenInvalid())),
          )
      }),

      signIn: Effect.fn("Passwords.signIn")(function* ({ email, password, label, replaces, client }) {
        yield* rateLimits.consumeAll([
          [limits.signInByAddress, rateLimitSubject(client.ipAddress)],
          [limits.signInByAccount, email],
        ])
        const found = yield* users.findByEmail(email)
        const user = yield* compare(password, found)
        if (Option.isNone(user)) {
          return yield* Option.match(found, {
            onNone: () => failed("password.sign-in", "unknown-address", undefined, client),
            onSome: ({ id }) => failed("password.sign-in", "wrong-password", id, client),
          })
        }
        const issued = yield* sessions.start({
          user: user.value,
          amr: ["pwd"],
          client,
          label: label ?? null,
          replaces,
        })
        return { ...issued, user: user.value }
      }),

      reauthenticate: Effect.fn("Passwords.reauthenticate")(function* ({ session, user, password, client }) {
        yield* prove(user, password, client)
        return { ...(yield* sessions.rotate({ session, amr: withPassword(session), client })), user }
      }),

      forgot: Effect.fn("Passwords.forgot")(function* ({ email, client }) {
        yield* limitMail(email, client)
        const user = yield* users.findByEmail(email)
        const token = yield* transactions.run(
          Effect.gen(function* () {
            yield* audit.record({
              type: "password.reset-requested",
              client,
              ...(Option.isSome(user) ? { userId: user.value.id } : { reason: "unknown-address" }),
            })
            yield* tokens.revoke(resetPurpose, resetSubject(email, user))
            return yield* issueReset(email, user)
          }),
        )
        if (Option.isSome(user)) yield* sendLink("resetPassword", email, token)
      }),

      reset: Effect.fn("Passwords.reset")(function* ({ token, password, client }) {
        yield* rateLimits.consume(limits.resetByAddress, rateLimitSubject(client.ipAddress))
        const { userId, payload } = yield* tokens.peek(resetPurpose, token)
        if (userId === null) return yield* new VerificationTokenInvalid()
        const user = yield* orInvalidToken(users.get(userId))
        // The token came by mail to the address of then; who reads that mailbox need not be the user any more.
        if (user.email !== payload.email) return yield* new VerificationTokenInvalid()
        yield* accept(password, user.email)
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
        yield* tellChanged(user)
        return user
      }),

      change: Effect.fn("Passwords.change")(function* ({ session, user, currentPassword, newPassword, client }) {
        if (currentPassword === undefined) yield* sessions.requireFresh(session)
        else yield* prove(user, currentPassword, client)
        yield* accept(newPassword, user.email)
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
        yield* tellChanged(user)
        return { ...issued, user }
      }),
    })
  }),
)

// internal

const mailCategories = {
  confirmSignUp: "confirm-sign-up",
  alreadySignedUp: "already-signed-up",
  resetPassword: "reset-password",
} as const

type FailureReason = "unknown-address" | "wrong-password"

/** The nil UUID, which is the id of no user. */
const nobody = UserId.make("00000000-0000-0000-0000-000000000000")

const isEqual = (a: KeyedHash, b: KeyedHash): boolean =>
  Mac.timingSafeEqual(new TextEncoder().encode(a), new TextEncoder().encode(b))

const withPassword = (session: Session) =>
  session.amr.includes("pwd") ? session.amr : [...session.amr, "pwd" as const]

const orInvalidToken = <A, E>(effect: Effect.Effect<A, E | UserNotFound>) =>
  Effect.catchIf(
    effect,
    (error): error is Extract<E | UserNotFound, UserNotFound> => error instanceof UserNotFound,
    () => Effect.fail(new VerificationTokenInvalid()),
  )
