import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as VerificationTokenStoreTest from "@belfry/testing/VerificationTokenStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

VerificationTokenStoreTest.suite("memory", MemoryStores.layer)
for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations])) {
  VerificationTokenStoreTest.suite(name, Layer.provide(SqlStores.layer, layer))
}
