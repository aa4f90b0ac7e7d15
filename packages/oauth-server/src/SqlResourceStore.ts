/**
 * Protected resources in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { resourceColumns, type ResourceRow, toResource } from "./internal/resourceRow.ts"
import { ResourceStore } from "./ResourceStore.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "ResourceStore")
  const columns = sql.literal(resourceColumns)

  return ResourceStore.of({
    insert: (resource) =>
      Effect.map(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_oauth_resources (${columns}) VALUES (
            ${resource.identifier}, ${resource.name}, ${resource.scopes}, ${resource.accessTokenLifetime},
            ${resource.signingAlgorithm}, ${resource.introspectionClientId}, ${resource.isDisabled}
          ) ON CONFLICT ON CONSTRAINT belfry_oauth_resources_pkey DO NOTHING RETURNING identifier`,
        ),
        isAny,
      ),
    find: (identifier) =>
      Effect.map(
        statements.read(
          "find",
          sql<ResourceRow>`SELECT ${columns} FROM belfry_oauth_resources WHERE identifier = ${identifier}`,
        ),
        ([row]) => (row === undefined ? Option.none() : Option.some(toResource(row))),
      ),
    list: ({ after, limit }) =>
      Effect.map(
        statements.read(
          "list",
          sql<ResourceRow>`SELECT ${columns} FROM belfry_oauth_resources
            WHERE ${after === undefined ? sql`true` : sql`identifier > ${after}`} ORDER BY identifier LIMIT ${limit}`,
        ),
        (rows) => rows.map(toResource),
      ),
    update: (resource) =>
      Effect.map(
        statements.write(
          "update",
          sql`UPDATE belfry_oauth_resources SET name = ${resource.name}, scopes = ${resource.scopes},
              access_token_lifetime = ${resource.accessTokenLifetime}, signing_algorithm = ${resource.signingAlgorithm},
              introspection_client_id = ${resource.introspectionClientId}, is_disabled = ${resource.isDisabled}
            WHERE identifier = ${resource.identifier} RETURNING identifier`,
        ),
        isAny,
      ),
    remove: (identifier) =>
      Effect.map(
        statements.write(
          "remove",
          sql`DELETE FROM belfry_oauth_resources WHERE identifier = ${identifier} RETURNING identifier`,
        ),
        isAny,
      ),
  })
})

/**
 * Layer that keeps protected resources in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ResourceStore, never, SqlClient.SqlClient> = Layer.effect(ResourceStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isAny = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0
