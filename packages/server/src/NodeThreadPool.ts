/**
 * Node's thread pool, where passwords are hashed, behind the thread that answers requests.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readdir, readFile } from "node:fs/promises"
import * as Os from "node:os"

/**
 * Lowers the priority of the thread pool's threads to nice 10, on Linux; elsewhere it does nothing.
 *
 * **Details**
 *
 * Argon2id keeps a core busy for tens of milliseconds. While sign-ins take every core, the main thread would wait its
 * turn among them for each piece of work, however short; like this it interrupts them. On its own, hashing is as fast
 * as before. The rest of the pool's work, files and look-ups of host names, is lowered too: a server has little of it.
 *
 * @see [setpriority(2)](https://man7.org/linux/man-pages/man2/setpriority.2.html), "C library/kernel differences"
 * @category layers
 * @since 0.1.0
 */
export const layerBackground: Layer.Layer<never> = Layer.effectDiscard(
  process.platform === "linux"
    ? // Where there is no `/proc`, or the host forbids it, hashing competes as it would have.
      Effect.ignore(Effect.tryPromise(() => lowerThreads()))
    : Effect.void,
)

/**
 * The thread ids of the pool, on Linux.
 *
 * @category accessors
 * @since 0.1.0
 */
export const threads = async (): Promise<ReadonlyArray<number>> => {
  // Reading is work of the pool, which has all its threads by the time that it has done any.
  const all = await readdir(tasks)
  const named = await Promise.all(
    all.map(async (thread) => ({
      thread: Number(thread),
      // A thread may have ended since.
      name: await readFile(`${tasks}/${thread}/comm`, "utf8").catch(() => ""),
    })),
  )
  return named.filter(({ name }) => name.trim() === "libuv-worker").map(({ thread }) => thread)
}

// internal

const tasks = "/proc/self/task"

const lowerThreads = async (): Promise<void> => {
  // On Linux a priority is that of a thread, and a thread id will do for a process id.
  for (const thread of await threads()) Os.setPriority(thread, Os.constants.priority.PRIORITY_BELOW_NORMAL)
}
