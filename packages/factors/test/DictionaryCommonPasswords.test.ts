import { CommonPasswords } from "@belfry/factors/CommonPasswords"
import * as DictionaryCommonPasswords from "@belfry/factors/DictionaryCommonPasswords"
import { assert, describe, it, layer } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted } from "effect"

const context = ["ada.lovelace@example.com", "ada.lovelace", "Belfry"]

const isCommon = (password: string, words: ReadonlyArray<string> = context) =>
  Effect.flatMap(CommonPasswords, (passwords) => passwords.includes(Redacted.make(password), words))

layer(DictionaryCommonPasswords.layer)("DictionaryCommonPasswords", (it) => {
  it.effect("knows what attackers try first, in any case of letters", () =>
    Effect.gen(function* () {
      for (const password of ["password", "PassWord", "12345678", "QWERTYUIOP", "iloveyou", "P@ssw0rd", "sunshine1"]) {
        assert.isTrue(yield* isCommon(password), password)
      }
    }),
  )

  it.effect("lets others through", () =>
    Effect.gen(function* () {
      const passwords = [
        "correct horse battery",
        "password of my grandmother",
        "x7#Qp!vT2",
        "пароль на завтра",
        "🦉🦉🦉🦉",
      ]
      for (const password of passwords) assert.isFalse(yield* isCommon(password), password)
    }),
  )

  it.effect("refuses the address, its local part and the name of the site, dressed up or not", () =>
    Effect.gen(function* () {
      const passwords = [
        "ada.lovelace@example.com",
        "Ada.Lovelace@Example.com1",
        "ada.lovelace",
        "AdaLovelace1815",
        "1815-ada-lovelace",
        "adalovelacebelfry",
        "belfry12",
        "Belfry2026!",
        "mybelfry1",
        "Ｂｅｌｆｒｙ２０２６",
      ]
      for (const password of passwords) assert.isTrue(yield* isCommon(password), password)
    }),
  )

  it.effect("takes the words as parts of something longer", () =>
    Effect.gen(function* () {
      const passwords = ["ada.lovelace had a flying machine", "a belfry is full of bats", "lovelace & babbage"]
      for (const password of passwords) assert.isFalse(yield* isCommon(password), password)
    }),
  )
})

describe("isMostlyContext", () => {
  const { isMostlyContext } = DictionaryCommonPasswords

  it("draws the line at one half", () => {
    assert.isTrue(isMostlyContext("lovelaceabcdefg", ["lovelace"]))
    assert.isFalse(isMostlyContext("lovelaceabcdefgh", ["lovelace"]))
  })

  it("refuses a word with nothing but digits around it, however many", () => {
    assert.isTrue(isMostlyContext("ada18151210", ["ada"]))
    assert.isTrue(isMostlyContext("1815-ada-1210", ["ada"]))
    assert.isFalse(isMostlyContext("ada18151210x", ["ada"]))
  })

  it("does not count words of less than 3 letters, nor words of punctuation alone", () => {
    assert.isFalse(isMostlyContext("a1234567", ["a"]))
    assert.isFalse(isMostlyContext("ab123456", ["ab"]))
    assert.isTrue(isMostlyContext("abc12345", ["abc"]))
    assert.isFalse(isMostlyContext("!!!!!!!!", ["!!!!", ""]))
  })

  it("looks for longer words first, and for none that only appears when another is cut out", () => {
    assert.isTrue(isMostlyContext("adalovelacexx", ["ada", "adalovelace"]))
    // 11 of 27 letters are a word; "bel" and "fry", on its two sides, are none.
    assert.isFalse(isMostlyContext("beladalovelacefryquickzebra", ["adalovelace", "belfry"]))
  })
})

describe("DictionaryCommonPasswords.layerConfig", () => {
  const isCommonWith = (environment: Record<string, string>) =>
    isCommon("password").pipe(
      Effect.provide(DictionaryCommonPasswords.layerConfig),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))),
    )

  it.effect("checks unless it is turned off", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* isCommonWith({}))
      assert.isTrue(yield* isCommonWith({ BELFRY_PASSWORD_COMMON_CHECK: "true" }))
      assert.isFalse(yield* isCommonWith({ BELFRY_PASSWORD_COMMON_CHECK: "false" }))
    }),
  )

  it.effect("refuses what is neither true nor false", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(isCommonWith({ BELFRY_PASSWORD_COMMON_CHECK: "perhaps" }))
      assert.strictEqual(error._tag, "ConfigError")
    }),
  )
})
