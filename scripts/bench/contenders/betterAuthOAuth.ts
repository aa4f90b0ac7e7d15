/**
 * Better Auth with its OAuth provider plugin: clients made by its own API, sessions and consents inserted as it stores
 * them.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { withClient } from "../peers.ts"
import { prepareBetterAuth } from "./betterAuth.ts"
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
    const clientsFile = join(context.logDirectory, `${database}.clients.json`)
    const size = { users: people, sessions: people }
    const { databaseUrl, start } = await prepareBetterAuth(context, database, size, {
      program: "betterAuthOAuthServer.ts",
      firstEnv: { CLIENTS_FILE: clientsFile },
    })
    const clients: Clients = JSON.parse(readFileSync(clientsFile, "utf8"))
    const scopes = ["offline_access", apiScope]
    await withClient(databaseUrl, (client) =>
      client.query(insertConsents, [clients.web.clientId, JSON.stringify([resource]), JSON.stringify(scopes)]),
    )
    return {
      ...(await start(endpoints.token)),
      clients,
      endpoints,
      issuerAt: (port) => `http://localhost:${port}/api/auth`,
      scope: scopes.join(" "),
      opaqueScope: scopes.join(" "),
    }
  },
}
