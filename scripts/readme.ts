/**
 * Keeps the generated parts of the documentation true: the table of settings, the list of examples, the layers and
 * options of each package, and the code, which is compiled and run by tests.
 *
 * A generated part stands between `<!-- name -->` and `<!-- /name -->`. `node scripts/readme.ts` writes them all,
 * `--check` writes nothing and fails when one is stale.
 */
import { toMarkdown } from "@belfry/server/Settings"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describeExample, examples } from "./example.ts"
import { type LayerDoc, layers, type OptionsDoc, options } from "./readme/declarations.ts"
import { snippets } from "./readme/snippets.ts"

const root = join(import.meta.dirname, "..")

/** The content of a generated part, by its name and what follows that (`code sign-in`). */
export type Parts = Readonly<Record<string, (argument: string) => string>>

/** A document with its generated parts made anew. */
export const render = (text: string, parts: Parts): string => {
  const rendered = text.replaceAll(marked, (_part, name: string, argument: string) => {
    const label = `${name}${argument}`
    const content = parts[name]
    if (content === undefined) throw new Error(`Nothing is known of the part ${name}`)
    return `<!-- ${label} -->\n\n${content(argument.trim())}\n\n<!-- /${label} -->`
  })
  const open = [...rendered.replaceAll(marked, "").matchAll(/<!-- (?<name>\/?[a-z]+)/gu)]
  const first = open.find(({ groups }) => (groups?.["name"] ?? "").replace("/", "") in parts)
  if (first !== undefined) throw new Error(`${first[0]} is not closed, or was never opened`)
  return rendered
}

/** The parts that every document may have. */
const common = (): Parts => {
  const pieces = snippets(join(root, "scripts/docs"))
  return {
    settings: toMarkdown,
    example: () => block(exampleLayers()),
    examples: () => exampleTable(),
    code: (name) => {
      const piece = pieces.get(name)
      if (piece === undefined) throw new Error(`There is no piece of code called ${name}`)
      return block(piece)
    },
  }
}

/** The parts that the README of a package may have beside these. */
const ofPackage = (name: string): Parts => {
  const source = join(root, "packages", name, "src")
  return { layers: () => layerTable(layers(source)), options: () => optionTable(options(source)) }
}

/** A table of layers. */
export const layerTable = (all: ReadonlyArray<LayerDoc>): string =>
  table(
    ["layer", "what it is"],
    all.map(({ name, summary }) => [`\`${name}\``, summary]),
  )

/** A table for each interface of options, below what its comment says of all of them. */
export const optionTable = (all: ReadonlyArray<OptionsDoc>): string =>
  all
    .map(({ about, members, name }) => {
      const head = ["option", "type", "what it does, and its default"]
      const rows = members.map((member) => [`\`${member.name}\``, code(member.type), member.summary])
      // Where the comment of the interface tells of them all, the last column is empty.
      const columns = members.some(({ summary }) => summary !== "") ? 3 : 2
      const cut = (cells: ReadonlyArray<string>) => cells.slice(0, columns)
      return `### ${name}\n\n${about}\n\n${table(cut(head), rows.map(cut))}`
    })
    .join("\n\n")

// internal

const marked = /<!-- (?<name>[a-z]+)(?<argument>(?: [\w.-]+)?) -->[\s\S]*?<!-- \/\k<name>\k<argument> -->/gu

const block = (text: string): string => `\`\`\`ts\n${text}\n\`\`\``

const code = (text: string): string => (text === "" ? "" : `\`${text}\``)

/** The example program as far as it puts layers together; the rest of it signs in and checks the answer. */
const exampleLayers = (): string => {
  const program = readFileSync(join(root, "apps/examples/start/src/main.ts"), "utf8")
  return program.slice(0, program.indexOf("\nconst program")).trim()
}

/** The examples, each with what it shows. */
const exampleTable = (): string =>
  table(
    ["example", "what it shows"],
    examples.map((name) => [`[\`${name}\`](apps/examples/${name})`, describeExample(name)]),
  )

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n")

/** Every document with generated parts, and the parts that it may have. */
const documents = (): ReadonlyArray<{ readonly path: string; readonly parts: Parts }> => {
  const shared = common()
  const packages = readdirSync(join(root, "packages"))
    .toSorted()
    .map((name) => ({ path: `packages/${name}/README.md`, parts: { ...shared, ...ofPackage(name) } }))
    .filter(({ path }) => existsSync(join(root, path)))
  return [{ path: "README.md", parts: shared }, ...packages]
}

if (import.meta.main) {
  for (const { parts, path } of documents()) {
    const file = join(root, path)
    const text = readFileSync(file, "utf8")
    const rendered = render(text, parts)
    if (rendered === text) continue
    if (process.argv.includes("--check")) {
      process.stderr.write(`${path} is stale: run npm run readme\n`)
      process.exitCode = 1
    } else writeFileSync(file, rendered)
  }
}
