/**
 * Attacks on sign-ins and links: what is somebody else's is of no use, and what was used is used.
 */
import { LinkedAccounts } from "@belfry/core/LinkedAccounts"
import { Sessions } from "@belfry/core/Sessions"
import * as OAuthSignIns from "@belfry/oauth-client/OAuthSignIns"
import { OAuthStateStore } from "@belfry/oauth-client/OAuthStateStore"
import { ProviderUnavailable } from "@belfry/oauth-client/OAuthTokens"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { FakeProvider } from "./support/FakeTransport.ts"
import * as Flow from "./support/Flow.ts"

const somebody = () => ({ sub: Flow.unique(), email: `${Flow.unique()}@example.com`, email_verified: true })

const strategies = ["adapter", "cookie"] as const

describe("Attacks", () => {
  for (const stateStrategy of strategies) {
    it.effect(`takes no state in another browser, whose cookie is missing or its own (${stateStrategy})`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeProvider
        const providerId = yield* Flow.addProvider({ stateStrategy })
        // Login CSRF: the attacker's callback in the victim's browser, which has begun a sign-in too, or none.
        const attacker = yield* Flow.begin({ providerId })
        const victim = yield* Flow.begin({ providerId })
        const granted = fake.authorize(attacker.location, somebody())
        for (const cookie of [null, victim.cookie, Redacted.make("x")]) {
          const result = yield* Flow.comeBack({ ...attacker, cookie }, granted)
          assert.strictEqual(Flow.codeOf(result), "state_mismatch")
        }
        assert.deepStrictEqual(fake.exchanged, [])
        // It was not used up by others, and neither was the victim's.
        assert.strictEqual(Flow.codeOf(yield* Flow.comeBack(attacker, granted)), "done")
        assert.strictEqual(Flow.codeOf(yield* Flow.consent(victim, somebody())), "done")
      }).pipe(Effect.provide(Flow.layer)),
    )

    it.effect(`takes no state at another provider, with the cookie under any name (${stateStrategy})`, () =>
      Effect.gen(function* () {
        const fake = yield* FakeProvider
        const honest = yield* Flow.addProvider({ stateStrategy })
        const evil = yield* Flow.addProvider({ stateStrategy })
        const begun = yield* Flow.begin({ providerId: honest })
        const granted = fake.authorize(begun.location, somebody())
        const result = yield* Flow.comeBack({ ...begun, providerId: evil }, granted)
        assert.strictEqual(Flow.codeOf(result), "state_mismatch")
        assert.deepStrictEqual(fake.exchanged, [])
      }).pipe(Effect.provide(Flow.layer)),
    )

    it.effect(
      `takes no code of another flow: its verifier does not fit, and its nonce neither (${stateStrategy})`,
      () =>
        Effect.gen(function* () {
          const fake = yield* FakeProvider
          const providerId = yield* Flow.addProvider({ stateStrategy })
          const victims = yield* Flow.begin({ providerId })
          const stolen = fake.authorize(victims.location, somebody())
          const attackers = yield* Flow.begin({ providerId })
          const state = attackers.location.searchParams.get("state") ?? ""
          const result = yield* Flow.comeBack(attackers, { code: stolen.code, state })
          assert.strictEqual(Flow.codeOf(result), "oauth_code_verification_failed")
          // Without PKCE the nonce alone stops it.
          const plain = yield* Flow.addProvider({ stateStrategy, usePkce: false })
          const [one, two] = [yield* Flow.begin({ providerId: plain }), yield* Flow.begin({ providerId: plain })]
          const { code } = fake.authorize(one.location, somebody())
          const injected = yield* Flow.comeBack(two, { code, state: two.location.searchParams.get("state") ?? "" })
          assert.strictEqual(Flow.codeOf(injected), "oauth_code_verification_failed")
          const [event] = yield* Flow.refusals(plain)
          assert.strictEqual(event?.data["detail"], "id-token: nonce")
        }).pipe(Effect.provide(Flow.layer)),
    )
  }

  it.effect("takes a state once, whatever became of it", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const begun = yield* Flow.begin({ providerId })
      const state = begun.location.searchParams.get("state") ?? ""
      assert.strictEqual(Flow.codeOf(yield* Flow.comeBack(begun, { state, error: "access_denied" })), "access_denied")
      assert.strictEqual(Flow.codeOf(yield* Flow.consent(begun, somebody())), "state_not_found")
      const other = yield* Flow.begin({ providerId })
      const person = somebody()
      assert.strictEqual(Flow.codeOf(yield* Flow.consent(other, person)), "done")
      assert.strictEqual(Flow.codeOf(yield* Flow.consent(other, person)), "state_not_found")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("links nothing in another's session, nor without one, and tells the provider nothing", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      const providerId = yield* Flow.addProvider({ allowDifferentLinkEmails: true })
      const [ada, eve] = [yield* Flow.addUser(), yield* Flow.addUser()]
      const { session } = yield* Flow.sessionOf(ada)
      for (const other of [null, (yield* Flow.sessionOf(eve)).session]) {
        const begun = yield* Flow.begin({ providerId, link: session })
        const result = yield* Flow.consent(begun, somebody(), { session: other })
        assert.strictEqual(Flow.codeOf(result), "state_mismatch")
      }
      assert.deepStrictEqual(fake.exchanged, [])
      assert.deepStrictEqual([yield* Flow.accountsOf(ada), yield* Flow.accountsOf(eve)], [[], []])
      // Another session of the same person will do.
      const begun = yield* Flow.begin({ providerId, link: session })
      const result = yield* Flow.consent(begun, somebody(), { session: (yield* Flow.sessionOf(ada)).session })
      assert.strictEqual(Flow.codeOf(result), "done")
      assert.strictEqual((yield* Flow.accountsOf(ada)).length, 1)
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("opens a start URL in the browser that asked for it, for ten minutes, at its provider, unaltered", () =>
    Effect.gen(function* () {
      const signIns = yield* OAuthSignIns.OAuthSignIns
      const [providerId, otherId] = [yield* Flow.addProvider(), yield* Flow.addProvider()]
      const client = Flow.newClient()
      const { url, browser } = yield* signIns.signInUrl(providerId, {}, null, client)
      const { browser: others } = yield* signIns.signInUrl(providerId, {}, null, client)
      const text = new URL(url).searchParams.get("token") ?? ""
      assert.strictEqual(url, `http://localhost:3000/auth/provider/${providerId}/start?token=${text}`)
      const token = Redacted.make(text)
      const altered = Redacted.make(`${text.slice(0, -2)}${text.endsWith("AA") ? "BA" : "AA"}`)
      const start = (id: string, start: Redacted.Redacted, held: Redacted.Redacted | null) =>
        signIns.start(id, start, held, client).pipe(
          Effect.as("done"),
          Effect.catchTag("OAuthRefused", ({ code }) => Effect.succeed(code)),
        )
      assert.strictEqual(yield* start(providerId, token, browser), "done")
      assert.strictEqual(yield* start(providerId, token, others), "state_mismatch")
      assert.strictEqual(yield* start(providerId, token, null), "state_mismatch")
      assert.strictEqual(yield* start(otherId, token, browser), "state_mismatch")
      assert.strictEqual(yield* start(providerId, altered, browser), "state_mismatch")
      yield* TestClock.adjust(Duration.minutes(10))
      assert.strictEqual(yield* start(providerId, token, browser), "state_mismatch")
      assert.strictEqual((yield* Flow.refusals(providerId)).length, 4)
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("keeps no state for a provider that cannot be asked, nor one whose payload is too large", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      const providerId = yield* Flow.addProvider()
      yield* fake.behave({
        metadata: new ProviderUnavailable({ providerId, endpoint: "discovery", reason: "timeout" }),
      })
      assert.strictEqual((yield* Effect.flip(Flow.begin({ providerId })))._tag, "ProviderUnavailable")
      yield* fake.behave({})
      const request = { payload: { text: "x".repeat(5000) } }
      const error = yield* Effect.flip(Flow.begin({ providerId, request }))
      if (error._tag !== "OAuthRefused") return assert.fail(error._tag)
      assert.strictEqual(error.code, "oauth_callback_failed")
      const [event] = yield* Flow.refusals(providerId)
      assert.strictEqual(event?.data["detail"], "too large: payload")
      yield* TestClock.adjust(Duration.hours(1))
      const kept = yield* OAuthStateStore.use((store) =>
        Effect.flatMap(DateTime.now, (now) => store.removeExpired(now, 10)),
      )
      assert.strictEqual(kept, 0)
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("keeps the start cookie of a browser, but none that somebody made up", () =>
    Effect.gen(function* () {
      const signIns = yield* OAuthSignIns.OAuthSignIns
      const providerId = yield* Flow.addProvider()
      const client = Flow.newClient()
      const { browser } = yield* signIns.signInUrl(providerId, {}, null, client)
      const again = yield* signIns.signInUrl(providerId, {}, browser, client)
      assert.strictEqual(Redacted.value(again.browser), Redacted.value(browser))
      for (const made of ["", "x", `${Redacted.value(browser).slice(0, -1)}!`]) {
        const fresh = yield* signIns.signInUrl(providerId, {}, Redacted.make(made), client)
        assert.notStrictEqual(Redacted.value(fresh.browser), made)
      }
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("sends verifier and nonce of their own with every request, and neither where the provider wants none", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const seen = new Set<string>()
      for (let round = 0; round < 5; round++) {
        const { searchParams } = (yield* Flow.begin({ providerId })).location
        for (const name of ["state", "nonce", "code_challenge"]) {
          const value = searchParams.get(name) ?? ""
          assert.isAtLeast(value.length, 43)
          seen.add(value)
        }
        assert.strictEqual(
          searchParams.get("redirect_uri"),
          `http://localhost:3000/auth/provider/${providerId}/callback`,
        )
      }
      assert.strictEqual(seen.size, 15)
      const bare = yield* Flow.addProvider({ usePkce: false, useNonce: false })
      const { searchParams } = (yield* Flow.begin({ providerId: bare })).location
      assert.deepStrictEqual([searchParams.get("code_challenge"), searchParams.get("nonce")], [null, null])
      const scoped = yield* Flow.begin({ providerId, request: { scopes: ["email"] } })
      assert.isNull(scoped.location.searchParams.get("nonce"))
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("limits how often an address begins, opens start URLs and brings ID tokens", () =>
    Effect.gen(function* () {
      const signIns = yield* OAuthSignIns.OAuthSignIns
      const providerId = yield* Flow.addProvider({ disableSignUp: true })
      const client = Flow.newClient()
      const { url, browser } = yield* signIns.signInUrl(providerId, {}, null, client)
      const token = Redacted.make(new URL(url).searchParams.get("token") ?? "")
      const user = yield* Flow.addUser()
      const { session } = yield* Flow.sessionOf(user)
      const direct = yield* Flow.directToken(somebody())
      const rest = { attemptToken: null, replaces: null, client }
      const until = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>, limit: number) =>
        Effect.gen(function* () {
          for (let count = 0; count < limit; count++) yield* Effect.exit(effect)
          const error = yield* Effect.flip(effect)
          assert.strictEqual(error._tag, "RateLimited")
        })
      yield* until(signIns.signInUrl(providerId, {}, null, client), 299)
      assert.strictEqual(
        (yield* Effect.flip(signIns.linkUrl(providerId, session, {}, null, client)))._tag,
        "RateLimited",
      )
      yield* until(signIns.start(providerId, token, browser, client), 300)
      yield* until(signIns.signInByIdToken({ providerId, token: direct, ...rest }), 100)
      const linking = signIns.linkByIdToken({ providerId, token: direct, session, client })
      assert.strictEqual((yield* Effect.flip(linking))._tag, "RateLimited")
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("takes no new way in from a session that proved nothing for ten minutes", () =>
    Effect.gen(function* () {
      const signIns = yield* OAuthSignIns.OAuthSignIns
      const providerId = yield* Flow.addProvider()
      const user = yield* Flow.addUser()
      const { session } = yield* Flow.sessionOf(user)
      const direct = yield* Flow.directToken(somebody())
      const client = Flow.newClient()
      const ways = [
        signIns.linkUrl(providerId, session, {}, null, client),
        signIns.linkByIdToken({ providerId, token: direct, session, client }),
      ]
      yield* TestClock.adjust("600 seconds")
      for (const way of ways) assert.strictEqual((yield* Effect.flip(way))._tag, "SessionNotFresh")
      assert.deepStrictEqual(yield* LinkedAccounts.use((accounts) => accounts.list(user.id)), [])
    }).pipe(Effect.provide(Flow.layer)),
  )

  it.effect("gives one session and one clear error to two callbacks of one state at once", () =>
    Effect.gen(function* () {
      const fake = yield* FakeProvider
      const providerId = yield* Flow.addProvider()
      const begun = yield* Flow.begin({ providerId })
      const granted = fake.authorize(begun.location, somebody())
      const results = yield* Effect.all(
        Array.from({ length: 10 }, () => Flow.comeBack(begun, granted)),
        { concurrency: "unbounded" },
      )
      const [winner, ...others] = results.toSorted((a, b) => a._tag.localeCompare(b._tag))
      assert.deepStrictEqual(
        others.map(Flow.codeOf),
        Array.from({ length: 9 }, () => "state_not_found"),
      )
      if (winner === undefined) return
      const { user } = Flow.done(winner).outcome
      assert.strictEqual((yield* Sessions.use((sessions) => sessions.list(user.id))).length, 1)
    }).pipe(Effect.provide(Flow.layer)),
  )
})
