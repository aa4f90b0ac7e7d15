import { CustomerId } from "@belfry/billing/BillingCustomer"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import * as SqlBillingStores from "@belfry/billing/SqlBillingStores"
import * as SqlStores from "@belfry/core/SqlStores"
import * as Builders from "@belfry/testing/Builders"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Deferred, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { migrations } from "./support/BillingStores.ts"

const layer = Layer.merge(SqlBillingStores.layer, SqlStores.layer).pipe(
  Layer.provideMerge(TestDatabase.layerPostgres(migrations)),
)

describe("A customer of a payer who is deleted at this moment", () => {
  it.effect("is not kept, which is no failure", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const customers = yield* CustomerStore
      const { id: userId, name, email } = yield* Builders.storedUser()
      const [isDeleted, mayCommit] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const deleting = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`DELETE FROM belfry_users WHERE id = ${userId}`
            yield* Deferred.succeed(isDeleted, undefined)
            yield* Deferred.await(mayCommit)
          }),
        ),
      )
      yield* Deferred.await(isDeleted)
      const now = yield* DateTime.now
      const keeping = yield* Effect.forkChild(
        customers.insert({
          id: CustomerId.make("01890000-0000-7000-8000-000000000001"),
          payer: { _tag: "User", userId },
          providerId: null,
          generation: 0,
          request: { name, email, metadata: {} },
          requestedAt: now,
          profile: { name: null, email: null },
          createdAt: now,
          closedAt: null,
        }),
      )
      assert.isTrue(yield* isWaitingForLock(keeping))
      yield* Deferred.succeed(mayCommit, undefined)
      yield* Fiber.join(deleting)
      assert.deepStrictEqual(yield* Fiber.join(keeping), { _tag: "absent" })
    }).pipe(Effect.provide(layer)),
  )
})
