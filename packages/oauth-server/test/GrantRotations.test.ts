/**
 * Rotations that come at once: joined into one statement on PostgreSQL, and each by itself all the same.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import type { Rotation } from "@belfry/oauth-server/GrantStore"
import { RecordStore } from "@belfry/oauth-server/RecordStore"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as Held from "@belfry/testing/GrantFixtures"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { textsOf } from "@belfry/testing/StatementPlans"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, layer as withLayer } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { aboutToRotate, holding, manyToRotate } from "./support/Rotations.ts"

const stores = Layer.merge(SqlOAuthServerStores.layer, SqlStores.layer)
const database = TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])

withLayer(Layer.provideMerge(stores, database))("Rotations at once in PostgreSQL", (it) => {
  it.effect("are one statement for those that come while another one is under way, each with what it issues", () =>
    Effect.gen(function* () {
      const { grants, rotations } = yield* manyToRotate(20)
      const all = Effect.forEach(rotations, (rotation) => grants.rotate(rotation), { concurrency: "unbounded" })
      const rotated: Array<boolean> = []
      const texts = yield* textsOf(Effect.map(all, (answers) => rotated.push(...answers)))
      assert.deepStrictEqual(
        rotated,
        Array.from(rotations, () => true),
      )
      assert.lengthOf(texts, 2)
      for (const { accessToken, expiresAt, grantId, sealed, successor, ...old } of rotations) {
        assert.deepStrictEqual(yield* Held.refreshToken(successor.hash), successor)
        assert.deepStrictEqual((yield* Held.refreshToken(old.hash))?.successor, sealed)
        assert.deepStrictEqual(yield* Held.accessToken(accessToken.hash), accessToken)
        const { grant } = yield* RecordStore.use((records) => records.find({ refreshToken: [successor.hash] }))
        assert.deepStrictEqual([grant?.grant.id, grant?.grant.expiresAt], [grantId, expiresAt])
      }
    }),
  )

  // On the real clock: whoever waited for the lock after all would go on when PostgreSQL gives up, after 5 seconds.
  it.effect("do not wait for one whose grant somebody has locked, and it is rotated afterwards", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { grants, rotations } = yield* manyToRotate(6)
      const locked = rotations[3] ?? assert.fail()
      const changing = yield* holding(
        Effect.as(Effect.orDie(sql`UPDATE belfry_oauth_grants SET nonce = 'x' WHERE id = ${locked.grantId}`), true),
      )
      const fibers = yield* Effect.forEach(rotations, (rotation) => Effect.forkChild(grants.rotate(rotation)))
      const others = fibers.filter((_, index) => index !== 3)
      assert.deepStrictEqual(
        yield* TestClock.withLive(Effect.timeout(Effect.forEach(others, Fiber.join), "3 seconds")),
        Array.from(others, () => true),
      )
      assert.isNull(yield* Held.refreshToken(locked.successor.hash))
      yield* changing.commit
      assert.isTrue(yield* Fiber.join(fibers[3] ?? assert.fail()))
      assert.isNotNull(yield* Held.refreshToken(locked.successor.hash))
    }),
  )

  it.effect("do not fail with one that the database refuses", () =>
    Effect.gen(function* () {
      const { grants, rotations } = yield* manyToRotate(6)
      const unknown = yield* OAuthBuilders.client()
      const exits = yield* Effect.forEach(
        rotations.map((rotation, index) =>
          index === 3 ? { ...rotation, accessToken: { ...rotation.accessToken, clientId: unknown.id } } : rotation,
        ),
        (rotation) => Effect.exit(grants.rotate(rotation)),
        { concurrency: "unbounded" },
      )
      for (const [index, { hash, successor }] of rotations.entries()) {
        const isRefused = index === 3
        assert.strictEqual(Exit.isFailure(exits[index] ?? assert.fail()), isRefused)
        assert.strictEqual((yield* Held.refreshToken(hash))?.rotatedAt === null, isRefused)
        assert.strictEqual((yield* Held.refreshToken(successor.hash)) === null, isRefused)
      }
    }),
  )

  it.effect("are undone with their transaction, and those beside it are not", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { grants, rotations } = yield* manyToRotate(4)
      const leave = Context.omit(sql.transactionService)
      const isInside = (index: number) => index % 2 === 0
      const rotate = (rotation: Rotation, index: number) =>
        isInside(index)
          ? grants.rotate(rotation)
          : Effect.updateContext(grants.rotate(rotation), (inside: Context.Context<never>) => leave(inside))
      const undone = yield* Effect.forEach(rotations, rotate, { concurrency: "unbounded" }).pipe(
        Effect.tap((answers) => Effect.sync(() => assert.deepStrictEqual(answers, [true, true, true, true]))),
        Effect.andThen(Effect.fail("undo")),
        sql.withTransaction,
        Effect.exit,
      )
      assert.deepStrictEqual(undone, Exit.fail("undo"))
      for (const [index, { successor }] of rotations.entries()) {
        assert.strictEqual((yield* Held.refreshToken(successor.hash)) === null, isInside(index))
      }
    }),
  )

  it.effect("are done once where one and the same is asked for several times", () =>
    Effect.gen(function* () {
      const { grants, rotations } = yield* manyToRotate(2)
      const [before = assert.fail(), same = assert.fail()] = rotations
      const rotating = grants.rotate(same)
      const answers = yield* Effect.all([grants.rotate(before), rotating, rotating, rotating], {
        concurrency: "unbounded",
      })
      assert.deepStrictEqual(answers.toSorted(), [false, false, true, true])
    }),
  )

  it.effect("of one token are one, and of several tokens of a grant each", () =>
    Effect.gen(function* () {
      const { grants, held, rotation } = yield* aboutToRotate
      const again = yield* Effect.forEach([1, 2, 3], () => Held.rotationOf(held.refreshToken, held.grant))
      const ofOneToken = [rotation, ...again]
      const ofOneGrant = yield* grantWithTwoTokens
      const { rotations: before } = yield* manyToRotate(1)
      const answers = yield* Effect.forEach(
        [...before, ...ofOneToken, ...ofOneGrant],
        (rotation) => grants.rotate(rotation),
        { concurrency: "unbounded" },
      )
      const issued = yield* Effect.forEach(ofOneToken, ({ successor }) => Held.refreshToken(successor.hash))
      assert.deepStrictEqual(
        issued.map((token) => token !== null),
        answers.slice(1, 5),
      )
      assert.lengthOf(
        answers.slice(1, 5).filter((isRotated) => isRotated),
        1,
      )
      assert.deepStrictEqual([answers[0], ...answers.slice(5)], [true, true, true])
    }),
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** The rotations of two refresh tokens of one grant. */
const grantWithTwoTokens = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { held, rotation } = yield* aboutToRotate
  const other = yield* Held.rotationOf(held.refreshToken, held.grant)
  const { hash } = yield* OAuthBuilders.refreshToken({ grantId: held.grant.id })
  yield* Effect.orDie(sql`INSERT INTO belfry_oauth_refresh_tokens
    SELECT ${hash}, grant_id, successor, created_at, expires_at, rotated_at FROM belfry_oauth_refresh_tokens
    WHERE token_hash = ${rotation.hash}`)
  return [rotation, { ...other, hash }]
})
