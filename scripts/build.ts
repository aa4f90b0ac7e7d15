/**
 * `npm run build`: what is published and what is deployed.
 *
 * Each package gets `dist` with JavaScript, declarations and the `package.json` it is published under
 * (`npm publish packages/core/dist`). `apps/server` gets `dist/belfry.js`, the command line, and
 * chunks: the server, and what that loads only when used. PGlite stays outside of the bundle: its WebAssembly is read
 * from beside its own files.
 */
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import * as esbuild from "esbuild"

/** A value of `package.json`. */
export type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** What stands in a `package.json`. */
export interface Manifest {
  readonly [key: string]: Json
}

/**
 * The manifest that a package is published under, from the one in the repository.
 *
 * A path into `src` becomes the JavaScript beside the manifest, with its declarations where it is an export; `null`
 * stays. What only the repository needs (`scripts`, `devDependencies`) goes. `engines` comes here: in the repository,
 * where npm brings Node along, whoever starts it on an older one would be warned of every package.
 */
export const publishedManifest = (manifest: Manifest): Manifest => {
  const { scripts: _scripts, devDependencies: _devDependencies, exports, bin, ...rest } = manifest
  return {
    ...rest,
    ...(exports === undefined ? {} : { exports: mapStrings(exports, exported) }),
    ...(bin === undefined ? {} : { bin: mapStrings(bin, emitted) }),
    engines: { node: oldestNode },
    files: ["**/*", "!.tsbuildinfo", "!**/*.d.ts.map"],
  }
}

/**
 * Bundles the server whose entry is `entry` into `outdir/belfry.js`, an ES module for Node 24.
 *
 * What `import()` loads becomes a chunk of its own, and so does what is shared with it. CommonJS dependencies find a
 * `require` in each file. The code that a run compiled is kept in `outdir/compile-cache` when it ends, if it may write
 * there, and later runs start from it.
 */
export const bundle = (entry: string, outdir: string) =>
  esbuild.build({
    entryPoints: [{ in: startEntry, out: "belfry" }],
    outdir,
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    conditions: ["module"],
    minifySyntax: true,
    minifyWhitespace: true,
    treeShaking: true,
    sourcemap: "external",
    legalComments: "none",
    external: [...external],
    plugins: [startFrom(entry), lazyHttp],
    banner: { js: requireBanner },
    logLevel: "warning",
    metafile: true,
  })

/** The folders of the packages of the repository at `root`. */
export const packageFolders = (root: string): ReadonlyArray<string> =>
  readdirSync(join(root, "packages"))
    .map((name) => join(root, "packages", name))
    .filter((folder) => existsSync(join(folder, "tsconfig.json")))

/**
 * Emits every package of the repository at `root`, and `apps/server`, into its `dist`, which is emptied before.
 *
 * Fails when the compiler does. Returns the folders of the packages.
 */
export const emitPackages = (root: string): ReadonlyArray<string> => {
  const packages = packageFolders(root)
  const projects = [...packages, join(root, "apps/server")].filter((folder) => existsSync(join(folder, "src")))
  for (const folder of projects) rmSync(join(folder, "dist"), { recursive: true, force: true })
  const compiler = join(import.meta.dirname, "../node_modules/typescript/bin/tsc")
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-b", ...projects], { cwd: root, encoding: "utf8" })
  if (status !== 0) throw new Error(`the compiler ended with ${status}\n${stdout}`)
  for (const folder of packages) finish(root, folder)
  return packages
}

// internal

/** What `@effect/platform-node` asks for, too. */
const oldestNode = ">=22.19"

/** Adds to an emitted package what the compiler does not write. */
const finish = (root: string, folder: string) => {
  const [source, dist] = [join(folder, "src"), join(folder, "dist")]
  if (existsSync(source)) {
    cpSync(source, dist, { recursive: true, filter: (path) => statSync(path).isDirectory() || !path.endsWith(".ts") })
  }
  for (const path of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    if (path.endsWith(".js.map")) embedSources(join(dist, path))
  }
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  writeFileSync(join(dist, "package.json"), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
  for (const name of ["README.md", "LICENSE"]) {
    const from = [join(folder, name), join(root, name)].find((path) => existsSync(path))
    if (from !== undefined) cpSync(from, join(dist, name))
  }
}

/** Puts the sources into a source map, since `src` is not published. */
const embedSources = (path: string) => {
  const map: { readonly sources: ReadonlyArray<string> } = JSON.parse(readFileSync(path, "utf8"))
  const sourcesContent = map.sources.map((source) => readFileSync(resolve(dirname(path), source), "utf8"))
  writeFileSync(path, JSON.stringify({ ...map, sourcesContent }))
}

// PGlite finds its WebAssembly beside itself; the others are native or optional, and loaded only where installed.
const external = ["@electric-sql/pglite", "pg-native", "bufferutil", "utf-8-validate", "*.node"] as const

const startEntry = "belfry:start"

/**
 * Begins with the cache of compiled code, and loads the rest then: of what a file imports itself, nothing comes from
 * the cache. It saves a sixth of a start, and 12 MB that would be kept.
 *
 * Beside the bundle, because who may write there may change the code itself; not in the directory for temporary files,
 * where others may leave what would then be run.
 */
const startFrom = (entry: string): esbuild.Plugin => ({
  name: "start",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^belfry:start$/ }, ({ path }) => ({ path, namespace: "start" }))
    onLoad({ filter: /^/, namespace: "start" }, () => ({
      contents: [
        "#!/usr/bin/env node",
        'import { enableCompileCache } from "node:module"',
        'import { join } from "node:path"',
        'enableCompileCache({ directory: join(import.meta.dirname, "compile-cache"), portable: true })',
        `await import(${JSON.stringify(entry)})`,
      ].join("\n"),
      resolveDir: dirname(entry),
    }))
  },
})

/**
 * Gets `node:http` without an `import`, which would read all that it exports: its WebSocket is a getter that loads an
 * HTTP client and HTTP/2 besides. That takes 2.5 MB and 20 ms of a start.
 */
const lazyHttp: esbuild.Plugin = {
  name: "lazy-http",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^(?:node:)?http$/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "lazy-http" } : undefined,
    )
    onLoad({ filter: /^/, namespace: "lazy-http" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }))
  },
}

const requireBanner = [
  'import { createRequire as belfryCreateRequire } from "node:module";',
  "const require = belfryCreateRequire(import.meta.url);",
].join("")

const emitted = (path: string) => path.replace(/^\.\/src\//u, "./").replace(/\.ts$/u, ".js")

const exported = (path: string): Json =>
  path.startsWith("./src/") && path.endsWith(".ts")
    ? { types: emitted(path).replace(/\.js$/u, ".d.ts"), default: emitted(path) }
    : emitted(path)

const mapStrings = (json: Json, f: (text: string) => Json): Json => {
  if (typeof json === "string") return f(json)
  if (json === null || typeof json !== "object") return json
  if (isArray(json)) return json.map((item) => mapStrings(item, f))
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, mapStrings(value, f)]))
}

// `Array.isArray` does not narrow a readonly array out of a union.
const isArray = (json: Json): json is ReadonlyArray<Json> => Array.isArray(json)

const main = async (root: string) => {
  const packages = emitPackages(root)
  process.stdout.write(`belfry: ${packages.map((folder) => basename(folder)).join(", ")} emitted\n`)
  const outdir = join(root, "apps/server/dist")
  const { metafile } = await bundle(join(root, "apps/server/src/main.ts"), outdir)
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1024)} kB`
  const scripts = Object.entries(metafile.outputs).filter(([path]) => path.endsWith(".js"))
  const entry = scripts.find(([path]) => basename(path) === "belfry.js")
  const rest = scripts.filter((script) => script !== entry).reduce((sum, [, { bytes }]) => sum + bytes, 0)
  process.stdout.write(
    `belfry: apps/server/dist/belfry.js ${kilobytes(entry?.[1].bytes ?? 0)}, ${scripts.length - 1} chunks ${kilobytes(rest)}\n`,
  )
}

if (import.meta.main) {
  try {
    await main(resolve(process.argv[2] ?? join(import.meta.dirname, "..")))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
