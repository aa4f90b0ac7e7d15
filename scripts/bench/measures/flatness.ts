/**
 * Whether latency depends on how many sessions there are: the same server on a small and on a large table.
 *
 * Both servers are up, and short slices of a fixed, moderate rate alternate between them in the order small, large,
 * large, small, so that drift of the machine cancels out. Cookies are taken from all over the tables.
 */
import type { Contender, Contestant, Context } from "../contenders/contender.ts"
import { undisturbed } from "../disturbance.ts"
import { clientLoad } from "../load.ts"
import { median } from "./median.ts"

const connections = 8
const rate = 1000
const pairs = 12
const sliceSeconds = 2

/** Median latencies in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** Latency with few and with many sessions. */
export interface Flatness {
  readonly small: Latency
  readonly large: Latency
}

/** Measures latency with `small` and `large` sessions in the table. */
export const measureFlatness = async (
  context: Context,
  contender: Contender,
  sizes: { readonly small: number; readonly large: number },
): Promise<Flatness> => {
  const contestants: Array<Contestant> = []
  const slice = ({ cookies, path, port }: Contestant) =>
    clientLoad(context.cores, { port, path, cookies, connections, rate, seconds: sliceSeconds })
  try {
    const prepare = async (kind: string, sessions: number) => {
      const users = Math.max(1, sessions / 10)
      const contestant = await contender.start(context, `${contender.name}_${kind}`, { users, sessions })
      contestants.push(contestant)
      // As many requests to both, enough to have touched each of the sessions that are asked for.
      const { cookies, path, port } = contestant
      await clientLoad(context.cores, { port, path, cookies, connections, seconds: 60, requests: 30_000 })
      return { contestant, results: new Array<Latency>() }
    }
    const small = await prepare("small", sizes.small)
    const large = await prepare("large", sizes.large)
    for (let pair = 0; pair < pairs; pair++) {
      for (const it of pair % 2 === 0 ? [small, large] : [large, small]) {
        const measured = await undisturbed(() => slice(it.contestant))
        it.results.push(measured.value)
      }
    }
    const middle = (results: ReadonlyArray<Latency>): Latency => ({
      p50: median(results.map((result) => result.p50)),
      p99: median(results.map((result) => result.p99)),
    })
    return { small: middle(small.results), large: middle(large.results) }
  } finally {
    for (const contestant of contestants) await contestant.process.stop()
  }
}
