/**
 * Proving and changing the e-mail address of a user.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Audit } from "./Audit.ts"
import type { ClientInfo } from "./AuditEvent.ts"
import { AuthEvent } from "./AuthEvent.ts"
import { AuthEvents } from "./AuthEvents.ts"
import { EmailMessages } from "./EmailMessages.ts"
import { make as makeMessage } from "./Mail.ts"
import { MailQueue } from "./MailQueue.ts"
import { PagePaths } from "./PagePaths.ts"
import type { RateLimit, RateLimited } from "./RateLimit.ts"
import { RateLimits } from "./RateLimits.ts"
import { Site } from "./Site.ts"
import type { StoreError } from "./StoreError.ts"
import { TransactionStore } from "./TransactionStore.ts"
import { Email, type EmailTaken, isDisabled, type User } from "./User.ts"
import { Users } from "./Users.ts"
import { VerificationTokenInvalid } from "./VerificationToken.ts"
import { type Purpose, VerificationTokens } from "./VerificationTokens.ts"

/**
 * Proving and changing the e-mail address of a user.
 *
 * @category services
 * @since 0.1.0
 */
export class Emails extends Context.Service<
  Emails,
  {
    /** Mails a link that proves the user's address; nothing when it is proved already. */
    readonly sendVerification: (user: User, client: ClientInfo) => Effect.Effect<void, RateLimited | StoreError>
    /** Proves the address by the token from the mail. */
    readonly confirmVerification: (
      token: Redacted.Redacted,
      client: ClientInfo,
    ) => Effect.Effect<User, VerificationTokenInvalid | StoreError>
    /** Mails a link to a new address. Whether somebody else has that address is not told. */
    readonly requestChange: (
      user: User,
      email: Email,
      client: ClientInfo,
    ) => Effect.Effect<void, RateLimited | StoreError>
    /** Makes the new address the user's own, proved, and tells the old one. */
    readonly confirmChange: (
      token: Redacted.Redacted,
      client: ClientInfo,
    ) => Effect.Effect<User, VerificationTokenInvalid | EmailTaken | StoreError>
  }
>()("@belfry/core/Emails") {}

/**
 * How often one user may have mails sent: 5 an hour.
 *
 * @category rules
 * @since 0.1.0
 */
export const mailLimit: RateLimit = { name: "email-by-user", limit: 5, window: Duration.hours(1) }

const AddressPayload = Schema.Struct({ email: Schema.toType(Email) })

/**
 * Tokens that prove a user's own address; they live 24 hours.
 *
 * @category rules
 * @since 0.1.0
 */
export const verifyPurpose: Purpose<typeof AddressPayload> = {
  name: "email.verify",
  lifetime: Duration.hours(24),
  payload: AddressPayload,
}

/**
 * Tokens that confirm a new address; they live 1 hour.
 *
 * @category rules
 * @since 0.1.0
 */
export const changePurpose: Purpose<typeof AddressPayload> = {
  name: "email.change",
  lifetime: Duration.hours(1),
  payload: AddressPayload,
}

/**
 * The service over users, tokens and mail.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  Emails,
  Effect.gen(function* () {
    const users = yield* Users
    const tokens = yield* VerificationTokens
    const limits = yield* RateLimits
    const mail = yield* MailQueue
    const site = yield* Site
    const audit = yield* Audit
    const events = yield* AuthEvents
    const transactions = yield* TransactionStore
    const messages = yield* EmailMessages
    const paths = yield* PagePaths

    const issue = (purpose: typeof verifyPurpose, user: User, email: Email, client: ClientInfo) =>
      transactions.run(
        Effect.gen(function* () {
          // A later request replaces the earlier ones: one live link a purpose.
          yield* tokens.revoke(purpose, user.id)
          const token = yield* tokens.issue({ purpose, subject: user.id, userId: user.id, payload: { email } })
          yield* audit.record({ type: `${purpose.name}-requested`, userId: user.id, client })
          return token
        }),
      )

    // A link must not arrive before its token is in the store, nor when it never gets there.
    const send = (message: Parameters<typeof makeMessage>[0]) =>
      transactions.afterCommit(mail.enqueue(makeMessage(message)))

    const get = (userId: User["id"] | null) =>
      userId === null
        ? Effect.fail(new VerificationTokenInvalid())
        : users.get(userId).pipe(
            Effect.catchTag("UserNotFound", () => Effect.fail(new VerificationTokenInvalid())),
            // A link from before does nothing for who is shut out.
            Effect.flatMap((user) => (isDisabled(user) ? new VerificationTokenInvalid() : Effect.succeed(user))),
          )

    return Emails.of({
      sendVerification: Effect.fn("Emails.sendVerification")(function* (user, client) {
        if (user.emailVerifiedAt !== null) return
        yield* limits.consume(mailLimit, user.id)
        const token = yield* issue(verifyPurpose, user, user.email, client)
        const url = site.url(paths.verifyEmail, { token: Redacted.value(token) })
        yield* send({
          to: user.email,
          category: "verify-email",
          ...messages.verifyEmail({ siteName: site.name, url, lifetime: verifyPurpose.lifetime }),
        })
      }),
      confirmVerification: Effect.fn("Emails.confirmVerification")(function* (token, client) {
        return yield* transactions
          .run(
            Effect.gen(function* () {
              const { userId, payload } = yield* tokens.consume(verifyPurpose, token)
              const user = yield* get(userId)
              // The link proves the address that it was sent to, not one that came later.
              if (user.email !== payload.email) return yield* new VerificationTokenInvalid()
              const verified = yield* users.update(user.id, { emailVerifiedAt: yield* DateTime.now }, client)
              yield* audit.record({ type: "email.verified", userId: user.id, client })
              yield* transactions.afterCommit(events.publish(AuthEvent.EmailVerified({ user: verified })))
              return verified
            }),
          )
          .pipe(
            // The address is not changed, so it cannot be taken; a user who vanished meanwhile has no use for the
            // token.
            Effect.catchTags({
              EmailTaken: () => Effect.fail(new VerificationTokenInvalid()),
              UserNotFound: () => Effect.fail(new VerificationTokenInvalid()),
            }),
          )
      }),
      requestChange: Effect.fn("Emails.requestChange")(function* (user, email, client) {
        yield* limits.consume(mailLimit, user.id)
        // The look-up and the token come first in either case, so that both take as long.
        const owner = yield* users.findByEmail(email)
        const token = yield* issue(changePurpose, user, email, client)
        if (Option.isSome(owner)) return
        const url = site.url(paths.confirmEmailChange, { token: Redacted.value(token) })
        yield* send({
          to: email,
          category: "confirm-email-change",
          ...messages.confirmEmailChange({ siteName: site.name, url, lifetime: changePurpose.lifetime }),
        })
      }),
      confirmChange: Effect.fn("Emails.confirmChange")(function* (token, client) {
        return yield* transactions
          .run(
            Effect.gen(function* () {
              const { userId, payload } = yield* tokens.consume(changePurpose, token)
              const previous = yield* get(userId)
              const user = yield* users.update(
                previous.id,
                { email: payload.email, emailVerifiedAt: yield* DateTime.now },
                client,
              )
              // A link that proves the old address must not prove the new one.
              yield* tokens.revoke(verifyPurpose, user.id)
              yield* audit.record({ type: "email.changed", userId: user.id, client })
              yield* transactions.afterCommit(events.publish(AuthEvent.EmailChanged({ previous, user })))
              yield* send({
                to: previous.email,
                category: "email-changed",
                ...messages.emailChanged({ siteName: site.name, newEmail: user.email }),
              })
              return user
            }),
          )
          .pipe(Effect.catchTag("UserNotFound", () => Effect.fail(new VerificationTokenInvalid())))
      }),
    })
  }),
)
