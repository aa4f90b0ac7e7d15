/**
 * An OpenID provider on loopback that a test controls: it signs in at once, rotates its keys, and misbehaves when told
 * to.
 */
import * as LocalServer from "@belfry/testing/LocalServer"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose"
import { createHash, randomUUID } from "node:crypto"

/** A provider under control. All members may be changed while it runs; without another `answer` it answers as usual. */
export interface LocalProvider extends LocalServer.LocalServer {
  readonly host: string
  readonly discoveryUrl: string
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

/** Starts a provider that stops with the scope. Its `url` is the issuer too. */
export const make: Effect.Effect<LocalProvider, never, Scope.Scope> = Effect.flatMap(LocalServer.make, (server) =>
  Effect.promise(() => provide(server)),
)

// internal

interface Code {
  readonly query: URLSearchParams
}

const provide = async (server: LocalServer.LocalServer): Promise<LocalProvider> => {
  const codes = new Map<string, Code>()
  const refreshTokens = new Map<string, Code>()
  const { url } = server
  let signing = await newKey()

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

  const usual: Record<string, LocalServer.Answer> = {
    "/.well-known/openid-configuration": (request, response) => LocalServer.json(provider.document)(request, response),
    "/jwks": (request, response) => LocalServer.json({ keys: provider.keys })(request, response),
    "/authorize": (request, response) => {
      const { query } = request
      const code = randomUUID()
      codes.set(code, { query })
      const location = new URL(query.get("redirect_uri") ?? url)
      location.searchParams.set("code", code)
      location.searchParams.set("state", query.get("state") ?? "")
      location.searchParams.set("iss", url)
      LocalServer.redirect(location.href)(request, response)
    },
    "/token": (request, response) => {
      const { form } = request
      const code = codes.get(form["code"] ?? "") ?? refreshTokens.get(form["refresh_token"] ?? "")
      codes.delete(form["code"] ?? "")
      refreshTokens.delete(form["refresh_token"] ?? "")
      const isProved =
        form["grant_type"] === "refresh_token" ||
        (code?.query.get("redirect_uri") === form["redirect_uri"] &&
          (code?.query.get("code_challenge") ?? sha256("")) === sha256(form["code_verifier"] ?? ""))
      if (code === undefined || !isProved) return LocalServer.json({ error: "invalid_grant" }, 400)(request, response)
      void tokensFor(code).then((answer) => LocalServer.json(answer)(request, response))
    },
    "/userinfo": (request, response) => LocalServer.json(provider.user)(request, response),
  }
  for (const [path, answer] of Object.entries(usual)) server.answer(path, answer)

  const provider: LocalProvider = {
    ...server,
    host: "127.0.0.1",
    discoveryUrl: `${url}/.well-known/openid-configuration`,
    answer: (path, answer) => server.answer(path, answer ?? usual[path]),
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
  return provider
}

const newKey = async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256")
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: randomUUID(), alg: "ES256", use: "sig" } }
}

const sha256 = (value: string): string => createHash("sha256").update(value).digest("base64url")

/** The `at_hash` of an access token, for ES256. */
export const halfHash = (accessToken: string): string =>
  createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url")
