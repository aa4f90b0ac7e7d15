/**
 * The code in the documentation: pieces of programs that are compiled with everything else, and run by tests.
 *
 * A piece stands in `scripts/docs/*.ts` between `// #region name` and `// #endregion`.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** The pieces of the programs in `folder`, by name, without the indentation that all their lines share. */
export const snippets = (folder: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (const file of readdirSync(folder).toSorted()) {
    if (!file.endsWith(".ts")) continue
    for (const [name, text] of regions(readFileSync(join(folder, file), "utf8"))) {
      if (found.has(name)) throw new Error(`Two pieces of code are called ${name}`)
      found.set(name, text)
    }
  }
  return found
}

/** The regions of a program, in order. */
export const regions = (program: string): ReadonlyArray<readonly [name: string, text: string]> =>
  [...program.matchAll(/^ *\/\/ #region (?<name>\S+)\n(?<text>[\s\S]*?)^ *\/\/ #endregion$/gmu)].map(({ groups }) => [
    groups?.["name"] ?? "",
    dedent(groups?.["text"] ?? ""),
  ])

// internal

const dedent = (text: string): string => {
  const lines = text.trimEnd().split("\n")
  const depths = lines.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length)
  const depth = Math.min(...depths)
  return lines.map((line) => line.slice(depth)).join("\n")
}
