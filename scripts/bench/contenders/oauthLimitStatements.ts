/** The statements of the `limit` contender: every use of a code or a refresh token is one of them, with what it issues. */

/** Statements by their names, which are those of the prepared statements. */
export const statements = {
  client: `SELECT secret_hash, grant_types, scopes, resources FROM clients WHERE id = $1 AND disabled_at IS NULL`,
  authorize: `
    SELECT s.user_id, s.auth_time, g.id AS grant_id, g.scopes AS granted, g.resources AS granted_resources,
      c.redirect_uris, c.scopes, c.resources
    FROM clients c
    LEFT JOIN sessions s ON s.token_hash = $2 AND s.expires_at > $3
    LEFT JOIN grants g ON g.user_id = s.user_id AND g.client_id = c.id AND g.revoked_at IS NULL
    WHERE c.id = $1 AND c.disabled_at IS NULL AND 'authorization_code' = ANY (c.grant_types)`,
  code: `INSERT INTO codes VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)`,
  exchange: `
    WITH code AS (
      UPDATE codes c SET used_at = $6 FROM grants g
      WHERE c.hash = $1 AND c.client_id = $2 AND c.redirect_uri = $3 AND c.challenge = $4
        AND c.resource IS NOT DISTINCT FROM $5 AND c.used_at IS NULL AND c.expires_at > $6
        AND g.id = c.grant_id AND g.revoked_at IS NULL
      RETURNING c.grant_id, c.scopes, c.resource, c.auth_time, g.user_id
    ), opaque AS (
      INSERT INTO access_tokens SELECT $9, grant_id, scopes, $6, $10 FROM code WHERE resource IS NULL
    ), refresh AS (
      INSERT INTO refresh_tokens SELECT $7, grant_id, scopes, resource, auth_time, $6, $8 FROM code
    )
    SELECT user_id, scopes, resource, auth_time FROM code`,
  rotate: `
    WITH used AS (
      UPDATE refresh_tokens t SET used_at = $4 FROM grants g
      WHERE t.hash = $1 AND g.id = t.grant_id AND g.client_id = $2 AND g.revoked_at IS NULL
        AND t.resource IS NOT DISTINCT FROM $3 AND t.used_at IS NULL AND t.expires_at > $4
      RETURNING t.grant_id, t.scopes, t.resource, t.auth_time, g.user_id
    ), opaque AS (
      INSERT INTO access_tokens SELECT $7, grant_id, scopes, $4, $8 FROM used WHERE resource IS NULL
    ), refresh AS (
      INSERT INTO refresh_tokens SELECT $5, grant_id, scopes, resource, auth_time, $4, $6 FROM used
    )
    SELECT user_id, scopes, resource, auth_time FROM used`,
  revoke: `
    UPDATE grants SET revoked_at = $3
    WHERE client_id = $2 AND revoked_at IS NULL AND id IN (
      SELECT grant_id FROM codes WHERE hash = $1 AND used_at IS NOT NULL
      UNION ALL SELECT grant_id FROM refresh_tokens WHERE hash = $1 AND used_at IS NOT NULL)`,
  introspect: `
    SELECT c.secret_hash, t.scopes, t.created_at, t.expires_at, g.user_id
    FROM clients c
    LEFT JOIN (access_tokens t JOIN grants g ON g.id = t.grant_id AND g.revoked_at IS NULL)
      ON t.hash = $2 AND t.expires_at > $3 AND g.client_id = c.id
    WHERE c.id = $1 AND c.disabled_at IS NULL`,
}
