/**
 * Tables of the authorization server in which there is something.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Fills the tables of the authorization server, so that PostgreSQL chooses its plans as it does in use. */
export const fillTables = Effect.fnUntraced(function* (rows: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      const series = sql`generate_series(1, ${rows}::int4) AS n`
      const uuid = sql`lpad(n::text, 32, '0')::uuid`
      const over = sql`now() + n * interval '1 second'`
      yield* sql`INSERT INTO belfry_users (id, email, scopes, created_at, updated_at)
        SELECT ${uuid}, n || '@example.com', '{}', now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_sessions
          (id, user_id, amr, auth_time, created_at, last_seen_at, expires_at, ends_at, token_hash)
        SELECT ${uuid}, ${uuid}, '{pwd}', now(), now(), now(), ${over}, ${over}, 'session' || n FROM ${series}`
      yield* sql`INSERT INTO belfry_oauth_clients (client_id, metadata, privileges, created_at, updated_at)
        SELECT 'client' || n, '{}', '{}', now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_oauth_grants (id, client_id, user_id, session_id, sid, scopes, resources, auth_time, amr,
          is_offline, code_hash, code_redirect_uri, code_redirect_uri_given, code_expires_at, created_at, expires_at, ends_at)
        SELECT ${uuid}, 'client' || n, ${uuid}, ${uuid}, 'sid' || n, '{openid}', '{}', now(), '{pwd}',
          true, 'code' || n, 'https://client.example.com', true, now(), now(), ${over}, ${over} FROM ${series}`
      yield* sql`INSERT INTO belfry_oauth_refresh_tokens (token_hash, grant_id, created_at, expires_at)
        SELECT 'refresh' || n, ${uuid}, now(), ${over} FROM ${series}`
      yield* sql`INSERT INTO belfry_oauth_access_tokens
          (token_hash, client_id, grant_id, scopes, audience, created_at, expires_at)
        SELECT 'access' || n, 'client' || n, ${uuid}, '{openid}', '{}', now(), ${over} FROM ${series}`
      yield* sql`INSERT INTO belfry_oauth_revoked_jwts (jti, expires_at) SELECT 'jti' || n, ${over} FROM ${series}`
      yield* sql`INSERT INTO belfry_oauth_resources (identifier)
        SELECT 'https://api.example.com/' || n FROM ${series}`
      yield* sql`INSERT INTO belfry_oauth_consents
          (id, client_id, user_id, scopes, declined_scopes, resources, created_at, updated_at)
        SELECT ${uuid}, 'client' || n, ${uuid}, '{openid}', '{}', '{}', now(), now() FROM ${series}`
    }),
  )
  yield* sql`ANALYZE`
})
