/**
 * The tables of this package, all named `belfry_*` because a host keeps its own beside them.
 *
 * @since 0.1.0
 */
import type { MigrationSet } from "@belfry/sql/Migrations"

/**
 * The migrations of `core`: users, sessions, linked accounts, verification tokens, audit events, rate limits and the
 * outbox.
 *
 * **Details**
 *
 * Text that is compared but never sorted for people (addresses, hashes, keys) has the collation `C`: byte order, the
 * same on every server, and the fastest index.
 *
 * @category migrations
 * @since 0.1.0
 */
export const migrations: MigrationSet = {
  package: "core",
  migrations: [
    {
      name: "0001_users",
      statements: [
        // lower() under "C" changes ASCII only; other letters depend on the server's Unicode version.
        `CREATE TABLE belfry_users (
          id uuid NOT NULL,
          email text COLLATE "C" NOT NULL,
          name text,
          image text,
          email_verified_at timestamptz,
          scopes text[] NOT NULL DEFAULT '{}',
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_users_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_users_email_key UNIQUE (email),
          CONSTRAINT belfry_users_email_normalized CHECK (email = lower(email))
        )`,
      ],
    },
    {
      name: "0002_sessions",
      statements: [
        `CREATE TABLE belfry_sessions (
          id uuid NOT NULL,
          user_id uuid NOT NULL,
          token_hash text COLLATE "C" NOT NULL,
          amr text[] NOT NULL,
          auth_time timestamptz NOT NULL,
          created_at timestamptz NOT NULL,
          last_seen_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          ends_at timestamptz NOT NULL,
          ip_address text,
          user_agent text,
          label text,
          CONSTRAINT belfry_sessions_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_sessions_token_hash_key UNIQUE (token_hash),
          CONSTRAINT belfry_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE,
          CONSTRAINT belfry_sessions_absolute_end CHECK (expires_at <= ends_at)
        )`,
        `CREATE INDEX belfry_sessions_user_id_created_at_idx ON belfry_sessions (user_id, created_at DESC)`,
        `CREATE INDEX belfry_sessions_expires_at_idx ON belfry_sessions (expires_at)`,
      ],
    },
    {
      name: "0003_linked_accounts",
      statements: [
        `CREATE TABLE belfry_linked_accounts (
          id uuid NOT NULL,
          user_id uuid NOT NULL,
          provider_id text COLLATE "C" NOT NULL,
          account_id text COLLATE "C" NOT NULL,
          access_token text,
          refresh_token text,
          id_token text,
          token_type text,
          scopes text[] NOT NULL DEFAULT '{}',
          access_token_expires_at timestamptz,
          refresh_token_expires_at timestamptz,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_linked_accounts_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_linked_accounts_provider_id_account_id_key UNIQUE (provider_id, account_id),
          CONSTRAINT belfry_linked_accounts_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_linked_accounts_user_id_created_at_idx ON belfry_linked_accounts (user_id, created_at)`,
      ],
    },
    {
      name: "0004_verification_tokens",
      statements: [
        `CREATE TABLE belfry_verification_tokens (
          id uuid NOT NULL,
          token_hash text COLLATE "C" NOT NULL,
          purpose text COLLATE "C" NOT NULL,
          subject text COLLATE "C" NOT NULL,
          user_id uuid,
          payload jsonb NOT NULL,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_verification_tokens_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_verification_tokens_token_hash_key UNIQUE (token_hash),
          CONSTRAINT belfry_verification_tokens_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_verification_tokens_purpose_subject_idx ON belfry_verification_tokens (purpose, subject)`,
        `CREATE INDEX belfry_verification_tokens_expires_at_idx ON belfry_verification_tokens (expires_at)`,
        `CREATE INDEX belfry_verification_tokens_user_id_idx ON belfry_verification_tokens (user_id)`,
      ],
    },
    {
      name: "0005_audit_events",
      statements: [
        // No foreign keys: an event outlives the user and the session it is about.
        `CREATE TABLE belfry_audit_events (
          id uuid NOT NULL,
          type text COLLATE "C" NOT NULL,
          outcome text COLLATE "C" NOT NULL,
          reason text,
          user_id uuid,
          session_id uuid,
          ip_address text,
          user_agent text,
          data jsonb NOT NULL,
          occurred_at timestamptz NOT NULL,
          CONSTRAINT belfry_audit_events_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_audit_events_outcome CHECK (outcome IN ('success', 'failure'))
        )`,
        `CREATE INDEX belfry_audit_events_user_id_id_idx ON belfry_audit_events (user_id, id DESC)`,
        `CREATE INDEX belfry_audit_events_occurred_at_idx ON belfry_audit_events (occurred_at)`,
      ],
    },
    {
      name: "0006_rate_limits",
      statements: [
        // Instants are epoch milliseconds as double precision: refill rates are fractions of a millisecond, which
        // timestamptz would round.
        `CREATE TABLE belfry_rate_limits (
          kind text COLLATE "C" NOT NULL,
          key text COLLATE "C" NOT NULL,
          tokens double precision NOT NULL,
          granted boolean NOT NULL,
          since double precision NOT NULL,
          expires_at double precision NOT NULL,
          phase text COLLATE "C" NOT NULL DEFAULT 'inactive',
          epoch integer NOT NULL DEFAULT 0,
          cooldown_until double precision NOT NULL DEFAULT 0,
          learned_limit double precision NOT NULL DEFAULT 0,
          learned_window double precision NOT NULL DEFAULT 0,
          CONSTRAINT belfry_rate_limits_pkey PRIMARY KEY (kind, key),
          CONSTRAINT belfry_rate_limits_kind CHECK (kind IN ('fixed-window', 'token-bucket', 'adaptive')),
          CONSTRAINT belfry_rate_limits_phase CHECK (phase IN ('inactive', 'cooldown', 'learning', 'learned'))
        )`,
        `CREATE INDEX belfry_rate_limits_expires_at_idx ON belfry_rate_limits (expires_at)`,
      ],
    },
    {
      name: "0007_session_acr",
      statements: [`ALTER TABLE belfry_sessions ADD COLUMN acr text COLLATE "C"`],
    },
    {
      name: "0008_rate_limits_unlogged",
      // Counts are not worth a wait for the disk: after a crash of the database they start anew.
      statements: [`ALTER TABLE belfry_rate_limits SET UNLOGGED`],
    },
    {
      name: "0009_session_proofs",
      // The times by factor, in milliseconds since the epoch.
      statements: [`ALTER TABLE belfry_sessions ADD COLUMN proofs jsonb NOT NULL DEFAULT '{}'`],
    },
    {
      name: "0010_audit_changes",
      statements: [
        `ALTER TABLE belfry_audit_events
          ADD COLUMN aggregate text COLLATE "C", ADD COLUMN before jsonb, ADD COLUMN after jsonb`,
        `CREATE INDEX belfry_audit_events_aggregate_id_idx ON belfry_audit_events (aggregate, id DESC)
          WHERE aggregate IS NOT NULL`,
      ],
    },
    {
      name: "0011_outbox",
      statements: [
        // due_at: when somebody may deliver; null when nothing waits; while it is leased, the end of the lease.
        `CREATE TABLE belfry_outbox_aggregates (
          aggregate text COLLATE "C" NOT NULL,
          last_version bigint NOT NULL,
          delivered_version bigint NOT NULL DEFAULT 0,
          due_at timestamptz,
          lease uuid,
          attempts integer NOT NULL DEFAULT 0,
          CONSTRAINT belfry_outbox_aggregates_pkey PRIMARY KEY (aggregate),
          CONSTRAINT belfry_outbox_aggregates_delivered CHECK (delivered_version <= last_version)
        )`,
        `CREATE INDEX belfry_outbox_aggregates_due_at_idx ON belfry_outbox_aggregates (due_at) WHERE due_at IS NOT NULL`,
        `CREATE TABLE belfry_outbox_events (
          aggregate text COLLATE "C" NOT NULL,
          version bigint NOT NULL,
          id uuid NOT NULL,
          type text COLLATE "C" NOT NULL,
          payload jsonb NOT NULL,
          occurred_at timestamptz NOT NULL,
          CONSTRAINT belfry_outbox_events_pkey PRIMARY KEY (aggregate, version),
          CONSTRAINT belfry_outbox_events_id_key UNIQUE (id),
          CONSTRAINT belfry_outbox_events_aggregate_fkey
            FOREIGN KEY (aggregate) REFERENCES belfry_outbox_aggregates (aggregate) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_outbox_events_occurred_at_idx ON belfry_outbox_events (occurred_at)`,
      ],
    },
    {
      name: "0012_users_search",
      // By the beginning of a name; addresses have their unique index for that.
      statements: [`CREATE INDEX belfry_users_name_search_idx ON belfry_users (lower(name) text_pattern_ops)`],
    },
    {
      name: "0013_users_disabled",
      statements: [`ALTER TABLE belfry_users ADD COLUMN disabled_at timestamptz`],
    },
  ],
}
