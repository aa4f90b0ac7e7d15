/**
 * Somebody else's applications, made with `openid-client`. All that they know of the provider is the issuer.
 */
import * as Http from "node:http"
import * as openid from "openid-client"

/** What an application was given by the provider, and the API that it is about. */
export interface Registration {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly resource: string
}

/** An application that signs people in and reads their reports: `/` begins, `/callback` answers with what it read. */
export const start = async (registration: Registration) => {
  const { resource } = registration
  // One browser at a time: a real application keeps these in the session of the browser.
  const checks = { pkceCodeVerifier: "", expectedState: "" }
  let refreshToken = ""

  const begin = async () => {
    checks.pkceCodeVerifier = openid.randomPKCECodeVerifier()
    checks.expectedState = openid.randomState()
    return openid.buildAuthorizationUrl(await discover(registration), {
      redirect_uri: `${origin}/callback`,
      scope: "openid profile offline_access reports:read",
      resource,
      code_challenge: await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: "S256",
      state: checks.expectedState,
    })
  }

  const finish = async (url: URL) => {
    const tokens = await openid.authorizationCodeGrant(await discover(registration), url, checks)
    refreshToken = tokens.refresh_token ?? ""
    return { subject: tokens.claims()?.sub, scope: tokens.scope, reports: await read(resource, tokens.access_token) }
  }

  const server = Http.createServer((request, response) => {
    const url = new URL(request.url ?? "/", origin)
    const answer = async () => {
      if (url.pathname !== "/callback") return response.writeHead(302, { location: (await begin()).href }).end()
      const found = await finish(url)
      return response.setHeader("content-type", "application/json").end(JSON.stringify(found))
    }
    answer().catch((error: unknown) => response.writeHead(502).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`

  return {
    origin,
    /** Reads the reports again, with nobody there. */
    readLater: async () => {
      const tokens = await openid.refreshTokenGrant(await discover(registration), refreshToken, { resource })
      refreshToken = tokens.refresh_token ?? refreshToken
      return { ...(await read(resource, tokens.access_token)), accessToken: tokens.access_token }
    },
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** A machine, which gets a token for itself. */
export const readAsMachine = async (registration: Registration) => {
  const parameters = { scope: "reports:read", resource: registration.resource }
  const { access_token } = await openid.clientCredentialsGrant(await discover(registration), parameters)
  return await read(registration.resource, access_token)
}

/** Calls the API with an access token. */
export const read = async (resource: string, accessToken: string) => {
  const response = await fetch(resource, { headers: { authorization: `Bearer ${accessToken}` } })
  return { status: response.status, body: await response.text() }
}

// Clients prove themselves by `client_secret_basic` unless they were registered otherwise; the library's default is the
// form. The provider is on this machine, over http, which the library has to be told.
const discover = ({ issuer, clientId, clientSecret }: Registration) =>
  openid.discovery(new URL(issuer), clientId, undefined, openid.ClientSecretBasic(clientSecret), {
    execute: [openid.allowInsecureRequests],
  })
