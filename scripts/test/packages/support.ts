/** Packages as they are published, and a project outside the repository that has nothing but them. */
import { checkPackage, createPackageFromTarballData, type Problem } from "@arethetypeswrong/core"
import { execFile } from "node:child_process"
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { type Manifest, packageFolders } from "../../build.ts"

/** Where the sources are. */
export const repository: string = resolve(import.meta.dirname, "../../..")

/** A package as `npm publish` would send it. */
export interface Packed {
  readonly name: string
  readonly tarball: string
  readonly files: ReadonlyArray<string>
  readonly manifest: Manifest
}

/** What a command printed. Rejects with all of it when the command fails. */
export const run = (
  cwd: string,
  [command, ...args]: readonly [string, ...ReadonlyArray<string>],
  env: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
  return new Promise((done, failed) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) return done(stdout)
      // Compilers say on standard output what is wrong.
      failed(new Error(`${command} ${args.join(" ")}\n${stdout}\n${stderr}`))
    })
  })
}

/** Builds every package by the script that is used for publishing, and packs it into `into`. */
export const pack = async (into: string): Promise<ReadonlyArray<Packed>> => {
  mkdirSync(into, { recursive: true })
  await run(repository, [process.execPath, "scripts/build.ts"])
  const folders = packageFolders(repository).map((folder) => join(folder, "dist"))
  const packed = await run(repository, [
    "npm",
    "pack",
    "--json",
    "--ignore-scripts",
    "--pack-destination",
    into,
    ...folders,
  ])
  const reports: ReadonlyArray<PackReport> | Readonly<Record<string, PackReport>> = JSON.parse(packed)
  return Object.values(reports).map(({ name, filename, files }) => ({
    name,
    tarball: join(into, filename),
    files: files.map(({ path }) => path),
    manifest: JSON.parse(
      readFileSync(join(repository, "packages", name.replace("@belfry/", ""), "dist/package.json"), "utf8"),
    ),
  }))
}

/** What publint says of a package: errors, warnings and suggestions. */
export const publintOf = async ({ name, tarball }: Packed): Promise<ReadonlyArray<string>> => {
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
    strict: true,
  })
  return messages.map((message) => `${name}: ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
}

/**
 * What is wrong with the types of a package, in every module that it opens.
 *
 * Packages are ES modules alone, so that `require` from TypeScript older than Node's `require(esm)` is left out of it,
 * and so is the resolution of Node 10, which knows no `exports`.
 */
export const wrongTypesOf = async ({ name, tarball, files }: Packed): Promise<ReadonlyArray<string>> => {
  const modules = files.filter((path) => path.endsWith(".js") && !path.startsWith("internal/"))
  const entrypoints = modules.map((path) => (path === "index.js" ? "." : path.slice(0, -".js".length)))
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))), {
    entrypoints,
  })
  if (!analysis.types) return [`${name} has no types`]
  const unseen = entrypoints.length - Object.keys(analysis.entrypoints).length
  return [
    ...(unseen === 0 ? [] : [`${name}: ${unseen} modules were not looked at`]),
    ...analysis.problems.filter(isOfEsModules).map((problem) => `${name}: ${JSON.stringify(problem, withoutTrace)}`),
  ]
}

/** Makes a project that depends on `dependencies`, each a version or a tarball, and on nothing of the repository. */
export const install = async (
  folder: string,
  dependencies: Readonly<Record<string, string>>,
  ...flags: ReadonlyArray<string>
): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }))
  await run(folder, ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...flags])
}

/** Puts the stranger's files into their project. */
export const copyStranger = (folder: string): void => cpSync(join(repository, fixture), folder, { recursive: true })

/** The folders below `folder` in which a dependency of that name is. One means that all share it. */
export const copiesOf = (folder: string, name: string): ReadonlyArray<string> =>
  readdirSync(join(folder, "node_modules"), { recursive: true, encoding: "utf8" })
    .filter((path) => `/${path}`.endsWith(`/${name}/package.json`))
    .filter((path) => /(?:^|\/)node_modules\/$/.test(`node_modules/${path}`.slice(0, -`${name}/package.json`.length)))

/** Where the stranger's files are, from the root of the repository. */
export const fixture = "scripts/test/fixtures/stranger"

// internal

interface PackReport {
  readonly name: string
  readonly filename: string
  readonly files: ReadonlyArray<{ readonly path: string }>
}

// It tells every file that was looked for.
const withoutTrace = (key: string, value: unknown) => (key === "trace" ? undefined : value)

const isOfEsModules = (problem: Problem): boolean =>
  !("resolutionKind" in problem && ["node10", "node16-cjs"].includes(problem.resolutionKind))
