/**
 * Sessions in memory.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as MemoryStoreError from "./MemoryStoreError.ts"
import type { KeyedHash } from "./KeyedHash.ts"
import { MemoryTables, type SessionRow } from "./MemoryTables.ts"
import type { Session, SessionProof } from "./Session.ts"
import { SessionStore } from "./SessionStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { sessions } = tables
  const withHash = (hashes: ReadonlyArray<KeyedHash>): SessionRow | undefined =>
    [...sessions.values()].find((row) => hashes.includes(row.tokenHash))

  yield* tables.onUserRemoved((userId) => {
    for (const { session } of sessions.values()) if (session.userId === userId) tables.removeSession(session.id)
  })

  return SessionStore.of({
    insert: (session, tokenHash, proofs = []) =>
      tables.statement(() => {
        if (!tables.users.has(session.userId)) return refuse("insert", "the user exists")
        if (sessions.has(session.id)) return refuse("insert", "unique id")
        if (withHash([tokenHash]) !== undefined) return refuse("insert", "unique token hash")
        if (DateTime.isGreaterThan(session.expiresAt, session.endsAt)) return refuse("insert", "absolute end")
        sessions.set(session.id, { session, tokenHash, proofs: new Map(proofs.map(entry)) })
        return Effect.void
      }),
    findByTokenHash: (hashes) =>
      tables.statement(() => {
        const row = withHash(hashes)
        const user = row && tables.users.get(row.session.userId)
        if (row === undefined || user === undefined) return Effect.succeedNone
        return Effect.succeedSome({ session: row.session, user, tokenHash: row.tokenHash })
      }),
    touch: (seen, next) =>
      tables.statement(() => {
        const row = sessions.get(seen.id)
        if (
          row === undefined ||
          row.session.lastSeenAt.epochMilliseconds !== seen.lastSeenAt.epochMilliseconds ||
          row.session.expiresAt.epochMilliseconds !== seen.expiresAt.epochMilliseconds
        ) {
          return Effect.succeed(false)
        }
        if (DateTime.isGreaterThan(next.expiresAt, row.session.endsAt)) return refuse("touch", "absolute end")
        const { lastSeenAt, expiresAt } = next
        sessions.set(seen.id, { ...row, session: { ...row.session, lastSeenAt, expiresAt } })
        return Effect.succeed(true)
      }),
    rehash: (id, from, to) =>
      tables.statement(() => {
        const row = sessions.get(id)
        if (row === undefined || row.tokenHash !== from) return Effect.succeed(false)
        if ((withHash([to])?.session.id ?? id) !== id) return refuse("rehash", "unique token hash")
        sessions.set(id, { ...row, tokenHash: to })
        return Effect.succeed(true)
      }),
    rotate: ({ id, tokenHash, amr, acr, authTime, proofs = [], now }) =>
      tables.statement(() => {
        const row = sessions.get(id)
        if (row === undefined || isOver(row, now)) return Effect.succeedNone
        if ((withHash([tokenHash])?.session.id ?? id) !== id) return refuse("rotate", "unique token hash")
        const session: Session = { ...row.session, amr, acr, authTime }
        sessions.set(id, { session, tokenHash, proofs: new Map([...row.proofs, ...proofs.map(entry)]) })
        return Effect.succeedSome(session)
      }),
    listProofs: (id, since) =>
      tables.statement(() =>
        Effect.succeed(
          [...(sessions.get(id)?.proofs ?? [])]
            .map(([factor, at]): SessionProof => ({ factor, at }))
            .filter(({ at }) => DateTime.isGreaterThan(at, since))
            .sort(byTime),
        ),
      ),
    listByUser: (userId, now) =>
      tables.statement(() =>
        Effect.succeed(
          [...sessions.values()]
            .filter((row) => row.session.userId === userId && !isOver(row, now))
            .map((row) => row.session)
            .sort(newestFirst),
        ),
      ),
    remove: (userId, id) =>
      tables.statement(() => {
        const row = sessions.get(id)
        if (row === undefined || row.session.userId !== userId) return Effect.succeedNone
        tables.removeSession(id)
        return Effect.succeedSome(row.session)
      }),
    removeByUser: (userId, except) =>
      tables.statement(() => {
        const ids = [...sessions.values()]
          .filter(({ session }) => session.userId === userId && session.id !== Option.getOrNull(except))
          .map(({ session }) => session.id)
        ids.forEach(tables.removeSession)
        return Effect.succeed(ids)
      }),
    removeExpired: (now, limit) =>
      tables.statement(() => {
        const rows = [...sessions.values()]
          .filter((row) => isOver(row, now))
          .sort((a, b) => a.session.expiresAt.epochMilliseconds - b.session.expiresAt.epochMilliseconds)
          .slice(0, limit)
        rows.forEach(({ session }) => tables.removeSession(session.id))
        return Effect.succeed(rows.length)
      }),
  })
})

/**
 * Layer that keeps sessions in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SessionStore, never, MemoryTables> = Layer.effect(SessionStore, make)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const refuse = (method: string, constraint: string) => MemoryStoreError.refuse("SessionStore", method, constraint)

const isOver = ({ session }: SessionRow, now: DateTime.Utc): boolean =>
  session.expiresAt.epochMilliseconds <= now.epochMilliseconds

const entry = ({ factor, at }: SessionProof): readonly [SessionProof["factor"], SessionProof["at"]] => [factor, at]

const byTime = (a: SessionProof, b: SessionProof): number =>
  a.at.epochMilliseconds - b.at.epochMilliseconds || (a.factor < b.factor ? -1 : 1)

const newestFirst = (a: Session, b: Session): number =>
  b.createdAt.epochMilliseconds - a.createdAt.epochMilliseconds || (a.id < b.id ? 1 : -1)
