/**
 * Belfry's `GET /auth/session`, from a bundle made as `npm run build` makes it, of the sources as they are.
 *
 * The server migrates its database when it starts; sessions are inserted afterwards, as signing in would store them.
 */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { bundle } from "../../build.ts"
import { seed } from "../seed.ts"
import { file, startContestant, startServer } from "./contender.ts"
import type { Contender, ServerOptions } from "./contender.ts"

const outdir = file(".bench/belfry")

let bundled: Promise<unknown> | undefined

/** Belfry. */
export const belfry: Contender = {
  name: "belfry",
  start: async (context, database, size) => {
    await (bundled ??= bundle(file("apps/server/src/main.ts"), outdir))
    const databaseUrl = await context.postgres.createDatabase(database)
    const secrets = `k1:${randomBytes(32).toString("base64")}`
    const options: ServerOptions = {
      name: database,
      args: [join(outdir, "belfry.js"), "serve"],
      env: (port) => ({
        DATABASE_URL: databaseUrl,
        BELFRY_HOST: "127.0.0.1",
        BELFRY_PORT: String(port),
        BELFRY_BASE_URL: `http://localhost:${port}`,
        BELFRY_SECRETS: secrets,
        // Production asks for both; nothing is mailed here.
        BELFRY_SMTP_URL: "smtp://127.0.0.1:9",
        BELFRY_MAIL_FROM: "belfry@localhost",
      }),
      readyPath: "/health/ready",
    }
    const migrated = await startServer(context, options)
    await migrated.process.stop()
    const sessions = await seed({ databaseUrl, ...size, secrets })
    const cookies = sessions.map((session) => session.cookieHeader)
    return startContestant(context, { name: "belfry", database, path: "/auth/session", cookies }, options)
  },
}
