import * as Password from "@belfry/factors/Password"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result, Schema } from "effect"

const checked = (text: string) =>
  Result.match(Password.check(Redacted.make(text)), { onFailure: ({ reason }) => reason, onSuccess: () => "taken" })

describe("Password.check", () => {
  it("takes 8 to 1,024 bytes, and neither 7 nor 1,025", () => {
    assert.strictEqual(checked("a".repeat(7)), "too-short")
    assert.strictEqual(checked("a".repeat(8)), "taken")
    assert.strictEqual(checked("a".repeat(1024)), "taken")
    assert.strictEqual(checked("a".repeat(1025)), "too-long")
    assert.strictEqual(checked(""), "too-short")
  })

  it("counts bytes of UTF-8, not characters", () => {
    // é has 2 bytes, 字 has 3, 🦉 has 4.
    assert.strictEqual(checked("éééa"), "too-short")
    assert.strictEqual(checked("éééé"), "taken")
    assert.strictEqual(checked("字字a"), "too-short")
    assert.strictEqual(checked("字字aa"), "taken")
    assert.strictEqual(checked("🦉🦉"), "taken")
    assert.strictEqual(checked("🦉".repeat(256)), "taken")
    assert.strictEqual(checked("🦉".repeat(256) + "a"), "too-long")
    assert.strictEqual(checked("é".repeat(512)), "taken")
    assert.strictEqual(checked("é".repeat(512) + "a"), "too-long")
  })

  it("says the bounds with the refusal, and never the password", () => {
    const refusal = Password.check(Redacted.make("hunter2"))
    assert.deepStrictEqual(
      refusal,
      Result.fail(new Password.PasswordRejected({ reason: "too-short", minimum: 8, maximum: 1024 })),
    )
    assert.notInclude(JSON.stringify(refusal), "hunter2")
  })
})

describe("Password.normalize", () => {
  const normalized = (text: string) => Redacted.value(Password.normalize(Redacted.make(text)))

  it("writes what different keyboards type as one", () => {
    assert.strictEqual(normalized("ﬁsh"), normalized("fish"))
    assert.strictEqual(normalized("１２３４"), "1234")
    assert.strictEqual(normalized("e\u0301"), "\u00E9")
  })

  it("keeps letter case, spaces at the ends and everything else that tells passwords apart", () => {
    assert.strictEqual(normalized(" Pass Word "), " Pass Word ")
    assert.notStrictEqual(normalized("Fish"), normalized("fish"))
  })

  it("keeps the text out of sight", () => {
    assert.notInclude(String(Password.normalize(Redacted.make("hunter22"))), "hunter22")
  })
})

describe("PasswordText", () => {
  const decode = Schema.decodeUnknownEffect(Password.PasswordText)

  it.effect("takes text of up to 4,096 characters, redacted", () =>
    Effect.gen(function* () {
      const decoded = yield* decode("a".repeat(4096))
      assert.strictEqual(Redacted.value(decoded).length, 4096)
      assert.notInclude(String(decoded), "aaaa")
    }),
  )

  it.effect("refuses longer text and what is no text, without repeating it", () =>
    Effect.gen(function* () {
      for (const input of ["hunter2".repeat(700), 73588437, null, ["hunter2"], { password: "hunter2" }]) {
        const error = yield* Effect.flip(decode(input))
        assert.notInclude(String(error), "hunter2")
        assert.notInclude(String(error), "73588437")
      }
    }),
  )
})

describe("PasswordHash", () => {
  const isHash = Schema.is(Password.PasswordHash)

  it("is an Argon2id hash in PHC string format and nothing else", () => {
    const salt = "c29tZXNhbHRzb21lc2FsdA"
    const digest = "A".repeat(43)
    assert.isTrue(isHash(`$argon2id$v=19$m=19456,t=2,p=1$${salt}$${digest}`))
    for (const text of [
      "correct horse battery",
      `$argon2i$v=19$m=19456,t=2,p=1$${salt}$${digest}`,
      `$argon2id$v=16$m=19456,t=2,p=1$${salt}$${digest}`,
      `$argon2id$v=19$m=19456,t=2$${salt}$${digest}`,
      `$argon2id$v=19$m=19456,t=2,p=1$${salt}`,
      `$argon2id$v=19$m=19456,t=2,p=1$$${digest}`,
      `$argon2id$v=19$m=19456,t=2,p=1$${salt}$${digest}=`,
      `x$argon2id$v=19$m=19456,t=2,p=1$${salt}$${digest}`,
    ]) {
      assert.isFalse(isHash(text), text)
    }
  })
})
