/**
 * Bench `session`: what answering "who is calling" costs, from the request's cookie to the JSON of session and user.
 *
 * Belfry, a bare server (the limit) and Better Auth run on the same PostgreSQL, each in its own process and database.
 */
import { availableParallelism } from "node:os"
import { bare } from "./contenders/bare.ts"
import { belfry } from "./contenders/belfry.ts"
import { betterAuth } from "./contenders/betterAuth.ts"
import type { Contender, Contestant, Context } from "./contenders/contender.ts"
import { chosenOf, withContext } from "./contest.ts"
import { detectGenerator } from "./load.ts"
import { measureCrowd } from "./measures/crowd.ts"
import { measureFlatness } from "./measures/flatness.ts"
import { measureStartup } from "./measures/startup.ts"
import { countStatements } from "./measures/statements.ts"
import { measureThroughput, ratio } from "./measures/throughput.ts"
import { pinningNote } from "./processes.ts"
import { atLeast, atMost, barsTable, round, table } from "./report.ts"
import type { Bar, Bench, Options, Report } from "./report.ts"

const contenders: ReadonlyArray<Contender> = [belfry, bare, betterAuth]
const connections = 64
const size = { users: 1000, sessions: 10_000 }
const flatSizes = { small: 1000, large: 1_000_000 }

const settings = (context: Context, generator: string): ReadonlyArray<string> => [
  `PostgreSQL ${context.postgres.version}, Node ${process.version}, ${availableParallelism()} cores; ` +
    `load from ${generator}, ${connections} connections`,
  pinningNote(context.cores),
]

/** Throughput and statements of all contenders, and the bars between them. */
const compare = async (context: Context, started: ReadonlyArray<Contestant>, options: Options): Promise<Report> => {
  const { print, subject } = options
  const generator = detectGenerator(context.cores)
  for (const line of settings(context, generator.name)) print(line)

  const statements = new Map<string, number>()
  for (const contestant of started) {
    const { perRequest, texts } = await countStatements(context.postgres, context.cores, contestant)
    statements.set(contestant.name, perRequest)
    for (const text of texts) print(`  ${contestant.name}: ${text.length > 160 ? `${text.slice(0, 160)}...` : text}`)
  }

  const results = await measureThroughput(started, generator, {
    rounds: options.rounds,
    connections,
    warmUpSeconds: Math.max(3, Math.ceil(options.duration / 2)),
    seconds: options.duration,
    onTurn: (number, name, turn, note) =>
      print(`  round ${number}  ${name.padEnd(12)} ${round(turn.rps)} requests/s${note}`),
  })
  print("")
  print(
    table(
      ["contender", "requests/s", "p50 ms", "p99 ms", "SQL/request", "RSS MB", "server CPU us/request"],
      [...results].map(([name, it]) => [
        name,
        String(Math.round(it.rps)),
        it.p50.toFixed(2),
        it.p99.toFixed(2),
        String(statements.get(name)),
        it.rssMb.toFixed(0),
        it.cpuMicros.toFixed(0),
      ]),
    ),
  )

  const ratios: Record<string, number> = {}
  for (const [first, one] of results) {
    for (const [second, other] of results) {
      if (first !== second) ratios[`${first}/${second}`] = round(ratio(one, other))
    }
  }
  print("")
  print(
    `ratios of requests/s: ${Object.entries(ratios)
      .map(([pair, value]) => `${pair} ${value}`)
      .join(", ")}`,
  )

  const bars: Array<Bar> = []
  if (results.has(subject)) {
    bars.push(atMost("statements per authenticated request", 1, statements.get(subject) ?? NaN))
  }
  for (const [other, limit] of [
    ["bare", 0.85],
    ["better-auth", 10],
  ] as const) {
    if (other !== subject && results.has(subject) && results.has(other)) {
      bars.push(atLeast(`${subject}/${other}`, limit, ratios[`${subject}/${other}`] ?? NaN))
    }
  }
  return {
    contenders: Object.fromEntries(
      [...results].map(([name, it]) => [
        name,
        {
          rps: round(it.rps),
          p50: round(it.p50),
          p99: round(it.p99),
          statementsPerRequest: statements.get(name) ?? NaN,
          rssMb: round(it.rssMb),
        },
      ]),
    ),
    ratios,
    bars,
  }
}

/** Bars that a server holds or not by itself. */
const examine = async (
  context: Context,
  contestant: Contestant,
  print: Options["print"],
): Promise<ReadonlyArray<Bar>> => {
  const startup = await measureStartup(contestant)
  print(
    `start: first response after ${startup.readyAfterMillis.toFixed(0)} ms, idle ${startup.idleRssMb.toFixed(0)} MB`,
  )
  const crowd = await measureCrowd(context.cores, contestant)
  print(
    `1,000 clients: ${crowd.requests} requests, ${crowd.failures} failures; ${crowd.idleMb.toFixed(0)} MB idle, ` +
      `${crowd.peakMb.toFixed(0)} MB at most, ${crowd.quietMb.map((mb) => mb.toFixed(0)).join(", ")} MB after each wave`,
  )
  // The first wave warms the server up.
  const [second = NaN, last = NaN] = [crowd.quietMb.at(1), crowd.quietMb.at(-1)]
  return [
    atMost("first response within 400 ms", 400, startup.readyAfterMillis),
    atMost("idle memory (MB)", 120, startup.idleRssMb),
    atMost("1,000 concurrent clients: failures", 0, crowd.failures),
    atMost("1,000 concurrent clients: memory over idle (MB)", 200, crowd.peakMb - crowd.idleMb),
    atMost("1,000 concurrent clients: memory kept from second to last wave (MB)", 20, last - second),
  ]
}

/** Bars for latency as the table grows. */
const grow = async (context: Context, contender: Contender, print: Options["print"]): Promise<ReadonlyArray<Bar>> => {
  const { growth, large, small } = await measureFlatness(context, contender, flatSizes)
  for (const [sessions, it] of [
    [flatSizes.small, small],
    [flatSizes.large, large],
  ] as const) {
    print(`${String(sessions).padStart(7)} sessions: p50 ${it.p50.toFixed(3)} ms, p99 ${it.p99.toFixed(3)} ms`)
  }
  return [
    atMost("latency flat, 1,000 to 1,000,000 sessions: p50", 1.2, growth.p50),
    atMost("latency flat, 1,000 to 1,000,000 sessions: p99", 1.2, growth.p99),
  ]
}

const measureAll = async (context: Context, chosen: ReadonlyArray<Contender>, options: Options): Promise<Report> => {
  const { print, subject } = options
  const started: Array<Contestant> = []
  try {
    for (const contender of chosen) {
      started.push(await contender.start(context, contender.name.replaceAll("-", "_"), size))
    }
    const report = await compare(context, started, options)
    print("")
    const bars = [...report.bars]
    const contestant = started.find(({ name }) => name === subject)
    const contender = chosen.find(({ name }) => name === subject)
    if (contestant !== undefined && contender !== undefined) {
      bars.push(...(await examine(context, contestant, print)))
      await Promise.all(started.splice(0).map((it) => it.process.stop()))
      bars.push(...(await grow(context, contender, print)))
    }
    if (bars.length > 0) print(`\n${barsTable(bars)}`)
    return { ...report, bars }
  } finally {
    await Promise.all(started.map((it) => it.process.stop()))
  }
}

const run = (options: Options): Promise<Report> => {
  const chosen = chosenOf(contenders, options)
  return withContext(options, (context) => measureAll(context, chosen, options), { isDurable: false })
}

/** The session bench. */
export const sessionBench: Bench = { name: "session", run }
