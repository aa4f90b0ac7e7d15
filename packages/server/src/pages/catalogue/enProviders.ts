/**
 * The words of the hosted pages about other providers, in English: signing in with them, accounts that are linked.
 *
 * @since 0.1.0
 */

/**
 * The words about other providers, as part of the catalogue. `name` is always that of a provider.
 *
 * @category constructors
 * @since 0.1.0
 */
export const providerWords = {
  providers: {
    continue: (name: string) => `Continue with ${name}`,
    /** A provider whose name is not known. */
    unknown: "the other site",
    leaving: (name: string) => `You are being taken to ${name}. If nothing happens, follow the link.`,
    go: (name: string) => `Go to ${name}`,
  },

  connectedAccounts: {
    title: "Connected accounts",
    text: "You can sign in here with an account that you have elsewhere.",
    linked: (ago: string) => `Linked ${ago}`,
    link: (name: string) => `Link ${name}`,
    unlink: "Unlink",
    unlinkNamed: (name: string, ago: string) => `Unlink ${name}, linked ${ago}`,
  },

  unlinkAccount: {
    title: (name: string) => `Unlink your ${name} account?`,
    linked: (ago: string) => `You linked it ${ago}.`,
    text: (name: string) =>
      `You will not be able to sign in here with it any more. Your account at ${name} stays as it is.`,
    submit: "Unlink it",
    cancel: "Keep it",
  },

  signInError: {
    title: (name: string) => `We could not continue with ${name}`,
    again: (name: string) => `Try again with ${name}`,
    otherWay: "Sign in another way",
    otherFactor: "Choose another way",
    signInAndLink: "Sign in, then link it",
    /** What happened and what to do, by the code of the failure. */
    reasons: {
      access_denied: (name: string) => `It was cancelled, or not allowed, at ${name}. Nothing was changed.`,
      account_already_linked_to_different_user: (name: string) =>
        `This ${name} account belongs to another account here. Unlink it there first, or choose another account at ${name}.`,
      account_not_linked: (name: string) =>
        `There is an account here with the address of your ${name} account, and the two are not linked yet. Sign in the way you usually do. Then link ${name} under “Connected accounts” in your account.`,
      email_does_not_match: (name: string) =>
        `Your ${name} account has another e-mail address than your account here. Choose an account at ${name} with the same address, or change your address here first.`,
      email_missing: (name: string) =>
        `We did not get your e-mail address from ${name}, and we need it for your account. Allow ${name} to share it, or add an address to your account there. Then try again.`,
      id_token_sign_in_disabled: () => "This way of signing in is turned off here. Use the button below.",
      issuer_mismatch: unverified,
      issuer_missing: unverified,
      oauth_callback_failed: (name: string) =>
        `We could not use the answer of ${name}. Perhaps it is about another account than the one that you began with. Nothing was changed. Try again, or choose another way.`,
      oauth_code_verification_failed: unverified,
      provider_not_found: () => "This site does not know the way that you came. Choose another one.",
      rate_limited: () => "There were too many attempts. Wait a few minutes, then try again.",
      server_error: unavailable,
      signup_disabled: (name: string) =>
        `No account here goes with your ${name} account, and signing in does not create one. If you have an account here, sign in the way you usually do.`,
      state_mismatch: interrupted,
      state_not_found: interrupted,
      temporarily_unavailable: unavailable,
      user_info_missing: (name: string) =>
        `We did not learn from ${name} who you are. Try again, and allow ${name} to share your profile.`,
    },
    otherReason: (name: string) =>
      `Something went wrong on the way to ${name} and back. Nothing was changed. Try again, or choose another way.`,
  },
}

/**
 * What was done about accounts elsewhere, by the flag of the address that says so.
 *
 * @category constructors
 * @since 0.1.0
 */
export const providerDone = {
  "account-linked": "The account is linked. You can sign in with it from now on.",
  "account-unlinked": "The account was unlinked.",
  joined: "Your account is ready. Welcome!",
}

// internal

function interrupted() {
  return "It took too long, it was done already, or it began in another browser. Nothing was changed. Try again in this browser."
}

function unverified(name: string) {
  return `We could not make sure that the answer came from ${name}, so we did not use it. Nothing was changed. Try again. If this happens more than once, choose another way.`
}

function unavailable(name: string) {
  return `We get no answer from ${name} at the moment. Nothing was changed. Try again in a few minutes, or choose another way.`
}
