/**
 * The tables of this package. They stand on those of `core`, whose migrations run first.
 *
 * @since 0.1.0
 */
import type { MigrationSet } from "@belfry/sql/Migrations"

/**
 * The migrations of `oauth-server`: clients, grants with their tokens, consents, requests that wait, keys, resources.
 *
 * @category migrations
 * @since 0.1.0
 */
export const migrations: MigrationSet = {
  package: "oauth-server",
  migrations: [
    {
      name: "0001_clients",
      statements: [
        `CREATE TABLE belfry_oauth_clients (
          client_id text COLLATE "C" NOT NULL,
          metadata jsonb NOT NULL,
          privileges jsonb NOT NULL,
          secrets jsonb NOT NULL DEFAULT '[]',
          user_id uuid,
          reference_id text COLLATE "C",
          is_disabled boolean NOT NULL DEFAULT false,
          is_dynamic boolean NOT NULL DEFAULT false,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_oauth_clients_pkey PRIMARY KEY (client_id),
          CONSTRAINT belfry_oauth_clients_secrets CHECK (jsonb_typeof(secrets) = 'array' AND jsonb_array_length(secrets) <= 2),
          CONSTRAINT belfry_oauth_clients_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE SET NULL
        )`,
        `CREATE INDEX belfry_oauth_clients_user_id_created_at_idx
          ON belfry_oauth_clients (user_id, created_at DESC, client_id DESC)`,
        `CREATE INDEX belfry_oauth_clients_reference_id_created_at_idx
          ON belfry_oauth_clients (reference_id, created_at DESC, client_id DESC)`,
        `CREATE INDEX belfry_oauth_clients_dynamic_created_at_idx
          ON belfry_oauth_clients (created_at) WHERE is_dynamic`,
        `CREATE TABLE belfry_oauth_initial_access_tokens (
          id uuid NOT NULL,
          token_hash text COLLATE "C" NOT NULL,
          user_id uuid,
          uses integer,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_oauth_initial_access_tokens_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_oauth_initial_access_tokens_token_hash_key UNIQUE (token_hash),
          CONSTRAINT belfry_oauth_initial_access_tokens_uses CHECK (uses >= 0),
          CONSTRAINT belfry_oauth_initial_access_tokens_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_oauth_initial_access_tokens_expires_at_idx
          ON belfry_oauth_initial_access_tokens (expires_at)`,
        `CREATE INDEX belfry_oauth_initial_access_tokens_user_id_idx ON belfry_oauth_initial_access_tokens (user_id)`,
        `CREATE TABLE belfry_oauth_assertions (
          client_id text COLLATE "C" NOT NULL,
          jti_hash text COLLATE "C" NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_oauth_assertions_pkey PRIMARY KEY (client_id, jti_hash)
        )`,
        `CREATE INDEX belfry_oauth_assertions_expires_at_idx ON belfry_oauth_assertions (expires_at)`,
        `CREATE TABLE belfry_oauth_resources (
          identifier text COLLATE "C" NOT NULL,
          name text,
          scopes text[],
          access_token_lifetime integer,
          signing_algorithm text COLLATE "C",
          introspection_client_id text COLLATE "C",
          is_disabled boolean NOT NULL DEFAULT false,
          CONSTRAINT belfry_oauth_resources_pkey PRIMARY KEY (identifier)
        )`,
      ],
    },
    {
      name: "0002_grants",
      statements: [
        // A grant and its one code are one row: redeeming is one update, and a second use finds the grant to revoke.
        `CREATE TABLE belfry_oauth_grants (
          id uuid NOT NULL,
          client_id text COLLATE "C" NOT NULL,
          user_id uuid NOT NULL,
          session_id uuid,
          sid text COLLATE "C" NOT NULL,
          reference_id text COLLATE "C",
          scopes text[] NOT NULL,
          resources text[] NOT NULL,
          claims jsonb,
          nonce text,
          auth_time timestamptz NOT NULL,
          acr text,
          amr text[] NOT NULL,
          is_offline boolean NOT NULL,
          code_hash text COLLATE "C" NOT NULL,
          code_redirect_uri text COLLATE "C" NOT NULL,
          code_redirect_uri_given boolean NOT NULL,
          code_challenge text COLLATE "C",
          code_expires_at timestamptz NOT NULL,
          code_redeemed_at timestamptz,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          ends_at timestamptz NOT NULL,
          revoked_at timestamptz,
          CONSTRAINT belfry_oauth_grants_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_oauth_grants_code_hash_key UNIQUE (code_hash),
          CONSTRAINT belfry_oauth_grants_end CHECK (expires_at <= ends_at),
          CONSTRAINT belfry_oauth_grants_client_id_fkey
            FOREIGN KEY (client_id) REFERENCES belfry_oauth_clients (client_id) ON DELETE CASCADE,
          CONSTRAINT belfry_oauth_grants_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE,
          CONSTRAINT belfry_oauth_grants_session_id_fkey
            FOREIGN KEY (session_id) REFERENCES belfry_sessions (id) ON DELETE SET NULL
        )`,
        `CREATE INDEX belfry_oauth_grants_client_id_idx ON belfry_oauth_grants (client_id)`,
        `CREATE INDEX belfry_oauth_grants_user_id_created_at_idx ON belfry_oauth_grants (user_id, created_at DESC)`,
        `CREATE INDEX belfry_oauth_grants_session_id_idx ON belfry_oauth_grants (session_id)`,
        `CREATE INDEX belfry_oauth_grants_expires_at_idx ON belfry_oauth_grants (expires_at)`,
        `CREATE TABLE belfry_oauth_refresh_tokens (
          token_hash text COLLATE "C" NOT NULL,
          grant_id uuid NOT NULL,
          successor text COLLATE "C",
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          rotated_at timestamptz,
          CONSTRAINT belfry_oauth_refresh_tokens_pkey PRIMARY KEY (token_hash),
          CONSTRAINT belfry_oauth_refresh_tokens_grant_id_fkey
            FOREIGN KEY (grant_id) REFERENCES belfry_oauth_grants (id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_oauth_refresh_tokens_grant_id_idx ON belfry_oauth_refresh_tokens (grant_id)`,
        `CREATE INDEX belfry_oauth_refresh_tokens_expires_at_idx ON belfry_oauth_refresh_tokens (expires_at)`,
        `CREATE TABLE belfry_oauth_access_tokens (
          token_hash text COLLATE "C" NOT NULL,
          client_id text COLLATE "C" NOT NULL,
          grant_id uuid,
          user_id uuid,
          scopes text[] NOT NULL,
          audience text[] NOT NULL,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_oauth_access_tokens_pkey PRIMARY KEY (token_hash),
          CONSTRAINT belfry_oauth_access_tokens_client_id_fkey
            FOREIGN KEY (client_id) REFERENCES belfry_oauth_clients (client_id) ON DELETE CASCADE,
          CONSTRAINT belfry_oauth_access_tokens_grant_id_fkey
            FOREIGN KEY (grant_id) REFERENCES belfry_oauth_grants (id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_oauth_access_tokens_client_id_idx ON belfry_oauth_access_tokens (client_id)`,
        `CREATE INDEX belfry_oauth_access_tokens_grant_id_idx ON belfry_oauth_access_tokens (grant_id)`,
        `CREATE INDEX belfry_oauth_access_tokens_expires_at_idx ON belfry_oauth_access_tokens (expires_at)`,
        `CREATE TABLE belfry_oauth_revoked_jwts (
          jti text COLLATE "C" NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_oauth_revoked_jwts_pkey PRIMARY KEY (jti)
        )`,
        `CREATE INDEX belfry_oauth_revoked_jwts_expires_at_idx ON belfry_oauth_revoked_jwts (expires_at)`,
      ],
    },
    {
      name: "0003_consents",
      statements: [
        `CREATE TABLE belfry_oauth_consents (
          id uuid NOT NULL,
          client_id text COLLATE "C" NOT NULL,
          user_id uuid NOT NULL,
          reference_id text COLLATE "C",
          scopes text[] NOT NULL,
          declined_scopes text[] NOT NULL,
          resources text[] NOT NULL,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_oauth_consents_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_oauth_consents_user_client_reference_key
            UNIQUE NULLS NOT DISTINCT (user_id, client_id, reference_id),
          CONSTRAINT belfry_oauth_consents_client_id_fkey
            FOREIGN KEY (client_id) REFERENCES belfry_oauth_clients (client_id) ON DELETE CASCADE,
          CONSTRAINT belfry_oauth_consents_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_oauth_consents_client_id_idx ON belfry_oauth_consents (client_id)`,
        `CREATE TABLE belfry_oauth_waiting_requests (
          id uuid NOT NULL,
          browser_hash text COLLATE "C" NOT NULL,
          request jsonb NOT NULL,
          session_id uuid,
          steps text[] NOT NULL,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_oauth_waiting_requests_pkey PRIMARY KEY (id)
        )`,
        `CREATE INDEX belfry_oauth_waiting_requests_expires_at_idx ON belfry_oauth_waiting_requests (expires_at)`,
      ],
    },
    {
      name: "0004_signing_keys",
      statements: [
        // Each key but the first of its algorithm takes the place of one, and each one is replaced once: of nodes that
        // rotate at the same time one succeeds.
        `CREATE TABLE belfry_oauth_signing_keys (
          kid text COLLATE "C" NOT NULL,
          algorithm text COLLATE "C" NOT NULL,
          replaces text COLLATE "C",
          public_jwk jsonb NOT NULL,
          private_key text COLLATE "C" NOT NULL,
          created_at timestamptz NOT NULL,
          active_at timestamptz NOT NULL,
          expires_at timestamptz,
          CONSTRAINT belfry_oauth_signing_keys_pkey PRIMARY KEY (kid),
          CONSTRAINT belfry_oauth_signing_keys_algorithm_replaces_key
            UNIQUE NULLS NOT DISTINCT (algorithm, replaces)
        )`,
        `CREATE INDEX belfry_oauth_signing_keys_expires_at_idx ON belfry_oauth_signing_keys (expires_at)`,
      ],
    },
    {
      name: "0005_clients_by_age",
      statements: [
        `CREATE INDEX belfry_oauth_clients_created_at_idx
          ON belfry_oauth_clients (created_at DESC, client_id DESC)`,
      ],
    },
    {
      name: "0006_grants_reference",
      statements: [
        `CREATE INDEX belfry_oauth_grants_reference_id_idx ON belfry_oauth_grants (reference_id)
          WHERE reference_id IS NOT NULL`,
      ],
    },
    {
      name: "0007_client_documents",
      statements: [`ALTER TABLE belfry_oauth_clients ADD COLUMN document_until timestamptz`],
    },
  ],
}
