/**
 * Signing up with a password: the link that a mail carries and what it completes, and the way without one.
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { isEqualText } from "@belfry/core/ConstantTime"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { RateLimits } from "@belfry/core/RateLimits"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { type Email, isDisabled, type User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { VerificationTokenInvalid } from "@belfry/core/VerificationToken"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { AddressProofs } from "../AddressProofs.ts"
import { type PasswordHash, PasswordRequired } from "../Password.ts"
import { PasswordHasher } from "../PasswordHasher.ts"
import { browserTokenPrefix, limits, signUpPurpose } from "../PasswordRules.ts"
import type { Passwords } from "../Passwords.ts"
import { PasswordStore } from "../PasswordStore.ts"
import type { SignInContext } from "../SignInAttempt.ts"
import { SignInAttempts } from "../SignInAttempts.ts"
import type { PasswordChecks } from "./passwordChecks.ts"
import type { PasswordMails } from "./passwordMails.ts"

/** Builds the steps of a sign-up. */
export const make = Effect.fnUntraced(function* (checks: PasswordChecks, mails: PasswordMails) {
  const store = yield* PasswordStore
  const hasher = yield* PasswordHasher
  const users = yield* Users
  const attempts = yield* SignInAttempts
  const tokens = yield* VerificationTokens
  const rateLimits = yield* RateLimits
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const random = yield* SecureRandom.SecureRandom
  const browserHasher = yield* (yield* KeyRing).hasher("sign-up-browser")

  const proofs = yield* AddressProofs

  /** Makes the user of an address that was proved, in one transaction with what uses the proof up, and signs in. */
  const complete = Effect.fnUntraced(function* <E>(options: {
    readonly email: Email
    readonly name: string | null
    readonly passwordHash: PasswordHash
    readonly claim: (user: User) => Effect.Effect<unknown, E>
    readonly data?: { readonly proof: true }
    readonly context: SignInContext
    readonly replaces: Redacted.Redacted | undefined
    readonly client: ClientInfo
  }) {
    const { email, name, passwordHash, claim, data, context, replaces, client } = options
    return yield* transactions.run(
      Effect.gen(function* () {
        // The user first: of two proofs of one address the later waits here, where it holds nothing yet that the other
        // one revokes.
        const user = yield* users.signUp({ email, name, emailVerifiedAt: yield* DateTime.now }, client)
        yield* store.set(user.id, passwordHash, yield* DateTime.now)
        yield* claim(user)
        // Whoever else signed up with this address has not proved it.
        yield* tokens.revoke(signUpPurpose, email)
        yield* audit.record({
          type: "password.sign-up",
          userId: user.id,
          client,
          ...(data === undefined ? {} : { data }),
        })
        // What the policy demands of a sign-in it demands of the first one, too.
        const open = yield* attempts.begin({ token: undefined, factor: "password", client })
        return yield* attempts.prove({ open, user, amr: ["pwd"], context, replaces, confirm: Effect.void })
      }),
    )
  })

  const steps: Pick<Passwords["Service"], "signUp" | "confirmSignUp" | "signUpProved"> = {
    signUp: Effect.fn("Passwords.signUp")(function* ({ email, password, name, client }) {
      yield* checks.accept(password, email)
      yield* mails.limit(email, client)
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
            ? yield* mails.issueReset(email, owner)
            : yield* tokens.issue({
                purpose: signUpPurpose,
                subject: email,
                userId: null,
                payload: { email, name, passwordHash, browserHash },
              })
        }),
      )
      // Who is shut out gets no way in, and whoever asks learns nothing of it.
      if (!Option.exists(owner, isDisabled)) {
        yield* mails.sendLink(Option.isSome(owner) ? "alreadySignedUp" : "confirmSignUp", email, token)
      }
      return browser
    }),

    confirmSignUp: Effect.fn("Passwords.confirmSignUp")(function* (options) {
      const { token, browser, password, context = {}, replaces, client } = options
      const { id, payload } = yield* tokens.peek(signUpPurpose, token)
      const isSameBrowser =
        browser !== undefined &&
        (yield* browserHasher.candidates(browser)).some((hash) => isEqualText(hash, payload.browserHash))
      if (!isSameBrowser) {
        if (password === undefined) return yield* new PasswordRequired()
        yield* rateLimits.consume(limits.confirmByToken, id)
        const { matches } = yield* hasher.compare(password, Option.some(payload.passwordHash))
        if (!matches) return yield* checks.refuseBy("password.sign-up", Option.none(), client)("wrong-password")
      }
      const claim = () => tokens.consume(signUpPurpose, token)
      return yield* complete({ ...payload, claim, context, replaces, client }).pipe(
        // Somebody proved the address in another way since the mail was sent.
        Effect.catchTag("EmailTaken", () => Effect.fail(new VerificationTokenInvalid())),
      )
    }),

    signUpProved: Effect.fn("Passwords.signUpProved")(function* (options) {
      const { proof, password, name, context = {}, replaces, client } = options
      const found = yield* proofs.find(proof, client)
      if (Option.isNone(found)) return yield* new VerificationTokenInvalid()
      const email = found.value
      yield* checks.accept(password, email)
      yield* mails.limit(email, client)
      const passwordHash = yield* hasher.hash(password)
      const claim = (user: User) =>
        Effect.flatMap(proofs.claim(proof, user, client), (isClaimed) =>
          isClaimed ? Effect.void : Effect.fail(new VerificationTokenInvalid()),
        )
      return yield* complete({ email, name, passwordHash, claim, data: { proof: true }, context, replaces, client })
    }),
  }
  return steps
})
