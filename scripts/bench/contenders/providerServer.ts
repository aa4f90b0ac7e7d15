/** Program of the provider of the callback bench. Settings: `PORT`, `CLIENT_ID`, `CLIENT_SECRET`. */
import { createHash, randomBytes } from "node:crypto"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { exportJWK, generateKeyPair, SignJWT } from "jose"
import type { Grant } from "./provider.ts"

const port = Number(process.env["PORT"])
const clientId = process.env["CLIENT_ID"] ?? ""
const clientSecret = process.env["CLIENT_SECRET"] ?? ""
const issuer = `http://127.0.0.1:${port}`
const lifetimeSeconds = 3600

const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true })
const header = { alg: "ES256", kid: "1" }
const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), ...header, use: "sig" }] })
const discovery = JSON.stringify({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/jwks`,
  scopes_supported: ["openid", "email", "profile", "offline_access"],
  response_types_supported: ["code"],
  response_modes_supported: ["query"],
  grant_types_supported: ["authorization_code", "refresh_token"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["ES256"],
  token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
  code_challenge_methods_supported: ["S256"],
  claims_supported: ["sub", "email", "email_verified", "name"],
})

const profileOf = (subject: string) => ({
  sub: subject,
  name: `Person ${subject}`,
  email: `${subject}@people.example.com`,
  email_verified: true,
})

const answer = (response: ServerResponse, status: number, body: string) => {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  })
  response.end(body)
}

const refuse = (response: ServerResponse, status: number, error: string) =>
  answer(response, status, JSON.stringify({ error }))

const formOf = async (request: IncomingMessage): Promise<URLSearchParams> => {
  let text = ""
  for await (const chunk of request.setEncoding("utf8")) text += chunk
  return new URLSearchParams(text)
}

const isClient = (request: IncomingMessage, form: URLSearchParams): boolean => {
  const [, credentials] = /^Basic (.+)$/.exec(request.headers.authorization ?? "") ?? []
  // Neither holds characters that RFC 6749 §2.3.1 would encode.
  return credentials === undefined
    ? form.get("client_id") === clientId && form.get("client_secret") === clientSecret
    : Buffer.from(credentials, "base64").toString() === `${clientId}:${clientSecret}`
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest()

const secret = (): string => randomBytes(24).toString("base64url")

const token = async (request: IncomingMessage, response: ServerResponse) => {
  const form = await formOf(request)
  if (!isClient(request, form)) return refuse(response, 401, "invalid_client")
  if (form.get("grant_type") !== "authorization_code") return refuse(response, 400, "unsupported_grant_type")
  const { codeChallenge, nonce, subject }: Grant = JSON.parse(
    Buffer.from(form.get("code") ?? "", "base64url").toString(),
  )
  if (sha256(form.get("code_verifier") ?? "").toString("base64url") !== codeChallenge) {
    return refuse(response, 400, "invalid_grant")
  }
  const accessToken = `${secret()}.${subject}`
  const now = Math.floor(Date.now() / 1000)
  const idToken = await new SignJWT({
    ...profileOf(subject),
    iss: issuer,
    aud: clientId,
    iat: now,
    exp: now + lifetimeSeconds,
    at_hash: sha256(accessToken).subarray(0, 16).toString("base64url"),
    ...(nonce === null ? {} : { nonce }),
  })
    .setProtectedHeader(header)
    .sign(privateKey)
  const body = {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: lifetimeSeconds,
    refresh_token: secret(),
    scope: "openid email profile offline_access",
    id_token: idToken,
  }
  return answer(response, 200, JSON.stringify(body))
}

const userinfo = (request: IncomingMessage, response: ServerResponse) => {
  const [, subject] = /^Bearer [\w-]+\.(.+)$/.exec(request.headers.authorization ?? "") ?? []
  if (subject === undefined) return refuse(response, 401, "invalid_token")
  return answer(response, 200, JSON.stringify(profileOf(subject)))
}

const server = createServer((request, response) => {
  if (request.url === "/token") token(request, response).catch(() => refuse(response, 400, "invalid_request"))
  else if (request.url === "/userinfo") userinfo(request, response)
  else if (request.url === "/jwks") answer(response, 200, jwks)
  else if (request.url === "/.well-known/openid-configuration") answer(response, 200, discovery)
  else refuse(response, 404, "not_found")
})
// A connection that it closes while the contender writes to it would count as a failure of the contender.
server.keepAliveTimeout = 600_000
server.listen(port, "127.0.0.1")
