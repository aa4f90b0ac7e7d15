/**
 * SQL statements per request, counted by PostgreSQL itself (`pg_stat_statements`, utility statements included).
 *
 * Requests come one after the other on one connection, so that no statement is shared between two of them. They are
 * counted in batches and the median batch is the result: periodic work of a server falls into few batches.
 */
import type { Contestant } from "../contenders/contender.ts"
import { clientLoad } from "../load.ts"
import { withClient } from "../peers.ts"
import type { PgClient } from "../peers.ts"
import type { Postgres } from "../postgres.ts"
import type { Cores } from "../processes.ts"
import { median } from "./median.ts"

const batches = 11
const requestsPerBatch = 100

/** Statements of one request, and their text. */
export interface Statements {
  readonly perRequest: number
  /** The statements that ran once a request or more often, with their calls per request. */
  readonly texts: ReadonlyArray<string>
}

/** Switches counting; a backend takes the setting before its next command. */
const track = async (client: PgClient, value: "all" | "none"): Promise<void> => {
  await client.query(`ALTER SYSTEM SET pg_stat_statements.track = '${value}'`)
  await client.query("SELECT pg_reload_conf(), pg_sleep(0.5)")
}

/** Counts the statements of one request to the contestant. */
export const countStatements = (
  postgres: Postgres,
  cores: Cores | undefined,
  contestant: Contestant,
): Promise<Statements> =>
  withClient(postgres.url("postgres"), async (client) => {
    const { cookies, path, port } = contestant
    const request = (requests: number) =>
      clientLoad(cores, { port, path, cookies, connections: 1, seconds: 60, requests, mustContain: "@example.com" })
    // Fills the pool and prepares statements.
    await request(requestsPerBatch)
    await track(client, "all")
    const counts: Array<number> = []
    let texts: ReadonlyArray<string> = []
    for (let batch = 0; batch < batches; batch++) {
      await client.query("SELECT pg_stat_statements_reset()")
      const result = await request(requestsPerBatch)
      if (result.requests !== requestsPerBatch || result.badAnswers > 0) {
        throw new Error(`${contestant.name} failed while statements were counted: ${JSON.stringify(result)}`)
      }
      const { rows } = await client.query(
        `SELECT s.calls::int AS calls, s.query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
         WHERE d.datname = $1 ORDER BY s.calls DESC`,
        [contestant.database],
      )
      counts.push(rows.reduce((sum, row) => sum + Number(row["calls"]), 0) / requestsPerBatch)
      texts = rows
        .filter((row) => Number(row["calls"]) >= requestsPerBatch)
        .map(
          (row) =>
            `${Number(row["calls"]) / requestsPerBatch} x ${String(row["query"]).replaceAll(/\s+/g, " ").trim()}`,
        )
    }
    await track(client, "none")
    return { perRequest: median(counts), texts }
  })
