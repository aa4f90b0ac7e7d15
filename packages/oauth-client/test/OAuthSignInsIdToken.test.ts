/**
 * Signing in by an ID token that a client got from the provider itself.
 */
import { Sessions } from "@belfry/core/Sessions"
import { Users } from "@belfry/core/Users"
import { Email } from "@belfry/core/User"
import * as OAuthSignIns from "@belfry/oauth-client/OAuthSignIns"
import * as Builders from "@belfry/testing/Builders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Redacted } from "effect"
import { challengeOf, FakeProvider } from "./support/FakeTransport.ts"
import * as Flow from "./support/Flow.ts"
import { GateScript } from "./support/TestGate.ts"

const somebody = () => ({ sub: Flow.unique(), email: `${Flow.unique()}@example.com`, email_verified: true })

const signIn = Effect.fnUntraced(function* (providerId: string, token: OAuthSignIns.DirectIdToken) {
  const signIns = yield* OAuthSignIns.OAuthSignIns
  return yield* signIns.signInByIdToken({
    providerId,
    token,
    attemptToken: null,
    replaces: null,
    client: Flow.newClient(),
  })
})

const codeOf = (providerId: string, token: OAuthSignIns.DirectIdToken) =>
  signIn(providerId, token).pipe(
    Effect.as("done"),
    Effect.catchTag("OAuthRefused", ({ code }) => Effect.succeed(code)),
  )

describe("An ID token of a client", () => {
  it.effect("signs up, signs in, and keeps the tokens that came along", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const person = somebody()
      const accessTokenExpiresAt = DateTime.makeUnsafe(3_600_000)
      const tokens = {
        accessToken: Redacted.make("access"),
        refreshToken: Redacted.make("refresh"),
        accessTokenExpiresAt,
        tokenType: "Bearer",
        scopes: ["openid", "email"],
      }
      const first = yield* signIn(providerId, yield* Flow.directToken(person, tokens))
      assert.isTrue(first.isNewUser)
      const [account] = yield* Flow.accountsOf(first.user)
      const { idToken: _, refreshTokenExpiresAt: __, ...kept } = account?.tokens ?? Builders.noTokens
      assert.deepStrictEqual(kept, tokens)
      const again = yield* signIn(providerId, yield* Flow.directToken(person))
      assert.strictEqual(again.user.id, first.user.id)
      assert.isFalse(again.isNewUser)
      if (again.signIn._tag !== "Complete") return assert.fail(again.signIn._tag)
      const { token } = again.signIn
      assert.strictEqual((yield* Sessions.use((sessions) => sessions.verify(token))).user.id, first.user.id)
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("keeps no token type and no scope that a store could not keep", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const odd = { tokenType: "Bearer\u0000", scopes: ["openid", "a\u0000b", 'a"b', ""] }
      const { user } = yield* signIn(providerId, yield* Flow.directToken(somebody(), odd))
      const [account] = yield* Flow.accountsOf(user)
      assert.deepStrictEqual([account?.tokens.tokenType, account?.tokens.scopes], [null, ["openid"]])
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("needs the nonce that is in it, and has none that was not given", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      const providerId = yield* Flow.addProvider()
      const person = somebody()
      const idToken = fake.idToken({ ...person, nonce: "n" })
      const wrong = "oauth_code_verification_failed"
      assert.strictEqual(yield* codeOf(providerId, yield* Flow.directToken(person, { idToken, nonce: "n" })), "done")
      assert.strictEqual(yield* codeOf(providerId, yield* Flow.directToken(person, { idToken })), wrong)
      assert.strictEqual(yield* codeOf(providerId, yield* Flow.directToken(person, { idToken, nonce: "m" })), wrong)
      assert.strictEqual(yield* codeOf(providerId, yield* Flow.directToken(person, { nonce: "n" })), wrong)
      assert.strictEqual(yield* codeOf(providerId, yield* Flow.directToken(person)), "done")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("comes with its own access token, where it names one", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      const providerId = yield* Flow.addProvider()
      const person = somebody()
      const accessToken = Redacted.make("own")
      const idToken = fake.idToken({ ...person, at_hash: challengeOf(accessToken) })
      const own = yield* Flow.directToken(person, { idToken, accessToken })
      assert.strictEqual(yield* codeOf(providerId, own), "done")
      const other = { ...own, accessToken: Redacted.make("another's") }
      assert.strictEqual(yield* codeOf(providerId, other), "oauth_code_verification_failed")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("is refused where the provider's settings close the way, for signing in and for linking", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider({ disableIdTokenSignIn: true })
      const person = somebody()
      const user = yield* Flow.addUser({ email: Email.make(person.email) })
      const { session } = yield* Flow.sessionOf(user)
      assert.strictEqual(yield* codeOf(providerId, yield* Flow.directToken(person)), "id_token_sign_in_disabled")
      const linked = yield* Flow.linkByIdToken(providerId, session, person)
      assert.strictEqual(linked, "id_token_sign_in_disabled")
      assert.deepStrictEqual(
        (yield* Flow.refusals(providerId)).map(({ reason }) => reason),
        [linked, linked],
      )
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("lets somebody new in on request where the provider wants that", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider({ disableImplicitSignUp: true })
      const person = somebody()
      assert.strictEqual(yield* codeOf(providerId, yield* Flow.directToken(person)), "signup_disabled")
      assert.strictEqual(yield* codeOf(providerId, yield* Flow.directToken(person, { requestSignUp: true })), "done")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("does not pass the gate for it, nor is anybody made", () =>
    Effect.gen(function* () {
      const gate = yield* GateScript
      const providerId = yield* Flow.addProvider()
      const person = somebody()
      gate.answer = "continue"
      const pending = yield* signIn(providerId, yield* Flow.directToken(person))
      assert.strictEqual(pending.signIn._tag, "Continues")
      gate.answer = "refuse"
      const other = somebody()
      const error = yield* Effect.flip(signIn(providerId, yield* Flow.directToken(other)))
      assert.strictEqual(error._tag, "GateRefused")
      const found = yield* Users.use((users) => users.findByEmail(Email.make(other.email)))
      assert.deepStrictEqual(found, Option.none())
      const [event] = yield* Flow.refusals(providerId)
      assert.deepStrictEqual([event?.reason, event?.data["detail"]], ["oauth_callback_failed", "gate: user-mismatch"])
    }).pipe(Effect.provide(Flow.layer)),
  )
})
