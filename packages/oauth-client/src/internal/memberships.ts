/**
 * What becomes of somebody who arrives from a provider, written down: signed in, linked or signed up, all or nothing.
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { AuthEvent } from "@belfry/core/AuthEvent"
import { AuthEvents } from "@belfry/core/AuthEvents"
import type { LinkedAccount } from "@belfry/core/LinkedAccount"
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { isDisabled, type User, type UserId, type UserPatch } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { SignInGate } from "../SignInGate.ts"
import { decideLink, decideSignIn, type LinkFacts, provesAddress } from "./linking.ts"
import type { Answer } from "./providerAnswers.ts"
import { GateRefusal, refuse } from "./refusals.ts"

/** A sign-in by what a provider answered. `returnTo` is where to, depending on whether the user is new. */
export interface SignInRequest {
  readonly answer: Answer
  readonly requestSignUp: boolean
  readonly returnTo: (isNewUser: boolean) => string | null
  readonly attemptToken: Redacted.Redacted | null
  readonly replaces: Redacted.Redacted | null
  readonly client: ClientInfo
}

/** A link of what a provider answered to a user. */
export interface LinkRequest {
  readonly answer: Answer
  readonly userId: UserId
  readonly by: LinkFacts["by"]
  readonly client: ClientInfo
}

/** Builds both ways in over users, links, sessions and the gate. */
export const make = Effect.gen(function* () {
  const users = yield* Users
  const accounts = yield* LinkedAccounts
  const gate = yield* SignInGate
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const events = yield* AuthEvents

  /** The account with its user, its tokens renewed unless the provider's settings keep them as they are. */
  const findLinked = ({ provider, arrival, tokens }: Answer, isRenewed: boolean) =>
    accounts.renew({ providerId: provider.id, accountId: arrival.accountId, tokens: isRenewed ? tokens : null })

  const link = Effect.fnUntraced(function* ({ provider, arrival, tokens }: Answer, userId: UserId, client: ClientInfo) {
    const { accountId } = arrival
    return yield* accounts.link({ userId, providerId: provider.id, accountId, tokens, client })
  })

  const update = Effect.fnUntraced(function* (user: User, patch: UserPatch, client: ClientInfo) {
    if (Object.keys(patch).length === 0) return user
    const updated = yield* Effect.catchTag(users.update(user.id, patch, client), "UserNotFound", () =>
      refuse("oauth_callback_failed", { detail: "user gone" }),
    )
    if (patch.emailVerifiedAt !== undefined) {
      yield* audit.record({ type: "email.verified", userId: user.id, client })
      yield* transactions.afterCommit(events.publish(AuthEvent.EmailVerified({ user: updated })))
    }
    return updated
  })

  /** The address that the provider proved, if it is this user's and was not proved before. */
  const verification = Effect.fnUntraced(function* (user: User, { arrival }: Answer) {
    return provesAddress(user, arrival) ? { emailVerifiedAt: yield* DateTime.now } : {}
  })

  const refresh = Effect.fnUntraced(function* (user: User, answer: Answer, client: ClientInfo) {
    return yield* update(user, { ...overridden(user, answer), ...(yield* verification(user, answer)) }, client)
  })

  const resolve = Effect.fnUntraced(function* ({ answer, requestSignUp, client }: SignInRequest) {
    const { provider, arrival, tokens } = answer
    const { email, emailVerified, name, image } = arrival
    const linked = Option.getOrNull(yield* findLinked(answer, provider.updateAccountOnSignIn))
    // Who has a link signs in by it, whatever address the provider tells today.
    const byEmail = linked !== null || email === null ? null : Option.getOrNull(yield* users.findByEmail(email))
    // Before anything is linked or changed. Whoever comes proved the account there, and is told no more than that.
    const known = linked?.user ?? byEmail
    if (known !== null && isDisabled(known)) {
      return yield* refuse("oauth_callback_failed", { detail: "user disabled", userId: known.id })
    }
    const decision = decideSignIn({ gates: provider, linked, email, emailVerified, byEmail, requestSignUp })
    switch (decision._tag) {
      case "SignIn": {
        const { account, user } = decision.linked
        return { user: yield* refresh(user, answer, client), account: { ...account, tokens }, isNewUser: false }
      }
      case "Link": {
        const { user, takesOver } = decision
        if (takesOver) yield* gate.takeOver(user.id, client)
        const account = yield* link(answer, user.id, client)
        return { user: yield* refresh(user, answer, client), account, isNewUser: false }
      }
      case "SignUp": {
        const emailVerifiedAt = decision.emailVerified ? yield* DateTime.now : null
        const user = yield* users.signUp({ email: decision.email, name, image, emailVerifiedAt }, client)
        return { user, account: yield* link(answer, user.id, client), isNewUser: true }
      }
      case "Refuse":
        return yield* refuse(decision.code, byEmail === null ? {} : { userId: byEmail.id })
    }
  })

  return {
    signIn: Effect.fnUntraced(function* (request: SignInRequest) {
      const { attemptToken: token, replaces, client } = request
      const attempt = transactions.run(
        Effect.gen(function* () {
          const outcome = yield* resolve(request)
          const { user, isNewUser } = outcome
          const signIn = yield* Effect.catchTag(
            gate.prove({
              token,
              user,
              returnTo: request.returnTo(isNewUser),
              replaces,
              client,
            }),
            "GateRefused",
            (error) => new GateRefusal({ error, userId: user.id }),
          )
          return { ...outcome, signIn }
        }),
      )
      return yield* attempt.pipe(
        // Somebody of that address, or with that account, came in meanwhile: it is that user who signs in.
        Effect.catchTag(["EmailTaken", "AccountLinkedElsewhere"], () => attempt),
        Effect.catchTags({
          EmailTaken: () => refuse("account_not_linked"),
          AccountLinkedElsewhere: () => refuse("account_already_linked_to_different_user"),
        }),
      )
    }),

    link: Effect.fnUntraced(function* ({ answer, userId, by, client }: LinkRequest) {
      const { provider, arrival, tokens } = answer
      const linking = transactions.run(
        Effect.gen(function* () {
          const user = yield* Effect.catchTag(users.get(userId), "UserNotFound", () => refuse("state_mismatch"))
          if (isDisabled(user)) return yield* refuse("state_mismatch", { userId })
          const linked = yield* findLinked(answer, false)
          const owner = Option.isSome(linked) ? linked.value.user.id : null
          const { email, emailVerified } = arrival
          const decision = decideLink({ gates: provider, user, owner, email, emailVerified, by })
          if (decision._tag === "Refuse") return yield* refuse(decision.code, { userId })
          // A renewal keeps the refresh token that the provider left out this time.
          const renewed = decision._tag === "Renew" ? yield* findLinked(answer, true) : Option.none()
          const account: LinkedAccount = Option.isSome(renewed)
            ? { ...renewed.value.account, tokens }
            : yield* link(answer, userId, client)
          return { user: yield* update(user, yield* verification(user, answer), client), account }
        }),
      )
      return yield* Effect.catchTags(linking, {
        EmailTaken: () => refuse("oauth_callback_failed", { userId }),
        AccountLinkedElsewhere: () => refuse("account_already_linked_to_different_user", { userId }),
      })
    }),
  }
})

// internal

/** Name and image as the provider has them now, where its settings let it say. */
const overridden = (user: User, { provider, arrival: { name, image } }: Answer): UserPatch =>
  provider.overrideUserInfoOnSignIn
    ? {
        ...(name === null || name === user.name ? {} : { name }),
        ...(image === null || image === user.image ? {} : { image }),
      }
    : {}
