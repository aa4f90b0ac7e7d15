/**
 * Whether latency depends on how many sessions there are: the same server on a small and on a large table.
 *
 * Both servers are up, and short slices of a fixed, moderate rate alternate between them in the order small, large,
 * large, small, so that drift of the machine cancels out. Of the pairs of slices the half counts that other programs
 * disturbed least. Cookies are taken from all over the tables.
 */
import type { Contender, Contestant, Context } from "../contenders/contender.ts"
import { observed } from "../disturbance.ts"
import { clientLoad } from "../load.ts"
import { median } from "./median.ts"

const connections = 8
const rate = 1000
const pairs = 20
const sliceSeconds = 1.5

/** Latency at percentiles 50 and 99, in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** Medians over the pairs of slices. */
export interface Flatness {
  readonly small: Latency
  readonly large: Latency
  /** Latency with many sessions, by that with few in the same pair of slices. */
  readonly growth: Latency
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
      return contestant
    }
    const small = await prepare("small", sizes.small)
    const large = await prepare("large", sizes.large)
    const inOrder = async (pair: number) => {
      if (pair % 2 === 0) return { small: await slice(small), large: await slice(large) }
      const first = await slice(large)
      return { small: await slice(small), large: first }
    }
    const results = []
    for (let pair = 0; pair < pairs; pair++) results.push(await observed(() => inOrder(pair)))
    const quiet = results.sort((a, b) => a.othersCores - b.othersCores).slice(0, pairs / 2)
    const middle = (of: (pair: { readonly small: Latency; readonly large: Latency }) => Latency): Latency => ({
      p50: median(quiet.map(({ value }) => of(value).p50)),
      p99: median(quiet.map(({ value }) => of(value).p99)),
    })
    return {
      small: middle((pair) => pair.small),
      large: middle((pair) => pair.large),
      growth: middle((pair) => ({ p50: pair.large.p50 / pair.small.p50, p99: pair.large.p99 / pair.small.p99 })),
    }
  } finally {
    for (const contestant of contestants) await contestant.process.stop()
  }
}
