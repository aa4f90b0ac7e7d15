/**
 * Grants with their codes and tokens in PostgreSQL.
 *
 * @since 0.1.0
 */
import * as SqlBatch from "@belfry/core/SqlBatch"
import { removeExpired } from "@belfry/core/SqlExpiry"
import { toJsonb } from "@belfry/core/SqlJson"
import * as SqlStoreError from "@belfry/core/SqlStoreError"
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { AccessToken, Grant, GrantId, GrantSummary, RefreshToken } from "./Grant.ts"
import { GrantStore } from "./GrantStore.ts"
import {
  accessTokenColumns,
  codeColumns,
  grantColumns,
  type GrantRow,
  refreshTokenColumns,
  toGrant,
  toNullableDate,
} from "./internal/grantRow.ts"
import { rotationStatement, toRow as toRotationRow } from "./internal/rotationRow.ts"
import { isText } from "./internal/sqlText.ts"
import type { ClientId } from "./OAuthClient.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "GrantStore")
  const columns = sql.literal(grantColumns)
  const ofCode = sql.literal(codeColumns)
  const ofRefreshToken = sql.literal(refreshTokenColumns)
  const ofAccessToken = sql.literal(accessTokenColumns)

  /** Keeps what was issued with the grant in `taken`, which is empty when nothing is to be kept. */
  const keepRefreshToken = (token: RefreshToken | null) =>
    token === null
      ? sql``
      : sql`, refresh_token AS (
          INSERT INTO belfry_oauth_refresh_tokens (${ofRefreshToken})
          SELECT ${token.hash}, id, ${token.successor}, ${toDate(token.createdAt)}::timestamptz,
            ${toDate(token.expiresAt)}::timestamptz, ${toNullableDate(token.rotatedAt)}::timestamptz FROM taken
        )`
  const keepAccessToken = (token: AccessToken | null) =>
    token === null
      ? sql``
      : sql`, access_token AS (
          INSERT INTO belfry_oauth_access_tokens (${ofAccessToken})
          SELECT ${token.hash}, ${token.clientId}, id, ${token.userId}::uuid, ${token.scopes}::text[],
            ${token.audience}::text[], ${toDate(token.createdAt)}::timestamptz, ${toDate(token.expiresAt)}::timestamptz
          FROM taken
        )`

  /** The consent that a grant stands on, locked: who takes it back waits, and then finds the grant. */
  const fromConsent = ({ clientId, referenceId, resources, scopes, userId }: Grant) =>
    sql`FROM belfry_oauth_consents AS consent
      WHERE consent.user_id = ${userId} AND consent.client_id = ${clientId}
        AND consent.reference_id IS NOT DISTINCT FROM ${referenceId}
        AND consent.scopes @> ${scopes}::text[] AND consent.resources @> ${resources}::text[]
      FOR SHARE`

  const rotating = (locked: "wait" | "pass over") =>
    SqlBatch.write(sql, statements, {
      method: "rotate",
      statement: rotationStatement(locked),
      toRow: toRotationRow,
      answer: (row) => row !== undefined,
    })
  const [rotateWaiting, rotatePassingOver] = [rotating("wait"), rotating("pass over")]

  return GrantStore.of({
    insert: (grant, code, options) =>
      Effect.map(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_oauth_grants (${columns}, ${ofCode}) SELECT
            ${grant.id}::uuid, ${grant.clientId}, ${grant.userId}::uuid, ${grant.sessionId}::uuid, ${grant.sid},
            ${grant.referenceId}, ${grant.scopes}::text[], ${grant.resources}::text[],
            ${grant.claims === null ? null : toJsonb(grant.claims)}::jsonb, ${grant.nonce},
            ${toDate(grant.authTime)}::timestamptz, ${grant.acr}, ${grant.amr}::text[], ${grant.isOffline}::boolean,
            ${toDate(grant.createdAt)}::timestamptz, ${toDate(grant.expiresAt)}::timestamptz,
            ${toDate(grant.endsAt)}::timestamptz, ${toNullableDate(grant.revokedAt)}::timestamptz,
            ${code.hash}, ${code.redirectUri}, ${code.isRedirectUriGiven}::boolean, ${code.codeChallenge},
            ${toDate(code.expiresAt)}::timestamptz, ${toNullableDate(code.redeemedAt)}::timestamptz
            ${options?.needsConsent === true ? fromConsent(grant) : sql``} RETURNING id`.pipe(
            Effect.catchIf(isOfNobody, () => Effect.succeed(null)),
          ),
        ),
        (rows) => (rows === null ? "session-over" : isSome(rows) ? "kept" : "no-consent"),
      ),
    // Whoever waits for the row's lock looks at it again: a code that was redeemed or revoked meanwhile is not taken.
    redeem: ({ accessToken, expiresAt, grantId, now, refreshToken }) =>
      Effect.map(
        statements.write(
          "redeem",
          sql`WITH taken AS (
            UPDATE belfry_oauth_grants
            SET code_redeemed_at = ${toDate(now)}${expiresAt === null ? sql`` : sql`, expires_at = ${toDate(expiresAt)}`}
            WHERE id = ${grantId} AND code_redeemed_at IS NULL AND code_expires_at > ${toDate(now)}
              AND revoked_at IS NULL
            RETURNING id
          )${keepRefreshToken(refreshToken)}${keepAccessToken(accessToken)}
          SELECT id FROM taken`,
        ),
        isSome,
      ),
    // Who is not rotated among others tries again alone, on a connection of its own: so nobody waits for a lock on
    // somebody else's grant.
    rotate: Effect.fnUntraced(function* (rotation) {
      if (yield* SqlStoreError.isInTransaction(sql)) return yield* rotateWaiting(rotation)
      if (yield* rotatePassingOver(rotation)) return true
      return yield* Effect.catchTag(sql.withTransaction(rotateWaiting(rotation)), "SqlError", (cause) =>
        Effect.fail(statements.failure("rotate", cause)),
      )
    }),
    insertAccessToken: (token) =>
      Effect.asVoid(
        statements.write(
          "insertAccessToken",
          sql`INSERT INTO belfry_oauth_access_tokens (${ofAccessToken}) VALUES (
            ${token.hash}, ${token.clientId}, ${token.grantId}, ${token.userId}, ${token.scopes}, ${token.audience},
            ${toDate(token.createdAt)}, ${toDate(token.expiresAt)}
          )`,
        ),
      ),
    revoke: (id, now) =>
      Effect.map(
        statements.write(
          "revoke",
          sql`UPDATE belfry_oauth_grants SET revoked_at = ${toDate(now)}
            WHERE id = ${id} AND revoked_at IS NULL RETURNING id`,
        ),
        isSome,
      ),
    // Locked in one order, so that two of these never wait for each other.
    revokeByUser: ({ beyond, clientId, now, referenceId, userId }) =>
      Effect.map(
        statements.write(
          "revokeByUser",
          sql<{ readonly id: GrantId }>`WITH meant AS (
            SELECT id FROM belfry_oauth_grants WHERE user_id = ${userId} AND revoked_at IS NULL
              ${clientId === undefined ? sql`` : sql`AND client_id = ${clientId}`}
              ${
                referenceId === undefined
                  ? sql``
                  : referenceId === null
                    ? sql`AND reference_id IS NULL`
                    : sql`AND reference_id = ${referenceId}`
              }
              ${beyond === undefined ? sql`` : sql`AND NOT scopes <@ ${beyond.filter(isText)}::text[]`}
            ORDER BY id FOR NO KEY UPDATE
          )
          UPDATE belfry_oauth_grants g SET revoked_at = ${toDate(now)} FROM meant WHERE g.id = meant.id
          RETURNING g.id`,
        ),
        (rows) => rows.map((row) => row.id),
      ),
    revokeByReference: (referenceId, now) =>
      Effect.map(
        statements.write(
          "revokeByReference",
          sql<{ readonly id: GrantId }>`WITH meant AS (
            SELECT id FROM belfry_oauth_grants WHERE reference_id = ${referenceId} AND revoked_at IS NULL
            ORDER BY id FOR NO KEY UPDATE
          )
          UPDATE belfry_oauth_grants g SET revoked_at = ${toDate(now)} FROM meant WHERE g.id = meant.id
          RETURNING g.id`,
        ),
        (rows) => rows.map((row) => row.id),
      ),
    removeAccessToken: (hashes, clientId) =>
      Effect.map(
        statements.write(
          "removeAccessToken",
          sql`DELETE FROM belfry_oauth_access_tokens
            WHERE token_hash = ANY(${hashes}::text[]) AND client_id = ${clientId} RETURNING token_hash`,
        ),
        isSome,
      ),
    revokeJwt: (jti, expiresAt) =>
      Effect.asVoid(
        statements.write(
          "revokeJwt",
          sql`INSERT INTO belfry_oauth_revoked_jwts (jti, expires_at) VALUES (${jti}, ${toDate(expiresAt)})
            ON CONFLICT ON CONSTRAINT belfry_oauth_revoked_jwts_pkey DO NOTHING`,
        ),
      ),
    listByUser: (userId, now) =>
      Effect.map(
        statements.read(
          "listByUser",
          sql<GrantSummaryRow>`SELECT g.id, g.client_id, c.metadata ->> 'clientName' AS client_name, g.scopes,
              g.is_offline, g.created_at, g.expires_at
            FROM belfry_oauth_grants g
            JOIN belfry_oauth_clients c ON c.client_id = g.client_id
            LEFT JOIN belfry_sessions s ON s.id = g.session_id
            WHERE g.user_id = ${userId} AND g.code_redeemed_at IS NOT NULL AND g.revoked_at IS NULL
              AND g.expires_at > ${toDate(now)} AND (g.is_offline OR s.expires_at > ${toDate(now)})
            ORDER BY g.created_at DESC, g.id DESC`,
        ),
        (rows) => rows.map(toSummary),
      ),
    findByUser: (userId, id) =>
      Effect.map(
        statements.read(
          "findByUser",
          sql<GrantRow>`SELECT ${columns} FROM belfry_oauth_grants WHERE id = ${id} AND user_id = ${userId}`,
        ),
        ([row]) => (row === undefined ? Option.none() : Option.some(toGrant(row))),
      ),
    // Tokens before grants: what a grant takes along is not counted.
    removeExpired: Effect.fnUntraced(function* (now, limit) {
      const remove = (table: string) => statements.write("removeExpired", removeExpired(sql, table, toDate(now), limit))
      return {
        refreshTokens: yield* remove("belfry_oauth_refresh_tokens"),
        accessTokens: yield* remove("belfry_oauth_access_tokens"),
        revokedJwts: yield* remove("belfry_oauth_revoked_jwts"),
        grants: yield* remove("belfry_oauth_grants"),
      }
    }),
  })
})

/**
 * Layer that keeps grants in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<GrantStore, never, SqlClient.SqlClient> = Layer.effect(GrantStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface GrantSummaryRow {
  readonly id: GrantId
  readonly client_id: ClientId
  readonly client_name: string | null
  readonly scopes: ReadonlyArray<string>
  readonly is_offline: boolean
  readonly created_at: Date
  readonly expires_at: Date
}

const toSummary = (row: GrantSummaryRow): GrantSummary => ({
  id: row.id,
  clientId: row.client_id,
  clientName: row.client_name,
  scopes: row.scopes,
  isOffline: row.is_offline,
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  expiresAt: DateTime.fromDateUnsafe(row.expires_at),
})

/** Whether a grant was refused since its session is gone, or its user with all sessions. */
const isOfNobody = (error: SqlError): boolean =>
  SqlFailure.isForeignKeyViolation(error, "belfry_oauth_grants_session_id_fkey") ||
  SqlFailure.isForeignKeyViolation(error, "belfry_oauth_grants_user_id_fkey")

const isSome = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0

const toDate = DateTime.toDateUtc
