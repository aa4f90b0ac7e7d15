/**
 * oidc-provider, certified by the OpenID Foundation, with storage in PostgreSQL. People sign in and consent over HTTP,
 * before anything is measured; from then on their sessions and grants are there.
 */
import { createHash, randomBytes } from "node:crypto"
import { exportJWK, generateKeyPair } from "jose"
import { navigation, open } from "../connection.ts"
import { authorizationPath } from "../oauthLoad.ts"
import { withClient } from "../peers.ts"
import { file, startContestant } from "./contender.ts"
import { schema } from "./oidcProviderAdapter.ts"
import { apiScope, people, redirectUri } from "./oauthServer.ts"
import type { ClientCredentials, OAuthContender, OAuthContestant } from "./oauthServer.ts"

const endpoints = { authorize: "/auth", token: "/token", introspect: "/token/introspection", jwks: "/jwks" }

const credentials = (clientId: string): ClientCredentials => ({
  clientId,
  clientSecret: randomBytes(32).toString("base64url"),
})

/** Signs a person in, and returns the cookies of the session. */
const signIn = async (
  port: number,
  contestant: Parameters<typeof authorizationPath>[0],
  person: string,
): Promise<string> => {
  const cookies = new Map<string, string>()
  const connection = await open(port)
  let path = authorizationPath(contestant, { parameters: { login_hint: person } })
  for (let hop = 0; hop < 8; hop++) {
    const header = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const answer = await connection.send(navigation(port, path, header))
    for (const [, name = "", value = ""] of answer.matchAll(/\r\nset-cookie: ([^=]+)=([^;\r]*)/gi)) {
      if (value === "") cookies.delete(name)
      else cookies.set(name, value)
    }
    const location = /\r\nlocation: ([^\r]+)/i.exec(answer)?.[1]
    if (location === undefined) throw new Error(`oidc-provider did not redirect from ${path}:\n${answer}`)
    if (location.startsWith(`${redirectUri}?code=`)) {
      connection.close()
      return [...cookies]
        .flatMap(([name, value]) => (name.startsWith("_session") ? [`${name}=${value}`] : []))
        .join("; ")
    }
    const target = new URL(location, `http://localhost:${port}`)
    path = `${target.pathname}${target.search}`
  }
  throw new Error(`oidc-provider did not sign in ${person}: the last hop was ${path}`)
}

/** oidc-provider. */
export const oidcProvider: OAuthContender = {
  name: "oidc-provider",
  start: async (context, database) => {
    const databaseUrl = await context.postgres.createDatabase(database)
    const clients = { machine: credentials("machine"), web: credentials("web") }
    const common = {
      token_endpoint_auth_method: "client_secret_basic",
      scope: `openid ${apiScope}`,
      id_token_signed_response_alg: "ES256",
    }
    const metadata = {
      machine: { ...common, grant_types: ["client_credentials"], response_types: [], redirect_uris: [] },
      web: {
        ...common,
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        redirect_uris: [redirectUri],
      },
    }
    const { privateKey } = await generateKeyPair("ES256", { extractable: true })
    const key = JSON.stringify({ ...(await exportJWK(privateKey)), alg: "ES256", kid: "1", use: "sig" })
    const cookieKey = randomBytes(32).toString("base64url")
    await withClient(databaseUrl, async (client) => {
      await client.query(schema)
      for (const kind of ["machine", "web"] as const) {
        const { clientId, clientSecret } = clients[kind]
        const secretHash = createHash("sha256").update(clientSecret).digest("base64url")
        const payload = { ...metadata[kind], client_id: clientId, client_secret: secretHash }
        await client.query("INSERT INTO oidc (model, id, payload) VALUES ('Client', $1, $2)", [clientId, payload])
      }
    })
    const contestant = await startContestant(
      context,
      { name: "oidc-provider", database, path: endpoints.token, cookies: [] },
      {
        name: database,
        args: [file("scripts/bench/contenders/oidcProviderServer.ts")],
        env: (port) => ({
          PORT: String(port),
          DATABASE_URL: databaseUrl,
          SIGNING_KEY: key,
          COOKIE_KEY: cookieKey,
        }),
        readyPath: endpoints.jwks,
      },
    )
    const issuerAt = (port: number) => `http://localhost:${port}`
    const server: OAuthContestant = {
      ...contestant,
      clients,
      endpoints,
      issuerAt,
      scope: apiScope,
      opaqueScope: `openid ${apiScope}`,
    }
    const cookies: Array<string> = []
    while (cookies.length < people) {
      const next = Array.from({ length: Math.min(20, people - cookies.length) }, (_, index) =>
        signIn(server.port, server, `person${cookies.length + index + 1}`),
      )
      cookies.push(...(await Promise.all(next)))
    }
    return { ...server, cookies }
  },
}
