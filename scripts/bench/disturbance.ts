/**
 * Whether other programs of the machine took part in a measurement.
 *
 * A ratio of two servers means little when something else had half a core while one of them was measured. The time that
 * all processes used is compared with the time that the bench and its descendants used; a measurement with more than a
 * tenth of a core between the two is repeated. Only Linux tells; elsewhere every measurement counts as undisturbed.
 */
import { readFileSync, readdirSync } from "node:fs"

const limit = 0.1
const tries = 3
const ticksPerSecond = 100

/** Processor time of all processes since boot, in seconds, without interrupts, which belong to none. */
const machineSeconds = (): number => {
  const [user = 0, nice = 0, system = 0] = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "")
    .split(/ +/)
    .slice(1)
    .map(Number)
  return (user + nice + system) / ticksPerSecond
}

/** Processor time of this process, its descendants, and those of them that have ended, in seconds. */
const ownSeconds = (): number => {
  const children = new Map<number, Array<number>>()
  const ticks = new Map<number, number>()
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue
    try {
      // proc_pid_stat(5), after the name: state, ppid, ..., and utime, stime, cutime, cstime as fields 14 to 17.
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8")
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      const parent = Number(fields[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
      ticks.set(
        Number(entry),
        fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0),
      )
    } catch {
      // Ended in the meantime.
    }
  }
  const sum = (pid: number): number =>
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child), ticks.get(pid) ?? 0)
  return sum(process.pid) / ticksPerSecond
}

/** A measurement, and how many cores other programs used meanwhile. */
export interface Measured<A> {
  readonly value: A
  readonly othersCores: number
}

/** Measures once. */
export const observed = async <A>(measure: () => Promise<A>): Promise<Measured<A>> => {
  if (process.platform !== "linux") return { value: await measure(), othersCores: 0 }
  const started = performance.now()
  const before = machineSeconds() - ownSeconds()
  const value = await measure()
  const seconds = (performance.now() - started) / 1000
  return { value, othersCores: Math.max(0, (machineSeconds() - ownSeconds() - before) / seconds) }
}

/** Measures, again when other programs disturbed it, and returns the least disturbed of three tries. */
export const undisturbed = async <A>(measure: () => Promise<A>): Promise<Measured<A>> => {
  let best = await observed(measure)
  for (let again = 1; again < tries && best.othersCores > limit; again++) {
    const next = await observed(measure)
    if (next.othersCores < best.othersCores) best = next
  }
  return best
}

/** Whether other programs took so much of the machine that the measurement says little. */
export const isDisturbed = ({ othersCores }: Measured<unknown>): boolean => othersCores > limit

/** What to tell about a measurement that stayed disturbed; empty for the others. */
export const disturbanceNote = ({ othersCores }: Measured<unknown>): string =>
  othersCores > limit ? `  (other programs used ${othersCores.toFixed(1)} cores meanwhile)` : ""
