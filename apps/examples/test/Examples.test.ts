/**
 * Every example is started as its README says, with nothing configured, and prints what its README says.
 */
import { assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { vi } from "vitest"

// Each is a process that compiles its sources and makes a database, one after the other.
vi.setConfig({ testTimeout: 180_000 })

const root = resolve(import.meta.dirname, "../../..")
const folder = join(root, "apps/examples")

/** What is no example: these tests. */
const others = ["test"]

const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !others.includes(entry.name))
  .map(({ name }) => name)
  .toSorted()

/** Nothing but the way to npm, and to the Node that comes with the install. */
const environment = { PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}` }

/** The first fenced block of a language in a README, without its fence. */
const block = (readme: string, language: string): string =>
  new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "mu").exec(readme)?.[1] ?? assert.fail(`no block of ${language}`)

const readmeOf = (name: string): string => readFileSync(join(folder, name, "README.md"), "utf8")

/** What the script said, without what npm says before it and of its own settings. */
const said = (text: string): string =>
  text.replace(/^\n> [^\n]*\n> [^\n]*\n\n/u, "").replaceAll(/^npm warn [^\n]*\n/gmu, "")

const run = (command: string) =>
  spawnSync(command, { cwd: root, env: environment, encoding: "utf8", shell: true, timeout: 170_000 })

describe.each(names)("the example %s", (name) => {
  it("has a README whose one command starts it", () => {
    assert.isTrue(existsSync(join(folder, name, "src/main.ts")))
    assert.strictEqual(block(readmeOf(name), "sh"), `npm run example -- ${name}\n`)
  })

  it("is a part of the whole: its types are checked, its name tells what it is", () => {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8"))
    assert.propertyVal(manifest, "name", `@belfry/example-${name}`)
    const solution: { readonly references: ReadonlyArray<{ readonly path: string }> } = JSON.parse(
      readFileSync(join(root, "tsconfig.json"), "utf8"),
    )
    assert.deepInclude(solution.references, { path: `apps/examples/${name}` })
    assert.include(readFileSync(join(root, "README.md"), "utf8"), `(apps/examples/${name})`)
  })

  it("proves itself with nothing configured, and prints what its README says", () => {
    const { status, stderr, stdout } = run(block(readmeOf(name), "sh").trim())
    assert.deepStrictEqual(
      { status, stderr: said(stderr), stdout: said(stdout) },
      { status: 0, stderr: "", stdout: block(readmeOf(name), "text") },
    )
  })
})

/** Runs an example until it says that it serves, then tells it to stop. */
const serveUntilReady = async (name: string) => {
  const child = spawn(process.execPath, ["scripts/example.ts", name, "--serve"], {
    cwd: root,
    env: { ...environment, BELFRY_PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const late = setTimeout(() => child.kill("SIGKILL"), 170_000)
  let text = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes("Ctrl+C stops it")) child.kill("SIGTERM")
    })
  }
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve))
  clearTimeout(late)
  return { code, text }
}

describe("Every example that may be looked at", () => {
  const servable = names.filter((name) => readmeOf(name).includes("--serve"))

  it.each(servable)("%s stays until it is stopped", async (name) => {
    const { code, text } = await serveUntilReady(name)
    assert.match(text, /Open http:\/\/localhost:\d+\//u)
    assert.strictEqual(code, 0, text)
  })
})

describe("npm run example", () => {
  it("says which examples there are, and that there is no other", () => {
    const listed = run("npm run -s example")
    assert.deepStrictEqual(
      listed.stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
      names,
    )
    const unknown = run("npm run -s example -- nothing-like-it")
    assert.strictEqual(unknown.status, 1)
    assert.include(unknown.stderr, 'There is no example "nothing-like-it"')
  })
})
