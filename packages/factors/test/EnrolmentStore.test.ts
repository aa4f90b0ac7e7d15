import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { LinkedAccountStore } from "@belfry/core/LinkedAccountStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import { EnrolmentStore } from "@belfry/factors/EnrolmentStore"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as Builders from "@belfry/testing/Builders"
import * as EnrolmentStoreTest from "@belfry/testing/EnrolmentStoreTest"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"

EnrolmentStoreTest.suite("memory", TestServices.layerMemoryStores)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
  const stores = Layer.provideMerge(TestServices.layerSqlStores, layer)

  EnrolmentStoreTest.suite(name, stores)

  if (name === "PostgreSQL") {
    withLayer(stores)("Enrolments locked in a transaction of PostgreSQL", (it) => {
      it.effect("hold up who locks them too, and nobody who adds a row of the user without it", () =>
        Effect.gen(function* () {
          const enrolments = yield* EnrolmentStore
          const accounts = yield* LinkedAccountStore
          const { run } = yield* TransactionStore
          const user = yield* Builders.user()
          yield* UserStore.use((users) => users.insert(user))
          const isLocked = yield* Deferred.make<boolean>()
          const goOn = yield* Deferred.make<void>()
          const holding = yield* enrolments.lock(user.id).pipe(
            Effect.flatMap((answer) => Deferred.succeed(isLocked, answer)),
            Effect.andThen(Deferred.await(goOn)),
            run,
            Effect.forkChild,
          )
          assert.isTrue(yield* Deferred.await(isLocked))
          const account = yield* Builders.linkedAccount({ userId: user.id })
          const linking = yield* Effect.forkChild(run(accounts.upsert(account)))
          assert.isFalse(yield* isWaitingForLock(linking))
          const locking = yield* Effect.forkChild(run(enrolments.lock(user.id)))
          assert.isTrue(yield* isWaitingForLock(locking))
          yield* Deferred.succeed(goOn, undefined)
          yield* Fiber.join(holding)
          assert.isTrue(yield* Fiber.join(locking))
        }),
      )
    })
  }
}
