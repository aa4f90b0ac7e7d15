import { UserStore } from "@belfry/core/UserStore"
import * as Builders from "@belfry/testing/Builders"
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Exit, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  alterations,
  begin,
  codeOf,
  finish,
  layerMemory,
  plain,
  provider,
  redirectUri,
  state,
  strategies,
  textOf,
  untouchable,
  verifier,
  withKeys,
} from "./support/States.ts"

for (const strategy of strategies) {
  const acme = provider(strategy)
  const other = provider(strategy, "other")

  layer(layerMemory)(`OAuthStates (strategy ${strategy})`, (it) => {
    it.effect("returns a state as it was kept, the verifier too", () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        const user = yield* Builders.user()
        yield* UserStore.use((users) => users.insert(user))
        const expiresAt = DateTime.makeUnsafe("2033-05-18T03:33:20.123Z")
        for (const fields of [
          {},
          { intent: "link", userId: user.id, expiresAt },
          { codeVerifier: null, nonce: null, redirectUrl: null, newUserRedirectUrl: null, payload: null },
          { errorRedirectUrl: "https://app.example/oops?a=b#c", requestSignUp: false, payload: {} },
        ] as const) {
          const { kept, cookie, finish } = yield* begin(states, acme, fields)
          assert.deepStrictEqual(cookie.expiresAt, kept.expiresAt)
          assert.deepStrictEqual(plain(yield* finish), plain(kept))
        }
      }),
    )

    it.effect("lets several sign-ins of one browser come to their end, in any order", () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        const tabs = yield* Effect.forEach(["one", "two", "three"], (nonce) => begin(states, acme, { nonce }))
        assert.strictEqual(new Set(tabs.map(({ cookie }) => cookie.name)).size, 3)
        for (const { kept, cookie, token, finish } of tabs.toReversed()) {
          assert.strictEqual(states.cookieName(acme, token), cookie.name)
          assert.match(cookie.name, /^belfry_oauth_acme_[0-9A-Za-z]{6}$/u)
          assert.strictEqual((yield* finish).nonce, kept.nonce)
        }
      }),
    )

    it.effect("refuses a callback without the cookie, or with another one, and leaves the state to its browser", () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        const mine = yield* begin(states, acme)
        const anotherTab = yield* begin(states, acme)
        const atOther = yield* begin(states, other, { providerId: other.id })
        const cookies = [null, Redacted.make(""), anotherTab.cookie.value, atOther.cookie.value, mine.token]
        for (const cookie of cookies) {
          assert.strictEqual(yield* codeOf(finish(states, acme, { token: mine.token, cookie })), "state_mismatch")
        }
        // The own cookie, but at the callback of another provider.
        const elsewhere = finish(states, other, { token: mine.token, cookie: mine.cookie.value })
        assert.strictEqual(yield* codeOf(elsewhere), "state_mismatch")
        assert.strictEqual(yield* codeOf(mine.finish), "taken")
        assert.strictEqual(yield* codeOf(anotherTab.finish), "taken")
        assert.strictEqual(yield* codeOf(atOther.finish), "taken")
      }),
    )

    it.effect("refuses the state of another provider, whatever it was kept under", () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        const mixedUp = yield* begin(states, acme, { providerId: other.id })
        const given = { token: mixedUp.token, cookie: mixedUp.cookie.value }
        assert.strictEqual(yield* codeOf(finish(states, other, given)), "state_mismatch")
        assert.strictEqual(yield* codeOf(mixedUp.finish), "state_mismatch")
      }),
    )

    it.effect("refuses a state that comes back at another redirect URI, compared exactly", () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        for (const uri of [`${redirectUri}/`, redirectUri.toUpperCase(), redirectUri.replace("acme", "other"), ""]) {
          const { token, cookie } = yield* begin(states, acme)
          const answer = yield* codeOf(finish(states, acme, { token, cookie: cookie.value, redirectUri: uri }))
          assert.strictEqual(answer, "state_mismatch")
        }
      }),
    )

    it.effect("takes a state up to the instant at which it is over, and not at it", () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        const [first, second] = [yield* begin(states, acme), yield* begin(states, acme)]
        yield* TestClock.adjust(10 * 60_000 - 1)
        assert.strictEqual(yield* codeOf(first.finish), "taken")
        yield* TestClock.adjust(1)
        assert.strictEqual(yield* codeOf(second.finish), "state_mismatch")
      }),
    )

    it.effect("opens what an older key sealed, and refuses what a dropped one did", () =>
      Effect.gen(function* () {
        const before = yield* withKeys("k1")
        const [first, second] = [yield* begin(before, acme), yield* begin(before, acme)]
        const given = { token: first.token, cookie: first.cookie.value }
        const rotated = yield* withKeys("k2", "k1")
        assert.deepStrictEqual(plain(yield* finish(rotated, acme, given)), plain(first.kept))
        assert.strictEqual(rotated.cookieName(acme, first.token), first.cookie.name)
        const later = { token: second.token, cookie: second.cookie.value }
        assert.strictEqual(yield* codeOf(finish(yield* withKeys("k2"), acme, later)), "state_mismatch")
        assert.strictEqual(yield* codeOf(finish(yield* withKeys("k3", "k1"), acme, later)), "taken")
      }),
    )

    it.effect("refuses a cookie of which a character was changed, taken away or added", () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        const mine = yield* begin(states, acme, { payload: null })
        const { token, cookie } = mine
        for (const altered of alterations(textOf(cookie))) {
          const answer = yield* codeOf(finish(states, acme, { token, cookie: Redacted.make(altered) }))
          assert.strictEqual(answer, "state_mismatch", altered)
        }
        assert.strictEqual(yield* codeOf(mine.finish), "taken")
      }),
    )

    it.effect("refuses a state of which a character was changed, before anything is computed or looked up", () =>
      Effect.gen(function* () {
        const { token, cookie } = yield* begin(yield* withKeys("k1"), acme)
        const states = yield* untouchable
        const text = Redacted.value(token)
        for (const altered of [...alterations(text), "", "state", "x".repeat(100_000), text.repeat(2)]) {
          const given = { token: Redacted.make(altered), cookie: cookie.value }
          assert.strictEqual(yield* codeOf(finish(states, acme, given)), "state_mismatch", altered)
          assert.isNull(states.cookieName(acme, given.token))
        }
      }),
    )

    it.effect("shows nothing of a state in its cookie", () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        const { token, cookie } = yield* begin(states, acme)
        const shown = `${cookie.name}=${textOf(cookie)}`
        const secret = Redacted.value(token).slice("belfry_oauth_state_".length)
        for (const text of [secret.slice(0, 8), verifier, "nonce-1", "payload-7"]) assert.notInclude(shown, text)
        const decoded = Buffer.from(shown.slice(shown.indexOf(".") + 1), "base64url").toString("latin1")
        for (const text of [secret.slice(0, 8), verifier, "nonce-1", "payload-7"]) assert.notInclude(decoded, text)
      }),
    )

    it.effect("says what is wrong with a payload of more than 4096 bytes", () =>
      Effect.gen(function* () {
        const states = yield* withKeys("k1")
        // Of 4096 bytes it may be, though no cookie takes it.
        const most = yield* Effect.exit(
          states.create(acme, yield* state({ payload: { text: `${"é".repeat(2042)}e` } })),
        )
        assert.strictEqual(Exit.isSuccess(most), strategy === "adapter")
        const error = yield* Effect.flip(states.create(acme, yield* state({ payload: { text: "é".repeat(2043) } })))
        assert.deepInclude(error, { _tag: "OAuthStateTooLarge", part: "payload", bytes: 4097, limit: 4096 })
        assert.strictEqual(error.message, "The payload of a state for acme has 4097 bytes; 4096 fit")
      }),
    )
  })
}
