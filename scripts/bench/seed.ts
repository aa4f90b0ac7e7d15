/**
 * Fills a contender's tables with users and sessions in a few statements, a million sessions in seconds.
 *
 * Only sessions whose cookies a bench sends need a token: up to `knownLimit` of them are spread evenly over the whole
 * table, and the rows between get hashes that no token has. A contender describes its tables as `SessionTables`.
 */
import { createHmac, randomBytes } from "node:crypto"
import { withClient } from "./peers.ts"

/** A session as its holder and its table know it. */
export interface IssuedSession {
  /** Value of the `Cookie` header. */
  readonly cookieHeader: string
  /** What the table holds to find it by. */
  readonly stored: string
}

/** How one contender keeps users and sessions. */
export interface SessionTables {
  /** Statements that create the tables, where no migration of the contender does. */
  readonly schema?: string
  /** Makes up a session; `secrets` is the contender's own secret setting. */
  readonly issue: (secrets: string) => IssuedSession
  /** Inserts users; $1 is their number. */
  readonly insertUsers: string
  /**
   * Inserts sessions: $1 their number, $2 the number of users, $3 the stored values of the known sessions (text[]),
   * $4 every how many rows one of them comes.
   */
  readonly insertSessions: string
}

/** What to seed. */
export interface SeedOptions {
  readonly databaseUrl: string
  readonly users: number
  readonly sessions: number
  readonly secrets: string
  /** Belfry's tables unless given. */
  readonly tables?: SessionTables
}

/** A seeded session that can be used. */
export interface SeededSession {
  readonly cookieHeader: string
}

const knownLimit = 10_000

/** Name and purpose of what Belfry's cookie carries. */
const belfryCookie = "belfry_session"

/** First key of a `BELFRY_SECRETS` value (`id:base64,id:base64,...`): the one that signs. */
export const firstSecret = (secrets: string): Buffer => {
  const first = secrets.split(",")[0] ?? ""
  return Buffer.from(first.slice(first.indexOf(":") + 1), "base64")
}

/** Belfry's tables, as its migrations make them. */
export const belfryTables: SessionTables = {
  issue: (secrets) => {
    const token = `bs_${randomBytes(32).toString("base64url")}`
    return {
      cookieHeader: `${belfryCookie}=${token}`,
      stored: createHmac("sha256", firstSecret(secrets)).update(token).digest("hex"),
    }
  },
  insertUsers: `
    INSERT INTO users (id, email, name, image, email_verified_at, scopes, created_at, updated_at)
    SELECT md5('user' || g)::uuid, 'user' || g || '@example.com', 'User ' || g, NULL, now(), '{}', now(), now()
    FROM generate_series(1, $1::int) g`,
  insertSessions: `
    INSERT INTO sessions (id, user_id, token_hash, amr, auth_time, created_at, last_seen_at, expires_at,
      expires_at_latest, ip_address, user_agent, label)
    SELECT md5('session' || g)::uuid, md5('user' || (g % $2::int) + 1)::uuid,
      CASE WHEN g % $4::int = 0 THEN ($3::text[])[g / $4::int] ELSE encode(sha256(('filler' || g)::bytea), 'hex') END,
      '{pwd}', now(), now(), now(), now() + interval '7 days', now() + interval '30 days', '192.0.2.1',
      'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', NULL
    FROM generate_series(1, $1::int) g`,
}

/** Inserts users and sessions and returns up to 10,000 of the sessions, spread evenly over the table. */
export const seed = async (options: SeedOptions): Promise<ReadonlyArray<SeededSession>> => {
  const tables = options.tables ?? belfryTables
  const stride = Math.max(1, Math.ceil(options.sessions / knownLimit))
  const known = Array.from({ length: Math.floor(options.sessions / stride) }, () => tables.issue(options.secrets))
  await withClient(options.databaseUrl, async (client) => {
    if (tables.schema !== undefined) await client.query(tables.schema)
    await client.query(tables.insertUsers, [options.users])
    const stored = known.map((session) => session.stored)
    await client.query(tables.insertSessions, [options.sessions, options.users, stored, stride])
    // Without this the first reader of each page would write hint bits, and the planner would guess.
    await client.query("VACUUM ANALYZE")
    await client.query("CHECKPOINT")
  })
  return known.map(({ cookieHeader }) => ({ cookieHeader }))
}
