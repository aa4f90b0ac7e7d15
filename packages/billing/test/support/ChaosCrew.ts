/**
 * Processes that live through worlds of chaos side by side: a machine has more than one processor, and a world waits
 * for its database most of the time.
 */
import { fork } from "node:child_process"
import { availableParallelism } from "node:os"
import type { Answer } from "./chaosProgram.ts"
import type { Ending, World } from "./ChaosWorld.ts"

/** Some processes. */
export interface Crew {
  /** Has one of them live through a world, when it has room for one more. */
  readonly run: (world: World) => Promise<Ending>
  readonly end: () => void
}

/** Starts one process a processor, four at most. */
export const start = (): Crew => {
  const processes = Array.from({ length: Math.min(4, availableParallelism()) }, begin)
  const queue: Array<() => void> = []
  const run = async (world: World): Promise<Ending> => {
    const idlest = processes.toSorted((a, b) => a.busy() - b.busy())[0] ?? begin()
    if (idlest.busy() >= atOnce) {
      await new Promise<void>((resolve) => void queue.push(resolve))
      return run(world)
    }
    try {
      return await idlest.run(world)
    } finally {
      queue.shift()?.()
    }
  }
  return {
    run,
    end: () => {
      for (const { end } of processes) end()
    },
  }
}

// internal

/** How many worlds a process lives through at a time: enough that one is never waiting for all. */
const atOnce = 4

const begin = () => {
  const child = fork(new URL("./chaosProgram.ts", import.meta.url), { execArgv: [] })
  const waiting = new Map<number, PromiseWithResolvers<Ending>>()
  child.on("message", (answer: Answer) => {
    const world = waiting.get(answer.seed)
    waiting.delete(answer.seed)
    if ("ending" in answer) world?.resolve(answer.ending)
    else world?.reject(new Error(answer.failure))
  })
  child.on("exit", (code) => {
    for (const world of waiting.values()) world.reject(new Error(`The process of this world ended with ${code}`))
  })
  return {
    busy: () => waiting.size,
    run: (world: World) => {
      const ending = Promise.withResolvers<Ending>()
      waiting.set(world.seed, ending)
      child.send(world)
      return ending.promise
    },
    end: () => void child.disconnect(),
  }
}
