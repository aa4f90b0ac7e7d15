import { Email } from "@belfry/core/User"
import {
  type Digits,
  normalizeCode,
  provisioningUri,
  timeStepAt,
  type TotpAlgorithm,
  truncate,
} from "@belfry/factors/OneTimePassword"
import * as Authenticator from "@belfry/testing/Authenticator"
import { NodeCrypto } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Redacted, Result, Schema } from "effect"
import { Mac } from "effect/crypto"
import * as OneTimePasswords from "../src/internal/oneTimePasswords.ts"

const bytesOf = (text: string) => new TextEncoder().encode(text)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const instant = (seconds: number) => DateTime.makeUnsafe(seconds * 1000)

/** The secret of both RFCs in the length that a hash asks for: 12345678901234567890... */
const generator = (algorithm: TotpAlgorithm, digits: Digits): OneTimePasswords.Generator => ({
  secret: Redacted.make(bytesOf("1234567890".repeat(7).slice(0, OneTimePasswords.secretLengths[algorithm]))),
  algorithm,
  digits,
})

/** Counters 0 to 9: the intermediate HMAC, its truncated value and the code. */
const hotpVectors = [
  { mac: "cc93cf18508d94934c64b65d8ba7667fb7cde4b0", truncated: 0x4c93cf18, code: "755224" },
  { mac: "75a48a19d4cbe100644e8ac1397eea747a2d33ab", truncated: 0x41397eea, code: "287082" },
  { mac: "0bacb7fa082fef30782211938bc1c5e70416ff44", truncated: 0x82fef30, code: "359152" },
  { mac: "66c28227d03a2d5529262ff016a1e6ef76557ece", truncated: 0x66ef7655, code: "969429" },
  { mac: "a904c900a64b35909874b33e61c5938a8e15ed1c", truncated: 0x61c5938a, code: "338314" },
  { mac: "a37e783d7b7233c083d4f62926c7a25f238d0316", truncated: 0x33c083d4, code: "254676" },
  { mac: "bc9cd28561042c83f219324d3c607256c03272ae", truncated: 0x7256c032, code: "287922" },
  { mac: "a4fb960c0bc06e1eabb804e5b397cdc4b45596fa", truncated: 0x4e5b397, code: "162583" },
  { mac: "1b3c89f65e6c9e883012052823443f048b4332db", truncated: 0x2823443f, code: "399871" },
  { mac: "1637409809a679dc698207310c8c7fc07290d9e5", truncated: 0x2679dc69, code: "520489" },
]

const vectorTimes = [59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000]

/** The codes at those times. */
const totpVectors: ReadonlyArray<readonly [TotpAlgorithm, ReadonlyArray<string>]> = [
  ["SHA1", ["94287082", "07081804", "14050471", "89005924", "69279037", "65353130"]],
  ["SHA256", ["46119246", "68084774", "67062674", "91819424", "90698825", "77737706"]],
  ["SHA512", ["90693936", "25091201", "99943326", "93441116", "38618901", "47863826"]],
]

describe("RFC 4226 Appendix D", () => {
  for (const [counter, { mac, truncated, code }] of hotpVectors.entries()) {
    it.effect(`computes the value of counter ${counter}`, () =>
      Effect.gen(function* () {
        const passwords = yield* OneTimePasswords.make
        const [computed] = yield* passwords.codes(generator("SHA1", 6), [counter])
        assert.deepStrictEqual(computed, { counter, code })
      }).pipe(Effect.provide(NodeCrypto.layer)),
    )

    it.effect(`computes the HMAC and the truncated value of counter ${counter}`, () =>
      Effect.gen(function* () {
        const key = yield* Mac.key(Mac.hmacSha1, bytesOf("12345678901234567890"))
        const tag = yield* (yield* Mac.Mac).sign(key, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, counter))
        assert.strictEqual(hex(tag), mac)
        assert.strictEqual(truncate(tag), truncated)
      }).pipe(Effect.provide(NodeCrypto.layer)),
    )
  }
})

describe("RFC 4226 §5.3", () => {
  it("MUST take 31 bits from where the last four bits of the HMAC point (the example of §5.4)", () => {
    assert.strictEqual(truncate(Buffer.from("1f8698690e02ca16618550ef7f19da8e945b555a", "hex")), 0x50ef7f19)
  })

  it("MUST mask the most significant bit", () => {
    assert.strictEqual(truncate(new Uint8Array(20).fill(0xff)), 0x7fffffff)
  })

  it("reads an HMAC that is part of a longer buffer", () => {
    const buffer = Buffer.from(`ffff${"00".repeat(4)}01020304${"00".repeat(11)}04ffff`, "hex")
    assert.strictEqual(truncate(buffer.subarray(2, 22)), 0x01020304)
  })

  it.effect("MUST show at least six digits, leading zeros too", () =>
    Effect.gen(function* () {
      const passwords = yield* OneTimePasswords.make
      for (const digits of [6, 8] as const) {
        const counters = Array.from({ length: 500 }, (_, index) => index)
        const codes = yield* passwords.codes(generator("SHA1", digits), counters)
        assert.isTrue(codes.every(({ code }) => code.length === digits))
        assert.isTrue(codes.some(({ code }) => code.startsWith("0")))
      }
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})

describe("RFC 6238 Appendix B", () => {
  for (const [algorithm, codes] of totpVectors) {
    for (const [index, seconds] of vectorTimes.entries()) {
      it.effect(`computes the value of ${algorithm} at ${seconds} s`, () =>
        Effect.gen(function* () {
          const passwords = yield* OneTimePasswords.make
          const step = timeStepAt(instant(seconds), 30)
          const [computed] = yield* passwords.codes(generator(algorithm, 8), [step])
          assert.deepStrictEqual(computed, { counter: step, code: codes[index] ?? "" })
        }).pipe(Effect.provide(NodeCrypto.layer)),
      )
    }
  }

  it("has the time steps of the table", () => {
    assert.deepStrictEqual(
      vectorTimes.map((seconds) => timeStepAt(instant(seconds), 30).toString(16).toUpperCase()),
      ["1", "23523EC", "23523ED", "273EF07", "3F940AA", "27BC86AA"],
    )
  })
})

describe("RFC 6238 §4.2", () => {
  it("MUST count whole steps since the epoch", () => {
    const steps = [0, 29.999, 30, 59, 59.999, 60].map((seconds) => timeStepAt(instant(seconds), 30))
    assert.deepStrictEqual(steps, [0, 0, 1, 1, 1, 2])
  })

  it("MUST support times beyond 32 bits (the year 2038)", () => {
    assert.strictEqual(timeStepAt(instant(2 ** 31 + 30), 30), Math.floor((2 ** 31 + 30) / 30))
  })
})

describe("RFC 6238 §5.1", () => {
  it.effect("SHOULD make secrets of the length of the hash, no two alike", () =>
    Effect.gen(function* () {
      const passwords = yield* OneTimePasswords.make
      for (const [algorithm, length] of [
        ["SHA1", 20],
        ["SHA256", 32],
        ["SHA512", 64],
      ] as const) {
        const secrets = [yield* passwords.generateSecret(algorithm), yield* passwords.generateSecret(algorithm)]
        const bytes = yield* Effect.forEach(secrets, (secret) =>
          Effect.map(Effect.fromResult(OneTimePasswords.decodeSecret(secret)), Redacted.value),
        )
        assert.deepStrictEqual(
          bytes.map((each) => each.length),
          [length, length],
        )
        assert.notDeepEqual(bytes[0], bytes[1])
      }
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})

describe("A secret in base32", () => {
  const written = "GEZDGNBVGY3TQOJQGEZDGNBVGY"
  const read = (text: string) => Result.map(OneTimePasswords.readSecret(Redacted.make(text)), Redacted.value)

  it("is written as RFC 4648 §10 has it, without padding", () => {
    const encoded = ["f", "fo", "foo", "foob", "fooba", "foobar"].map((text) =>
      Redacted.value(OneTimePasswords.encodeSecret(bytesOf(text))),
    )
    assert.deepStrictEqual(encoded, ["MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"])
  })

  it("may be typed in lower case, in groups and with padding", () => {
    for (const text of [
      written,
      written.toLowerCase(),
      " gezd gnbv gy3t qojq gezd gnbv gy ",
      "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY",
      `${written}======`,
    ]) {
      assert.deepStrictEqual(read(text), Result.succeed(written))
    }
  })

  it("MUST have at least 128 bits (RFC 4226 §4 R6), and no more than a block of SHA-1", () => {
    const ofLength = (length: number) => Redacted.value(OneTimePasswords.encodeSecret(new Uint8Array(length)))
    assert.deepStrictEqual(
      [0, 1, 15, 16, 20, 64, 65, 1000].map((length) => Result.isSuccess(read(ofLength(length)))),
      [false, false, false, true, true, true, false, false],
    )
  })

  it("is refused without being quoted", () => {
    for (const text of [`${written}1`, `${written}!`, `${written}=A`, "ÄÖÜ", "GEZDGNBVGY3TQOJQGEZDGNBVGZ"]) {
      const refused = Result.getOrThrow(Result.flip(read(text)))
      assert.strictEqual(refused._tag, "SecretInvalid")
      assert.notInclude(`${refused} ${refused.stack} ${JSON.stringify(refused)}`, text)
    }
  })
})

describe("A typed code", () => {
  const typed = (text: string, digits: Digits = 6) => Option.getOrNull(normalizeCode(Redacted.make(text), digits))

  it("is read whatever the width of its digits, with spaces and dashes", () => {
    for (const text of [
      "123456",
      "１２３４５６",
      "123 456",
      " 123-456 ",
      "12\u00a034\u300056",
      "１２３‐４５６",
      "123–456",
    ]) {
      assert.strictEqual(typed(text), "123456")
    }
    assert.strictEqual(typed("1234 5678", 8), "12345678")
    assert.strictEqual(typed("000000"), "000000")
  })

  it("is none unless it has exactly the digits of a code", () => {
    for (const text of [
      "",
      "12345",
      "1234567",
      "12345a",
      "+12345",
      "1e5000",
      "0x1234",
      "١٢٣٤٥٦",
      "123456\0",
      "12345.6",
    ]) {
      assert.isNull(typed(text))
    }
    assert.isNull(typed("123456", 8))
    assert.isNull(typed("12345678", 6))
    assert.isNull(typed(`${" ".repeat(1000)}123456`))
  })

  it.effect.prop("is its digits, or nothing", [Schema.String], ([text]) =>
    Effect.sync(() => {
      const code = typed(text)
      if (code !== null) assert.match(code, /^[0-9]{6}$/u)
    }),
  )
})

describe("A provisioning URI", () => {
  const options = {
    type: "totp",
    issuer: "Belfry",
    account: Email.make("ada@example.com"),
    secret: Redacted.make("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
    algorithm: "SHA1",
    digits: 6,
    moving: { period: 30 },
  } as const
  const uriOf = (changes: Partial<Parameters<typeof provisioningUri>[0]> = {}) =>
    Redacted.value(provisioningUri({ ...options, ...changes }))

  it("writes issuer, account and every parameter of a TOTP", () => {
    assert.strictEqual(
      uriOf(),
      "otpauth://totp/Belfry:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Belfry&algorithm=SHA1&digits=6&period=30",
    )
    assert.match(uriOf({ algorithm: "SHA512", digits: 8 }), /&algorithm=SHA512&digits=8&period=30$/u)
  })

  it("writes the counter of a HOTP", () => {
    assert.strictEqual(
      uriOf({ type: "hotp", moving: { counter: 7 } }),
      "otpauth://hotp/Belfry:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Belfry&algorithm=SHA1&digits=6&counter=7",
    )
  })

  it("escapes what a name may have, and leaves out colons, which would divide it", () => {
    const uri = uriOf({ issuer: "Ädle: Fjord & Co?#/%", account: Email.make("a+b@example.com") })
    assert.include(uri, "otpauth://totp/%C3%84dle%20Fjord%20%26%20Co%3F%23%2F%25:a%2Bb%40example.com?secret=")
    const { issuer, account } = Authenticator.scan(Redacted.make(uri))
    assert.deepStrictEqual([issuer, account], ["Ädle Fjord & Co?#/%", "a+b@example.com"])
    assert.strictEqual(new URL(uri).searchParams.get("issuer"), "Ädle Fjord & Co?#/%")
    assert.include(uriOf({ issuer: "half \ud83d" }), "half%20%EF%BF%BD:")
  })

  it("is not shown where it is logged", () => {
    assert.notInclude(String(provisioningUri(options)), "GEZD")
  })

  it.effect("sets up an app that shows the same codes", () =>
    Effect.gen(function* () {
      const passwords = yield* OneTimePasswords.make
      for (const [algorithm, digits] of [
        ["SHA1", 6],
        ["SHA256", 8],
        ["SHA512", 6],
      ] as const) {
        const secret = yield* passwords.generateSecret(algorithm)
        const bytes = yield* Effect.fromResult(OneTimePasswords.decodeSecret(secret))
        const app = Authenticator.scan(provisioningUri({ ...options, secret, algorithm, digits }))
        const counters = [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 48]
        assert.deepStrictEqual(
          (yield* passwords.codes({ secret: bytes, algorithm, digits }, counters)).map(({ code }) => code),
          counters.map((counter) => Redacted.value(app.code(counter))),
        )
      }
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})
