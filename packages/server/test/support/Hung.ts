/**
 * A PostgreSQL server that hangs: all its processes stand still, while their connections stay open.
 */
import type { PostgresServer } from "@belfry/testing/PostgresServer"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"

/** Stops every process of the server until the scope closes. */
export const hang = (server: PostgresServer) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const postmaster = Number(
        Fs.readFileSync(Path.join(server.directory, "data/postmaster.pid"), "utf8").split("\n")[0],
      )
      const processes = [postmaster, ...childrenOf(postmaster)]
      for (const pid of processes) process.kill(pid, "SIGSTOP")
      return processes
    }),
    (processes) =>
      Effect.sync(() => {
        for (const pid of processes) process.kill(pid, "SIGCONT")
      }),
  )

// internal

const childrenOf = (parent: number): ReadonlyArray<number> =>
  (Fs.existsSync("/proc/self/stat") ? fromProc() : fromPs()).filter(([, ppid]) => ppid === parent).map(([pid]) => pid)

const fromProc = (): ReadonlyArray<readonly [pid: number, ppid: number]> =>
  Fs.readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = Fs.readFileSync(`/proc/${name}/stat`, "utf8")
        // proc_pid_stat(5): the second field, in parentheses, may hold spaces; state and parent follow it.
        return [[Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])] as const]
      } catch {
        // It ended meanwhile.
        return []
      }
    })

const fromPs = (): ReadonlyArray<readonly [pid: number, ppid: number]> =>
  execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => {
      const [pid = 0, ppid = 0] = line.trim().split(/\s+/).map(Number)
      return [pid, ppid] as const
    })
