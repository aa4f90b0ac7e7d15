import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as SessionStoreTest from "@belfry/testing/SessionStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

SessionStoreTest.suite("memory", MemoryStores.layer)
for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations])) {
  SessionStoreTest.suite(name, Layer.provide(SqlStores.layer, layer))
}
