/**
 * The tables of this package. They stand on those of `core` and `organization`, whose migrations run first.
 *
 * @since 0.1.0
 */
import type { MigrationSet } from "@belfry/sql/Migrations"

/**
 * The migrations of `billing`: customers, subscriptions, operations, the inbox, overrides of entitlements.
 *
 * @category migrations
 * @since 0.1.0
 */
export const migrations: MigrationSet = {
  package: "billing",
  migrations: [
    {
      name: "0001_customers",
      statements: [
        // A customer outlives its payer, whichever way that goes: what it had at the provider must be ended still.
        `CREATE TABLE belfry_billing_customers (
          id uuid NOT NULL,
          payer_kind text COLLATE "C" NOT NULL,
          user_id uuid,
          organization_id uuid,
          team_id uuid,
          provider_id text COLLATE "C",
          generation integer NOT NULL,
          request jsonb NOT NULL,
          requested_at timestamptz NOT NULL,
          profile_name text,
          profile_email text,
          created_at timestamptz NOT NULL,
          closed_at timestamptz,
          CONSTRAINT belfry_billing_customers_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_billing_customers_user_id_key UNIQUE (user_id),
          CONSTRAINT belfry_billing_customers_organization_id_key UNIQUE (organization_id),
          CONSTRAINT belfry_billing_customers_team_id_key UNIQUE (team_id),
          CONSTRAINT belfry_billing_customers_provider_id_key UNIQUE (provider_id),
          CONSTRAINT belfry_billing_customers_payer_kind CHECK (payer_kind IN ('user', 'organization', 'team')),
          CONSTRAINT belfry_billing_customers_payer CHECK (
            (user_id IS NULL OR payer_kind = 'user')
            AND (organization_id IS NULL OR payer_kind = 'organization')
            AND (team_id IS NULL OR payer_kind = 'team')
          ),
          CONSTRAINT belfry_billing_customers_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE SET NULL,
          CONSTRAINT belfry_billing_customers_organization_id_fkey
            FOREIGN KEY (organization_id) REFERENCES belfry_organizations (id) ON DELETE SET NULL,
          CONSTRAINT belfry_billing_customers_team_id_fkey
            FOREIGN KEY (team_id) REFERENCES belfry_organization_teams (id) ON DELETE SET NULL
        )`,
        `CREATE INDEX belfry_billing_customers_orphans_idx ON belfry_billing_customers (id)
          WHERE user_id IS NULL AND organization_id IS NULL AND team_id IS NULL AND closed_at IS NULL`,
        `CREATE TABLE belfry_billing_trials (
          customer_id uuid NOT NULL,
          plan_group text COLLATE "C" NOT NULL,
          started_at timestamptz NOT NULL,
          CONSTRAINT belfry_billing_trials_pkey PRIMARY KEY (customer_id, plan_group),
          CONSTRAINT belfry_billing_trials_customer_id_fkey
            FOREIGN KEY (customer_id) REFERENCES belfry_billing_customers (id) ON DELETE CASCADE
        )`,
      ],
    },
    {
      name: "0002_subscriptions",
      statements: [
        // Tickets of looks, also at subscriptions that are not known here yet.
        `CREATE TABLE belfry_billing_tickets (
          provider_id text COLLATE "C" NOT NULL,
          taken bigint NOT NULL,
          CONSTRAINT belfry_billing_tickets_pkey PRIMARY KEY (provider_id)
        )`,
        // Columns of their own for what is looked up; the rest of the state as the model has it.
        `CREATE TABLE belfry_billing_subscriptions (
          id uuid NOT NULL,
          customer_id uuid NOT NULL,
          provider_id text COLLATE "C" NOT NULL,
          plan text COLLATE "C",
          plan_group text COLLATE "C" NOT NULL,
          status text COLLATE "C" NOT NULL,
          seats integer,
          trial_end timestamptz,
          state jsonb NOT NULL,
          milestones text[] NOT NULL DEFAULT '{}',
          applied bigint NOT NULL,
          wants text COLLATE "C",
          asked bigint NOT NULL DEFAULT 0,
          attempts integer NOT NULL DEFAULT 0,
          due_at timestamptz,
          lease uuid,
          leased_until timestamptz,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_billing_subscriptions_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_billing_subscriptions_provider_id_key UNIQUE (provider_id),
          CONSTRAINT belfry_billing_subscriptions_customer_id_fkey
            FOREIGN KEY (customer_id) REFERENCES belfry_billing_customers (id),
          CONSTRAINT belfry_billing_subscriptions_status CHECK (status IN ('active', 'canceled', 'incomplete',
            'incomplete_expired', 'past_due', 'paused', 'trialing', 'unpaid')),
          CONSTRAINT belfry_billing_subscriptions_wants CHECK (wants IN ('end-now', 'end-with-period')),
          CONSTRAINT belfry_billing_subscriptions_lease CHECK ((lease IS NULL) = (leased_until IS NULL))
        )`,
        `CREATE INDEX belfry_billing_subscriptions_customer_id_idx ON belfry_billing_subscriptions (customer_id, id)`,
        `CREATE INDEX belfry_billing_subscriptions_due_at_idx ON belfry_billing_subscriptions (due_at)
          WHERE due_at IS NOT NULL`,
        `CREATE INDEX belfry_billing_subscriptions_trial_end_idx ON belfry_billing_subscriptions (trial_end)
          WHERE status = 'trialing'`,
        `CREATE TABLE belfry_billing_operations (
          id uuid NOT NULL,
          customer_id uuid NOT NULL,
          plan_group text COLLATE "C" NOT NULL,
          subscription_id uuid,
          kind text COLLATE "C" NOT NULL,
          request jsonb NOT NULL,
          fingerprint text COLLATE "C" NOT NULL,
          status text COLLATE "C" NOT NULL,
          checkout_id text COLLATE "C",
          url text,
          actor_id uuid,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          closed_at timestamptz,
          CONSTRAINT belfry_billing_operations_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_billing_operations_checkout_id_key UNIQUE (checkout_id),
          CONSTRAINT belfry_billing_operations_status
            CHECK (status IN ('open', 'done', 'superseded', 'failed', 'abandoned')),
          CONSTRAINT belfry_billing_operations_closed CHECK ((status = 'open') = (closed_at IS NULL)),
          CONSTRAINT belfry_billing_operations_customer_id_fkey
            FOREIGN KEY (customer_id) REFERENCES belfry_billing_customers (id) ON DELETE CASCADE,
          CONSTRAINT belfry_billing_operations_subscription_id_fkey
            FOREIGN KEY (subscription_id) REFERENCES belfry_billing_subscriptions (id) ON DELETE CASCADE,
          CONSTRAINT belfry_billing_operations_actor_id_fkey
            FOREIGN KEY (actor_id) REFERENCES belfry_users (id) ON DELETE SET NULL
        )`,
        // The one checkout of a customer and group: two clicks meet here.
        `CREATE UNIQUE INDEX belfry_billing_operations_open_key ON belfry_billing_operations (customer_id, plan_group)
          WHERE kind = 'Checkout' AND status = 'open'`,
        `CREATE INDEX belfry_billing_operations_expires_at_idx ON belfry_billing_operations (expires_at)
          WHERE status = 'open'`,
        `CREATE INDEX belfry_billing_operations_closed_at_idx ON belfry_billing_operations (closed_at)
          WHERE closed_at IS NOT NULL`,
        `CREATE INDEX belfry_billing_operations_customer_id_idx ON belfry_billing_operations (customer_id)`,
        `CREATE INDEX belfry_billing_operations_subscription_id_idx ON belfry_billing_operations (subscription_id)`,
        `CREATE INDEX belfry_billing_operations_actor_id_idx ON belfry_billing_operations (actor_id)`,
      ],
    },
    {
      name: "0003_events",
      statements: [
        `CREATE TABLE belfry_billing_events (
          id text COLLATE "C" NOT NULL,
          type text COLLATE "C" NOT NULL,
          api_version text,
          is_live boolean NOT NULL,
          occurred_at timestamptz NOT NULL,
          object_type text COLLATE "C" NOT NULL,
          object_id text COLLATE "C",
          customer_id text COLLATE "C",
          subscription_id text COLLATE "C",
          status text COLLATE "C" NOT NULL,
          reason text COLLATE "C",
          attempts integer NOT NULL DEFAULT 0,
          received_at timestamptz NOT NULL,
          due_at timestamptz,
          done_at timestamptz,
          CONSTRAINT belfry_billing_events_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_billing_events_status CHECK (status IN ('waiting', 'done', 'ignored', 'parked')),
          CONSTRAINT belfry_billing_events_due CHECK ((status = 'waiting') = (due_at IS NOT NULL)),
          CONSTRAINT belfry_billing_events_done CHECK ((status IN ('done', 'ignored')) = (done_at IS NOT NULL))
        )`,
        `CREATE INDEX belfry_billing_events_due_at_idx ON belfry_billing_events (due_at) WHERE due_at IS NOT NULL`,
        `CREATE INDEX belfry_billing_events_done_at_idx ON belfry_billing_events (done_at) WHERE done_at IS NOT NULL`,
        `CREATE INDEX belfry_billing_events_received_at_idx ON belfry_billing_events (received_at DESC, id DESC)`,
        `CREATE INDEX belfry_billing_events_status_idx ON belfry_billing_events (status, received_at DESC, id DESC)`,
        `CREATE TABLE belfry_billing_cursors (
          name text COLLATE "C" NOT NULL,
          reached_at timestamptz NOT NULL,
          CONSTRAINT belfry_billing_cursors_pkey PRIMARY KEY (name)
        )`,
        `CREATE TABLE belfry_billing_hook_runs (
          event_id uuid NOT NULL,
          ran_at timestamptz NOT NULL,
          CONSTRAINT belfry_billing_hook_runs_pkey PRIMARY KEY (event_id)
        )`,
        `CREATE INDEX belfry_billing_hook_runs_ran_at_idx ON belfry_billing_hook_runs (ran_at)`,
      ],
    },
    {
      name: "0004_entitlements",
      statements: [
        `CREATE TABLE belfry_billing_overrides (
          id uuid NOT NULL,
          user_id uuid,
          organization_id uuid,
          team_id uuid,
          features jsonb NOT NULL,
          limits jsonb NOT NULL,
          reason text,
          expires_at timestamptz,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_billing_overrides_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_billing_overrides_user_id_key UNIQUE (user_id),
          CONSTRAINT belfry_billing_overrides_organization_id_key UNIQUE (organization_id),
          CONSTRAINT belfry_billing_overrides_team_id_key UNIQUE (team_id),
          CONSTRAINT belfry_billing_overrides_payer CHECK (num_nonnulls(user_id, organization_id, team_id) = 1),
          CONSTRAINT belfry_billing_overrides_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE,
          CONSTRAINT belfry_billing_overrides_organization_id_fkey
            FOREIGN KEY (organization_id) REFERENCES belfry_organizations (id) ON DELETE CASCADE,
          CONSTRAINT belfry_billing_overrides_team_id_fkey
            FOREIGN KEY (team_id) REFERENCES belfry_organization_teams (id) ON DELETE CASCADE
        )`,
      ],
    },
  ],
}
