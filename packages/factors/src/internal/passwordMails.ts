/**
 * The mails about passwords: how often they may be asked for, who gets them and what their links carry.
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import { make as makeMessage } from "@belfry/core/Mail"
import { MailQueue } from "@belfry/core/MailQueue"
import { PagePaths } from "@belfry/core/PagePaths"
import { RateLimits } from "@belfry/core/RateLimits"
import { Site } from "@belfry/core/Site"
import type { Email, User } from "@belfry/core/User"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { PasswordMessages } from "../PasswordMessages.ts"
import { limits, resetPurpose, signUpPurpose } from "../PasswordRules.ts"

/** The mails of {@link make}. */
export type PasswordMails = Effect.Success<typeof make>

/** Builds the mails over tokens and the queue. */
export const make = Effect.gen(function* () {
  const tokens = yield* VerificationTokens
  const rateLimits = yield* RateLimits
  const queue = yield* MailQueue
  const messages = yield* PasswordMessages
  const site = yield* Site
  const paths = yield* PagePaths

  return {
    /** Counts a mail that a client asks for. */
    limit: (email: Email, client: ClientInfo) =>
      rateLimits.consumeAll([
        [limits.mailByAddress, rateLimitSubject(client.ipAddress)],
        [limits.mailByAccount, email],
      ]),

    /** Issues a reset token. For an unknown address it is one that nobody receives: the work is the same. */
    issueReset: (email: Email, user: Option.Option<User>) =>
      tokens.issue({
        purpose: resetPurpose,
        subject: resetSubject(email, user),
        userId: Option.match(user, { onNone: () => null, onSome: ({ id }) => id }),
        payload: { email },
      }),

    /** Makes the reset tokens from before worthless, at the same work for an unknown address. */
    revokeResets: (email: Email, user: Option.Option<User>) => tokens.revoke(resetPurpose, resetSubject(email, user)),

    /** Sends a token. */
    sendLink: (category: LinkCategory, to: Email, token: Redacted.Redacted) => {
      const { name, purpose, path } = links[category]
      const url = site.url(paths[path], { token: Redacted.value(token) })
      const mail = messages[category]({ siteName: site.name, url, lifetime: purpose.lifetime })
      return queue.enqueue(makeMessage({ to, category: name, ...mail }))
    },

    /** Tells a user that the password was changed. */
    tellChanged: (user: User) =>
      queue.enqueue(
        makeMessage({
          to: user.email,
          category: "password-changed",
          ...messages.passwordChanged({ siteName: site.name, resetUrl: site.url(paths.forgotPassword) }),
        }),
      ),
  }
})

// internal

type LinkCategory = keyof typeof links

const links = {
  confirmSignUp: { name: "confirm-sign-up", purpose: signUpPurpose, path: "confirmSignUp" },
  alreadySignedUp: { name: "already-signed-up", purpose: resetPurpose, path: "resetPassword" },
  resetPassword: { name: "reset-password", purpose: resetPurpose, path: "resetPassword" },
} as const

const resetSubject = (email: Email, user: Option.Option<User>): string =>
  Option.match(user, { onNone: () => email, onSome: ({ id }) => id })
