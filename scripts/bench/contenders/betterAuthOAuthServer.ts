/**
 * Program of the `better-auth` contender of the oauth-server bench: Better Auth with its JWT and OAuth provider
 * plugins.
 *
 * Settings: those of `betterAuthProgram.ts`; and `CLIENTS_FILE`, where it creates the clients and writes them as JSON
 * before it listens. Secrets and tokens are hashed (its default), resources are checked for each client (its default).
 */
import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { peerUrl } from "../peers.ts"
import { makeBetterAuth, serve } from "./betterAuthProgram.ts"
import type { PluginOf } from "./betterAuthProgram.ts"
import { apiScope, redirectUri, resource } from "./oauthServer.ts"
import type { ClientCredentials, Clients } from "./oauthServer.ts"

const plugins: { readonly jwt: PluginOf } = await import(peerUrl("better-auth/plugins"))
const provider: { readonly oauthProvider: PluginOf } = await import(peerUrl("@better-auth/oauth-provider"))

const auth = await makeBetterAuth([
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
])

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
serve(auth)
