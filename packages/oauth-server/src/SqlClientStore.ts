/**
 * Clients in PostgreSQL.
 *
 * @since 0.1.0
 */
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { ClientStore } from "./ClientStore.ts"
import { clientColumns, type ClientRow, toClient } from "./internal/clientRow.ts"
import type { ClientMetadata, ClientPrivileges, ClientSecret, OAuthClient } from "./OAuthClient.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "ClientStore")
  const columns = sql.literal(clientColumns)
  const order = sql.literal("ORDER BY created_at DESC, client_id DESC")
  const olderThan = (client: Pick<OAuthClient, "createdAt" | "id"> | undefined) =>
    client === undefined
      ? sql`true`
      : sql`(created_at, client_id) < (${DateTime.toDateUtc(client.createdAt)}, ${client.id})`

  return ClientStore.of({
    insert: (client) =>
      Effect.map(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_oauth_clients (${columns}) VALUES (
            ${client.id}, ${objectJson(client.metadata)}::jsonb, ${objectJson(client.privileges)}::jsonb,
            ${secretsJson(client.secrets)}::jsonb, ${client.userId}, ${client.referenceId}, ${client.isDisabled},
            ${client.isDynamic}, ${toDate(client.documentUntil)}, ${DateTime.toDateUtc(client.createdAt)},
            ${DateTime.toDateUtc(client.updatedAt)}
          ) ON CONFLICT ON CONSTRAINT belfry_oauth_clients_pkey DO NOTHING RETURNING client_id`,
        ),
        isAny,
      ),
    find: (id) =>
      Effect.map(
        statements.read("find", sql<ClientRow>`SELECT ${columns} FROM belfry_oauth_clients WHERE client_id = ${id}`),
        firstClient,
      ),
    // Each half is a walk along its index that ends at the limit; the second leaves out what the first one has.
    list: ({ userId, referenceId, before, limit }) => {
      const older = olderThan(before)
      return Effect.map(
        statements.read(
          "list",
          sql<ClientRow>`SELECT ${columns} FROM (
            (SELECT ${columns} FROM belfry_oauth_clients
              WHERE user_id = ${userId ?? null} AND ${older} ${order} LIMIT ${limit})
            UNION ALL
            (SELECT ${columns} FROM belfry_oauth_clients
              WHERE reference_id = ${referenceId ?? null} AND ${userId === undefined ? sql`true` : sql`user_id IS DISTINCT FROM ${userId}`}
                AND ${older} ${order} LIMIT ${limit})
          ) AS found ${order} LIMIT ${limit}`,
        ),
        (rows) => rows.map(toClient),
      )
    },
    listAll: ({ before, limit }) =>
      Effect.map(
        statements.read(
          "listAll",
          sql<ClientRow>`SELECT ${columns} FROM belfry_oauth_clients WHERE ${olderThan(before)} ${order} LIMIT ${limit}`,
        ),
        (rows) => rows.map(toClient),
      ),
    // Whoever waits for the row's lock looks at it again, no longer finds what was seen, and answers false.
    update: (seen, next) =>
      Effect.map(
        statements.write(
          "update",
          sql`UPDATE belfry_oauth_clients SET metadata = ${objectJson(next.metadata)}::jsonb,
              privileges = ${objectJson(next.privileges)}::jsonb, is_disabled = ${next.isDisabled},
              document_until = ${toDate(next.documentUntil)}, updated_at = ${DateTime.toDateUtc(next.updatedAt)}
            WHERE client_id = ${seen.id} AND updated_at = ${DateTime.toDateUtc(seen.updatedAt)}
            RETURNING client_id`,
        ),
        isAny,
      ),
    // LEAST leaves out nulls: a secret without an end gets one.
    rotateSecret: (id, secret, overlapUntil, now) =>
      Effect.map(
        statements.write(
          "rotateSecret",
          sql<ClientRow>`UPDATE belfry_oauth_clients SET
              secrets = ${secretsJson([secret])}::jsonb || COALESCE((
                SELECT jsonb_build_array(kept || jsonb_build_object('expiresAt', ends_at))
                FROM jsonb_array_elements(secrets) WITH ORDINALITY AS former (kept, place),
                  LEAST((kept ->> 'expiresAt')::bigint, ${overlapUntil.epochMilliseconds}::bigint) AS ends_at
                WHERE ends_at > ${now.epochMilliseconds}::bigint ORDER BY place LIMIT 1
              ), '[]'),
              updated_at = GREATEST(updated_at, ${DateTime.toDateUtc(now)})
            WHERE client_id = ${id} RETURNING ${columns}`,
        ),
        firstClient,
      ),
    rehashSecret: (id, from, to) =>
      Effect.map(
        statements.write(
          "rehashSecret",
          sql`UPDATE belfry_oauth_clients SET secrets = (
              SELECT jsonb_agg(
                CASE WHEN kept ->> 'hash' = ${from} THEN kept || jsonb_build_object('hash', ${to}::text) ELSE kept END
                ORDER BY place
              ) FROM jsonb_array_elements(secrets) WITH ORDINALITY AS former (kept, place)
            ) WHERE client_id = ${id} AND secrets @> jsonb_build_array(jsonb_build_object('hash', ${from}::text))
            RETURNING client_id`,
        ),
        isAny,
      ),
    // Grants, tokens and consents go by their foreign keys.
    remove: (id) =>
      Effect.map(
        statements.write(
          "remove",
          sql<ClientRow>`DELETE FROM belfry_oauth_clients WHERE client_id = ${id} RETURNING ${columns}`,
        ),
        firstClient,
      ),
    // The array is computed once: a plain IN with a limit may be computed again for every row and delete more.
    removeUnused: (until, limit) =>
      Effect.map(
        statements.write(
          "removeUnused",
          sql`DELETE FROM belfry_oauth_clients WHERE client_id = ANY (ARRAY (
              SELECT client_id FROM belfry_oauth_clients AS client
              WHERE is_dynamic AND created_at < ${DateTime.toDateUtc(until)}
                AND NOT metadata -> 'grantTypes' @> '["client_credentials"]'
                AND NOT EXISTS (SELECT FROM belfry_oauth_grants AS used WHERE used.client_id = client.client_id)
                AND NOT EXISTS (SELECT FROM belfry_oauth_consents AS used WHERE used.client_id = client.client_id)
              ORDER BY created_at, client_id LIMIT ${limit} FOR UPDATE SKIP LOCKED
            )) RETURNING client_id`,
        ),
        (rows) => rows.length,
      ),
  })
})

/**
 * Layer that keeps clients in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ClientStore, never, SqlClient.SqlClient> = Layer.effect(ClientStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const objectJson = (value: ClientMetadata | ClientPrivileges): string => toJsonb({ ...value })

const secretsJson = (secrets: ReadonlyArray<ClientSecret>): string => toJsonb(secrets.map((secret) => ({ ...secret })))

const toDate = (at: DateTime.Utc | null): Date | null => (at === null ? null : DateTime.toDateUtc(at))

const firstClient = ([row]: ReadonlyArray<ClientRow>): Option.Option<OAuthClient> =>
  row === undefined ? Option.none() : Option.some(toClient(row))

const isAny = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0
