/**
 * Whole sign-ins by the typed client, against a server that listens.
 */
import { SessionInvalid } from "@belfry/core/Session"
import { CodeInvalid, SignInRefused } from "@belfry/factors/SignInAttempt"
import type { SignInResult } from "@belfry/factors/SignInAttemptsApi"
import * as Authenticator from "@belfry/testing/Authenticator"
import * as VirtualAuthenticator from "@belfry/testing/VirtualAuthenticator"
import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import { browser, completed, mailed, password, program, signUp } from "./support/People.ts"
import * as TestServer from "./support/TestServer.ts"

/** A sign-in that asks for more. */
const continued = <E, R>(signingIn: Effect.Effect<SignInResult, E, R>) =>
  Effect.map(signingIn, (result) => (result.status === "continue" ? result : assert.fail("it is complete")))

/** Signs somebody up who sets up an authenticator app; `next` is a code that was not used yet. */
const signUpWithApp = Effect.gen(function* () {
  const { client, email } = yield* signUp
  const { uri } = yield* client.totps.enrol({ payload: {} })
  const app = Authenticator.scan(uri)
  const now = yield* DateTime.now
  const { backupCodes } = yield* client.totps.confirm({ payload: { code: app.codeAt(now) } })
  // One step ahead is within the window, and not the one that the set-up used up.
  return { client, email, backupCodes, next: app.codeAt(DateTime.add(now, { seconds: 30 })) }
})

withLayer(TestServer.layer, { excludeTestServices: true })("Signing in by the client", (it) => {
  it.effect("takes password and authenticator app, in a browser", () =>
    Effect.gen(function* () {
      const { email, next } = yield* signUpWithApp
      const client = yield* browser
      const first = yield* continued(client.passwords.signIn({ payload: { email, password } }))
      assert.deepStrictEqual([first.token, first.email, first.factors], [null, email, ["totp", "backup-code"]])
      assert.deepStrictEqual(yield* Effect.flip(client.sessions.current()), new SessionInvalid())
      const wrong = yield* Effect.flip(client.totps.prove({ payload: { code: Redacted.make("nonsense") } }))
      assert.deepStrictEqual(wrong, new CodeInvalid({ triesLeft: 4 }))
      assert.strictEqual((yield* client.signIn.current()).triesLeft, 4)
      yield* completed(client.totps.prove({ payload: { code: next } }))
      const { session } = yield* client.sessions.current()
      assert.deepStrictEqual([session.amr, session.acr], [["pwd", "otp", "mfa"], "aal2"])
      assert.deepStrictEqual(yield* Effect.flip(client.signIn.current()), new SignInRefused({ reason: "invalid" }))
    }),
  )

  it.effect("takes e-mail code and authenticator app, in a program that keeps tokens", () =>
    Effect.gen(function* () {
      const { email, next } = yield* signUpWithApp
      const stranger = yield* program()
      const started = yield* stranger.emailCodes.send({ payload: { email, transport: "bearer", label: "Robot" } })
      const { text } = yield* mailed(email, "sign-in-code")
      const code = Redacted.make(/^[A-Z0-9]{6}$/mu.exec(text)?.[0] ?? "")
      const first = yield* program(started.token)
      const half = yield* continued(first.emailCodes.prove({ payload: { code } }))
      const refusal = yield* Effect.flip(first.totps.prove({ payload: { code: next } }))
      assert.deepStrictEqual(refusal, new SignInRefused({ reason: "invalid" }))
      const second = yield* program(half.token)
      const done = yield* completed(second.totps.prove({ payload: { code: next } }))
      const { session } = yield* (yield* program(done.token)).sessions.current()
      assert.deepStrictEqual([session.amr, session.acr, session.label], [["email", "otp", "mfa"], "aal2", "Robot"])
    }),
  )

  it.effect("takes a passkey alone", () =>
    Effect.gen(function* () {
      const { client: account } = yield* signUp
      // At the site that the services know, which is not where this server listens.
      const device = VirtualAuthenticator.make()
      const response = yield* device.register(yield* account.passkeys.registrationOptions())
      const { passkey, backupCodes } = yield* account.passkeys.register({ payload: { response, name: "Phone" } })
      assert.deepStrictEqual([passkey.name, backupCodes?.length], ["Phone", 10])
      const client = yield* browser
      const { options } = yield* client.passkeys.options({ payload: {} })
      yield* completed(client.passkeys.prove({ payload: { response: yield* device.authenticate(options) } }))
      const { session } = yield* client.sessions.current()
      assert.deepStrictEqual([session.amr, session.acr], [["hwk", "user", "mfa"], "aal2"])
    }),
  )

  it.effect("recovers by a backup code, which works once", () =>
    Effect.gen(function* () {
      const { email, backupCodes } = yield* signUpWithApp
      const code = backupCodes?.[0] ?? assert.fail("no backup codes")
      const client = yield* browser
      yield* continued(client.passwords.signIn({ payload: { email, password } }))
      yield* completed(client.backupCodes.prove({ payload: { code } }))
      const { enrolments } = yield* client.enrolments.list()
      assert.deepStrictEqual(
        enrolments.map(({ factor, count }) => [factor, count]),
        [
          ["password", 1],
          ["totp", 1],
          ["backup-code", 9],
        ],
      )
      const other = yield* browser
      yield* continued(other.passwords.signIn({ payload: { email, password } }))
      assert.deepStrictEqual(
        yield* Effect.flip(other.backupCodes.prove({ payload: { code } })),
        new CodeInvalid({ triesLeft: 4 }),
      )
      yield* other.signIn.cancel()
      assert.deepStrictEqual(yield* Effect.flip(other.signIn.current()), new SignInRefused({ reason: "invalid" }))
    }),
  )

  it.effect("hides codes and secrets from whoever prints what was answered", () =>
    Effect.gen(function* () {
      const { client } = yield* signUp
      const provisioning = yield* client.totps.enrol({ payload: {} })
      assert.notInclude(JSON.stringify(provisioning), Redacted.value(provisioning.secret))
      const code = yield* Effect.map(DateTime.now, Authenticator.scan(provisioning.uri).codeAt)
      const { backupCodes } = yield* client.totps.confirm({ payload: { code } })
      assert.notInclude(JSON.stringify(backupCodes), Redacted.value(backupCodes?.[0] ?? assert.fail("none")))
    }),
  )
})
