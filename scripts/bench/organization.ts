/**
 * Bench `organization`: what organizations cost: making one, inviting, accepting, listing members, asking for a
 * permission; and whether what is asked most costs the same in an organization of a million members as in one of ten.
 *
 * All contenders are on the same PostgreSQL, each server with the same core for itself; see `contenders/organizations.ts`
 * for the rules that all of them keep, which is checked before anything is measured. PostgreSQL writes durably.
 */
import { availableParallelism } from "node:os"
import { belfryOrganization } from "./contenders/belfryOrganization.ts"
import { betterAuthOrganization } from "./contenders/betterAuthOrganization.ts"
import { startMailSink } from "./contenders/mailSink.ts"
import { organizationLimit } from "./contenders/organizationLimit.ts"
import { invitedOf, memberAt, members, organizations, people } from "./contenders/organizations.ts"
import type {
  Measure,
  OrganizationContender,
  OrganizationContestant,
  OrganizationContext,
} from "./contenders/organizations.ts"
import { clientLoad } from "./load.ts"
import type { ClientLoad, Get, LoadResult, Post, ReadyLoad } from "./load.ts"
import { measureOrganizationFlatness } from "./measures/organizationFlatness.ts"
import { proveOrganizations } from "./measures/organizationProof.ts"
import { countStatements } from "./measures/statements.ts"
import type { Statements } from "./measures/statements.ts"
import { measureThroughput, ratio } from "./measures/throughput.ts"
import { installPeers, withClient } from "./peers.ts"
import { startPostgres } from "./postgres.ts"
import { detectCores, pinningNote, temporaryDirectory } from "./processes.ts"
import { atLeast, atMost, barsTable, round, table } from "./report.ts"
import type { Bar, Bench, ContenderReport, Options, Report } from "./report.ts"

const contenders: ReadonlyArray<OrganizationContender> = [organizationLimit, betterAuthOrganization, belfryOrganization]
const measures: ReadonlyArray<Measure> = ["create", "invite", "accept", "list members", "has permission"]
const atOnce = 50
// So many more requests are prepared than the best rate so far asks for; a run that has too few ends before its time.
const reserve = 1.5
const requestsPerBatch = 20

/** A contestant, and what it has been asked so far. */
interface Entrant extends OrganizationContestant {
  /** Requests of a measure that were not sent before. */
  readonly take: (measure: Measure, count: number) => Promise<Requests>
  /** Of a measure, the most requests a second so far. */
  readonly rates: Map<Measure, number>
}

/** What goes out in a run, and what each answer has in it. */
type Requests = (
  | { readonly posts: ReadonlyArray<Post>; readonly gets?: never }
  | { readonly gets: ReadonlyArray<Get>; readonly posts?: never }
) & { readonly mustContain: string }

const entrantOf = (contestant: OrganizationContestant): Entrant => {
  const asked = new Map<Measure, number>()
  const take = async (measure: Measure, count: number): Promise<Requests> => {
    const first = asked.get(measure) ?? 0
    asked.set(measure, first + count)
    const numbers = Array.from({ length: count }, (_, index) => first + index)
    /** The organization of a request. */
    const at = (n: number) => (n % organizations) + 1
    switch (measure) {
      case "create":
        return {
          posts: numbers.map((n) => contestant.create((n % people) + 1, `bench-${n}`)),
          mustContain: '"slug":"bench-',
        }
      case "invite": {
        const posts = numbers.map((n) => contestant.invite(memberAt(at(n), 1), at(n), `invited${n}@example.net`))
        return { posts, mustContain: '"status":"pending"' }
      }
      case "accept": {
        const invited = numbers.map(invitedOf)
        const keys = await contestant.keepInvitations(invited)
        const posts = invited.flatMap(({ person }, index) => {
          const key = keys[index]
          return key === undefined ? [] : [contestant.accept(person, key)]
        })
        return { posts, mustContain: '"organizationId":"' }
      }
      case "list members":
        return {
          gets: numbers.map((n) => contestant.listMembers(memberAt(at(n), 3), at(n))),
          mustContain: "@example.com",
        }
      case "has permission":
        return { posts: numbers.map((n) => contestant.mayAdd(memberAt(at(n), 2), at(n))), mustContain: contestant.yes }
    }
  }
  return { ...contestant, take, rates: new Map() }
}

const load = async (
  { cores }: OrganizationContext,
  entrant: Entrant,
  measure: Measure,
  how: Pick<ClientLoad, "port" | "connections" | "seconds"> & Requests,
): Promise<LoadResult> => {
  const requests = (how.posts ?? how.gets).length
  const result = await clientLoad(cores, { path: entrant.path, cookies: [], requests, ...how })
  const failures = result.badAnswers + result.socketErrors + result.timeouts
  if (failures > 0) throw new Error(`${failures} of ${entrant.name}, ${measure}, failed: ${JSON.stringify(result)}`)
  return result
}

/** Prepares the load of a measure for so many seconds. */
const prepare =
  (context: OrganizationContext, measure: Measure) =>
  async (entrant: Entrant, connections: number, seconds: number): Promise<ReadyLoad> => {
    const { database, port, rates } = entrant
    const rate = rates.get(measure) ?? 300
    const requests = await entrant.take(measure, Math.ceil(seconds * rate * reserve))
    // What other turns have left behind is not this one's to read over, and the planner knows what is there.
    await withClient(context.postgres.url(database), (client) => client.query("VACUUM ANALYZE"))
    return async () => {
      const result = await load(context, entrant, measure, { port, connections, seconds, ...requests })
      rates.set(measure, Math.max(rate, result.requests / result.seconds))
      return result
    }
  }

type Counts = ReadonlyMap<Measure, Statements>

const countAll = async (context: OrganizationContext, entrant: Entrant, print: Options["print"]): Promise<Counts> => {
  const counts = new Map<Measure, Statements>()
  for (const measure of measures) {
    const counted = await countStatements(
      context.postgres,
      context.cores,
      entrant,
      async ({ port }, requests) => {
        const ready = await entrant.take(measure, requests)
        return () => load(context, entrant, measure, { port, connections: 1, seconds: 600, ...ready })
      },
      requestsPerBatch,
    )
    counts.set(measure, counted)
    print(
      `  ${entrant.name}, ${measure}: ${counted.besidesTransactions}, ${counted.perRequest} with those of transactions`,
    )
    for (const text of counted.texts) print(`    ${text.length > 150 ? `${text.slice(0, 150)}...` : text}`)
  }
  return counts
}

const key = (name: string, measure: Measure): string => `${name}, ${measure}`

/** Throughput of all measures, one after the other; within each, the contenders take turns. */
const compare = async (
  context: OrganizationContext,
  entrants: ReadonlyArray<Entrant>,
  statements: ReadonlyMap<string, Counts>,
  { duration, print, rounds }: Options,
): Promise<Omit<Report, "bars">> => {
  const reports: Record<string, ContenderReport> = {}
  const ratios: Record<string, number> = {}
  for (const measure of measures) {
    print(`\n${measure}:`)
    const generator = { name: "loadClient.ts", prepare: prepare(context, measure) }
    const results = await measureThroughput(entrants, generator, {
      rounds,
      connections: atOnce,
      // Rates of all contenders rise for a while after the start.
      settlingSeconds: duration,
      warmUpSeconds: Math.max(3, Math.ceil(duration / 2)),
      seconds: duration,
      onTurn: (number, name, turn, note) =>
        print(`  round ${number}  ${name.padEnd(12)} ${round(turn.rps)} requests/s${note}`),
    })
    const counted = (name: string) => statements.get(name)?.get(measure)?.besidesTransactions ?? NaN
    for (const [name, it] of results) {
      reports[key(name, measure)] = {
        rps: round(it.rps),
        p50: round(it.p50),
        p99: round(it.p99),
        statementsPerRequest: counted(name),
        rssMb: round(it.rssMb),
      }
      for (const [other, against] of results) {
        if (other !== name) ratios[`${name}/${other}, ${measure}`] = round(ratio(it, against))
      }
    }
    print("")
    print(
      table(
        [measure, "requests/s", "of the limit", "p50 ms", "p99 ms", "SQL", "RSS MB", "server CPU us"],
        [...results].map(([name, it]) => [
          name,
          String(round(it.rps)),
          name === organizationLimit.name
            ? "1"
            : String(ratios[`${name}/${organizationLimit.name}, ${measure}`] ?? "-"),
          ...[it.p50, it.p99, counted(name), it.rssMb].map((value) => String(round(value))),
          it.cpuMicros.toFixed(0),
        ]),
      ),
    )
  }
  return { contenders: reports, ratios }
}

const barsOf = (
  { ratios }: Omit<Report, "bars">,
  statements: ReadonlyMap<string, Counts>,
  subject: string,
): ReadonlyArray<Bar> => {
  const counts = statements.get(subject)
  if (counts === undefined) return []
  return [
    ...measures.flatMap((measure) => {
      const got = ratios[`${subject}/${betterAuthOrganization.name}, ${measure}`]
      return got === undefined ? [] : [atLeast(`${subject}/${betterAuthOrganization.name}, ${measure}`, 3, got)]
    }),
    ...(["list members", "has permission"] as const).map((measure) =>
      atMost(`statements, ${measure}, with those of transactions`, 2, counts.get(measure)?.perRequest ?? NaN),
    ),
  ]
}

/** Bars for what is asked most as an organization grows, and as there are more of them. */
const grow = async (context: OrganizationContext, print: Options["print"]): Promise<ReadonlyArray<Bar>> => {
  const results = await measureOrganizationFlatness(context)
  return results.flatMap(({ asked, sizes }) => {
    for (const { latency, name } of sizes) {
      print(`${asked}, ${name}: p50 ${latency.p50.toFixed(3)} ms, p99 ${latency.p99.toFixed(3)} ms`)
    }
    return sizes.slice(1).map(({ growth, name }) => atMost(`${asked}, p50 flat: ${name}`, 1.2, growth.p50))
  })
}

const measureAll = async (
  context: OrganizationContext,
  chosen: ReadonlyArray<OrganizationContender>,
  options: Options,
): Promise<Report> => {
  const { print, subject } = options
  print(
    `PostgreSQL ${context.postgres.version}, Node ${process.version}, ${availableParallelism()} cores; ${atOnce} at a time, ` +
      `${organizations} organizations of ${members} members, written durably; ${pinningNote(context.cores)}`,
  )
  const started: Array<OrganizationContestant> = []
  try {
    for (const contender of chosen) {
      const contestant = await contender.start(context, `organization_${contender.name.replaceAll("-", "_")}`)
      started.push(contestant)
      await proveOrganizations(contestant)
    }
    const entrants = started.map(entrantOf)
    print("\nStatements, besides those that begin and end transactions:")
    const statements = new Map<string, Counts>()
    for (const entrant of entrants) statements.set(entrant.name, await countAll(context, entrant, print))
    const report = await compare(context, entrants, statements, options)
    return { ...report, bars: barsOf(report, statements, subject) }
  } finally {
    await Promise.all(started.map((it) => it.process.stop()))
  }
}

const run = async (options: Options): Promise<Report> => {
  const { only, print, subject } = options
  const chosen = contenders.filter(({ name }) => only === undefined || only.includes(name))
  const unknown = [...(only ?? []), subject].find((name) => !contenders.some((contender) => contender.name === name))
  if (unknown !== undefined) throw new Error(`no contender ${unknown}`)
  installPeers()
  const cores = options.isPinned ? detectCores() : undefined
  // As in production: who was made a member is one after a power failure.
  const postgres = await startPostgres(cores, { isDurable: true })
  const logDirectory = temporaryDirectory("belfry-bench-logs-")
  const mail = await startMailSink({ postgres, cores, logDirectory })
  const context: OrganizationContext = { postgres, cores, logDirectory, mailPort: mail.port }
  try {
    const report = await measureAll(context, chosen, options)
    const bars = [...report.bars]
    print("")
    if (subject === belfryOrganization.name && chosen.includes(belfryOrganization)) {
      bars.push(...(await grow(context, print)))
    }
    if (bars.length > 0) print(`\n${barsTable(bars)}`)
    return { ...report, bars }
  } finally {
    await mail.stop()
    await postgres.stop()
  }
}

/** The organization bench. */
export const organizationBench: Bench = { name: "organization", run }
