/**
 * The words of the hosted pages about applications that ask for access, in English: the way to one and back, consent,
 * logging out for one, access that was given.
 *
 * @since 0.1.0
 */
import { duration } from "./time.ts"

const locale = "en"

/**
 * The words about applications, as part of the catalogue. `name` is always that of an application, as it calls itself.
 *
 * @category constructors
 * @since 0.1.0
 */
export const authorizationWords = {
  authorization: {
    continueTo: (name: string) => `To continue to ${name}`,
    continueToUnverified: (name: string) =>
      `To continue to ${name}, which registered itself: nobody has checked who is behind it`,
    /** An application whose metadata document is at a host. */
    from: (name: string, host: string) => `${name} (${host})`,
    confirming: (name: string, email: string) => `${name} asks you to show that you are ${email}.`,
    cancel: (name: string) => `Cancel and go back to ${name}`,
    otherAccount: "Use another account",
  },

  selectAccount: {
    title: "Choose an account",
    text: (name: string) => `${name} asks which account you want to use.`,
    unverified: (name: string) => `${name} registered itself, and nobody has checked who is behind it.`,
    continueAs: (person: string) => `Continue as ${person}`,
    other: "You will be signed out of this account in this browser when you sign in to another one.",
  },

  consent: {
    title: (name: string) => `Allow ${name} to use your account?`,
    asks: (name: string) => `${name} asks to:`,
    given: "allowed before",
    asMember: (name: string) => `It gets access as a member of ${name}.`,
    otherOrganization: "Choose another organization",
    resources: "It asks for this at:",
    unverified: (name: string) =>
      `${name} registered itself, and nobody has checked who is behind it. Go on only if you started this yourself.`,
    loopback:
      "The answer goes to a program on this computer. Go on only if you have just started one that asks for it.",
    loopbackOfAny: (name: string) =>
      `The answer goes to a program on this computer, and any program here can say that it is ${name}. Go on only if you have just started it.`,
    website: (uri: string) => `It says that its website is ${uri}`,
    redirect: (host: string) => `You will be taken to ${host}`,
    application: "You will be taken to an application on this device.",
    terms: "Terms of service",
    policy: "Privacy policy",
    takeBack: "You can take this back at any time in your account, under “Applications with access”.",
    allow: "Allow",
    deny: "Deny",
  },

  /** What the scopes of OpenID Connect, of organizations and of this server's MCP tools mean, after “asks to”. */
  scopes: {
    openid: "know that it is you",
    profile: "see your name and picture",
    email: "see your e-mail address",
    offline_access: "keep its access while you are away",
    organization: "see which organization you use it for, and your roles there",
    "account:read": "see your account: your name, e-mail address and picture",
    "organizations:read": "see your organizations, with their members and invitations",
    "organizations:write": "invite and remove people and change their roles, in organizations where you may",
  },

  endSession: {
    title: "Sign out?",
    byClient: (name: string) => `${name} asks to sign you out here. You will be signed out on this device.`,
    text: "You will be signed out on this device.",
    submit: "Sign out",
    stay: "Stay signed in",
    done: "You are signed out",
    doneText: "You can close this window now.",
  },

  authorizationError: {
    title: "This cannot go on",
    developers: "For the developers of the application",
    /** What happened and what to do, by the code of the failure. */
    reasons: {
      access_denied: () => "Access was not allowed. Nothing was changed.",
      expired: () =>
        "This took too long, or it was done already. Go back to the application that you came from and start again there.",
      invalid_client: () =>
        "The application that you came from is not known here, or it was turned off. Ask the people who run it.",
      invalid_redirect_uri: () =>
        "The application that you came from asked to send you to an address that is not known to be its own, so you were not sent there. Ask the people who run it.",
      invalid_request: () =>
        "The application that you came from sent something that we cannot use. Go back to it and start again there.",
      other_browser: () =>
        "This was begun in another browser, or your browser keeps no cookies. Allow cookies for this site, go back to the application that you came from and start again there.",
      rate_limited: (seconds: number | undefined) =>
        seconds === undefined
          ? "There were too many attempts. Wait a minute, then try again."
          : `There were too many attempts. Try again in ${duration(locale, seconds)}.`,
      server_error: () => "The mistake is ours. Go back to the application that you came from and try again later.",
      temporarily_unavailable: () =>
        "We cannot answer at the moment. Nothing was lost. Go back to the application that you came from and try again.",
    },
    otherReason:
      "Something went wrong on the way from the application that you came from. Go back to it and start again there.",
  },

  applications: {
    title: "Applications with access",
    text: "These applications may use your account.",
    none: "No application has access to your account.",
    may: (what: string) => `It may ${what}.`,
    since: (ago: string) => `Allowed ${ago}`,
    offline: "also while you are away",
    idle: "It has no access at the moment, and gets it without asking you when you use it.",
    remove: "Remove access",
    removeNamed: (name: string) => `Remove access of ${name}`,
    end: "End",
    endNamed: (name: string, ago: string) => `End the access of ${name}, allowed ${ago}`,
    /** A list in words. */
    list: (items: ReadonlyArray<string>) => new Intl.ListFormat(locale, { type: "conjunction" }).format(items),
  },
}

/**
 * What was done about applications, by the flag of the address that says so.
 *
 * @category constructors
 * @since 0.1.0
 */
export const authorizationDone = {
  "access-ended": "This access was ended.",
  "access-removed": "The application has no access any more.",
}
