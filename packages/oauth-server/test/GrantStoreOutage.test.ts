/**
 * Rotations and redemptions under locks, and with a server that dies between and in their statements, on PostgreSQL.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { RefreshToken } from "@belfry/oauth-server/Grant"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as Postgres from "@belfry/sql/Postgres"
import * as Held from "@belfry/testing/GrantFixtures"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { aboutToRotate, holding, manyToRotate } from "./support/Rotations.ts"

const sets = [SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations]
const stores = Layer.merge(SqlOAuthServerStores.layer, SqlStores.layer)

withLayer(Layer.provideMerge(stores, TestDatabase.layerPostgres(sets)))("Exchanges that wait in PostgreSQL", (it) => {
  it.effect("are refused after a revocation that was there before", () =>
    Effect.gen(function* () {
      const grants = yield* GrantStore
      const { run } = yield* TransactionStore
      const held = yield* Held.redeemed()
      const fresh = yield* OAuthBuilders.storedGrant()
      const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
      const redemption = yield* Held.redemptionOf(fresh.grant)
      for (const { exchange, grant } of [
        { exchange: grants.rotate(rotation), grant: held.grant },
        { exchange: grants.redeem(redemption), grant: fresh.grant },
      ]) {
        const revoking = yield* holding(grants.revoke(grant.id, grant.createdAt))
        const waiting = yield* Effect.forkChild(run(exchange))
        assert.isTrue(yield* isWaitingForLock(waiting))
        assert.isTrue(yield* revoking.commit)
        assert.isFalse(yield* Fiber.join(waiting))
      }
      assert.isNull(yield* Held.refreshToken(rotation.successor.hash))
      assert.isNull(yield* Held.refreshToken(redemption.refreshToken.hash))
    }),
  )

  it.effect("make a revocation wait, which then ends what they issued", () =>
    Effect.gen(function* () {
      const grants = yield* GrantStore
      const { run } = yield* TransactionStore
      const held = yield* Held.redeemed()
      const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
      const rotating = yield* holding(grants.rotate(rotation))
      const revoking = yield* Effect.forkChild(run(grants.revoke(held.grant.id, rotation.now)))
      assert.isTrue(yield* isWaitingForLock(revoking))
      assert.isTrue(yield* rotating.commit)
      assert.isTrue(yield* Fiber.join(revoking))
      assert.deepStrictEqual((yield* Held.byCode(held.code)).grant?.revokedAt, rotation.now)
      assert.isFalse(yield* grants.rotate(yield* Held.rotationOf(rotation.successor, held.grant)))
    }),
  )

  it.effect("are refused after another one that was there before, and succeed where that one is undone", () =>
    Effect.gen(function* () {
      const grants = yield* GrantStore
      const { run } = yield* TransactionStore
      for (const isUndone of [false, true]) {
        const held = yield* Held.redeemed()
        const [first, second] = yield* Effect.all([
          Held.rotationOf(held.refreshToken, held.grant),
          Held.rotationOf(held.refreshToken, held.grant),
        ])
        const rotating = yield* holding(grants.rotate(first))
        const waiting = yield* Effect.forkChild(run(grants.rotate(second)))
        assert.isTrue(yield* isWaitingForLock(waiting))
        yield* isUndone ? rotating.undo : rotating.commit
        assert.strictEqual(yield* Fiber.join(waiting), isUndone)
        const [one, two] = yield* Effect.forEach([first, second], ({ successor }) => Held.refreshToken(successor.hash))
        assert.deepStrictEqual([one !== null, two !== null], [!isUndone, isUndone])
      }
    }),
  )

  it.effect("see what changed on the grant meanwhile, and keep it", () =>
    Effect.gen(function* () {
      const grants = yield* GrantStore
      const sql = yield* SqlClient.SqlClient
      const { run } = yield* TransactionStore
      const held = yield* Held.redeemed()
      const rotation = yield* Held.rotationOf(held.refreshToken, held.grant)
      const changing = yield* holding(
        Effect.as(
          Effect.orDie(sql`UPDATE belfry_oauth_grants SET nonce = 'changed' WHERE id = ${held.grant.id}`),
          true,
        ),
      )
      const waiting = yield* Effect.forkChild(run(grants.rotate(rotation)))
      assert.isTrue(yield* isWaitingForLock(waiting))
      yield* changing.commit
      assert.isTrue(yield* Fiber.join(waiting))
      const { grant } = yield* Held.byCode(held.code)
      assert.deepStrictEqual(grant, { ...held.grant, nonce: "changed", expiresAt: rotation.expiresAt })
    }),
  )
})

describe("A rotation on a server that dies", () => {
  it.live("before its look-up: is done", () =>
    Effect.gen(function* () {
      const server = yield* start
      yield* Effect.gen(function* () {
        const { grants, held, records, rotation } = yield* aboutToRotate
        yield* server.terminate
        const found = yield* records.find({ refreshToken: [rotation.hash] })
        assert.deepStrictEqual(found.refreshToken, held.refreshToken)
        assert.isTrue(yield* grants.rotate(rotation))
        assert.deepStrictEqual(yield* successors(held.refreshToken, [rotation.successor]), [rotation.successor.hash])
      }).pipe(Effect.provideContext(server.context))
    }).pipe(Effect.scoped),
  )

  it.live("between look-up and rotation: is done, or was not, and is done when it is tried again", () =>
    Effect.gen(function* () {
      const server = yield* start
      yield* Effect.gen(function* () {
        const { grants, held, records, rotation } = yield* aboutToRotate
        yield* records.find({ refreshToken: [rotation.hash] })
        yield* server.terminate
        const exit = yield* Effect.exit(grants.rotate(rotation))
        const again = yield* Held.rotationOf(held.refreshToken, held.grant)
        const isDoneAgain = yield* grants.rotate(again)
        assert.strictEqual(isDoneAgain, Exit.isFailure(exit))
        const left = yield* successors(held.refreshToken, [rotation.successor, again.successor])
        assert.deepStrictEqual(left, [isDoneAgain ? again.successor.hash : rotation.successor.hash])
        assert.isNull((yield* Held.byCode(held.code)).grant?.revokedAt)
      }).pipe(Effect.provideContext(server.context))
    }).pipe(Effect.scoped),
  )

  it.live("in the middle of the rotation: was not done, and is done when it is tried again", () =>
    Effect.gen(function* () {
      const server = yield* start
      yield* Effect.gen(function* () {
        const { grants, held, rotation } = yield* aboutToRotate
        const { expiresAt } = held.grant
        const lock = yield* server.lock(held.grant.id)
        const rotating = yield* Effect.forkChild(Effect.exit(grants.rotate(rotation)))
        yield* server.isWaiting(rotating)
        yield* server.terminate
        const exit = yield* Fiber.join(rotating)
        yield* lock.release
        assert.isTrue(Exit.isFailure(exit))
        assert.deepStrictEqual(yield* successors(held.refreshToken, [rotation.successor]), [])
        assert.deepStrictEqual((yield* Held.byCode(held.code)).grant?.expiresAt, expiresAt)
        assert.deepStrictEqual(yield* Held.refreshToken(held.refreshToken.hash), held.refreshToken)
        assert.isTrue(yield* grants.rotate(rotation))
        assert.deepStrictEqual(yield* successors(held.refreshToken, [rotation.successor]), [rotation.successor.hash])
      }).pipe(Effect.provideContext(server.context))
    }).pipe(Effect.scoped),
  )

  it.live("in the middle of many: none of them was done, and none is tried again by itself", () =>
    Effect.gen(function* () {
      const server = yield* start
      yield* Effect.gen(function* () {
        const { grants, rotations } = yield* manyToRotate(6)
        const [first = assert.fail(), ...others] = rotations
        const lock = yield* server.lockRefreshToken((others[2] ?? assert.fail()).hash)
        const rotating = yield* Effect.forkChild(
          Effect.forEach(others, (rotation) => Effect.exit(grants.rotate(rotation)), { concurrency: "unbounded" }),
        )
        assert.isTrue(yield* grants.rotate(first))
        yield* server.isWaiting(rotating)
        yield* server.terminate
        const exits = yield* Fiber.join(rotating)
        yield* lock.release
        for (const exit of exits.slice(1)) assert.isTrue(Exit.isFailure(exit))
        for (const rotation of others.slice(1)) {
          assert.isNull(yield* Held.refreshToken(rotation.successor.hash))
          assert.isTrue(yield* grants.rotate(rotation))
        }
      }).pipe(Effect.provideContext(server.context))
    }).pipe(Effect.scoped),
  )

  it.live("after the rotation: was done, and is not done twice", () =>
    Effect.gen(function* () {
      const server = yield* start
      yield* Effect.gen(function* () {
        const { grants, held, records, rotation } = yield* aboutToRotate
        assert.isTrue(yield* grants.rotate(rotation))
        yield* server.terminate
        const found = yield* records.find({ refreshToken: [rotation.hash] })
        assert.deepStrictEqual(found.refreshToken?.successor, rotation.sealed)
        const again = yield* Held.rotationOf(held.refreshToken, held.grant)
        assert.isFalse(yield* grants.rotate(again))
        const left = yield* successors(held.refreshToken, [rotation.successor, again.successor])
        assert.deepStrictEqual(left, [rotation.successor.hash])
        assert.isTrue(yield* grants.rotate(yield* Held.rotationOf(rotation.successor, held.grant)))
      }).pipe(Effect.provideContext(server.context))
    }).pipe(Effect.scoped),
  )

  it.live("at any moment: was done whole or not at all", () =>
    Effect.gen(function* () {
      const server = yield* start
      yield* Effect.gen(function* () {
        const { grants, held } = yield* aboutToRotate
        let current: RefreshToken = held.refreshToken
        let failures = 0
        for (let round = 0; round < 32; round++) {
          const rotation = yield* Held.rotationOf(current, held.grant)
          const endsAt = (yield* Held.byCode(held.code)).grant?.expiresAt
          const [exit] = yield* Effect.all(
            [Effect.exit(grants.rotate(rotation)), Effect.delay(server.terminate, round % 4)],
            { concurrency: "unbounded" },
          )
          if (Exit.isFailure(exit)) failures++
          else assert.isTrue(exit.value)
          const [token, successor, accessToken] = [
            yield* Held.refreshToken(current.hash),
            yield* Held.refreshToken(rotation.successor.hash),
            yield* Held.accessToken(rotation.accessToken.hash),
          ]
          const isDone = token?.rotatedAt !== null
          if (Exit.isSuccess(exit)) assert.isTrue(isDone)
          assert.deepStrictEqual([successor !== null, accessToken !== null], [isDone, isDone])
          const { grant } = yield* Held.byCode(held.code)
          assert.deepStrictEqual(grant?.expiresAt, isDone ? rotation.expiresAt : endsAt)
          assert.isNull(grant?.revokedAt)
          if (isDone) current = rotation.successor
        }
        assert.isAbove(failures, 0)
      }).pipe(Effect.provideContext(server.context))
    }).pipe(Effect.scoped),
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** A server with the stores, on a database of its own, whose connections can be cut from outside. */
const start = Effect.gen(function* () {
  const url = yield* TestDatabase.acquirePostgres(sets)
  const context = yield* Layer.build(
    Layer.provideMerge(stores, Postgres.layer({ url, applicationName: "server", maxConnections: 4 })),
  )
  const outside = yield* Postgres.make({ url, applicationName: "outside" })
  return {
    context,
    terminate: outside`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'server'`,
    isWaiting: <A, E>(fiber: Fiber.Fiber<A, E>) =>
      Effect.map(Effect.provideService(isWaitingForLock(fiber), SqlClient.SqlClient, outside), (isWaiting) =>
        assert.isTrue(isWaiting),
      ),
    /** Locks the row of a grant. */
    lock: (id: string) => locking(outside, outside`SELECT 1 FROM belfry_oauth_grants WHERE id = ${id} FOR UPDATE`),
    /** Locks the row of a refresh token. */
    lockRefreshToken: (hash: string) =>
      locking(outside, outside`SELECT 1 FROM belfry_oauth_refresh_tokens WHERE token_hash = ${hash} FOR UPDATE`),
  }
})

const locking = Effect.fnUntraced(function* (outside: SqlClient.SqlClient, lock: Effect.Effect<unknown, SqlError>) {
  const isLocked = yield* Deferred.make<void>()
  const end = yield* Deferred.make<void>()
  const fiber = yield* lock.pipe(
    Effect.andThen(Deferred.succeed(isLocked, undefined)),
    Effect.andThen(Deferred.await(end)),
    outside.withTransaction,
    Effect.forkChild,
  )
  yield* Deferred.await(isLocked)
  return { release: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(fiber)) }
})

/** The hashes of refresh tokens that are on file for the grant of a token beside it; `candidates` are all there can be. */
const successors = Effect.fnUntraced(function* (token: RefreshToken, candidates: ReadonlyArray<RefreshToken>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly token_hash: string }>`SELECT token_hash FROM belfry_oauth_refresh_tokens
    WHERE grant_id = ${token.grantId} AND token_hash <> ${token.hash}`
  const hashes = rows.map((row) => row.token_hash)
  assert.includeMembers(
    candidates.map(({ hash }) => String(hash)),
    hashes,
  )
  return hashes
})
