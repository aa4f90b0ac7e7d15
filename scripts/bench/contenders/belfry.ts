/**
 * Belfry's `GET /auth/session`, from the bundle that `npm run build` makes.
 *
 * The server migrates its database when it starts; sessions are inserted afterwards, as signing in would store them.
 */
import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { seed } from "../seed.ts"
import { file, startContestant, startServer } from "./contender.ts"
import type { Contender, ServerOptions } from "./contender.ts"

const bundle = file("apps/server/dist/belfry.js")

/** Belfry. */
export const belfry: Contender = {
  name: "belfry",
  start: async (context, database, size) => {
    if (!existsSync(bundle)) throw new Error(`${bundle} is not there: run \`npm run build\` first`)
    const databaseUrl = await context.postgres.createDatabase(database)
    const secrets = `k1:${randomBytes(32).toString("base64")}`
    const options: ServerOptions = {
      name: database,
      args: [bundle, "serve"],
      env: (port) => ({
        DATABASE_URL: databaseUrl,
        BELFRY_HOST: "127.0.0.1",
        BELFRY_PORT: String(port),
        BELFRY_BASE_URL: `http://localhost:${port}`,
        BELFRY_SECRETS: secrets,
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
