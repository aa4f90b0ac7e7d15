/**
 * Which demands of the specifications have tests: a table, and a failure when a MUST has neither a test nor a reason.
 *
 * `node scripts/spec-coverage.ts` prints the table, `--names` also the tests of each, `--check` only what is missing.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Requirement } from "./spec/requirement.ts"
import { requirements } from "./spec/requirements.ts"

/** A test by the titles it stands under. */
export interface Test {
  readonly sections: ReadonlyArray<string>
  readonly name: string
}

/** What became of a demand. */
export interface Coverage {
  readonly requirement: Requirement
  readonly tests: ReadonlyArray<Test>
  readonly state: "tested" | "left out" | "missing"
}

/** Where something opens or ends at an indentation: a suite, a test, a block. */
const line =
  /^(?<indent> *)(?:(?<end>\})|(?<kind>describe(?:\.\w+)*|withLayer\(.*\)|it(?:\.\w+)*)\(\s*(?:"(?<plain>(?:[^"\\]|\\.)*)"|`(?<template>[^`]*)`))/gmu

/**
 * The tests of a file, by its indentation: as the formatter leaves it, a suite ends where its indentation does. What a
 * suite runs on, such as ` (${name})` at the end of its title, is no part of it. What is skipped is no test.
 */
export const testsOf = (source: string): ReadonlyArray<Test> => {
  const tests: Array<Test> = []
  const open: Array<{ readonly indent: number; readonly title: string; readonly runs: boolean }> = []
  for (const { groups = {} } of source.matchAll(line)) {
    const { end, indent = "", kind = "", plain, template = "" } = groups
    while ((open.at(-1)?.indent ?? -1) >= indent.length) open.pop()
    if (end !== undefined) continue
    const title = plain ?? template
    const runs = !/\.(?:skip|todo|fails)\b/u.test(kind) && open.every((suite) => suite.runs)
    if (!kind.startsWith("it")) open.push({ indent: indent.length, title: title.replace(/ \(\$\{\w+\}\)$/u, ""), runs })
    else if (runs) tests.push({ sections: open.map((suite) => suite.title), name: title })
  }
  return tests
}

/** Whether a test is of a demand: under its section, by a name that is about it, and MUST where the demand says so. */
const isAbout = ({ about, level, section }: Requirement, { name, sections }: Test): boolean =>
  sections.includes(section) && (about?.test(name) ?? false) && (level === "SHOULD" || name.startsWith("MUST"))

/** What the tests cover. */
export const cover = (demands: ReadonlyArray<Requirement>, tests: ReadonlyArray<Test>): ReadonlyArray<Coverage> =>
  demands.map((requirement) => {
    const found = tests.filter((test) => isAbout(requirement, test))
    const state = found.length > 0 ? "tested" : requirement.leftOut === undefined ? "missing" : "left out"
    return { requirement, tests: found, state }
  })

/** The tests of the package, of the pages that serve it, and of what it stands on. */
const load = (): ReadonlyArray<Test> =>
  ["packages/core/test", "packages/oauth-server/test", "packages/server/test"].flatMap((folder) =>
    readdirSync(join(import.meta.dirname, "..", folder))
      .filter((file) => file.endsWith(".test.ts"))
      .flatMap((file) => testsOf(readFileSync(join(import.meta.dirname, "..", folder, file), "utf8"))),
  )

if (import.meta.main) {
  const coverage = cover(requirements, load())
  const isCheck = process.argv.includes("--check")
  const hasNames = process.argv.includes("--names")
  for (const { requirement, state, tests } of coverage) {
    if (isCheck && (state !== "missing" || requirement.level !== "MUST")) continue
    const what = state === "tested" ? `${tests.length} tests` : state === "missing" ? "MISSING" : requirement.leftOut
    process.stdout.write(`${requirement.level.padEnd(6)} ${requirement.section}: ${requirement.demand} — ${what}\n`)
    if (hasNames) for (const { name } of tests) process.stdout.write(`         ${name}\n`)
  }
  const count = (state: Coverage["state"]) => coverage.filter((row) => row.state === state).length
  process.stdout.write(
    `belfry: ${coverage.length} demands, ${count("tested")} tested, ${count("left out")} left out, ${count("missing")} missing\n`,
  )
  if (coverage.some(({ requirement, state }) => state === "missing" && requirement.level === "MUST"))
    process.exitCode = 1
}
