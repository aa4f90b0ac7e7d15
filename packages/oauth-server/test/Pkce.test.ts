/**
 * Proof key for code exchange: forms and the one method.
 */
import * as Pkce from "@belfry/oauth-server/Pkce"
import { NodeCrypto } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"

describe("RFC 7636 appendix B", () => {
  it.effect("MUST make the published challenge of the published verifier", () =>
    Effect.gen(function* () {
      const verifier = Redacted.make("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
      const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
      assert.strictEqual(yield* Pkce.challengeOf(verifier), challenge)
      assert.notStrictEqual(yield* Pkce.challengeOf(Redacted.make(challenge)), challenge)
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})

describe("RFC 7636 §4.1", () => {
  it("MUST take verifiers of 43 to 128 unreserved characters", () => {
    for (const verifier of ["a".repeat(43), "Z".repeat(128), `${"09-._~".repeat(8)}`])
      assert.isTrue(Pkce.isVerifier(verifier))
    const wrong = [
      "",
      "a".repeat(42),
      "a".repeat(129),
      `${"a".repeat(42)}+`,
      `${"a".repeat(42)}é`,
      `${"a".repeat(43)}\n`,
    ]
    for (const verifier of wrong) assert.isFalse(Pkce.isVerifier(verifier), verifier)
  })

  it.effect("MUST NOT make a challenge of a verifier of another form", () =>
    Effect.gen(function* () {
      for (const verifier of ["", "short", `${"a".repeat(43)}\n`]) {
        assert.isNull(yield* Pkce.challengeOf(Redacted.make(verifier)))
      }
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})

describe("RFC 7636 §4.2", () => {
  it("MUST take challenges that are the base64url of 32 bytes, and S256 alone", () => {
    assert.deepStrictEqual(Pkce.methods, ["S256"])
    assert.isTrue(Pkce.isChallenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"))
    const wrong = ["", "a".repeat(42), "a".repeat(44), `${"a".repeat(42)}=`, `${"a".repeat(42)}~`, `${"A".repeat(42)}B`]
    for (const challenge of wrong) assert.isFalse(Pkce.isChallenge(challenge), challenge)
  })
})
