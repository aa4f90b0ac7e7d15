/**
 * The limit: `node:http` and one prepared statement of node-postgres, with no framework, router or validation between.
 *
 * Its tables have the columns that the answer needs and the indexes that the look-up needs.
 */
import { createHmac, randomBytes } from "node:crypto"
import { insertSessions, insertUsers, seed } from "../seed.ts"
import type { SessionTables } from "../seed.ts"
import { file, startContestant } from "./contender.ts"
import type { Contender } from "./contender.ts"

const tables: SessionTables = {
  schema: `
    CREATE TABLE users (
      id uuid PRIMARY KEY, email text NOT NULL UNIQUE, name text, image text, email_verified_at timestamptz,
      scopes text[] NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL
    );
    CREATE TABLE sessions (
      id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users, token_hash text NOT NULL UNIQUE,
      amr text[] NOT NULL, auth_time timestamptz NOT NULL, created_at timestamptz NOT NULL,
      last_seen_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, ends_at timestamptz NOT NULL,
      ip_address text, user_agent text, label text
    );
    CREATE INDEX ON sessions (user_id);
    CREATE INDEX ON sessions (expires_at)`,
  issue: (secret, count) =>
    Promise.resolve(
      Array.from({ length: count }, () => {
        const token = randomBytes(32).toString("base64url")
        const stored = createHmac("sha256", Buffer.from(secret, "base64")).update(token).digest("base64url")
        return { cookieHeader: `session=${token}`, stored }
      }),
    ),
  insertUsers: insertUsers("users"),
  insertSessions: insertSessions("sessions"),
}

/** The bare server. */
export const bare: Contender = {
  name: "bare",
  start: async (context, database, size) => {
    const databaseUrl = await context.postgres.createDatabase(database)
    const secrets = randomBytes(32).toString("base64")
    const sessions = await seed({ databaseUrl, ...size, secrets, tables })
    const contestant = { name: "bare", database, path: "/session", cookies: sessions.map((it) => it.cookieHeader) }
    return startContestant(context, contestant, {
      name: database,
      args: [file("scripts/bench/contenders/bareServer.ts")],
      env: (port) => ({ PORT: String(port), DATABASE_URL: databaseUrl, SECRET: secrets }),
      readyPath: "/ready",
    })
  },
}
