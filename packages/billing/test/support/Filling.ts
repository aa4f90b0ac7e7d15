/**
 * Tables of billing in which there is something, so that PostgreSQL chooses its plans as it does in use.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Makes `rows` users who are customers, each with an organization of one team, with a subscription, two operations, an
 * event in the inbox, a trial, a ticket, a run of a hook and an override, and every hundredth of them with work that is
 * due.
 */
export const fillTables = Effect.fnUntraced(function* (rows: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      const series = sql`generate_series(1, ${rows}::int4) AS n`
      const uuid = sql`lpad(n::text, 32, '0')::uuid`
      const second = sql`lpad((n + 1000000)::text, 32, '0')::uuid`
      const at = sql`now() + n * interval '1 second'`
      yield* sql`INSERT INTO belfry_users (id, email, name, scopes, created_at, updated_at)
        SELECT ${uuid}, n || '@example.com', 'User ' || n, '{}', now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_organizations (id, name, slug, member_count, owner_count, created_at, updated_at)
        SELECT ${uuid}, 'Organization ' || n, 'organization-' || n, 1, 1, now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_members
          (id, organization_id, user_id, built_in_roles, created_at, updated_at)
        SELECT ${uuid}, ${uuid}, ${uuid}, '{owner}'::text[], now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_teams (id, organization_id, name, created_at, updated_at)
        SELECT ${uuid}, ${uuid}, 'Team ' || n, now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_organization_team_members (team_id, member_id, organization_id, role, joined_at)
        SELECT ${uuid}, ${uuid}, ${uuid}, 'member', now() FROM ${series}`
      yield* sql`INSERT INTO belfry_billing_customers
          (id, payer_kind, user_id, provider_id, generation, request, requested_at, profile_name, profile_email, created_at)
        SELECT ${uuid}, 'user', CASE WHEN n % 100 > 0 THEN ${uuid} END, 'cus_' || n, 0, '{}', now(), 'User ' || n,
          n || '@example.com', now() FROM ${series}`
      yield* sql`INSERT INTO belfry_billing_trials (customer_id, plan_group, started_at)
        SELECT ${uuid}, 'main', now() FROM ${series}`
      yield* sql`INSERT INTO belfry_billing_tickets (provider_id, taken) SELECT 'sub_' || n, 1 FROM ${series}`
      yield* sql`INSERT INTO belfry_billing_subscriptions
          (id, customer_id, provider_id, plan, plan_group, status, seats, trial_end, state, applied, due_at, created_at,
            updated_at)
        SELECT ${uuid}, ${uuid}, 'sub_' || n, 'pro', 'main', CASE WHEN n % 50 = 0 THEN 'trialing' ELSE 'active' END, 1,
          CASE WHEN n % 50 = 0 THEN ${at} END, '{}', 1, CASE WHEN n % 100 = 0 THEN ${at} END, now(), now() FROM ${series}`
      yield* sql`INSERT INTO belfry_billing_operations (id, customer_id, plan_group, subscription_id, kind, request,
          fingerprint, status, checkout_id, actor_id, created_at, expires_at, closed_at)
        SELECT ${uuid}, ${uuid}, 'main', ${uuid}, 'Checkout', '{}'::jsonb, '', 'done', 'cs_' || n, ${uuid}, now(), ${at}, ${at}
        FROM ${series}
        UNION ALL SELECT ${second}, ${uuid}, 'main', NULL, 'Checkout', '{}'::jsonb, '', 'open', NULL, ${uuid}, now(), ${at}, NULL
        FROM ${series} WHERE n % 50 = 0`
      yield* sql`INSERT INTO belfry_billing_events
          (id, type, is_live, occurred_at, object_type, status, received_at, due_at, done_at)
        SELECT 'evt_' || n, 'test', false, now(), 'test', CASE WHEN n % 100 = 0 THEN 'waiting' ELSE 'done' END, ${at},
          CASE WHEN n % 100 = 0 THEN ${at} END, CASE WHEN n % 100 > 0 THEN ${at} END FROM ${series}`
      yield* sql`INSERT INTO belfry_billing_cursors (name, reached_at) SELECT 'job ' || n, now() FROM ${series}`
      yield* sql`INSERT INTO belfry_billing_hook_runs (event_id, ran_at) SELECT ${uuid}, ${at} FROM ${series}`
      yield* sql`INSERT INTO belfry_billing_overrides (id, user_id, features, limits, updated_at)
        SELECT ${uuid}, ${uuid}, '{}', '{}', now() FROM ${series}`
    }),
  )
  yield* sql`ANALYZE`
})
