/**
 * Belfry as an authorization server, from a bundle made as `npm run build` makes it, of the sources as they are.
 *
 * The server migrates its database when it starts; sessions are inserted afterwards, as signing in would store them, and
 * the clients, the API and the consents are made by Belfry's own services.
 */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { bundle } from "../../build.ts"
import { seed } from "../seed.ts"
import { file, startContestant, startServer } from "./contender.ts"
import type { ServerOptions } from "./contender.ts"
import { apiScope, people } from "./oauthServer.ts"
import type { OAuthContender } from "./oauthServer.ts"

const outdir = file(".bench/belfry")

const endpoints = {
  authorize: "/auth/oauth2/authorize",
  token: "/auth/oauth2/token",
  introspect: "/auth/oauth2/introspect",
  jwks: "/auth/jwks",
}

/** Belfry. */
export const belfryOAuth: OAuthContender = {
  name: "belfry",
  start: async (context, database) => {
    await bundle(file("apps/server/src/main.ts"), outdir)
    const databaseUrl = await context.postgres.createDatabase(database)
    const secrets = `k1:${randomBytes(32).toString("base64")}`
    const environment = (port: number) => ({
      DATABASE_URL: databaseUrl,
      BELFRY_HOST: "127.0.0.1",
      BELFRY_PORT: String(port),
      BELFRY_BASE_URL: `http://localhost:${port}`,
      BELFRY_SECRETS: secrets,
      BELFRY_OAUTH_SCOPES: apiScope,
      BELFRY_OAUTH_RATE_LIMITS: "false",
      // Production asks for both; nothing is mailed here.
      BELFRY_SMTP_URL: "smtp://127.0.0.1:9",
      BELFRY_MAIL_FROM: "belfry@localhost",
    })
    const options: ServerOptions = {
      name: database,
      args: [join(outdir, "belfry.js"), "serve"],
      env: environment,
      readyPath: "/health/ready",
    }
    const migrated = await startServer(context, options)
    await migrated.process.stop()
    const sessions = await seed({ databaseUrl, users: people, sessions: people, secrets })
    // Loads the whole of Belfry, which no other bench needs.
    const { seedOAuthServer } = await import("./belfryOAuthSeed.ts")
    const clients = await seedOAuthServer(environment(migrated.port))
    const cookies = sessions.map((session) => session.cookieHeader)
    const contestant = await startContestant(
      context,
      { name: "belfry", database, path: endpoints.token, cookies },
      options,
    )
    return {
      ...contestant,
      clients,
      endpoints,
      issuerAt: (port) => `http://localhost:${port}/auth`,
      scope: `${apiScope} offline_access`,
      opaqueScope: `${apiScope} offline_access`,
    }
  },
}
