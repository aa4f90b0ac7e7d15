/**
 * A thousand clients at once, in waves: nothing may fail, and memory must stay bounded.
 *
 * Memory is compared between the quiet after a wave and the quiet after a later one: a server that keeps something
 * of every request or connection grows with each wave; one that has only warmed up does not.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Contestant } from "../contenders/contender.ts"
import { clientLoad } from "../load.ts"
import { rssMb } from "../processes.ts"
import type { Cores } from "../processes.ts"

const connections = 1000
const waves = 4
const waveSeconds = 5
const quietSeconds = 3

/** What a crowd did to a server. */
export interface Crowd {
  readonly requests: number
  /** Answers other than 2xx with the user in them, socket errors and time-outs (10 s). */
  readonly failures: number
  /** Resident memory in megabytes: before, at its highest, and in the quiet after each wave. */
  readonly idleMb: number
  readonly peakMb: number
  readonly quietMb: ReadonlyArray<number>
}

/** Sends the waves to a server of the contestant that has just started. */
export const measureCrowd = async (cores: Cores | undefined, contestant: Contestant): Promise<Crowd> => {
  const { cookies, path } = contestant
  const server = await contestant.startAgain()
  const { pid } = server.process
  let peakMb = 0
  try {
    await clientLoad(cores, { port: server.port, path, cookies, connections: 8, seconds: 60, requests: 2000 })
    await sleep(quietSeconds * 1000)
    const idleMb = rssMb(pid)
    const watch = setInterval(() => {
      if (server.process.ended() === undefined) peakMb = Math.max(peakMb, rssMb(pid))
    }, 100)
    let requests = 0
    let failures = 0
    const quietMb: Array<number> = []
    try {
      for (let wave = 0; wave < waves; wave++) {
        const load = {
          port: server.port,
          path,
          cookies,
          connections,
          seconds: waveSeconds,
          mustContain: "@example.com",
        }
        const result = await clientLoad(cores, load)
        requests += result.requests
        failures += result.badAnswers + result.socketErrors + result.timeouts
        await sleep(quietSeconds * 1000)
        quietMb.push(rssMb(pid))
      }
    } finally {
      clearInterval(watch)
    }
    return { requests, failures, idleMb, peakMb, quietMb }
  } finally {
    await server.process.stop()
  }
}
