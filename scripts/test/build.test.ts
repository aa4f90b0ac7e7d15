/** What is built runs where the repository is not: a package as published, the server as one file. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { bundle, emitPackages, publishedManifest } from "../build.ts"

const repository = resolve(import.meta.dirname, "../..")

let root: string

const write = (path: string, ...lines: ReadonlyArray<string>) => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), `${lines.join("\n")}\n`)
}

const node = (path: string) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, path)], { encoding: "utf8" })
  assert.strictEqual(status, 0, stderr)
  return stdout.trim()
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "belfry-build-"))
})
afterAll(() => rmSync(root, { recursive: true }))

describe("publishedManifest", () => {
  it("leads exports and commands from the sources to what is emitted, and drops what only the repository needs", () => {
    assert.deepStrictEqual(
      publishedManifest({
        name: "@belfry/core",
        dependencies: { effect: "4.1.0" },
        devDependencies: { vitest: "5.1.1" },
        scripts: { test: "vitest" },
        bin: { belfry: "./src/main.ts" },
        exports: { ".": "./src/index.ts", "./internal/*": null, "./words": "./src/words.json", "./*": "./src/*.ts" },
      }),
      {
        name: "@belfry/core",
        dependencies: { effect: "4.1.0" },
        exports: {
          ".": { types: "./index.d.ts", default: "./index.js" },
          "./internal/*": null,
          "./words": "./words.json",
          "./*": { types: "./*.d.ts", default: "./*.js" },
        },
        bin: { belfry: "./main.js" },
        engines: { node: ">=22.19" },
        files: ["**/*", "!.tsbuildinfo", "!**/*.d.ts.map"],
      },
    )
  })
})

describe("emitPackages", () => {
  beforeAll(() => {
    cpSync(join(repository, "tsconfig.json"), join(root, "tsconfig.json"))
    symlinkSync(join(repository, "node_modules"), join(root, "node_modules"))
    write("LICENSE", "MIT")
    write("packages/core/tsconfig.json", '{ "extends": "../../tsconfig.json", "include": ["src"] }')
    write(
      "packages/core/package.json",
      JSON.stringify({
        name: "@belfry/core",
        version: "0.1.0",
        type: "module",
        exports: { "./internal/*": null, "./*": "./src/*.ts" },
      }),
    )
    write(
      "packages/core/src/User.ts",
      'import { trim } from "./internal/trim.ts"',
      'export const name: string = trim(" Ada ")',
    )
    write("packages/core/src/internal/trim.ts", "export const trim = (text: string): string => text.trim()")
    write("packages/core/src/words.txt", "password")
    write("packages/core/dist/Stale.js", "export {}")
    emitPackages(root)
  })

  it("emits a package that runs and type-checks on its own, and keeps its internals closed", () => {
    // A consumer that has the package as npm would install it, without its sources.
    cpSync(join(root, "packages/core/dist"), join(root, "host/node_modules/@belfry/core"), { recursive: true })
    write("host/main.mjs", 'import { name } from "@belfry/core/User"', "console.log(name)")
    write("host/main.mts", 'import { name } from "@belfry/core/User"', "export const length: number = name.length")
    write(
      "host/closed.mjs",
      'console.log(await import("@belfry/core/internal/trim").then(() => "open", ({ code }) => code))',
    )
    assert.strictEqual(node("host/main.mjs"), "Ada")
    assert.strictEqual(node("host/closed.mjs"), "ERR_PACKAGE_PATH_NOT_EXPORTED")
    const flags = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      join(root, "host/main.mts"),
    ]
    const compiler = join(repository, "node_modules/typescript/bin/tsc")
    const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags], { cwd: root, encoding: "utf8" })
    assert.strictEqual(status, 0, stdout)
  })

  it("brings along data and licence, leaves nothing of an older build, and maps to the sources", () => {
    const dist = join(root, "packages/core/dist")
    assert.isTrue(existsSync(join(dist, "words.txt")))
    assert.isTrue(existsSync(join(dist, "LICENSE")))
    assert.isFalse(existsSync(join(dist, "Stale.js")))
    assert.include(readFileSync(join(dist, "User.js.map"), "utf8"), "export const name: string")
  })

  it("fails when the compiler does", () => {
    write("packages/core/src/Wrong.ts", 'export const wrong: number = "text"')
    assert.throws(() => emitPackages(root), /Wrong\.ts.*not assignable/u)
  })
})

describe("bundle", () => {
  it("gives one file that runs alone, with a chunk for what is loaded lazily and require for CommonJS", async () => {
    write(
      "server/legacy.cjs",
      'module.exports = { os: require("node:os").EOL, parse: require("node:" + "path").parse }',
    )
    write("server/lazy.ts", 'export const lazy: string = "lazy"')
    write(
      "server/main.ts",
      'import legacy from "./legacy.cjs"',
      "const used: boolean = legacy.os.length > 0 && legacy.parse('/a').name === 'a'",
      'const { lazy } = await import("./lazy.ts")',
      'const outside = () => import("@electric-sql/pglite")',
      "console.log(used, lazy, typeof outside)",
    )
    const { warnings } = await bundle(join(root, "server/main.ts"), join(root, "out"))
    assert.deepStrictEqual(warnings, [])
    rmSync(join(root, "server"), { recursive: true })
    assert.strictEqual(node("out/belfry.js"), "true lazy function")
    const chunks = readdirSync(join(root, "out/chunks")).filter((name) => name.endsWith(".js"))
    const texts = chunks.map((name) => readFileSync(join(root, "out/chunks", name), "utf8"))
    assert.include(texts.join("\n"), 'import("@electric-sql/pglite")')
    assert.notInclude(texts.join("\n"), "sourceMappingURL")
    for (const name of chunks) assert.isTrue(existsSync(join(root, "out/chunks", `${name}.map`)), name)
  })

  it("keeps compiled code beside itself when a run ends, wherever it is then, and runs where it may not", async () => {
    write("compiled/main.ts", 'console.log("runs")')
    await bundle(join(root, "compiled/main.ts"), join(root, "out"))
    const cache = join(root, "out/compile-cache")
    rmSync(cache, { recursive: true, force: true })
    // The code is in a file of its own: of the one that begins, nothing is kept.
    const kept = () =>
      readdirSync(cache, { recursive: true, encoding: "utf8", withFileTypes: true }).filter((it) => it.isFile())
    assert.strictEqual(node("out/belfry.js"), "runs")
    assert.lengthOf(kept(), 1)
    renameSync(join(root, "out"), join(root, "moved"))
    assert.strictEqual(node("moved/belfry.js"), "runs")
    renameSync(join(root, "moved"), join(root, "out"))
    assert.lengthOf(kept(), 1)
    rmSync(cache, { recursive: true })
    write("out/compile-cache", "A file, where nobody can write a folder: root could into one that is closed to others.")
    assert.strictEqual(node("out/belfry.js"), "runs")
    rmSync(cache)
  })

  it("reads of node:http what is used, and so does not load the HTTP client behind its WebSocket", async () => {
    write(
      "http/main.ts",
      'import * as Http from "node:http"',
      'import { createServer } from "node:http"',
      "const isThere = Http.createServer === createServer && Http.METHODS.includes('GET')",
      "console.log(isThere, process.moduleLoadList.some((name) => name.includes('undici')))",
    )
    await bundle(join(root, "http/main.ts"), join(root, "out"))
    assert.strictEqual(node("out/belfry.js"), "true false")
  })

  it("begins to serve without what is loaded when it is used, and without the protocol of MCP where that is off", async () => {
    const { metafile } = await bundle(join(repository, "apps/server/src/main.ts"), join(root, "server"))
    const outputs = new Map(Object.entries(metafile.outputs))
    const [begin] = [...outputs].find(([, { entryPoint }]) => entryPoint?.endsWith("apps/server/src/commands.ts")) ?? []
    const loaded = new Set(begin === undefined ? [] : [begin])
    for (const path of loaded) {
      for (const { kind, path: imported } of outputs.get(path)?.imports ?? []) {
        if (kind === "import-statement" && outputs.has(imported)) loaded.add(imported)
      }
    }
    const inputs = [...loaded].flatMap((path) => Object.keys(outputs.get(path)?.inputs ?? {}))
    const packages = [...new Set(inputs.map((path) => path.replace(/^.*node_modules\//u, "")))]
    assert.isTrue(packages.some((path) => path.startsWith("effect/")))
    assert.deepStrictEqual(
      packages.filter((path) => /^(?:effect\/dist\/ai|stripe|nodemailer|undici|@redis|redis)\//u.test(path)),
      [],
    )
  })

  it("is ASCII: a script with one character beyond Latin-1 is kept in memory at two bytes a character", async () => {
    const { metafile } = await bundle(join(repository, "apps/server/src/main.ts"), join(root, "server"))
    const scripts = Object.keys(metafile.outputs).filter((path) => path.endsWith(".js"))
    assert.isAbove(scripts.length, 1)
    for (const path of scripts) {
      const others = /[^\0-\x7F]/u.exec(readFileSync(resolve(path), "utf8"))
      assert.isNull(others, `${path}: ${others?.input.slice(others.index - 60, others.index + 60)}`)
    }
  })
})
