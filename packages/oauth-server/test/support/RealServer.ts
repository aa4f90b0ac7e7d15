/**
 * The authorization server on a real Node server, with the protected resources and clients of these tests.
 */
import type { ClientMetadata } from "@belfry/oauth-server/OAuthClient"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import type { Host } from "@belfry/testing/OAuthHost"
import * as Real from "@belfry/testing/RealServer"
import { Effect, Layer } from "effect"
import type { Application } from "./RelyingParty.ts"

export { real, RealServer, type Registered } from "@belfry/testing/RealServer"

/** The redirect URI of the clients of these tests; nothing is there. */
export const callback = "https://client.example.com/callback"

/** Where clients want browsers to go after logging out; nothing is there either. */
export const signedOut = "https://client.example.com/signed-out"

/** Two protected resources: one that takes ES256, one that stands for itself at introspection and takes RS256. */
export const notes = "https://notes.example.com/api"
export const files = "https://files.example.com/api"

const filesSecret = "the secret of the files API, which is long enough"

/** The files API, as it asks the server about tokens. */
export const filesApi: Application = {
  id: "files-api",
  proof: { method: "client_secret_basic", secret: filesSecret },
}

const hostOf = ({ settings, ...host }: Host): Host => ({
  ...host,
  settings: {
    registration: "open",
    resources: [
      OAuthBuilders.resource(notes, { scopes: ["notes:read", "notes:write"] }),
      OAuthBuilders.resource(files, { introspectionClientId: "files-api", signingAlgorithm: "RS256" }),
    ],
    clientCredentialsDefaultScopes: ["notes:read"],
    ...settings,
  },
})

const serve = (host: Host, stores: "memory" | "postgres") =>
  layerFilesApi.pipe(Layer.provideMerge(Real.layer({ stores, host: () => hostOf(host), clients })))

const layerFilesApi = Layer.effectDiscard(
  Real.RealServer.use(({ client }) =>
    Effect.promise(() =>
      client(
        { grantTypes: ["client_credentials"], redirectUris: [], postLogoutRedirectUris: [] },
        { id: filesApi.id, secret: filesSecret },
      ),
    ),
  ),
)

/** The server over memory. */
export const layer = (host: Host = {}) => serve(host, "memory")

/** The server over a database of its own on PostgreSQL. */
export const layerOnPostgres = (host: Host = {}) => serve(host, "postgres")

const clients: Partial<ClientMetadata> = {
  clientName: "Analytical Engine",
  redirectUris: [callback],
  postLogoutRedirectUris: [signedOut],
  grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
}
