/**
 * Consents in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { Consent } from "./Consent.ts"
import { ConsentStore } from "./ConsentStore.ts"
import { consentColumns, type ConsentRow, toConsent } from "./internal/consentRow.ts"
import { isText } from "./internal/sqlText.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "ConsentStore")
  const columns = sql.literal(consentColumns)

  return ConsentStore.of({
    // Whoever waits for the row's lock adds to what it finds then.
    merge: (consent) => {
      const scopes = [...new Set(consent.scopes)]
      const declined = [...new Set(consent.declinedScopes)].filter((scope) => !scopes.includes(scope))
      return Effect.map(
        statements.write(
          "merge",
          sql<ConsentRow>`INSERT INTO belfry_oauth_consents AS earlier (${columns}) VALUES (
            ${consent.id}, ${consent.clientId}, ${consent.userId}, ${consent.referenceId}, ${scopes}, ${declined},
            ${[...new Set(consent.resources)]}, ${toDate(consent.createdAt)}, ${toDate(consent.updatedAt)}
          )
          ON CONFLICT ON CONSTRAINT belfry_oauth_consents_user_client_reference_key DO UPDATE SET
            scopes = earlier.scopes || ${added("scopes")},
            declined_scopes = ARRAY(
              SELECT scope FROM unnest(earlier.declined_scopes || ${added("declined_scopes")})
                WITH ORDINALITY AS declined (scope, position)
              WHERE scope <> ALL(earlier.scopes || EXCLUDED.scopes) ORDER BY position
            ),
            resources = earlier.resources || ${added("resources")},
            updated_at = EXCLUDED.updated_at
          RETURNING ${columns}`,
        ),
        ([row]) => (row === undefined ? consent : toConsent(row)),
      )
    },
    find: (userId, id) =>
      Effect.map(
        statements.read(
          "find",
          sql<ConsentRow>`SELECT ${columns} FROM belfry_oauth_consents WHERE id = ${id} AND user_id = ${userId}`,
        ),
        firstConsent,
      ),
    listByUser: (userId, referenceId) => {
      if (typeof referenceId === "string" && !isText(referenceId)) return Effect.succeed([])
      const ofReference =
        referenceId === undefined
          ? sql``
          : referenceId === null
            ? sql`AND reference_id IS NULL`
            : sql`AND reference_id = ${referenceId}`
      return Effect.map(
        statements.read(
          "listByUser",
          sql<ConsentRow>`SELECT ${columns} FROM belfry_oauth_consents WHERE user_id = ${userId} ${ofReference}
            ORDER BY created_at DESC, id DESC`,
        ),
        (rows) => rows.map(toConsent),
      )
    },
    narrow: (userId, id, scopes, now) =>
      Effect.map(
        statements.write(
          "narrow",
          sql<ConsentRow>`UPDATE belfry_oauth_consents SET updated_at = ${toDate(now)}, scopes = ARRAY(
              SELECT scope FROM unnest(scopes) WITH ORDINALITY AS given (scope, position)
              WHERE scope = ANY(${scopes.filter(isText)}::text[]) ORDER BY position
            )
            WHERE id = ${id} AND user_id = ${userId} RETURNING ${columns}`,
        ),
        firstConsent,
      ),
    remove: (userId, id) =>
      Effect.map(
        statements.write(
          "remove",
          sql<ConsentRow>`DELETE FROM belfry_oauth_consents WHERE id = ${id} AND user_id = ${userId}
            RETURNING ${columns}`,
        ),
        firstConsent,
      ),
  })

  /** What a consent brings to a list of the earlier one, in its order. */
  function added(column: "scopes" | "declined_scopes" | "resources") {
    const name = sql.literal(column)
    return sql`ARRAY(
      SELECT entry FROM unnest(EXCLUDED.${name}) WITH ORDINALITY AS given (entry, position)
      WHERE entry <> ALL(earlier.${name}) ORDER BY position
    )`
  }
})

/**
 * Layer that keeps consents in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ConsentStore, never, SqlClient.SqlClient> = Layer.effect(ConsentStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const firstConsent = ([row]: ReadonlyArray<ConsentRow>): Option.Option<Consent> =>
  row === undefined ? Option.none() : Option.some(toConsent(row))

const toDate = DateTime.toDateUtc
