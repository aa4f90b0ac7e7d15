/**
 * Bench `oauth-server`: what it costs to be the authorization server: tokens for machines, codes with PKCE and their
 * exchange, rotations of refresh tokens, introspections; and whether what is good for one use is used once.
 *
 * All contenders are on the same PostgreSQL, each server with the same core for itself; see `contenders/oauthServer.ts`
 * for the rules that all of them keep, which is checked before anything is measured. PostgreSQL writes durably, as
 * whoever rotates refresh tokens wants it to.
 */
import { availableParallelism } from "node:os"
import { chosenOf, compareEach, countEach, withContext } from "./contest.ts"
import type { Comparison } from "./contest.ts"
import type { Context, ServerProcess } from "./contenders/contender.ts"
import { belfryOAuth } from "./contenders/belfryOAuth.ts"
import { betterAuthOAuth } from "./contenders/betterAuthOAuth.ts"
import { limit } from "./contenders/oauthLimit.ts"
import { people } from "./contenders/oauthServer.ts"
import type { OAuthContender, OAuthContestant } from "./contenders/oauthServer.ts"
import { oidcProvider } from "./contenders/oidcProvider.ts"
import type { ReadyLoad } from "./load.ts"
import { peopleForProof, prove } from "./measures/oauthProof.ts"
import { measureParallelUses, uses } from "./measures/parallelUses.ts"
import type { ParallelUses, Range } from "./measures/parallelUses.ts"
import type { Statements } from "./measures/statements.ts"
import { oauthLoad } from "./oauthLoad.ts"
import type { OAuthWork } from "./oauthLoad.ts"
import { clientCredentialsOf, exchangesOf, flowsOf, introspectionsOf, issue, rotationsOf } from "./oauthWork.ts"
import { withClient } from "./peers.ts"
import { pinningNote } from "./processes.ts"
import type { Cores } from "./processes.ts"
import { atLeast, atMost, barsTable, table } from "./report.ts"
import type { Bar, Bench, Options, Report } from "./report.ts"

const contenders: ReadonlyArray<OAuthContender> = [limit, oidcProvider, betterAuthOAuth, belfryOAuth]
const atOnce = 50
const chains = 2000
const opaqueTokens = 1000
const trials = 10

/** What is measured under load. */
const measures = {
  "client credentials": "tokens/s",
  "code + PKCE": "flows/s",
  refresh: "rotations/s",
  introspection: "introspections/s",
} as const
type Measure = keyof typeof measures
const measureNames: ReadonlyArray<Measure> = ["client credentials", "code + PKCE", "refresh", "introspection"]

/** What statements are counted of. */
const countedNames = ["client credentials", "authorization", "code exchange", "refresh", "introspection"] as const
type Counted = (typeof countedNames)[number]

/** A contestant, the newest tokens of its chains, and tokens to introspect. */
interface Entrant extends OAuthContestant {
  chains: ReadonlyArray<string>
  readonly opaqueTokens: ReadonlyArray<string>
}

const entrantOf = async (cores: Cores | undefined, contestant: OAuthContestant): Promise<Entrant> => {
  const { refreshTokens } = await issue(cores, contestant, flowsOf(contestant, { exchanges: true }), chains)
  const opaque = await issue(cores, contestant, flowsOf(contestant, { exchanges: true, isOpaque: true }), opaqueTokens)
  return { ...contestant, chains: refreshTokens, opaqueTokens: opaque.accessTokens }
}

/** Prepares the load of a measure for so many seconds. */
const prepare =
  ({ cores, postgres }: Context, measure: Measure) =>
  async (entrant: Entrant, connections: number, seconds: number): Promise<ReadyLoad> => {
    const { database, port } = entrant
    // What other turns have left behind is not this one's to read over, and the planner knows what is there.
    await withClient(postgres.url(database), (client) => client.query("VACUUM ANALYZE"))
    const send = (work: OAuthWork) => oauthLoad(cores, { port, work, connections, seconds })
    switch (measure) {
      case "client credentials":
        return () => send(clientCredentialsOf(entrant))
      case "code + PKCE":
        return () => send(flowsOf(entrant, { exchanges: true }))
      case "introspection":
        return () => send(introspectionsOf(entrant, entrant.opaqueTokens))
      case "refresh":
        return async () => {
          const result = await send(rotationsOf(entrant, entrant.chains))
          entrant.chains = result.issued.refreshTokens
          return result
        }
    }
  }

/** Prepares requests to a server, one after the other. */
const sequence =
  (cores: Cores | undefined, entrant: Entrant, counted: Counted) =>
  async (server: ServerProcess, requests: number): Promise<ReadyLoad> => {
    const send = (work: OAuthWork) => () =>
      oauthLoad(cores, { port: server.port, work, connections: 1, seconds: 600, requests })
    const flows = (exchanges: boolean) => issue(cores, server, flowsOf(entrant, { exchanges }), requests, 1)
    switch (counted) {
      case "client credentials":
        return send(clientCredentialsOf(entrant))
      case "authorization":
        return send(flowsOf(entrant, { exchanges: false }))
      case "code exchange":
        return send(exchangesOf(entrant, (await flows(false)).codes))
      case "refresh":
        return send(rotationsOf(entrant, (await flows(true)).refreshTokens))
      case "introspection":
        return send(introspectionsOf(entrant, entrant.opaqueTokens))
    }
  }

type Counts = ReadonlyMap<Counted, Statements>

/** The statements of a request of a measure. */
const statementsOf = (counts: Counts | undefined, measure: Measure): number => {
  const of = (counted: Counted) => counts?.get(counted)?.besidesTransactions ?? NaN
  return measure === "code + PKCE" ? of("authorization") + of("code exchange") : of(measure)
}

const throughputBars: ReadonlyArray<readonly [Measure, string, number]> = [
  ["client credentials", limit.name, 0.75],
  ["client credentials", oidcProvider.name, 1.3],
  ["client credentials", betterAuthOAuth.name, 6],
  ["refresh", limit.name, 0.7],
  ["refresh", oidcProvider.name, 2],
  ["refresh", betterAuthOAuth.name, 8],
]

const statementBars: ReadonlyArray<readonly [Counted, number]> = [
  ["client credentials", 1],
  ["code exchange", 2],
  ["refresh", 2],
  ["introspection", 1],
]

const barsOf = (
  { ratios }: Omit<Report, "bars">,
  statements: ReadonlyMap<string, Counts>,
  parallel: ReadonlyMap<string, ParallelUses>,
  subject: string,
): ReadonlyArray<Bar> => {
  const counts = statements.get(subject)
  const letThrough = parallel.get(subject)
  if (counts === undefined || letThrough === undefined) return []
  const once = (what: string, { max, min }: Range): ReadonlyArray<Bar> => [
    atLeast(`${what}, fewest of ${uses} parallel uses`, 1, min),
    atMost(`${what}, most of ${uses} parallel uses`, 1, max),
  ]
  return [
    ...throughputBars.flatMap(([measure, other, least]) => {
      const got = ratios[`${subject}/${other}, ${measure}`]
      return got === undefined ? [] : [atLeast(`${subject}/${other}, ${measure}`, least, got)]
    }),
    ...statementBars.map(([counted, most]) =>
      atMost(`statements, ${counted}`, most, counts.get(counted)?.besidesTransactions ?? NaN),
    ),
    ...once("code", letThrough.code),
    ...once("refresh token", letThrough.refreshToken),
  ]
}

const parallelTable = (parallel: ReadonlyMap<string, ParallelUses>): string => {
  const text = ({ max, min }: Range) => (min === max ? `${min}` : `${min} to ${max}`)
  return table(
    [`let through of ${uses} parallel uses`, "of one code", "of one refresh token"],
    [...parallel].map(([name, { code, refreshToken }]) => [name, text(code), text(refreshToken)]),
  )
}

const measureAll = async (
  context: Context,
  chosen: ReadonlyArray<OAuthContender>,
  options: Options,
): Promise<Report> => {
  const { print, subject } = options
  print(
    `PostgreSQL ${context.postgres.version}, Node ${process.version}, ${availableParallelism()} cores; ${atOnce} at a time, ` +
      `${people} people, ${chains} chains of refresh tokens, written durably; ${pinningNote(context.cores)}`,
  )
  const started: Array<OAuthContestant> = []
  try {
    for (const contender of chosen) {
      const contestant = await contender.start(context, `oauth_${contender.name.replaceAll("-", "_")}`)
      started.push(contestant)
      await prove(contestant)
    }
    const entrants: Array<Entrant> = []
    for (const contestant of started) {
      const cookies = contestant.cookies.slice(0, -peopleForProof)
      entrants.push(await entrantOf(context.cores, { ...contestant, cookies }))
    }
    print("\nStatements, besides those that begin and end transactions:")
    const statements = new Map<string, Counts>()
    for (const entrant of entrants) {
      const sequenceOf = (counted: Counted) => sequence(context.cores, entrant, counted)
      statements.set(entrant.name, await countEach(context, entrant, countedNames, sequenceOf, print))
    }
    const comparison: Comparison<Entrant, Measure> = {
      measures: measureNames,
      unit: (measure) => measures[measure],
      limit: limit.name,
      connections: atOnce,
      prepare: (measure) => prepare(context, measure),
      statements: (name, measure) => statementsOf(statements.get(name), measure),
    }
    const report = await compareEach(entrants, comparison, options)
    const parallel = new Map<string, ParallelUses>()
    for (const entrant of entrants) parallel.set(entrant.name, await measureParallelUses(entrant, { first: 0, trials }))
    print(`\n${parallelTable(parallel)}`)
    const bars = barsOf(report, statements, parallel, subject)
    if (bars.length > 0) print(`\n${barsTable(bars)}`)
    return { ...report, bars }
  } finally {
    await Promise.all(started.map((it) => it.process.stop()))
  }
}

// As in production, it writes durably: whoever has a token can count on it after a power failure.
const run = (options: Options): Promise<Report> => {
  const chosen = chosenOf(contenders, options)
  return withContext(options, (context) => measureAll(context, chosen, options))
}

/** The oauth-server bench. */
export const oauthServerBench: Bench = { name: "oauth-server", run }
