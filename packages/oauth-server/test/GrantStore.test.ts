import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as MemoryOAuthServerStores from "@belfry/oauth-server/MemoryOAuthServerStores"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as GrantExchangesTest from "@belfry/testing/GrantExchangesTest"
import * as GrantStoreTest from "@belfry/testing/GrantStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

const memory = Layer.provideMerge(MemoryOAuthServerStores.layer, MemoryStores.layer)
GrantStoreTest.suite("memory", memory)
GrantExchangesTest.suite("memory", memory)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])) {
  const stores = Layer.provideMerge(Layer.merge(SqlOAuthServerStores.layer, SqlStores.layer), layer)
  GrantStoreTest.suite(name, stores)
  GrantExchangesTest.suite(name, stores)
}
