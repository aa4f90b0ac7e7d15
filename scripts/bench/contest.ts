/**
 * What benches with several contenders share: who takes part, the servers that all of them need, statements counted for
 * each, and several measures for which they take turns.
 */
import type { Contestant, Context, ServerProcess } from "./contenders/contender.ts"
import type { Generator, ReadyLoad } from "./load.ts"
import { countStatements } from "./measures/statements.ts"
import type { Statements } from "./measures/statements.ts"
import { measureThroughput, ratio } from "./measures/throughput.ts"
import { installPeers } from "./peers.ts"
import { startPostgres } from "./postgres.ts"
import { detectCores, temporaryDirectory } from "./processes.ts"
import { round, table } from "./report.ts"
import type { ContenderReport, Options, Report } from "./report.ts"

const requestsPerBatch = 20
/** Before the first turn of a measure: rates of all contenders rise for about so long after the start. */
const settlingSeconds = 15

/** Those of the contenders that take part. Fails where a name is nobody's. */
export const chosenOf = <A extends { readonly name: string }>(
  contenders: ReadonlyArray<A>,
  { only, subject }: Options,
): ReadonlyArray<A> => {
  const unknown = [...(only ?? []), subject].find((name) => !contenders.some((contender) => contender.name === name))
  if (unknown !== undefined) throw new Error(`no contender ${unknown}`)
  return contenders.filter(({ name }) => only === undefined || only.includes(name))
}

/** Runs a bench with a PostgreSQL of its own, durable as in production unless told otherwise. */
export const withContext = async (
  { isPinned }: Options,
  use: (context: Context) => Promise<Report>,
  { isDurable }: { readonly isDurable: boolean } = { isDurable: true },
): Promise<Report> => {
  installPeers()
  const cores = isPinned ? detectCores() : undefined
  const postgres = await startPostgres(cores, { isDurable })
  try {
    return await use({ postgres, cores, logDirectory: temporaryDirectory("belfry-bench-logs-") })
  } finally {
    await postgres.stop()
  }
}

/** Counts the statements of what a contestant is asked, for each of the `names`, and prints them. */
export const countEach = async <Name extends string>(
  { cores, postgres }: Context,
  contestant: Contestant,
  names: ReadonlyArray<Name>,
  sequence: (name: Name) => (server: ServerProcess, requests: number) => Promise<ReadyLoad>,
  print: Options["print"],
): Promise<ReadonlyMap<Name, Statements>> => {
  const counts = new Map<Name, Statements>()
  for (const name of names) {
    const counted = await countStatements(postgres, cores, contestant, sequence(name), requestsPerBatch)
    counts.set(name, counted)
    const { besidesTransactions, perRequest, texts } = counted
    print(`  ${contestant.name}, ${name}: ${besidesTransactions}, with those of transactions ${perRequest}`)
    for (const text of texts) print(`    ${text.length > 150 ? `${text.slice(0, 150)}...` : text}`)
  }
  return counts
}

/** How the entrants are compared. */
export interface Comparison<Entrant, Measure extends string> {
  readonly measures: ReadonlyArray<Measure>
  /** What is counted in a second of a measure. */
  readonly unit: (measure: Measure) => string
  /** The entrant that the others are put beside in the tables. */
  readonly limit: string
  readonly connections: number
  readonly prepare: (measure: Measure) => Generator<Entrant>["prepare"]
  /** Statements of a request, or NaN. */
  readonly statements: (entrant: string, measure: Measure) => number
}

/** Throughput of all measures, one after the other; within each, the contenders take turns. */
export const compareEach = async <Entrant extends Contestant, Measure extends string>(
  entrants: ReadonlyArray<Entrant>,
  { connections, limit, measures, prepare, statements, unit }: Comparison<Entrant, Measure>,
  { duration, print, rounds }: Options,
): Promise<Omit<Report, "bars">> => {
  const reports: Record<string, ContenderReport> = {}
  const ratios: Record<string, number> = {}
  for (const measure of measures) {
    print(`\n${measure}:`)
    const generator = { name: "sockets", prepare: prepare(measure) }
    const results = await measureThroughput(entrants, generator, {
      rounds,
      connections,
      settlingSeconds,
      warmUpSeconds: Math.max(2, Math.ceil(duration / 2)),
      seconds: duration,
      onTurn: (number, name, turn, note) =>
        print(`  round ${number}  ${name.padEnd(14)} ${round(turn.rps)} ${unit(measure)}${note}`),
    })
    for (const [name, it] of results) {
      reports[`${name}, ${measure}`] = {
        rps: round(it.rps),
        p50: round(it.p50),
        p99: round(it.p99),
        statementsPerRequest: statements(name, measure),
        rssMb: round(it.rssMb),
      }
      for (const [other, against] of results) {
        if (other !== name) ratios[`${name}/${other}, ${measure}`] = round(ratio(it, against))
      }
    }
    print("")
    print(
      table(
        [measure, unit(measure), "of the limit", "p50 ms", "p99 ms", "SQL", "RSS MB", "server CPU us", "server busy"],
        [...results].map(([name, it]) => [
          name,
          String(round(it.rps)),
          name === limit ? "1" : String(ratios[`${name}/${limit}, ${measure}`] ?? "-"),
          ...[it.p50, it.p99, statements(name, measure), it.rssMb].map((value) => String(round(value))),
          it.cpuMicros.toFixed(0),
          `${((it.cpuMicros * it.rps) / 1e4).toFixed(0)} %`,
        ]),
      ),
    )
  }
  return { contenders: reports, ratios }
}
