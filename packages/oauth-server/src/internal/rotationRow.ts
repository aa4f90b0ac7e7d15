/**
 * Rotations of refresh tokens as one statement, for one of them or for many.
 */
import * as DateTime from "effect/DateTime"
import type { Rotation } from "../GrantStore.ts"
import { accessTokenColumns, refreshTokenColumns } from "./grantRow.ts"

/**
 * The statement that takes rotations, as {@link toRow} writes them, and answers the places of those that took place.
 *
 * A grant's lock comes first: a revocation waits for it or is seen under it, and so is another rotation, whose token is
 * looked at again and not taken. What follows happens to what was taken, or not at all. Grants are locked in one order,
 * as everywhere, so that two of these never wait for each other; with `pass over`, what somebody else has locked is left.
 */
export const rotationStatement = (locked: "wait" | "pass over"): string => `WITH asked AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS asked (
      place int4, grant_id uuid, old_hash text, sealed text, now timestamptz, grant_expires_at timestamptz,
      token_hash text, successor text, created_at timestamptz, expires_at timestamptz, rotated_at timestamptz,
      access_token jsonb
    )
  ), in_force AS (
    SELECT id FROM belfry_oauth_grants
    WHERE id = ANY (ARRAY (SELECT grant_id FROM asked)) AND revoked_at IS NULL
    ORDER BY id FOR NO KEY UPDATE ${locked === "wait" ? "" : "SKIP LOCKED"}
  ), taken AS (
    UPDATE belfry_oauth_refresh_tokens AS old SET rotated_at = asked.now, successor = asked.sealed
    FROM asked JOIN in_force ON in_force.id = asked.grant_id
    WHERE old.token_hash = ANY (ARRAY (SELECT old_hash FROM asked)) AND old.token_hash = asked.old_hash
      AND old.grant_id = asked.grant_id AND old.rotated_at IS NULL AND old.expires_at > asked.now
    RETURNING asked.*
  ), moved AS (
    UPDATE belfry_oauth_grants AS g SET expires_at = latest.expires_at
    FROM (SELECT grant_id, max(grant_expires_at) AS expires_at FROM taken GROUP BY grant_id) AS latest
    WHERE g.id = latest.grant_id AND latest.expires_at IS NOT NULL
  ), refresh_token AS (
    INSERT INTO belfry_oauth_refresh_tokens (${refreshTokenColumns}) SELECT ${refreshTokenColumns} FROM taken
  ), access_token AS (
    INSERT INTO belfry_oauth_access_tokens (${accessTokenColumns}) SELECT issued.*
    FROM taken CROSS JOIN LATERAL jsonb_to_record(taken.access_token) AS issued (
      token_hash text, client_id text, grant_id uuid, user_id uuid, scopes text[], audience text[],
      created_at timestamptz, expires_at timestamptz
    ) WHERE taken.access_token IS NOT NULL
  )
  SELECT place FROM taken`

/** A rotation as a row of {@link rotationStatement}. */
export const toRow = ({ accessToken, expiresAt, grantId, hash, now, sealed, successor }: Rotation) => ({
  grant_id: grantId,
  old_hash: hash,
  sealed,
  now: DateTime.formatIso(now),
  grant_expires_at: toNullableText(expiresAt),
  token_hash: successor.hash,
  successor: successor.successor,
  created_at: DateTime.formatIso(successor.createdAt),
  expires_at: DateTime.formatIso(successor.expiresAt),
  rotated_at: toNullableText(successor.rotatedAt),
  // Absent and not null: JSON's own null is a value to PostgreSQL.
  ...(accessToken === null
    ? {}
    : {
        access_token: {
          token_hash: accessToken.hash,
          client_id: accessToken.clientId,
          grant_id: grantId,
          user_id: accessToken.userId,
          scopes: accessToken.scopes,
          audience: accessToken.audience,
          created_at: DateTime.formatIso(accessToken.createdAt),
          expires_at: DateTime.formatIso(accessToken.expiresAt),
        },
      }),
})

const toNullableText = (instant: DateTime.Utc | null): string | null =>
  instant === null ? null : DateTime.formatIso(instant)
