import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as MemoryOAuthServerStores from "@belfry/oauth-server/MemoryOAuthServerStores"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as ConsentStoreTest from "@belfry/testing/ConsentStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

const memory = Layer.provideMerge(MemoryOAuthServerStores.layer, MemoryStores.layer)
ConsentStoreTest.suite("memory", memory)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])) {
  const stores = Layer.provideMerge(Layer.merge(SqlOAuthServerStores.layer, SqlStores.layer), layer)
  ConsentStoreTest.suite(name, stores)
}
