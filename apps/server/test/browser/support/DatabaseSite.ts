/**
 * A server on a PostgreSQL database that a test can reach into: for what only time or another program brings about.
 */
import { migrations } from "@belfry/server/Server"
import * as Postgres from "@belfry/sql/Postgres"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as ServedSite from "./ServedSite.ts"

/** A server with its database; both go with the scope. */
export const acquire = Effect.fnUntraced(function* (environment: ServedSite.Environment = {}) {
  const url = yield* TestDatabase.acquirePostgres(migrations)
  const site = yield* Effect.acquireRelease(
    Effect.promise(() =>
      ServedSite.start(async (origin) => ({
        DATABASE_URL: Redacted.value(url),
        ...(typeof environment === "function" ? await environment(origin) : environment),
      })),
    ),
    (site) => Effect.promise(() => site.stop()),
  )
  const change = (statement: (sql: SqlClient.SqlClient) => Effect.Effect<unknown, unknown>): Promise<unknown> =>
    Effect.runPromise(SqlClient.SqlClient.use(statement).pipe(Effect.provide(Postgres.layer({ url }))))

  return {
    site,

    /** Takes back that addresses are confirmed, as an import of users leaves them. */
    unverify: () => change((sql) => sql`UPDATE belfry_users SET email_verified_at = NULL`),

    /** Has everybody used all backup codes but two. */
    useBackupCodes: () =>
      change(
        (sql) => sql`UPDATE belfry_backup_codes SET used_at = created_at WHERE code_hash NOT IN (
          SELECT code_hash FROM belfry_backup_codes ORDER BY code_hash LIMIT 2)`,
      ),

    /** Has everybody's last proof of identity be an hour ago. */
    age: () => change((sql) => sql`UPDATE belfry_sessions SET auth_time = auth_time - interval '1 hour'`),
  }
})
