/** Belfry: who is calling, and signing in with a password or a provider. */
import { seedPasswords } from "../seed.ts"
import { prepareBelfry } from "./belfryServer.ts"
import type { Contender, Contestant, Context, Size } from "./contender.ts"
import { providerId, scopes, target } from "./provider.ts"
import type { ProviderContender } from "./provider.ts"

const path = "/auth/session"

// Behind a proxy on this machine that states clients' addresses.
const proxied = { BELFRY_TRUSTED_PROXIES: "127.0.0.1" }

/** Belfry. */
export const belfry: Contender = {
  name: "belfry",
  start: async (context, database, size) => (await prepareBelfry(context, database, size)).start(path),
}

/** Belfry whose users all have the password of `hash`, behind a proxy on this machine that states clients' addresses. */
export const startWithPasswords = async (
  context: Context,
  database: string,
  size: Size,
  hash: string,
): Promise<Contestant> => {
  const { databaseUrl, start } = await prepareBelfry(context, database, size, proxied)
  await seedPasswords(databaseUrl, hash)
  return start(path)
}

/** Belfry with a provider by discovery, behind a proxy as in {@link startWithPasswords}. */
export const belfryWithProvider: ProviderContender = {
  name: "belfry",
  start: async (context, database, size, provider) => {
    const { start } = await prepareBelfry(context, database, size, {
      ...proxied,
      BELFRY_OIDC_PROVIDERS: providerId,
      [`BELFRY_OIDC_${providerId.toUpperCase()}_ISSUER`]: provider.issuer,
      [`BELFRY_OIDC_${providerId.toUpperCase()}_CLIENT_ID`]: provider.clientId,
      [`BELFRY_OIDC_${providerId.toUpperCase()}_CLIENT_SECRET`]: provider.clientSecret,
      [`BELFRY_OIDC_${providerId.toUpperCase()}_SCOPES`]: scopes.join(" "),
    })
    return {
      ...(await start(path)),
      signIn: { path: `/auth/provider/${providerId}/sign-in`, body: JSON.stringify({ redirectUrl: target }) },
      sessionCookie: "belfry_session",
    }
  },
}
