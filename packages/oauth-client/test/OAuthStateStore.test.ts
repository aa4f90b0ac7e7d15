import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlOAuthClientMigrations from "@belfry/oauth-client/SqlOAuthClientMigrations"
import * as OAuthStateStoreTest from "@belfry/testing/OAuthStateStoreTest"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { Layer } from "effect"

OAuthStateStoreTest.suite("memory", TestServices.layerMemoryStores)

for (const { name, layer } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthClientMigrations.migrations])) {
  OAuthStateStoreTest.suite(name, Layer.provideMerge(TestServices.layerSqlStores, layer))
}
