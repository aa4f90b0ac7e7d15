/** Time to the first response of a fresh process on a migrated database, and its memory when it then has nothing to do. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Contestant } from "../contenders/contender.ts"
import { rssMb } from "../processes.ts"
import { median } from "./median.ts"

const starts = 5
const idleSeconds = 3

/** What starting costs: medians of five starts. */
export interface Startup {
  /** Milliseconds from the start of the process to the first 200. */
  readonly readyAfterMillis: number
  /** Resident memory in megabytes, three seconds after the first response. */
  readonly idleRssMb: number
}

/** Starts the contestant's server five times, one after the other. */
export const measureStartup = async (contestant: Contestant): Promise<Startup> => {
  const ready: Array<number> = []
  const idle: Array<number> = []
  for (let index = 0; index < starts; index++) {
    const server = await contestant.startAgain()
    ready.push(server.readyAfterMillis)
    await sleep(idleSeconds * 1000)
    idle.push(rssMb(server.process.pid))
    await server.process.stop()
  }
  return { readyAfterMillis: median(ready), idleRssMb: median(idle) }
}
