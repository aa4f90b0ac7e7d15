/**
 * Clients and resources over both databases: what happens at the same time, and what no database keeps.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { Clients } from "@belfry/oauth-server/Clients"
import { Resources } from "@belfry/oauth-server/Resources"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { events, metadata, signIn } from "./support/Management.ts"

const databases = TestDatabase.each([
  SqlCoreMigrations.migrations,
  SqlFactorsMigrations.migrations,
  SqlOAuthServerMigrations.migrations,
])

const in100Fibers = <A, E, R>(run: (index: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: 100 }, (_, index) => index),
    run,
    { concurrency: "unbounded" },
  )

const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onSuccess: () => "done", onFailure: ({ _tag }) => _tag })

const count = (type: string) => Effect.map(events, (all) => all.filter((event) => event.type === type).length)

for (const { name, layer } of databases) {
  const services = Layer.provideMerge(TestServices.layerOAuthServer, TestServices.layerSql(layer))

  withLayer(services)(`Clients (${name})`, (it) => {
    it.effect("leave no change half done when 100 fibers make one, and each that is done has its event", () =>
      Effect.gen(function* () {
        const { actor } = yield* signIn("updater")
        const { client } = yield* Clients.use((clients) => clients.create(actor, metadata))
        const answers = yield* in100Fibers((index) =>
          tagOf(Clients.use((clients) => clients.update(actor, client.id, { clientName: `Name ${index}` }))),
        )
        const done = answers.filter((answer) => answer === "done").length
        assert.isAtLeast(done, 1)
        assert.strictEqual(answers.filter((answer) => answer === "StoreError").length, 100 - done)
        assert.strictEqual(yield* count("oauth-client.updated"), done)
        // In one instant each change takes a millisecond.
        const kept = Option.getOrThrow(yield* ClientStore.use((store) => store.find(client.id)))
        assert.strictEqual(kept.updatedAt.epochMilliseconds - client.updatedAt.epochMilliseconds, done)
      }),
    )

    it.effect("have two secrets after 100 fibers asked for one", () =>
      Effect.gen(function* () {
        const { actor } = yield* signIn("rotator")
        const { client } = yield* Clients.use((clients) => clients.create(actor, metadata))
        const rotated = yield* in100Fibers(() => Clients.use((clients) => clients.rotateSecret(actor, client.id)))
        const made = rotated.map((each) => each.client.secrets[0]?.hash)
        assert.strictEqual(new Set(made).size, 100)
        const kept = Option.getOrThrow(yield* ClientStore.use((store) => store.find(client.id))).secrets
        assert.strictEqual(kept.length, 2)
        for (const { hash } of kept) assert.include(made, hash)
        assert.strictEqual(yield* count("oauth-client.secret-rotated"), 100)
      }),
    )

    it.effect("are removed by one of 100 fibers", () =>
      Effect.gen(function* () {
        const { actor } = yield* signIn("remover")
        const { client } = yield* Clients.use((clients) => clients.create(actor, metadata))
        const answers = yield* in100Fibers(() => tagOf(Clients.use((clients) => clients.remove(actor, client.id))))
        assert.strictEqual(answers.filter((answer) => answer === "done").length, 1)
        assert.strictEqual(answers.filter((answer) => answer === "ClientNotFound").length, 99)
        assert.strictEqual(yield* count("oauth-client.deleted"), 1)
      }),
    )

    it.effect("have no resource of an identifier that is none", () =>
      Effect.gen(function* () {
        const resources = yield* Resources
        for (const identifier of ["a\0b", "urn:a\0", "\uD800", ""]) {
          assert.strictEqual(yield* tagOf(resources.get(identifier)), "ResourceNotFound")
          assert.strictEqual(yield* tagOf(resources.remove(identifier, unknownClient)), "ResourceNotFound")
        }
      }),
    )

    it.effect("keep what somebody says of one, with characters that a database may not know", () =>
      Effect.gen(function* () {
        const { actor } = yield* signIn("writer")
        const clients = yield* Clients
        const said = { clientName: "bc 🦉", softwareId: "a\0b", softwareVersion: "b\uD800c" }
        const { client } = yield* clients.create(actor, { ...metadata, ...said })
        const { metadata: kept } = yield* clients.get(actor, client.id)
        assert.strictEqual(kept.clientName, "bc 🦉")
        assert.strictEqual(kept.softwareId, "a\uFFFDb")
        assert.strictEqual(kept.softwareVersion, "b\uFFFDc")
        // A name is read by people: half a character in it is refused.
        const half = clients.create(actor, { ...metadata, clientName: "b\uD800c" })
        assert.strictEqual((yield* Effect.flip(half))._tag, "ClientMetadataInvalid")
      }),
    )
  })
}
