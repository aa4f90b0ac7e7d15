/**
 * The tables of this package. They stand on those of `core`, whose migrations run first.
 *
 * @since 0.1.0
 */
import type { MigrationSet } from "@belfry/sql/Migrations"

/**
 * The migrations of `factors`: passwords, sign-in attempts with their codes, TOTP, HOTP, backup codes and
 * passkeys.
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
    {
      name: "0002_sign_in_attempts",
      statements: [
        `CREATE TABLE belfry_sign_in_attempts (
          id uuid NOT NULL,
          token_hash text COLLATE "C" NOT NULL,
          user_id uuid,
          session_id uuid,
          step_up jsonb,
          proofs jsonb NOT NULL,
          tries integer NOT NULL,
          context jsonb NOT NULL,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_sign_in_attempts_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_sign_in_attempts_token_hash_key UNIQUE (token_hash),
          CONSTRAINT belfry_sign_in_attempts_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE,
          CONSTRAINT belfry_sign_in_attempts_session_id_fkey
            FOREIGN KEY (session_id) REFERENCES belfry_sessions (id) ON DELETE CASCADE,
          CONSTRAINT belfry_sign_in_attempts_proofs_have_user
            CHECK (user_id IS NOT NULL OR (proofs = '[]' AND session_id IS NULL)),
          CONSTRAINT belfry_sign_in_attempts_step_up CHECK ((session_id IS NULL) = (step_up IS NULL)),
          CONSTRAINT belfry_sign_in_attempts_tries CHECK (tries >= 0)
        )`,
        `CREATE INDEX belfry_sign_in_attempts_user_id_idx ON belfry_sign_in_attempts (user_id)`,
        `CREATE INDEX belfry_sign_in_attempts_session_id_idx ON belfry_sign_in_attempts (session_id)`,
        `CREATE INDEX belfry_sign_in_attempts_expires_at_idx ON belfry_sign_in_attempts (expires_at)`,
      ],
    },
    {
      name: "0003_email_codes",
      statements: [
        // Cleaned up with their attempts, which live longer.
        `CREATE TABLE belfry_email_codes (
          attempt_id uuid NOT NULL,
          email text COLLATE "C" NOT NULL,
          code_hash text COLLATE "C" NOT NULL,
          created_at timestamptz NOT NULL,
          expires_at timestamptz NOT NULL,
          CONSTRAINT belfry_email_codes_pkey PRIMARY KEY (attempt_id),
          CONSTRAINT belfry_email_codes_attempt_id_fkey
            FOREIGN KEY (attempt_id) REFERENCES belfry_sign_in_attempts (id) ON DELETE CASCADE
        )`,
      ],
    },
    {
      name: "0004_one_time_passwords",
      statements: [
        `CREATE TABLE belfry_totps (
          user_id uuid NOT NULL,
          secret text COLLATE "C" NOT NULL,
          algorithm text COLLATE "C" NOT NULL,
          digits integer NOT NULL,
          period integer NOT NULL,
          last_step bigint,
          created_at timestamptz NOT NULL,
          confirmed_at timestamptz,
          last_used_at timestamptz,
          CONSTRAINT belfry_totps_pkey PRIMARY KEY (user_id),
          CONSTRAINT belfry_totps_user_id_fkey FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE,
          CONSTRAINT belfry_totps_algorithm CHECK (algorithm IN ('SHA1', 'SHA256', 'SHA512')),
          CONSTRAINT belfry_totps_digits CHECK (digits IN (6, 8)),
          CONSTRAINT belfry_totps_period CHECK (period > 0)
        )`,
        `CREATE TABLE belfry_hotps (
          user_id uuid NOT NULL,
          secret text COLLATE "C" NOT NULL,
          digits integer NOT NULL,
          counter bigint NOT NULL,
          created_at timestamptz NOT NULL,
          confirmed_at timestamptz,
          last_used_at timestamptz,
          CONSTRAINT belfry_hotps_pkey PRIMARY KEY (user_id),
          CONSTRAINT belfry_hotps_user_id_fkey FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE,
          CONSTRAINT belfry_hotps_digits CHECK (digits IN (6, 8)),
          CONSTRAINT belfry_hotps_counter CHECK (counter >= 0)
        )`,
      ],
    },
    {
      name: "0005_backup_codes",
      statements: [
        `CREATE TABLE belfry_backup_codes (
          user_id uuid NOT NULL,
          code_hash text COLLATE "C" NOT NULL,
          created_at timestamptz NOT NULL,
          used_at timestamptz,
          CONSTRAINT belfry_backup_codes_pkey PRIMARY KEY (user_id, code_hash),
          CONSTRAINT belfry_backup_codes_user_id_fkey
            FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE
        )`,
      ],
    },
    {
      name: "0006_passkeys",
      statements: [
        `CREATE TABLE belfry_passkeys (
          id uuid NOT NULL,
          user_id uuid NOT NULL,
          credential_id text COLLATE "C" NOT NULL,
          public_key bytea NOT NULL,
          sign_count bigint NOT NULL,
          transports text[] NOT NULL,
          aaguid text COLLATE "C" NOT NULL,
          is_multi_device boolean NOT NULL,
          is_backed_up boolean NOT NULL,
          name text NOT NULL,
          created_at timestamptz NOT NULL,
          last_used_at timestamptz,
          CONSTRAINT belfry_passkeys_pkey PRIMARY KEY (id),
          CONSTRAINT belfry_passkeys_credential_id_key UNIQUE (credential_id),
          CONSTRAINT belfry_passkeys_user_id_fkey FOREIGN KEY (user_id) REFERENCES belfry_users (id) ON DELETE CASCADE,
          CONSTRAINT belfry_passkeys_sign_count CHECK (sign_count >= 0)
        )`,
        `CREATE INDEX belfry_passkeys_user_id_created_at_idx ON belfry_passkeys (user_id, created_at)`,
      ],
    },
    {
      // Sealed from now on. The table is written anew, so that nothing of what was kept in clear stays in its file; the
      // sign-ins on their way then lead to the account.
      name: "0007_sealed_sign_in_contexts",
      statements: [
        `ALTER TABLE belfry_sign_in_attempts
          ALTER COLUMN context DROP NOT NULL,
          ALTER COLUMN context TYPE text COLLATE "C" USING NULL::text`,
      ],
    },
  ],
}
