/**
 * What a person has and does beside a password: an authenticator app, backup codes, a mailbox with codes, passkeys.
 */
import * as Authenticator from "@belfry/testing/Authenticator"
import { assert } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import type { CDPSession } from "playwright-core"
import type { Visitor } from "./Visitor.ts"

/** An authenticator app with the secret that a page shows. */
export class App {
  private readonly codes: Authenticator.Authenticator
  private step = 0

  constructor(secret: string) {
    this.codes = Authenticator.type(Redacted.make(secret))
  }

  /** A code that was not used yet: of this step, or of the next one, which is accepted already. So two within 30 s. */
  code(): string {
    const step = Math.max(this.step + 1, Math.floor(Date.now() / stepMillis))
    assert.isAtMost(step * stepMillis, Date.now() + stepMillis, "the app has no code left that is accepted now")
    this.step = step
    return Redacted.value(this.codes.code(step))
  }

  /** A code that the app does not show. */
  wrongCode(): string {
    const now = Math.floor(Date.now() / stepMillis)
    const shown = [-2, -1, 0, 1, 2].map((step) => Redacted.value(this.codes.code(now + step)))
    return ["111111", "222222", "333333", "444444", "555555", "666666"].find((code) => !shown.includes(code)) ?? ""
  }
}

/** A code generator with the secret that a page shows. */
export class Generator {
  private readonly codes: Authenticator.Authenticator
  private presses = 0

  constructor(secret: string) {
    this.codes = Authenticator.type(Redacted.make(secret))
  }

  /** The next code. */
  press(): string {
    return Redacted.value(this.codes.code(this.presses++))
  }
}

/** What a page of setting up an app shows, typed into an app. */
export const readSecret = async ({ page }: Visitor): Promise<string> =>
  (await page.locator("#secret").innerText()).replaceAll(/\s/gu, "")

/** The backup codes that a page shows. */
export const readBackupCodes = ({ page }: Visitor): Promise<ReadonlyArray<string>> =>
  page.locator("#codes").getByRole("listitem").allInnerTexts()

/** Sets up an app from the page that offers it, up to the page with the backup codes. */
export const confirmApp = async (visitor: Visitor): Promise<App> => {
  const app = new App(await readSecret(visitor))
  await visitor.enter({ Code: app.code() })
  assert.strictEqual(await visitor.press("Turn it on"), 200)
  assert.strictEqual(await visitor.heading(), "Save your backup codes")
  return app
}

/** Sets up an app in the account, and keeps its backup codes: the account page again. The mail of it is read. */
export const addApp = async (
  visitor: Visitor,
  email: string,
): Promise<{ readonly app: App; readonly backupCodes: ReadonlyArray<string> }> => {
  await visitor.go("/account")
  await visitor.follow("Set up: Authenticator app")
  await visitor.press("Show me the code to scan")
  const app = await confirmApp(visitor)
  const backupCodes = await readBackupCodes(visitor)
  await visitor.follow("I have saved them")
  assert.strictEqual(await visitor.notice(), "Your authenticator app is set up.")
  assert.strictEqual(
    (await visitor.site.readMail(email)).subject,
    "You can now sign in to Belfry with an authenticator app",
  )
  return { app, backupCodes }
}

/** Asks for a code by mail, by the page of signing in. */
export const askForCode = async (visitor: Visitor, email: string): Promise<void> => {
  await visitor.go("/sign-in")
  await visitor.follow("Sign in by e-mail instead")
  await visitor.enter({ "E-mail address": email })
  await visitor.press("Send me a code")
  assert.strictEqual(await visitor.heading(), "Enter the code")
}

/** Asks for a link by mail, by the page of signing in. */
export const askForLink = async (visitor: Visitor, email: string): Promise<void> => {
  await visitor.go("/sign-in")
  await visitor.follow("Sign in by e-mail instead")
  await visitor.enter({ "E-mail address": email })
  await visitor.press("Send me a link")
  assert.strictEqual(await visitor.heading(), "Check your mail")
}

/** The code of the next message to an address. */
export const mailedCode = async ({ site }: Visitor, email: string): Promise<string> => {
  const { text } = await site.readMail(email)
  const code = /^[A-Z]{6}$/mu.exec(text)?.[0]
  if (code === undefined) throw new Error(`No code in the message:\n${text}`)
  return code
}

/** What the API says of the session of this browser, for those who ask how it was opened. */
export const evidence = async ({ page }: Visitor) => {
  const response = await page.request.get("/auth/session")
  assert.strictEqual(response.status(), 200)
  const { amr, acr } = Schema.decodeUnknownSync(Answer)(await response.json()).session
  return { amr, acr }
}

/** Whether somebody is signed in in this browser. */
export const isSignedIn = async ({ page }: Visitor): Promise<boolean> =>
  (await page.request.get("/auth/session")).status() === 200

/** Gives the browser of a visitor a device that keeps passkeys and knows its owner. It says yes to all, at once. */
export const addDevice = async ({ page }: Visitor): Promise<Device> => {
  const session = await page.context().newCDPSession(page)
  await session.send("WebAuthn.enable")
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return new Device(session, authenticatorId)
}

/** A device that keeps passkeys. */
export class Device {
  private readonly session: CDPSession
  private readonly authenticatorId: string

  constructor(session: CDPSession, authenticatorId: string) {
    this.session = session
    this.authenticatorId = authenticatorId
  }

  /** Whether its owner touches it when it asks. */
  async setTouched(enabled: boolean): Promise<void> {
    await this.session.send("WebAuthn.setAutomaticPresenceSimulation", { ...this.which, enabled })
  }

  /** Whether it knows its owner when it is asked to verify. */
  async setVerified(isUserVerified: boolean): Promise<void> {
    await this.session.send("WebAuthn.setUserVerified", { ...this.which, isUserVerified })
  }

  /** How many passkeys it keeps. */
  async count(): Promise<number> {
    return (await this.session.send("WebAuthn.getCredentials", this.which)).credentials.length
  }

  /** Forgets its passkeys, as a device does that was reset. */
  async forget(): Promise<void> {
    await this.session.send("WebAuthn.clearCredentials", this.which)
  }

  private get which() {
    return { authenticatorId: this.authenticatorId }
  }
}

/** Adds a passkey in the account of a visitor who has a device: the account page, or the backup codes of the first. */
export const addPasskey = async (visitor: Visitor, name: string): Promise<void> => {
  await visitor.go("/account")
  await visitor.follow("Add a passkey")
  await visitor.enter({ "Name (optional)": name })
  await visitor.press("Create a passkey")
}

// internal

const stepMillis = 30_000

const Answer = Schema.Struct({
  session: Schema.Struct({ amr: Schema.Array(Schema.String), acr: Schema.NullOr(Schema.String) }),
})
