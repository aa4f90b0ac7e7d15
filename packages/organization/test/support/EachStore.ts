/**
 * Stores of every kind, for the suites that each of them has to pass.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { Layer } from "effect"

type Suite = (name: string, layer: Layer.Layer<TestServices.Stores, TestDatabase.TestDatabaseError>) => void

/** Registers suites for memory, PGlite and PostgreSQL. */
export const onEachStore = (...suites: ReadonlyArray<Suite>): void => {
  const migrations = [SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations]
  for (const suite of suites) {
    suite("memory", TestServices.layerMemoryStores)
    for (const { name, layer } of TestDatabase.each(migrations)) {
      suite(name, Layer.provideMerge(TestServices.layerSqlStores, layer))
    }
  }
}
