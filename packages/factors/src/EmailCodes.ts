/**
 * Codes by e-mail: sign in, and up, by typing what was sent.
 *
 * @since 0.1.0
 */
import { RateLimited } from "@belfry/core/RateLimit"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { EmailCodeStore } from "./EmailCodeStore.ts"
import * as Codes from "./internal/emailCodes.ts"
import * as MailboxSignIns from "./internal/mailboxSignIns.ts"
import type { CodeInvalid, SignInRefused } from "./SignInAttempt.ts"
import { type CodeProof, SignInAttempts } from "./SignInAttempts.ts"
import type { SignInContinues, SignInOutcome } from "./SignInOutcome.ts"
import { SignInMessages } from "./SignInMessages.ts"

/**
 * How long a code is good (10 minutes) and how soon the next one of the same attempt may follow it (30 seconds).
 *
 * @category rules
 * @since 0.1.0
 */
export const codePolicy = { lifetime: Duration.minutes(10), resendAfter: Duration.seconds(30) } as const

/**
 * What can be chosen about codes by e-mail.
 *
 * **Details**
 *
 * `format`: 6 `letters` (the default), which nobody takes for one another, or 6 `digits`, which a telephone types
 * faster and which are easier to guess. `signUp`: whether an address that nobody has signs up (it does by default).
 *
 * @category models
 * @since 0.1.0
 */
export interface EmailCodesOptions {
  readonly format?: "letters" | "digits"
  readonly signUp?: boolean
}

/**
 * Codes by e-mail.
 *
 * @category services
 * @since 0.1.0
 */
export class EmailCodes extends Context.Service<
  EmailCodes,
  {
    /**
     * Sends a code, which is good for 10 minutes, in this attempt alone, and replaces the one before. With `email` a
     * sign-in begins, in the attempt of `token` if nothing was proved in it yet; without, the code goes to the user of
     * that attempt. The answer is the same whether or not the address has an account.
     */
    readonly send: (
      request: MailboxSignIns.MailRequest,
    ) => Effect.Effect<SignInContinues, SignInRefused | RateLimited | StoreError>
    /**
     * Proves the factor. An address that nobody has signs up, unless that is closed: then its codes are never right.
     * Case, spaces and dashes do not matter.
     */
    readonly prove: (
      options: CodeProof,
    ) => Effect.Effect<SignInOutcome, CodeInvalid | SignInRefused | RateLimited | StoreError>
  }
>()("@belfry/factors/EmailCodes") {}

/**
 * Codes by e-mail over sign-in attempts, users, mail and the code store.
 *
 * @see [NIST SP 800-63B-4 §3.1.3](https://pages.nist.gov/800-63-4/sp800-63b.html#out-of-band)
 * @category layers
 * @since 0.1.0
 */
export const layerWith = ({ format = "letters", signUp = true }: EmailCodesOptions) =>
  Layer.effect(
    EmailCodes,
    Effect.gen(function* () {
      const store = yield* EmailCodeStore
      const attempts = yield* SignInAttempts
      const site = yield* Site
      const messages = yield* SignInMessages
      const codes = yield* Codes.make(format)
      const mailboxes = yield* MailboxSignIns.make("email-code", signUp)

      return EmailCodes.of({
        send: Effect.fn("EmailCodes.send")((request) =>
          mailboxes.send(
            request,
            "sign-in-code",
            Effect.fnUntraced(function* ({ attempt, email }) {
              const code = yield* codes.generate
              const now = yield* DateTime.now
              const tooSoon = yield* store.put(
                {
                  attemptId: attempt.id,
                  email,
                  codeHash: yield* codes.hash(attempt.id, code),
                  createdAt: now,
                  expiresAt: DateTime.addDuration(now, codePolicy.lifetime),
                },
                DateTime.subtractDuration(now, codePolicy.resendAfter),
              )
              if (Option.isSome(tooSoon)) return yield* rateLimited(tooSoon.value, now)
              return messages.code({
                siteName: site.name,
                code: Redacted.value(code),
                lifetime: codePolicy.lifetime,
              })
            }),
          ),
        ),

        prove: Effect.fn("EmailCodes.prove")(function* ({ token, code, replaces, client }) {
          const open = yield* attempts.open({ token, factor: "email-code", client })
          // Codes are sent in attempts that are kept, and only those have a token.
          if (open.stored === undefined) return yield* Effect.die(new Error("A token opened no attempt"))
          const attemptId = open.stored.attempt.id
          const key = { attemptId, hashes: yield* codes.candidates(attemptId, code), now: yield* DateTime.now }
          const email = yield* store.find(key)
          if (Option.isNone(email)) return yield* attempts.refuse(open, "wrong-code")
          return yield* mailboxes.prove({
            open,
            email: email.value,
            // The code was sent to an attempt, which knows its user, if anybody does.
            owner: null,
            replaces,
            confirm: Effect.map(store.consume(key), Option.isSome),
          })
        }),
      })
    }),
  )

/**
 * {@link layerWith} its defaults: letters, and whoever proves an address that nobody has signs up.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = layerWith({})

// internal

const rateLimited = (earlier: DateTime.Utc, now: DateTime.Utc): RateLimited => {
  const wait = Duration.toMillis(codePolicy.resendAfter) - (now.epochMilliseconds - earlier.epochMilliseconds)
  return new RateLimited({ retryAfter: Math.max(1, Math.ceil(wait / 1000)) })
}
