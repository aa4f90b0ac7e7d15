/**
 * What sign-ins do to everybody else: the latency of `GET /auth/session` while sign-ins are in flight all the time, by
 * that of the same server when nothing else is asked of it.
 *
 * Both at the same modest rate, in slices that take turns. The rate does not wait for answers: a server that stops for
 * a while has the requests of that while counted against it.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Contestant } from "../contenders/contender.ts"
import { disturbanceNote, isDisturbed, undisturbed } from "../disturbance.ts"
import { clientLoad } from "../load.ts"
import type { LoadResult } from "../load.ts"
import type { Cores } from "../processes.ts"
import { median } from "./median.ts"

const connections = 16
const rate = 200
const warmUpRequests = 10_000
// For the sign-ins to be under way before the first request, and still when the last is answered.
const leadSeconds = 2
const tailSeconds = 3

/** The latency of a slice at percentiles 50 and 99, in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** Medians over the rounds that nothing disturbed; NaN where there is none. */
export interface SessionLatency {
  readonly idle: Latency
  readonly busy: Latency
  /** Latency during sign-ins by that of the same round without. */
  readonly growth: Latency
}

/** Measures in as many rounds as asked; `signIns` keeps sign-ins in flight for so many seconds. */
export const measureSessionLatency = async (
  cores: Cores | undefined,
  contestant: Contestant,
  signIns: (seconds: number) => Promise<unknown>,
  options: {
    readonly rounds: number
    readonly seconds: number
    readonly onSlice: (round: number, kind: string, latency: Latency, note: string) => void
  },
): Promise<SessionLatency> => {
  const { cookies, path, port } = contestant
  const { seconds } = options
  const slice = async (): Promise<Latency> => {
    const load = { port, path, cookies, connections, rate, seconds, openLoop: true, mustContain: "@example.com" }
    const result: LoadResult = await clientLoad(cores, load)
    if (result.badAnswers + result.socketErrors + result.timeouts > 0 || result.requests < rate * seconds * 0.9) {
      throw new Error(`${contestant.name} did not keep up with ${rate} requests/s: ${JSON.stringify(result)}`)
    }
    return result
  }
  const busySlice = async (): Promise<Latency> => {
    const signedIn = signIns(leadSeconds + seconds + tailSeconds)
    const [latency] = await Promise.all([sleep(leadSeconds * 1000).then(slice), signedIn])
    return latency
  }
  // A path that is not compiled yet is slow when idle, too, and would make the sign-ins look harmless.
  await clientLoad(cores, { port, path, cookies, connections, seconds: 60, requests: warmUpRequests })
  const rounds: Array<{ readonly idle: Latency; readonly busy: Latency }> = []
  for (let round = 0; round < options.rounds; round++) {
    const measure = async (kind: string, of: () => Promise<Latency>) => {
      const measured = await undisturbed(of)
      options.onSlice(round + 1, kind, measured.value, disturbanceNote(measured))
      return measured
    }
    const idle = await measure("idle", slice)
    const busy = await measure("during sign-ins", busySlice)
    if (!isDisturbed(idle) && !isDisturbed(busy)) rounds.push({ idle: idle.value, busy: busy.value })
  }
  const middle = (of: (round: { readonly idle: Latency; readonly busy: Latency }) => Latency): Latency => ({
    p50: median(rounds.map((round) => of(round).p50)),
    p99: median(rounds.map((round) => of(round).p99)),
  })
  return {
    idle: middle(({ idle }) => idle),
    busy: middle(({ busy }) => busy),
    growth: middle(({ busy, idle }) => ({ p50: busy.p50 / idle.p50, p99: busy.p99 / idle.p99 })),
  }
}
