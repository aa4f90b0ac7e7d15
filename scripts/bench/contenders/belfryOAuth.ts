/** Belfry as an authorization server; the clients, the API and the consents are made by Belfry's own services. */
import * as FreePort from "@belfry/testing/FreePort"
import { prepareBelfry } from "./belfryServer.ts"
import { apiScope, people } from "./oauthServer.ts"
import type { OAuthContender } from "./oauthServer.ts"

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
    const size = { users: people, sessions: people }
    const { environment, start } = await prepareBelfry(context, database, size, {
      BELFRY_OAUTH_SCOPES: apiScope,
      BELFRY_OAUTH_RATE_LIMITS: "false",
    })
    // Loads the whole of Belfry, which no other bench needs.
    const { seedOAuthServer } = await import("./belfryOAuthSeed.ts")
    const clients = await seedOAuthServer(environment(await FreePort.find()))
    return {
      ...(await start(endpoints.token)),
      clients,
      endpoints,
      issuerAt: (port) => `http://localhost:${port}/auth`,
      scope: `${apiScope} offline_access`,
      opaqueScope: `${apiScope} offline_access`,
    }
  },
}
