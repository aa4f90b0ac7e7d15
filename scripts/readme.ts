/**
 * Keeps the generated parts of the README true: the table of settings, the list of examples and the first of them, all of
 * which tests run.
 *
 * `node scripts/readme.ts` writes them, `--check` fails when they are stale.
 */
import { toMarkdown } from "@belfry/server/Settings"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describeExample, examples } from "./example.ts"

const root = join(import.meta.dirname, "..")

/** The example program as far as it puts layers together; the rest of it signs in and checks the answer. */
const exampleLayers = (): string => {
  const program = readFileSync(join(root, "apps/examples/start/src/main.ts"), "utf8")
  return program.slice(0, program.indexOf("\nconst program")).trim()
}

/** The examples, each with what it shows. */
const exampleTable = (): string => {
  const rows = examples.map((name) => [`[\`${name}\`](apps/examples/${name})`, describeExample(name)] as const)
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length))
  const line = (first: string, second: string, fill = " ") =>
    `| ${first.padEnd(width(0), fill)} | ${second.padEnd(width(1), fill)} |`
  return [line("example", "what it shows"), line("", "", "-"), ...rows.map((row) => line(...row))].join("\n")
}

/** What stands between `<!-- name -->` and `<!-- /name -->` in the README. */
const parts: Readonly<Record<string, () => string>> = {
  settings: toMarkdown,
  examples: exampleTable,
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
