/**
 * The official conformance suite, run as its command line.
 */
import { Schema } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs/promises"
import { createRequire } from "node:module"
import * as Os from "node:os"
import * as Path from "node:path"

/** What the suite says of one thing that it looked at. */
const Check = Schema.Struct({
  id: Schema.String,
  status: Schema.Literals(["SUCCESS", "FAILURE", "WARNING", "SKIPPED", "INFO"]),
  errorMessage: Schema.optional(Schema.String),
})

const decode = Schema.decodeUnknownSync(Schema.Array(Check))

/** The checks of a scenario, by its name. */
export type Report = ReadonlyMap<string, ReadonlyArray<typeof Check.Type>>

/** A failure that is known: these checks of a scenario, and why. */
export interface KnownFailure {
  readonly scenario: string
  readonly checks: ReadonlyArray<string>
  readonly why: string
}

/** Runs the suite in a mode. `onOutput` sees everything that it printed so far, whenever it prints. */
export const run = async (
  mode: "server" | "authorization",
  given: ReadonlyArray<string>,
  onOutput: (printed: string) => void = () => {},
): Promise<Report> => {
  const directory = await Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-conformance-"))
  try {
    const child = spawn(process.execPath, [program, mode, ...given, "--output-dir", directory], {
      stdio: ["ignore", "pipe", "pipe"],
    })
    let printed = ""
    const take = (text: string) => onOutput((printed += text))
    child.stdout.setEncoding("utf8").on("data", take)
    child.stderr.setEncoding("utf8").on("data", take)
    // It ends with 1 where something fails, which the report tells better.
    await once(child, "close")
    const entries = await Fs.readdir(directory)
    if (entries.length === 0) throw new Error(`The suite reports nothing:\n${printed}`)
    return new Map(await Promise.all(entries.map((entry) => read(mode, directory, entry))))
  } finally {
    await Fs.rm(directory, { recursive: true, force: true })
  }
}

/** What did not succeed, as `scenario: check`, sorted. */
export const failures = (report: Report): ReadonlyArray<string> =>
  unique(
    [...report].flatMap(([scenario, checks]) =>
      checks.filter(({ status }) => status === "FAILURE" || status === "WARNING").map(({ id }) => `${scenario}: ${id}`),
    ),
  )

/** The known failures of the scenarios that were run, in the form of {@link failures}. */
export const known = (baseline: ReadonlyArray<KnownFailure>, report: Report): ReadonlyArray<string> =>
  unique(
    baseline
      .filter(({ scenario }) => report.has(scenario))
      .flatMap(({ checks, scenario }) => checks.map((check) => `${scenario}: ${check}`)),
  )

// internal

const program = Path.join(
  Path.dirname(createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/package.json")),
  "dist/index.js",
)

const unique = (lines: ReadonlyArray<string>) => [...new Set(lines)].toSorted()

/** The report of a scenario is in `<mode>-<scenario>-<time>/checks.json`. */
const read = async (mode: string, directory: string, entry: string) => {
  const scenario = entry.replace(`${mode}-`, "").replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/u, "")
  const text = await Fs.readFile(Path.join(directory, entry, "checks.json"), "utf8")
  return [scenario, decode(JSON.parse(text))] as const
}
