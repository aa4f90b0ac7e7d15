/**
 * The tables of this package. They stand on those of `core`, whose migrations run first.
 *
 * @since 0.1.0
 */
import type { MigrationSet } from "@belfry/sql/Migrations"

/**
 * The migrations of `factors`: passwords.
 *
 * @category migrations
 * @since 0.1.0
 */
export const migrations: MigrationSet = {
  package: "factors",
  migrations: [
    {
      name: "0001_passwords",
      statements: [
        `CREATE TABLE belfry_passwords (
          user_id uuid NOT NULL,
          hash text COLLATE "C" NOT NULL,
          created_at timestamptz NOT NULL,
          updated_at timestamptz NOT NULL,
          CONSTRAINT belfry_passwords_pkey PRIMARY KEY (user_id),
          CONSTRAINT belfry_passwords_user_id_fkey FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE
        )`,
      ],
    },
  ],
}
