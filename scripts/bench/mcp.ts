/**
 * Bench `mcp`: what it costs to let a request into an MCP server: the verification of its JWT access token by
 * `AccessTokenVerifier.layerLocalJwt`, and the whole guard around a handler that does nothing, against bare
 * `jose.jwtVerify` with the same key at hand. One after the other in one process, in turns.
 */
import { performance } from "node:perf_hooks"
import { rssMb } from "./processes.ts"
import { median } from "./measures/median.ts"
import { type Verification, withVerifications } from "./measures/mcp.ts"
import {
  atMost,
  barsTable,
  type Bench,
  type ContenderReport,
  type Options,
  type Report,
  round,
  table,
} from "./report.ts"

const times = 3
const warmUp = 2000

/** The bench. */
export const mcpBench: Bench = {
  name: "mcp",
  duration: 3,
  run: (options) => withVerifications((verifications) => compare(verifications, options)),
}

// internal

const compare = async (verifications: ReadonlyArray<Verification>, options: Options): Promise<Report> => {
  for (const { once } of verifications) for (let index = 0; index < warmUp; index++) await once()
  const turns = new Map<string, Array<ReadonlyArray<number>>>()
  for (let turn = 0; turn < options.rounds; turn++) {
    for (const { name, once } of verifications) {
      const taken = await timesOf(once, options.duration)
      turns.set(name, [...(turns.get(name) ?? []), taken])
    }
  }
  const contenders: Record<string, ContenderReport> = {}
  for (const { name, statements } of verifications) {
    const measured = turns.get(name) ?? []
    contenders[name] = {
      rps: round(median(measured.map((taken) => (taken.length * 1000) / taken.reduce((sum, one) => sum + one, 0)))),
      p50: round(median(measured.map((taken) => at(taken, 0.5)))),
      p99: round(median(measured.map((taken) => at(taken, 0.99)))),
      statementsPerRequest: statements,
      rssMb: round(rssMb(process.pid)),
    }
  }
  const p50 = (name: string) => contenders[name]?.p50 ?? NaN
  const ratios = {
    "verifier / jose": round(p50("verifier") / p50("jose")),
    "guard / jose": round(p50("guard") / p50("jose")),
  }
  const bars = [
    atMost("verification of a JWT, times bare jose.jwtVerify", times, ratios["verifier / jose"]),
    atMost("statements of the verifier", 0, contenders["verifier"]?.statementsPerRequest ?? NaN),
    atMost("statements of the guard", 0, contenders["guard"]?.statementsPerRequest ?? NaN),
  ]
  options.print(
    table(
      ["", "a second", "p50 ms", "p99 ms", "statements"],
      Object.entries(contenders).map(([name, { p50, p99, rps, statementsPerRequest }]) => [
        name,
        ...[rps, p50, p99, statementsPerRequest].map(String),
      ]),
    ),
  )
  options.print(`\n${barsTable(bars)}`)
  return { contenders, ratios, bars }
}

/** Milliseconds that each took, one after the other for some seconds. */
const timesOf = async (once: () => Promise<void>, seconds: number): Promise<ReadonlyArray<number>> => {
  const taken: Array<number> = []
  const end = performance.now() + seconds * 1000
  for (let now = performance.now(); now < end;) {
    await once()
    const then = performance.now()
    taken.push(then - now)
    now = then
  }
  return taken
}

const at = (taken: ReadonlyArray<number>, share: number): number =>
  taken.toSorted((a, b) => a - b)[Math.floor(taken.length * share)] ?? NaN
