/**
 * What the store of organizations in PostgreSQL does beside what every such store does.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { OrganizationStore } from "@belfry/organization/OrganizationStore"
import * as SqlOrganizationMigrations from "@belfry/organization/SqlOrganizationMigrations"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"

const database = TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOrganizationMigrations.migrations])

withLayer(Layer.provideMerge(TestServices.layerSqlStores, database))("SqlOrganizationStore", (it) => {
  it.effect("takes for a removal the time that it takes, and no longer than all else for what follows", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* OrganizationStore
      yield* sql`CREATE TABLE allowed (duration text)`
      yield* sql`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO allowed VALUES (current_setting('statement_timeout')); RETURN OLD;
      END $$`
      yield* sql`CREATE TRIGGER noting BEFORE DELETE ON belfry_organization_members FOR EACH ROW EXECUTE FUNCTION note()`
      const timeout = Effect.map(
        sql<{ readonly now: string }>`SELECT current_setting('statement_timeout') AS now`,
        ([row]) => row?.now,
      )
      const usual = yield* timeout
      assert.notStrictEqual(usual, "0")
      const [one, other] = [
        yield* OrganizationBuilders.storedOrganization(),
        yield* OrganizationBuilders.storedOrganization(),
      ]
      const now = yield* DateTime.now
      yield* store.markDeleted(other.organization.id, now)
      const after = sql.withTransaction(
        Effect.gen(function* () {
          assert.isTrue(yield* store.remove(one.organization.id))
          assert.deepStrictEqual(yield* store.removeDeleted(now, 10), [other.organization.id])
          return yield* timeout
        }),
      )
      assert.strictEqual(yield* after, usual)
      assert.strictEqual(yield* timeout, usual)
      assert.deepStrictEqual(yield* sql`SELECT duration FROM allowed`, [{ duration: "0" }, { duration: "0" }])
    }),
  )
})
