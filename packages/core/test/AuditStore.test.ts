import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as AuditStoreTest from "@belfry/testing/AuditStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

AuditStoreTest.suite("memory", MemoryStores.layer)
for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations])) {
  AuditStoreTest.suite(name, Layer.provide(SqlStores.layer, layer))
}
