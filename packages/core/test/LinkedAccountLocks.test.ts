/**
 * A sign-in by a link and the removal of that link at once, in PostgreSQL.
 */
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import * as Builders from "@belfry/testing/Builders"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, layer as withLayer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"

const stores = Layer.provideMerge(SqlStores.layer, TestDatabase.layerPostgres([SqlCoreMigrations.migrations]))

withLayer(stores)("A link that was found in a transaction of PostgreSQL", (it) => {
  for (const isRenewed of [true, false]) {
    it.effect(`stays until the end of it, ${isRenewed ? "with new tokens" : "with its tokens as they are"}`, () =>
      Effect.gen(function* () {
        const accounts = yield* LinkedAccountStore
        const { run } = yield* TransactionStore
        const user = yield* Builders.user()
        yield* UserStore.use((users) => users.insert(user))
        const { providerId, accountId, tokens, updatedAt } = yield* accounts.upsert(
          yield* Builders.linkedAccount({ userId: user.id }),
        )
        const found = yield* Deferred.make<void>()
        const goOn = yield* Deferred.make<void>()
        const signingIn = yield* accounts
          .renew({ providerId, accountId, tokens: isRenewed ? tokens : null, updatedAt })
          .pipe(
            Effect.andThen(Deferred.succeed(found, undefined)),
            Effect.andThen(Deferred.await(goOn)),
            run,
            Effect.forkChild,
          )
        yield* Deferred.await(found)
        const removing = yield* Effect.forkChild(run(accounts.remove(user.id, providerId, accountId)))
        assert.isTrue(yield* isWaitingForLock(removing))
        yield* Deferred.succeed(goOn, undefined)
        yield* Fiber.join(signingIn)
        assert.isTrue(yield* Fiber.join(removing))
      }),
    )
  }
})
