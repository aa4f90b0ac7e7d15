import { UserId } from "@belfry/core/User"
import type { ClientMetadata } from "@belfry/oauth-server/OAuthClient"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import * as Subjects from "@belfry/oauth-server/Subjects"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert, describe, it } from "@effect/vitest"
import { NodeCrypto } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { createHmac } from "node:crypto"

const secret = "0123456789abcdefghijklmnopqrstuvwxyz"
const [ada, bob] = [
  UserId.make("0197a5c0-0000-7000-8000-000000000001"),
  UserId.make("0197a5c0-0000-7000-8000-000000000002"),
]

const layer = (pairwiseSecret: string | null) =>
  Subjects.layer.pipe(
    Layer.provide(
      Layer.succeed(
        OAuthServerSettings.OAuthServerSettings,
        OAuthServerSettings.make({ pairwiseSecret: pairwiseSecret === null ? null : Redacted.make(pairwiseSecret) }),
      ),
    ),
    Layer.provide(NodeCrypto.layer),
  )

const subject = Effect.fnUntraced(function* (metadata: Partial<ClientMetadata>, userId = ada) {
  const client = yield* OAuthBuilders.client({ metadata: { subjectType: "pairwise", ...metadata } })
  return yield* Subjects.Subjects.use((subjects) => subjects.of(client, userId))
})

describe("OpenID Connect Core §8", () => {
  it.effect("gives the user's id to clients with public subjects", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* subject({ subjectType: "public" }), ada)
    }).pipe(Effect.provide(layer(null))),
  )

  it.effect("MUST give one subject in a sector, and others in others", () =>
    Effect.gen(function* () {
      const one = yield* subject({ redirectUris: ["https://a.example/one"] })
      assert.strictEqual(yield* subject({ redirectUris: ["https://a.example:8443/two", "https://a.example/"] }), one)
      assert.strictEqual(
        yield* subject({ redirectUris: ["https://b.example/"], sectorIdentifierUri: "https://a.example/sector.json" }),
        one,
      )
      assert.notStrictEqual(yield* subject({ redirectUris: ["https://b.example/one"] }), one)
      assert.notStrictEqual(yield* subject({ redirectUris: ["https://a.example/one"] }, bob), one)
    }).pipe(Effect.provide(layer(secret))),
  )

  it.effect("MUST NOT tell the user: it is an HMAC under a secret of the server, of at most 255 ASCII characters", () =>
    Effect.gen(function* () {
      const expected = createHmac("sha256", secret).update(`a.example.${ada}`).digest("base64url")
      assert.strictEqual(yield* subject({ redirectUris: ["https://a.example/one"] }), expected)
    }).pipe(Effect.provide(layer(secret))),
  )

  it.effect("keeps clients apart that have no host of their own", () =>
    Effect.gen(function* () {
      for (const uri of [
        "http://localhost/cb",
        "http://127.0.0.1/cb",
        "http://127.1.2.3/cb",
        "http://[::1]/cb",
        "com.example.app:/cb",
      ]) {
        assert.notStrictEqual(yield* subject({ redirectUris: [uri] }), yield* subject({ redirectUris: [uri] }), uri)
      }
      assert.notStrictEqual(yield* subject({ redirectUris: [] }), yield* subject({ redirectUris: [] }))
    }).pipe(Effect.provide(layer(secret))),
  )

  it.effect("never falls back to the user's id when the secret is gone", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(subject({}))
      assert.deepInclude(error, { _tag: "StoreError", isRetryable: false })
    }).pipe(Effect.provide(layer(null))),
  )
})
