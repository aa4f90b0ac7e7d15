/**
 * Keeps the generated parts of the README true: the table of settings and the example program, which is run by tests.
 *
 * `node scripts/readme.ts` writes them, `--check` fails when they are stale.
 */
import { toMarkdown } from "@belfry/server/Settings"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")

/** The example program as far as it puts layers together; the rest of it signs in and checks the answer. */
const exampleLayers = (): string => {
  const program = readFileSync(join(root, "apps/example/src/main.ts"), "utf8")
  return program.slice(0, program.indexOf("\nconst program")).trim()
}

/** What stands between `<!-- name -->` and `<!-- /name -->` in the README. */
const parts: Readonly<Record<string, () => string>> = {
  settings: toMarkdown,
  example: () => `\`\`\`ts\n${exampleLayers()}\n\`\`\``,
}

/** The README with its generated parts made anew. */
export const render = (readme: string): string =>
  Object.entries(parts).reduce((text, [name, content]) => {
    const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
    const from = text.indexOf(start)
    const to = text.indexOf(end)
    if (from < 0 || to < from) throw new Error(`README.md has no place for ${name}`)
    return `${text.slice(0, from + start.length)}\n\n${content()}\n\n${text.slice(to)}`
  }, readme)

if (import.meta.main) {
  const file = join(root, "README.md")
  const readme = readFileSync(file, "utf8")
  const rendered = render(readme)
  if (rendered !== readme && process.argv.includes("--check")) {
    process.stderr.write("README.md is stale: run npm run readme\n")
    process.exitCode = 1
  } else if (rendered !== readme) {
    writeFileSync(file, rendered)
  }
}
