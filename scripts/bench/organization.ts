/**
 * Bench `organization`: what organizations cost: making one, inviting, accepting, listing members, asking for a
 * permission; and whether what is asked most costs the same in an organization of a million members as in one of ten.
 *
 * All contenders are on the same PostgreSQL, each server with the same core for itself; see
 * `contenders/organizations.ts` for the rules that all of them keep, which is checked before anything is measured.
 * PostgreSQL writes durably.
 */
import { availableParallelism } from "node:os"
import { setTimeout as delay } from "node:timers/promises"
import { chosenOf, compareEach, countEach, withContext } from "./contest.ts"
import type { Comparison } from "./contest.ts"
import { belfryOrganization } from "./contenders/belfryOrganization.ts"
import { betterAuthOrganization } from "./contenders/betterAuthOrganization.ts"
import type { ServerProcess } from "./contenders/contender.ts"
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
import type { Statements } from "./measures/statements.ts"
import { withClient } from "./peers.ts"
import { pinningNote } from "./processes.ts"
import { atLeast, atMost, barsTable } from "./report.ts"
import type { Bar, Bench, Options, Report } from "./report.ts"

const contenders: ReadonlyArray<OrganizationContender> = [organizationLimit, betterAuthOrganization, belfryOrganization]
const throughputs: ReadonlyArray<Measure> = ["create", "invite", "accept", "list members", "has permission"]
const flatness = "flatness"
const atOnce = 50
// So many more requests are prepared than the best rate so far asks for; a run that has too few ends before its time.
const reserve = 1.5

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

/** Waits until so many more messages have been taken than `before`; the seconds that it took. */
const untilMailed = async ({ mailTaken }: OrganizationContext, before: number, messages: number): Promise<number> => {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  for (;;) {
    const missing = before + messages - (await mailTaken())
    if (missing <= 0) return seconds()
    if (seconds() > 60) throw new Error(`${missing} of ${messages} invitations were not mailed`)
    await delay(10)
  }
}

const load = async (
  context: OrganizationContext,
  entrant: Entrant,
  measure: Measure,
  how: Pick<ClientLoad, "port" | "connections" | "seconds"> & Requests,
): Promise<LoadResult> => {
  const requests = (how.posts ?? how.gets).length
  const before = await context.mailTaken()
  const result = await clientLoad(context.cores, { path: entrant.path, cookies: [], requests, ...how })
  const failures = result.badAnswers + result.socketErrors + result.timeouts
  if (failures > 0) throw new Error(`${failures} of ${entrant.name}, ${measure}, failed: ${JSON.stringify(result)}`)
  if (measure !== "invite" || !entrant.mails) return result
  // Mail is sent behind the requests, so the work of some is done when they are answered and that of others is not.
  return { ...result, seconds: result.seconds + (await untilMailed(context, before, result.requests)) }
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

/** Prepares requests to a server, one after the other. */
const sequence =
  (context: OrganizationContext, entrant: Entrant, measure: Measure) =>
  async ({ port }: ServerProcess, requests: number): Promise<ReadyLoad> => {
    const ready = await entrant.take(measure, requests)
    return () => load(context, entrant, measure, { port, connections: 1, seconds: 600, ...ready })
  }

type Counts = ReadonlyMap<Measure, Statements>

const barsOf = (
  { ratios }: Omit<Report, "bars">,
  statements: ReadonlyMap<string, Counts>,
  subject: string,
): ReadonlyArray<Bar> => {
  const counts = statements.get(subject)
  if (counts === undefined) return []
  return [
    ...throughputs.flatMap((measure) => {
      const got = ratios[`${subject}/${betterAuthOrganization.name}, ${measure}`]
      return got === undefined ? [] : [atLeast(`${subject}/${betterAuthOrganization.name}, ${measure}`, 3, got)]
    }),
    ...(["list members", "has permission"] as const).flatMap((measure) => {
      const counted = counts.get(measure)
      return counted === undefined ? [] : [atMost(`statements, ${measure}, all of them`, 2, counted.perRequest)]
    }),
  ]
}

/** Bars for what is asked most as an organization grows, and as there are more of them. */
const grow = async (context: OrganizationContext, print: Options["print"]): Promise<ReadonlyArray<Bar>> => {
  print("")
  const results = await measureOrganizationFlatness(context)
  return results.flatMap(({ asked, sizes }) => {
    for (const { latency, name } of sizes) {
      print(`${asked}, ${name}: p50 ${latency.p50.toFixed(3)} ms, p99 ${latency.p99.toFixed(3)} ms`)
    }
    return sizes.slice(1).map(({ growth, name }) => atMost(`${asked}, p50 flat: ${name}`, 1.2, growth.p50))
  })
}

const compare = async (
  context: OrganizationContext,
  chosen: ReadonlyArray<OrganizationContender>,
  measures: ReadonlyArray<Measure>,
  options: Options,
): Promise<Report> => {
  const { print, subject } = options
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
    for (const entrant of entrants) {
      const sequenceOf = (measure: Measure) => sequence(context, entrant, measure)
      statements.set(entrant.name, await countEach(context, entrant, measures, sequenceOf, print))
    }
    const comparison: Comparison<Entrant, Measure> = {
      measures,
      unit: () => "requests/s",
      limit: organizationLimit.name,
      connections: atOnce,
      prepare: (measure) => prepare(context, measure),
      statements: (name, measure) => statements.get(name)?.get(measure)?.besidesTransactions ?? NaN,
    }
    const report = await compareEach(entrants, comparison, options)
    return { ...report, bars: barsOf(report, statements, subject) }
  } finally {
    await Promise.all(started.map((it) => it.process.stop()))
  }
}

const measureAll = async (
  context: OrganizationContext,
  chosen: ReadonlyArray<OrganizationContender>,
  options: Options,
): Promise<Report> => {
  const { measures: names, print, subject } = options
  const isAsked = (name: string) => names === undefined || names.includes(name)
  const unknown = names?.find((name) => name !== flatness && !throughputs.some((measure) => measure === name))
  if (unknown !== undefined) throw new Error(`no measure ${unknown}`)
  print(
    `PostgreSQL ${context.postgres.version}, Node ${process.version}, ${availableParallelism()} cores; ${atOnce} at a time, ` +
      `${organizations} organizations of ${members} members, written durably; ${pinningNote(context.cores)}`,
  )
  const measures = throughputs.filter(isAsked)
  const none: Report = { contenders: {}, ratios: {}, bars: [] }
  const report = measures.length === 0 ? none : await compare(context, chosen, measures, options)
  const growth =
    isAsked(flatness) && subject === belfryOrganization.name && chosen.includes(belfryOrganization)
      ? await grow(context, print)
      : []
  const bars = [...report.bars, ...growth]
  if (bars.length > 0) print(`\n${barsTable(bars)}`)
  return { ...report, bars }
}

// As in production, it writes durably: who was made a member is one after a power failure.
const run = (options: Options): Promise<Report> => {
  const chosen = chosenOf(contenders, options)
  return withContext(options, async (context) => {
    const mail = await startMailSink(context)
    try {
      return await measureAll({ ...context, mailPort: mail.port, mailTaken: mail.taken }, chosen, options)
    } finally {
      await mail.stop()
    }
  })
}

/** The organization bench. */
export const organizationBench: Bench = { name: "organization", duration: 3, run }
