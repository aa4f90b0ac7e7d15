/**
 * Signing up with a password: the link that a mail carries, and what it completes.
 */
import { Audit } from "@belfry/core/Audit"
import { isEqualText } from "@belfry/core/ConstantTime"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { RateLimits } from "@belfry/core/RateLimits"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Users } from "@belfry/core/Users"
import { VerificationTokenInvalid } from "@belfry/core/VerificationToken"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { PasswordRequired } from "../Password.ts"
import { PasswordHasher } from "../PasswordHasher.ts"
import { browserTokenPrefix, limits, signUpPurpose } from "../PasswordRules.ts"
import type { Passwords } from "../Passwords.ts"
import { PasswordStore } from "../PasswordStore.ts"
import { SignInAttempts } from "../SignInAttempts.ts"
import type { PasswordChecks } from "./passwordChecks.ts"
import type { PasswordMails } from "./passwordMails.ts"

/** Builds the two steps of a sign-up. */
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

  const steps: Pick<Passwords["Service"], "signUp" | "confirmSignUp"> = {
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
      yield* mails.sendLink(Option.isSome(owner) ? "alreadySignedUp" : "confirmSignUp", email, token)
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
            // What the policy demands of a sign-in it demands of the first one, too.
            const open = yield* attempts.begin({ token: undefined, factor: "password", client })
            return yield* attempts.prove({ open, user, amr: ["pwd"], context, replaces, confirm: Effect.void })
          }),
        )
        .pipe(
          // Somebody proved the address in another way since the mail was sent.
          Effect.catchTag("EmailTaken", () => Effect.fail(new VerificationTokenInvalid())),
        )
    }),
  }
  return steps
})
