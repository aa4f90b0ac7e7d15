/**
 * The server's process killed at each statement of an exchange, and another one started in its place: nothing that was
 * granted is lost, and nothing is issued twice.
 */
import * as Server from "@belfry/server/Server"
import * as Postgres from "@belfry/sql/Postgres"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, describe, it, vi } from "@effect/vitest"
import { Deferred, Effect, Redacted } from "effect"
import * as Cli from "./support/Cli.ts"
import * as DatabaseProxy from "./support/DatabaseProxy.ts"
import * as Notes from "./support/Notes.ts"

/** Every server is a process that compiles its sources: slow where the machine is busy. */
vi.setConfig({ testTimeout: 180_000 })

describe("A server that is killed", () => {
  it.live("at any statement of a refresh leaves one refresh token: the old one, or a new one that nobody has", () =>
    Effect.gen(function* () {
      const site = yield* open({})
      const { askAt, onFile } = site
      const server = yield* killAtEachStatement(site, {
        ...rotation(site),
        goOn: Effect.fnUntraced(function* ({ isDone, port, presented: old }) {
          const { refresh } = askAt(port)
          if (isDone) assertRefused(yield* refresh(old))
          else {
            const latest = granted(yield* refresh(granted(yield* refresh(old))))
            // It was used, once: who comes with it again is somebody else, for all that is known.
            assertRefused(yield* refresh(old))
            assertRefused(yield* refresh(latest))
          }
          assert.deepInclude(yield* onFile, { isRevoked: true, live: [] })
        }),
      })
      const { again, other } = yield* killWhileRotating(site, server, "refresh token")
      assertRefused(again)
      assert.deepInclude(yield* onFile, { isRevoked: true, live: [], rotated: 1, accessTokens: 2 })
      // Who waits for a grant is in a transaction, which nobody ends: it comes to nothing, and the other server rotates.
      const { again: granting } = yield* killWhileRotating(site, other, "grant")
      granted(granting)
      assert.deepInclude(yield* onFile, { isRevoked: false, rotated: 1, accessTokens: 2 })
    }).pipe(Effect.scoped),
  )

  it.live("at any statement of a refresh gives the one successor to who comes again within the grace", () =>
    Effect.gen(function* () {
      const site = yield* open({ BELFRY_OAUTH_REFRESH_GRACE: "10 minutes" })
      const { askAt, onFile } = site
      const server = yield* killAtEachStatement(site, {
        ...rotation(site),
        goOn: Effect.fnUntraced(function* ({ isDone, live, port, presented: old }) {
          const { refresh } = askAt(port)
          const next = granted(yield* refresh(old))
          const now = yield* onFile
          assert.lengthOf(now.live, 1)
          assert.strictEqual(now.live[0] === live[0], isDone)
          assert.strictEqual(granted(yield* refresh(old)), next)
          assert.deepStrictEqual((yield* onFile).live, now.live)
          const latest = granted(yield* refresh(next))
          assertRefused(yield* refresh(old))
          assertRefused(yield* refresh(latest))
          assert.deepInclude(yield* onFile, { isRevoked: true, live: [] })
        }),
      })
      const { again, port, presented: old } = yield* killWhileRotating(site, server, "refresh token")
      const next = granted(again)
      assert.deepInclude(yield* onFile, { isRevoked: false, rotated: 1 })
      assert.strictEqual(granted(yield* askAt(port).refresh(old)), next)
      granted(yield* askAt(port).refresh(next))
    }).pipe(Effect.scoped),
  )

  it.live("at any statement of a code's exchange leaves the code as it was, or used for what nobody has", () =>
    Effect.gen(function* () {
      const site = yield* open({})
      const { askAt, notes, onFile } = site
      yield* killAtEachStatement(site, {
        begin: async (port) => {
          // The keys for ID tokens are read then, and are no part of what follows.
          await rotation(site).begin(port)
          return notes.authorize(port)
        },
        ask: notes.exchange,
        before: { isRedeemed: false, rotated: 0, live: 0, accessTokens: 0 },
        done: { isRedeemed: true, rotated: 0, live: 1, accessTokens: 1 },
        goOn: Effect.fnUntraced(function* ({ isDone, port, presented: code }) {
          const { exchange, refresh } = askAt(port)
          if (isDone) assertRefused(yield* exchange(code))
          else {
            const next = granted(yield* refresh(granted(yield* exchange(code))))
            assertRefused(yield* exchange(code))
            assertRefused(yield* refresh(next))
          }
          assert.deepInclude(yield* onFile, { isRevoked: true, live: [] })
        }),
      })
    }).pipe(Effect.scoped),
  )
})

// internal

type Site = Effect.Success<ReturnType<typeof open>>

/** A database, servers that reach it through a proxy, and an application that they let in. */
const open = Effect.fnUntraced(function* (settings: Cli.Environment) {
  const url = yield* TestDatabase.acquirePostgres(Server.migrations)
  const proxy = yield* DatabaseProxy.acquire(Redacted.value(url))
  const environment = {
    DATABASE_URL: proxy.url,
    BELFRY_SECRETS: "k1:0123456789abcdefghijklmnopqrstuvwxyz",
    ...Notes.environment,
    ...settings,
  }
  const first = yield* Cli.serve(environment)
  const notes = yield* Effect.promise(() => Notes.start(first))
  const sql = yield* Postgres.make({ url, maxConnections: 2 })
  const countWaiting = sql<{ readonly count: number }>`SELECT count(*)::int4 AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`
  return {
    proxy,
    notes,
    askAt: (port: number) => ({
      exchange: (code: string) => Effect.promise(() => notes.exchange(port, code)),
      refresh: (refreshToken: string) => Effect.promise(() => notes.refresh(port, refreshToken)),
    }),
    first,
    start: Cli.serve(environment),
    /** Locks the newest grant, or the newest refresh token, until it is told to let go. */
    lock: Effect.fnUntraced(function* (held: Held) {
      const isLocked = yield* Deferred.make<void>()
      const mayGoOn = yield* Deferred.make<void>()
      yield* sql`SELECT 1 FROM ${sql(tables[held])} ORDER BY created_at DESC LIMIT 1 FOR UPDATE`.pipe(
        Effect.andThen(Deferred.succeed(isLocked, undefined)),
        Effect.andThen(Deferred.await(mayGoOn)),
        sql.withTransaction,
        Effect.forkScoped,
      )
      yield* Deferred.await(isLocked)
      return Deferred.succeed(mayGoOn, undefined)
    }),
    /** Waits until so many statements wait for a lock. */
    waiting: Effect.fnUntraced(function* (wanted: number) {
      while ((yield* countWaiting)[0]?.count !== wanted);
    }),
    /** What the database has of the newest grant: there is never more than one refresh token of it to be used. */
    onFile: Effect.gen(function* () {
      const [row] = yield* sql<OnFile>`
        SELECT g.code_redeemed_at IS NOT NULL AS "isRedeemed", g.revoked_at IS NOT NULL AS "isRevoked",
          ARRAY(SELECT token_hash FROM belfry_oauth_refresh_tokens
            WHERE grant_id = g.id AND rotated_at IS NULL AND g.revoked_at IS NULL) AS live,
          (SELECT count(*)::int4 FROM belfry_oauth_refresh_tokens
            WHERE grant_id = g.id AND rotated_at IS NOT NULL) AS rotated,
          (SELECT count(*)::int4 FROM belfry_oauth_access_tokens WHERE grant_id = g.id) AS "accessTokens"
        FROM belfry_oauth_grants g ORDER BY g.created_at DESC LIMIT 1`
      if (row === undefined) return assert.fail("no grant")
      assert.isAtMost(row.live.length, 1, "refresh tokens to be used")
      return row
    }),
  }
})

/** What is locked while a server is killed. */
type Held = keyof typeof tables

const tables = { grant: "belfry_oauth_grants", "refresh token": "belfry_oauth_refresh_tokens" } as const

interface OnFile {
  readonly isRedeemed: boolean
  readonly isRevoked: boolean
  readonly live: ReadonlyArray<string>
  readonly rotated: number
  readonly accessTokens: number
}

/** How much of each is on file for a grant that is not revoked. */
interface Tally {
  readonly isRedeemed: boolean
  readonly live: number
  readonly rotated: number
  readonly accessTokens: number
}

interface Exchange<E> {
  /** Gets what is presented, of a new grant. */
  readonly begin: (port: number) => Promise<string>
  readonly ask: (port: number, presented: string) => Promise<Notes.Answer | null>
  /** What is on file before, and when it is done. In between there is nothing. */
  readonly before: Tally
  readonly done: Tally
  /** What comes after the kill, at another server. */
  readonly goOn: (killed: {
    readonly port: number
    readonly presented: string
    readonly isDone: boolean
    readonly live: ReadonlyArray<string>
  }) => Effect.Effect<void, E>
}

/**
 * Kills the server before and after the first statement of an exchange, and so on, each time in the exchange of a new
 * grant, until one has no such statement and is answered. The server that did.
 */
const killAtEachStatement = Effect.fnUntraced(function* <E>(site: Site, exchange: Exchange<E>) {
  const { ask, before, begin, done, goOn } = exchange
  const outcomes: Array<boolean> = []
  let server = site.first
  for (let moment = 0; ; moment++) {
    const { ended, kill, port } = server
    const presented = yield* Effect.promise(() => begin(port))
    assert.deepStrictEqual(tally(yield* site.onFile), before)
    const [statement, side] = [1 + Math.floor(moment / 2), moment % 2 === 0 ? "before" : "after"] as const
    const barred = site.proxy.barAt({ statement, side })
    const answer = ask(port, presented)
    const text = yield* Effect.promise(() => Promise.race([barred, answer.then(() => null)]))
    if (text === null) {
      site.proxy.open()
      assert.strictEqual((yield* Effect.promise(() => answer))?.status, 200)
      assert.deepStrictEqual(tally(yield* site.onFile), done)
      // Around the look-up, before what follows it, and after that.
      assert.isAtLeast(outcomes.indexOf(true), 3, outcomes.join())
      return server
    }
    kill("SIGKILL")
    assert.strictEqual((yield* Effect.promise(() => ended)).signal, "SIGKILL")
    assert.isNull(yield* Effect.promise(() => answer))
    site.proxy.open()

    const left = yield* site.onFile
    const isDone = left.accessTokens !== before.accessTokens
    assert.deepStrictEqual(tally(left), isDone ? done : before, `killed ${side} statement ${statement}: ${text}`)
    outcomes.push(isDone)
    server = yield* site.start
    yield* goOn({ port: server.port, presented, isDone, live: left.live })
  }
})

/**
 * Kills a server when the database has its rotation, which then goes through there where it has its grant already, and
 * meanwhile presents the same token to another server.
 */
const killWhileRotating = Effect.fnUntraced(function* (site: Site, server: Site["first"], held: Held) {
  const other = yield* site.start
  const { port } = other
  const presented = yield* Effect.promise(() => rotation(site).begin(server.port))
  const release = yield* site.lock(held)
  const answer = site.notes.refresh(server.port, presented)
  yield* site.waiting(1)
  server.kill("SIGKILL")
  yield* Effect.promise(() => server.ended)
  assert.isNull(yield* Effect.promise(() => answer))
  const again = site.notes.refresh(port, presented)
  yield* site.waiting(2)
  yield* release
  return { other, port, presented, again: yield* Effect.promise(() => again) }
})

const tally = ({ accessTokens, isRedeemed, isRevoked, live, rotated }: OnFile): Tally => {
  assert.isFalse(isRevoked)
  return { isRedeemed, live: live.length, rotated, accessTokens }
}

const rotation = ({ notes }: Site) => ({
  begin: async (port: number) => granted(await notes.exchange(port, await notes.authorize(port))),
  ask: notes.refresh,
  before: { isRedeemed: true, rotated: 0, live: 1, accessTokens: 1 },
  done: { isRedeemed: true, rotated: 1, live: 1, accessTokens: 2 },
})

const granted = (answer: Notes.Answer | null): string => {
  assert.strictEqual(answer?.status, 200)
  return answer?.refreshToken ?? assert.fail("no refresh token")
}

const assertRefused = (answer: Notes.Answer | null): void =>
  assert.deepInclude(answer, { status: 400, error: "invalid_grant" })
