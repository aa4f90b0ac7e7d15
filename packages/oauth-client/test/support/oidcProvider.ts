/**
 * The certified OpenID provider `oidc-provider` on loopback, and a browser that passes its pages by plain HTTP.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { exportJWK, generateKeyPair, type JWK } from "jose"
import { randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Provider } from "oidc-provider"

/** A running provider. */
export interface OidcProvider {
  readonly issuer: string
  readonly discoveryUrl: string
  /** How the person answers what is asked; `"allow"` at first. */
  answer: "allow" | "deny"
  /** From now on another key signs, and it alone is published. What was under way goes on. */
  readonly rotate: () => Promise<void>
  /** How often a path was asked for. */
  readonly countOf: (path: string) => number
  /** Opens a URL of the provider in a new browser and returns where the provider sends it in the end. */
  readonly browse: (url: URL) => Promise<URL>
}

/** A client as the provider's `clients` describe it. */
export type Client = Readonly<Record<string, unknown>>

/** Who signs in. */
export const account = {
  sub: "u-1",
  email: "ada@example.com",
  email_verified: true,
  name: "Ada Lovelace",
  picture: "https://img.example.com/ada.png",
}

/** Starts a provider for some clients; it stops with the scope. */
export const make = (clients: ReadonlyArray<Client>): Effect.Effect<OidcProvider, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => start(clients)),
      ({ stop }) => Effect.promise(stop),
    ),
    ({ provider }) => provider,
  )

// internal

const start = async (clients: ReadonlyArray<Client>) => {
  const asked: Array<string> = []
  const storage = makeStorage()
  let current: Provider
  const server = createServer((incoming, response) => {
    const path = new URL(incoming.url ?? "/", "http://localhost").pathname
    asked.push(path)
    // The failure itself would hang the test, which says less than a status.
    const failed = () => response.writeHead(500).end()
    if (path.startsWith("/interaction/")) interact(current, incoming, response, provider.answer).catch(failed)
    else current.callback()(incoming, response).catch(failed)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  // Sound: a server that listens on a port has an address of this form.
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const build = async () => new Provider(issuer, configuration(clients, storage, await newKey()))
  current = await build()

  const provider: OidcProvider = {
    issuer,
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    answer: "allow",
    rotate: async () => {
      current = await build()
    },
    countOf: (path) => asked.filter((one) => one === path).length,
    browse: (url) => browse(issuer, url),
  }
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { provider, stop }
}

const configuration = (clients: ReadonlyArray<Client>, adapter: unknown, key: JWK) => ({
  clients,
  adapter,
  jwks: { keys: [key] },
  cookies: { keys: ["the cookies of a test"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
  findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ ...account, sub: accountId }) }),
  issueRefreshToken: () => true,
  pkce: { required: () => true },
  enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
  ttl: {
    AccessToken: 3600,
    AuthorizationCode: 60,
    Grant: 3600,
    IdToken: 3600,
    Interaction: 3600,
    RefreshToken: 3600,
    Session: 3600,
  },
})

const newKey = async (): Promise<JWK> => {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: "ES256", use: "sig" }
}

/** Signs in and consents, or denies, as a person would at the provider's pages. */
const interact = async (
  provider: Provider,
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: OidcProvider["answer"],
) => {
  const { prompt, params, session } = await provider.interactionDetails(incoming, response)
  const finish = (result: Readonly<Record<string, unknown>>) =>
    provider.interactionFinished(incoming, response, result, { mergeWithLastSubmission: true })
  if (answer === "deny") return finish({ error: "access_denied", error_description: "the person said no" })
  if (prompt.name === "login") return finish({ login: { accountId: account.sub } })
  const grant = new provider.Grant({ accountId: session?.accountId ?? "", clientId: params.client_id })
  grant.addOIDCScope(params.scope ?? "")
  return finish({ consent: { grantId: await grant.save() } })
}

/** Follows redirects with cookies, as far as they stay at the provider. No header tells that this is no browser. */
const browse = async (issuer: string, first: URL): Promise<URL> => {
  const cookies = new Map<string, string>()
  let url = first
  for (let steps = 0; steps < 20 && url.origin === issuer; steps++) {
    const response = await navigate(url, cookies)
    const location = response.headers.location
    if (location === undefined) throw new Error(`the provider stopped at ${url.pathname}: ${response.statusCode}`)
    url = new URL(location, url)
  }
  return url
}

const navigate = (url: URL, cookies: Map<string, string>) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const headers = { accept: "text/html", ...(cookie === "" ? {} : { cookie }) }
    const outgoing = request(url, { headers, agent: false }, (response) => {
      for (const set of response.headers["set-cookie"] ?? []) {
        const [pair = ""] = set.split(";")
        const at = pair.indexOf("=")
        cookies.set(pair.slice(0, at), pair.slice(at + 1))
      }
      response.resume().on("end", () => resolve(response))
    })
    outgoing.on("error", reject).end()
  })

type Payload = Record<string, unknown>

/** The storage contract of `oidc-provider` in memory, shared by the instances before and after a rotation. */
const makeStorage = () => {
  const rows = new Map<string, Payload>()
  return (model: string) => {
    const find = (matches: (payload: Payload) => boolean) =>
      [...rows].find(([key, payload]) => key.startsWith(`${model}:`) && matches(payload))?.[1]
    return {
      upsert: async (id: string, payload: Payload) => void rows.set(`${model}:${id}`, payload),
      find: async (id: string) => rows.get(`${model}:${id}`),
      findByUid: async (uid: string) => find((payload) => payload["uid"] === uid),
      findByUserCode: async (userCode: string) => find((payload) => payload["userCode"] === userCode),
      consume: async (id: string) => {
        const payload = rows.get(`${model}:${id}`)
        if (payload !== undefined) payload["consumed"] = Math.floor(Date.now() / 1000)
      },
      destroy: async (id: string) => void rows.delete(`${model}:${id}`),
      revokeByGrantId: async (grantId: string) => {
        for (const [key, payload] of rows) if (payload["grantId"] === grantId) rows.delete(key)
      },
    }
  }
}
