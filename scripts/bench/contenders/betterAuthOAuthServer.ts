/**
 * Program of the `better-auth` contender of the oauth-server bench: Better Auth with its JWT and OAuth provider plugins.
 *
 * Settings: `PORT`, `DATABASE_URL`, `BETTER_AUTH_SECRET`; and `CLIENTS_FILE`, where it creates the clients and writes
 * them as JSON before it listens. Secrets and tokens are hashed (its default), resources are checked for each client
 * (its default), rate limits, telemetry and logs are off.
 */
import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { RequestListener } from "node:http"
import { loadPg, peerUrl } from "../peers.ts"
import { apiScope, redirectUri, resource } from "./oauthServer.ts"
import type { ClientCredentials, Clients } from "./oauthServer.ts"

/** The members of Better Auth that the bench uses. */
interface Auth {
  readonly options: unknown
  readonly api: {
    readonly signUpEmail: (input: {
      readonly body: { readonly email: string; readonly password: string; readonly name: string }
      readonly returnHeaders: true
    }) => Promise<{ readonly headers: Headers }>
    readonly adminCreateOAuthClient: (input: {
      readonly headers: Headers
      readonly body: Readonly<Record<string, unknown>>
    }) => Promise<{ readonly client_id: string; readonly client_secret: string }>
  }
}

type PluginOf = (options: unknown) => unknown

const core: { readonly betterAuth: (options: unknown) => Auth } = await import(peerUrl("better-auth"))
const plugins: { readonly jwt: PluginOf } = await import(peerUrl("better-auth/plugins"))
const provider: { readonly oauthProvider: PluginOf } = await import(peerUrl("@better-auth/oauth-provider"))
const node: { readonly toNodeHandler: (auth: Auth) => RequestListener } = await import(peerUrl("better-auth/node"))
const migration: {
  readonly getMigrations: (options: unknown) => Promise<{ readonly runMigrations: () => Promise<void> }>
} = await import(peerUrl("better-auth/db/migration"))
const pg = await loadPg()

const port = Number(process.env["PORT"])
const auth = core.betterAuth({
  database: new pg.Pool({ connectionString: process.env["DATABASE_URL"] ?? "", max: 10 }),
  baseURL: `http://localhost:${port}`,
  secret: process.env["BETTER_AUTH_SECRET"] ?? "",
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
  plugins: [
    plugins.jwt({ disableSettingJwtHeader: true, jwks: { keyPairConfig: { alg: "ES256" } } }),
    provider.oauthProvider({
      loginPage: "/login",
      consentPage: "/consent",
      scopes: ["openid", "offline_access", apiScope],
      resources: [resource],
      clientRegistrationDefaultResources: [resource],
      clientPrivileges: () => true,
      accessTokenExpiresIn: 3600,
      codeExpiresIn: 60,
      rateLimit: {
        token: false,
        authorize: false,
        introspect: false,
        revoke: false,
        register: false,
        userinfo: false,
      },
    }),
  ],
})
const { runMigrations } = await migration.getMigrations(auth.options)
await runMigrations()

/** Makes clients as a user of the server, which it asks for. */
const clientMaker = async () => {
  const { headers } = await auth.api.signUpEmail({
    body: { email: "ada@example.com", password: randomBytes(16).toString("base64url"), name: "Ada Lovelace" },
    returnHeaders: true,
  })
  const cookie = headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ")
  return async (body: Readonly<Record<string, unknown>>): Promise<ClientCredentials> => {
    const created = await auth.api.adminCreateOAuthClient({
      headers: new Headers({ cookie }),
      body: { token_endpoint_auth_method: "client_secret_basic", ...body },
    })
    return { clientId: created.client_id, clientSecret: created.client_secret }
  }
}

const clientsFile = process.env["CLIENTS_FILE"]
if (clientsFile !== undefined) {
  const createClient = await clientMaker()
  const clients: Clients = {
    machine: await createClient({
      client_name: "machine",
      grant_types: ["client_credentials"],
      response_types: [],
      scope: apiScope,
      client_credentials_scopes: [apiScope],
    }),
    web: await createClient({
      client_name: "web",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      redirect_uris: [redirectUri],
      scope: `openid offline_access ${apiScope}`,
    }),
  }
  writeFileSync(clientsFile, JSON.stringify(clients))
}
createServer(node.toNodeHandler(auth)).listen(port, "127.0.0.1")
