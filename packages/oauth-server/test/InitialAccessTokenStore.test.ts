import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as MemoryOAuthServerStores from "@belfry/oauth-server/MemoryOAuthServerStores"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as InitialAccessTokenStoreTest from "@belfry/testing/InitialAccessTokenStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

InitialAccessTokenStoreTest.suite("memory", Layer.provideMerge(MemoryOAuthServerStores.layer, MemoryStores.layer))

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])) {
  InitialAccessTokenStoreTest.suite(
    name,
    Layer.provideMerge(Layer.merge(SqlOAuthServerStores.layer, SqlStores.layer), layer),
  )
}
