import { JwsSigner, webCrypto } from "@belfry/oauth-server/JwsSigner"
import { SigningAlgorithm } from "@belfry/oauth-server/SigningKey"
import * as NodeJwsSigner from "@belfry/server/NodeJwsSigner"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { compactVerify, exportJWK, generateKeyPair, importJWK } from "jose"

const payload = JSON.stringify({ sub: "ä 🦉", aud: "https://api.example" })

describe("RFC 7515 §7.1", () => {
  for (const algorithm of SigningAlgorithm.literals) {
    it.effect(`MUST sign by ${algorithm} what every other library verifies`, () =>
      Effect.gen(function* () {
        const options = algorithm === "EdDSA" ? { crv: "Ed25519", extractable: true } : { extractable: true }
        const keys = yield* Effect.promise(() => generateKeyPair(algorithm, options))
        const jwk = Redacted.make(JSON.stringify(yield* Effect.promise(() => exportJWK(keys.privateKey))))
        const ofNode = yield* JwsSigner
        for (const signer of [ofNode, webCrypto]) {
          const sign = yield* signer.prepare(jwk, algorithm)
          for (const typ of ["at+jwt", "JWT", "at+jwt"]) {
            const header = { alg: algorithm, typ, kid: "k" }
            const token = yield* sign(header, payload)
            const verified = yield* Effect.promise(() =>
              compactVerify(token, keys.publicKey, { algorithms: [algorithm] }),
            )
            assert.strictEqual(new TextDecoder().decode(verified.payload), payload)
            assert.deepStrictEqual(verified.protectedHeader, header)
          }
        }
      }).pipe(Effect.provide(NodeJwsSigner.layer)),
    )
  }
})

describe("RFC 7518 §3.4", () => {
  it.effect("MUST write both numbers of an ES256 signature in 32 bytes, however small they are", () =>
    Effect.gen(function* () {
      const keys = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
      const jwk = Redacted.make(JSON.stringify(yield* Effect.promise(() => exportJWK(keys.privateKey))))
      const sign = yield* Effect.flatMap(JwsSigner, ({ prepare }) => prepare(jwk, "ES256"))
      // One in 256 begins with a zero byte, which DER leaves out; one in two has one more, for its sign.
      for (let index = 0; index < 2000; index++) {
        const token = yield* sign({ alg: "ES256", typ: "JWT", kid: "k" }, String(index))
        assert.strictEqual(Buffer.from(token.split(".")[2] ?? "", "base64url").length, 64)
        yield* Effect.promise(() => compactVerify(token, keys.publicKey, { algorithms: ["ES256"] }))
      }
    }).pipe(Effect.provide(NodeJwsSigner.layer)),
  )
})

describe("RFC 8037 A.4", () => {
  it.effect("signs by EdDSA as WebCrypto does, to the byte", () =>
    Effect.gen(function* () {
      const jwk = {
        kty: "OKP",
        crv: "Ed25519",
        d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
      }
      const secret = Redacted.make(JSON.stringify(jwk))
      const header = { alg: "EdDSA", typ: "JWT", kid: "k" } as const
      const ofNode = yield* JwsSigner
      const [one, other] = yield* Effect.forEach([ofNode, webCrypto], (signer) =>
        Effect.flatMap(signer.prepare(secret, "EdDSA"), (sign) => sign(header, "Example of Ed25519 signing")),
      )
      assert.strictEqual(one, other)
      const { d: _d, ...open } = jwk
      const key = yield* Effect.promise(() => importJWK(open, "EdDSA"))
      yield* Effect.promise(() => compactVerify(one ?? "", key))
    }).pipe(Effect.provide(NodeJwsSigner.layer)),
  )
})
