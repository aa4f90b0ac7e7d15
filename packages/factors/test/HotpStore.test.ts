import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as HotpStoreTest from "@belfry/testing/HotpStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { Layer } from "effect"

HotpStoreTest.suite("memory", TestServices.layerMemoryStores)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations])) {
  HotpStoreTest.suite(name, Layer.provideMerge(TestServices.layerSqlStores, layer))
}
