/**
 * Better Auth on the same PostgreSQL, through its own handler for `node:http`: `get-session`, and signing in with a
 * provider.
 *
 * E-mail and password are on, the cookie cache is off (its default), rate limits, telemetry and logs are off. One user
 * signs up over HTTP and proves that the whole works; the other rows are inserted, with cookies signed as it signs them.
 */
import { createHmac, randomBytes } from "node:crypto"
import { seed } from "../seed.ts"
import type { SessionTables } from "../seed.ts"
import { file, startContestant, startServer } from "./contender.ts"
import type { Contender, Contestant, Context, ServerOptions, Size } from "./contender.ts"
import { discoveryUrlOf, providerId, scopes, target } from "./provider.ts"
import type { ProviderContender } from "./provider.ts"

/** Tables of Better Auth, with cookies signed as it signs them. */
export const tables: SessionTables = {
  issue: (secret, count) =>
    Promise.resolve(
      Array.from({ length: count }, () => {
        const token = randomBytes(24).toString("base64url")
        const signature = createHmac("sha256", secret).update(token).digest("base64")
        const value = encodeURIComponent(`${token}.${signature}`)
        return { cookieHeader: `better-auth.session_token=${value}`, stored: token }
      }),
    ),
  insertUsers: `
    INSERT INTO "user" (id, email, name, "emailVerified", "createdAt", "updatedAt")
    SELECT md5('user' || g), 'user' || g || '@example.com', 'User ' || g, true, now(), now()
    FROM generate_series(1, $1::int) g`,
  insertSessions: `
    INSERT INTO "session" (id, "userId", token, "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent")
    SELECT md5('session' || g), md5('user' || (g % $2::int) + 1),
      CASE WHEN g % $4::int = 0 THEN ($3::text[])[g / $4::int] ELSE md5('filler' || g) END,
      now() + interval '7 days', now(), now(), '192.0.2.1',
      'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    FROM generate_series(1, $1::int) g`,
}

const signUp = async (port: number): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${port}/api/auth/sign-up/email`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: `http://localhost:${port}` },
    body: JSON.stringify({
      email: "ada@example.com",
      password: randomBytes(16).toString("base64url"),
      name: "Ada Lovelace",
    }),
  })
  const cookie = response.headers.getSetCookie()[0]?.split(";")[0]
  if (response.status !== 200 || cookie === undefined) {
    throw new Error(`Better Auth's sign-up answered ${response.status}: ${await response.text()}`)
  }
  return cookie
}

/** The members of a provider's configuration for the generic OAuth plugin that the benches use. */
export interface GenericOAuthConfig {
  readonly providerId: string
  readonly discoveryUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scopes: ReadonlyArray<string>
  readonly pkce: boolean
}

const start = async (
  context: Context,
  database: string,
  size: Size,
  env: Readonly<Record<string, string>> = {},
): Promise<Contestant> => {
  const databaseUrl = await context.postgres.createDatabase(database)
  const secret = randomBytes(32).toString("base64url")
  const options: ServerOptions = {
    name: database,
    args: [file("scripts/bench/contenders/betterAuthServer.ts")],
    env: (port) => ({ PORT: String(port), DATABASE_URL: databaseUrl, BETTER_AUTH_SECRET: secret, ...env }),
    readyPath: "/api/auth/ok",
  }
  const migrated = await startServer(context, options)
  const signedUp = await signUp(migrated.port).finally(() => migrated.process.stop())
  const sessions = await seed({ databaseUrl, ...size, secrets: secret, tables })
  const cookies = [signedUp, ...sessions.map((session) => session.cookieHeader)]
  return startContestant(context, { name: "better-auth", database, path: "/api/auth/get-session", cookies }, options)
}

/** Better Auth. */
export const betterAuth: Contender = { name: "better-auth", start }

/** Better Auth with its generic OAuth plugin: state in the database, which is its default, PKCE, and tokens encrypted. */
export const betterAuthWithProvider: ProviderContender = {
  name: "better-auth",
  start: async (context, database, size, provider) => {
    const config: GenericOAuthConfig = {
      providerId,
      discoveryUrl: discoveryUrlOf(provider),
      clientId: provider.clientId,
      clientSecret: provider.clientSecret,
      scopes,
      pkce: true,
    }
    return {
      ...(await start(context, database, size, { PROVIDER: JSON.stringify(config) })),
      signIn: {
        path: "/api/auth/sign-in/social",
        body: JSON.stringify({ provider: providerId, callbackURL: target }),
      },
      sessionCookie: "better-auth.session_token",
    }
  },
}
