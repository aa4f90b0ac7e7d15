import type { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { CompactSign, exportSPKI, generateKeyPair, importJWK, exportJWK } from "jose"
import { countingLookUps, forge, issuer, layerBelow, node, part, read, youngest } from "./support/Keys.ts"

const claims = { iss: issuer, sub: "somebody" }

const reasonOf = (keys: SigningKeys["Service"], token: Redacted.Redacted | string, typ = "at+jwt") =>
  Effect.map(Effect.flip(keys.verify(typeof token === "string" ? Redacted.make(token) : token, { typ })), (error) =>
    error._tag === "JwtInvalid" ? error.reason : error._tag,
  )

/** A node with a token and the key that signed it. */
const setUp = Effect.gen(function* () {
  const keys = yield* node()
  const token = yield* keys.sign({ claims, typ: "at+jwt", algorithm: "ES256" })
  return { keys, token, text: Redacted.value(token), key: yield* youngest("ES256") }
})

describe("RFC 8725 §3.1", () => {
  it.effect("MUST NOT take an unsigned token", () =>
    Effect.gen(function* () {
      const { keys, text } = yield* setUp
      const [, payload = "", signature = ""] = text.split(".")
      for (const alg of ["none", "None", "NONE"]) {
        const header = part(JSON.stringify({ alg, typ: "at+jwt" }))
        assert.strictEqual(yield* reasonOf(keys, `${header}.${payload}.`), "malformed")
        assert.strictEqual(yield* reasonOf(keys, `${header}.${payload}.${signature}`), "algorithm")
      }
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("MUST NOT take a public key for the secret of an HMAC", () =>
    Effect.gen(function* () {
      const { keys, key } = yield* setUp
      const imported = yield* Effect.promise(() => importJWK({ ...key.publicJwk }, "ES256", { extractable: true }))
      if (imported instanceof Uint8Array) return assert.fail("an asymmetric key")
      const pem = yield* Effect.promise(() => exportSPKI(imported))
      for (const secret of [pem, JSON.stringify(key.publicJwk), key.publicJwk.x ?? ""]) {
        for (const alg of ["HS256", "HS512"]) {
          const bytes = new TextEncoder().encode(secret.padEnd(64))
          const jws = new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
          const header = { alg, typ: "at+jwt", kid: key.kid }
          const forged = yield* Effect.promise(() => jws.setProtectedHeader(header).sign(bytes))
          assert.strictEqual(yield* reasonOf(keys, forged), "algorithm")
        }
      }
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("MUST use a key with its own algorithm alone", () =>
    Effect.gen(function* () {
      const { keys } = yield* setUp
      yield* keys.sign({ claims, typ: "at+jwt", algorithm: "RS256" })
      const key = yield* youngest("RS256")
      // A real signature of the real key, by an algorithm that it is not for.
      assert.strictEqual(yield* reasonOf(keys, yield* forge(key, { alg: "PS256" }, claims)), "algorithm")
      assert.strictEqual(yield* reasonOf(keys, yield* forge(key, { alg: "RS512" }, claims)), "algorithm")
      assert.deepStrictEqual(yield* keys.verify(yield* forge(key, {}, claims), { typ: "at+jwt" }), claims)
    }).pipe(Effect.provide(layerBelow)),
  )
})

describe("RFC 8725 §3.10", () => {
  it.effect("MUST NOT take keys from where the header points, though the signature is right", () =>
    Effect.gen(function* () {
      const { keys, key } = yield* setUp
      const members = {
        jku: "https://evil.example/jwks.json",
        x5u: "https://evil.example/cert.pem",
        jwk: { ...key.publicJwk },
        x5c: ["MIIB"],
        zip: "DEF",
        enc: "A256GCM",
      }
      for (const [name, value] of Object.entries(members)) {
        assert.strictEqual(yield* reasonOf(keys, yield* forge(key, { [name]: value }, claims)), "malformed", name)
      }
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("MUST NOT take a key of the attacker, by whatever name", () =>
    Effect.gen(function* () {
      const { keys, key, text } = yield* setUp
      const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
      const jwk = yield* Effect.promise(() => exportJWK(publicKey))
      const sign = (header: object) =>
        Effect.promise(() =>
          new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
            .setProtectedHeader({ alg: "ES256", typ: "at+jwt", ...header })
            .sign(privateKey),
        )
      assert.strictEqual(yield* reasonOf(keys, yield* sign({ kid: key.kid })), "signature")
      assert.strictEqual(yield* reasonOf(keys, yield* sign({ kid: key.kid, jwk })), "malformed")
      const names = [
        "",
        "../../dev/null",
        "' OR 1=1 --",
        "__proto__",
        "constructor",
        key.kid.toUpperCase(),
        ` ${key.kid}`,
      ]
      for (const kid of names) assert.strictEqual(yield* reasonOf(keys, yield* sign({ kid })), "key", kid)
      assert.strictEqual(yield* reasonOf(keys, yield* sign({})), "key")
      for (const kid of [7, null, ["a"], { a: 1 }]) {
        const [, payload = "", signature = ""] = text.split(".")
        const header = part(JSON.stringify({ alg: "ES256", typ: "at+jwt", kid }))
        assert.strictEqual(yield* reasonOf(keys, `${header}.${payload}.${signature}`), "malformed")
      }
    }).pipe(Effect.provide(layerBelow)),
  )
})

describe("RFC 7515 §4.1.11", () => {
  it.effect("MUST NOT take critical extensions, and no unencoded payload", () =>
    Effect.gen(function* () {
      const { keys, key } = yield* setUp
      assert.strictEqual(yield* reasonOf(keys, yield* forge(key, { crit: ["exp"], exp: 1 }, claims)), "malformed")
      assert.strictEqual(yield* reasonOf(keys, yield* forge(key, { b64: true }, claims)), "malformed")
      assert.strictEqual(yield* reasonOf(keys, yield* forge(key, { crit: ["b64"], b64: true }, claims)), "malformed")
    }).pipe(Effect.provide(layerBelow)),
  )
})

describe("RFC 9068 §4", () => {
  it.effect("MUST take a media type in either form and any case, and MUST NOT take another", () =>
    Effect.gen(function* () {
      const { keys, key } = yield* setUp
      for (const typ of ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"]) {
        assert.deepStrictEqual(yield* keys.verify(yield* forge(key, { typ }, claims), { typ: "at+jwt" }), claims)
      }
      for (const typ of [
        "JWT",
        "jwt",
        "at+jwt ",
        "text/at+jwt",
        "application/x/at+jwt",
        "application/application/at+jwt",
      ]) {
        assert.strictEqual(yield* reasonOf(keys, yield* forge(key, { typ }, claims)), "type", typ)
      }
      assert.strictEqual(yield* reasonOf(keys, yield* forge(key, { typ: undefined }, claims)), "type")
      const [, payload = "", signature = ""] = Redacted.value(yield* forge(key, {}, claims)).split(".")
      const header = part(JSON.stringify({ alg: "ES256", typ: 1, kid: key.kid }))
      assert.strictEqual(yield* reasonOf(keys, `${header}.${payload}.${signature}`), "malformed")
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("MUST NOT take an ID token for an access token, nor the reverse", () =>
    Effect.gen(function* () {
      const { keys, token } = yield* setUp
      const idToken = yield* keys.sign({ claims, typ: "JWT", algorithm: "RS256" })
      assert.strictEqual(yield* reasonOf(keys, idToken), "type")
      assert.strictEqual(yield* reasonOf(keys, token, "JWT"), "type")
      assert.deepStrictEqual(yield* keys.verify(idToken, { typ: "JWT" }), claims)
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("MUST NOT take a token of another issuer, though a key of this one signed it", () =>
    Effect.gen(function* () {
      const { keys, key } = yield* setUp
      const issuers = [
        `${issuer}/`,
        "https://auth.example.com",
        "HTTPS://auth.example.com/auth",
        [issuer],
        null,
        undefined,
      ]
      for (const iss of issuers) {
        assert.strictEqual(yield* reasonOf(keys, yield* forge(key, {}, { ...claims, iss })), "issuer")
      }
    }).pipe(Effect.provide(layerBelow)),
  )
})

describe("malformed tokens", () => {
  it.effect("are refused, whatever is wrong with them", () =>
    Effect.gen(function* () {
      const { keys, text } = yield* setUp
      const [header = "", payload = "", signature = ""] = text.split(".")
      const texts = [
        "",
        ".",
        "..",
        "a.b.c",
        `${header}.${payload}`,
        `${header}.${payload}.`,
        `.${payload}.${signature}`,
        `${header}..${signature}`,
        `${text}.${signature}`,
        `${text}=`,
        ` ${text}`,
        `${text}\n`,
        text.replace(".", "%2E"),
        `${part("[]")}.${payload}.${signature}`,
        `${part("null")}.${payload}.${signature}`,
        `${part('"ES256"')}.${payload}.${signature}`,
        `${part("{")}.${payload}.${signature}`,
        `${part("{}")}.${payload}.${signature}`,
        `${part('{"alg":["ES256"]}')}.${payload}.${signature}`,
        `${Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"\xFF"}', "latin1").toString("base64url")}.${payload}.${signature}`,
        `\u{FEFF}${text}`,
      ]
      for (const each of texts) assert.strictEqual(yield* reasonOf(keys, each), "malformed", JSON.stringify(each))
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("are refused when a byte of header, claims or signature differs", () =>
    Effect.gen(function* () {
      const { keys, text, key } = yield* setUp
      const [header = "", payload = "", signature = ""] = text.split(".")
      const other = part(JSON.stringify({ ...claims, sub: "somebody else" }))
      assert.strictEqual(yield* reasonOf(keys, `${header}.${other}.${signature}`), "signature")
      const cut = Buffer.from(signature, "base64url").subarray(1).toString("base64url")
      assert.strictEqual(yield* reasonOf(keys, `${header}.${payload}.${cut}`), "signature")
      const zero = Buffer.alloc(64).toString("base64url")
      assert.strictEqual(yield* reasonOf(keys, `${header}.${payload}.${zero}`), "signature")
      const spaced = part(JSON.stringify({ alg: "ES256", typ: "at+jwt", kid: key.kid }, null, 1))
      assert.strictEqual(yield* reasonOf(keys, `${spaced}.${payload}.${signature}`), "signature")
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("are refused by size before anything is read: 16 KiB pass, a byte more does not", () =>
    Effect.gen(function* () {
      const { keys, key } = yield* setUp
      const bare = Redacted.value(yield* forge(key, {}, { ...claims, pad: "" })).length
      const fill = Math.floor(((16_384 - bare) * 3) / 4)
      const lengthOf = (pad: number) =>
        Effect.map(forge(key, {}, { ...claims, pad: "x".repeat(pad) }), (token) => ({
          token,
          length: Redacted.value(token).length,
        }))
      const fitting = yield* lengthOf(fill - 2)
      const over = yield* lengthOf(fill + 3)
      assert.isAtMost(fitting.length, 16_384)
      assert.isAbove(over.length, 16_384)
      assert.strictEqual((yield* keys.verify(fitting.token, { typ: "at+jwt" }))["iss"], issuer)
      assert.strictEqual(yield* reasonOf(keys, over.token), "malformed")
      assert.strictEqual(yield* reasonOf(keys, "a".repeat(5_000_000)), "malformed")
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("are refused when they are deep, in the header and in the claims", () =>
    Effect.gen(function* () {
      const { keys, key, text } = yield* setUp
      const [, payload = "", signature = ""] = text.split(".")
      const deep = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`
      const header = part(`{"alg":"ES256","typ":"at+jwt","kid":"${key.kid}","a":${deep(4000)}}`)
      assert.strictEqual(yield* reasonOf(keys, `${header}.${payload}.${signature}`), "malformed")
      const signed = (depth: number) => forge(key, {}, `{"iss":"${issuer}","a":${deep(depth)}}`)
      assert.strictEqual(yield* reasonOf(keys, yield* signed(4000)), "claims")
      assert.strictEqual(yield* reasonOf(keys, yield* signed(32)), "claims")
      assert.strictEqual((yield* keys.verify(yield* signed(31), { typ: "at+jwt" }))["iss"], issuer)
      // Brackets in strings are no depth.
      const strings = { iss: issuer, a: '[{"\\'.repeat(500) }
      assert.deepStrictEqual(yield* keys.verify(yield* forge(key, {}, strings), { typ: "at+jwt" }), strings)
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("are refused when a key of the server signed something that is no object", () =>
    Effect.gen(function* () {
      const { keys, key } = yield* setUp
      for (const payload of ["[]", "null", "7", '"text"', "text", ""]) {
        const reason = yield* reasonOf(keys, yield* forge(key, {}, payload))
        assert.strictEqual(reason, payload === "" ? "malformed" : "claims", payload)
      }
    }).pipe(Effect.provide(layerBelow)),
  )
})

it.effect("looks keys up for tokens of unknown keys once in ten seconds, however many there are", () =>
  Effect.gen(function* () {
    const { key } = yield* setUp
    const { answer: keys, lookUps } = yield* countingLookUps(node())
    const forged = yield* forge(key, { kid: "unknown" }, claims)
    yield* keys.jwks
    const flood = Effect.forEach(Array.from({ length: 100 }), () => reasonOf(keys, forged), {
      concurrency: "unbounded",
    })
    const before = lookUps()
    yield* flood
    yield* TestClock.adjust("9999 millis")
    yield* flood
    assert.strictEqual(lookUps(), before)
    yield* TestClock.adjust("1 millis")
    yield* flood
    assert.strictEqual(lookUps(), before + 1)
    assert.deepStrictEqual(read(forged).claims, claims)
  }).pipe(Effect.provide(layerBelow)),
)
