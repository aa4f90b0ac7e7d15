import { assert, layer } from "@effect/vitest"
import { UserId } from "@belfry/core/User"
import { ProviderId } from "@belfry/oauth-client/OAuthProvider"
import type { OAuthStart } from "@belfry/oauth-client/OAuthSignIn"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { alterations, layerMemory, provider, start, withKeys } from "./support/States.ts"

const acme = provider("adapter")
const browser = Redacted.make("belfry_oauth_browser_of-mine")

layer(layerMemory)("start URLs", (it) => {
  it.effect("open to what was asked for, as often as the browser follows them", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      const all: ReadonlyArray<OAuthStart> = [
        yield* start(),
        yield* start({ intent: "link", userId: UserId.make("0199b5f0-0000-7000-8000-000000000001"), request: {} }),
        yield* start({
          request: {
            errorRedirectUrl: "/oops",
            newUserRedirectUrl: "/welcome?a=«b»",
            prompt: "consent",
            accessType: "offline",
            responseMode: "form_post",
            loginHint: "ada@example.com",
            authorizationParams: { hd: "example.com" },
          },
        }),
      ]
      for (const asked of all) {
        const token = yield* states.sealStart(asked, browser)
        for (const _ of [1, 2]) assert.deepStrictEqual(yield* states.openStart(acme, token, browser), asked)
      }
    }),
  )

  it.effect("open in no other browser, and in none without the cookie", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      const token = yield* states.sealStart(yield* start(), browser)
      for (const other of [null, "", "belfry_oauth_browser_of-another", `${Redacted.value(browser)} `]) {
        const given = other === null ? null : Redacted.make(other)
        assert.isNull(yield* states.openStart(acme, token, given))
      }
    }),
  )

  it.effect("open at no other provider", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      const token = yield* states.sealStart(yield* start({ providerId: ProviderId.make("other") }), browser)
      assert.isNull(yield* states.openStart(acme, token, browser))
      assert.isNotNull(yield* states.openStart(provider("adapter", "other"), token, browser))
    }),
  )

  it.effect("open up to the instant at which they are over, and not at it", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      const token = yield* states.sealStart(yield* start(), browser)
      yield* TestClock.adjust(10 * 60_000 - 1)
      assert.isNotNull(yield* states.openStart(acme, token, browser))
      yield* TestClock.adjust(1)
      assert.isNull(yield* states.openStart(acme, token, browser))
    }),
  )

  it.effect("open under an older key, and not once it is gone", () =>
    Effect.gen(function* () {
      const asked = yield* start()
      const token = yield* (yield* withKeys("k1")).sealStart(asked, browser)
      assert.deepStrictEqual(yield* (yield* withKeys("k2", "k1")).openStart(acme, token, browser), asked)
      assert.isNull(yield* (yield* withKeys("k2")).openStart(acme, token, browser))
    }),
  )

  it.effect("do not open when a character was changed, taken away or added", () =>
    Effect.gen(function* () {
      const states = yield* withKeys("k1")
      const token = yield* states.sealStart(yield* start(), browser)
      for (const altered of alterations(Redacted.value(token))) {
        assert.isNull(yield* states.openStart(acme, Redacted.make(altered), browser), altered)
      }
      assert.isNotNull(yield* states.openStart(acme, token, browser))
    }),
  )
})
