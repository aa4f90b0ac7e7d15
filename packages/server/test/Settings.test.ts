import * as Settings from "@belfry/server/Settings"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "../../..")

/** Every file below a directory that is source of the program: not tests, what only tests use, or examples. */
const sources = async (directory: string): Promise<ReadonlyArray<string>> => {
  const entries = await Fs.readdir(Path.join(root, directory), { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => Path.relative(root, Path.join(entry.parentPath, entry.name)).replaceAll(Path.sep, "/"))
    .filter((file) => /^(?:packages|apps)\/(?!testing\/|examples\/)[\w-]+\/src\//.test(file))
    .filter((file) => !file.endsWith("/Settings.ts"))
}

describe("the table of settings", () => {
  it.effect("has every variable that any source names, and none that no source names", () =>
    Effect.gen(function* () {
      const files = yield* Effect.promise(async () => [...(await sources("packages")), ...(await sources("apps"))])
      assert.isAbove(files.length, 50)
      const texts = yield* Effect.promise(() =>
        Promise.all(files.map((file) => Fs.readFile(Path.join(root, file), "utf8"))),
      )
      const named = new Set<string>()
      for (const text of texts) {
        for (const [, name = ""] of text.matchAll(/"(BELFRY_[A-Z0-9_<>]+|OTEL_[A-Z0-9_]+|DATABASE_URL|NODE_ENV)"/g)) {
          named.add(name)
        }
        // A name that is put together from parts, or read past the configuration, would escape the table.
        assert.notMatch(text, /Config\.nested|process\.env/)
      }
      const listed = Settings.settings.map(({ name }) => name)
      assert.deepStrictEqual(listed.toSorted(), [...named].sort())
      assert.lengthOf(new Set(listed), listed.length)
    }),
  )

  it.effect("is a Markdown table with a row for each", () =>
    Effect.sync(() => {
      const rows = Settings.toMarkdown().split("\n")
      assert.lengthOf(rows, Settings.settings.length + 2)
      for (const row of rows) assert.match(row, /^\|(?: [^|]* \|){4}$/)
      assert.include(rows.join("\n"), "| `BELFRY_PORT` | port | 3000 | Port to listen on; 0 takes a free one |")
    }),
  )
})
