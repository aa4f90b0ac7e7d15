import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Digest from "effect/crypto/Digest"
import { NodeCrypto } from "@effect/platform-node"
import { calculateJwkThumbprint, importJWK, type JWK } from "jose"
import { isType, readClaims, readHeader, verifySignature } from "../src/internal/jws.ts"
import { accessTokenHash } from "../src/internal/tokenClaims.ts"

/** RFC 7515 A.3.1. */
const ecKey = {
  kty: "EC",
  crv: "P-256",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
const ecToken =
  "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

/** RFC 7520 §3.3 and §4.1. */
const rsaKey = {
  kty: "RSA",
  kid: "bilbo.baggins@hobbiton.example",
  use: "sig",
  n: "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw",
  e: "AQAB",
}
const rsaToken =
  "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"

/** RFC 8037 A.2 and A.4. */
const edKey = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }
const edToken =
  "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

const verify = (token: string, jwk: JWK, algorithm: string) =>
  Effect.gen(function* () {
    const key = yield* Effect.promise(() => importJWK(jwk, algorithm))
    if (key instanceof Uint8Array) return assert.fail("a symmetric key")
    return yield* verifySignature(token, key, algorithm)
  })

const text = (bytes: Uint8Array | null): string =>
  bytes === null ? assert.fail("refused") : Buffer.from(bytes).toString()

/** The token with one bit of its signature turned. */
const turned = (token: string): string => {
  const dot = token.lastIndexOf(".") + 1
  const bytes = Buffer.from(token.slice(dot), "base64url")
  bytes[7] = (bytes[7] ?? 0) ^ 1
  return token.slice(0, dot) + bytes.toString("base64url")
}

describe("RFC 7520 §4.1", () => {
  it.effect("verifies the example of RS256, and no other", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(readHeader(rsaToken), { alg: "RS256", kid: rsaKey.kid, typ: null })
      assert.match(text(yield* verify(rsaToken, rsaKey, "RS256")), /^It’s a dangerous business, Frodo/)
      assert.isNull(yield* verify(turned(rsaToken), rsaKey, "RS256"))
      assert.isNull(yield* verify(rsaToken, rsaKey, "PS256"))
    }),
  )
})

describe("RFC 7515 A.3", () => {
  it.effect("verifies the example of ES256, and no other", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(readHeader(ecToken), { alg: "ES256", kid: null, typ: null })
      const payload = yield* verify(ecToken, ecKey, "ES256")
      assert.deepStrictEqual(readClaims(payload ?? new Uint8Array()), {
        iss: "joe",
        exp: 1_300_819_380,
        "http://example.com/is_root": true,
      })
      assert.isNull(yield* verify(turned(ecToken), ecKey, "ES256"))
    }),
  )
})

describe("RFC 8037 A.4", () => {
  it.effect("verifies the example of Ed25519, and no other", () =>
    Effect.gen(function* () {
      assert.strictEqual(text(yield* verify(edToken, edKey, "EdDSA")), "Example of Ed25519 signing")
      assert.isNull(yield* verify(turned(edToken), edKey, "EdDSA"))
    }),
  )

  it.effect("names the key of A.3 by its thumbprint", () =>
    Effect.map(
      Effect.promise(() => calculateJwkThumbprint(edKey, "sha256")),
      (thumbprint) => assert.strictEqual(thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
    ),
  )
})

describe("OpenID Connect Core §3.1.3.6", () => {
  it.effect("MUST make the at_hash of the example, and one of SHA-512 for Ed25519", () =>
    Effect.gen(function* () {
      const digest = yield* Digest.Digest
      const token = Redacted.make("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")
      for (const algorithm of ["RS256", "PS256", "ES256", "HS256"]) {
        assert.strictEqual(yield* accessTokenHash(digest, algorithm, token), "77QmUPtjPfzWtF2AnpK9RQ")
      }
      const ofEdDSA = Buffer.from(yield* accessTokenHash(digest, "EdDSA", token), "base64url")
      assert.strictEqual(ofEdDSA.length, 32)
      const whole = Buffer.from(yield* digest.digest(Digest.sha512, Buffer.from(Redacted.value(token))))
      assert.isTrue(whole.subarray(0, 32).equals(ofEdDSA))
    }).pipe(Effect.provide(NodeCrypto.layer)),
  )
})

it("compares media types without regard to case and to application/", () => {
  assert.isTrue(isType("application/at+jwt", "at+jwt"))
  assert.isTrue(isType("JWT", "jwt"))
  assert.isFalse(isType("application/", "at+jwt"))
  assert.isFalse(isType("", "at+jwt"))
})
