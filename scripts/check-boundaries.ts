/**
 * Checks the layout of the repository, the arrows between packages and the roles of files, by reading imports.
 *
 * **Root**: exactly the entries of {@link rootEntries} and dotfiles.
 *
 * **Packages**: the table `arrows` in `scripts/boundaries/rules.ts`. Nobody imports an app, only tests and
 * examples import `testing`, nobody imports another package's `internal/` or reaches into it by a relative path.
 *
 * **Roles**, for the files of a package's `src`, are told apart in this order:
 *
 * 1. in `internal/`: internal. What an internal file imports counts as imported by each file that imports it.
 * 2. `index.ts`: barrel. A name in lower case: entry. Neither is bound by a role.
 * 3. ending `Api`: contract. Ending `Handlers`, or listed in `registeredHandlers`: handlers.
 * 4. prefix `Sql`, `Memory`, `Smtp`, `Redis`, `Stripe`, `HttpClient` or `Development` before another capital: adapter.
 * 5. ending `Store` or `Mailer`, or listed in `registeredPorts`: port.
 * 6. by content: a file that declares a `Context.Service` or `Context.Reference`, or exports a `layer` or
 *    `layerSomething`, is a service; every other file is a model.
 *
 * A model imports models and Effect's data modules, a port only models, a service models, ports and services and no
 * HTTP, a contract models and contracts and nothing that a browser cannot load, however far behind, handlers contracts
 * and services, an adapter ports, models and its own kind. SQL is in `Sql*.ts` alone. `sql`, `server` and `testing`
 * compose, so there only contracts are bound; `client` imports contracts and models of the others.
 *
 * `node scripts/check-boundaries.ts [root]` prints one line for each broken rule and ends with 1, or one line in all.
 * Circular imports are oxlint's `import/no-cycle`.
 */
import { existsSync, readdirSync } from "node:fs"
import { resolve } from "node:path"
import { load } from "./boundaries/project.ts"
import { check, type Violation } from "./boundaries/rules.ts"

/** What stands in the root beside dotfiles, all of it. */
export const rootEntries = [
  "LICENSE",
  "README.md",
  "apps",
  "package-lock.json",
  "package.json",
  "packages",
  "scripts",
  "tsconfig.json",
  "vitest.workspace.ts",
] as const

/** What a check found. `files` and `imports` count what was read. */
export interface Report {
  readonly files: number
  readonly imports: number
  readonly violations: ReadonlyArray<Violation>
}

/** Compares the names in the root of a repository with {@link rootEntries}. */
export const checkLayout = (names: ReadonlyArray<string>): ReadonlyArray<Violation> => {
  const wanted = new Set<string>(rootEntries)
  const found = new Set(names)
  return [
    ...names
      .filter((name) => !wanted.has(name) && !isUntracked(name))
      .map((name) => layout(name, "does not belong in")),
    ...rootEntries.filter((name) => !found.has(name)).map((name) => layout(name, "is missing from")),
  ]
}

/** Checks packages and files of the repository at `root`, without its layout. */
export const checkImports = (root: string): Report => {
  const project = load(root)
  const files = [...project.files.values()]
  return {
    files: files.length,
    imports: files.reduce((sum, file) => sum + file.source.imports.length, 0),
    violations: check(project),
  }
}

// internal

// Dotfiles are free, and these are in .gitignore.
const isUntracked = (name: string) =>
  name.startsWith(".") || name.endsWith(".log") || ["node_modules", "dist", "coverage", "scratch"].includes(name)

const layout = (name: string, why: string): Violation => ({
  rule: "root-layout",
  path: name,
  specifier: "",
  message: `${name} ${why} the root of the repository [root-layout]`,
})

const main = (root: string) => {
  if (!existsSync(root)) throw new Error(`no such folder: ${root}`)
  const report = checkImports(root)
  const violations = [...checkLayout(readdirSync(root)), ...report.violations]
  for (const { message } of violations) process.stderr.write(`${message}\n`)
  if (violations.length > 0) {
    process.stderr.write(`belfry: ${violations.length} broken boundaries\n`)
    process.exitCode = 1
    return
  }
  process.stdout.write(`belfry: ${report.files} files, ${report.imports} imports, boundaries hold\n`)
}

if (import.meta.main) main(resolve(process.argv[2] ?? resolve(import.meta.dirname, "..")))
