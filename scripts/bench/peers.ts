/**
 * What a bench needs beyond the workspace: the peers it compares with and a PostgreSQL client.
 *
 * They are installed into `.bench/` at the repository root from a lock file of their own, on first use, so that
 * `npm install` at the root stays free of them. Their types are not installed either: the few members that the
 * benches use are declared here.
 */
import { spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

/** The repository's root directory. */
export const root = join(import.meta.dirname, "../..")

const directory = join(root, ".bench")
const manifest = join(import.meta.dirname, "peers")
const installedLock = join(directory, "node_modules/.installed-lock.json")

/** Rows of a query, with the columns that the caller expects. */
export interface QueryResult {
  readonly rows: ReadonlyArray<Record<string, unknown>>
}

/** A query as node-postgres takes it; a `name` makes it a prepared statement of the connection. */
export interface Query {
  readonly name?: string
  readonly text: string
  readonly values?: ReadonlyArray<unknown>
}

/** The members of node-postgres's `Client` that the benches use. */
export interface PgClient {
  readonly connect: () => Promise<unknown>
  readonly query: (query: string | Query, values?: ReadonlyArray<unknown>) => Promise<QueryResult>
  readonly end: () => Promise<void>
}

/** The members of node-postgres's `Pool` that the benches use. */
export interface PgPool {
  readonly query: (query: string | Query) => Promise<QueryResult>
  readonly end: () => Promise<void>
}

/** The members of the `pg` package that the benches use. */
export interface Pg {
  readonly Client: new (options: { readonly connectionString: string }) => PgClient
  readonly Pool: new (options: { readonly connectionString: string; readonly max: number }) => PgPool
}

/** Installs the peers unless the ones of the current lock file are there. */
export const installPeers = (): void => {
  const lock = readFileSync(join(manifest, "package-lock.json"), "utf8")
  if (existsSync(installedLock) && readFileSync(installedLock, "utf8") === lock) return
  mkdirSync(directory, { recursive: true })
  for (const file of ["package.json", "package-lock.json"]) copyFileSync(join(manifest, file), join(directory, file))
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: directory,
    encoding: "utf8",
    shell: process.platform === "win32",
  })
  if (npm.status !== 0) throw new Error(`npm ci in .bench failed:\n${npm.stdout}${npm.stderr}`)
  copyFileSync(join(manifest, "package-lock.json"), installedLock)
}

/** The URL of a module of an installed peer, for `import()`. */
export const peerUrl = (specifier: string): string =>
  pathToFileURL(createRequire(join(directory, "package.json")).resolve(specifier)).href

/** Loads node-postgres from the installed peers. */
export const loadPg = async (): Promise<Pg> => {
  const module: { readonly default: Pg } = await import(peerUrl("pg"))
  return module.default
}

/** Runs `use` with a connection to `databaseUrl` and closes it afterwards. */
export const withClient = async <A>(databaseUrl: string, use: (client: PgClient) => Promise<A>): Promise<A> => {
  const pg = await loadPg()
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
