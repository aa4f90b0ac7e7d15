import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { UserStore } from "@belfry/core/UserStore"
import { PasswordHash } from "@belfry/factors/Password"
import { PasswordStore } from "@belfry/factors/PasswordStore"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as Builders from "@belfry/testing/Builders"
import * as PasswordStoreTest from "@belfry/testing/PasswordStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"

PasswordStoreTest.suite("memory", TestServices.layerMemoryStores)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
  const stores = Layer.provideMerge(TestServices.layerSqlStores, layer)

  PasswordStoreTest.suite(name, stores)

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

const first = PasswordHash.make(`$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$${"A".repeat(43)}`)
const second = PasswordHash.make(`$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$${"B".repeat(43)}`)
