/**
 * The server as people run it: a process of its own on a free port, with PGlite in a new data directory. Mail is read
 * from its console.
 */
import * as FreePort from "@belfry/testing/FreePort"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"

/** A message as the console shows it. */
export interface PrintedMail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** A running server. */
export interface ServedSite {
  readonly origin: string
  /** The next message to an address that was not read yet; waits for it. */
  readonly readMail: (to: string) => Promise<PrintedMail>
  /** How many messages to an address were printed so far, read or not. */
  readonly countMail: (to: string) => number
  /** Whether the server was told to stop: what a page still loads then, it cannot have. */
  readonly isStopping: () => boolean
  /** Stops the server as an operator does; tells its exit code and what it said besides its address and mail. */
  readonly stop: () => Promise<{ readonly code: number | null; readonly said: string }>
}

/** What configures a server: as it is, or made for the origin that the server will have. */
export type Environment =
  | Readonly<Record<string, string>>
  | ((origin: string) => Promise<Readonly<Record<string, string>>>)

/**
 * Starts the server in this environment; resolves when it says that it listens. Its data directory goes with it.
 * `program` is the file to run: the command line, unless a test composes a server of its own.
 */
export const start = async (environment: Environment = {}, program = mainFile): Promise<ServedSite> => {
  const dataDir = await Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-browser-"))
  const port = await FreePort.find()
  const origin = `http://localhost:${port}`
  const settings = typeof environment === "function" ? await environment(origin) : environment
  const child = spawn(process.execPath, [program, "serve"], {
    // Nothing of the environment that configures a server: this one is configured here.
    env: {
      PATH: process.env["PATH"],
      BELFRY_PORT: String(port),
      BELFRY_BASE_URL: origin,
      BELFRY_DATA_DIR: dataDir,
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const ended = once(child, "close")
  const kill = () => child.kill("SIGKILL")
  process.once("exit", kill)
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))

  /** Looks at the console until there is what is looked for. */
  const watch = async <A>(what: string, look: () => A | undefined, millis: number): Promise<A> => {
    const signal = AbortSignal.timeout(millis)
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (child.exitCode !== null || signal.aborted) throw new Error(`No ${what} on the console:\n${stdout}${stderr}`)
      await Promise.race([once(child.stdout, "data", { signal }), ended]).catch(() => undefined)
    }
  }

  const mailTo = (to: string) => mailIn(stdout).filter((mail) => mail.to === to)
  const readCounts = new Map<string, number>()

  const announcement = `Belfry listens on 127.0.0.1:${port}. Open ${origin}/sign-up\n`
  let isStopping = false
  const stop = async () => {
    isStopping = true
    child.kill("SIGTERM")
    await ended
    process.off("exit", kill)
    await Fs.rm(dataDir, { recursive: true, force: true })
    const said =
      stdout.replace(announcement, "").replace(paymentsPattern, "").replaceAll(mailPattern, "").trim() + stderr
    return { code: child.exitCode, said }
  }
  await watch("address", () => (stdout.includes(announcement) ? true : undefined), 60_000).catch(
    async (error: unknown) => {
      await stop()
      throw error
    },
  )
  return {
    origin,
    readMail: (to) => {
      const index = readCounts.get(to) ?? 0
      readCounts.set(to, index + 1)
      return watch(`message ${index + 1} to ${to}`, () => mailTo(to)[index], 10_000)
    },
    countMail: (to) => mailTo(to).length,
    isStopping: () => isStopping,
    stop,
  }
}

/** The link in a message, which stands on a line of its own. */
export const linkIn = ({ text }: PrintedMail): string => {
  const link = /^https?:\/\/\S+$/mu.exec(text)?.[0]
  if (link === undefined) throw new Error(`No link in the message:\n${text}`)
  return link
}

// internal

const mainFile = Path.join(import.meta.dirname, "../../../src/main.ts")

/** What a server says that has a local Stripe beside it. */
const paymentsPattern = /^A local Stripe listens on \S+\. Open .+$/mu

const mailPattern = /^--- Mail, kept as .+\nTo: (.+)\nSubject: (.+)\n\n([^]*?)\n---$/gmu

const mailIn = (stdout: string): ReadonlyArray<PrintedMail> =>
  [...stdout.matchAll(mailPattern)].map(([, to = "", subject = "", text = ""]) => ({ to, subject, text }))
