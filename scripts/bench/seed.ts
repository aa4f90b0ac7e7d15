/**
 * Fills a contender's tables with users and sessions in a few statements, a million sessions in seconds.
 *
 * Only sessions whose cookies a bench sends need a token: up to 10,000 of them are spread evenly over the whole table,
 * and the rows between get hashes that no token has. A contender describes its tables as `SessionTables`.
 */
import * as KeyRing from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { sessionCookie, tokenPrefix } from "@belfry/core/Sessions"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
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
  /** Makes up sessions; `secrets` is the contender's own secret setting. */
  readonly issue: (secrets: string, count: number) => Promise<ReadonlyArray<IssuedSession>>
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

/** SQL for the UUIDv7 that row `n` of a table has: ids grow with the rows, as the ids of real rows do. */
export const uuid = (kind: string, n: string): string => {
  const hash = `md5('${kind}' || ${n})`
  return `(lpad(to_hex(1760000000000 + ${n}), 12, '0') || '7' || left(${hash}, 3) || '8' || right(${hash}, 15))::uuid`
}

/** SQL that inserts users into a table with the columns of Belfry's. */
export const insertUsers = (table: string): string => `
  INSERT INTO ${table} (id, email, name, image, email_verified_at, scopes, created_at, updated_at)
  SELECT ${uuid("user", "g")}, 'user' || g || '@example.com', 'User ' || g, NULL, now(), '{}', now(), now()
  FROM generate_series(1, $1::int) g`

/** SQL that inserts sessions into a table with the columns of Belfry's. */
export const insertSessions = (table: string): string => `
  INSERT INTO ${table} (id, user_id, token_hash, amr, auth_time, created_at, last_seen_at, expires_at, ends_at,
    ip_address, user_agent, label)
  SELECT ${uuid("session", "g")}, ${uuid("user", "(g % $2::int + 1)")},
    CASE WHEN g % $4::int = 0 THEN ($3::text[])[g / $4::int]
      ELSE 'k1.' || left(translate(encode(sha256(('filler' || g)::bytea), 'base64'), '+/', '-_'), 43) END,
    '{pwd}', now(), now(), now(), now() + interval '7 days', now() + interval '30 days', '192.0.2.1',
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', NULL
  FROM generate_series(1, $1::int) g`

/** Belfry's tables, with tokens and hashes made by its own code. */
const belfryTables: SessionTables = {
  issue: (secrets, count) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const ring = yield* KeyRing.make(yield* Effect.fromResult(KeyRing.parseSecrets(secrets)))
        const hasher = yield* ring.hasher("session-token")
        return yield* Effect.replicateEffect(
          Effect.gen(function* () {
            const token = yield* OpaqueToken.generate(tokenPrefix)
            return { cookieHeader: `${sessionCookie}=${Redacted.value(token)}`, stored: yield* hasher.hash(token) }
          }),
          count,
        )
      }).pipe(Effect.provide(NodeCrypto.layer)),
    ),
  insertUsers: insertUsers("belfry_users"),
  insertSessions: insertSessions("belfry_sessions"),
}

/** Inserts users and sessions and returns up to 10,000 of the sessions, spread evenly over the table. */
export const seed = async (options: SeedOptions): Promise<ReadonlyArray<SeededSession>> => {
  const tables = options.tables ?? belfryTables
  const stride = Math.max(1, Math.ceil(options.sessions / knownLimit))
  const known = await tables.issue(options.secrets, Math.floor(options.sessions / stride))
  await withClient(options.databaseUrl, async (client) => {
    if (tables.schema !== undefined) await client.query(tables.schema)
    // To look up the user of each of a million sessions would take longer than all the rest.
    await client.query("SET session_replication_role = 'replica'")
    await client.query(tables.insertUsers, [options.users])
    const stored = known.map((session) => session.stored)
    await client.query(tables.insertSessions, [options.sessions, options.users, stored, stride])
    // Without this the first reader of each page would write hint bits, and the planner would guess.
    await client.query("VACUUM ANALYZE")
    await client.query("CHECKPOINT")
  })
  return known.map(({ cookieHeader }) => ({ cookieHeader }))
}

/** Gives every user of Belfry's tables the same password hash. */
export const seedPasswords = (databaseUrl: string, hash: string): Promise<void> =>
  withClient(databaseUrl, async (client) => {
    await client.query(
      `INSERT INTO belfry_passwords (user_id, hash, created_at, updated_at)
       SELECT id, $1, now(), now() FROM belfry_users`,
      [hash],
    )
    await client.query("VACUUM ANALYZE belfry_passwords")
  })
