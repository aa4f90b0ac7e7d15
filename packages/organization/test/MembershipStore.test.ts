import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as MembershipStoreTest from "@belfry/testing/MembershipStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { Layer } from "effect"

MembershipStoreTest.suite("memory", TestServices.layerMemoryStores)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])) {
  MembershipStoreTest.suite(name, Layer.provideMerge(TestServices.layerSqlStores, layer))
}
