import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { PasswordHash } from "@belfry/factors/Password"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as Builders from "@belfry/testing/Builders"
import * as PasswordStoreTest from "@belfry/testing/PasswordStoreTest"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Deferred, Effect, Fiber, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"

PasswordStoreTest.suite("memory", TestServices.layerMemoryStores)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
  const stores = Layer.provideMerge(TestServices.layerSqlStores, layer)

  PasswordStoreTest.suite(name, stores)

  if (name === "PostgreSQL") {
    withLayer(stores)("A password confirmed in a transaction of PostgreSQL", (it) => {
      for (const [what, changing] of Object.entries(changes)) {
        it.effect(`is not ${what} before the transaction ends`, () =>
          Effect.gen(function* () {
            const passwords = yield* PasswordStore
            const { run } = yield* TransactionStore
            const user = yield* Builders.user()
            yield* UserStore.use((users) => users.insert(user))
            yield* passwords.set(user.id, first, yield* DateTime.now)
            const isConfirmed = yield* Deferred.make<boolean>()
            const goOn = yield* Deferred.make<void>()
            const holding = yield* passwords.confirm(user.id, first).pipe(
              Effect.flatMap((answer) => Deferred.succeed(isConfirmed, answer)),
              Effect.andThen(Deferred.await(goOn)),
              Effect.andThen(passwords.find(user.id)),
              run,
              Effect.forkChild,
            )
            assert.isTrue(yield* Deferred.await(isConfirmed))
            const change = yield* Effect.forkChild(run(changing(passwords, user.id)))
            assert.isTrue(yield* isWaitingForLock(change))
            // Others who confirm do not wait.
            assert.isTrue(yield* run(passwords.confirm(user.id, first)))
            yield* Deferred.succeed(goOn, undefined)
            assert.deepStrictEqual(yield* Fiber.join(holding), Option.some(first))
            yield* Fiber.join(change)
            assert.isFalse(yield* passwords.confirm(user.id, first))
          }),
        )
      }

      it.effect("is the one that a change left which was faster", () =>
        Effect.gen(function* () {
          const passwords = yield* PasswordStore
          const { run } = yield* TransactionStore
          const user = yield* Builders.user()
          yield* UserStore.use((users) => users.insert(user))
          yield* passwords.set(user.id, first, yield* DateTime.now)
          const isSet = yield* Deferred.make<void>()
          const goOn = yield* Deferred.make<void>()
          const changing = yield* passwords
            .set(user.id, second, yield* DateTime.now)
            .pipe(
              Effect.andThen(Deferred.succeed(isSet, undefined)),
              Effect.andThen(Deferred.await(goOn)),
              run,
              Effect.forkChild,
            )
          yield* Deferred.await(isSet)
          const confirming = yield* Effect.forkChild(run(passwords.confirm(user.id, first)))
          assert.isTrue(yield* isWaitingForLock(confirming))
          yield* Deferred.succeed(goOn, undefined)
          yield* Fiber.join(changing)
          assert.isFalse(yield* Fiber.join(confirming))
        }),
      )
    })
  }

  withLayer(stores)(`belfry_passwords (${name})`, (it) => {
    it.effect("keeps when the user got a password first, and when it changed last", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const passwords = yield* PasswordStore
        const user = yield* Builders.user()
        yield* UserStore.use((users) => users.insert(user))
        const times = () =>
          Effect.map(
            sql<{ readonly created_at: Date; readonly updated_at: Date }>`
              SELECT created_at, updated_at FROM belfry_passwords WHERE user_id = ${user.id}`,
            (rows) => rows.map((row) => [row.created_at.getTime(), row.updated_at.getTime()]),
          )
        const now = yield* DateTime.now
        const at = (millis: number) => DateTime.add(now, { milliseconds: millis })
        yield* passwords.set(user.id, first, at(1))
        assert.deepStrictEqual(yield* times(), [[now.epochMilliseconds + 1, now.epochMilliseconds + 1]])
        yield* passwords.set(user.id, second, at(2))
        assert.deepStrictEqual(yield* times(), [[now.epochMilliseconds + 1, now.epochMilliseconds + 2]])
        yield* passwords.rehash(user.id, second, first, at(3))
        assert.deepStrictEqual(yield* times(), [[now.epochMilliseconds + 1, now.epochMilliseconds + 3]])
      }),
    )
  })
}

/** Whatever takes a password away. */
const changes: Record<
  string,
  (passwords: PasswordStore["Service"], userId: UserId) => Effect.Effect<unknown, StoreError>
> = {
  set: (passwords, userId) => Effect.flatMap(DateTime.now, (now) => passwords.set(userId, second, now)),
  renewed: (passwords, userId) => Effect.flatMap(DateTime.now, (now) => passwords.rehash(userId, first, second, now)),
  removed: (passwords, userId) => passwords.remove(userId),
}

const first = PasswordHash.make(`$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$${"A".repeat(43)}`)
const second = PasswordHash.make(`$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$${"B".repeat(43)}`)
