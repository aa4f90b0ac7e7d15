/**
 * The tree as the boundary rules see it: every source file with its home (a package, an app, an example, the scripts),
 * its role, and where each of its imports leads.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { join, posix, relative, sep } from "node:path"
import { type Source, parse } from "./source.ts"

/**
 * What a file is for; see `scripts/check-boundaries.ts` for how it is told from name and content.
 *
 * `entry` is a file in lower case (`globalSetup.ts`), which stands outside the roles.
 */
export type Role = "model" | "port" | "service" | "contract" | "handlers" | "adapter" | "internal" | "barrel" | "entry"

/** Where a file lives. `section` tells the code of a package or app from its tests. */
export interface Home {
  readonly kind: "package" | "app" | "example" | "scripts"
  readonly name: string
  readonly root: string
  readonly section: "src" | "test"
}

/** One file; `path` is relative to the repository, with `/`. */
export interface File {
  readonly path: string
  readonly home: Home
  readonly role: Role
  readonly source: Source
}

/** Where an import leads. Data is a file without code, such as JSON. `name` of an external module is the package to install, `effect` or `@scope/name`. */
export type Target =
  | { readonly kind: "own"; readonly home: Home; readonly path: string; readonly role: Role; readonly named: boolean }
  | { readonly kind: "data" }
  | { readonly kind: "unknown" }
  | { readonly kind: "node" }
  | { readonly kind: "external"; readonly name: string }

/** The files of a repository and the way from an import to its target. */
export interface Project {
  readonly files: ReadonlyMap<string, File>
  readonly packages: ReadonlyArray<string>
  readonly resolve: (from: File, specifier: string) => Target
  /** The packages that `package.json` of the home declares; none where there is no such file. */
  readonly declared: (home: Home) => ReadonlySet<string> | undefined
}

/** Prefixes that make a file an adapter: a technology, or the place where it is used. */
export const adapterPrefixes = ["Sql", "Memory", "Smtp", "Redis", "Stripe", "Development", "HttpClient"] as const

/** Endings that make a file a port. */
export const portSuffixes = ["Store", "Mailer"] as const

/** Ports whose name has neither ending, as `package/Name`. */
export const registeredPorts: ReadonlySet<string> = new Set([
  "billing/BillingProvider",
  "core/OutboundHttp",
  "factors/AddressProofs",
  "oauth-client/SignInGate",
  "oauth-server/AuthenticationContexts",
])

/** HTTP adapters whose name does not end in `Handlers`, as `package/Name`. */
export const registeredHandlers: ReadonlySet<string> = new Set([
  "mcp/McpAuthorization",
  "mcp/McpHttp",
  "mcp/McpWebHandler",
])

/** The adapter prefix of a file name, if it has one. */
export const adapterPrefix = (path: string) => {
  const name = baseName(path)
  return adapterPrefixes.find((prefix) => name.startsWith(prefix) && /^[A-Z]/u.test(name.slice(prefix.length)))
}

/** The role of the file at `path`; content decides only between service and model. */
export const roleOf = (path: string, source: Pick<Source, "declaresService" | "exportsLayer">): Role => {
  const name = baseName(path)
  if (path.includes("/src/internal/")) return "internal"
  if (name === "index") return "barrel"
  if (!/^[A-Z]/u.test(name)) return "entry"
  if (name.endsWith("Api")) return "contract"
  const registered = `${path.split("/")[1] ?? ""}/${name}`
  if (name.endsWith("Handlers") || registeredHandlers.has(registered)) return "handlers"
  if (adapterPrefix(path) !== undefined) return "adapter"
  if (portSuffixes.some((suffix) => name.endsWith(suffix))) return "port"
  if (registeredPorts.has(registered)) return "port"
  return source.declaresService || source.exportsLayer ? "service" : "model"
}

/** The file name without folders and extension. */
export const baseName = (path: string) => posix.basename(path).replace(/(?:\.d)?\.[cm]?[jt]sx?$/u, "")

/** Reads every source file below `packages`, `apps` and `scripts` of the repository at `root`. */
export const load = (root: string): Project => {
  const packages = folders(join(root, "packages"))
  const apps = [
    ...folders(join(root, "apps"))
      .filter((name) => name !== "examples")
      .map((name) => ({ kind: "app" as const, name, root: `apps/${name}` })),
    ...folders(join(root, "apps/examples")).map((name) => ({
      kind: "example" as const,
      name,
      root: `apps/examples/${name}`,
    })),
  ]
  const manifests = new Map<string, Manifest>()
  const files = new Map<string, File>()

  const homes = [
    ...packages.map((name) => ({ kind: "package" as const, name, root: `packages/${name}` })),
    ...apps,
    { kind: "scripts" as const, name: "scripts", root: "scripts" },
  ]
  for (const home of homes) {
    const manifest = readManifest(join(root, home.root, "package.json"))
    if (manifest !== undefined) manifests.set(home.root, manifest)
    for (const absolute of sources(join(root, home.root), join(root, fixtures))) {
      const path = relative(root, absolute).split(sep).join("/")
      const source = parse(path, readFileSync(absolute, "utf8"))
      files.set(path, {
        path,
        home: { ...home, section: path.startsWith(`${home.root}/test/`) ? "test" : "src" },
        role: roleOf(path, source),
        source,
      })
    }
  }

  const own = (path: string, named: boolean): Target => {
    const file = files.get(path)
    if (file !== undefined) return { kind: "own", home: file.home, path, role: file.role, named }
    const home = homes.find((candidate) => path.startsWith(`${candidate.root}/`))
    if (home === undefined) return { kind: "unknown" }
    const role = roleOf(path, { declaresService: false, exportsLayer: false })
    return { kind: "own", home: { ...home, section: "src" }, path, role, named }
  }

  const resolve = (from: File, specifier: string): Target => {
    if (specifier.startsWith(".")) {
      const path = posix.join(posix.dirname(from.path), specifier)
      return path.startsWith(`${from.home.root}/`) && !isCode(path) ? { kind: "data" } : own(path, false)
    }
    if (isBuiltin(specifier)) return { kind: "node" }
    const [first = "", second = "", ...rest] = specifier.split("/")
    const name = first.startsWith("@") ? `${first}/${second}` : first
    if (first !== "@belfry") return { kind: "external", name }
    if (packages.includes(second)) {
      return own(`packages/${second}/src/${rest.length === 0 ? "index" : rest.join("/")}.ts`, true)
    }
    const app = apps.find((candidate) => manifests.get(candidate.root)?.name === name)
    return app === undefined ? { kind: "unknown" } : own(`${app.root}/src/${rest.join("/")}.ts`, true)
  }

  return { files, packages, resolve, declared: (home) => manifests.get(home.root)?.declared }
}

// internal

interface Manifest {
  readonly name: string | undefined
  readonly declared: ReadonlySet<string>
}

const readManifest = (path: string): Manifest | undefined => {
  if (!existsSync(path)) return undefined
  const json: unknown = JSON.parse(readFileSync(path, "utf8"))
  const name = property(json, "name")
  return {
    name: typeof name === "string" ? name : undefined,
    declared: new Set(
      ["dependencies", "peerDependencies", "optionalDependencies"].flatMap((key) =>
        Object.keys(property(json, key) ?? {}),
      ),
    ),
  }
}

const property = (json: unknown, key: string): unknown =>
  typeof json === "object" && json !== null ? Object.entries(json).find(([name]) => name === key)?.[1] : undefined

const skipped = new Set(["node_modules", "dist"])

// Trees that break the rules on purpose, for the tests of these scripts.
const fixtures = "scripts/test/fixtures"

const isCode = (path: string) => /\.[cm]?[jt]sx?$/u.test(path)

const folders = (path: string): ReadonlyArray<string> =>
  existsSync(path)
    ? readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
        .map((entry) => entry.name)
        .toSorted()
    : []

const sources = (path: string, without: string): ReadonlyArray<string> =>
  path !== without && existsSync(path)
    ? readdirSync(path, { withFileTypes: true })
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .flatMap((entry) => {
          if (entry.name.startsWith(".") || skipped.has(entry.name)) return []
          const child = join(path, entry.name)
          if (entry.isDirectory()) return sources(child, without)
          return isCode(entry.name) ? [child] : []
        })
    : []
