/**
 * Better Auth with its OAuth provider plugin: clients made by its own API, sessions and consents inserted as it stores
 * them.
 */
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { withClient } from "../peers.ts"
import { seed } from "../seed.ts"
import { tables } from "./betterAuth.ts"
import { file, startContestant, startServer } from "./contender.ts"
import type { ServerOptions } from "./contender.ts"
import { apiScope, people, resource } from "./oauthServer.ts"
import type { Clients, OAuthContender } from "./oauthServer.ts"

const endpoints = {
  authorize: "/api/auth/oauth2/authorize",
  token: "/api/auth/oauth2/token",
  introspect: "/api/auth/oauth2/introspect",
  jwks: "/api/auth/jwks",
}

const insertConsents = `
  INSERT INTO "oauthConsent" (id, "clientId", "userId", resources, scopes, "createdAt", "updatedAt")
  SELECT md5('consent' || id), $1, id, $2, $3, now(), now() FROM "user"`

/** Better Auth. */
export const betterAuthOAuth: OAuthContender = {
  name: "better-auth",
  start: async (context, database) => {
    const databaseUrl = await context.postgres.createDatabase(database)
    const secret = randomBytes(32).toString("base64url")
    const clientsFile = join(context.logDirectory, `${database}.clients.json`)
    const options = (more: Readonly<Record<string, string>>): ServerOptions => ({
      name: database,
      args: [file("scripts/bench/contenders/betterAuthOAuthServer.ts")],
      env: (port) => ({ PORT: String(port), DATABASE_URL: databaseUrl, BETTER_AUTH_SECRET: secret, ...more }),
      readyPath: "/api/auth/ok",
    })
    const migrated = await startServer(context, options({ CLIENTS_FILE: clientsFile }))
    await migrated.process.stop()
    const clients: Clients = JSON.parse(readFileSync(clientsFile, "utf8"))
    const sessions = await seed({ databaseUrl, users: people, sessions: people, secrets: secret, tables })
    const scopes = ["offline_access", apiScope]
    await withClient(databaseUrl, (client) =>
      client.query(insertConsents, [clients.web.clientId, JSON.stringify([resource]), JSON.stringify(scopes)]),
    )
    const cookies = sessions.map((session) => session.cookieHeader)
    const contestant = await startContestant(
      context,
      { name: "better-auth", database, path: endpoints.token, cookies },
      options({}),
    )
    return {
      ...contestant,
      clients,
      endpoints,
      issuerAt: (port) => `http://localhost:${port}/api/auth`,
      scope: scopes.join(" "),
      opaqueScope: scopes.join(" "),
    }
  },
}
