/**
 * Every word of the hosted pages, in English. Another language is another file of this shape.
 *
 * Sentences are whole, so that a translation may turn them round. Nothing here is HTML.
 *
 * @since 0.1.0
 */
import { authorizationDone, authorizationWords } from "./enAuthorization.ts"
import { billingFields, billingProblems, billingWords } from "./enBilling.ts"
import { factorDone, factorFields, factorProblems, factorWords } from "./enFactors.ts"
import { organizationFields, organizationProblems, organizationWords } from "./enOrganizations.ts"
import { providerDone, providerWords } from "./enProviders.ts"
import { money } from "./money.ts"
import { ago, dayOf, duration } from "./time.ts"

const locale = "en"

/**
 * The hosted pages in English.
 *
 * @category constructors
 * @since 0.1.0
 */
export const english = {
  /** BCP 47 tag, for `lang` and `Accept-Language`. */
  locale,
  direction: "ltr",

  ...factorWords,
  ...providerWords,
  ...authorizationWords,
  ...organizationWords,
  ...billingWords,

  time: {
    /**
     * How long ago, in words: `3 hours ago`; a date when that is more than a month. Both in milliseconds of the epoch.
     */
    ago: (then: number, now: number) => (now - then < 60_000 ? "just now" : ago(locale, then, now)),
    date: (then: number) => dayOf(locale, then),
    in: (seconds: number) => duration(locale, seconds),
  },

  /** An amount in the smallest unit of its currency: `€12.00`. */
  money: (amount: number, currency: string) => money(locale, amount, currency),

  common: {
    errorTitle: (title: string) => `Error: ${title}`,
    summaryTitle: "There is a problem",
    back: "Back to your account",
    signIn: "Sign in",
    showPassword: "Show",
    hidePassword: "Hide",
    showPasswordHint: "Show the password",
    hidePasswordHint: "Hide the password",
    passwordHint: "At least 8 characters. Several words are easy to remember and hard to guess.",
    optional: "optional",
  },

  fields: {
    email: { label: "E-mail address", missing: "Enter your e-mail address", invalid: emailForm() },
    newEmail: { label: "New e-mail address", missing: "Enter the new e-mail address", invalid: emailForm() },
    name: {
      label: "Name",
      missing: "Enter your name",
      invalid: "Enter a name of at most 200 characters, in one line",
    },
    password: { label: "Password", missing: "Enter your password", invalid: "Enter a shorter password" },
    chosenPassword: { label: "Password", missing: "Choose a password", invalid: "Choose a shorter password" },
    currentPassword: {
      label: "Current password",
      missing: "Enter your current password",
      invalid: "The current password is not right",
    },
    newPassword: { label: "New password", missing: "Choose a new password", invalid: "Choose a shorter password" },
    ...factorFields,
    ...organizationFields,
    ...billingFields,
  },

  problems: {
    "too-short": "Choose a password of at least 8 characters",
    "too-long": "Choose a shorter password",
    common: "Choose another password: this one is easy to guess",
    credentials: "The e-mail address or the password is not right",
    wrongPassword: "The password is not right",
    sameEmail: "This is your address already",
    unverifiedEmail: "Confirm your e-mail address first: ask for a link below. Then choose a password",
    limited: (seconds: number) => `Too many attempts. Try again in ${duration(locale, seconds)}`,
    limitedMail: (seconds: number) => `Too many messages were asked for. Try again in ${duration(locale, seconds)}`,
    cookies: "Your browser did not keep the cookie that signs you in. Allow cookies for this site, then try again",
    sessionOver: "You were signed out. Sign in to go on",
    ...factorProblems,
    ...organizationProblems,
    ...billingProblems,
    deletionRefused: (reason: string) => `Your account cannot be deleted now: ${reason}`,
  },

  done: {
    "signed-out": "You are signed out.",
    "account-deleted": "Your account and everything in it was deleted.",
    "password-reset": "Your new password is set. Sign in with it. All your devices were signed out.",
    "email-verified": "Your e-mail address is confirmed.",
    "email-changed": "Your new e-mail address is in use.",
    welcome: "Your e-mail address is confirmed. Welcome!",
    confirmed: "Thank you, it is you. Go on where you were.",
    "name-saved": "Your name was saved.",
    "verification-sent": "We have sent you a link. Follow it to confirm your address.",
    "email-change-sent": "We have sent a link to the new address. Your address changes when you follow it.",
    "password-changed": "Your password was changed. Your other devices were signed out.",
    "session-revoked": "That device was signed out.",
    "sessions-revoked": "Your other devices were signed out.",
    ...factorDone,
    ...providerDone,
    ...authorizationDone,
  },

  signIn: {
    title: "Sign in",
    submit: "Sign in",
    forgot: "Forgot your password?",
    noAccount: "No account yet?",
    signUp: "Create an account",
  },

  signUp: {
    title: "Create an account",
    submit: "Create account",
    haveAccount: "Have an account already?",
    signIn: "Sign in",
  },

  checkMail: {
    title: "Check your mail",
    signUp:
      "We have sent a message to the address you entered. Follow its link within 24 hours to confirm the address.",
    forgot: "If the address you entered has an account, we have sent it a link. It works once, for an hour.",
    nothing: "Nothing there? It can take a few minutes. Look in the spam folder, and check how the address is spelled.",
    again: "Enter the address again",
  },

  confirmSignUp: {
    title: "Confirm your address",
    text: "One step is left: confirm that this address is yours. You will be signed in.",
    otherBrowser:
      "You signed up in another browser. To show that it was you, enter the password that you chose when signing up.",
    submit: "Confirm and sign in",
  },

  verifyEmail: {
    title: "Confirm your address",
    text: "Confirm that this address belongs to you.",
    submit: "Confirm my address",
  },

  confirmEmailChange: {
    title: "Confirm your new address",
    text: "Your account will use the new address from now on, also to sign in.",
    submit: "Use this address",
    taken: {
      title: "This address is in use",
      text: "Another account uses this address by now. Your address stays as it was.",
    },
  },

  forgot: {
    title: "Forgot your password?",
    text: "Enter the address of your account. We will send you a link to set a new password.",
    submit: "Send me a link",
    remembered: "Remembered it?",
  },

  reset: {
    title: "Set a new password",
    text: "All your devices will be signed out. Then sign in with the new password.",
    submit: "Set new password",
  },

  account: {
    title: "Your account",
    signedInAs: (email: string) => `Signed in as ${email}`,
    signOut: "Sign out",
    profile: "Profile",
    nameHint: "How you are called here.",
    saveName: "Save name",
    email: "E-mail address",
    verified: "Confirmed",
    unverified: "Not confirmed",
    unverifiedText: "Confirm this address to be sure that you can get back into your account.",
    sendVerification: "Send me a link",
    changeEmail: "Send a link to the new address",
    changeEmailHint: "Your address stays until you follow the link.",
    confirmForEmail: "Change e-mail address",
    confirmHint: "You will be asked to show that it is you first.",
    password: "Password",
    passwordText: "Changing it signs out your other devices.",
    noPasswordText: "You have no password. With one you have another way to sign in.",
    changePassword: "Change password",
    setPassword: "Set a password",
    removePassword: "Remove password",
    sessions: "Where you are signed in",
    thisDevice: "This device",
    onlyThis: "You are signed in on this device alone.",
    signedIn: (ago: string) => `Signed in ${ago}`,
    /** Sessions note their use once a day, so a use within the last day has no time. */
    lastUsed: (ago: string) => `Last used ${ago}`,
    usedToday: "Used within the last day",
    revoke: "Sign out",
    revokeNamed: (device: string, ago: string) => `Sign out ${device}, signed in ${ago}`,
    revokeOthers: "Sign out all other devices",
    danger: "Delete account",
    dangerText: "Your account and everything in it is deleted at once. This cannot be undone.",
    startDelete: "Delete my account",
  },

  confirmAccess: { title: "Confirm that it is you" },

  deleteAccount: {
    title: "Delete your account?",
    text: (email: string) =>
      `The account of ${email} and everything in it will be deleted at once, and all your devices signed out. This cannot be undone.`,
    submit: "Delete my account for good",
    cancel: "Keep my account",
  },

  signOut: {
    title: "Sign out?",
    text: "You will be signed out on this device.",
    submit: "Sign out",
  },

  expired: {
    title: "This link does not work any more",
    text: "It was used already, or it is too old. If you have just used it, all is well.",
    signUp: "Sign up again",
    forgot: "Send me a new link",
    account: "Go to your account",
  },

  failures: {
    notFound: { title: "Page not found", text: "There is no page at this address. Check how it is spelled." },
    forbidden: {
      title: "This request came from elsewhere",
      text: "It was not sent from a page of this site, so nothing was done. Open the page and try again.",
    },
    badForm: {
      title: "This form could not be read",
      text: "It came in a form that we cannot read, so nothing was done. Go back and try again.",
    },
    tooLarge: { title: "This form is too large", text: "Nothing was done. Go back and enter less." },
    limited: {
      title: "Too many attempts",
      text: (seconds: number) => `Please wait. You can try again in ${duration(locale, seconds)}.`,
    },
    unavailable: {
      title: "We will be right back",
      text: "The site cannot answer at the moment. Nothing was lost. Try again in a few seconds.",
    },
    internal: {
      title: "Something went wrong",
      text: "The mistake is ours, and it was written down. Try again later.",
    },
    home: "Go to the start page",
  },

  devices: {
    on: (browser: string, system: string) => `${browser} on ${system}`,
    unknown: "Unknown device",
  },
}

// internal

function emailForm() {
  return "Enter an e-mail address like name@example.com"
}
