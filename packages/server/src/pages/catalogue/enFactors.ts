/**
 * The words of the hosted pages about factors, in English: signing in by more than a password, and setting that up.
 *
 * @since 0.1.0
 */
import { duration } from "./time.ts"

const locale = "en"

/**
 * The words about factors, as part of the catalogue.
 *
 * @category constructors
 * @since 0.1.0
 */
export const factorWords = {
  passkey: {
    signIn: "Sign in with a passkey",
    use: "Use your passkey",
    create: "Create a passkey",
    cancelled: "Nothing happened: it was cancelled, or it took too long. Try again, or choose another way.",
    exists: "This device has a passkey for your account already.",
    failed: "That did not work. Load the page again and try once more, or choose another way.",
    needsScript: "A passkey needs a browser that knows passkeys and runs the script of this page.",
    refused: "This passkey could not be verified. Try again, or choose another way",
  },

  signInEmail: {
    title: "Sign in by e-mail",
    text: "Enter your address. We will send you a code to type in, or a link to follow.",
    instead: "Sign in by e-mail instead",
    sendCode: "Send me a code",
    sendLink: "Send me a link",
    withPassword: "Sign in with your password",
  },

  enterCode: {
    title: "Enter the code",
    sent: "We have sent a code to the address you entered. It works for 10 minutes, in this browser.",
    sentTo: (email: string) => `We have sent a code to ${email}. It works for 10 minutes, in this browser.`,
    hint: "Six characters from the mail. Capitals, spaces and dashes do not matter.",
    submit: "Go on",
    resend: "Send another code",
    resent: "Another code is on its way. The one before does not work any more.",
    again: "Use another address",
  },

  magicLink: {
    title: "Sign in",
    text: "One step is left: confirm that you want to sign in here.",
    submit: "Sign in",
    sent: "We have sent you a link. It works once, for 10 minutes, in this browser. Open it here.",
    withCode: "Send me a code instead",
    otherBrowser: {
      title: "Open the link in the other browser",
      text: "This link was asked for in another browser or on another device, and it works only there.",
      help: "Copy it from the mail into the browser where you began. If that was not you, do nothing: the link signs nobody in from here.",
    },
    again: "Sign in from here instead",
  },

  proof: {
    title: "One more step",
    signingInAs: (email: string) => `You are signing in as ${email}.`,
    confirming: (email: string) => `You are about to change something important in the account of ${email}.`,
    submit: "Go on",
    cancel: "Cancel",
    others: "Other ways",
    nothing: "Nothing is left that you could use here. Start again, or ask the people who run this site for help.",
    totp: {
      text: "Enter the code that your authenticator app shows now.",
      use: "Use your authenticator app instead",
    },
    hotp: {
      text: "Enter the next code of your code generator.",
      use: "Use your code generator instead",
      resync: "Your code generator gave codes that were not used? Enter two in a row",
      resyncText: "Enter two codes of your code generator, one right after the other.",
    },
    "backup-code": {
      text: "Enter one of the backup codes that you kept. It works once.",
      use: "Use a backup code instead",
    },
    password: { text: "Enter your password.", use: "Use your password instead" },
    "email-code": {
      text: (email: string) => `We will send a code to ${email}.`,
      use: "Use a code by e-mail instead",
    },
    "magic-link": {
      text: (email: string) => `We will send a link to ${email}. Open it in this browser.`,
      use: "Use a link by e-mail instead",
    },
    passkey: { text: "Use a passkey of your account.", use: "Use your passkey instead" },
    oauth: { text: "Use an account elsewhere that you have linked here.", use: "Use a linked account instead" },
  },

  refused: {
    invalid: {
      title: "Start again",
      text: "This sign-in took too long, or it was completed or cancelled elsewhere. Nothing was lost.",
    },
    locked: {
      title: "Too many wrong codes",
      text: "To keep your account safe, this sign-in was stopped. Start again.",
    },
    mismatch: {
      title: "This belongs to another account",
      text: "What you used is not of the account that you began to sign in to.",
    },
    again: "Start again",
    back: "Choose another way",
  },

  enrol: {
    title: "Set up a second step",
    text: "This site asks everybody for a second step besides the first one. Choose how you want to take it.",
    totp: "Authenticator app",
    totpText: "An app on your phone shows a code that changes every 30 seconds.",
    totpStart: "Set up an authenticator app",
    hotp: "Code generator",
    hotpText: "A device of its own that shows a new code whenever you press its button.",
    hotpStart: "Set up a code generator",
    passkey: "Passkey",
    passkeyText: "Your device signs you in by your finger, your face or its PIN. Nobody can steal it by a false page.",
    passkeyStart: "Set up a passkey",
  },

  totp: {
    title: "Set up your authenticator app",
    intro: "You need an authenticator app on your phone. From then on you enter its code when you sign in.",
    start: "Show me the code to scan",
    scan: "Scan this with your authenticator app.",
    image: "QR code with the secret for your authenticator app",
    secret: "No camera? Type this secret into the app:",
    open: "Open the app on this device",
    confirm: "Then enter the code that the app shows.",
    wrong: "The code is not right. Enter the one that the app shows now, and check the clock of your phone",
    submit: "Turn it on",
  },

  hotp: {
    title: "Set up your code generator",
    intro:
      "A code generator shows a new code whenever you press its button. From then on you enter one when you sign in.",
    secretHint: "Only if it came with one. Otherwise you get one to put in.",
    start: "Go on",
    scan: "Put this secret into your code generator: scan it, or type it in.",
    image: "QR code with the secret for your code generator",
    secret: "The secret:",
    open: "Open the app on this device",
    confirm: "Then press its button and enter the first code.",
    wrong: "The code is not right. Enter the first code that it shows",
    submit: "Turn it on",
  },

  addPasskey: {
    title: "Add a passkey",
    text: "Your device keeps the passkey and asks for your finger, your face or its PIN when you sign in.",
    nameHint: "So that you know it again, for instance by its device.",
  },

  editPasskey: {
    title: "Your passkey",
    save: "Save name",
    remove: "Remove this passkey",
  },

  backupCodes: {
    title: "Save your backup codes",
    text: "Each of these codes works once, when your other ways are out of reach. They are shown only now.",
    keep: "Print them, or keep them in a password manager.",
    owner: (siteName: string, email: string) => `Backup codes of ${email} for ${siteName}`,
    copy: "Copy",
    copied: "Copied.",
    print: "Print",
    saved: "I have saved them",
    newTitle: "Backup codes",
    left: (count: number) =>
      count === 0 ? "No code is left." : count === 1 ? "One code is left." : `${count} codes are left.`,
    newText: "When you make new codes, those from before do not work any more.",
    make: "Make new codes",
  },

  methods: {
    title: "How you sign in",
    password: "Password",
    passwordSet: "Set.",
    passwordNone: "You have none.",
    passwordChange: "Change password",
    passwordSetUp: "Set a password",
    totp: "Authenticator app",
    hotp: "Code generator",
    passkeys: "Passkeys",
    noPasskeys: "None yet. A passkey is the safest way to sign in, and the quickest.",
    backupCodes: "Backup codes",
    backupCodesLater: "You get them when you set up one of the ways above.",
    fewLeft: "Make new ones before you run out.",
    on: "On",
    off: "Off",
    setUp: "Set up",
    remove: "Remove",
    change: "Change",
    changeNamed: (name: string) => `Change ${name}`,
    addPasskey: "Add a passkey",
    newCodes: "New codes",
    added: (ago: string) => `Added ${ago}`,
    used: (ago: string) => `last used ${ago}`,
    neverUsed: "never used",
    backedUp: "kept in sync",
  },

  remove: {
    title: {
      password: "Remove your password?",
      totp: "Remove your authenticator app?",
      hotp: "Remove your code generator?",
      passkey: "Remove this passkey?",
    },
    text: {
      password: "You will sign in by your other ways only. You can set a new password at any time.",
      totp: "You will not be asked for its codes any more. Your account is less safe without it.",
      hotp: "You will not be asked for its codes any more. Your account is less safe without it.",
      passkey: "You will not be able to sign in with it any more. Delete it on your device, too.",
    },
    named: (name: string) => `Passkey: ${name}`,
    submit: "Remove it",
    cancel: "Keep it",
  },
}

/**
 * What was done about factors, by the flag of the address that says so.
 *
 * @category constructors
 * @since 0.1.0
 */
export const factorDone = {
  "totp-added": "Your authenticator app is set up.",
  "totp-removed": "Your authenticator app was removed.",
  "hotp-added": "Your code generator is set up.",
  "hotp-removed": "Your code generator was removed.",
  "passkey-added": "Your passkey was added.",
  "passkey-renamed": "The name of your passkey was saved.",
  "passkey-removed": "Your passkey was removed.",
  "password-removed": "Your password was removed.",
  "codes-saved": "Keep your backup codes where you find them.",
}

/**
 * What can be wrong with what was entered about factors.
 *
 * @category constructors
 * @since 0.1.0
 */
export const factorProblems = {
  code: (triesLeft: number | null) =>
    triesLeft === null
      ? "The code is not right"
      : triesLeft === 1
        ? "The code is not right. You have one try left"
        : `The code is not right. You have ${triesLeft} tries left`,
  limitedCode: (seconds: number) => `A code was sent already. You can ask for another in ${duration(locale, seconds)}`,
  lastWay: "This is the only way in that you have. Set up another one first, then remove this one",
  secret: "This secret cannot be used. Check how you typed it: letters and the digits 2 to 7, at least 26 of them",
}

/**
 * The fields of forms about factors.
 *
 * @category constructors
 * @since 0.1.0
 */
export const factorFields = {
  code: { label: "Code", missing: "Enter the code", invalid: "Enter a shorter code" },
  nextCode: { label: "Next code", missing: "Enter the next code, too", invalid: "Enter a shorter code" },
  passkeyName: {
    label: "Name",
    missing: "Enter a name",
    invalid: "Enter a name of at most 100 characters, in one line",
  },
  secret: { label: "Secret of the device", missing: "Enter the secret", invalid: "Enter a shorter secret" },
}
