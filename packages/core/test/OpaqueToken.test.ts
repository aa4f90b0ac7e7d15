import * as OpaqueToken from "@belfry/core/OpaqueToken"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { crc32 } from "node:zlib"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** The checksum as the format has it: the CRC-32 in base 62, 6 characters. */
const checksumOf = (random: string): string => {
  let text = ""
  for (let value = crc32(random), i = 0; i < 6; i++, value = Math.floor(value / 62)) {
    text = alphabet.charAt(value % 62) + text
  }
  return text
}

/** Randomness whose nth call gives what `bytes` makes of the size and n. */
const randomOf = (bytes: (size: number, call: number) => Uint8Array) => {
  let call = 0
  return Layer.mock(SecureRandom.SecureRandom, { randomBytes: (size) => Effect.sync(() => bytes(size, call++)) })
}

const newToken = Effect.map(OpaqueToken.generate("bfs"), Redacted.value)

describe("OpaqueToken", () => {
  layer(NodeCrypto.layer)((it) => {
    it.effect("makes a prefix, an underscore and 43 letters and digits", () =>
      Effect.gen(function* () {
        assert.match(yield* newToken, /^bfs_[0-9A-Za-z]{43}$/)
      }),
    )

    it.effect("makes tokens that it takes for well-formed", () =>
      Effect.gen(function* () {
        for (let i = 0; i < 100; i++) assert.isTrue(OpaqueToken.isWellFormed("bfs", yield* newToken))
      }),
    )

    it.effect("makes 10,000 tokens without a repetition, using the whole alphabet", () =>
      Effect.gen(function* () {
        const tokens = new Set<string>()
        const letters = new Set<string>()
        for (let i = 0; i < 10_000; i++) {
          const token = yield* newToken
          tokens.add(token)
          for (const letter of token.slice(4)) letters.add(letter)
        }
        assert.strictEqual(tokens.size, 10_000)
        assert.deepStrictEqual([...letters].sort(), alphabet.split(""))
      }),
    )

    it.effect("does not show the token when printed", () =>
      Effect.gen(function* () {
        const token = yield* OpaqueToken.generate("bfs")
        assert.notInclude(`${token} ${JSON.stringify({ token })}`, Redacted.value(token).slice(4))
      }),
    )

    it.effect("refuses a token with any one character altered", () =>
      Effect.gen(function* () {
        const token = yield* newToken
        for (let i = 0; i < token.length; i++) {
          for (const letter of `${alphabet}_-.`) {
            if (token.charAt(i) === letter) continue
            const altered = token.slice(0, i) + letter + token.slice(i + 1)
            assert.isFalse(OpaqueToken.isWellFormed("bfs", altered), `position ${i}: ${letter}`)
          }
        }
      }),
    )

    it.effect("refuses a token with two neighbouring characters exchanged", () =>
      Effect.gen(function* () {
        const token = yield* newToken
        for (let i = 4; i < token.length - 1; i++) {
          if (token.charAt(i) === token.charAt(i + 1)) continue
          const exchanged = token.slice(0, i) + token.charAt(i + 1) + token.charAt(i) + token.slice(i + 2)
          assert.isFalse(OpaqueToken.isWellFormed("bfs", exchanged), `position ${i}`)
        }
      }),
    )

    it.effect("refuses another prefix, a shorter and a longer token, and surrounding space", () =>
      Effect.gen(function* () {
        const token = yield* newToken
        assert.isFalse(OpaqueToken.isWellFormed("bfv", token))
        assert.isFalse(OpaqueToken.isWellFormed("bf", token))
        for (const other of [
          "",
          "bfs_",
          "bfs",
          token.slice(0, -1),
          `${token}0`,
          ` ${token}`,
          `${token} `,
          `${token}\n`,
        ]) {
          assert.isFalse(OpaqueToken.isWellFormed("bfs", other), JSON.stringify(other))
        }
      }),
    )

    it.effect("takes letters of the alphabet only, whatever their checksum", () =>
      Effect.sync(() => {
        const withChecksum = (random: string) => `bfs_${random}${checksumOf(random)}`
        assert.isTrue(OpaqueToken.isWellFormed("bfs", withChecksum("a".repeat(37))))
        for (const letter of ["-", "_", ".", " ", "/", ":", "@", "[", "`", "{", "\u0000", "\n", "é", "０"]) {
          assert.isFalse(OpaqueToken.isWellFormed("bfs", withChecksum(letter.repeat(37))), JSON.stringify(letter))
        }
      }),
    )
  })

  it.effect("keeps the form of its tokens: people hold them", () =>
    Effect.gen(function* () {
      const token = yield* newToken
      assert.strictEqual(token, "bfs_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZa33EDWO")
      assert.isTrue(OpaqueToken.isWellFormed("bfs", token))
    }).pipe(Effect.provide(randomOf((size) => Uint8Array.from({ length: size }, (_, index) => index)))),
  )

  it.effect("favours no letter: bytes from the largest multiple of 62 on are passed over", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* newToken).slice(4, 41), "z".repeat(37))
    }).pipe(Effect.provide(randomOf((size, call) => new Uint8Array(size).fill(call === 0 ? 248 : 247)))),
  )
})
