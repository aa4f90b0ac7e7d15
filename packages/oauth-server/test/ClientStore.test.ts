import * as MemoryStores from "@belfry/core/MemoryStores"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import * as MemoryOAuthServerStores from "@belfry/oauth-server/MemoryOAuthServerStores"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as ClientSecretsStoreTest from "@belfry/testing/ClientSecretsStoreTest"
import * as ClientStoreTest from "@belfry/testing/ClientStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Layer } from "effect"

const memory = Layer.provideMerge(MemoryOAuthServerStores.layer, MemoryStores.layer)
ClientStoreTest.suite("memory", memory)
ClientSecretsStoreTest.suite("memory", memory)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])) {
  const stores = Layer.provideMerge(Layer.merge(SqlOAuthServerStores.layer, SqlStores.layer), layer)
  ClientStoreTest.suite(name, stores)
  ClientSecretsStoreTest.suite(name, stores)
}
