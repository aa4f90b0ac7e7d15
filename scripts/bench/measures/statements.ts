/**
 * SQL statements per request, counted by PostgreSQL itself (`pg_stat_statements`, utility statements included).
 *
 * Requests come one after the other on one connection, so that no statement is shared between two of them. They are
 * counted in batches and the median batch is the result: periodic work of a server falls into few batches.
 */
import type { Contestant, ServerProcess } from "../contenders/contender.ts"
import { clientLoad } from "../load.ts"
import type { ReadyLoad } from "../load.ts"
import { withClient } from "../peers.ts"
import type { Postgres } from "../postgres.ts"
import type { Cores } from "../processes.ts"
import { median } from "./median.ts"

const batches = 11

const sumOf = (statements: ReadonlyArray<{ readonly share: number }>): number =>
  statements.reduce((sum, { share }) => sum + share, 0)

// What a server puts around statements to make them one.
const isTransactionControl = (query: string): boolean =>
  /^(?:BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE)\b/i.test(query)

/** Statements of one request, and their text. */
export interface Statements {
  readonly perRequest: number
  /** The same without what begins and ends transactions. */
  readonly besidesTransactions: number
  /** The statements that ran once a request or more often, with their calls per request. */
  readonly texts: ReadonlyArray<string>
}

/** Prepares `requests` requests that go to a server one after the other. What preparing asks of it is not counted. */
export type Sequence = (server: ServerProcess, requests: number) => Promise<ReadyLoad>

/** Asks who is calling. */
const sessions =
  (cores: Cores | undefined, { cookies, path }: Contestant): Sequence =>
  async ({ port }, requests) =>
  () =>
    clientLoad(cores, { port, path, cookies, connections: 1, seconds: 60, requests, mustContain: "@example.com" })

/**
 * Counts the statements of one request to the contestant, on a server of its own that has just started. The requests
 * are those of `sequence`, or ask who is calling.
 */
export const countStatements = (
  postgres: Postgres,
  cores: Cores | undefined,
  contestant: Contestant,
  sequence: Sequence = sessions(cores, contestant),
  requestsPerBatch = 100,
): Promise<Statements> =>
  withClient(postgres.url("postgres"), async (client) => {
    const { database } = contestant
    // Only connections that are opened from now on count: those of the new server.
    await client.query(`ALTER DATABASE "${database}" SET pg_stat_statements.track = 'top'`)
    const server = await contestant.startAgain()
    try {
      const request = async (send: ReadyLoad) => {
        const result = await send()
        if (result.requests !== requestsPerBatch || result.badAnswers > 0) {
          throw new Error(`${contestant.name} failed while statements were counted: ${JSON.stringify(result)}`)
        }
      }
      // Opens connections and prepares statements.
      await request(await sequence(server, requestsPerBatch))
      const counts: Array<number> = []
      const countsBesides: Array<number> = []
      let texts: ReadonlyArray<string> = []
      for (let batch = 0; batch < batches; batch++) {
        const ready = await sequence(server, requestsPerBatch)
        await client.query("SELECT pg_stat_statements_reset()")
        await request(ready)
        const { rows } = await client.query(
          `SELECT s.calls::int AS calls, s.query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
           WHERE d.datname = $1 ORDER BY s.calls DESC`,
          [database],
        )
        const statements = rows.map((row) => ({
          query: String(row["query"]).replaceAll(/\s+/g, " ").trim(),
          share: Number(row["calls"]) / requestsPerBatch,
        }))
        counts.push(sumOf(statements))
        countsBesides.push(sumOf(statements.filter(({ query }) => !isTransactionControl(query))))
        texts = statements.flatMap(({ query, share }) => (share < 1 ? [] : [`${share} x ${query}`]))
      }
      return { perRequest: median(counts), besidesTransactions: median(countsBesides), texts }
    } finally {
      await server.process.stop()
      await client.query(`ALTER DATABASE "${database}" RESET pg_stat_statements.track`)
    }
  })
