/**
 * Users whom the host shuts out, at their providers.
 */
import { Users } from "@belfry/core/Users"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Flow from "./support/Flow.ts"

describe("A user who is disabled", () => {
  for (const isLinked of [true, false]) {
    it.effect(
      `is not signed in by a provider ${isLinked ? "that is linked" : "of the same address"}, nor changed`,
      () =>
        Effect.gen(function* () {
          const users = yield* Users
          const providerId = yield* Flow.addProvider({ overrideUserInfoOnSignIn: true })
          const sub = Flow.unique()
          const user = yield* Flow.addUser({ verified: true })
          if (isLinked) yield* Flow.linkDirectly(user, providerId, sub)
          const accounts = yield* Flow.accountsOf(user)
          const disabled = yield* users.disable(user.id)
          const person = { sub, email: user.email, email_verified: true, name: "Other" }
          assert.strictEqual(Flow.codeOf(yield* Flow.signIn(providerId, person, {})), "oauth_callback_failed")
          assert.deepStrictEqual(yield* Flow.getUser(user), disabled)
          assert.deepStrictEqual(yield* Flow.accountsOf(user), accounts)
          const [event] = yield* Flow.refusals(providerId)
          assert.strictEqual(event?.userId, user.id)
          yield* users.enable(user.id)
          const result = yield* Flow.signIn(providerId, person, {})
          assert.strictEqual(Flow.done(result).outcome.signIn?._tag, "Complete")
        }).pipe(Effect.provide(Flow.layer)),
    )
  }

  it.effect("links no account with what was begun before", () =>
    Effect.gen(function* () {
      const providerId = yield* Flow.addProvider()
      const user = yield* Flow.addUser({ verified: true })
      const { session } = yield* Flow.sessionOf(user)
      const begun = yield* Flow.begin({ providerId, link: session })
      yield* Users.use((users) => users.disable(user.id))
      const person = { sub: Flow.unique(), email: user.email, email_verified: true }
      const result = yield* Flow.consent(begun, person, { session })
      assert.strictEqual(Flow.codeOf(result), "state_mismatch")
      assert.deepStrictEqual(yield* Flow.accountsOf(user), [])
    }).pipe(Effect.provide(Flow.layer)),
  )
})
