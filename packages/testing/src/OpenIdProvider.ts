/**
 * A small OpenID provider on loopback, for tests of whole sign-ins: everybody consents at once.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"

/**
 * Claims of a person.
 *
 * @category models
 * @since 0.1.0
 */
export interface Person {
  readonly sub: string
  readonly [claim: string]: unknown
}

/**
 * A provider that runs. `user`, who signs in there, and `isSilent`, whether it leaves requests for tokens unanswered,
 * may be changed meanwhile.
 *
 * @category models
 * @since 0.1.0
 */
export interface OpenIdProvider {
  /** `http://127.0.0.1:port`, which is the issuer too. */
  readonly url: string
  user: Person
  isSilent: boolean
  /** Signs an ID token for {@link clientId}. */
  readonly idToken: (claims?: Readonly<Record<string, unknown>>) => string
}

/**
 * The client that the provider knows.
 *
 * @category models
 * @since 0.1.0
 */
export const clientId = "belfry"

/**
 * Its secret, which the provider does not check.
 *
 * @category models
 * @since 0.1.0
 */
export const clientSecret = "the secret of belfry"

/**
 * Starts a provider that stops with the scope. Its tokens are of the time of the machine.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<OpenIdProvider, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => start()),
    ({ stop }) => Effect.promise(stop),
  ),
  ({ provider }) => provider,
)

// internal

const start = async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const kid = randomUUID()
  const grants = new Map<string, URLSearchParams>()

  const tokens = (request: URLSearchParams) => {
    const refreshToken = randomUUID()
    grants.set(refreshToken, request)
    const nonce = request.get("nonce")
    return {
      access_token: randomUUID(),
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: refreshToken,
      scope: request.get("scope") ?? "",
      id_token: provider.idToken(nonce === null ? {} : { nonce }),
    }
  }

  const authorize = (request: URLSearchParams, response: ServerResponse) => {
    const code = randomUUID()
    grants.set(code, request)
    const location = new URL(request.get("redirect_uri") ?? provider.url)
    for (const [name, value] of Object.entries({ code, state: request.get("state") ?? "", iss: provider.url })) {
      location.searchParams.set(name, value)
    }
    response.writeHead(302, { location: location.href }).end()
  }

  const exchange = (form: URLSearchParams, response: ServerResponse) => {
    const grant = form.get("refresh_token") ?? form.get("code") ?? ""
    const request = grants.get(grant)
    grants.delete(grant)
    const verifier = form.get("code_verifier") ?? ""
    const isProved =
      form.has("refresh_token") ||
      request?.get("code_challenge") === createHash("sha256").update(verifier).digest("base64url")
    if (request === undefined || !isProved) return sendJson(response, { error: "invalid_grant" }, 400)
    return sendJson(response, tokens(request))
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost")
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return sendJson(response, {
          issuer: provider.url,
          authorization_endpoint: `${provider.url}/authorize`,
          token_endpoint: `${provider.url}/token`,
          userinfo_endpoint: `${provider.url}/userinfo`,
          jwks_uri: `${provider.url}/jwks`,
          id_token_signing_alg_values_supported: ["ES256"],
          authorization_response_iss_parameter_supported: true,
        })
      case "/jwks":
        return sendJson(response, { keys: [{ ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" }] })
      case "/authorize":
        return authorize(searchParams, response)
      case "/token":
        return provider.isSilent ? undefined : exchange(await formOf(request), response)
      case "/userinfo":
        return sendJson(response, provider.user)
      default:
        return sendJson(response, {}, 404)
    }
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0

  const provider: OpenIdProvider = {
    url: `http://127.0.0.1:${port}`,
    user: { sub: "u-1", email: "ada@example.com", email_verified: true, name: "Ada Lovelace" },
    isSilent: false,
    idToken: (claims = {}) => {
      const now = Math.floor(Date.now() / 1000)
      const times = { iat: now, exp: now + 300 }
      const parts = [
        { alg: "ES256", kid },
        { iss: provider.url, aud: clientId, ...times, ...provider.user, ...claims },
      ]
      const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")
      const signature = sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" })
      return `${text}.${signature.toString("base64url")}`
    },
  }
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { provider, stop }
}

const formOf = async (request: IncomingMessage): Promise<URLSearchParams> => {
  let text = ""
  for await (const chunk of request) text += String(chunk)
  return new URLSearchParams(text)
}

const sendJson = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}
