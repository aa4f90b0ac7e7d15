/**
 * Program of the `limit` contender. Settings: `PORT`, `DATABASE_URL`, `SECRET` (base64), `SIGNING_KEY` (PKCS #8, PEM).
 *
 * Statements: client credentials 1; authorization 2; exchange of a code 2, rotation 2, and 1 more when a code or a
 * refresh token comes back; introspection 1.
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  randomBytes,
  randomUUID,
  timingSafeEqual,
} from "node:crypto"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { exportJWK, importPKCS8, SignJWT } from "jose"
import { loadPg } from "../peers.ts"
import { statements } from "./oauthLimitStatements.ts"

const port = Number(process.env["PORT"])
const issuer = `http://localhost:${port}`
const signingKey = process.env["SIGNING_KEY"] ?? ""
const pg = await loadPg()
const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"] ?? "", max: 10 })
// A key object, because from the bytes Node 24 would build one for each request, at several times the cost of the HMAC.
const key = createSecretKey(process.env["SECRET"] ?? "", "base64")
const privateKey = await importPKCS8(signingKey, "ES256")
const header = { alg: "ES256", typ: "at+jwt", kid: "1" }
const publicKey = { ...(await exportJWK(createPublicKey(signingKey))), alg: "ES256", kid: "1", use: "sig" }
const jwks = JSON.stringify({ keys: [publicKey] })

const lifetimeSeconds = 3600
const codeMillis = 60_000
const refreshMillis = 30 * 24 * 3_600_000

const query = async (name: keyof typeof statements, ...values: ReadonlyArray<unknown>) =>
  (await pool.query({ name, text: statements[name], values })).rows

const hash = (value: string): string => createHmac("sha256", key).update(value).digest("base64url")

const newToken = (): string => randomBytes(32).toString("base64url")

const isSecret = (presented: string, stored: unknown): boolean => {
  const [one, other] = [Buffer.from(hash(presented)), Buffer.from(String(stored))]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** An answer of the protocol that is not 200. */
class Refusal extends Error {
  readonly status: number
  constructor(status: number, error: string) {
    super(error)
    this.status = status
  }
}

const invalidGrant = () => new Refusal(400, "invalid_grant")

const answer = (response: ServerResponse, status: number, body: string) => {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  })
  response.end(body)
}

const formOf = (request: IncomingMessage): Promise<URLSearchParams> =>
  new Promise((resolve, reject) => {
    let text = ""
    request.setEncoding("latin1")
    request.on("data", (chunk: string) => (text += chunk))
    request.on("end", () => resolve(new URLSearchParams(text)))
    request.on("error", reject)
  })

const credentialsOf = (request: IncomingMessage) => {
  const [, encoded = ""] = /^Basic (.+)$/.exec(request.headers.authorization ?? "") ?? []
  const [clientId = "", secret = ""] = Buffer.from(encoded, "base64").toString().split(":").map(decodeURIComponent)
  return { clientId, secret }
}

const within = (asked: ReadonlyArray<string>, allowed: unknown): boolean =>
  Array.isArray(allowed) && asked.every((it) => allowed.includes(it))

const wordsOf = (text: string | null): ReadonlyArray<string> => (text === null || text === "" ? [] : text.split(" "))

interface AccessToken {
  readonly subject: unknown
  readonly clientId: string
  readonly audience: string
  readonly scope: string
  readonly authTime?: unknown
}

const sign = ({ audience, authTime, clientId, scope, subject }: AccessToken): Promise<string> => {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({
    iss: issuer,
    sub: String(subject),
    aud: audience,
    client_id: clientId,
    scope,
    iat: now,
    exp: now + lifetimeSeconds,
    jti: randomUUID(),
    ...(authTime instanceof Date ? { auth_time: Math.floor(authTime.getTime() / 1000) } : {}),
  })
    .setProtectedHeader(header)
    .sign(privateKey)
}

const clientCredentials = async (clientId: string, form: URLSearchParams, client: Record<string, unknown>) => {
  const asked = wordsOf(form.get("scope"))
  if (!within(asked, client["scopes"])) throw new Refusal(400, "invalid_scope")
  const audience = form.get("resource")
  if (audience === null || !within([audience], client["resources"])) throw new Refusal(400, "invalid_target")
  const scope = asked.join(" ")
  const accessToken = await sign({ subject: clientId, clientId, audience, scope })
  return { access_token: accessToken, token_type: "Bearer", expires_in: lifetimeSeconds, scope }
}

/** Uses up a code or a refresh token for a new pair of tokens; what comes back a second time revokes its grant. */
const redeem = async (
  clientId: string,
  presented: string,
  use: (now: Date, next: ReadonlyArray<unknown>) => Promise<ReadonlyArray<Record<string, unknown>>>,
) => {
  const now = new Date()
  const [refreshToken, opaque] = [newToken(), newToken()]
  const [row] = await use(now, [
    hash(refreshToken),
    new Date(now.getTime() + refreshMillis),
    hash(opaque),
    new Date(now.getTime() + lifetimeSeconds * 1000),
  ])
  if (row === undefined) {
    await query("revoke", hash(presented), clientId, now)
    throw invalidGrant()
  }
  const scope = Array.isArray(row["scopes"]) ? row["scopes"].join(" ") : ""
  const audience = row["resource"]
  const accessToken =
    typeof audience === "string"
      ? await sign({ subject: row["user_id"], clientId, audience, scope, authTime: row["auth_time"] })
      : opaque
  return {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: lifetimeSeconds,
    refresh_token: refreshToken,
    scope,
  }
}

const token = async (request: IncomingMessage) => {
  const form = await formOf(request)
  const { clientId, secret } = credentialsOf(request)
  const [client] = await query("client", clientId)
  if (client === undefined || !isSecret(secret, client["secret_hash"])) throw new Refusal(401, "invalid_client")
  const grantType = form.get("grant_type") ?? ""
  if (!within([grantType], client["grant_types"])) throw new Refusal(400, "unauthorized_client")
  if (grantType === "client_credentials") return clientCredentials(clientId, form, client)
  if (grantType === "authorization_code") {
    const code = form.get("code") ?? ""
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url")
    return redeem(clientId, code, (now, next) =>
      query("exchange", hash(code), clientId, form.get("redirect_uri"), challenge, form.get("resource"), now, ...next),
    )
  }
  const refreshToken = form.get("refresh_token") ?? ""
  return redeem(clientId, refreshToken, (now, next) =>
    query("rotate", hash(refreshToken), clientId, form.get("resource"), now, ...next),
  )
}

const introspect = async (request: IncomingMessage) => {
  const form = await formOf(request)
  const { clientId, secret } = credentialsOf(request)
  const [row] = await query("introspect", clientId, hash(form.get("token") ?? ""), new Date())
  if (row === undefined || !isSecret(secret, row["secret_hash"])) throw new Refusal(401, "invalid_client")
  const { created_at: createdAt, expires_at: expiresAt, scopes, user_id: subject } = row
  if (!(createdAt instanceof Date) || !(expiresAt instanceof Date) || !Array.isArray(scopes)) return { active: false }
  return {
    active: true,
    iss: issuer,
    sub: subject,
    client_id: clientId,
    scope: scopes.join(" "),
    token_type: "Bearer",
    iat: Math.floor(createdAt.getTime() / 1000),
    exp: Math.floor(expiresAt.getTime() / 1000),
  }
}

const authorize = async (request: IncomingMessage, search: URLSearchParams): Promise<string> => {
  const session = /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1] ?? ""
  const clientId = search.get("client_id") ?? ""
  const redirectUri = search.get("redirect_uri") ?? ""
  const now = new Date()
  const [row] = await query("authorize", clientId, hash(session), now)
  if (row === undefined || !within([redirectUri], row["redirect_uris"])) throw new Refusal(400, "invalid_request")
  const target = new URL(redirectUri)
  target.searchParams.set("iss", issuer)
  target.searchParams.set("state", search.get("state") ?? "")
  const refuse = (error: string) => {
    target.searchParams.set("error", error)
    return target.href
  }
  const challenge = search.get("code_challenge") ?? ""
  if (search.get("response_type") !== "code") return refuse("unsupported_response_type")
  if (search.get("code_challenge_method") !== "S256" || challenge.length !== 43) return refuse("invalid_request")
  const scopes = wordsOf(search.get("scope"))
  const asked = search.get("resource")
  const resources = asked === null ? [] : [asked]
  if (!within(scopes, row["scopes"])) return refuse("invalid_scope")
  if (!within(resources, row["resources"])) return refuse("invalid_target")
  if (row["user_id"] === null) return refuse("login_required")
  if (!within(scopes, row["granted"]) || !within(resources, row["granted_resources"])) return refuse("consent_required")
  const code = newToken()
  const expiresAt = new Date(now.getTime() + codeMillis)
  await query(
    "code",
    hash(code),
    row["grant_id"],
    clientId,
    redirectUri,
    challenge,
    scopes,
    asked,
    row["auth_time"],
    expiresAt,
  )
  target.searchParams.set("code", code)
  return target.href
}

const handle = async (request: IncomingMessage, response: ServerResponse) => {
  const [path = "", search = ""] = (request.url ?? "").split("?", 2)
  if (request.method === "POST" && path === "/token") {
    answer(response, 200, JSON.stringify(await token(request)))
  } else if (request.method === "POST" && path === "/introspect") {
    answer(response, 200, JSON.stringify(await introspect(request)))
  } else if (request.method === "GET" && path === "/authorize") {
    const location = await authorize(request, new URLSearchParams(search))
    response.writeHead(302, { location, "content-length": 0, "cache-control": "no-store" })
    response.end()
  } else if (path === "/jwks") {
    answer(response, 200, jwks)
  } else {
    answer(response, 404, "{}")
  }
}

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    const status = error instanceof Refusal ? error.status : 503
    answer(response, status, JSON.stringify({ error: error instanceof Refusal ? error.message : "server_error" }))
  })
})
server.listen(port, "127.0.0.1")
