import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as UserStoreTest from "@belfry/testing/UserStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

UserStoreTest.suite("memory", MemoryStores.layer)
for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations])) {
  UserStoreTest.suite(name, Layer.provide(SqlStores.layer, layer))
}
