import * as Apple from "@belfry/oauth-client/Apple"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import { decodeJwt, exportPKCS8, generateKeyPair, jwtVerify } from "jose"
import { contextOf, now, profileOf, providersOf, sourceOf, strategyOf } from "./support/strategies.ts"

const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true })
const pem = await exportPKCS8(privateKey)

const client = {
  clientId: "example.acme.signin",
  teamId: "ABCDE12345",
  keyId: "KEY1234567",
  privateKey: Redacted.make(pem),
}

const ada = {
  iss: "https://appleid.apple.com",
  sub: "001234.abcdef",
  email: "x7@privaterelay.example",
  email_verified: "true",
  is_private_email: "true",
}

const profile = (source: Parameters<typeof sourceOf>[0]) => {
  const options = Apple.options(client)
  return profileOf(strategyOf(options), sourceOf(source), contextOf(options))
}

const nameFrom = (user: string) =>
  Effect.map(profile({ claims: ada, callbackFields: { user } }), (found) => found?.name)

/** Asks one strategy for secrets at moments after the first, in seconds. */
const secretsAt = (given: Apple.AppleOptions, ...seconds: ReadonlyArray<number>) => {
  const options = Apple.options(given)
  const { clientSecret } = strategyOf(options)
  return Effect.forEach(seconds, (after) =>
    clientSecret === undefined
      ? Effect.die("There is no secret")
      : Effect.map(clientSecret(contextOf(options, undefined, DateTime.add(now, { seconds: after }))), Redacted.value),
  )
}

describe("Apple", () => {
  it.effect("answers by form_post where the name or the address is asked", () =>
    Effect.gen(function* () {
      const [apple] = yield* providersOf(Apple.layer(client))
      assert.strictEqual(apple?.id, "apple")
      assert.strictEqual(apple?.issuer, "https://appleid.apple.com")
      assert.strictEqual(apple?.authorizationEndpoint, "https://appleid.apple.com/auth/authorize")
      assert.strictEqual(apple?.tokenEndpoint, "https://appleid.apple.com/auth/token")
      assert.strictEqual(apple?.jwksUri, "https://appleid.apple.com/auth/keys")
      assert.strictEqual(apple?.tokenEndpointAuthMethod, "client_secret_post")
      const modeOf = (scopes: ReadonlyArray<string>) =>
        contextOf(Apple.options({ ...client, scopes })).provider.responseMode
      assert.strictEqual(apple?.responseMode, "form_post")
      assert.strictEqual(modeOf(["openid", "email"]), "form_post")
      assert.strictEqual(modeOf(["openid", "name"]), "form_post")
      assert.isNull(modeOf(["openid"]))
    }),
  )

  describe("the client secret", () => {
    it.effect("is signed by the developer's key for five minutes", () =>
      Effect.gen(function* () {
        const [secret = ""] = yield* secretsAt(client, 0)
        const { payload, protectedHeader } = yield* Effect.promise(() =>
          jwtVerify(secret, publicKey, {
            algorithms: ["ES256"],
            audience: "https://appleid.apple.com",
            currentDate: DateTime.toDateUtc(now),
          }),
        )
        const seconds = DateTime.toEpochMillis(now) / 1000
        assert.deepStrictEqual(protectedHeader, { alg: "ES256", kid: client.keyId })
        assert.deepStrictEqual(payload, {
          iss: client.teamId,
          sub: client.clientId,
          aud: "https://appleid.apple.com",
          iat: seconds,
          exp: seconds + 300,
        })
      }),
    )

    it.effect("is used again until its last minute", () =>
      Effect.gen(function* () {
        const [first, again, renewed] = yield* secretsAt(client, 0, 239, 240)
        assert.strictEqual(again, first)
        assert.notStrictEqual(renewed, first)
      }),
    )

    it.effect("names the client that asks, though two share the key", () =>
      Effect.gen(function* () {
        const shared = Apple.strategy(client)
        const subjectFor = (clientId: string) => {
          const context = contextOf({ ...Apple.options({ ...client, clientId }), strategy: shared })
          return Effect.map(shared.clientSecret?.(context) ?? Effect.die("There is no secret"), (secret) =>
            String(decodeJwt(Redacted.value(secret)).sub),
          )
        }
        assert.strictEqual(yield* subjectFor("one"), "one")
        assert.strictEqual(yield* subjectFor("other"), "other")
      }),
    )

    it.effect("takes a key whose lines an environment joined", () =>
      Effect.gen(function* () {
        const joined = { ...client, privateKey: Redacted.make(` ${pem.trim().replaceAll("\n", "\\n")}\\n`) }
        assert.lengthOf(yield* providersOf(Apple.layer(joined)), 1)
        assert.lengthOf(yield* secretsAt(joined, 0), 1)
      }),
    )

    it.effect("is refused at the start when the key cannot sign it, and says nothing of the key", () =>
      Effect.gen(function* () {
        const rsa = yield* Effect.promise(() => generateKeyPair("RS256", { extractable: true }))
        const foreign = yield* Effect.promise(() => exportPKCS8(rsa.privateKey))
        for (const text of ["", "secret words", pem.slice(0, 60), foreign]) {
          const options = { ...client, privateKey: Redacted.make(text) }
          const invalid = yield* Effect.flip(providersOf(Apple.layer(options)))
          assert.strictEqual(invalid._tag, "ProviderInvalid")
          assert.notInclude(invalid.message, "secret words")
          const refused = yield* Effect.flip(secretsAt(options, 0))
          assert.strictEqual(refused._tag, "ProviderRefused")
        }
      }),
    )
  })

  describe("a profile", () => {
    it.effect("is that of the ID token, which says whether the address is a relay", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* profile({ claims: ada }), {
          accountId: ada.sub,
          email: ada.email,
          emailVerified: true,
          name: null,
          image: null,
          raw: ada,
        })
      }),
    )

    it.effect("has a verified address where Apple says so, in a boolean or in its text", () =>
      Effect.gen(function* () {
        for (const [said, expected] of [
          [true, true],
          ["true", true],
          [false, false],
          ["false", false],
          ["", false],
          [1, false],
          [null, false],
        ] as const) {
          const found = yield* profile({ claims: { ...ada, email_verified: said } })
          assert.strictEqual(found?.emailVerified, expected, String(said))
        }
      }),
    )

    it.effect("has the name of the first post, and never its address", () =>
      Effect.gen(function* () {
        const user = JSON.stringify({ name: { firstName: " Ada ", lastName: "Lovelace" }, email: "eve@evil.example" })
        const found = yield* profile({ claims: ada, callbackFields: { user } })
        assert.strictEqual(found?.name, "Ada Lovelace")
        assert.strictEqual(found?.email, ada.email)
        const { email: _, ...silent } = ada
        assert.isNull((yield* profile({ claims: silent, callbackFields: { user } }))?.email)
      }),
    )

    it.effect("has half a name when the other half is missing", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* nameFrom('{"name":{"firstName":"Ada"}}'), "Ada")
        assert.strictEqual(yield* nameFrom('{"name":{"firstName":null,"lastName":"Lovelace"}}'), "Lovelace")
        assert.isNull(yield* nameFrom('{"name":{"firstName":"","lastName":" "}}'))
      }),
    )

    it.effect("has no name when the first post makes no sense", () =>
      Effect.gen(function* () {
        for (const user of [
          "",
          "{",
          "null",
          "[]",
          '"Ada"',
          "{}",
          '{"name":"Ada"}',
          '{"name":{"firstName":{"toString":1}}}',
          '{"name":{"firstName":7}}',
        ]) {
          assert.isNull(yield* nameFrom(user), user)
        }
      }),
    )

    it.effect("has no name out of a post that is too long, nor a name that is", () =>
      Effect.gen(function* () {
        const named = (name: string, padding = 0) =>
          nameFrom(JSON.stringify({ name: { firstName: name }, padding: " ".repeat(padding) }))
        assert.strictEqual(yield* named("a".repeat(200)), "a".repeat(200))
        assert.isNull(yield* named("a".repeat(201)))
        assert.strictEqual(yield* named("Ada", 1900), "Ada")
        assert.isNull(yield* named("Ada", 2048))
      }),
    )

    it.effect("is none without an ID token, whatever the post says", () =>
      Effect.gen(function* () {
        assert.isNull(yield* profile({ claims: { email: ada.email } }))
        assert.isNull(yield* profile({ callbackFields: { user: '{"name":{"firstName":"Ada"}}' } }))
      }),
    )
  })

  it.effect("is there by the environment when its client is, and needs its key then", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* providersOf(Apple.layerConfig), [])
      const environment: Readonly<Record<string, string>> = {
        BELFRY_APPLE_CLIENT_ID: client.clientId,
        BELFRY_APPLE_TEAM_ID: client.teamId,
        BELFRY_APPLE_KEY_ID: client.keyId,
        BELFRY_APPLE_PRIVATE_KEY: pem.replaceAll("\n", "\\n"),
      }
      const [apple] = yield* providersOf(Apple.layerConfig, environment)
      assert.strictEqual(apple?.clientId, client.clientId)
      for (const setting of Object.keys(environment).slice(1)) {
        const { [setting]: _, ...rest } = environment
        assert.strictEqual((yield* Effect.flip(providersOf(Apple.layerConfig, rest)))._tag, "ConfigError", setting)
      }
      const wrong = { ...environment, BELFRY_APPLE_PRIVATE_KEY: "none" }
      assert.strictEqual((yield* Effect.flip(providersOf(Apple.layerConfig, wrong)))._tag, "ProviderInvalid")
    }),
  )
})
