/**
 * SQL statements per request, counted in the log of PostgreSQL: whatever a client had it run, prepared or not, with
 * what begins and ends transactions. (`pg_stat_statements` counts a prepared BEGIN once, however often it runs.)
 *
 * Requests come one after the other on one connection, so that no statement is shared between two of them. They are
 * counted in batches and the median batch is the result: periodic work of a server falls into few batches.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import type { Contestant, ServerProcess } from "../contenders/contender.ts"
import { clientLoad } from "../load.ts"
import type { ReadyLoad } from "../load.ts"
import { withClient } from "../peers.ts"
import type { Postgres } from "../postgres.ts"
import type { Cores } from "../processes.ts"
import { median } from "./median.ts"

const batches = 11

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

/** Reads what a file has gained since it was read before. */
const readerOf = (path: string): (() => string) => {
  let from = 0
  return () => {
    const file = openSync(path, "r")
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - from)
      from += readSync(file, bytes, 0, bytes.length, from)
      return bytes.toString("utf8")
    } finally {
      closeSync(file)
    }
  }
}

/** The statements that a part of the log says were run in a database. Lines of a statement after its first are indented. */
const statementsIn = (log: string, database: string): ReadonlyArray<string> =>
  log.split(/^(?=\[\w*\] )/mu).flatMap((entry) => {
    const [, of, text] = /^\[(\w*)\] LOG: {2}(?:statement|execute [^:]+): (.*)$/su.exec(entry) ?? []
    return of === database && text !== undefined ? [text.replaceAll(/\s+/g, " ").trim()] : []
  })

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
    const readLog = readerOf(postgres.logFile)
    // Only connections that are opened from now on log: those of the new server.
    await client.query(`ALTER DATABASE "${database}" SET log_statement = 'all'`)
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
        readLog()
        await request(ready)
        const statements = statementsIn(readLog(), database)
        counts.push(statements.length / requestsPerBatch)
        countsBesides.push(statements.filter((text) => !isTransactionControl(text)).length / requestsPerBatch)
        const calls = Map.groupBy(statements, (text) => text)
        texts = [...calls].flatMap(([text, { length }]) =>
          length < requestsPerBatch ? [] : [`${length / requestsPerBatch} x ${text}`],
        )
      }
      return { perRequest: median(counts), besidesTransactions: median(countsBesides), texts }
    } finally {
      await server.process.stop()
      await client.query(`ALTER DATABASE "${database}" RESET log_statement`)
    }
  })
