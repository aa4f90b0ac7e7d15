import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as LinkedAccountStoreTest from "@belfry/testing/LinkedAccountStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

LinkedAccountStoreTest.suite("memory", MemoryStores.layer)
for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations])) {
  LinkedAccountStoreTest.suite(name, Layer.provide(SqlStores.layer, layer))
}
