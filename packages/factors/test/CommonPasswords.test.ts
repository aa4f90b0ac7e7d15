/**
 * Where the check against common passwords takes place, and what it is told.
 */
import { CommonPasswords } from "@belfry/factors/CommonPasswords"
import * as DictionaryCommonPasswords from "@belfry/factors/DictionaryCommonPasswords"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import {
  adasPassword,
  change,
  layer,
  mails,
  register,
  reset,
  secret,
  signIn,
  signUp,
  takeResetToken,
} from "./support/People.ts"

const reasonOf = <A, E extends { readonly _tag: string; readonly reason?: string }, R>(
  effect: Effect.Effect<A, E, R>,
) => Effect.map(Effect.flip(effect), (error) => error.reason ?? error._tag)

describe("CommonPasswords", () => {
  it.effect("refuses at sign-up, reset and change, and nothing changes", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* reasonOf(signUp({ password: secret("Password1") })), "common")
      assert.deepStrictEqual(yield* mails, [])
      const here = yield* register()
      assert.strictEqual(yield* reasonOf(change(here, secret("qwertyuiop"), adasPassword)), "common")
      const token = yield* takeResetToken()
      assert.strictEqual(yield* reasonOf(reset(token, secret("12345678"))), "common")
      yield* signIn()
    }).pipe(Effect.provide(Layer.provide(layer, DictionaryCommonPasswords.layer))),
  )

  it.effect("is told the password in its one form, the address, its local part and the name of the site", () => {
    const asked: Array<readonly [password: string, context: ReadonlyArray<string>]> = []
    const remembering = Layer.succeed(CommonPasswords, {
      includes: (password, context) => Effect.sync(() => asked.push([Redacted.value(password), context]) === 0),
    })
    return Effect.gen(function* () {
      const here = yield* register({ password: secret("ﬁshing boat") })
      yield* change(here, secret("１２３４５６７８"))
      yield* reset(yield* takeResetToken(), adasPassword)
      const context = ["ada@example.com", "ada", "Belfry"]
      assert.deepStrictEqual(asked, [
        ["fishing boat", context],
        ["12345678", context],
        ["correct horse battery", context],
      ])
    }).pipe(Effect.provide(Layer.provide(layer, remembering)))
  })

  it.effect("refuses nothing without a layer for it", () =>
    Effect.gen(function* () {
      yield* register({ password: secret("password") })
      yield* signIn({ password: secret("password") })
    }).pipe(Effect.provide(layer)),
  )
})
