/**
 * Keeps a data directory to one process: a lock file beside it names the owner, and the lock of an owner that is
 * gone is taken over.
 */
import { randomUUID } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"

/** Locks that this process holds; a lock file with its own process id is otherwise a left-over. */
const held = new Set<string>()

/**
 * Locks `directory` and returns what releases it.
 *
 * Rejects when a living process, this one included, has it locked.
 */
export const acquire = async (directory: string): Promise<() => Promise<void>> => {
  const file = `${Path.resolve(directory)}.lock`
  if (held.has(file)) throw new Error("this process has the directory open already")
  held.add(file)
  try {
    const owner = `${process.pid} ${await startTime(process.pid)}\n`
    if (!(await create(file, owner))) {
      await takeOver(file)
      if (!(await create(file, owner))) throw new Error("another process has just opened the directory")
    }
  } catch (cause) {
    held.delete(file)
    throw cause
  }
  return async () => {
    await Fs.rm(file, { force: true })
    held.delete(file)
  }
}

/** Creates the file with its content in one step, so that nobody reads a half-written owner. */
const create = async (file: string, content: string): Promise<boolean> => {
  const draft = `${file}.${randomUUID()}`
  await Fs.writeFile(draft, content, { flag: "wx", mode: 0o600 })
  try {
    await Fs.link(draft, file)
    return true
  } catch (cause) {
    if (errorCode(cause) === "EEXIST") return false
    throw cause
  } finally {
    await Fs.rm(draft, { force: true })
  }
}

/** Removes the lock of an owner that is gone; rejects when the owner lives. */
const takeOver = async (file: string): Promise<void> => {
  const content = await readIfPresent(file)
  if (content === undefined) return
  const [pid = "", started = ""] = content.trim().split(" ")
  if (await isRunning(Number(pid), started)) throw new Error(`process ${pid} has the directory open`)
  // Two processes may find the same left-over: whoever moves a younger lock away puts it back.
  const moved = `${file}.${randomUUID()}`
  try {
    await Fs.rename(file, moved)
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return
    throw cause
  }
  if ((await readIfPresent(moved)) !== content) {
    await Fs.link(moved, file).catch(() => undefined)
  }
  await Fs.rm(moved, { force: true })
}

const isRunning = async (pid: number, started: string): Promise<boolean> => {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (cause) {
    // Any other refusal, such as EPERM, means that the process is there.
    return errorCode(cause) !== "ESRCH"
  }
  return (await startTime(pid)) === started
}

/** When a process started, so that a reused process id is not taken for the owner; `-` where that is not known. */
const startTime = async (pid: number): Promise<string> => {
  const stat = await readIfPresent(`/proc/${pid}/stat`)
  // Field 22 of proc_pid_stat(5); the second field, in parentheses, may hold spaces.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-"
}

const readIfPresent = async (file: string): Promise<string | undefined> => {
  try {
    return await Fs.readFile(file, "utf8")
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined
    throw cause
  }
}

const errorCode = (cause: unknown): unknown => (cause instanceof Error && "code" in cause ? cause.code : undefined)
