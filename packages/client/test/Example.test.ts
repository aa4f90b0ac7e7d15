import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const folder = fileURLToPath(new URL("../../../apps/example/", import.meta.url))
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")

const run = (...command: ReadonlyArray<string>) =>
  spawnSync(process.execPath, [...command], { cwd: folder, encoding: "utf8", timeout: 25_000 })

describe("The example program", () => {
  it("runs, checks itself and ends", () => {
    const { status, stdout, stderr } = run("src/main.ts")
    assert.deepStrictEqual([status, stderr], [0, ""])
    assert.strictEqual(stdout.trim().split("\n").at(-1), "Hello Ada!")
  })

  it("compiles", () => {
    const { stdout } = run(compiler, "-p", ".", "--pretty", "false")
    // What is wrong in the packages is for their own check.
    assert.deepStrictEqual(
      stdout.split("\n").filter((line) => line.startsWith("src/")),
      [],
    )
  })
})
