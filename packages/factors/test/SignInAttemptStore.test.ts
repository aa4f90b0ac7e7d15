import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as SignInAttemptStoreTest from "@belfry/testing/SignInAttemptStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { Layer } from "effect"

SignInAttemptStoreTest.suite("memory", TestServices.layerMemoryStores)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
  SignInAttemptStoreTest.suite(name, Layer.provideMerge(TestServices.layerSqlStores, layer))
}
