/**
 * Signing keys in databases: what signing costs, and nodes that rotate at the same time.
 */
import * as Audit from "@belfry/core/Audit"
import * as Site from "@belfry/core/Site"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import { SigningKeyStore } from "@belfry/oauth-server/SigningKeyStore"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as StatementCounter from "@belfry/testing/StatementCounter"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { NodeCrypto } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { issuer, layerRing, node, read } from "./support/Keys.ts"

const claims = { iss: issuer, sub: "somebody" }
const signed = { claims, typ: "at+jwt", algorithm: "ES256" } as const

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])) {
  const below = Layer.mergeAll(
    Layer.provideMerge(Audit.layer, Layer.mergeAll(SqlOAuthServerStores.layer, SqlStores.layer, NodeCrypto.layer)),
    Layer.orDie(Site.layer({ baseUrl: "https://auth.example.com" })),
    layerRing("one"),
  ).pipe(Layer.provideMerge(layer))

  describe(`SigningKeys (${name})`, () => {
    it.effect("cost no statement to sign and verify, and one a minute to look up", () =>
      Effect.gen(function* () {
        const keys = yield* node()
        const token = yield* keys.sign(signed)
        const use = Effect.andThen(keys.sign(signed), keys.verify(token, { typ: "at+jwt" }))
        assert.deepStrictEqual(yield* StatementCounter.statementsOf(use), [])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* StatementCounter.statementsOf(use), ["SELECT oauth_signing_keys"])
        assert.deepStrictEqual(yield* StatementCounter.statementsOf(use), [])
      }).pipe(Effect.provide(below)),
    )

    it.effect("are made once on many nodes, and replaced once", () =>
      Effect.gen(function* () {
        const nodes = yield* Effect.all(Array.from({ length: 8 }, () => node()))
        const headers = Effect.map(
          Effect.forEach(nodes, (keys) => keys.sign(signed), { concurrency: "unbounded" }),
          (tokens) => new Set(tokens.map((token) => JSON.stringify(read(token).header))),
        )
        assert.strictEqual((yield* headers).size, 1)
        yield* Effect.forEach(nodes, (keys) => keys.rotate, { concurrency: "unbounded" })
        yield* TestClock.adjust("89 days")
        yield* Effect.forEach(nodes, (keys) => keys.rotate, { concurrency: "unbounded" })
        const rows = yield* SigningKeyStore.use((store) => store.list)
        assert.deepStrictEqual(rows.map(({ algorithm }) => algorithm).toSorted(), ["ES256", "ES256", "RS256", "RS256"])
        assert.strictEqual(rows.filter(({ expiresAt }) => expiresAt === null).length, 2)
        yield* TestClock.adjust("1 day")
        assert.strictEqual((yield* headers).size, 1)
      }).pipe(Effect.provide(below)),
    )

    it.effect("rest sealed, and are found by another process that has the secret", () =>
      Effect.gen(function* () {
        const token = yield* (yield* node()).sign(signed)
        const [row] = yield* SigningKeyStore.use((store) => store.list)
        assert.match(row?.privateKey ?? "", /^one\.[\w-]+$/)
        assert.deepStrictEqual(yield* (yield* node()).verify(token, { typ: "at+jwt" }), claims)
        assert.notInclude(Redacted.value(token), row?.privateKey ?? "")
      }).pipe(Effect.provide(below)),
    )
  })
}
