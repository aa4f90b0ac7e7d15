import { KeyedHash, Sealed } from "@belfry/core/KeyedHash"
import * as KeyRing from "@belfry/core/KeyRing"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { assert, describe, it, layer } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted, Result } from "effect"
import * as TestKeyRing from "./support/TestKeyRing.ts"

const secret = Redacted.make("the secret")

const hasher = (purpose: string) => Effect.flatMap(KeyRing.KeyRing, (ring) => ring.hasher(purpose))
const sealer = (purpose: string) => Effect.flatMap(KeyRing.KeyRing, (ring) => ring.sealer(purpose))

const good = (id: string) => `${id}:0123456789abcdefghijklmnopqrstuvwxyz`

describe("KeyRing hashers", () => {
  layer(TestKeyRing.layer)((it) => {
    it.effect("name the key before the hash", () =>
      Effect.gen(function* () {
        const hash = yield* (yield* hasher("test")).hash(secret)
        assert.match(hash, /^k1\.[A-Za-z0-9_-]{43}$/)
      }),
    )

    it.effect("hash alike twice, and other secrets otherwise", () =>
      Effect.gen(function* () {
        const { hash } = yield* hasher("test")
        assert.strictEqual(yield* hash(secret), yield* hash(Redacted.make("the secret")))
        assert.notStrictEqual(yield* hash(secret), yield* hash(Redacted.make("the secreu")))
      }),
    )

    it.effect("hash otherwise for another purpose", () =>
      Effect.gen(function* () {
        const session = yield* (yield* hasher("session")).hash(secret)
        const verification = yield* (yield* hasher("verification")).hash(secret)
        assert.notStrictEqual(session, verification)
      }),
    )

    it.effect("keep their hashes over versions: stores are full of them", () =>
      Effect.gen(function* () {
        // HMAC-SHA-256 under HKDF-SHA-256(secret, salt "belfry", info "hash:test"), computed with node:crypto.
        assert.strictEqual(
          yield* (yield* hasher("test")).hash(secret),
          KeyedHash.make("k1.86eFmMepGD-YkYLLaBSQQQvZOM3sybCldRcVFZq0U-A"),
        )
      }),
    )
  })

  it.effect("hash otherwise under another secret of the same id", () =>
    Effect.gen(function* () {
      const hashUnder = (value: string) =>
        Effect.flatMap(hasher("test"), (test) => test.hash(secret)).pipe(
          Effect.provide(Layer.provide(KeyRing.layer([{ id: "k1", value: Redacted.make(value) }]), NodeCrypto.layer), {
            local: true,
          }),
        )
      assert.notStrictEqual(yield* hashUnder("a".repeat(32)), yield* hashUnder("b".repeat(32)))
    }),
  )

  describe("after a rotation", () => {
    const hashBefore = Effect.flatMap(hasher("test"), (test) => test.hash(secret)).pipe(
      Effect.provide(TestKeyRing.layerOf("k1")),
    )

    layer(TestKeyRing.layerOf("k2", "k1"))((it) => {
      it.effect("sign with the first key", () =>
        Effect.gen(function* () {
          assert.match(yield* (yield* hasher("test")).hash(secret), /^k2\./)
        }),
      )

      it.effect("still look for the old hash, after the current one", () =>
        Effect.gen(function* () {
          const test = yield* hasher("test")
          assert.deepStrictEqual(yield* test.candidates(secret), [yield* test.hash(secret), yield* hashBefore])
        }),
      )

      it.effect("tell the current hash from the old one", () =>
        Effect.gen(function* () {
          const test = yield* hasher("test")
          assert.isTrue(test.isCurrent(yield* test.hash(secret)))
          assert.isFalse(test.isCurrent(yield* hashBefore))
        }),
      )
    })

    layer(TestKeyRing.layerOf("k2"))((it) => {
      it.effect("do not look for hashes of a key that is gone", () =>
        Effect.gen(function* () {
          const test = yield* hasher("test")
          assert.deepStrictEqual(yield* test.candidates(secret), [yield* test.hash(secret)])
        }),
      )
    })
  })
})

describe("KeyRing sealers", () => {
  layer(TestKeyRing.layer)((it) => {
    it.effect("open what they sealed", () =>
      Effect.gen(function* () {
        const test = yield* sealer("test")
        for (const text of ["", "a", "Grüße \u{1F511}", "x".repeat(10_000)]) {
          const sealed = yield* test.seal(Redacted.make(text), "row-1")
          assert.match(sealed, /^k1\.[A-Za-z0-9_-]+$/)
          assert.strictEqual(Redacted.value(yield* test.open(sealed, "row-1")), text)
        }
      }),
    )

    it.effect("seal the same text differently each time", () =>
      Effect.gen(function* () {
        const test = yield* sealer("test")
        const sealed = new Set<string>()
        for (let i = 0; i < 100; i++) sealed.add(yield* test.seal(secret, "row-1"))
        assert.strictEqual(sealed.size, 100)
      }),
    )

    it.effect("refuse another context", () =>
      Effect.gen(function* () {
        const test = yield* sealer("test")
        const sealed = yield* test.seal(secret, "row-1")
        const error = yield* Effect.flip(test.open(sealed, "row-2"))
        assert.strictEqual(error._tag, "SealBroken")
        assert.strictEqual(error.keyId, "k1")
      }),
    )

    it.effect("refuse what was sealed for another purpose", () =>
      Effect.gen(function* () {
        const sealed = yield* (yield* sealer("one")).seal(secret, "row-1")
        assert.strictEqual((yield* Effect.flip((yield* sealer("two")).open(sealed, "row-1")))._tag, "SealBroken")
      }),
    )

    it.effect("refuse a text with any one character altered, cut or added", () =>
      Effect.gen(function* () {
        const test = yield* sealer("test")
        // 11 characters make the ciphertext fill its last base64url character, so that no bit of it is unused.
        const sealed = yield* test.seal(Redacted.make("the secrets"), "row-1")
        const altered: Array<string> = [`${sealed}AAAA`]
        for (let i = 3; i < sealed.length; i++) {
          altered.push(sealed.slice(0, i) + (sealed.charAt(i) === "A" ? "B" : "A") + sealed.slice(i + 1))
          if (i > 3) altered.push(sealed.slice(0, i))
        }
        for (const text of altered) {
          const error = yield* Effect.flip(test.open(Sealed.make(text), "row-1"))
          assert.strictEqual(error._tag, "SealBroken", text)
        }
      }),
    )

    it.effect("refuse another spelling of the same bytes", () =>
      Effect.gen(function* () {
        const test = yield* sealer("test")
        const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        for (const text of ["", "a", "ab"]) {
          const sealed = yield* test.seal(Redacted.make(text), "row-1")
          for (const last of alphabet) {
            const other = Sealed.make(sealed.slice(0, -1) + last)
            const isOpened = yield* Effect.isSuccess(test.open(other, "row-1"))
            assert.strictEqual(isOpened, other === sealed, `${sealed} ${last}`)
          }
        }
      }),
    )

    it.effect("refuse a key that the ring does not have", () =>
      Effect.gen(function* () {
        const test = yield* sealer("test")
        const sealed = yield* test.seal(secret, "row-1")
        const error = yield* Effect.flip(test.open(Sealed.make(sealed.replace("k1.", "k9.")), "row-1"))
        assert.strictEqual(error.keyId, "k9")
      }),
    )
  })

  describe("after a rotation", () => {
    const sealedBefore = Effect.flatMap(sealer("test"), (test) => test.seal(secret, "row-1")).pipe(
      Effect.provide(TestKeyRing.layerOf("k1")),
    )

    layer(TestKeyRing.layerOf("k2", "k1"))((it) => {
      it.effect("seal with the first key and open what the old one sealed", () =>
        Effect.gen(function* () {
          const test = yield* sealer("test")
          const old = yield* sealedBefore
          assert.strictEqual(Redacted.value(yield* test.open(old, "row-1")), "the secret")
          assert.isFalse(test.isCurrent(old))
          const sealed = yield* test.seal(secret, "row-1")
          assert.match(sealed, /^k2\./)
          assert.isTrue(test.isCurrent(sealed))
        }),
      )
    })

    layer(TestKeyRing.layerOf("k2"))((it) => {
      it.effect("do not open what a key sealed that is gone", () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip((yield* sealer("test")).open(yield* sealedBefore, "row-1"))
          assert.strictEqual(error.keyId, "k1")
        }),
      )
    })
  })
})

describe("BELFRY_SECRETS", () => {
  const refused: ReadonlyArray<readonly [what: string, text: string, reason: RegExp]> = [
    ["nothing", "", /written id:value/],
    ["a value without an id", "0123456789abcdefghijklmnopqrstuvwxyz", /written id:value/],
    ["an empty id", ":0123456789abcdefghijklmnopqrstuvwxyz", /written id:value/],
    ["an id with a dot, which ends ids in hashes", "k.1:0123456789abcdefghijklmnopqrstuvwxyz", /written id:value/],
    ["an id of 33 characters", `${"k".repeat(33)}:0123456789abcdefghijklmnopqrstuvwxyz`, /written id:value/],
    ["a value of 31 characters", "k1:0123456789abcdefghijklmnopqrstu", /"k1" has less than 32/],
    ["a value that repeats few characters", `k1:${"abc123".repeat(8)}`, /"k1" is not random/],
    ["an id that is given twice", `${good("k1")},${good("k1")}`, /"k1" is given twice/],
    ["a trailing comma", `${good("k1")},`, /written id:value/],
    ["a wrong entry after a good one", `${good("k1")},oops0123456789abcdefghijklmnopqr`, /written id:value/],
  ]
  for (const [what, text, reason] of refused) {
    it.effect(`refuses ${what} and does not show it`, () =>
      Effect.gen(function* () {
        const parsed = KeyRing.parseSecrets(text)
        if (Result.isSuccess(parsed)) return assert.fail("accepted")
        assert.match(parsed.failure, reason)
        assert.notMatch(parsed.failure, /0123456789|abc123|oops/)

        const error = yield* Effect.flip(
          Effect.provide(
            KeyRing.configSecrets,
            ConfigProvider.layer(ConfigProvider.fromEnvRecord({ BELFRY_SECRETS: text })),
          ),
        )
        assert.notMatch(`${error.message} ${String(error)} ${JSON.stringify(error)}`, /0123456789|abc123|oops/)
      }),
    )
  }

  it("takes several secrets in their order, with space around them and colons in the values", () => {
    const parsed = Result.getOrThrow(KeyRing.parseSecrets(` ${good("k2")}:x , ${good("k-1_")} `))
    assert.deepStrictEqual(
      parsed.map(({ id, value }) => [id, Redacted.value(value)]),
      [
        ["k2", "0123456789abcdefghijklmnopqrstuvwxyz:x"],
        ["k-1_", "0123456789abcdefghijklmnopqrstuvwxyz"],
      ],
    )
    assert.notInclude(`${JSON.stringify(parsed)} ${parsed.map(({ value }) => String(value)).join()}`, "0123456789")
  })

  it.effect("makes the ring from the environment", () =>
    Effect.gen(function* () {
      assert.match(yield* (yield* hasher("test")).hash(secret), /^k7\./)
    }).pipe(
      Effect.provide(KeyRing.layerConfig),
      Effect.provide(NodeCrypto.layer),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ BELFRY_SECRETS: good("k7") }))),
    ),
  )

  it.effect("is required", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(KeyRing.configSecrets)
      assert.strictEqual(error._tag, "ConfigError")
    }).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({})))),
  )
})
