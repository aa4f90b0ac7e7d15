/**
 * What all programs of Better Auth have: ten connections to the database, e-mail and password on, its own migrations,
 * its own handler for `node:http`; rate limits, telemetry and logs are off, and everything else is as it comes.
 *
 * Settings: `PORT`, `DATABASE_URL`, `BETTER_AUTH_SECRET`.
 */
import { createServer } from "node:http"
import type { RequestListener } from "node:http"
import { loadPg, peerUrl } from "../peers.ts"

/** Makes a plugin. */
export type PluginOf = (options: unknown) => unknown

/** The members of Better Auth that the benches use. */
export interface BetterAuth {
  readonly options: unknown
  readonly api: {
    readonly signUpEmail: (input: {
      readonly body: { readonly email: string; readonly password: string; readonly name: string }
      readonly returnHeaders: true
    }) => Promise<{ readonly headers: Headers }>
    /** With the plugin of the OAuth provider. */
    readonly adminCreateOAuthClient: (input: {
      readonly headers: Headers
      readonly body: Readonly<Record<string, unknown>>
    }) => Promise<{ readonly client_id: string; readonly client_secret: string }>
  }
}

const core: { readonly betterAuth: (options: unknown) => BetterAuth } = await import(peerUrl("better-auth"))
const node: { readonly toNodeHandler: (auth: BetterAuth) => RequestListener } = await import(
  peerUrl("better-auth/node")
)
const migration: {
  readonly getMigrations: (options: unknown) => Promise<{ readonly runMigrations: () => Promise<void> }>
} = await import(peerUrl("better-auth/db/migration"))
const pg = await loadPg()

const port = Number(process.env["PORT"])

/** Where the server says that it is. */
export const baseURL = `http://localhost:${port}`

/** Better Auth with these plugins and options, on a migrated database. */
export const makeBetterAuth = async (
  plugins: ReadonlyArray<unknown>,
  options: Readonly<Record<string, unknown>> = {},
): Promise<BetterAuth> => {
  const auth = core.betterAuth({
    database: new pg.Pool({ connectionString: process.env["DATABASE_URL"] ?? "", max: 10 }),
    baseURL,
    secret: process.env["BETTER_AUTH_SECRET"] ?? "",
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins,
    ...options,
  })
  const { runMigrations } = await migration.getMigrations(auth.options)
  await runMigrations()
  return auth
}

/** Answers requests. */
export const serve = (auth: BetterAuth): void => {
  createServer(node.toNodeHandler(auth)).listen(port, "127.0.0.1")
}
