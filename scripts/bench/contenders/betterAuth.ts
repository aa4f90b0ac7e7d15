/**
 * Better Auth on the same PostgreSQL, through its own handler for `node:http`: `get-session`, and signing in with a
 * provider.
 *
 * E-mail and password are on, the cookie cache is off (its default), rate limits, telemetry and logs are off. One user
 * signs up over HTTP and proves that the whole works; the other rows are inserted, with cookies signed as it signs
 * them.
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

/** A migrated database with users and sessions, before a server for load runs on it. */
export interface BetterAuthDatabase {
  readonly databaseUrl: string
  readonly cookies: ReadonlyArray<string>
  /** Starts the server for load on a path; `cookies` are those of the sessions unless given. */
  readonly start: (path: string, cookies?: ReadonlyArray<string>) => Promise<Contestant>
}

/** Which program of Better Auth to run, and how. */
export interface BetterAuthOptions {
  /** Its file among the contenders. */
  readonly program: string
  /** Settings besides those that every program has. */
  readonly env?: Readonly<Record<string, string>>
  /** What the first server, which migrates, is told besides. */
  readonly firstEnv?: Readonly<Record<string, string>>
  /** What is done with the first server. */
  readonly visit?: (port: number) => Promise<void>
}

/** Makes the database of a server: it migrates it when it starts, and sessions are inserted afterwards. */
export const prepareBetterAuth = async (
  context: Context,
  database: string,
  size: Size,
  { env, firstEnv, program, visit }: BetterAuthOptions,
): Promise<BetterAuthDatabase> => {
  const databaseUrl = await context.postgres.createDatabase(database)
  const secret = randomBytes(32).toString("base64url")
  const options = (more: BetterAuthOptions["env"]): ServerOptions => ({
    name: database,
    args: [file("scripts/bench/contenders", program)],
    env: (port) => ({ PORT: String(port), DATABASE_URL: databaseUrl, BETTER_AUTH_SECRET: secret, ...env, ...more }),
    readyPath: "/api/auth/ok",
  })
  const migrated = await startServer(context, options(firstEnv))
  await Promise.resolve(visit?.(migrated.port)).finally(() => migrated.process.stop())
  const seeded = await seed({ databaseUrl, ...size, secrets: secret, tables })
  const cookies = seeded.map((session) => session.cookieHeader)
  const start: BetterAuthDatabase["start"] = (path, sent = cookies) =>
    startContestant(context, { name: "better-auth", database, path, cookies: sent }, options({}))
  return { databaseUrl, cookies, start }
}

const start = async (
  context: Context,
  database: string,
  size: Size,
  env: Readonly<Record<string, string>> = {},
): Promise<Contestant> => {
  const signedUp: Array<string> = []
  const visit = async (port: number) => void signedUp.push(await signUp(port))
  const prepared = await prepareBetterAuth(context, database, size, { program: "betterAuthServer.ts", env, visit })
  return prepared.start("/api/auth/get-session", [...signedUp, ...prepared.cookies])
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
