/**
 * Runs an example: `npm run example -- NAME`, or `npm run example -- NAME --serve` for one to look at. Without a name
 * it says which there are.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

const folder = join(import.meta.dirname, "../apps/examples")

/** The examples: every folder that is a workspace. */
export const examples: ReadonlyArray<string> = readdirSync(folder)
  .filter((name) => existsSync(join(folder, name, "package.json")))
  .toSorted()

/** What an example shows, in one line. */
export const describeExample = (name: string): string => {
  const { description }: { readonly description: string } = JSON.parse(
    readFileSync(join(folder, name, "package.json"), "utf8"),
  )
  return description
}

// internal

const list = () => {
  const width = Math.max(...examples.map((name) => name.length))
  for (const name of examples) process.stdout.write(`${name.padEnd(width)}  ${describeExample(name)}\n`)
}

const main = async (name: string | undefined) => {
  if (name === undefined) return list()
  if (examples.includes(name)) return await import(pathToFileURL(join(folder, name, "src/main.ts")).href)
  process.stderr.write(`There is no example "${name}". These are:\n`)
  process.exitCode = 1
  return list()
}

if (import.meta.main) await main(process.argv[2])
