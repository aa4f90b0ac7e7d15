/**
 * Sign-ins, sign-ups and links through a provider: what they lead to, where, and what hosts see of them.
 */
import { Audit } from "@belfry/core/Audit"
import { Hooks, none } from "@belfry/core/Hooks"
import { Sessions } from "@belfry/core/Sessions"
import { Users } from "@belfry/core/Users"
import { Email } from "@belfry/core/User"
import { StoreError } from "@belfry/core/StoreError"
import * as OAuthSignIns from "@belfry/oauth-client/OAuthSignIns"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { FakeProvider } from "./support/FakeTransport.ts"
import * as Flow from "./support/Flow.ts"
import { GateScript } from "./support/TestGate.ts"

const verified = (sub: string) => ({ sub, email: `${sub}@example.com`, email_verified: true })

/** The service with an audit log that cannot take one kind of event, the last that a link writes. */
const withoutVerifications = Layer.effect(
  Audit,
  Effect.map(Audit, (audit) => ({
    ...audit,
    record: (entry) =>
      entry.type === "email.verified"
        ? Effect.fail(new StoreError({ store: "AuditStore", method: "insert", isRetryable: false, cause: null }))
        : audit.record(entry),
  })),
).pipe((audit) => Layer.fresh(Layer.provide(OAuthSignIns.layer, audit)), Layer.provideMerge(Flow.layer))

describe("OAuthSignIns", () => {
  it.effect("signs somebody up, and signs the same person in the next time", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const person = { ...verified(Flow.unique()), name: "Ada", picture: "https://id.example/ada.png" }
      const first = Flow.done(yield* Flow.signIn(providerId, person))
      assert.isTrue(first.outcome.isNewUser)
      assert.strictEqual(first.redirectTo, "/account")
      const { user } = first.outcome
      assert.deepStrictEqual([user.email, user.name, user.image], [person.email, "Ada", person.picture])
      assert.isNotNull(user.emailVerifiedAt)
      const again = Flow.done(yield* Flow.signIn(providerId, { ...person, email: "another@example.com", name: "Eve" }))
      assert.isFalse(again.outcome.isNewUser)
      assert.deepStrictEqual(again.outcome.user, user)
      const { signIn } = again.outcome
      assert.strictEqual(signIn?._tag, "Complete")
      if (signIn?._tag === "Complete") {
        const opened = yield* Sessions.use((sessions) => sessions.verify(signIn.token))
        assert.strictEqual(opened.user.id, user.id)
      }
      assert.strictEqual((yield* Flow.accountsOf(user)).length, 1)
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("leaves the address unverified that the provider did not verify, until it does", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const { email_verified: _, ...person } = verified(Flow.unique())
      const first = Flow.done(yield* Flow.signIn(providerId, person))
      assert.isNull(first.outcome.user.emailVerifiedAt)
      const other = Flow.done(
        yield* Flow.signIn(providerId, { ...person, email: "other@example.com", email_verified: true }),
      )
      assert.isNull(other.outcome.user.emailVerifiedAt)
      const spelled = { ...person, email: ` ${person.email.toUpperCase()} `, email_verified: true }
      const later = Flow.done(yield* Flow.signIn(providerId, spelled))
      assert.isNotNull(later.outcome.user.emailVerifiedAt)
      assert.deepStrictEqual(later.outcome.user, yield* Flow.getUser(first.outcome.user))
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("keeps of a profile what a user can have, and counts an address that is none as missing", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const odd = { name: ` A\u0000\u202E${"\u{1F600}".repeat(150)}`, picture: "data:image/svg+xml;base64,AAAA" }
      const { outcome } = Flow.done(yield* Flow.signIn(providerId, { ...verified(Flow.unique()), ...odd }))
      assert.deepStrictEqual([outcome.user.name, outcome.user.image], [`A ${"\u{1F600}".repeat(99)}`, null])
      const pictures = [
        "data:image/png;base64,AAAA",
        "data:text/html,x",
        `data:image/png;base64,${"A".repeat(70_000)}`,
        "javascript:alert(1)",
      ]
      const kept = yield* Effect.forEach(pictures, (picture) =>
        Effect.map(Flow.signIn(providerId, { ...verified(Flow.unique()), picture }), Flow.done),
      )
      const images = kept.map(({ outcome: { user } }) => user.image)
      assert.deepStrictEqual(images, ["data:image/png;base64,AAAA", null, null, null])
      const nameless = Flow.done(yield* Flow.signIn(providerId, { ...verified(Flow.unique()), name: " \u0000 " }))
      assert.isNull(nameless.outcome.user.name)
      for (const email of ["ada", "ada@[127.0.0.1]", "ada\u202E@example.com", ""]) {
        const result = yield* Flow.signIn(providerId, { sub: Flow.unique(), email, email_verified: true })
        assert.strictEqual(Flow.codeOf(result), "email_missing")
      }
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("refuses an account whose id cannot be kept", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      for (const sub of ["", "a\u0000b", "a\nb", "\uD800", "x".repeat(513)]) {
        const result = yield* Flow.signIn(providerId, { ...verified(Flow.unique()), sub })
        assert.strictEqual(Flow.codeOf(result), "user_info_missing")
      }
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("changes name and image of somebody known only where the provider may", () =>
    Effect.gen(function* () {
      for (const overrideUserInfoOnSignIn of [false, true]) {
        const providerId = yield* Flow.addProvider({ overrideUserInfoOnSignIn })
        const person = { ...verified(Flow.unique()), name: "Ada", picture: "https://id.example/1.png" }
        yield* Flow.signIn(providerId, person)
        const changed = { ...person, name: "Augusta", picture: "https://id.example/2.png" }
        const { outcome } = Flow.done(yield* Flow.signIn(providerId, changed))
        const now = overrideUserInfoOnSignIn ? changed : person
        assert.deepStrictEqual([outcome.user.name, outcome.user.image], [now.name, now.picture])
        assert.deepStrictEqual(yield* Flow.getUser(outcome.user), outcome.user)
        const { name: _, picture: __, ...silent } = person
        const kept = Flow.done(yield* Flow.signIn(providerId, silent))
        assert.deepStrictEqual([kept.outcome.user.name, kept.outcome.user.image], [now.name, now.picture])
      }
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect(
    "keeps the tokens of the last sign-in only where the provider says so, and a refresh token in any case",
    () =>
      Effect.gen(function* () {
        const fake = yield* FakeProvider
        for (const updateAccountOnSignIn of [true, false]) {
          const providerId = yield* Flow.addProvider({ updateAccountOnSignIn })
          const person = verified(Flow.unique())
          const { outcome } = Flow.done(yield* Flow.signIn(providerId, person))
          const [first] = yield* Flow.accountsOf(outcome.user)
          yield* fake.behave({ tokens: (tokens) => ({ ...tokens, refreshToken: null }) })
          yield* Flow.signIn(providerId, person)
          yield* fake.behave({})
          const [second] = yield* Flow.accountsOf(outcome.user)
          assert.deepStrictEqual(second?.tokens.refreshToken, first?.tokens.refreshToken)
          const isSame =
            Redacted.value(second?.tokens.accessToken ?? Redacted.make("")) ===
            Redacted.value(first?.tokens.accessToken ?? Redacted.make(""))
          assert.strictEqual(isSame, !updateAccountOnSignIn)
        }
      }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("renews the tokens of an account that is linked again, and keeps its refresh token", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      const providerId = yield* Flow.addProvider({ allowDifferentLinkEmails: true })
      const user = yield* Flow.addUser()
      const { session } = yield* Flow.sessionOf(user)
      const person = verified(Flow.unique())
      const first = Flow.done(yield* Flow.link(providerId, session, person))
      assert.strictEqual(first.outcome.user.id, user.id)
      assert.deepStrictEqual(yield* Flow.accountsOf(user), [first.outcome.account])
      yield* fake.behave({ tokens: (tokens) => ({ ...tokens, refreshToken: null }) })
      const again = Flow.done(yield* Flow.link(providerId, session, person))
      const { accessToken } = again.outcome.account.tokens
      const { refreshToken } = first.outcome.account.tokens
      const [account, ...others] = yield* Flow.accountsOf(user)
      assert.strictEqual(others.length, 0)
      assert.deepStrictEqual([account?.tokens.accessToken, account?.tokens.refreshToken], [accessToken, refreshToken])
      const events = yield* Audit.use((audit) => audit.list({ userId: user.id }))
      assert.strictEqual(events.filter(({ type }) => type === "account.linked").length, 1)
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("leads the new to their page, the known to the target, and else to the account page", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const gate = yield* GateScript
      const request = { redirectUrl: "/inside?a=b#c", newUserRedirectUrl: "/welcome" }
      const person = verified(Flow.unique())
      const at = Effect.map(Flow.signIn(providerId, person, request), (result) => Flow.done(result).redirectTo)
      assert.deepStrictEqual([yield* at, yield* at], ["/welcome", "/inside?a=b"])
      const { newUserRedirectUrl: _, ...plain } = request
      const someone = yield* Flow.signIn(providerId, verified(Flow.unique()), plain)
      assert.strictEqual(Flow.done(someone).redirectTo, "/inside?a=b")
      gate.attemptReturnTo = "/attempt"
      assert.strictEqual(Flow.done(yield* Flow.signIn(providerId, person)).redirectTo, "/attempt")
      assert.strictEqual(Flow.done(yield* Flow.signIn(providerId, person, plain)).redirectTo, "/inside?a=b")
      gate.answer = "continue"
      const pending = Flow.done(yield* Flow.signIn(providerId, person, plain))
      assert.strictEqual(pending.redirectTo, "/sign-in/continue")
      assert.strictEqual(gate.asked.at(-1)?.returnTo, "/inside?a=b")
      assert.strictEqual(pending.outcome.signIn?._tag, "Continues")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("makes nobody when the gate refuses, and says which gate", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const gate = yield* GateScript
      gate.answer = "refuse"
      const person = verified(Flow.unique())
      const result = yield* Flow.signIn(providerId, person)
      assert.strictEqual(Flow.codeOf(result), "oauth_callback_failed")
      const found = yield* Users.use((users) => users.findByEmail(Email.make(person.email)))
      assert.deepStrictEqual(found, Option.none())
      const [event] = yield* Flow.refusals(providerId)
      assert.strictEqual(event?.data["detail"], "gate: user-mismatch")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("links and signs in with its audit events or not at all", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider({ trustedForAccountLinking: true })
      const user = yield* Flow.addUser()
      const { session } = yield* Flow.sessionOf(user)
      const person = { sub: Flow.unique(), email: user.email, email_verified: true }
      const tries = [Flow.link(providerId, session, person), Flow.signIn(providerId, person)]
      for (const attempt of tries) assert.strictEqual((yield* Effect.flip(attempt))._tag, "StoreError")
      assert.deepStrictEqual(yield* Flow.getUser(user), user)
      assert.deepStrictEqual(yield* Flow.accountsOf(user), [])
      const sessions = yield* Sessions.use((all) => all.list(user.id))
      assert.deepStrictEqual(sessions, [session])
    }).pipe(Effect.provide(withoutVerifications)),
  )

  it.effect("ends the session that the new one replaces", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const person = verified(Flow.unique())
      const { outcome } = Flow.done(yield* Flow.signIn(providerId, person))
      const old = yield* Flow.sessionOf(outcome.user)
      yield* Flow.signIn(providerId, person, {}, { replaces: old.token })
      const error = yield* Effect.flip(Sessions.use((sessions) => sessions.verify(old.token)))
      assert.strictEqual(error._tag, "SessionInvalid")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("shows hooks of the host the state and its payload, and nothing outside of a callback", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const look = (hook: string) =>
        Effect.map(OAuthSignIns.CurrentOAuthState, (state) => void seen.push([hook, state?.intent, state?.payload]))
      const hooks = Layer.succeed(Hooks, {
        ...none,
        afterSignUp: () => look("sign-up"),
        afterSignIn: () => look("sign-in"),
        afterUserUpdate: () => look("update"),
      })
      yield* Effect.gen(function* () {
        const providerId = yield* Flow.addProvider({ overrideUserInfoOnSignIn: true })
        const person = { ...verified(Flow.unique()), name: "Ada" }
        const payload = { invitation: "42" }
        const { outcome } = Flow.done(yield* Flow.signIn(providerId, person, { payload }))
        yield* Flow.signIn(providerId, { ...person, name: "Augusta" }, { payload: { other: [1] } })
        yield* Flow.sessionOf(outcome.user)
      }).pipe(Effect.provide(Layer.provide(Flow.layer, hooks)))
      assert.deepStrictEqual(seen, [
        ["sign-up", "sign-in", { invitation: "42" }],
        ["sign-in", "sign-in", { invitation: "42" }],
        ["update", "sign-in", { other: [1] }],
        ["sign-in", "sign-in", { other: [1] }],
        ["sign-in", undefined, undefined],
      ])
    }),
  )
})
