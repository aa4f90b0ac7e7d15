/**
 * An OpenID provider on loopback that a test controls: it signs in at once, rotates its keys, and misbehaves when told to.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose"
import { createHash, randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"

/** A request that came, its form parsed. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage["headers"]
  readonly form: Readonly<Record<string, string>>
}

/** Answers a request. */
export type Answer = (request: Received, response: ServerResponse) => void

/** A provider under control. All members may be changed while it runs. */
export interface LocalProvider {
  /** `http://127.0.0.1:port`, which is the issuer too. */
  readonly url: string
  readonly host: string
  readonly discoveryUrl: string
  readonly requests: ReadonlyArray<Received>
  readonly countOf: (path: string) => number
  /** What the next requests of a path get instead of the usual; undefined takes that back. */
  readonly answer: (path: string, answer: Answer | undefined) => void
  /** What is signed, in milliseconds since the epoch. */
  clock: () => number
  /** Who signs in. */
  user: JWTPayload & { readonly sub: string }
  /** The members of token answers, over the usual ones. */
  tokenAnswer: Record<string, unknown>
  /** The claims of ID tokens, over the usual ones. */
  idTokenClaims: JWTPayload
  readonly document: Record<string, unknown>
  readonly keys: ReadonlyArray<JWK>
  /** Signs with a new key from now on; the old one is no longer published. */
  readonly rotate: () => Promise<void>
  /** Signs an ID token for `clientId` with the key of now. */
  readonly idToken: (
    claims?: Readonly<Record<string, unknown>>,
    options?: { readonly kid?: string | null },
  ) => Promise<string>
}

/** The client that the provider knows. */
export const clientId = "belfry"
export const clientSecret = "a secret: with + and %"

/** Starts a provider that stops with the scope. */
export const make: Effect.Effect<LocalProvider, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => start()),
    ({ stop }) => Effect.promise(stop),
  ),
  ({ provider }) => provider,
)

/** Answers JSON. */
export const json =
  (body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_, response) =>
    sendJson(response, body, status, headers)

/** Answers a text of any type. */
export const text =
  (body: string, type: string, status = 200): Answer =>
  (_, response) =>
    response.writeHead(status, { "content-type": type }).end(body)

/** Answers with bytes. */
export const bytes =
  (body: Uint8Array, headers: Readonly<Record<string, string>>): Answer =>
  (_, response) =>
    response.writeHead(200, headers).end(body)

/** Redirects. */
export const redirect =
  (location: string, status = 302): Answer =>
  (_, response) =>
    response.writeHead(status, { location }).end()

/** Sends JSON that never ends. */
export const endless: Answer = (_, response) => {
  response.writeHead(200, { "content-type": "application/json" })
  const chunk = `"${"a".repeat(16_384)}",`
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on("drain", more)
  response.write("[")
  more()
}

/** Takes the request and says nothing. */
export const silent: Answer = () => {}

/** Sends the head of an answer, and then nothing. */
export const stalled: Answer = (_, response) => {
  response.writeHead(200, { "content-type": "application/json" }).write("{")
}

/** Cuts the connection. */
export const hangUp: Answer = (_, response) => {
  response.socket?.destroy()
}

// internal

interface Code {
  readonly query: URLSearchParams
}

const start = async () => {
  const requests: Array<Received> = []
  const answers = new Map<string, Answer>()
  const codes = new Map<string, Code>()
  const refreshTokens = new Map<string, Code>()
  const sockets = new Set<Socket>()
  let signing = await newKey()

  const server = createServer((request, response) => {
    void receive(request).then((received) => {
      requests.push(received)
      const answer = answers.get(received.path) ?? usual[received.path] ?? text("no such page", "text/plain", 404)
      return answer(received, response)
    })
  })
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  // Sound: a server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`

  const tokensFor = async (code: Code) => {
    const accessToken = randomUUID()
    const refreshToken = randomUUID()
    refreshTokens.set(refreshToken, code)
    const nonce = code.query.get("nonce")
    return {
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: refreshToken,
      scope: code.query.get("scope") ?? "",
      id_token: await provider.idToken({ at_hash: halfHash(accessToken), ...(nonce === null ? {} : { nonce }) }),
      ...provider.tokenAnswer,
    }
  }

  const usual: Record<string, Answer> = {
    "/.well-known/openid-configuration": (_, response) => sendJson(response, provider.document),
    "/jwks": (_, response) => sendJson(response, { keys: provider.keys }),
    "/authorize": ({ query }, response) => {
      const code = randomUUID()
      codes.set(code, { query })
      const location = new URL(query.get("redirect_uri") ?? url)
      location.searchParams.set("code", code)
      location.searchParams.set("state", query.get("state") ?? "")
      location.searchParams.set("iss", url)
      response.writeHead(302, { location: location.href }).end()
    },
    "/token": ({ form }, response) => {
      const code = codes.get(form["code"] ?? "") ?? refreshTokens.get(form["refresh_token"] ?? "")
      codes.delete(form["code"] ?? "")
      refreshTokens.delete(form["refresh_token"] ?? "")
      const isProved =
        form["grant_type"] === "refresh_token" ||
        (code?.query.get("redirect_uri") === form["redirect_uri"] &&
          (code?.query.get("code_challenge") ?? sha256("")) === sha256(form["code_verifier"] ?? ""))
      if (code === undefined || !isProved) return sendJson(response, { error: "invalid_grant" }, 400)
      void tokensFor(code).then((answer) => sendJson(response, answer))
    },
    "/userinfo": (_, response) => sendJson(response, provider.user),
  }

  const provider: LocalProvider = {
    url,
    host: "127.0.0.1",
    discoveryUrl: `${url}/.well-known/openid-configuration`,
    requests,
    countOf: (path) => requests.filter((request) => request.path === path).length,
    answer: (path, answer) => (answer === undefined ? answers.delete(path) : answers.set(path, answer)),
    clock: () => Date.now(),
    user: { sub: "u-1", email: "ada@example.com", email_verified: true, name: "Ada Lovelace" },
    tokenAnswer: {},
    idTokenClaims: {},
    document: {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      userinfo_endpoint: `${url}/userinfo`,
      jwks_uri: `${url}/jwks`,
      id_token_signing_alg_values_supported: ["ES256", "RS256"],
      authorization_response_iss_parameter_supported: true,
    },
    get keys() {
      return [signing.jwk]
    },
    rotate: async () => {
      signing = await newKey()
    },
    idToken: (claims = {}, { kid = signing.jwk.kid } = {}) => {
      const now = Math.floor(provider.clock() / 1000)
      return new SignJWT({
        iss: url,
        aud: clientId,
        iat: now,
        exp: now + 300,
        ...provider.user,
        ...claims,
        ...provider.idTokenClaims,
      })
        .setProtectedHeader({ alg: "ES256", ...(kid === null || kid === undefined ? {} : { kid }) })
        .sign(signing.privateKey)
    },
  }
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return { provider, stop }
}

const newKey = async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256")
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: randomUUID(), alg: "ES256", use: "sig" } }
}

const receive = async (request: IncomingMessage): Promise<Received> => {
  const url = new URL(request.url ?? "/", "http://localhost")
  const chunks: Array<Buffer> = []
  // Sound: without an encoding a request yields buffers.
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    form: Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
  }
}

const sendJson = (
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))
}

const sha256 = (value: string): string => createHash("sha256").update(value).digest("base64url")

/** The `at_hash` of an access token, for ES256. */
export const halfHash = (accessToken: string): string =>
  createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url")
