/**
 * Whether what is asked most depends on how many members an organization has, and on how many organizations there are:
 * the same server on databases of several sizes.
 *
 * All servers are up, and short slices of a fixed, moderate rate go round between them, there and back again, so that
 * drift of the machine cancels out. Of the rounds the half counts that other programs disturbed least. As many people
 * ask everywhere, from all over the tables, and the pages that they get are as long.
 */
import { pathOf, startBelfry } from "../contenders/belfryOrganization.ts"
import type { OrganizationSizes } from "../contenders/belfryOrganizationSeed.ts"
import type { Contestant } from "../contenders/contender.ts"
import type { OrganizationContext } from "../contenders/organizations.ts"
import { observed } from "../disturbance.ts"
import { clientAddress, clientLoad } from "../load.ts"
import type { Get, Post } from "../load.ts"
import { withClient } from "../peers.ts"
import type { Latency } from "./flatness.ts"
import { median } from "./median.ts"

const connections = 8
const rate = 500
const rounds = 12
const sliceSeconds = 1
const askers = 1000
const pageSize = 10

/** The databases, the first of which the others are compared with. */
const databases: ReadonlyArray<OrganizationSizes & { readonly name: string; readonly users: number }> = [
  { name: "10 members each in 100 organizations", users: 1000, organizations: 100, members: 10, others: 0 },
  { name: "1,000 members in 1 organization", users: 1000, organizations: 1, members: 1000, others: 0 },
  {
    name: "1,000,000 members in 1 of 100,000 organizations",
    users: 1_000_000,
    organizations: 1,
    members: 1_000_000,
    others: 99_999,
  },
]

/** What was asked, with the latency on each database, and that by the latency on the first in the same round. */
export interface Growth {
  readonly asked: "has permission" | "list members, first page"
  readonly sizes: ReadonlyArray<{ readonly name: string; readonly latency: Latency; readonly growth: Latency }>
}

interface Entrant {
  readonly name: string
  readonly contestant: Contestant
  readonly posts: ReadonlyArray<Post>
  readonly gets: ReadonlyArray<Get>
}

/** A server, and what as many people in it ask. */
const prepare = async (
  context: OrganizationContext,
  { name, ...sizes }: (typeof databases)[number],
  number: number,
  onStart: (contestant: Contestant) => void,
): Promise<Entrant> => {
  const { contestant, databaseUrl } = await startBelfry(context, `organization_flat_${number}`, sizes)
  onStart(contestant)
  const ids = await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query(
      "SELECT id FROM belfry_organizations WHERE name LIKE 'Organization %' ORDER BY id",
    )
    return rows.map((row) => String(row["id"]))
  })
  const { cookies } = contestant
  const stride = Math.max(1, Math.floor(cookies.length / askers))
  const asking = Array.from({ length: askers }, (_, index) => {
    const place = index * stride
    const cookie = cookies[place]
    // The session of a cookie is row `(place + 1) * users / cookies` of its table, whose user is the one after.
    const user = (((place + 1) * Math.ceil(sizes.users / cookies.length)) % sizes.users) + 1
    const id = ids[Math.floor((user - 1) / sizes.members)]
    if (cookie === undefined || id === undefined) throw new Error(`nobody asks at ${place}`)
    return { cookie, path: pathOf(id), forwardedFor: clientAddress(index) }
  })
  const body = JSON.stringify({ permissions: ["member:read"] })
  return {
    name,
    contestant,
    posts: asking.map(({ path, ...by }) => ({ ...by, path: `${path}/access/check`, body })),
    gets: asking.map(({ path, ...by }) => ({ ...by, path: `${path}/members?limit=${pageSize}` })),
  }
}

/** Measures latency on all databases. */
export const measureOrganizationFlatness = async (context: OrganizationContext): Promise<ReadonlyArray<Growth>> => {
  const started: Array<Contestant> = []
  const ask = async (
    { contestant: { port }, gets, posts }: Entrant,
    asked: Growth["asked"],
    how: { readonly seconds: number; readonly requests: number; readonly rate?: number },
  ): Promise<Latency> => {
    const what =
      asked === "has permission"
        ? { posts, mustContain: '"isAllowed":true' }
        : // Each is sent once in a run.
          {
            gets: Array.from({ length: how.requests }, (_, index) => gets[(index * 7) % gets.length] ?? fail()),
            mustContain: "@example.com",
          }
    const result = await clientLoad(context.cores, { port, path: "/", cookies: [], connections, ...how, ...what })
    const failures = result.badAnswers + result.socketErrors + result.timeouts
    if (failures > 0) throw new Error(`${failures} failed (${asked}): ${JSON.stringify(result)}`)
    return result
  }
  try {
    const entrants: Array<Entrant> = []
    for (const [number, database] of databases.entries()) {
      entrants.push(await prepare(context, database, number, (contestant) => started.push(contestant)))
    }
    const results: Array<Growth> = []
    for (const asked of ["has permission", "list members, first page"] as const) {
      // As many requests to all, enough to have touched whatever is asked for.
      for (const entrant of entrants) await ask(entrant, asked, { seconds: 60, requests: 10_000 })
      const slice = (entrant: Entrant) =>
        ask(entrant, asked, { seconds: sliceSeconds * 2, requests: rate * sliceSeconds, rate })
      const round = async (number: number): Promise<ReadonlyArray<Latency>> => {
        const latencies = new Map<Entrant, Latency>()
        for (const entrant of number % 2 === 0 ? entrants : entrants.toReversed()) {
          latencies.set(entrant, await slice(entrant))
        }
        return entrants.map((entrant) => latencies.get(entrant) ?? fail())
      }
      const measured = []
      for (let number = 0; number < rounds; number++) measured.push(await observed(() => round(number)))
      const quiet = measured.sort((a, b) => a.othersCores - b.othersCores).slice(0, rounds / 2)
      const middle = (of: (latencies: ReadonlyArray<Latency>) => number) => median(quiet.map(({ value }) => of(value)))
      results.push({
        asked,
        sizes: entrants.map(({ name }, index) => {
          const of = (percentile: keyof Latency) => ({
            latency: middle((all) => all[index]?.[percentile] ?? NaN),
            growth: middle((all) => (all[index]?.[percentile] ?? NaN) / (all[0]?.[percentile] ?? NaN)),
          })
          const [p50, p99] = [of("p50"), of("p99")]
          return {
            name,
            latency: { p50: p50.latency, p99: p99.latency },
            growth: { p50: p50.growth, p99: p99.growth },
          }
        }),
      })
    }
    return results
  } finally {
    for (const contestant of started) await contestant.process.stop()
  }
}

const fail = (): never => {
  throw new Error("nothing to ask")
}
