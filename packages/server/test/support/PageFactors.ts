/**
 * What people do on the pages about factors, in a line each: apps, mails, authenticators, and what the pages show.
 */
import { Sessions } from "@belfry/core/Sessions"
import { AuthenticationOptions, RegistrationOptions } from "@belfry/factors/WebAuthn"
import * as Authenticator from "@belfry/testing/Authenticator"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert } from "@effect/vitest"
import { DateTime, Effect, Redacted, Schema } from "effect"
import { type Browser, signUp, type Visited } from "./PageBrowser.ts"

/** The origin of the site in page tests. */
export const origin = "https://id.example.com"

/** The code of the last mail to an address. */
export const mailedCode = Effect.fnUntraced(function* (to: string) {
  const mailer = yield* CapturingMailer.CapturingMailer
  const { text } = yield* mailer.takeLast(to, "sign-in-code")
  return /^[A-Z0-9]{6}$/mu.exec(text)?.[0] ?? ""
})

/** Another code than the right one, of the same form. */
export const otherThan = (code: string): string => (code === "BCDFGH" ? "ZXWVTS" : "BCDFGH")

/** The secret that a page shows to be typed. */
export const secretOf = (page: Visited): string => /<code id="secret">([^<]+)</u.exec(page.text)?.[1] ?? ""

/** What an app with this secret shows now. */
export const appCode = (secret: string) =>
  Effect.map(DateTime.now, (now) => Redacted.value(Authenticator.type(Redacted.make(secret)).codeAt(now)))

/** The backup codes that a page shows. */
export const backupCodesOf = (page: Visited): ReadonlyArray<string> =>
  [...page.text.matchAll(/<li><code>([^<]+)<\/code><\/li>/gu)].map(([, code]) => code ?? "")

/** Sets up an authenticator app in the account; the secret and the backup codes. */
export const setUpTotp = Effect.fnUntraced(function* (visitor: Browser) {
  const started = yield* visitor.submit("/account/totp", { action: "start" })
  assert.deepStrictEqual([started.status, started.location], [303, "/account/totp"])
  const secret = secretOf(yield* visitor.open("/account/totp"))
  const page = yield* visitor.submit("/account/totp", { action: "confirm", code: yield* appCode(secret) })
  assert.strictEqual(page.status, 200)
  return { secret, backupCodes: backupCodesOf(page) }
})

/** Signs up and sets up an authenticator app. The code of the present time step is used up. */
export const signUpWithTotp = Effect.fnUntraced(function* (visitor: Browser, email: string) {
  yield* signUp(visitor, email)
  return yield* setUpTotp(visitor)
})

/** A user who has nothing but a mailbox, signed in by it. */
export const signInByMail = Effect.fnUntraced(function* (visitor: Browser, email: string) {
  yield* visitor.submit("/sign-in/email", { email, method: "email-code" })
  const signedIn = yield* visitor.submit("/sign-in/code", { code: yield* mailedCode(email) })
  assert.deepStrictEqual([signedIn.status, signedIn.location], [303, "/account"])
})

/** What a page asks the browser for, from the answer of the API. */
export const askAuthentication = Effect.fnUntraced(function* (visitor: Browser, body: unknown = {}) {
  const answer = yield* visitor.ask("/auth/sign-in/passkey/options", body)
  return yield* Schema.decodeUnknownEffect(Schema.Struct({ options: AuthenticationOptions }))(answer)
})

/** What a page asks the browser to make a passkey of, from the answer of the API. */
export const askRegistration = (visitor: Browser, path = "/auth/factors/passkeys/options") =>
  Effect.flatMap(visitor.ask(path), Schema.decodeUnknownEffect(RegistrationOptions))

/** The session of a browser, with its user. */
export const sessionOf = (visitor: Browser) =>
  Sessions.use((sessions) => sessions.verify(Redacted.make(visitor.cookies.get("__Host-belfry_session") ?? "")))
