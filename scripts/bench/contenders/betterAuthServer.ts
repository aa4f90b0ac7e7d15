/**
 * Program of the `better-auth` contender. Settings: `PORT`, `DATABASE_URL`, `BETTER_AUTH_SECRET`; and `PROVIDER`, where
 * people sign in with one: the configuration of the generic OAuth plugin as JSON.
 */
import { createServer } from "node:http"
import type { RequestListener } from "node:http"
import { loadPg, peerUrl } from "../peers.ts"
import type { PgPool } from "../peers.ts"
import type { GenericOAuthConfig } from "./betterAuth.ts"

interface Options {
  readonly database: PgPool
  readonly baseURL: string
  readonly secret: string
  readonly emailAndPassword: { readonly enabled: boolean }
  readonly rateLimit: { readonly enabled: boolean }
  readonly telemetry: { readonly enabled: boolean }
  readonly logger: { readonly disabled: boolean }
  readonly account: { readonly encryptOAuthTokens: boolean }
  readonly plugins: ReadonlyArray<Plugin>
}

interface Plugin {
  readonly id: string
}

interface Auth {
  readonly options: Options
}

const core: { readonly betterAuth: (options: Options) => Auth } = await import(peerUrl("better-auth"))
const node: { readonly toNodeHandler: (auth: Auth) => RequestListener } = await import(peerUrl("better-auth/node"))
const migration: {
  readonly getMigrations: (options: Options) => Promise<{ readonly runMigrations: () => Promise<void> }>
} = await import(peerUrl("better-auth/db/migration"))
const pg = await loadPg()

const pluginOf = async (provider: string): Promise<Plugin> => {
  const module: {
    readonly genericOAuth: (options: { readonly config: ReadonlyArray<GenericOAuthConfig> }) => Plugin
  } = await import(peerUrl("better-auth/plugins/generic-oauth"))
  return module.genericOAuth({ config: [JSON.parse(provider)] })
}

const provider = process.env["PROVIDER"]
const port = Number(process.env["PORT"])
const auth = core.betterAuth({
  database: new pg.Pool({ connectionString: process.env["DATABASE_URL"] ?? "", max: 10 }),
  baseURL: `http://localhost:${port}`,
  secret: process.env["BETTER_AUTH_SECRET"] ?? "",
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
  // Belfry stores no token that it has not encrypted.
  account: { encryptOAuthTokens: true },
  plugins: provider === undefined ? [] : [await pluginOf(provider)],
})
const { runMigrations } = await migration.getMigrations(auth.options)
await runMigrations()
createServer(node.toNodeHandler(auth)).listen(port, "127.0.0.1")
