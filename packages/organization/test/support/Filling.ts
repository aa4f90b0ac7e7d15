/**
 * Tables of organizations in which there is something, so that PostgreSQL chooses its plans as it does in use.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Makes `rows` organizations of one owner each, and puts everybody into the first one as well; each has a role, a team,
 * an invitation and an event in the audit log, and is the default of its owner's session.
 */
export const fillTables = Effect.fnUntraced(function* (rows: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      const series = sql`generate_series(1, ${rows}::int4) AS n`
      const uuid = sql`lpad(n::text, 32, '0')::uuid`
      const second = sql`lpad((n + 1000000)::text, 32, '0')::uuid`
      const first = sql`lpad('1', 32, '0')::uuid`
      const over = sql`now() + n * interval '1 second'`
      yield* sql`INSERT INTO belfry_users (id, email, name, scopes, created_at, updated_at)
        SELECT ${uuid}, n || '@example.com', 'User ' || n, '{}', now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_sessions
          (id, user_id, amr, auth_time, created_at, last_seen_at, expires_at, ends_at, token_hash)
        SELECT ${uuid}, ${uuid}, '{pwd}', now(), now(), now(), ${over}, ${over}, 'session' || n FROM ${series}`
      yield* sql`INSERT INTO belfry_organizations
          (id, name, slug, member_count, owner_count, created_at, updated_at, deleted_at)
        SELECT ${uuid}, 'Organization ' || n, 'organization-' || n, CASE n WHEN 1 THEN ${rows}::int4 ELSE 1 END, 1, now(), now(),
          CASE WHEN n % 100 = 0 THEN now() END FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_members
          (id, organization_id, user_id, built_in_roles, last_used_at, created_at, updated_at)
        SELECT ${uuid}, ${uuid}, ${uuid}, '{owner}'::text[], now(), now(), now() FROM ${series}
        UNION ALL SELECT ${second}, ${first}, ${uuid}, '{}'::text[], NULL, now(), now() FROM ${series} WHERE n > 1`
      yield* sql`INSERT INTO belfry_session_organizations (session_id, member_id, chosen_at)
        SELECT ${uuid}, ${uuid}, now() FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_roles
          (id, organization_id, name, permissions, created_at, updated_at)
        SELECT ${uuid}, ${uuid}, 'role-' || n, '{}', now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_member_roles (member_id, role_id, organization_id)
        SELECT ${uuid}, ${uuid}, ${uuid} FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_teams (id, organization_id, name, created_at, updated_at)
        SELECT ${uuid}, ${uuid}, 'Team ' || n, now(), now() FROM ${series}
        UNION ALL SELECT ${second}, ${first}, 'Team ' || n, now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_team_members (team_id, member_id, organization_id, role, joined_at)
        SELECT ${uuid}, ${uuid}, ${uuid}, 'member', now() FROM ${series}
        UNION ALL SELECT ${first}, ${second}, ${first}, 'member', now() FROM ${series} WHERE n > 1`
      yield* sql`INSERT INTO belfry_organization_invitations (id, organization_id, email, built_in_roles, role_names,
          status, token_hash, inviter_id, sends, sent_at, created_at, updated_at, expires_at)
        SELECT ${uuid}, ${uuid}, n || '@example.net', '{member}', '{member}',
          CASE WHEN n % 4 = 0 THEN 'pending' ELSE 'accepted' END, 'token' || n, ${uuid}, 1, now(), now(), now(), ${over}
        FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_invitation_roles (invitation_id, role_id, organization_id)
        SELECT ${uuid}, ${uuid}, ${uuid} FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_invitation_teams (invitation_id, team_id, organization_id, role)
        SELECT ${uuid}, ${uuid}, ${uuid}, 'member' FROM ${series}`
      yield* sql`INSERT INTO belfry_audit_events (id, type, outcome, user_id, data, aggregate, occurred_at)
        SELECT ${uuid}, 'organization.created', 'success', ${uuid}, '{}'::jsonb, 'organization:' || ${uuid}, now() FROM ${series}
        UNION ALL SELECT ${second}, 'organization-member.added', 'success', ${uuid}, '{}'::jsonb, 'organization:' || ${first}, now()
        FROM ${series}`
    }),
  )
  yield* sql`ANALYZE`
})
