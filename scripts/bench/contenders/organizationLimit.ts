/**
 * The limit of a server with organizations: `node:http` and prepared statements of node-postgres, with no framework, no
 * router, and the checks alone that a correct answer needs. It keeps no audit log, tells nobody what happened and mails
 * nothing.
 *
 * Its tables have the columns that the answers need, and the constraints and indexes that make them right.
 */
import { createHmac, randomBytes } from "node:crypto"
import { withClient } from "../peers.ts"
import { insertSessions, insertUsers, seed, uuid } from "../seed.ts"
import type { SessionTables } from "../seed.ts"
import { file, startContestant } from "./contender.ts"
import { addressOf, editor, getBy, idAt, members, organizations, pageSize, people, postBy } from "./organizations.ts"
import type { OrganizationContender } from "./organizations.ts"

const schema = `
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
  CREATE TABLE organizations (
    id uuid PRIMARY KEY, name text NOT NULL, slug text UNIQUE, member_count integer NOT NULL,
    owner_count integer NOT NULL CHECK (owner_count >= 1), created_at timestamptz NOT NULL
  );
  CREATE TABLE roles (
    organization_id uuid NOT NULL REFERENCES organizations, name text NOT NULL, permissions text[] NOT NULL,
    PRIMARY KEY (organization_id, name)
  );
  CREATE TABLE members (
    id uuid PRIMARY KEY, organization_id uuid NOT NULL REFERENCES organizations, user_id uuid NOT NULL REFERENCES users,
    roles text[] NOT NULL, last_used_at timestamptz, created_at timestamptz NOT NULL, UNIQUE (organization_id, user_id)
  );
  CREATE INDEX ON members (organization_id, id);
  CREATE INDEX ON members (user_id);
  CREATE TABLE invitations (
    id uuid PRIMARY KEY, organization_id uuid NOT NULL REFERENCES organizations, email text NOT NULL,
    roles text[] NOT NULL, status text NOT NULL, token_hash text NOT NULL UNIQUE, inviter_id uuid REFERENCES users,
    accepted_by uuid REFERENCES users, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL
  );
  CREATE UNIQUE INDEX ON invitations (organization_id, email) WHERE status = 'pending';
  CREATE INDEX ON invitations (expires_at) WHERE status = 'pending'`

const tables = (hash: (token: string) => string): SessionTables => ({
  schema,
  issue: (_secret, count) =>
    Promise.resolve(
      Array.from({ length: count }, () => {
        const token = randomBytes(32).toString("base64url")
        return { cookieHeader: `session=${token}`, stored: hash(token) }
      }),
    ),
  insertUsers: insertUsers("users"),
  insertSessions: insertSessions("sessions"),
})

const insertOrganizations = `
  INSERT INTO organizations SELECT ${uuid("organization", "o")}, 'Organization ' || o, 'organization-' || o, $2, 1, now()
  FROM generate_series(1, $1::int) o`

const insertRoles = `
  INSERT INTO roles SELECT ${uuid("organization", "o")}, '${editor}', '{member:read,member:create}' FROM generate_series(1, $1::int) o`

const insertMembers = `
  INSERT INTO members SELECT ${uuid("member", "((o - 1) * $2::int + m)")}, ${uuid("organization", "o")},
    ${uuid("user", "((o - 1) * $2::int + m)")},
    CASE m WHEN 1 THEN '{owner}'::text[] WHEN 2 THEN '{${editor}}' ELSE '{member}' END, NULL, now()
  FROM generate_series(1, $1::int) o CROSS JOIN generate_series(1, $2::int) m`

const insertInvitations = `
  INSERT INTO invitations SELECT md5(hash)::uuid, organization_id, email, '{member}', 'pending', hash, NULL, NULL, now(),
    now() + interval '7 days'
  FROM unnest($1::text[], $2::uuid[], $3::text[]) AS invited (hash, organization_id, email)`

/** The bare server with organizations. */
export const organizationLimit: OrganizationContender = {
  name: "limit",
  start: async (context, database) => {
    const databaseUrl = await context.postgres.createDatabase(database)
    const secret = randomBytes(32)
    const hash = (token: string) => createHmac("sha256", secret).update(token).digest("base64url")
    const secrets = secret.toString("base64")
    const seeded = { databaseUrl, users: people, sessions: people, secrets, tables: tables(hash) }
    const sessions = await seed(seeded)
    const ids = await withClient(databaseUrl, async (client) => {
      await client.query(insertOrganizations, [organizations, members])
      await client.query(insertRoles, [organizations])
      await client.query(insertMembers, [organizations, members])
      await client.query("VACUUM ANALYZE")
      const { rows } = await client.query("SELECT id FROM organizations ORDER BY id")
      return rows.map((row) => String(row["id"]))
    })
    const cookies = sessions.map((session) => session.cookieHeader)
    const contestant = await startContestant(
      context,
      { name: "limit", database, path: "/ready", cookies },
      {
        name: database,
        args: [file("scripts/bench/contenders/organizationLimitServer.ts")],
        env: (port) => ({ PORT: String(port), DATABASE_URL: databaseUrl, SECRET: secrets }),
        readyPath: "/ready",
      },
    )
    const at = (organization: number) => ({ organization: idAt(ids, organization) })
    return {
      ...contestant,
      create: (person, slug) => postBy(cookies, person, "/create", { name: "Analytical Engines", slug }),
      invite: (person, organization, email) =>
        postBy(cookies, person, "/invite", { ...at(organization), email, role: "member" }),
      accept: (person, token) => postBy(cookies, person, "/accept", { token }),
      listMembers: (person, organization) =>
        getBy(cookies, person, `/members?organization=${idAt(ids, organization)}&limit=${pageSize}`),
      mayAdd: (person, organization) =>
        postBy(cookies, person, "/check", { ...at(organization), permission: "member:create" }),
      yes: '"isAllowed":true',
      mails: false,
      keepInvitations: async (invited) => {
        const tokens = invited.map(() => randomBytes(32).toString("base64url"))
        await withClient(databaseUrl, (client) =>
          client.query(insertInvitations, [
            tokens.map(hash),
            invited.map(({ organization }) => idAt(ids, organization)),
            invited.map(({ person }) => addressOf(person)),
          ]),
        )
        return tokens
      },
    }
  },
}
