import { KeyedHash } from "@belfry/core/KeyedHash"
import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import { UserId } from "@belfry/core/User"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { GrantId } from "@belfry/oauth-server/Grant"
import * as MemoryOAuthServerStores from "@belfry/oauth-server/MemoryOAuthServerStores"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { type Presented, type Records, RecordStore } from "@belfry/oauth-server/RecordStore"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as GrantFixtures from "@belfry/testing/GrantFixtures"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as RecordStoreTest from "@belfry/testing/RecordStoreTest"
import { genericPlanOf, textsOf } from "@belfry/testing/StatementPlans"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, layer as withLayer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { fillTables } from "./support/Plans.ts"

RecordStoreTest.suite("memory", Layer.provideMerge(MemoryOAuthServerStores.layer, MemoryStores.layer))

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])) {
  RecordStoreTest.suite(name, Layer.provideMerge(Layer.merge(SqlOAuthServerStores.layer, SqlStores.layer), layer))
}

const database = Layer.provideMerge(
  Layer.merge(SqlOAuthServerStores.layer, SqlStores.layer),
  TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations]),
)

withLayer(database)("A look-up of records in PostgreSQL", (it) => {
  it.effect("is one statement, for each shape one text, whatever its values are", () =>
    Effect.gen(function* () {
      for (const [shape, presented] of Object.entries(shapes)) {
        const texts = yield* Effect.forEach([presented(1), presented(2)], (one) => textsOf(find(one)))
        assert.strictEqual(texts[0]?.length, 1, shape)
        assert.deepStrictEqual(texts[0], texts[1], shape)
      }
    }),
  )

  it.effect("is one statement for all who ask for the same while another one is under way", () =>
    Effect.gen(function* () {
      const all = Array.from({ length: 100 }, () => find({ clientId: clientId(1) }))
      assert.lengthOf(yield* textsOf(Effect.all(all, { concurrency: "unbounded" })), 2)
    }),
  )

  it.effect("is one statement for all who ask for something of the same kind meanwhile, each with its own answer", () =>
    Effect.gen(function* () {
      const held = yield* Effect.forEach([1, 2, 3], () => GrantFixtures.redeemed())
      const ofNobody = [hashes(1)[0]] as const
      const asked = [...held.map(({ refreshToken }) => [refreshToken.hash] as const), ofNobody, ofNobody]
      const answers: Array<Records> = []
      const all = asked.map((refreshToken, index) =>
        Effect.map(find({ refreshToken }), (records) => (answers[index] = records)),
      )
      assert.lengthOf(yield* textsOf(Effect.all(all, { concurrency: "unbounded" })), 2)
      assert.deepStrictEqual(
        answers.map(({ grant, refreshToken }) => [grant?.grant.id, refreshToken?.hash]),
        [
          ...held.map(({ grant, refreshToken }) => [grant.id, refreshToken.hash]),
          [undefined, undefined],
          [undefined, undefined],
        ],
      )
    }),
  )

  it.effect("sees what its transaction wrote, and nobody outside does", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const client = yield* OAuthBuilders.client()
      const inTransaction = find({ clientId: client.id })
      const leave = Context.omit(sql.transactionService)
      const elsewhere = Effect.updateContext(inTransaction, (inside: Context.Context<RecordStore>) => leave(inside))
      const found = yield* sql.withTransaction(
        Effect.andThen(
          ClientStore.use((clients) => clients.insert(client)),
          Effect.all([elsewhere, inTransaction, elsewhere, inTransaction], { concurrency: "unbounded" }),
        ),
      )
      assert.deepStrictEqual(
        found.map((records) => records.client?.id),
        [undefined, client.id, undefined, client.id],
      )
    }),
  )

  it.effect("reads each table by an index, in every shape, for any values", () =>
    Effect.gen(function* () {
      yield* fillTables(2000)
      for (const [shape, presented] of Object.entries(shapes)) {
        const [text = ""] = yield* textsOf(find(presented(1)))
        const plan = yield* genericPlanOf(text)
        const joined = text.match(/ (?:JOIN|FROM) belfry_/gu) ?? []
        assert.notInclude(plan, "Seq Scan", `${shape}\n${plan}`)
        assert.strictEqual(plan.match(/Index (?:Only )?Scan/gu)?.length, joined.length, `${shape}\n${plan}`)
        assert.strictEqual(plan.match(/Index Cond: /gu)?.length, joined.length, `${shape}\n${plan}`)
      }
    }),
  )
})

// A database of its own: PostgreSQL compares with what it planned on a connection while the tables were empty.
withLayer(Layer.fresh(database))("A look-up of records in a PostgreSQL that is in use", (it) => {
  it.effect("is planned for any values after a few times, and not each time anew", () =>
    Effect.gen(function* () {
      yield* fillTables(2000)
      const sql = yield* SqlClient.SqlClient
      for (const [shape, presented] of Object.entries(shapes)) {
        const [text = ""] = yield* textsOf(find(presented(1)))
        const [plans] = yield* sql.withTransaction(
          Effect.andThen(
            Effect.forEach([1, 2, 1, 2, 1, 2, 1, 2], (n) => find(presented(n)), { discard: true }),
            sql<{ readonly generic: number }>`
              SELECT generic_plans::int4 AS generic FROM pg_prepared_statements
              WHERE statement = ${text}`,
          ),
        )
        assert.isAtLeast(plans?.generic ?? 0, 2, shape)
      }
    }),
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const find = (presented: Presented) => RecordStore.use((records) => records.find(presented))

const hashes = (n: number) => [KeyedHash.make(`test.${String(n).padStart(43, "A")}`), oldHash] as const

const oldHash = KeyedHash.make(`old.${"A".repeat(43)}`)

const uuid = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`

/** What requests present at the endpoints, with the values of the `n`th. */
const shapes: Record<string, (n: number) => Presented> = {
  "client credentials": (n) => ({ clientId: clientId(n) }),
  "client credentials with resources": (n) => ({ clientId: clientId(n), resources: resources(n) }),
  "client credentials with two resources": (n) => ({
    clientId: clientId(n),
    resources: [...resources(n), ...resources(n + 1)],
  }),
  "code exchange": (n) => ({ clientId: clientId(n), code: hashes(n) }),
  "code exchange with resources": (n) => ({ clientId: clientId(n), code: hashes(n), resources: resources(n) }),
  refresh: (n) => ({ clientId: clientId(n), refreshToken: hashes(n) }),
  "refresh with resources": (n) => ({ clientId: clientId(n), refreshToken: hashes(n), resources: resources(n) }),
  "introspection of an opaque token": (n) => ({ clientId: clientId(n), accessToken: hashes(n) }),
  "introspection of a JWT": (n) => ({ clientId: clientId(n), jwt: jwt(n), resources: resources(n) }),
  "user information by an opaque token": (n) => ({ accessToken: hashes(n) }),
  "user information by a JWT": (n) => ({ jwt: jwt(n) }),
  "authorization request": (n) => ({ clientId: clientId(n), resources: resources(n) }),
  "authorization request of a user": (n) => ({
    clientId: clientId(n),
    resources: resources(n),
    consentOf: { userId: UserId.make(uuid(n)), referenceId: null },
  }),
  "authorization request of a user under a reference": (n) => ({
    clientId: clientId(n),
    resources: resources(n),
    consentOf: { userId: UserId.make(uuid(n)), referenceId: `organization-${n}` },
  }),
}

const clientId = (n: number) => ClientId.make(`client-${n}`)
const resources = (n: number) => [`https://api.example.com/${n}`]
const jwt = (n: number) => ({ jti: `jti-${n}`, clientId: clientId(n), grantId: n === 1 ? null : GrantId.make(uuid(n)) })
