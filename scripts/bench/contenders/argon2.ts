/**
 * The limit of signing in with a password: a process that does nothing but Argon2id, at the cost of a hash of the
 * subject's, as many derivations asked for at a time as there are sign-ins.
 */
import { run } from "../load.ts"
import type { Cores } from "../processes.ts"
import { file } from "./contender.ts"

/** The cost of a derivation: memory in KiB. */
export interface Argon2Cost {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** What the program is asked to do. */
export interface Argon2Run extends Argon2Cost {
  readonly atOnce: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** What the program did; latencies in milliseconds. */
export interface Argon2Result {
  readonly rps: number
  readonly p50: number
  readonly p99: number
  readonly rssMb: number
}

/** The cost of a hash in PHC string format. */
export const costOf = (hash: string): Argon2Cost => {
  const [, memory, passes, parallelism] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(hash) ?? []
  if (memory === undefined) throw new Error(`not a hash by Argon2id: ${hash}`)
  return { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
}

/** Derives as fast as the server's cores can. */
export const deriveOnly = async (cores: Cores | undefined, how: Argon2Run): Promise<Argon2Result> =>
  JSON.parse(
    await run(cores?.server, process.execPath, [
      file("scripts/bench/contenders/argon2Program.ts"),
      JSON.stringify(how),
    ]),
  )
