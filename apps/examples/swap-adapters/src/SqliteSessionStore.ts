/**
 * Sessions in SQLite: an adapter of the port `SessionStore` that is not Belfry's. Users are kept elsewhere.
 *
 * The contract suite of the port, which the adapters of Belfry pass, is what it has to pass: see the test beside it.
 */
import { KeyedHash, Session, SessionStore, StoreError, UserStore } from "@belfry/core"
import { Config, DateTime, Effect, Layer, Option, Schema } from "effect"
import { DatabaseSync } from "node:sqlite"

/** The store in a file; in memory by `:memory:`. */
export const make = Effect.fnUntraced(function* (file: string) {
  const users = yield* UserStore.UserStore
  const database = yield* Effect.acquireRelease(
    Effect.sync(() => new DatabaseSync(file)),
    (database) => Effect.sync(() => database.close()),
  )
  database.exec(schema)

  /** One statement: SQLite answers in the same step, so nothing comes between. What it refuses is the port's error. */
  const statement = <A>(method: string, run: () => A) =>
    Effect.try({
      try: run,
      catch: (cause) => new StoreError.StoreError({ store: "SessionStore", method, isRetryable: false, cause }),
    })
  const all = (sql: string, ...values: ReadonlyArray<string | number>) => database.prepare(sql).all(...values)
  const first = (sql: string, ...values: ReadonlyArray<string | number>) =>
    Option.fromUndefinedOr(all(sql, ...values)[0])
  const change = (sql: string, ...values: ReadonlyArray<string | number>) =>
    database.prepare(sql).run(...values).changes

  const prove = (id: string, proofs: ReadonlyArray<Session.SessionProof>) => {
    for (const { factor, at } of proofs) {
      change("INSERT OR REPLACE INTO proofs VALUES (?, ?, ?)", id, factor, at.epochMilliseconds)
    }
  }

  /** All or nothing, for what takes two statements. */
  const atOnce = <A>(run: () => A): A => {
    database.exec("BEGIN IMMEDIATE")
    try {
      const answer = run()
      database.exec("COMMIT")
      return answer
    } catch (cause) {
      database.exec("ROLLBACK")
      throw cause
    }
  }

  // What another database cannot see to: a session of a user who is gone is none.
  const ownerOf = (row: Row) => users.findById(decode(row).userId)
  const hasOwner = (userId: Session.Session["userId"]) => Effect.map(users.findById(userId), Option.isSome)

  return SessionStore.SessionStore.of({
    insert: Effect.fnUntraced(function* (session, tokenHash, proofs = []) {
      const isKnown = yield* hasOwner(session.userId)
      yield* statement("insert", () => {
        if (!isKnown) throw new Error("there is no such user")
        atOnce(() => {
          const times = [session.lastSeenAt, session.expiresAt, session.endsAt].map((it) => it.epochMilliseconds)
          const values = [session.id, session.userId, tokenHash, encode(session), ...times]
          change("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)", ...values)
          prove(session.id, proofs)
        })
      })
    }),
    findByTokenHash: Effect.fnUntraced(function* (hashes) {
      const places = hashes.map(() => "?").join(", ")
      const sql = `SELECT json, token_hash FROM sessions WHERE token_hash IN (${places})`
      const row = yield* statement("findByTokenHash", () => first(sql, ...hashes))
      if (Option.isNone(row)) return Option.none()
      const tokenHash = KeyedHash.KeyedHash.make(String(row.value["token_hash"]))
      return Option.map(yield* ownerOf(row.value), (user) => ({ session: decode(row.value), user, tokenHash }))
    }),
    touch: (seen, { expiresAt, lastSeenAt }) =>
      statement("touch", () => {
        const sql = `UPDATE sessions SET last_seen_at = ?, expires_at = ?,
          json = json_set(json, '$.lastSeenAt', ?, '$.expiresAt', ?)
          WHERE id = ? AND last_seen_at = ? AND expires_at = ?`
        const times = [lastSeenAt.epochMilliseconds, expiresAt.epochMilliseconds]
        const texts = [DateTime.formatIso(lastSeenAt), DateTime.formatIso(expiresAt), seen.id]
        return (
          change(sql, ...times, ...texts, seen.lastSeenAt.epochMilliseconds, seen.expiresAt.epochMilliseconds) === 1
        )
      }),
    rehash: (id, from, to) =>
      statement(
        "rehash",
        () => change("UPDATE sessions SET token_hash = ? WHERE id = ? AND token_hash = ?", to, id, from) === 1,
      ),
    rotate: ({ id, tokenHash, amr, acr, authTime, proofs = [], now }) =>
      statement("rotate", () =>
        atOnce(() => {
          const sql = `UPDATE sessions SET token_hash = ?,
            json = json_set(json, '$.amr', json(?), '$.acr', json(?), '$.authTime', ?)
            WHERE id = ? AND expires_at > ? RETURNING json`
          const values = [JSON.stringify(amr), JSON.stringify(acr), DateTime.formatIso(authTime)]
          const row = first(sql, tokenHash, ...values, id, now.epochMilliseconds)
          if (Option.isSome(row)) prove(id, proofs)
          return Option.map(row, decode)
        }),
      ),
    listProofs: Effect.fnUntraced(function* (id, since) {
      const session = yield* statement("listProofs", () => first("SELECT json FROM sessions WHERE id = ?", id))
      if (Option.isNone(session) || Option.isNone(yield* ownerOf(session.value))) return []
      const sql = "SELECT factor, at FROM proofs WHERE session_id = ? AND at > ? ORDER BY at, factor"
      const rows = yield* statement("listProofs", () => all(sql, id, since.epochMilliseconds))
      return rows.map(({ at, factor }) => ({ factor: String(factor), at: DateTime.makeUnsafe(Number(at)) }))
    }),
    listByUser: Effect.fnUntraced(function* (userId, now) {
      if (!(yield* hasOwner(userId))) return []
      const sql = "SELECT json FROM sessions WHERE user_id = ? AND expires_at > ?"
      const rows = yield* statement("listByUser", () => all(sql, userId, now.epochMilliseconds))
      return rows.map(decode).toSorted((a, b) => b.createdAt.epochMilliseconds - a.createdAt.epochMilliseconds)
    }),
    remove: Effect.fnUntraced(function* (userId, id) {
      const sql = "DELETE FROM sessions WHERE user_id = ? AND id = ? RETURNING json"
      const removed = yield* statement("remove", () => first(sql, userId, id))
      return (yield* hasOwner(userId)) ? Option.map(removed, decode) : Option.none()
    }),
    removeByUser: (userId, except) =>
      statement("removeByUser", () => {
        const sql = "DELETE FROM sessions WHERE user_id = ? AND id <> ? RETURNING json"
        return all(
          sql,
          userId,
          Option.getOrElse(except, () => ""),
        ).map((row) => decode(row).id)
      }),
    removeExpired: (now, limit) =>
      statement("removeExpired", () => {
        const oldest = "SELECT id FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
        return Number(change(`DELETE FROM sessions WHERE id IN (${oldest})`, now.epochMilliseconds, limit))
      }),
  })
})

/** Layer of the store in the file of `SESSIONS_FILE`. */
export const layerConfig = Layer.effect(
  SessionStore.SessionStore,
  Effect.gen(function* () {
    return yield* make(yield* Config.String("SESSIONS_FILE"))
  }),
)

// internal

const schema = `
  PRAGMA foreign_keys = ON;
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE, json TEXT NOT NULL,
    last_seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, CHECK (expires_at <= ends_at)
  );
  CREATE INDEX IF NOT EXISTS sessions_user ON sessions (user_id);
  CREATE INDEX IF NOT EXISTS sessions_expiry ON sessions (expires_at);
  CREATE TABLE IF NOT EXISTS proofs (
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE, factor TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (session_id, factor)
  );`

type Row = Readonly<Record<string, unknown>>

const Json = Schema.fromJsonString(Schema.toCodecJson(Session.Session))
const encode = Schema.encodeSync(Json)
const decode = ({ json }: Row): Session.Session => Schema.decodeUnknownSync(Json)(json)
