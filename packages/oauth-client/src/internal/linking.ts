/**
 * Who an account at a provider is here: the rules of sign-in, sign-up and linking, decided from facts alone.
 */
import type { Email, User, UserId } from "@belfry/core/User"
import type { OAuthProvider } from "../OAuthProvider.ts"
import type { OAuthErrorCode } from "../OAuthSignIn.ts"

/** What the provider's settings allow. */
export type LinkingGates = Pick<
  OAuthProvider,
  | "disableSignUp"
  | "disableImplicitSignUp"
  | "allowImplicitAccountLinking"
  | "allowDifferentLinkEmails"
  | "trustedForAccountLinking"
>

/** What is known of an account that somebody signs in by. */
export interface SignInFacts<Linked, Candidate> {
  readonly gates: LinkingGates
  /** The link that the account has. */
  readonly linked: Linked | null
  /** The address by the provider, in its one form; null where there is none. */
  readonly email: Email | null
  readonly emailVerified: boolean
  /** The user who has that address here. */
  readonly byEmail: Candidate | null
  /** Whether the request asked to let somebody new in. */
  readonly requestSignUp: boolean
}

/**
 * What becomes of a sign-in.
 *
 * `takesOver`: nobody ever proved the address of that user, so whoever made the account before must not stay in.
 */
export type SignInDecision<Linked, Candidate> =
  | { readonly _tag: "SignIn"; readonly linked: Linked }
  | { readonly _tag: "Link"; readonly user: Candidate; readonly takesOver: boolean }
  | { readonly _tag: "SignUp"; readonly email: Email; readonly emailVerified: boolean }
  | { readonly _tag: "Refuse"; readonly code: OAuthErrorCode }

/** Decides a sign-in. */
export const decideSignIn = <Linked, Candidate extends Pick<User, "emailVerifiedAt">>(
  facts: SignInFacts<Linked, Candidate>,
): SignInDecision<Linked, Candidate> => {
  const { gates, linked, email, emailVerified, byEmail, requestSignUp } = facts
  if (linked !== null) return { _tag: "SignIn", linked }
  if (email === null) return refuse("email_missing")
  if (byEmail !== null) {
    const isProved = byEmail.emailVerifiedAt !== null
    const isCertain = (emailVerified && isProved) || gates.trustedForAccountLinking
    return gates.allowImplicitAccountLinking && isCertain
      ? { _tag: "Link", user: byEmail, takesOver: !isProved }
      : refuse("account_not_linked")
  }
  if (gates.disableSignUp || (gates.disableImplicitSignUp && !requestSignUp)) return refuse("signup_disabled")
  return { _tag: "SignUp", email, emailVerified }
}

/** What is known of an account that somebody who is signed in links. */
export interface LinkFacts {
  readonly gates: LinkingGates
  readonly user: Pick<User, "id" | "email">
  readonly owner: UserId | null
  readonly email: Email | null
  readonly emailVerified: boolean
  /**
   * `id-token`: a client brought the account itself, so that no page of the provider told the person what is linked.
   */
  readonly by: "callback" | "id-token"
}

/** What becomes of a link; `Renew` is one that the user has already. */
export type LinkDecision =
  | { readonly _tag: "Link" }
  | { readonly _tag: "Renew" }
  | { readonly _tag: "Refuse"; readonly code: OAuthErrorCode }

/** Decides a link. */
export const decideLink = ({ gates, user, owner, email, emailVerified, by }: LinkFacts): LinkDecision => {
  if (by === "id-token" && !emailVerified && !gates.trustedForAccountLinking) return refuse("account_not_linked")
  if (email !== user.email && !gates.allowDifferentLinkEmails) return refuse("email_does_not_match")
  if (owner === null) return { _tag: "Link" }
  return owner === user.id ? { _tag: "Renew" } : refuse("account_already_linked_to_different_user")
}

/** Whether the provider proved the address that a user has and never proved here. */
export const provesAddress = (
  user: Pick<User, "email" | "emailVerifiedAt">,
  { email, emailVerified }: { readonly email: Email | null; readonly emailVerified: boolean },
): boolean => user.emailVerifiedAt === null && emailVerified && email === user.email

// internal

const refuse = (code: OAuthErrorCode) => ({ _tag: "Refuse" as const, code })
