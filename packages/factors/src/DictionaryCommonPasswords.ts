/**
 * Common passwords by the dictionary of zxcvbn-ts (about 49,000 of them), and by what an attacker knows of the person.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { CommonPasswords } from "./CommonPasswords.ts"
import { lengthInBytes } from "./Password.ts"

/**
 * Tells whether a password is little more than words that an attacker would try for this person.
 *
 * **Details**
 *
 * Letter case, spaces and punctuation do not count, and neither do words of less than 3 letters or digits. A password
 * is refused when the words make more than half of it (`ada.lovelace` in `AdaLovelace-xyz`), or when nothing but digits
 * stands beside them (`ada` in `ada18151210`).
 *
 * @category predicates
 * @since 0.1.0
 */
export const isMostlyContext = (password: string, context: ReadonlyArray<string>): boolean => {
  const text = bare(password)
  const words = context
    .map(bare)
    .filter((word) => word.length >= 3)
    .sort((a, b) => b.length - a.length)
  // A space in place of each word, so that what stood on its two sides does not become a word.
  const rest = words.reduce((left, word) => left.replaceAll(word, " "), text)
  if (rest === text) return false
  const others = rest.replaceAll(" ", "")
  return others.length * 2 < text.length || !/[^\p{N}]/u.test(others)
}

/**
 * Builds the check. The dictionary is loaded when the first password is checked, since it takes 50 ms and 20 MB that a
 * server without sign-ups never needs; only those of its words stay that are long enough for a password.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const dictionary = yield* Effect.cached(loadDictionary)
  return {
    includes: (password: Redacted.Redacted, context: ReadonlyArray<string>) =>
      Effect.map(dictionary, (known) => {
        const text = Redacted.value(password)
        return known.has(text.toLowerCase()) || isMostlyContext(text, context)
      }),
  }
})

/**
 * Layer that refuses common passwords.
 *
 * **Example** (Passwords that are checked)
 *
 * ```ts
 * const PasswordsLive = FactorsServices.layer.pipe(Layer.provide(DictionaryCommonPasswords.layer))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.effect(CommonPasswords, make)

/**
 * Layer that refuses common passwords unless `BELFRY_PASSWORD_COMMON_CHECK` (default true) is false. Then the
 * dictionary is not loaded.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, Config.ConfigError> = Layer.unwrap(
  Effect.gen(function* () {
    const isOn = yield* Config.Boolean("BELFRY_PASSWORD_COMMON_CHECK").pipe(Config.withDefault(true))
    return isOn ? layer : Layer.empty
  }),
)

// internal

// It is a dependency of this package: when it does not load, the installation is broken.
const loadDictionary = Effect.promise(async () => {
  const { dictionary } = await import("@zxcvbn-ts/language-common")
  return new Set(
    dictionary["passwords-common"]
      .map((password) => password.toLowerCase())
      .filter((password) => new TextEncoder().encode(password).length >= lengthInBytes.minimum),
  )
})

const bare = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]/gu, "")
