/**
 * Throughput: the contenders take turns under the same load, for as many rounds as asked.
 *
 * All servers stay up, and only one has load at a time. Each turn begins with a warm-up that is not counted; the order
 * changes with every round. Ratios compare turns of the same round, so that a slow minute of the machine hits both.
 */
import type { Contestant } from "../contenders/contender.ts"
import { disturbanceNote, undisturbed } from "../disturbance.ts"
import type { Generator } from "../load.ts"
import { cpuSeconds, rssMb } from "../processes.ts"
import { median } from "./median.ts"

/** One turn of one contender. */
export interface Turn {
  readonly rps: number
  /** Milliseconds. */
  readonly p50: number
  /** Milliseconds. */
  readonly p99: number
  /** Processor time of the server for one request, in microseconds; NaN where the system does not tell. */
  readonly cpuMicros: number
}

/** What a contender achieved: medians over the rounds, and memory after the last. */
export interface Throughput extends Turn {
  readonly turns: ReadonlyArray<Turn>
  readonly rssMb: number
}

const takeTurn = async <A extends Contestant>(
  contestant: A,
  generator: Generator<A>,
  connections: number,
  seconds: number,
): Promise<Turn> => {
  const { pid } = contestant.process
  const send = await generator.prepare(contestant, connections, seconds)
  const before = cpuSeconds(pid)
  const result = await send()
  const after = cpuSeconds(pid)
  const failures = result.badAnswers + result.socketErrors + result.timeouts
  if (failures > 0)
    throw new Error(`${contestant.name} failed ${failures} requests under load: ${JSON.stringify(result)}`)
  return {
    rps: result.requests / result.seconds,
    p50: result.p50,
    p99: result.p99,
    cpuMicros: before === undefined || after === undefined ? NaN : ((after - before) / result.requests) * 1e6,
  }
}

/** Puts the contestants under load in turns. */
export const measureThroughput = async <A extends Contestant>(
  contestants: ReadonlyArray<A>,
  generator: Generator<A>,
  options: {
    readonly rounds: number
    readonly connections: number
    readonly warmUpSeconds: number
    /** Before the first turn, in the place of `warmUpSeconds`: until the code is compiled for good. */
    readonly settlingSeconds?: number
    readonly seconds: number
    readonly onTurn: (round: number, name: string, turn: Turn, note: string) => void
  },
): Promise<ReadonlyMap<string, Throughput>> => {
  const turns = new Map<string, Array<Turn>>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < options.rounds; round++) {
    const shift = round % contestants.length
    for (const contestant of [...contestants.slice(shift), ...contestants.slice(0, shift)]) {
      const seconds = round === 0 ? (options.settlingSeconds ?? options.warmUpSeconds) : options.warmUpSeconds
      const warmUp = await generator.prepare(contestant, options.connections, seconds)
      await warmUp()
      const measured = await undisturbed(() => takeTurn(contestant, generator, options.connections, options.seconds))
      turns.get(contestant.name)?.push(measured.value)
      options.onTurn(round + 1, contestant.name, measured.value, disturbanceNote(measured))
    }
  }
  return new Map(
    contestants.map(({ name, process }) => {
      const own = turns.get(name) ?? []
      const middle = (key: keyof Turn) => median(own.map((turn) => turn[key]))
      const rps = middle("rps")
      const result = { turns: own, rps, p50: middle("p50"), p99: middle("p99"), cpuMicros: middle("cpuMicros") }
      return [name, { ...result, rssMb: rssMb(process.pid) }]
    }),
  )
}

/** Median over the rounds of the ratio of two contenders' requests per second. */
export const ratio = (first: Throughput, second: Throughput): number =>
  median(first.turns.map((turn, round) => turn.rps / (second.turns[round]?.rps ?? NaN)))
