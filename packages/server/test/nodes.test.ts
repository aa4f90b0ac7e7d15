/**
 * Several nodes: on one database, and counting in one Redis.
 */
import * as Server from "@belfry/server/Server"
import * as RedisServer from "@belfry/testing/RedisServer"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as People from "./support/People.ts"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

const BELFRY_SECRETS = "shared:0123456789abcdefghijklmnopqrstuvwxyz"

/** Starts a node that shares nothing with others in this process. */
const startNode = Effect.fnUntraced(function* (options: TestServer.Options) {
  const context = yield* Layer.buildWithMemoMap(
    TestServer.layer(options),
    Layer.makeMemoMapUnsafe(),
    yield* Effect.scope,
  )
  const { port } = yield* Effect.provideContext(TestServer.TestServer, context)
  return { context, port }
})

type Node = {
  readonly port: number
  readonly context: Context.Context<Layer.Success<ReturnType<typeof TestServer.layer>>>
}

describe("nodes on one database", () => {
  it.live("all come up when they start at once on an empty database, and know each other's sessions", () =>
    Effect.gen(function* () {
      const url = Redacted.value(yield* TestDatabase.acquirePostgres([]))
      const environment = { DATABASE_URL: url, BELFRY_SECRETS }
      const nodes = yield* Effect.all(
        Array.from({ length: 3 }, () => startNode({ environment, database: Server.layerDatabase })),
        { concurrency: "unbounded" },
      )
      const [first, second, third] = nodes
      assert.isDefined(first && second && third)
      const { token, user } = yield* Effect.provideContext(
        People.signedIn("ada@example.com"),
        first?.context ?? assert.fail(),
      )
      for (const { port } of nodes) {
        assert.strictEqual((yield* Effect.promise(() => Wire.fetch(port, { path: "/health/ready" }))).status, 200)
        const headers = People.bearer(token)
        const { status, body } = yield* Effect.promise(() => Wire.fetch(port, { path: "/auth/session", headers }))
        assert.strictEqual(status, 200)
        assert.include(body, user.id)
      }
      const applied = yield* Effect.provideContext(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT name FROM belfry_migrations`),
        second?.context ?? assert.fail(),
      )
      assert.lengthOf(applied, Server.migrations.flatMap(({ migrations }) => migrations).length)
    }).pipe(Effect.scoped),
  )
})

const { program } = RedisServer
const reason = "no redis-server on this machine; apt-get install redis-server"
if (program === undefined) process.stderr.write(`NOT TESTED: rate limits in Redis (${reason})\n`)

describe("nodes with one Redis", () => {
  if (program === undefined) {
    // Where everything is installed for the tests, its absence is a fault; elsewhere it shows as not tested.
    it.skipIf(process.env["CI"] !== "true")(`NOT TESTED: ${reason}`, () => assert.fail(reason))
    return
  }

  const signIn = ({ port }: Node, password: string) =>
    Effect.promise(() =>
      Wire.fetch(port, {
        method: "POST",
        path: "/auth/sign-in/password",
        ...Wire.json({ email: "ada@example.com", password, transport: "bearer" }),
      }),
    )

  it.live(
    "count sign-ins together, answer 503 while it is away, and go on when it is back",
    () =>
      Effect.gen(function* () {
        const redis = yield* RedisServer.acquire(program)
        const environment = { BELFRY_SECRETS, BELFRY_REDIS_URL: redis.url, BELFRY_REQUEST_TIMEOUT: "2 seconds" }
        // Databases of their own: what the nodes know of each other they know from Redis.
        const nodes = [yield* startNode({ environment }), yield* startNode({ environment })] as const
        for (const { context } of nodes) yield* Effect.provideContext(People.registered("ada@example.com"), context)

        for (let attempt = 0; attempt < 5; attempt++) {
          for (const node of nodes) assert.strictEqual((yield* signIn(node, "wrong horse battery")).status, 401)
        }
        for (const node of nodes) {
          const { status, headers } = yield* signIn(node, People.password)
          assert.strictEqual(status, 429)
          assert.isAbove(Number(headers["retry-after"]), 0)
        }

        yield* redis.stop
        for (const node of nodes) assert.strictEqual((yield* signIn(node, People.password)).status, 503)
        yield* redis.start
        // It came back empty, and so the sign-in is free again.
        for (const node of nodes) {
          let { status } = yield* signIn(node, People.password)
          for (let again = 0; status === 503 && again < 5; again++)
            status = (yield* signIn(node, People.password)).status
          assert.strictEqual(status, 200)
        }
      }).pipe(Effect.scoped),
    60_000,
  )
})
