/**
 * Sessions in PostgreSQL.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { KeyedHash } from "./KeyedHash.ts"
import type { AuthenticationMethod, Session, SessionId, SessionProof } from "./Session.ts"
import { SessionStore, type StoredSession } from "./SessionStore.ts"
import * as SqlBatch from "./SqlBatch.ts"
import { removeExpired } from "./SqlExpiry.ts"
import { toJsonb } from "./SqlJson.ts"
import * as SqlStoreError from "./SqlStoreError.ts"
import type { Email, UserId } from "./User.ts"

/**
 * Builds the store over the SQL client.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = SqlStoreError.statements(sql, "SessionStore")
  const columns = sql.literal(sessionColumns)
  const storedColumns = sql.literal(storedSessionColumns)

  // The hot path: every authenticated request runs this and nothing else. Two look-ups by unique index, rows mapped by
  // hand. As many values as there are, not an array: the database knows the number of rows then, and keeps its plan,
  // where it would plan an array anew each time.
  const find = (hashes: ReadonlyArray<string>) =>
    statements.read(
      "findByTokenHash",
      sql<StoredSessionRow>`SELECT ${storedColumns} FROM belfry_sessions s
        JOIN belfry_users u ON u.id = s.user_id WHERE s.token_hash IN ${sql.in(filledUp(hashes))}`,
    )
  const findJoined = SqlBatch.make((asked: NonEmptyReadonlyArray<NonEmptyReadonlyArray<KeyedHash>>) =>
    Effect.map(find([...new Set(asked.flat())]), (rows) => {
      const found = new Map(rows.map((row) => [row.token_hash, row]))
      return (hashes: NonEmptyReadonlyArray<KeyedHash>) =>
        Option.firstSomeOf(hashes.map((hash) => Option.fromUndefinedOr(found.get(hash))))
    }),
  )

  const findByTokenHash = (hashes: NonEmptyReadonlyArray<KeyedHash>) =>
    Effect.flatMap(SqlStoreError.isInTransaction(sql), (isInside) =>
      Effect.map(
        // Inside a transaction its own writes must be seen, on its own connection.
        isInside ? Effect.map(find(hashes), (rows) => Option.fromUndefinedOr(rows[0])) : findJoined(hashes),
        Option.map(toStoredSession),
      ),
    )

  return SessionStore.of({
    findByTokenHash,
    insert: (session, tokenHash, proofs = []) =>
      Effect.asVoid(
        statements.write(
          "insert",
          sql`INSERT INTO belfry_sessions (${columns}, token_hash, proofs) VALUES (
            ${session.id}, ${session.userId}, ${session.amr}, ${session.acr}, ${toDate(session.authTime)}, ${toDate(session.createdAt)},
            ${toDate(session.lastSeenAt)}, ${toDate(session.expiresAt)}, ${toDate(session.endsAt)},
            ${session.ipAddress}, ${session.userAgent}, ${session.label}, ${tokenHash}, ${toProofs(proofs)}::jsonb
          )`,
        ),
      ),
    // Whoever waits for the row's lock looks at it again, no longer finds what was seen, and answers false.
    touch: (seen, next) =>
      Effect.map(
        statements.write(
          "touch",
          sql`UPDATE belfry_sessions
            SET last_seen_at = ${toDate(next.lastSeenAt)}, expires_at = ${toDate(next.expiresAt)}
            WHERE id = ${seen.id} AND last_seen_at = ${toDate(seen.lastSeenAt)}
              AND expires_at = ${toDate(seen.expiresAt)}
            RETURNING id`,
        ),
        isSome,
      ),
    rehash: (id, from, to) =>
      Effect.map(
        statements.write(
          "rehash",
          sql`UPDATE belfry_sessions SET token_hash = ${to} WHERE id = ${id} AND token_hash = ${from} RETURNING id`,
        ),
        isSome,
      ),
    rotate: ({ id, tokenHash, amr, acr, authTime, proofs = [], now }) =>
      Effect.map(
        statements.write(
          "rotate",
          sql<SessionRow>`UPDATE belfry_sessions SET token_hash = ${tokenHash}, amr = ${amr}, acr = ${acr},
              auth_time = ${toDate(authTime)}, proofs = proofs || ${toProofs(proofs)}::jsonb
            WHERE id = ${id} AND expires_at > ${toDate(now)} RETURNING ${columns}`,
        ),
        firstSession,
      ),
    listProofs: (id, since) =>
      Effect.map(
        statements.read(
          "listProofs",
          sql<SessionProofRow>`SELECT factor, at::float8 FROM belfry_sessions, jsonb_each_text(proofs) AS proof (factor, at)
            WHERE id = ${id} AND at::float8 > ${since.epochMilliseconds}::float8
            ORDER BY at::float8, factor COLLATE "C"`,
        ),
        (rows) => rows.map(({ factor, at }) => ({ factor, at: DateTime.makeUnsafe(at) })),
      ),
    listByUser: (userId, now) =>
      Effect.map(
        statements.read(
          "listByUser",
          sql<SessionRow>`SELECT ${columns} FROM belfry_sessions
            WHERE user_id = ${userId} AND expires_at > ${toDate(now)} ORDER BY created_at DESC, id DESC`,
        ),
        (rows) => rows.map(toSession),
      ),
    remove: (userId, id) =>
      Effect.map(
        statements.write(
          "remove",
          sql<SessionRow>`DELETE FROM belfry_sessions WHERE id = ${id} AND user_id = ${userId} RETURNING ${columns}`,
        ),
        firstSession,
      ),
    removeByUser: (userId, except) =>
      Effect.map(
        statements.write(
          "removeByUser",
          sql<{ readonly id: SessionId }>`DELETE FROM belfry_sessions
            WHERE user_id = ${userId} AND id IS DISTINCT FROM ${Option.getOrNull(except)} RETURNING id`,
        ),
        (rows) => rows.map((row) => row.id),
      ),
    removeExpired: (now, limit) =>
      statements.write("removeExpired", removeExpired(sql, "belfry_sessions", toDate(now), limit)),
  })
})

/**
 * Layer that keeps sessions in PostgreSQL.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SessionStore, never, SqlClient.SqlClient> = Layer.effect(SessionStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** As many values as the next power of two, the last of them again and again: so few texts are prepared. */
const filledUp = (values: ReadonlyArray<string>): ReadonlyArray<string> => {
  const size = 2 ** Math.ceil(Math.log2(Math.max(values.length, 1)))
  return Array.from({ length: size }, (_, index) => values[Math.min(index, values.length - 1)] ?? "")
}

const sessionColumns =
  "id, user_id, amr, acr, auth_time, created_at, last_seen_at, expires_at, ends_at, ip_address, user_agent, label"

const storedSessionColumns = `${sessionColumns
  .split(", ")
  .map((column) => `s.${column}`)
  .join(", ")}, s.token_hash, u.email, u.name, u.image, u.email_verified_at, u.scopes, u.disabled_at,
  u.created_at AS user_created_at, u.updated_at AS user_updated_at`

interface SessionRow {
  readonly id: SessionId
  readonly user_id: UserId
  readonly amr: ReadonlyArray<AuthenticationMethod>
  readonly acr: string | null
  readonly auth_time: Date
  readonly created_at: Date
  readonly last_seen_at: Date
  readonly expires_at: Date
  readonly ends_at: Date
  readonly ip_address: string | null
  readonly user_agent: string | null
  readonly label: string | null
}

interface StoredSessionRow extends SessionRow {
  readonly token_hash: KeyedHash
  readonly email: Email
  readonly name: string | null
  readonly image: string | null
  readonly email_verified_at: Date | null
  readonly scopes: ReadonlyArray<string>
  readonly disabled_at: Date | null
  readonly user_created_at: Date
  readonly user_updated_at: Date
}

interface SessionProofRow {
  readonly factor: string
  /** In milliseconds since the epoch. */
  readonly at: number
}

/** What was proved as an object of the times by factor, in milliseconds since the epoch. */
const toProofs = (proofs: ReadonlyArray<SessionProof>): string =>
  toJsonb(Object.fromEntries(proofs.map(({ factor, at }) => [factor, at.epochMilliseconds])))

const toSession = (row: SessionRow): Session => ({
  id: row.id,
  userId: row.user_id,
  amr: row.amr,
  acr: row.acr,
  authTime: DateTime.fromDateUnsafe(row.auth_time),
  createdAt: DateTime.fromDateUnsafe(row.created_at),
  lastSeenAt: DateTime.fromDateUnsafe(row.last_seen_at),
  expiresAt: DateTime.fromDateUnsafe(row.expires_at),
  endsAt: DateTime.fromDateUnsafe(row.ends_at),
  ipAddress: row.ip_address,
  userAgent: row.user_agent,
  label: row.label,
})

const toStoredSession = (row: StoredSessionRow): StoredSession => ({
  session: toSession(row),
  user: {
    id: row.user_id,
    email: row.email,
    name: row.name,
    image: row.image,
    emailVerifiedAt: row.email_verified_at === null ? null : DateTime.fromDateUnsafe(row.email_verified_at),
    scopes: row.scopes,
    disabledAt: row.disabled_at === null ? null : DateTime.fromDateUnsafe(row.disabled_at),
    createdAt: DateTime.fromDateUnsafe(row.user_created_at),
    updatedAt: DateTime.fromDateUnsafe(row.user_updated_at),
  },
  tokenHash: row.token_hash,
})

const firstSession = ([row]: ReadonlyArray<SessionRow>): Option.Option<Session> =>
  row === undefined ? Option.none() : Option.some(toSession(row))

const isSome = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0

const toDate = DateTime.toDateUtc
