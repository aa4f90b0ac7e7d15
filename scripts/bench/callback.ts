/**
 * Bench `callback`: what it costs to take somebody back from a provider: the state is used up, the code exchanged, the
 * ID token validated, the account's tokens renewed, a session begun, and the browser sent on.
 *
 * Belfry and Better Auth do it for people who have been there before, on the same PostgreSQL, which writes durably,
 * with the same provider: a process on this machine. Sign-ins are begun before a turn, and not timed.
 */
import { availableParallelism } from "node:os"
import { authorize } from "./authorizations.ts"
import { belfryWithProvider } from "./contenders/belfry.ts"
import { betterAuthWithProvider } from "./contenders/betterAuth.ts"
import type { Context, ServerProcess } from "./contenders/contender.ts"
import { chosenOf, withContext } from "./contest.ts"
import { startProvider } from "./contenders/provider.ts"
import type { Provider, ProviderContender, ProviderContestant } from "./contenders/provider.ts"
import { clientLoad } from "./load.ts"
import type { Generator, ReadyLoad } from "./load.ts"
import { countStatements } from "./measures/statements.ts"
import { measureThroughput, ratio } from "./measures/throughput.ts"
import { withClient } from "./peers.ts"
import { pinningNote } from "./processes.ts"
import { atLeast, atMost, barsTable, round, table } from "./report.ts"
import type { Bar, Bench, ContenderReport, Options, Report } from "./report.ts"

const contenders: ReadonlyArray<ProviderContender> = [belfryWithProvider, betterAuthWithProvider]
const atOnce = 50
const people = 2000
const size = { users: 1000, sessions: 10_000 }
// So many more callbacks are prepared than the best rate so far asks for; a run that has too few ends before its time.
const reserve = 1.5

/** A contestant, with the callbacks of its people. */
interface Entrant extends ProviderContestant {
  /** Prepares callbacks of the next people: so many, or enough for so many seconds. Their load fails when one fails. */
  readonly callbacks: (
    server: Pick<ServerProcess, "port">,
    how: { readonly connections: number } & ({ readonly seconds: number } | { readonly requests: number }),
  ) => Promise<ReadyLoad>
}

const entrantOf = ({ cores, postgres }: Context, contestant: ProviderContestant): Entrant => {
  const { database, name, path, sessionCookie, signIn } = contestant
  let first = 0
  let rate = 100
  return {
    ...contestant,
    callbacks: async ({ port }, how) => {
      const seconds = "seconds" in how ? how.seconds : 600
      const count = "requests" in how ? how.requests : Math.ceil(seconds * rate * reserve)
      const gets = await authorize(cores, { port, signIn, first, count, people })
      first += count
      // What other turns have left behind is not this one's to read over, and the planner knows what is there.
      await withClient(postgres.url(database), (client) => client.query("VACUUM ANALYZE"))
      return async () => {
        const { connections } = how
        const expected = { status: 302, mustSet: sessionCookie }
        const result = await clientLoad(cores, { port, path, cookies: [], gets, connections, seconds, ...expected })
        const failures = result.badAnswers + result.socketErrors + result.timeouts
        if (failures > 0) throw new Error(`${failures} callbacks of ${name} failed: ${JSON.stringify(result)}`)
        rate = Math.max(rate, result.requests / result.seconds)
        return result
      }
    },
  }
}

const generator: Generator<Entrant> = {
  name: "loadClient.ts",
  prepare: (entrant, connections, seconds) => entrant.callbacks(entrant, { connections, seconds }),
}

/** Lets everybody come for the first time: from then on they are returning users. */
const signUpEverybody = async ({ postgres }: Context, entrant: Entrant): Promise<void> => {
  const send = await entrant.callbacks(entrant, { connections: atOnce, requests: people })
  await send()
  await withClient(postgres.url(entrant.database), (client) => client.query("CHECKPOINT"))
}

/** Statements, besides those that begin and end transactions, and throughput. */
const compare = async (
  context: Context,
  entrants: ReadonlyArray<Entrant>,
  options: Options,
): Promise<Omit<Report, "bars">> => {
  const { cores, postgres } = context
  const { duration, print, rounds } = options
  const statements = new Map<string, number>()
  for (const entrant of entrants) {
    const { besidesTransactions, texts } = await countStatements(
      postgres,
      cores,
      entrant,
      (server, requests) => entrant.callbacks(server, { connections: 1, requests }),
      20,
    )
    statements.set(entrant.name, besidesTransactions)
    for (const text of texts) print(`  ${entrant.name}: ${text.length > 160 ? `${text.slice(0, 160)}...` : text}`)
  }
  const results = await measureThroughput(entrants, generator, {
    rounds,
    connections: atOnce,
    warmUpSeconds: Math.max(3, Math.ceil(duration / 2)),
    seconds: duration,
    onTurn: (number, name, turn, note) =>
      print(`  round ${number}  ${name.padEnd(12)} ${round(turn.rps)} callbacks/s${note}`),
  })
  const reports = new Map<string, ContenderReport>()
  const ratios: Record<string, number> = {}
  for (const [name, it] of results) {
    reports.set(name, {
      rps: round(it.rps),
      p50: round(it.p50),
      p99: round(it.p99),
      statementsPerRequest: statements.get(name) ?? NaN,
      rssMb: round(it.rssMb),
    })
    for (const [other, against] of results) {
      if (other !== name) ratios[`${name}/${other}`] = round(ratio(it, against))
    }
  }
  print("")
  print(
    table(
      ["contender", "callbacks/s", "p50 ms", "p99 ms", "SQL/callback", "RSS MB", "server CPU us/callback"],
      [...reports].map(([name, it]) => [
        name,
        ...[it.rps, it.p50, it.p99, it.statementsPerRequest, it.rssMb].map(String),
        results.get(name)?.cpuMicros.toFixed(0) ?? "",
      ]),
    ),
  )
  return { contenders: Object.fromEntries(reports), ratios }
}

const barsOf = ({ contenders, ratios }: Omit<Report, "bars">, subject: string): ReadonlyArray<Bar> => {
  const own = contenders[subject]
  const bars: Array<Bar> = []
  if (own !== undefined)
    bars.push(atMost("statements per callback, besides BEGIN and COMMIT", 6, own.statementsPerRequest))
  const against = ratios[`${subject}/better-auth`]
  if (against !== undefined) bars.push(atLeast(`${subject}/better-auth`, 1, against))
  return bars
}

const measure = async (
  context: Context,
  chosen: ReadonlyArray<ProviderContender>,
  provider: Provider,
  options: Options,
): Promise<Report> => {
  const { print, subject } = options
  print(
    `PostgreSQL ${context.postgres.version}, Node ${process.version}, ${availableParallelism()} cores; ` +
      `${atOnce} callbacks at a time of ${people} people; ${pinningNote(context.cores)}, where the provider is, too`,
  )
  const started: Array<Entrant> = []
  try {
    for (const contender of chosen) {
      const database = contender.name.replaceAll("-", "_")
      started.push(entrantOf(context, await contender.start(context, database, size, provider)))
    }
    for (const entrant of started) await signUpEverybody(context, entrant)
    const report = await compare(context, started, options)
    const bars = barsOf(report, subject)
    if (bars.length > 0) print(`\n${barsTable(bars)}`)
    return { ...report, bars }
  } finally {
    await Promise.all(started.map((it) => it.process.stop()))
  }
}

const run = (options: Options): Promise<Report> => {
  const chosen = chosenOf(contenders, options)
  return withContext(options, async (context) => {
    const provider = await startProvider(context)
    try {
      return await measure(context, chosen, provider, options)
    } finally {
      await provider.stop()
    }
  })
}

/** The callback bench. */
export const callbackBench: Bench = { name: "callback", run }
