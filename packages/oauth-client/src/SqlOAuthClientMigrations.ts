/**
 * The tables of this package. They stand on those of `core`, whose migrations run first.
 *
 * @since 0.1.0
 */
import type { MigrationSet } from "@belfry/sql/Migrations"

/**
 * The migrations of `oauth-client`: the states of authorization requests. Linked accounts are in `core`.
 *
 * @category migrations
 * @since 0.1.0
 */
export const migrations: MigrationSet = {
  package: "oauth-client",
  migrations: [
    {
      name: "0001_oauth_states",
      statements: [
        `CREATE TABLE belfry_oauth_states (
          state_hash text COLLATE "C" NOT NULL,
          provider_id text COLLATE "C" NOT NULL,
          user_id uuid,
          sealed text COLLATE "C" NOT NULL,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_oauth_states_pkey PRIMARY KEY (state_hash),
          CONSTRAINT belfry_oauth_states_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE
        )`,
        `CREATE INDEX belfry_oauth_states_user_id_idx ON belfry_oauth_states (user_id)`,
        `CREATE INDEX belfry_oauth_states_expires_at_idx ON belfry_oauth_states (expires_at)`,
      ],
    },
  ],
}
