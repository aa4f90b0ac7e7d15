/**
 * Belfry's server, as every bench runs it: from a bundle made as `npm run build` makes it, of the sources as they are,
 * on a database of its own that it migrates when it starts. Users and sessions are inserted afterwards, as signing in
 * would store them.
 */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { bundle } from "../../build.ts"
import { seed } from "../seed.ts"
import { file, startContestant, startServer } from "./contender.ts"
import type { Contestant, Context, ServerOptions, Size } from "./contender.ts"

const outdir = file(".bench/belfry")

let bundled: Promise<unknown> | undefined

/** A migrated database with users and sessions, before a server runs on it. */
export interface BelfryDatabase {
  readonly databaseUrl: string
  readonly secrets: string
  /** What the server's environment would be at a port. */
  readonly environment: (port: number) => Readonly<Record<string, string>>
  /** Starts the server for load on a path. */
  readonly start: (path: string) => Promise<Contestant>
}

/** Makes the database of a server with these settings, besides those that every bench has. */
export const prepareBelfry = async (
  context: Context,
  database: string,
  size: Size,
  env: Readonly<Record<string, string>> = {},
): Promise<BelfryDatabase> => {
  await (bundled ??= bundle(file("apps/server/src/main.ts"), outdir))
  const databaseUrl = await context.postgres.createDatabase(database)
  const secrets = `k1:${randomBytes(32).toString("base64")}`
  const environment = (port: number) => ({
    DATABASE_URL: databaseUrl,
    BELFRY_HOST: "127.0.0.1",
    BELFRY_PORT: String(port),
    BELFRY_BASE_URL: `http://localhost:${port}`,
    BELFRY_SECRETS: secrets,
    // Production asks for both; a bench that sends mail says where to.
    BELFRY_SMTP_URL: "smtp://127.0.0.1:9",
    BELFRY_MAIL_FROM: "belfry@localhost",
    ...env,
  })
  const options: ServerOptions = {
    name: database,
    args: [join(outdir, "belfry.js"), "serve"],
    env: environment,
    readyPath: "/health/ready",
  }
  const migrated = await startServer(context, options)
  await migrated.process.stop()
  const sessions = await seed({ databaseUrl, ...size, secrets })
  const cookies = sessions.map((session) => session.cookieHeader)
  const start = (path: string) => startContestant(context, { name: "belfry", database, path, cookies }, options)
  return { databaseUrl, secrets, environment, start }
}
