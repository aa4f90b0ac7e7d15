import { AuthenticationMethod } from "@belfry/core/Session"
import { amrOf, EnrollableFactor, evidenceOf, Factor } from "@belfry/factors/Factor"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

describe("amrOf", () => {
  const table: ReadonlyArray<
    readonly [ReadonlyArray<AuthenticationMethod>, ReadonlyArray<AuthenticationMethod>, string]
  > = [
    [[], [], "nothing"],
    [["pwd"], ["pwd"], "one proof"],
    [["pwd", "otp"], ["pwd", "otp", "mfa"], "what is known and what is had"],
    [["otp", "pwd"], ["otp", "pwd", "mfa"], "the same, in the order of the proofs"],
    [["email", "otp"], ["email", "otp", "mfa"], "a mailbox and an app"],
    [["oauth", "otp"], ["oauth", "otp", "mfa"], "another provider and an app"],
    [["oauth", "email"], ["oauth", "email", "mfa"], "another provider and a mailbox"],
    [["pwd", "kba"], ["pwd", "kba"], "two things that are known"],
    [["otp", "hwk"], ["otp", "hwk"], "two things that are had"],
    [["email", "email"], ["email"], "a code and a link to one mailbox"],
    [["hwk", "user", "mfa"], ["hwk", "user", "mfa"], "a passkey that verified its user"],
    [["hwk", "user"], ["hwk", "user"], "a touch, which is no evidence of its own"],
    [["mfa", "otp", "otp"], ["otp", "mfa"], "what was two kinds before stays so, and is said last"],
    [["geo", "rba", "pwd"], ["geo", "rba", "pwd"], "circumstances, which are no evidence"],
  ]
  for (const [methods, expected, what] of table) {
    it(`of ${what}: [${methods.join(" ")}] is [${expected.join(" ")}]`, () => {
      assert.deepStrictEqual(amrOf(methods), expected)
    })
  }

  const methods = Schema.Array(AuthenticationMethod)

  it.prop("says each value once, all that were given, and nothing else but mfa", [methods], ([given]) => {
    const amr = amrOf(given)
    assert.strictEqual(new Set(amr).size, amr.length)
    assert.deepStrictEqual(new Set([...amr, "mfa"]), new Set([...given, "mfa"]))
  })

  it.prop("says mfa exactly of two kinds of evidence, or where it was said", [methods], ([given]) => {
    const kinds = new Set(given.map(evidenceOf).filter((kind) => kind !== undefined))
    assert.strictEqual(amrOf(given).includes("mfa"), kinds.size > 1 || given.includes("mfa"))
  })

  it.prop("of an amr is that amr, so that sessions can be merged again and again", [methods], ([given]) => {
    const amr = amrOf(given)
    assert.deepStrictEqual(amrOf(amr), amr)
    assert.deepStrictEqual(amrOf([...amr, ...given]), amr)
  })
})

describe("EnrollableFactor", () => {
  it("is every factor that is set up, besides passwords, other providers and what comes by mail or with others", () => {
    const others = ["password", "email-code", "magic-link", "oauth", "security-key", "backup-code"]
    assert.deepStrictEqual([...EnrollableFactor.literals, ...others].toSorted(), [...Factor.literals].toSorted())
  })
})
