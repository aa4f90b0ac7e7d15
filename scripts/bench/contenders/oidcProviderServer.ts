/**
 * Program of the `oidc-provider` contender. Settings: `PORT`, `DATABASE_URL`, `SIGNING_KEY` (private JWK),
 * `COOKIE_KEY`.
 *
 * Its clients are in its storage, with hashes of their secrets. Whoever comes without a session is signed in as the
 * `login_hint` says and consents to everything; people are there before anything is measured.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { loadPg, peerUrl } from "../peers.ts"
import { adapterOf } from "./oidcProviderAdapter.ts"
import { apiScope, resource } from "./oauthServer.ts"

interface Grant {
  readonly addOIDCScope: (scope: string) => void
  readonly addResourceScope: (resource: string, scope: string) => void
  readonly save: () => Promise<string>
}

interface Client {
  readonly clientSecret: string
}

/** The members of oidc-provider that the bench uses. */
interface Provider {
  readonly callback: () => RequestListener
  readonly Grant: new (of: { readonly accountId: string; readonly clientId: string }) => Grant
  readonly Client: {
    readonly prototype: { compareClientSecret: (this: Client, presented: string) => boolean | Promise<boolean> }
  }
  readonly interactionDetails: (
    request: IncomingMessage,
    response: ServerResponse,
  ) => Promise<{
    readonly prompt: { readonly name: string }
    readonly params: Readonly<Record<string, string>>
    readonly session?: { readonly accountId: string }
  }>
  readonly interactionFinished: (request: IncomingMessage, response: ServerResponse, result: unknown) => Promise<void>
}

const module: { readonly default: new (issuer: string, configuration: unknown) => Provider } = await import(
  peerUrl("oidc-provider")
)
const pg = await loadPg()
const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"] ?? "", max: 10 })
const port = Number(process.env["PORT"])
const lifetimeSeconds = 3600

const provider = new module.default(`http://localhost:${port}`, {
  adapter: adapterOf(pool),
  jwks: { keys: [JSON.parse(process.env["SIGNING_KEY"] ?? "")] },
  cookies: { keys: [process.env["COOKIE_KEY"] ?? ""] },
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
  scopes: ["openid", apiScope],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
  // With the session looked up at each use of a token there would be one statement more.
  expiresWithSession: () => false,
  findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
  ttl: {
    AccessToken: lifetimeSeconds,
    AuthorizationCode: 60,
    ClientCredentials: lifetimeSeconds,
    Grant: 30 * 86_400,
    IdToken: lifetimeSeconds,
    Interaction: 600,
    RefreshToken: 30 * 86_400,
    Session: 7 * 86_400,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: () => ({
        scope: apiScope,
        audience: resource,
        accessTokenTTL: lifetimeSeconds,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
})

provider.Client.prototype.compareClientSecret = function (presented) {
  const hash = createHash("sha256").update(presented).digest()
  return timingSafeEqual(hash, Buffer.from(this.clientSecret, "base64url"))
}

const interact = async (request: IncomingMessage, response: ServerResponse) => {
  const { params, prompt, session } = await provider.interactionDetails(request, response)
  if (prompt.name === "login") {
    const login = { accountId: params["login_hint"] ?? "", amr: ["pwd"] }
    return provider.interactionFinished(request, response, { login })
  }
  const grant = new provider.Grant({ accountId: session?.accountId ?? "", clientId: params["client_id"] ?? "" })
  grant.addOIDCScope(`openid ${apiScope}`)
  grant.addResourceScope(resource, apiScope)
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

const callback = provider.callback()
createServer((request, response) => {
  if (request.url?.startsWith("/interaction/")) {
    interact(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  } else {
    callback(request, response)
  }
}).listen(port, "127.0.0.1")
