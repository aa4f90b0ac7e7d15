import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as OrganizationStoreTest from "@belfry/testing/OrganizationStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { Layer } from "effect"

OrganizationStoreTest.suite("memory", TestServices.layerMemoryStores)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])) {
  OrganizationStoreTest.suite(name, Layer.provideMerge(TestServices.layerSqlStores, layer))
}
