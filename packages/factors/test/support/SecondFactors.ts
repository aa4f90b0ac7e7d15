/**
 * People who have an authenticator app beside their password.
 */
import type { SignIn } from "@belfry/factors/Passwords"
import { Totps } from "@belfry/factors/Totps"
import * as Authenticator from "@belfry/testing/Authenticator"
import { DateTime, Effect, type Redacted } from "effect"
import { home } from "./People.ts"

/** The code that an app shows now. */
export const codeOf = (app: Authenticator.Authenticator) => Effect.map(DateTime.now, app.codeAt)

/** Sets up an app in a fresh session. The code of now is used up by that, so the clock moves on to the next one. */
export const enrolApp = (signIn: SignIn) => Authenticator.enrol(signIn, home)

/** Goes on with a sign-in by the code that an app shows now. */
export const proveCode = Effect.fnUntraced(function* (
  token: Redacted.Redacted,
  app: Authenticator.Authenticator,
  replaces?: Redacted.Redacted,
) {
  const totps = yield* Totps
  return yield* totps.prove({ token, code: yield* codeOf(app), replaces, client: home })
})
