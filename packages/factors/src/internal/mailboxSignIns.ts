/**
 * What codes and links by mail have in common: whose mailbox is asked for, and what its proof opens.
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { AuthEvent } from "@belfry/core/AuthEvent"
import { AuthEvents } from "@belfry/core/AuthEvents"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import { make as makeMessage } from "@belfry/core/Mail"
import { MailQueue } from "@belfry/core/MailQueue"
import type { RenderedMail } from "@belfry/core/MailTemplate"
import { RateLimits } from "@belfry/core/RateLimits"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { type Email, isDisabled, type User, type UserId } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { Enrolments } from "../Enrolments.ts"
import { type SignInAttempt, type SignInContext, SignInRefused } from "../SignInAttempt.ts"
import { type OpenSignIn, SignInAttempts } from "../SignInAttempts.ts"
import type { SignInContinues } from "../SignInOutcome.ts"
import { limits } from "../SignInRules.ts"

/** Who asks for a mail: with `email` to begin a sign-in, without to go on with that of `token`. */
export interface MailRequest {
  readonly token?: Redacted.Redacted | undefined
  readonly email?: Email | undefined
  readonly context?: SignInContext
  readonly client: ClientInfo
}

/** The mailbox that a mail goes to, in which attempt, and whose it is. */
export interface Recipient {
  readonly attempt: SignInAttempt
  readonly email: Email
  readonly owner: User | undefined
}

/** A mailbox that somebody proved; `owner` whose it was when the mail was sent, as far as that is known. */
export interface MailboxProof {
  readonly open: OpenSignIn
  readonly email: Email
  readonly owner: UserId | null
  readonly replaces: Redacted.Redacted | undefined
  /** Uses up what was sent; false when it has been used already. */
  readonly confirm: Effect.Effect<boolean, StoreError>
}

/** Builds what a factor of the mailbox needs; `signUp` tells whether an address that nobody has makes a user. */
export const make = Effect.fnUntraced(function* (factor: "email-code" | "magic-link", signUp: boolean) {
  const attempts = yield* SignInAttempts
  const enrolments = yield* Enrolments
  const users = yield* Users
  const rateLimits = yield* RateLimits
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const events = yield* AuthEvents
  const queue = yield* MailQueue

  /** The attempt of a token as long as it goes on. */
  const current = (token: Redacted.Redacted, client: ClientInfo) =>
    attempts.get(token, client).pipe(
      Effect.map((state): SignInContinues => ({ _tag: "SignInContinues", state, token })),
      Effect.catchTag("SignInRefused", () => Effect.undefined),
    )

  const begin = Effect.fnUntraced(function* (email: Email, { token, context, client }: MailRequest) {
    const { stored } = yield* attempts.begin({ token, factor, client })
    const going = stored === undefined || token === undefined ? undefined : yield* current(token, client)
    const signIn = going ?? (yield* attempts.start({ ...(context === undefined ? {} : { context }), client }))
    return { signIn, email, owner: Option.getOrUndefined(yield* users.findByEmail(email)) }
  })

  const goOn = Effect.fnUntraced(function* ({ token, client }: MailRequest) {
    if (token === undefined) return yield* new SignInRefused({ reason: "invalid" })
    const state = yield* attempts.get(token, client)
    const { user, factors } = state
    if (user === null || !factors.includes(factor)) return yield* new SignInRefused({ reason: "factor-unavailable" })
    return { signIn: { _tag: "SignInContinues" as const, state, token }, email: user.email, owner: user }
  })

  /** The user that a proved mailbox makes or means. For use in the transaction of the proof. */
  const resolve = Effect.fnUntraced(function* ({ open, email, owner }: MailboxProof) {
    const { client } = open
    const now = yield* DateTime.now
    const found = open.user === undefined ? yield* users.findByEmail(email) : Option.some(open.user)
    if (Option.isNone(found)) {
      if (owner !== null) return yield* new MailboxRefused({ reason: "address-changed" })
      return signUp
        ? yield* users.signUp({ email, name: null, emailVerifiedAt: now }, client)
        : yield* new MailboxRefused({ reason: "unknown-address" })
    }
    const user = found.value
    if (isDisabled(user)) return yield* new MailboxRefused({ reason: "user-disabled" })
    if (user.email !== email || (owner !== null && owner !== user.id)) {
      return yield* new MailboxRefused({ reason: "address-changed" })
    }
    if (user.emailVerifiedAt !== null) return user
    // Who proved other factors of the account in this sign-in is who made it.
    if (open.user === undefined) yield* enrolments.takeOver(user.id, client)
    const verified = yield* Effect.catchTag(
      users.update(user.id, { emailVerifiedAt: now }, client),
      "UserNotFound",
      () => new MailboxRefused({ reason: "unknown-address" }),
    )
    // Proved is the address that the mail went to, not one that came meanwhile.
    if (verified.email !== email) return yield* new MailboxRefused({ reason: "address-changed" })
    yield* audit.record({ type: "email.verified", userId: user.id, client })
    yield* transactions.afterCommit(events.publish(AuthEvent.EmailVerified({ user: verified })))
    return verified
  })

  return {
    /**
     * Begins a sign-in or goes on with one, keeps what `write` makes and mails it. Does the same for an address that
     * nobody has, unless nobody may sign up: then all but the mail, and so for who is disabled.
     */
    send: Effect.fnUntraced(function* <E>(
      request: MailRequest,
      category: string,
      write: (recipient: Recipient) => Effect.Effect<RenderedMail, E>,
    ) {
      const { email: asked, client } = request
      yield* rateLimits.consume(limits.mailByAddress, rateLimitSubject(client.ipAddress))
      const { signIn, email, owner } = yield* asked === undefined ? goOn(request) : begin(asked, request)
      yield* transactions.run(
        Effect.gen(function* () {
          const mail = yield* write({ attempt: signIn.state.attempt, email, owner })
          // After `write`, which may find that it is too soon: a mail that is not sent must not count. Nothing is kept
          // where this refuses.
          yield* rateLimits.consume(limits.mailByAccount, email)
          yield* audit.record({
            type: `${factor}.requested`,
            client,
            ...(owner === undefined ? {} : { userId: owner.id }),
          })
          // What it brings must not arrive before it is in the store, nor when it never gets there.
          if (owner === undefined ? signUp : !isDisabled(owner)) {
            yield* transactions.afterCommit(queue.enqueue(makeMessage({ to: email, category, ...mail })))
          }
        }),
      )
      return signIn
    }),

    /** The attempt that the token of this browser opens, if any. */
    current: (token: Redacted.Redacted | undefined, client: ClientInfo) =>
      token === undefined ? Effect.undefined : Effect.map(current(token, client), (signIn) => signIn?.state.attempt),

    /** Writes down the proof of a mailbox. Who has no account signs up in the same transaction. */
    prove: Effect.fnUntraced(function* (proof: MailboxProof) {
      const { open, email, replaces } = proof
      const proving = transactions.run(
        Effect.gen(function* () {
          const user = yield* resolve(proof)
          return yield* attempts.prove({
            open,
            user,
            amr: ["email"],
            email,
            replaces,
            confirm: Effect.flatMap(proof.confirm, (isConfirmed) =>
              isConfirmed ? Effect.void : new MailboxRefused({ reason: "used" }),
            ),
          })
        }),
      )
      return yield* proving.pipe(
        // Somebody signed up with the address meanwhile: it is that user's mailbox that was proved.
        Effect.catchTag("EmailTaken", () => proving),
        Effect.catchTag("EmailTaken", () => new SignInRefused({ reason: "invalid" })),
        // Recorded here: a failure in the transaction would undo its own audit event.
        Effect.catchTag("MailboxRefused", ({ reason }) => attempts.refuse(open, reason)),
      )
    }),
  }
})

// internal

class MailboxRefused extends Data.TaggedError("MailboxRefused")<{
  readonly reason: "used" | "address-changed" | "unknown-address" | "user-disabled"
}> {}
