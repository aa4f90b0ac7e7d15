/**
 * The server while its PostgreSQL is away: killed and started again, hung, gone in the middle of a request.
 */
import * as Server from "@belfry/server/Server"
import * as Postgres from "@belfry/sql/Postgres"
import * as PostgresServer from "@belfry/testing/PostgresServer"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Layer, Redacted } from "effect"
import * as Http from "node:http"
import * as Hung from "./support/Hung.ts"
import * as People from "./support/People.ts"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

/** The time limit of requests, in milliseconds, and what a busy machine may add to it. */
const limit = 3000
const leeway = 1500

const withServer = <A, E>(
  test: (postgres: PostgresServer.PostgresServer) => Effect.Effect<A, E, Provided>,
): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    // What was committed must be there after a crash, as on a server that is not for tests.
    const postgres = yield* PostgresServer.acquire({ settings: { synchronous_commit: "on" } })
    const environment = { DATABASE_URL: postgres.url, BELFRY_REQUEST_TIMEOUT: `${limit} millis` }
    return yield* Effect.provide(test(postgres), TestServer.layer({ environment, database: Server.layerDatabase }), {
      local: true,
    })
  }).pipe(Effect.scoped)

type Provided = Layer.Success<ReturnType<typeof TestServer.layer>>

/** What a client saw of one request. */
interface Seen {
  readonly at: number
  readonly millis: number
  readonly status: number
  readonly body: string
}

type Headers = Readonly<Record<string, string>>

const byBearer = (token: string): Headers => ({ authorization: `Bearer ${token}` })
const byCookie = (token: string): Headers => ({ cookie: `belfry_session=${token}` })

/** One request on a connection that stays open; rejects when there is no response. */
const get = (port: number, agent: Http.Agent, headers: Headers): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const at = performance.now()
    const request = Http.get({ port, agent, path: "/auth/session", headers }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () =>
        resolve({
          at,
          millis: performance.now() - at,
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    request.on("error", reject)
  })

const until = (condition: () => boolean, within: number) =>
  Effect.gen(function* () {
    while (!condition()) yield* Effect.sleep(10)
  }).pipe(Effect.timeoutOrElse({ duration: within, orElse: () => Effect.die(new Error(`Not within ${within} ms`)) }))

describe("an outage of PostgreSQL", () => {
  it.live(
    "under load is answered with 503 and passes by itself, with every session",
    () =>
      withServer((postgres) =>
        Effect.gen(function* () {
          const { port, logs } = yield* TestServer.TestServer
          const clients = 50
          const people = yield* Effect.forEach(Array.from({ length: clients }), (_, index) =>
            People.signedIn(`client-${index}@example.com`),
          )
          const agent = new Http.Agent({ keepAlive: true, maxSockets: clients })
          const seen: Array<Seen> = []
          let isOver = false
          const load = yield* Effect.forkChild(
            Effect.forEach(
              people,
              ({ token }, index) =>
                Effect.gen(function* () {
                  const headers = index % 2 === 0 ? byBearer(token) : byCookie(token)
                  while (!isOver) {
                    const answer = yield* Effect.promise(() => get(port, agent, headers))
                    seen.push(answer)
                    // A client that is told to come again does not do so at once.
                    if (answer.status !== 200) yield* Effect.sleep(50)
                  }
                }),
              { concurrency: "unbounded", discard: true },
            ),
          )
          const count = (status: number, since: number) =>
            seen.filter((answer) => answer.status === status && answer.at >= since).length
          const probe = (path: string) => Effect.promise(() => Wire.fetch(port, { path }))

          yield* until(() => count(200, 0) >= 20 * clients, 20_000)
          yield* Effect.promise(() => postgres.stop("immediate"))
          const down = performance.now()
          yield* until(() => count(503, down) >= 10 * clients, 20_000)
          assert.strictEqual((yield* probe("/health/live")).status, 200)
          assert.strictEqual((yield* probe("/health/ready")).status, 503)
          assert.strictEqual(count(200, down), 0)

          yield* Effect.promise(() => postgres.start())
          const up = performance.now()
          yield* until(() => count(200, up) >= 20 * clients, 20_000)
          isOver = true
          yield* Fiber.join(load)
          agent.destroy()

          assert.deepStrictEqual([...new Set(seen.map(({ status }) => status))].sort(), [200, 503])
          assert.isBelow(Math.max(...seen.map(({ millis }) => millis)), limit + leeway)
          const firstSuccess = seen.find(({ at, status }) => status === 200 && at >= up)
          assert.isBelow((firstSuccess?.at ?? Infinity) - up, 3000)
          const lastFailure = seen.findLast(({ status }) => status === 503)
          assert.isBelow((lastFailure?.at ?? 0) - up, 3000)
          assert.include(lastFailure?.body, '"ServiceUnavailable"')
          assert.strictEqual((yield* probe("/health/ready")).status, 200)
          for (const { user, token } of people) {
            const { status, body } = yield* Effect.promise(() => get(port, new Http.Agent(), byBearer(token)))
            assert.strictEqual(status, 200)
            assert.include(body, user.id)
          }
          // The log says what happened, and of whom nothing.
          const log = logs.join("\n")
          assert.include(log, "A store could not answer")
          assert.notMatch(log, /example\.com|127\.0\.0\.1:\d+.*password|belfry_session_\w/)
          assert.notInclude(log, new URL(postgres.url).password)
        }),
      ),
    60_000,
  )

  it.live(
    "that hangs it ends requests at the time limit with 503, transactions too",
    () =>
      withServer((postgres) =>
        Effect.gen(function* () {
          const { port } = yield* TestServer.TestServer
          const people = yield* Effect.forEach(Array.from({ length: 20 }), (_, index) =>
            People.signedIn(`client-${index}@example.com`),
          )
          const credentials = Wire.json({ email: "client-0@example.com", password: People.password })
          const requests = people.flatMap(({ token }, index): ReadonlyArray<Wire.WireRequest> => {
            const headers = People.bearer(token)
            return index % 2 === 0
              ? [
                  { path: "/auth/session", headers },
                  { path: "/auth/sessions", headers },
                ]
              : [
                  { method: "POST", path: "/auth/sign-out", headers },
                  { method: "POST", path: "/auth/sign-in/password", ...credentials },
                ]
          })
          const send = Effect.forEach(
            requests,
            (request) =>
              Effect.promise(async () => {
                const started = performance.now()
                const { status } = await Wire.fetch(port, request, 20_000)
                return {
                  what: `${request.method ?? "GET"} ${request.path}`,
                  status,
                  millis: performance.now() - started,
                }
              }),
            { concurrency: "unbounded" },
          )
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* Hung.hang(postgres)
              for (const { what, status, millis } of yield* send) {
                assert.strictEqual(status, 503, what)
                assert.isBelow(millis, limit + leeway, what)
                assert.isAbove(millis, limit - 100, what)
              }
            }),
          )
          // Whoever is still signed in is so, and nobody was signed out by a request that was given up.
          for (const [index, { token, user }] of people.entries()) {
            const { status, body } = yield* Effect.promise(() => get(port, new Http.Agent(), byBearer(token)))
            assert.strictEqual(status, 200, `client ${index}`)
            assert.include(body, user.id)
          }
        }),
      ),
    60_000,
  )

  it.live(
    "in the middle of a request is answered with 503 at once",
    () =>
      withServer((postgres) =>
        Effect.gen(function* () {
          const { port } = yield* TestServer.TestServer
          const { token, user } = yield* People.signedIn("ada@example.com")
          const headers = People.bearer(token)
          const requests = [
            { path: "/auth/session", headers },
            { method: "DELETE", path: "/auth/sessions", headers },
            { path: "/account", headers: [["cookie", `belfry_session=${token}`]] as const },
          ]
          const answers = yield* whileLocked(postgres, requests, (inFlight) =>
            Effect.gen(function* () {
              yield* Effect.promise(() => postgres.stop("immediate"))
              const stopped = performance.now()
              const answers = yield* Fiber.join(inFlight)
              assert.isBelow(performance.now() - stopped, 1000)
              return answers
            }),
          )
          for (const { status, body } of answers) assert.strictEqual(status, 503, body)

          yield* Effect.promise(() => postgres.start())
          const after = yield* Effect.promise(() => Wire.fetch(port, { path: "/auth/session", headers }))
          assert.strictEqual(after.status, 200)
          assert.include(after.body, user.id)
        }),
      ),
    60_000,
  )

  it.live(
    "that hangs it in the middle of a transaction ends the request at the time limit with 503",
    () =>
      withServer((postgres) =>
        Effect.gen(function* () {
          const { port } = yield* TestServer.TestServer
          const { token } = yield* People.signedIn("ada@example.com")
          const headers = People.bearer(token)
          const requests = [{ method: "POST", path: "/auth/sign-out", headers }]
          const started = performance.now()
          const answers = yield* whileLocked(postgres, requests, (inFlight) =>
            Effect.scoped(Effect.andThen(Hung.hang(postgres), Fiber.join(inFlight))),
          )
          assert.isBelow(performance.now() - started, limit + leeway)
          for (const { status, body } of answers) assert.strictEqual(status, 503, body)
          const after = yield* Effect.promise(() => Wire.fetch(port, { path: "/auth/session", headers }))
          assert.strictEqual(after.status, 200)
        }),
      ),
    60_000,
  )
})

/**
 * Sends requests while the sessions are locked, and goes on when one of them waits for the lock.
 */
const whileLocked = <A, E, R>(
  postgres: PostgresServer.PostgresServer,
  requests: ReadonlyArray<Wire.WireRequest>,
  use: (inFlight: Fiber.Fiber<ReadonlyArray<Wire.WireResponse>>) => Effect.Effect<A, E, R>,
) =>
  Effect.gen(function* () {
    const { port } = yield* TestServer.TestServer
    // A pool of its own: the server's statements share connections, and whoever waits for the lock holds up the rest.
    const sql = yield* Postgres.make({ url: Redacted.make(postgres.url), maxConnections: 2 })
    const isLocked = yield* Deferred.make<void>()
    yield* sql
      .withTransaction(
        sql`LOCK TABLE belfry_sessions IN ACCESS EXCLUSIVE MODE`.pipe(
          Effect.andThen(Deferred.succeed(isLocked, undefined)),
          Effect.andThen(Effect.never),
        ),
      )
      .pipe(Effect.forkScoped)
    yield* Deferred.await(isLocked)
    const inFlight = yield* Effect.forkScoped(
      Effect.forEach(requests, (request) => Effect.promise(() => Wire.fetch(port, request, 20_000)), {
        concurrency: "unbounded",
      }),
    )
    const waiting = sql<{ readonly count: number }>`SELECT count(*)::int4 AS count FROM pg_locks WHERE NOT granted`
    while (((yield* waiting)[0]?.count ?? 0) < 1) yield* Effect.sleep(10)
    return yield* use(inFlight)
  }).pipe(Effect.scoped)
