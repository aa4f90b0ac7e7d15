/**
 * Every store that billing stands on, in memory and on both databases.
 */
import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import * as SqlBillingMigrations from "@belfry/billing/SqlBillingMigrations"
import * as SqlBillingStores from "@belfry/billing/SqlBillingStores"
import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as MemoryOrganizationStores from "@belfry/organization/MemoryOrganizationStores"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as SqlOrganizationStores from "@belfry/organization/SqlOrganizationStores"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

/** Everything that the tables of billing stand on, and those. */
export const migrations = [
  SqlCoreMigrations.migrations,
  SqlOrganizationMigrations.migrations,
  SqlBillingMigrations.migrations,
]

/** The stores in memory. */
export const layerMemory = MemoryBillingStores.layer.pipe(
  Layer.provideMerge(MemoryOrganizationStores.layer),
  Layer.provideMerge(MemoryStores.layer),
)

/** The stores on each database, with the database. */
export const databases = TestDatabase.each(migrations).map(({ name, layer }) => ({
  name,
  layer: Layer.mergeAll(SqlBillingStores.layer, SqlOrganizationStores.layer, SqlStores.layer).pipe(
    Layer.provideMerge(layer),
  ),
}))
