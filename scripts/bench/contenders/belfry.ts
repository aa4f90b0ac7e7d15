/**
 * Belfry from a bundle made as `npm run build` makes it, of the sources as they are: who is calling, and signing in with
 * a password or a provider.
 *
 * The server migrates its database when it starts; sessions are inserted afterwards, as signing in would store them.
 */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { bundle } from "../../build.ts"
import { seed, seedPasswords } from "../seed.ts"
import { file, startContestant, startServer } from "./contender.ts"
import type { Contender, Contestant, Context, ServerOptions, Size } from "./contender.ts"
import { providerId, scopes, target } from "./provider.ts"
import type { ProviderContender } from "./provider.ts"

const outdir = file(".bench/belfry")

let bundled: Promise<unknown> | undefined

interface Preparation {
  /** Settings besides those that every bench has. */
  readonly env: Readonly<Record<string, string>>
  /** Fills the database further, before the server starts. */
  readonly fill?: (databaseUrl: string) => Promise<void>
}

const start = async (context: Context, database: string, size: Size, preparation?: Preparation) => {
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
      ...preparation?.env,
    }),
    readyPath: "/health/ready",
  }
  const migrated = await startServer(context, options)
  await migrated.process.stop()
  const sessions = await seed({ databaseUrl, ...size, secrets })
  await preparation?.fill?.(databaseUrl)
  const cookies = sessions.map((session) => session.cookieHeader)
  return startContestant(context, { name: "belfry", database, path: "/auth/session", cookies }, options)
}

/** Belfry. */
export const belfry: Contender = { name: "belfry", start }

/** Belfry whose users all have the password of `hash`, behind a proxy on this machine that states clients' addresses. */
export const startWithPasswords = (context: Context, database: string, size: Size, hash: string): Promise<Contestant> =>
  start(context, database, size, {
    env: { BELFRY_TRUSTED_PROXIES: "127.0.0.1" },
    fill: (databaseUrl) => seedPasswords(databaseUrl, hash),
  })

/** Belfry with a provider by discovery, behind a proxy as in {@link startWithPasswords}. */
export const belfryWithProvider: ProviderContender = {
  name: "belfry",
  start: async (context, database, size, provider) => ({
    ...(await start(context, database, size, {
      env: {
        BELFRY_TRUSTED_PROXIES: "127.0.0.1",
        BELFRY_OIDC_PROVIDERS: providerId,
        [`BELFRY_OIDC_${providerId.toUpperCase()}_ISSUER`]: provider.issuer,
        [`BELFRY_OIDC_${providerId.toUpperCase()}_CLIENT_ID`]: provider.clientId,
        [`BELFRY_OIDC_${providerId.toUpperCase()}_CLIENT_SECRET`]: provider.clientSecret,
        [`BELFRY_OIDC_${providerId.toUpperCase()}_SCOPES`]: scopes.join(" "),
      },
    })),
    signIn: { path: `/auth/provider/${providerId}/sign-in`, body: JSON.stringify({ redirectUrl: target }) },
    sessionCookie: "belfry_session",
  }),
}
