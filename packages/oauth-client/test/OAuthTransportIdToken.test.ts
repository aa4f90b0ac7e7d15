import * as LocalServer from "@belfry/testing/LocalServer"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from "jose"
import type { OAuthProviderOptions } from "../src/OAuthProvider.ts"
import { type Claims, IdTokenInvalid } from "../src/OAuthTokens.ts"
import { OAuthTransport } from "../src/OAuthTransport.ts"
import type { ExpectedNonce } from "../src/ProviderStrategy.ts"
import * as LocalProvider from "./support/LocalProvider.ts"
import * as Transport from "./support/Transport.ts"

interface Expectation {
  readonly nonce?: string | null
  readonly accessToken?: string
  readonly maxAge?: Duration.Duration
}

interface Case {
  readonly options?: Partial<OAuthProviderOptions>
  readonly expected?: Expectation
}

const now = Transport.start / 1000

/** Validates the token that `issue` makes. */
const validate = (
  issue: (local: LocalProvider.LocalProvider) => string | Promise<string>,
  { options = {}, expected = {} }: Case = {},
) =>
  Effect.gen(function* () {
    const local = yield* Transport.makeLocal
    const token = yield* Effect.promise(async () => issue(local))
    const transport = yield* OAuthTransport
    return yield* transport.validateIdToken(Transport.settings(local, options), Redacted.make(token), {
      nonce: expected.nonce ?? null,
      accessToken: expected.accessToken === undefined ? null : Redacted.make(expected.accessToken),
      ...(expected.maxAge === undefined ? {} : { maxAge: expected.maxAge }),
    })
  }).pipe(Effect.provide(Transport.layer))

/** Validates claims that the provider signed. */
const validateClaims = (claims: Readonly<Record<string, unknown>>, test: Case = {}) =>
  validate((local) => local.idToken(claims), test)

const reasonOf = <E, R>(effect: Effect.Effect<Claims, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => (error instanceof IdTokenInvalid ? error.reason : String(error)))

const standard = (local: LocalProvider.LocalProvider): JWTPayload => ({
  iss: local.url,
  aud: LocalProvider.clientId,
  sub: "u-1",
  iat: now,
  exp: now + 300,
})

describe("OpenID Connect Core §3.1.3.7", () => {
  it.effect("returns the claims of a valid token", () =>
    Effect.gen(function* () {
      const claims = yield* validateClaims({ custom: ["a"] })
      assert.strictEqual(claims["sub"], "u-1")
      assert.strictEqual(claims["email"], "ada@example.com")
      assert.deepStrictEqual(claims["custom"], ["a"])
    }),
  )

  it.effect.each<readonly [string, Readonly<Record<string, unknown>>, IdTokenInvalid["reason"]]>([
    ["iss of another issuer", { iss: "https://other.example.com" }, "issuer"],
    ["iss that begins like ours", { iss: "http://127.0.0.1" }, "issuer"],
    ["aud of another client", { aud: "other" }, "audience"],
    ["aud of other clients", { aud: ["other", "another"], azp: "belfry" }, "audience"],
    ["several aud without azp", { aud: ["belfry", "other"] }, "authorized-party"],
    ["several aud with the azp of another client", { aud: ["belfry", "other"], azp: "other" }, "authorized-party"],
    ["azp of another client", { azp: "other" }, "authorized-party"],
    ["azp that is no text", { azp: 1 }, "authorized-party"],
    ["exp that was", { exp: now - 60 }, "expired"],
    ["exp that is no number", { exp: String(now) }, "expired"],
    ["iat in the future", { iat: now + 61 }, "not-yet-valid"],
    ["nbf in the future", { nbf: now + 61 }, "not-yet-valid"],
    ["an empty sub", { sub: "" }, "subject"],
    ["no sub", { sub: undefined }, "subject"],
    ["no iss", { iss: undefined }, "issuer"],
    ["no aud", { aud: undefined }, "audience"],
    ["no exp", { exp: undefined }, "expired"],
    ["no iat", { iat: undefined }, "not-yet-valid"],
  ])("MUST refuse %s", ([, claims, reason]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* reasonOf(validateClaims(claims)), reason)
    }),
  )

  it.effect.each<readonly [string, Readonly<Record<string, unknown>>]>([
    ["exp within the leeway", { exp: now - 59 }],
    ["iat within the leeway", { iat: now + 60 }],
    ["aud as a list of one", { aud: ["belfry"] }],
    ["several aud with our azp", { aud: ["belfry", "other"], azp: "belfry" }],
    ["our azp", { azp: "belfry" }],
  ])("takes %s", ([, claims]) => validateClaims(claims))

  it.effect("takes tokens for every client id that the settings name", () =>
    Effect.gen(function* () {
      const options: Partial<OAuthProviderOptions> = { clientId: ["belfry", "belfry-ios"] }
      yield* validateClaims({ aud: "belfry-ios" }, { options })
      yield* validateClaims({ aud: "belfry", azp: "belfry-ios" }, { options })
      assert.strictEqual(yield* reasonOf(validateClaims({ aud: "belfry-android" }, { options })), "audience")
    }),
  )

  it.effect("asks a strategy whose issuer it is", () =>
    Effect.gen(function* () {
      const options = {
        strategy: {
          acceptsIssuer: (issuer: string, claims: Claims) =>
            issuer === `https://id.example.com/${String(claims["tid"])}`,
        },
      }
      yield* validateClaims({ iss: "https://id.example.com/t1", tid: "t1" }, { options })
      const other = validateClaims({ iss: "https://id.example.com/t2", tid: "t1" }, { options })
      assert.strictEqual(yield* reasonOf(other), "issuer")
    }),
  )

  it.effect("MUST refuse every issuer where none is known", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("RS256"))
      const jwk = yield* Effect.promise(() => exportJWK(publicKey))
      local.answer("/jwks", LocalServer.json({ keys: [jwk] }))
      const manual = {
        discoveryUrl: undefined,
        authorizationEndpoint: `${local.url}/authorize`,
        tokenEndpoint: `${local.url}/token`,
        jwksUri: `${local.url}/jwks`,
      }
      const token = yield* Effect.promise(() =>
        new SignJWT(standard(local)).setProtectedHeader({ alg: "RS256" }).sign(privateKey),
      )
      const transport = yield* OAuthTransport
      const check = (options: Partial<OAuthProviderOptions>) =>
        transport.validateIdToken(Transport.settings(local, options), Redacted.make(token), {
          nonce: null,
          accessToken: null,
        })
      assert.strictEqual(yield* reasonOf(check(manual)), "issuer")
      yield* check({ ...manual, issuer: local.url })
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("lets a strategy validate in its own way, and refuse valid claims", () =>
    Effect.gen(function* () {
      const strategy = {
        validateIdToken: (_: Redacted.Redacted, { nonce }: { readonly nonce: ExpectedNonce }) =>
          Effect.succeed<Claims>({ sub: "by-strategy", expected: { ...nonce } }),
      }
      for (const [nonce, expected] of [
        ["n", { _tag: "Equal", nonce: "n" }],
        [null, { _tag: "Absent" }],
      ] as const) {
        const claims = yield* validate(() => "opaque", { options: { strategy }, expected: { nonce } })
        assert.deepStrictEqual(claims, { sub: "by-strategy", expected })
      }
      const checkClaims = () => Effect.fail(new IdTokenInvalid({ providerId: "local", reason: "hosted-domain" }))
      assert.strictEqual(
        yield* reasonOf(validateClaims({}, { options: { strategy: { checkClaims } } })),
        "hosted-domain",
      )
      assert.strictEqual(
        yield* reasonOf(validate(() => "opaque", { options: { strategy: { ...strategy, checkClaims } } })),
        "hosted-domain",
      )
    }),
  )
})

describe("signatures", () => {
  it.effect("MUST refuse an unsigned token", () =>
    Effect.gen(function* () {
      const unsigned = (local: LocalProvider.LocalProvider) => new UnsecuredJWT(standard(local)).encode()
      assert.strictEqual(yield* reasonOf(validate(unsigned)), "algorithm")
      // Not even where the provider says that it issues such tokens.
      const advertised = validate((local) => {
        local.document["id_token_signing_alg_values_supported"] = ["none", "ES256"]
        return unsigned(local)
      })
      assert.strictEqual(yield* reasonOf(advertised), "algorithm")
    }),
  )

  it.effect("MUST refuse HS256 with the public key as the secret", () =>
    Effect.gen(function* () {
      const forged = async (local: LocalProvider.LocalProvider) => {
        const publicKey = await importJWK(local.keys[0] ?? {}, "ES256", { extractable: true })
        const pem = publicKey instanceof Uint8Array ? "" : await exportSPKI(publicKey)
        return new SignJWT(standard(local))
          .setProtectedHeader({ alg: "HS256", kid: local.keys[0]?.kid ?? "" })
          .sign(new TextEncoder().encode(pem))
      }
      assert.strictEqual(yield* reasonOf(validate(forged)), "algorithm")
      const advertised = validate((local) => {
        local.document["id_token_signing_alg_values_supported"] = ["HS256", "ES256"]
        return forged(local)
      })
      assert.strictEqual(yield* reasonOf(advertised), "signature")
    }),
  )

  it.effect("takes HS256 by the client secret, where the provider advertises it and there is one", () =>
    Effect.gen(function* () {
      const issue = (local: LocalProvider.LocalProvider, algorithms: ReadonlyArray<string>) => {
        local.document["id_token_signing_alg_values_supported"] = algorithms
        return new SignJWT(standard(local))
          .setProtectedHeader({ alg: "HS256" })
          .sign(new TextEncoder().encode("0123456789abcdef0123456789abcdef"))
      }
      const options = { clientSecret: Redacted.make("0123456789abcdef0123456789abcdef") }
      const claims = yield* validate((local) => issue(local, ["HS256"]), { options })
      assert.strictEqual(claims["sub"], "u-1")
      assert.strictEqual(yield* reasonOf(validate((local) => issue(local, ["ES256"]), { options })), "algorithm")
      const secretless = validate((local) => issue(local, ["HS256"]), { options: { clientSecret: undefined } })
      assert.strictEqual(yield* reasonOf(secretless), "algorithm")
    }),
  )

  it.effect("MUST refuse an algorithm that the provider does not advertise", () =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(
        validate((local) => {
          local.document["id_token_signing_alg_values_supported"] = ["RS256"]
          return local.idToken()
        }),
      )
      assert.strictEqual(reason, "algorithm")
    }),
  )

  it.effect("MUST refuse a token that another key signed under the name of the provider's", () =>
    Effect.gen(function* () {
      const forged = validate(async (local) => {
        const { privateKey } = await generateKeyPair("ES256")
        return new SignJWT(standard(local))
          .setProtectedHeader({ alg: "ES256", kid: local.keys[0]?.kid ?? "" })
          .sign(privateKey)
      })
      assert.strictEqual(yield* reasonOf(forged), "signature")
    }),
  )

  it.effect("MUST refuse a key that the token brings along", () =>
    Effect.gen(function* () {
      const forged = validate(async (local) => {
        const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true })
        const jwk = await exportJWK(publicKey)
        return new SignJWT(standard(local)).setProtectedHeader({ alg: "ES256", jwk }).sign(privateKey)
      })
      assert.strictEqual(yield* reasonOf(forged), "signature")
    }),
  )

  it.effect("MUST refuse changed claims", () =>
    Effect.gen(function* () {
      const changed = validate(async (local) => {
        const [header, , signature] = (await local.idToken()).split(".")
        const claims = Buffer.from(JSON.stringify({ ...standard(local), sub: "u-2" })).toString("base64url")
        return `${header}.${claims}.${signature}`
      })
      assert.strictEqual(yield* reasonOf(changed), "signature")
    }),
  )

  it.effect.each(["", "a", "a.b.c", "a.b.c.d.e", "..", "e30.e30."])("refuses what is no token: %j", (token) =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(validate(() => token))
      assert.include(["malformed", "algorithm"], reason)
    }),
  )

  it.effect("takes a token without kid where there is one key", () =>
    validate((local) => local.idToken({}, { kid: null })),
  )

  it.effect("takes a token without kid of a new key", () =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      const provider = Transport.settings(local)
      const transport = yield* OAuthTransport
      for (let i = 0; i < 2; i++) {
        const idToken = Redacted.make(yield* Effect.promise(() => local.idToken({}, { kid: null })))
        yield* transport.validateIdToken(provider, idToken, { nonce: null, accessToken: null })
        yield* Effect.promise(() => local.rotate())
      }
    }).pipe(Effect.provide(Transport.layer)),
  )

  it.effect("refuses a token without kid where there are several keys", () =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(
        validate(async (local) => {
          const [first] = local.keys
          const token = await local.idToken({}, { kid: null })
          await local.rotate()
          local.answer("/jwks", LocalServer.json({ keys: [first, ...local.keys] }))
          return token
        }),
      )
      assert.strictEqual(reason, "key")
    }),
  )
})

describe("nonce", () => {
  it.effect.each([
    ["the one that was sent", "n-1", "n-1", null],
    ["another one", "n-2", "n-1", "nonce"],
    ["one that is longer", "n-1x", "n-1", "nonce"],
    ["none where one was sent", undefined, "n-1", "nonce"],
    ["one where none was sent", "n-1", null, "nonce"],
    ["one that is no text", 1, "1", "nonce"],
    ["null where none was sent", null, null, "nonce"],
    ["an empty one where none was sent", "", null, "nonce"],
    ["none where none was sent", undefined, null, null],
  ] as const)("%s", ([, nonce, sent, reason]) =>
    Effect.gen(function* () {
      const validated = validateClaims(nonce === undefined ? {} : { nonce }, { expected: { nonce: sent } })
      if (reason === null) yield* validated
      else assert.strictEqual(yield* reasonOf(validated), reason)
    }),
  )
})

describe("OpenID Connect Core §3.1.3.8, at_hash", () => {
  it.effect("MUST be that of the access token, where both are there", () =>
    Effect.gen(function* () {
      const expected = { accessToken: "access-1" }
      yield* validateClaims({ at_hash: LocalProvider.halfHash("access-1") }, { expected })
      yield* validateClaims({}, { expected })
      yield* validateClaims({ at_hash: LocalProvider.halfHash("access-2") })
      const other = validateClaims({ at_hash: LocalProvider.halfHash("access-2") }, { expected })
      assert.strictEqual(yield* reasonOf(other), "access-token-hash")
      assert.strictEqual(yield* reasonOf(validateClaims({ at_hash: 1 }, { expected })), "access-token-hash")
    }),
  )

  it.effect("is by the hash of the token's algorithm", () =>
    Effect.gen(function* () {
      // The example of OpenID Connect Core, appendix A.4, is by RS256; the other lengths follow RFC 7518 §3.1.
      const hashes = {
        ES256: LocalProvider.halfHash("access-1"),
        ES384: yield* halfOf("SHA-384"),
        EdDSA: yield* halfOf("SHA-512"),
      }
      for (const [alg, hash] of Object.entries(hashes)) {
        const claims = yield* validate(
          async (local) => {
            const { privateKey, publicKey } = await generateKeyPair(alg)
            const jwk = await exportJWK(publicKey)
            local.document["id_token_signing_alg_values_supported"] = [alg]
            local.answer("/jwks", LocalServer.json({ keys: [{ ...jwk, alg, use: "sig" }] }))
            return new SignJWT({ ...standard(local), at_hash: hash }).setProtectedHeader({ alg }).sign(privateKey)
          },
          { expected: { accessToken: "access-1" } },
        )
        assert.strictEqual(claims["at_hash"], hash)
      }
    }),
  )
})

describe("auth_time", () => {
  it.effect.each([
    ["within the time asked", now - 300, null],
    ["within the leeway", now - 360, null],
    ["longer ago", now - 361, "auth-time"],
    ["not told", undefined, "auth-time"],
    ["no number", String(now), "auth-time"],
  ] as const)("%s", ([, at, reason]) =>
    Effect.gen(function* () {
      const expected = { maxAge: Duration.minutes(5) }
      const validated = validateClaims(at === undefined ? {} : { auth_time: at }, { expected })
      if (reason === null) yield* validated
      else assert.strictEqual(yield* reasonOf(validated), reason)
    }),
  )

  it.effect("does not matter where no time was asked", () => validateClaims({ auth_time: 1 }))
})

const halfOf = (algorithm: string) =>
  Effect.promise(async () => {
    const hash = Buffer.from(await crypto.subtle.digest(algorithm, new TextEncoder().encode("access-1")))
    return hash.subarray(0, hash.length / 2).toString("base64url")
  })
