import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const folder = fileURLToPath(new URL("./types/", import.meta.url))
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")

describe("The types of a host program", () => {
  it("name the store whose layer is missing, and accept the program that has it", () => {
    const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", folder, "--pretty", "false"], {
      cwd: folder,
      encoding: "utf8",
    })
    // What is wrong in the sources themselves is for the type check of the sources.
    const errors = stdout.split(/\n(?=\S)/).filter((text) => /^[\w-]+\.ts\(/.test(text))
    assert.notStrictEqual(status, 0)
    assert.strictEqual(errors.length, 1, stdout)
    assert.match(errors[0] ?? "", /^forgets-session-store\.ts\(/)
    assert.match(errors[0] ?? "", /Type 'SessionStore' is not assignable to type 'never'/)
  })

  it("are tried on two programs that differ in that one layer", () => {
    const read = (name: string) => readFileSync(join(folder, name), "utf8").replace(/^\/\*\*.*?\*\/\n/s, "")
    const without = read("complete.ts")
      .split("\n")
      .filter((line) => !line.includes("MemorySessionStore"))
    assert.strictEqual(read("forgets-session-store.ts"), without.join("\n"))
  })
})
