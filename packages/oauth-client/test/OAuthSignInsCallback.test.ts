/**
 * The callback: what it checks in which order, the codes by which it refuses, and where it tells them.
 */
import { IdTokenInvalid, ProviderRefused, ProviderUnavailable } from "@belfry/oauth-client/OAuthTokens"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { FakeProvider, issuer, type Script } from "./support/FakeTransport.ts"
import * as Flow from "./support/Flow.ts"

const providerId = "fake"
const unavailable = new ProviderUnavailable({ providerId, endpoint: "token", reason: "timeout" })
const refusedToken = new IdTokenInvalid({ providerId, reason: "hosted-domain" })
const invalidGrant = new ProviderRefused({ providerId, error: "invalid_grant", description: "secret words" })

const somebody = () => ({ sub: Flow.unique(), email: `${Flow.unique()}@example.com`, email_verified: true })

/** One thing that is wrong with a callback. Those that stand first in the table are found first. */
interface Fault {
  readonly name: string
  readonly code: string
  readonly parameters?: Readonly<Record<string, string | undefined>>
  readonly script?: Script
  /** Whether the state is already lost when it is found. */
  readonly isStateless?: boolean
  readonly more?: { readonly stateCookie: null }
}

const faults: ReadonlyArray<Fault> = [
  { name: "no state", code: "state_mismatch", parameters: { state: undefined }, isStateless: true },
  { name: "no cookie", code: "state_mismatch", more: { stateCookie: null }, isStateless: true },
  { name: "another issuer", code: "issuer_mismatch", parameters: { iss: "https://evil.example" } },
  { name: "an error", code: "access_denied", parameters: { error: "access_denied" } },
  { name: "no code", code: "oauth_code_verification_failed", parameters: { code: undefined } },
  { name: "no exchange", code: "oauth_code_verification_failed", script: { exchange: unavailable } },
  { name: "no profile", code: "user_info_missing", script: { profile: null } },
]

const details: Readonly<Record<string, string | undefined>> = {
  "no state": "no state",
  "no code": "no code",
  "no exchange": "token: timeout",
}

describe("The callback", () => {
  it.effect("finds what is wrong in its order, whatever else is wrong", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      for (const [index, first] of faults.entries()) {
        for (const second of faults.slice(index)) {
          const id = yield* Flow.addProvider()
          const begun = yield* Flow.begin({ providerId: id, request: { errorRedirectUrl: "/failed" } })
          yield* fake.behave({ ...second.script, ...first.script })
          const granted = fake.authorize(begun.location, somebody())
          const parameters = { ...granted, ...second.parameters, ...first.parameters }
          const result = yield* Flow.comeBack(begun, parameters, { ...second.more, ...first.more })
          yield* fake.behave({})
          const both = `${first.name}, ${second.name}`
          assert.strictEqual(Flow.codeOf(result), first.code, both)
          const [event, ...others] = yield* Flow.refusals(id)
          assert.strictEqual(others.length, 0)
          assert.strictEqual(event?.reason, first.code, both)
          assert.strictEqual(event?.data["detail"], details[first.name], both)
          const target = first.isStateless === true ? null : `/failed?error=${first.code}`
          assert.strictEqual(result._tag === "Refused" ? result.redirectTo : "", target, both)
          // What is wrong before the code keeps the code from being used.
          const isUsed = fake.exchanged.includes(granted.code)
          assert.strictEqual(isUsed, first.name === "no profile", both)
        }
      }
    }).pipe(Effect.provide(Flow.layer)),
  )

  const answers: ReadonlyArray<readonly [what: string, script: Script, code: string]> = [
    ["a provider that cannot be asked", { exchange: unavailable }, "oauth_code_verification_failed"],
    ["a code that the provider refuses", { exchange: invalidGrant }, "oauth_code_verification_failed"],
    ["another person's nonce", { claims: (claims) => ({ ...claims, nonce: "x" }) }, "oauth_code_verification_failed"],
    ["another access token", { claims: (claims) => ({ ...claims, at_hash: "x" }) }, "oauth_code_verification_failed"],
    ["no ID token", { tokens: (tokens) => ({ ...tokens, idToken: null }) }, "oauth_code_verification_failed"],
    ["claims that do not suffice", { profile: refusedToken }, "oauth_code_verification_failed"],
    ["a profile that cannot be asked", { profile: unavailable }, "oauth_callback_failed"],
    ["metadata that cannot be asked", { metadata: unavailable }, "oauth_callback_failed"],
    ["no profile", { profile: null }, "user_info_missing"],
  ]
  for (const [what, script, code] of answers) {
    it.effect(`refuses ${what} by ${code}`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeProvider
        const id = yield* Flow.addProvider()
        const begun = yield* Flow.begin({ providerId: id })
        yield* fake.behave(script)
        assert.strictEqual(Flow.codeOf(yield* Flow.consent(begun, somebody())), code)
        const [event] = yield* Flow.refusals(id)
        assert.notInclude(JSON.stringify(event), "secret words")
        yield* fake.behave({})
        assert.strictEqual(Flow.codeOf(yield* Flow.signIn(id, somebody())), "done")
      }).pipe(Effect.provide(Flow.layer)),
    )
  }

  it.effect("wants an ID token where one was asked for, with nonces or without, and no other", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      const person = somebody()
      // Nothing tells here who the person is but an ID token, so without one it comes to the profile and no further.
      yield* fake.behave({ tokens: (tokens) => ({ ...tokens, idToken: null }) })
      const codes = yield* Effect.forEach(
        [
          { options: { useNonce: true, scopes: ["openid"] } },
          { options: { useNonce: false, scopes: ["openid"] } },
          { options: { useNonce: false, scopes: ["email"] }, request: { scopes: ["openid"] } },
          { options: { useNonce: true, scopes: ["email"] } },
          { options: { useNonce: false, scopes: ["email"] } },
          { options: { useNonce: false, scopes: ["openid"] }, request: { scopes: ["email"] } },
        ],
        ({ options, request }) =>
          Effect.flatMap(Flow.addProvider(options), (id) => Effect.map(Flow.signIn(id, person, request), Flow.codeOf)),
      )
      const [missing, unknown] = ["oauth_code_verification_failed", "user_info_missing"]
      assert.deepStrictEqual(codes, [missing, missing, missing, unknown, unknown, unknown])
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("keeps the scopes that were asked for, of a provider that grants them without a word", () =>
    Effect.gen(function* () {
      const id = yield* Flow.addProvider({ scopes: ["openid", "email"] })
      const person = somebody()
      const { outcome } = Flow.done(yield* Flow.signIn(id, person, { scopes: ["openid", "calendar"] }))
      const scopesOf = Effect.map(Flow.accountsOf(outcome.user), (all) => all.map(({ tokens }) => tokens.scopes))
      assert.deepStrictEqual(yield* scopesOf, [["openid", "calendar"]])
      yield* Flow.signIn(id, person)
      assert.deepStrictEqual(yield* scopesOf, [["openid", "email"]])
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("takes an ID token with a nonce only where one was sent", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      const id = yield* Flow.addProvider({ useNonce: false })
      assert.strictEqual(Flow.codeOf(yield* Flow.signIn(id, somebody())), "done")
      yield* fake.behave({ claims: (claims) => ({ ...claims, nonce: "of another request" }) })
      assert.strictEqual(Flow.codeOf(yield* Flow.signIn(id, somebody())), "oauth_code_verification_failed")
    }).pipe(Effect.provide(Flow.layer)),
  )

  describe("RFC 9207 §2.4", () => {
    const rows: ReadonlyArray<
      readonly [iss: string | undefined, known: string | null, isPromised: boolean, isRequired: boolean, code: string]
    > = [
      [issuer, issuer, false, false, "done"],
      [issuer, issuer, true, true, "done"],
      [undefined, issuer, false, false, "done"],
      [undefined, issuer, true, false, "issuer_missing"],
      [undefined, issuer, false, true, "issuer_missing"],
      [undefined, null, false, true, "issuer_missing"],
      ["https://evil.example", issuer, false, false, "issuer_mismatch"],
      ["https://evil.example", issuer, true, false, "issuer_mismatch"],
      [`${issuer}/`, issuer, true, false, "issuer_mismatch"],
      [issuer.toUpperCase(), issuer, true, false, "issuer_mismatch"],
      ["", issuer, false, false, "issuer_mismatch"],
      [issuer, null, false, false, "done"],
      [issuer, null, false, true, "issuer_mismatch"],
    ]
    for (const [iss, known, issuerParameterSupported, requireIssuerParameterValidation, code] of rows) {
      const when = `iss ${iss ?? "missing"}, issuer ${known ?? "unknown"}`
      it.effect(`${when}, promised ${issuerParameterSupported}, required ${requireIssuerParameterValidation}`, () =>
        Effect.gen(function* () {
          const fake = yield* FakeProvider
          const id = yield* Flow.addProvider({ requireIssuerParameterValidation })
          yield* fake.behave({ metadata: { issuer: known, issuerParameterSupported } })
          const begun = yield* Flow.begin({ providerId: id })
          const granted = fake.authorize(begun.location, somebody())
          assert.strictEqual(Flow.codeOf(yield* Flow.comeBack(begun, { ...granted, iss })), code)
          assert.strictEqual(fake.exchanged.includes(granted.code), code === "done")
        }).pipe(Effect.provide(Flow.layer)),
      )
    }
  })

  it.effect("passes an error of the provider on only in the characters of RFC 6749, and 64 of them", () =>
    Effect.gen(function* () {
      const id = yield* Flow.addProvider({ defaultErrorRedirectUrl: "https://app.example/failed?a=1#top" })
      const rows: ReadonlyArray<readonly [error: string, code: string]> = [
        ["access_denied", "access_denied"],
        ["login_required", "login_required"],
        ["a b&c=d", "a b&c=d"],
        ["x".repeat(64), "x".repeat(64)],
        ["x".repeat(65), "oauth_callback_failed"],
        ["", "oauth_callback_failed"],
        ['a"b', "oauth_callback_failed"],
        ["a\\b", "oauth_callback_failed"],
        ["a\nb", "oauth_callback_failed"],
        ["a\r\nSet-Cookie: x", "oauth_callback_failed"],
        ["é", "oauth_callback_failed"],
        ["\u007F", "oauth_callback_failed"],
      ]
      for (const [error, code] of rows) {
        const begun = yield* Flow.begin({ providerId: id })
        const state = begun.location.searchParams.get("state") ?? ""
        const result = yield* Flow.comeBack(begun, { state, error })
        assert.strictEqual(Flow.codeOf(result), code)
        const redirectTo = result._tag === "Refused" ? result.redirectTo : null
        assert.strictEqual(redirectTo, `https://app.example/failed?a=1&error=${encodeURIComponent(code)}`)
      }
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("tells an error at the target of the state, then the provider's, and else on our own page", () =>
    Effect.gen(function* () {
      const plain = yield* Flow.addProvider()
      const kept = yield* Flow.addProvider({ defaultErrorRedirectUrl: "/provider?x" })
      const rows: ReadonlyArray<readonly [string, string | undefined, string | null]> = [
        [plain, undefined, null],
        [plain, "/own", "/own?error=access_denied"],
        [plain, "/own?a=b%20c&d=%2F#frag", "/own?a=b%20c&d=%2F&error=access_denied"],
        [plain, "/own?", "/own?error=access_denied"],
        [plain, "https://evil.example/", null],
        [kept, undefined, "/provider?x&error=access_denied"],
        [kept, "/own", "/own?error=access_denied"],
        [kept, "//evil.example", "/provider?x&error=access_denied"],
      ]
      for (const [id, errorRedirectUrl, target] of rows) {
        const request = errorRedirectUrl === undefined ? {} : { errorRedirectUrl }
        const begun = yield* Flow.begin({ providerId: id, request })
        const state = begun.location.searchParams.get("state") ?? ""
        const result = yield* Flow.comeBack(begun, { state, error: "access_denied" })
        assert.strictEqual(result._tag === "Refused" ? result.redirectTo : "", target)
        // Without a state nobody's wish is known.
        const replayed = yield* Flow.comeBack(begun, { state, error: "access_denied" })
        const fallback = id === kept ? "/provider?x&error=state_not_found" : null
        assert.strictEqual(replayed._tag === "Refused" ? replayed.redirectTo : "", fallback)
      }
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("fails for a provider that there is not, whoever asks", () =>
    Effect.gen(function* () {
      const begun = yield* Flow.begin({ providerId: yield* Flow.addProvider() })
      const error = yield* Effect.flip(Flow.comeBack({ ...begun, providerId: "nobody" }, { state: "x" }))
      assert.strictEqual(error._tag, "ProviderNotFound")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("is over after ten minutes", () =>
    Effect.gen(function* () {
      const id = yield* Flow.addProvider()
      const begun = yield* Flow.begin({ providerId: id })
      const late = yield* Flow.begin({ providerId: id })
      yield* TestClock.adjust(Duration.subtract(Duration.minutes(10), Duration.millis(1)))
      assert.strictEqual(Flow.codeOf(yield* Flow.consent(begun, somebody())), "done")
      yield* TestClock.adjust(Duration.millis(1))
      assert.strictEqual(Flow.codeOf(yield* Flow.consent(late, somebody())), "state_mismatch")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("writes no token, code, state or address into the audit log", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      const id = yield* Flow.addProvider({ disableSignUp: true })
      const person = somebody()
      const begun = yield* Flow.begin({ providerId: id })
      const granted = fake.authorize(begun.location, person)
      yield* Flow.comeBack(begun, granted)
      yield* Flow.comeBack(begun, granted)
      const events = yield* Flow.refusals(id)
      assert.deepStrictEqual(
        events.map(({ reason }) => reason),
        ["state_not_found", "signup_disabled"],
      )
      const text = JSON.stringify(events)
      const cookie = Redacted.value(begun.cookie ?? Redacted.make("?"))
      for (const secret of [granted.code, granted.state, cookie, person.email, person.sub]) {
        assert.notInclude(text, secret)
      }
    }).pipe(Effect.provide(Flow.layer)),
  )
})
