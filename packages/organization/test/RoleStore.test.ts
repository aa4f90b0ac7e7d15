import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as MemoryOrganizationStores from "@belfry/organization/MemoryOrganizationStores"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as SqlOrganizationStores from "@belfry/organization/SqlOrganizationStores"
import * as RoleStoreTest from "@belfry/testing/RoleStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

RoleStoreTest.suite("memory", Layer.provideMerge(MemoryOrganizationStores.layer, MemoryStores.layer))

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])) {
  const stores = Layer.provideMerge(Layer.merge(SqlOrganizationStores.layer, SqlStores.layer), layer)
  RoleStoreTest.suite(name, stores)
}
