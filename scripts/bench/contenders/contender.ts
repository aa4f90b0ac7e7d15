/** What a contender of the session bench is: a server in its own process that answers who is calling. */
import * as FreePort from "@belfry/testing/FreePort"
import { join } from "node:path"
import type { Postgres } from "../postgres.ts"
import { root } from "../peers.ts"
import { start, waitFor200 } from "../processes.ts"
import type { Cores, Running } from "../processes.ts"

/** What every contender gets. */
export interface Context {
  readonly postgres: Postgres
  readonly cores: Cores | undefined
  readonly logDirectory: string
}

/** How many rows to seed. */
export interface Size {
  readonly users: number
  readonly sessions: number
}

/** A request target: where to send a contender's requests and with which cookies. */
export interface Target {
  readonly port: number
  readonly path: string
  /** Values of `Cookie` headers to take turns with. */
  readonly cookies: ReadonlyArray<string>
}

/** A server process that answers at a port. */
export interface ServerProcess {
  readonly port: number
  readonly process: Running
  /** Milliseconds from the start of the process to its first 200 at its ready path. */
  readonly readyAfterMillis: number
}

/** A started contender, ready for load. */
export interface Contestant extends Target {
  readonly name: string
  readonly database: string
  readonly process: Running
  /** Starts one more server on the same database, not pinned and asked every 5 ms, to time its start. */
  readonly startAgain: () => Promise<ServerProcess>
}

/** A way to answer who is calling. */
export interface Contender {
  readonly name: string
  /** Makes and fills the database `database`, starts the server on it and waits until it is ready. */
  readonly start: (context: Context, database: string, size: Size) => Promise<Contestant>
}

/** How to start a contender's server. */
export interface ServerOptions {
  readonly name: string
  readonly args: ReadonlyArray<string>
  readonly env: (port: number) => Readonly<Record<string, string>>
  /** Path that answers 200 once the server is ready. */
  readonly readyPath: string
}

/** Starts a Node program as a server on a free port and waits until it is ready. */
export const startServer = async (
  context: Context,
  options: ServerOptions,
  how: { readonly cores?: keyof Cores; readonly pollEveryMillis: number } = { cores: "server", pollEveryMillis: 20 },
): Promise<ServerProcess> => {
  const port = await FreePort.find()
  const started = performance.now()
  const server = start({
    name: options.name,
    command: process.execPath,
    args: options.args,
    env: options.env(port),
    cores: how.cores === undefined ? undefined : context.cores?.[how.cores],
    logDirectory: context.logDirectory,
    cwd: context.logDirectory,
  })
  try {
    await waitFor200(server, `http://127.0.0.1:${port}${options.readyPath}`, how.pollEveryMillis)
  } catch (error) {
    await server.stop()
    throw error
  }
  return { port, process: server, readyAfterMillis: performance.now() - started }
}

/** Starts a server for load, with the means to start it again. */
export const startContestant = async (
  context: Context,
  contestant: Omit<Contestant, "port" | "process" | "startAgain">,
  options: ServerOptions,
): Promise<Contestant> => {
  const server = await startServer(context, options)
  return {
    ...contestant,
    port: server.port,
    process: server.process,
    startAgain: () => startServer(context, options, { pollEveryMillis: 5 }),
  }
}

/** Path of a file of the repository. */
export const file = (...path: ReadonlyArray<string>): string => join(root, ...path)
