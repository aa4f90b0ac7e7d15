/**
 * The PostgreSQL server of a bench: a temporary cluster that lives as long as the run.
 *
 * It logs statements only where a measure asks for them, each after the name of its database. Autovacuum is off, and
 * durability too unless a bench is about writes.
 */
import * as PostgresServer from "@belfry/testing/PostgresServer"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { withClient } from "./peers.ts"
import type { Cores } from "./processes.ts"

/** A running PostgreSQL server. */
export interface Postgres {
  readonly version: string
  /** Connection URL of one of its databases. */
  readonly url: (database: string) => string
  /** Creates an empty database and returns its URL. */
  readonly createDatabase: (name: string) => Promise<string>
  /** File that the server writes its log to. */
  readonly logFile: string
  /** Stops the server and removes its files. */
  readonly stop: () => Promise<void>
}

const settings = {
  shared_buffers: "1GB",
  max_wal_size: "8GB",
  autovacuum: "off",
  // One that came in the middle of a run would be at the cost of whoever has its turn then.
  checkpoint_timeout: "1h",
  log_line_prefix: "[%d] ",
  log_parameter_max_length: "0",
}

/** Pins a server, from its postmaster on: each new connection's process takes over its cores. */
const pin = (server: PostgresServer.PostgresServer, cores: Cores): void => {
  const postmaster = readFileSync(join(server.directory, "data/postmaster.pid"), "utf8").split("\n")[0] ?? ""
  const taskset = spawnSync("taskset", ["-cp", cores.others, postmaster], { encoding: "utf8" })
  if (taskset.status !== 0) throw new Error(`taskset failed: ${taskset.stderr}`)
}

const durable = { fsync: "on", synchronous_commit: "on", full_page_writes: "on" }

/** Starts PostgreSQL on a free port with an empty cluster. */
export const startPostgres = async (
  cores: Cores | undefined,
  options: { readonly isDurable: boolean } = { isDurable: false },
): Promise<Postgres> => {
  const all = options.isDurable ? { ...settings, ...durable } : settings
  const server = await PostgresServer.start({ settings: all })
  if (cores !== undefined) pin(server, cores)
  const url = (database: string) => {
    const it = new URL(server.url)
    it.pathname = `/${database}`
    return it.href
  }
  const execute = (statement: string) => withClient(server.url, (client) => client.query(statement))
  const createDatabase = async (name: string) => {
    await execute(`CREATE DATABASE "${name}"`)
    return url(name)
  }
  const logFile = join(server.directory, "server.log")
  return { version: server.version, url, createDatabase, logFile, stop: () => server.dispose() }
}
