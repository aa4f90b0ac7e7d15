import * as Server from "@belfry/server/Server"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it } from "@effect/vitest"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

const fetch = (path: string) =>
  Effect.flatMap(TestServer.TestServer, ({ port }) => Effect.promise(() => Wire.fetch(port, { path })))

/** A database whose single statements do what `statement` says while `isFailing`. */
const layerFailing = (isFailing: { current: boolean }, statement: Effect.Effect<never, SqlError>) =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.map(
      SqlClient.SqlClient,
      (sql) =>
        new Proxy(sql, {
          apply: (target, self, parts) => {
            const real: Effect.Effect<unknown, SqlError> = Reflect.apply(target, self, parts)
            return Effect.suspend(() => (isFailing.current ? statement : real))
          },
        }),
    ),
  ).pipe(Layer.provide(TestDatabase.layerPglite(Server.migrations)))

const lost = new SqlError({ reason: new ConnectionError({ cause: new Error("gone"), operation: "execute" }) })

describe("health", () => {
  it.live("is alive and ready while the database answers; only alive while it fails", () => {
    const isFailing = { current: false }
    return Effect.gen(function* () {
      for (const path of ["/health/live", "/health/ready"]) assert.strictEqual((yield* fetch(path)).status, 200)
      isFailing.current = true
      assert.strictEqual((yield* fetch("/health/live")).status, 200)
      const { status, body } = yield* fetch("/health/ready")
      assert.strictEqual(status, 503)
      assert.notInclude(body, "gone")
      isFailing.current = false
      assert.strictEqual((yield* fetch("/health/ready")).status, 200)
    }).pipe(Effect.provide(TestServer.layer({ database: layerFailing(isFailing, Effect.fail(lost)) })))
  })

  it.live("is not ready when the database says nothing for 2 seconds", () => {
    const isFailing = { current: false }
    return Effect.gen(function* () {
      isFailing.current = true
      const started = performance.now()
      assert.strictEqual((yield* fetch("/health/ready")).status, 503)
      assert.isBelow(performance.now() - started, 4000)
      assert.isAbove(performance.now() - started, 1900)
    }).pipe(Effect.provide(TestServer.layer({ database: layerFailing(isFailing, Effect.never) })))
  })
})
