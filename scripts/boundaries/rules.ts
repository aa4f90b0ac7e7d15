/**
 * The boundary rules: which package may import which, and what each file role may import. The tables come first;
 * every rule reads one import and answers with the sentence that says what is wrong, or with nothing.
 */
import { adapterPrefix, baseName, type File, type Project, type Role, type Target } from "./project.ts"
import type { Import } from "./source.ts"

/** The names of the rules, as the messages and the tests give them. */
export const ruleIds = [
  "syntax",
  "root-layout",
  "unknown-package",
  "dynamic-import",
  "relative-escape",
  "imports-app",
  "imports-testing",
  "foreign-internal",
  "self-reference",
  "package-arrow",
  "barrel-import",
  "client-imports",
  "sql-outside-adapter",
  "model-imports",
  "port-imports",
  "service-imports",
  "contract-imports",
  "handlers-imports",
  "adapter-imports",
  "browser-unsafe",
  "undeclared-dependency",
] as const

/** The name of a rule. */
export type RuleId = (typeof ruleIds)[number]

/** One broken rule, in one line. */
export interface Violation {
  readonly rule: RuleId
  readonly path: string
  readonly specifier: string
  readonly message: string
}

/** The package arrows: who may import whom. `sql` is open to a domain package's `Sql*.ts` files besides. */
export const arrows: Readonly<Record<string, ReadonlyArray<string>>> = {
  sql: [],
  core: [],
  factors: ["core"],
  "oauth-client": ["core"],
  "oauth-server": ["core"],
  organization: ["core"],
  billing: ["core", "organization"],
  mcp: ["core", "oauth-server"],
  sso: ["core", "oauth-client", "organization"],
  client: ["core", "factors", "oauth-client", "oauth-server", "organization", "billing", "mcp", "sso"],
  server: ["sql", "core", "factors", "oauth-client", "oauth-server", "organization", "billing", "mcp", "sso", "client"],
  testing: [
    "sql",
    "core",
    "factors",
    "oauth-client",
    "oauth-server",
    "organization",
    "billing",
    "mcp",
    "sso",
    "client",
    "server",
  ],
}

/** What the files of a role may import from packages of this repository. Internal files count as their importer. */
const ownRoles: Partial<Record<Role, ReadonlyArray<Role>>> = {
  model: ["model"],
  port: ["model"],
  service: ["model", "port", "service"],
  contract: ["model", "contract"],
  handlers: ["model", "contract", "service", "handlers"],
  adapter: ["model", "port", "adapter"],
}

/** Packages that only compose: the roles do not bind them, except that a contract stays browser-safe. */
const composition = new Set(["sql", "server", "testing"])

/** Modules of `effect/http` that are data and know no request: open to models, ports and services. */
const httpData = new Set([
  "effect/http/Cookies",
  "effect/http/Etag",
  "effect/http/Headers",
  "effect/http/HttpMethod",
  "effect/http/HttpStatus",
  "effect/http/Mime",
  "effect/http/ProblemDetails",
  "effect/http/Url",
  "effect/http/UrlParams",
])

/** Folders of Effect that hold data modules; every other folder does something to the world. */
const effectDataFolders = new Set(["schema", "encoding", "crypto", "net"])

/** Modules beside Effect's data modules that build or run programs. */
const effectRuntime = new Set([
  "effect/Console",
  "effect/FileSystem",
  "effect/Layer",
  "effect/ManagedRuntime",
  "effect/Runtime",
  "effect/Stdio",
  "effect/Terminal",
])

/** Reads every import of the project. */
export const check = (project: Project): ReadonlyArray<Violation> => [
  ...project.packages.filter((name) => !(name in arrows)).map(unknownPackage),
  ...[...project.files.values()].flatMap((file) => [
    ...(file.source.syntaxError === undefined ? [] : [syntaxError(file, file.source.syntaxError)]),
    ...file.source.imports.flatMap((found) => checkImport(project, file, found)),
    ...browserSafety(project, file),
  ]),
]

// internal

type Finding = readonly [rule: RuleId, why: string] | undefined

interface Edge {
  readonly project: Project
  readonly file: File
  readonly specifier: string
  readonly target: Target
}

const checkImport = (project: Project, file: File, found: Import): ReadonlyArray<Violation> => {
  const { specifier } = found
  if (specifier === undefined) {
    const bound = file.home.kind !== "scripts" && file.home.section === "src"
    return bound ? [violation(file, found.line, "", "", ["dynamic-import", "import() takes a literal"])] : []
  }
  // An internal file is part of whoever imports it: what it imports is charged there, and not once more here.
  return edges(project, file, specifier, new Set()).flatMap(({ edge, through }) => {
    const finding = through === "" ? firstFinding(edge) : roleFinding(edge)
    return finding === undefined ? [] : [violation(file, found.line, edge.specifier, through, finding)]
  })
}

const edges = (
  project: Project,
  file: File,
  specifier: string,
  seen: Set<string>,
): ReadonlyArray<{ readonly edge: Edge; readonly through: string }> => {
  const target = project.resolve(file, specifier)
  const direct = { edge: { project, file, specifier, target }, through: "" }
  if (target.kind !== "own" || target.role !== "internal" || file.role === "internal") return [direct]
  return [direct, ...throughInternals(project, file, target.path, seen)]
}

const throughInternals = (
  project: Project,
  file: File,
  internal: string,
  seen: Set<string>,
): ReadonlyArray<{ readonly edge: Edge; readonly through: string }> => {
  const helper = project.files.get(internal)
  if (helper === undefined || seen.has(internal)) return []
  seen.add(internal)
  return helper.source.imports.flatMap(({ specifier }) => {
    if (specifier === undefined) return []
    const target = project.resolve(helper, specifier)
    if (target.kind === "own" && target.role === "internal") return throughInternals(project, file, target.path, seen)
    return [{ edge: { project, file, specifier, target }, through: ` (through ${internal})` }]
  })
}

const firstFinding = (edge: Edge): Finding => placeFinding(edge) ?? roleFinding(edge) ?? dependencyFinding(edge)

const placeFinding = (edge: Edge): Finding => {
  const { file, specifier, target } = edge
  const { home } = file
  if (target.kind === "unknown") {
    return specifier.startsWith(".") ? relativeEscape : ["package-arrow", "there is no such package"]
  }
  if (target.kind !== "own") return isEffectBarrel(edge) ? barrel : undefined
  const same = target.home.root === home.root
  if (!same && (target.home.kind === "app" || target.home.kind === "example")) {
    return ["imports-app", "nothing imports an app"]
  }
  if (!same && !target.named) return relativeEscape
  const mayTest = home.section === "test" || home.kind === "scripts" || home.kind === "example"
  if (!mayTest && !same && target.home.name === "testing") {
    return ["imports-testing", "only tests and examples import testing"]
  }
  if (!same && target.role === "internal") return ["foreign-internal", "internal files belong to their own package"]
  if (home.section === "test" || home.kind !== "package") return undefined
  if (same && !target.named && target.home.section === "test") {
    return ["relative-escape", "a source file does not import from test"]
  }
  if (same) return target.named ? ["self-reference", "a package imports its own files by relative path"] : undefined
  if (target.home.name === "sql" && !composition.has(home.name) && home.name !== "client") {
    return mayUseSql(file) ? undefined : sqlOutside
  }
  if (!(arrows[home.name] ?? []).includes(target.home.name)) {
    return ["package-arrow", `${home.name} may import ${list(arrows[home.name] ?? [])}, not ${target.home.name}`]
  }
  if (specifier === `@belfry/${target.home.name}` && home.name !== "testing") return barrel
  if (home.name === "client" && target.role !== "contract" && target.role !== "model") {
    return ["client-imports", `client imports contracts and models of other packages, and this is ${a(target.role)}`]
  }
  return undefined
}

const roleFinding = (edge: Edge): Finding => {
  const { file, target } = edge
  const { home, role } = file
  if (home.kind !== "package" || home.section === "test" || role === "barrel") return undefined
  if (composition.has(home.name) && role !== "contract") return undefined
  // Every file of `client` is held to what a browser can load, see `browserSafety`.
  if (home.name === "client" && role !== "contract") return undefined
  if (!composition.has(home.name) && isSql(edge) && !mayUseSql(file)) return sqlOutside
  switch (role) {
    case "model":
    case "port":
      return ownFinding(edge) ?? (isData(edge) ? undefined : [ruleOf[role], `${a(role)} imports Effect's data modules`])
    case "service":
      return ownFinding(edge) ?? (isHttp(edge) ? ["service-imports", "a service has no HTTP in it"] : undefined)
    case "contract":
      return ownFinding(edge) ?? unsafe(edge)
    case "handlers":
      return ownFinding(edge)
    case "adapter":
      return ownFinding(edge) ?? adapterFinding(file, target)
    default:
      return undefined
  }
}

const ownFinding = ({ file, target }: Edge): Finding => {
  if (target.kind !== "own" || target.role === "internal" || target.home.name === "sql") return undefined
  const allowed = ownRoles[file.role] ?? []
  if (allowed.includes(target.role)) return undefined
  return [
    ruleOf[file.role] ?? "model-imports",
    `${a(file.role)} imports ${list(allowed.map(plural))}, not ${a(target.role)}`,
  ]
}

const adapterFinding = (file: File, target: Target): Finding => {
  if (target.kind !== "own" || target.role !== "adapter") return undefined
  const [mine, other] = [adapterPrefix(file.path), adapterPrefix(target.path)]
  return mine === other ? undefined : ["adapter-imports", `a ${mine ?? ""}* adapter imports no ${other ?? ""}* adapter`]
}

const dependencyFinding = ({ project, file, specifier, target }: Edge): Finding => {
  if (file.home.kind === "scripts" || file.home.section === "test") return undefined
  const declared = project.declared(file.home)
  const name =
    target.kind === "external"
      ? target.name
      : target.kind === "own" && target.named
        ? specifier.split("/").slice(0, 2).join("/")
        : undefined
  if (declared === undefined || name === undefined || declared.has(name)) return undefined
  return ["undeclared-dependency", `${file.home.root}/package.json does not name ${name}`]
}

/** Follows the value imports of a contract, or of any file of `client`, to whatever a browser cannot load. */
const browserSafety = (project: Project, file: File): ReadonlyArray<Violation> => {
  const { home, role } = file
  const isClient = home.name === "client" && home.kind === "package"
  if (home.kind !== "package" || home.section !== "src" || role === "barrel") return []
  if (role !== "contract" && !isClient) return []
  const seen = new Set<string>([file.path])
  const walk = (at: File): ReadonlyArray<Violation> =>
    at.source.imports.flatMap((found) => {
      if (found.specifier === undefined || found.typeOnly) return []
      const target = project.resolve(at, found.specifier)
      const edge = { project, file: at, specifier: found.specifier, target }
      const through = at === file ? "" : ` (through ${at.path})`
      // What a contract imports itself is judged by its role; here it is only what lies behind.
      const finding = at === file && role === "contract" ? undefined : unsafe(edge)
      if (finding !== undefined) return [violation(file, found.line, found.specifier, through, finding)]
      const next = target.kind === "own" ? project.files.get(target.path) : undefined
      if (next === undefined || seen.has(next.path)) return []
      seen.add(next.path)
      return walk(next)
    })
  return walk(file)
}

const unsafe = (edge: Edge): Finding => {
  const { file, target } = edge
  if (target.kind === "node") return ["browser-unsafe", "a browser has no Node modules"]
  if (isSql(edge)) return ["browser-unsafe", "a browser has no database"]
  if (target.kind === "external" && target.name !== "effect") {
    return ["browser-unsafe", "what a browser loads imports effect alone"]
  }
  // What client imports of other packages has a rule of its own, and its own services are the client.
  if (target.kind !== "own" || file.home.name === "client") return undefined
  return ["port", "service", "handlers", "adapter"].includes(target.role)
    ? ["browser-unsafe", `what a browser loads does not import ${a(target.role)}`]
    : undefined
}

const barrel: Finding = ["barrel-import", "a package imports one module at a time, not a barrel"]

const relativeEscape: Finding = ["relative-escape", "a relative import stays in its package"]

const sqlOutside: Finding = ["sql-outside-adapter", "SQL is in files named Sql* alone"]

const isEffectBarrel = ({ file: { home }, specifier }: Edge) =>
  home.kind === "package" &&
  home.section === "src" &&
  home.name !== "testing" &&
  (specifier === "effect" || /^effect\/[a-z][a-z-]*$/u.test(specifier))

const isSql = ({ specifier, target }: Edge) =>
  specifier === "effect/sql" ||
  specifier.startsWith("effect/sql/") ||
  (target.kind === "own" && target.home.kind === "package" && target.home.name === "sql") ||
  (target.kind === "external" && (target.name.startsWith("@effect/sql-") || sqlDrivers.has(target.name)))

const sqlDrivers = new Set(["pg", "@electric-sql/pglite"])

const mayUseSql = (file: File) =>
  file.role === "adapter"
    ? adapterPrefix(file.path) === "Sql"
    : file.role === "internal" && /^sql/iu.test(baseName(file.path))

const isHttp = ({ specifier }: Edge) =>
  (specifier.startsWith("effect/http/") && !httpData.has(specifier)) ||
  specifier === "effect/http-api" ||
  specifier.startsWith("effect/http-api/")

const isData = ({ specifier, target }: Edge) => {
  if (target.kind === "own" || target.kind === "data") return true
  if (target.kind !== "external" || target.name !== "effect") return false
  if (httpData.has(specifier)) return true
  const [, module = "", inFolder] = specifier.split("/")
  return inFolder === undefined ? !effectRuntime.has(specifier) : effectDataFolders.has(module)
}

const ruleOf: Partial<Record<Role, RuleId>> & Record<"model" | "port", RuleId> = {
  model: "model-imports",
  port: "port-imports",
  service: "service-imports",
  contract: "contract-imports",
  handlers: "handlers-imports",
  adapter: "adapter-imports",
}

const plural = (role: Role) => (role === "handlers" ? "handlers" : `${role}s`)

const a = (role: Role) => (role === "handlers" ? "a handlers file" : role === "adapter" ? "an adapter" : `a ${role}`)

const list = (names: ReadonlyArray<string>) => (names.length === 0 ? "nothing of ours" : names.join(", "))

const violation = (
  file: File,
  line: number,
  specifier: string,
  through: string,
  [rule, why]: readonly [RuleId, string],
): Violation => ({
  rule,
  path: file.path,
  specifier,
  message: `${file.path}:${line} imports ${specifier === "" ? "something" : JSON.stringify(specifier)}${through}: ${why} [${rule}]`,
})

const unknownPackage = (name: string): Violation => ({
  rule: "unknown-package",
  path: `packages/${name}`,
  specifier: "",
  message: `packages/${name} is not in the package table of scripts/boundaries/rules.ts [unknown-package]`,
})

const syntaxError = (file: File, message: string): Violation => ({
  rule: "syntax",
  path: file.path,
  specifier: "",
  message: `${file.path} does not parse: ${message.split("\n")[0] ?? ""} [syntax]`,
})
