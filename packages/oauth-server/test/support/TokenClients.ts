/**
 * Clients at the token endpoint and its neighbours: over HTTP, with the real services behind it and grants that need no
 * browser.
 */
import { KeyRing } from "@belfry/core/KeyRing"
import type { SessionId } from "@belfry/core/Session"
import type { User } from "@belfry/core/User"
import type { Site } from "@belfry/core/Site"
import type { AccessTokens } from "@belfry/oauth-server/AccessTokens"
import { type Grant, GrantId } from "@belfry/oauth-server/Grant"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import type { ClientMetadata, ClientPrivileges, OAuthClient } from "@belfry/oauth-server/OAuthClient"
import * as OAuthServerHooks from "@belfry/oauth-server/OAuthServerHooks"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import type { Tokens } from "@belfry/oauth-server/Tokens"
import { TokenIssuer } from "@belfry/oauth-server/TokenIssuer"
import { TokensApi } from "@belfry/oauth-server/TokensApi"
import * as TokensHandlers from "@belfry/oauth-server/TokensHandlers"
import * as Builders from "@belfry/testing/Builders"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as TestServices from "@belfry/testing/TestServices"
import { assert } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpApi, HttpApiBuilder } from "effect/http-api"
import type { SqlClient } from "effect/sql"

export const home = "http://localhost:3000"
export const issuer = `${home}/auth`
export const api = "https://api.example.com/v1"
export const otherApi = "https://other.example.com/"

/** RFC 7636 appendix B. */
export const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
export const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

/** No limits, so that failures are told as they are, and two APIs. */
export const defaults: Partial<OAuthServerSettings.OAuthServerSettingsService> = {
  scopes: ["read", "write"],
  rateLimits: {
    authorize: null,
    registration: null,
    clientDocuments: null,
    token: null,
    introspection: null,
    revocation: null,
    userInfo: null,
  },
  resources: [
    OAuthBuilders.resource(api, { scopes: ["read", "write"] }),
    OAuthBuilders.resource(otherApi, { introspectionClientId: "other-api" }),
    OAuthBuilders.resource("https://disabled.example.com/", { isDisabled: true }),
  ],
}

/** Layer with settings over the defaults of these tests, and hooks. */
export const layerSettings = (
  settings: Partial<OAuthServerSettings.OAuthServerSettingsService> = {},
  hooks: Partial<OAuthServerHooks.OAuthServerHooksService> = {},
) =>
  Layer.merge(
    Layer.succeed(OAuthServerSettings.OAuthServerSettings, OAuthServerSettings.make({ ...defaults, ...settings })),
    Layer.succeed(OAuthServerHooks.OAuthServerHooks, OAuthServerHooks.make(hooks)),
  )

/** The services over memory. */
export const layer = (...options: Parameters<typeof layerSettings>) =>
  TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(layerSettings(...options)),
    Layer.provideMerge(TestServices.layerMemory),
  )

/** The services over a database that has the migrations of `core` and of this package. */
export const layerSql = <E>(
  database: Layer.Layer<SqlClient.SqlClient, E>,
  ...options: Parameters<typeof layerSettings>
) =>
  TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(layerSettings(...options)),
    Layer.provideMerge(TestServices.layerSql(database)),
  )

const TokensOnlyApi = HttpApi.make("belfry").add(TokensApi).prefix("/auth")

/** Serves the handlers over the services of the test. */
export const serve = Effect.gen(function* () {
  const services = yield* Effect.context<Tokens | AccessTokens | Site>()
  const routes = HttpApiBuilder.layer(TokensOnlyApi).pipe(
    Layer.provide(TokensHandlers.layer),
    Layer.provide(Layer.succeedContext(services)),
  )
  const send = yield* TestHttp.serve(routes, home)
  /** Posts a form; an array stands for a field that comes more than once. */
  const post = (
    path: string,
    form: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>,
    headers: Readonly<Record<string, string>> = {},
  ) =>
    send(`/auth/oauth2/${path}`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: toBody(form),
    })
  return { send, post }
})

export type Server = Effect.Success<typeof serve>

export const toBody = (form: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>): string =>
  new URLSearchParams(
    Object.entries(form).flatMap(([name, value]) => {
      const values = value === undefined ? [] : typeof value === "string" ? [value] : value
      return values.map((each): [string, string] => [name, each])
    }),
  ).toString()

/** A client on file and its secret. */
export interface TestClient {
  readonly client: OAuthClient
  readonly secret: string
  /** The `Authorization` header by which it proves itself. */
  readonly headers: Readonly<Record<string, string>>
  /** What it puts into forms: its id, where it is public. */
  readonly fields: Readonly<Record<string, string>>
}

export const basic = (id: string, secret: string): Readonly<Record<string, string>> => ({
  authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`,
})

/** Keeps a confidential client with a secret in the header, unless said otherwise. */
export const storedClient = Effect.fnUntraced(function* (
  fields: Omit<NonNullable<Parameters<typeof OAuthBuilders.storedClient>[0]>, "metadata" | "privileges"> & {
    readonly metadata?: Partial<ClientMetadata>
    readonly privileges?: Partial<ClientPrivileges>
  } = {},
) {
  const hasher = yield* KeyRing.use((keyRing) => keyRing.hasher("oauth-client-secret"))
  const secret = `secret of a client ${yield* SecureRandom.SecureRandom.use((random) => random.uuidV7())}`
  const kept = yield* OAuthBuilders.clientSecret({ hash: yield* hasher.hash(Redacted.make(secret)) })
  const client = yield* OAuthBuilders.storedClient({
    secrets: [kept],
    ...fields,
    metadata: { scopes: ["openid", "profile", "email", "offline_access", "read", "write"], ...fields.metadata },
    privileges: fields.privileges ?? {},
  }).pipe(Effect.orDie)
  const made: TestClient = { client, secret, headers: basic(client.id, secret), fields: {} }
  return made
})

/** Keeps a public client. */
export const publicClient = (metadata: Partial<ClientMetadata> = {}) =>
  Effect.map(
    storedClient({ secrets: [], metadata: { tokenEndpointAuthMethod: "none", ...metadata } }),
    (made): TestClient => ({ ...made, headers: {}, fields: { client_id: made.client.id } }),
  )

/** A grant that waits to be redeemed, with its code. */
export interface TestGrant {
  readonly code: string
  readonly grant: Grant
  readonly user: User
  readonly sessionId: SessionId | null
}

/** Gives a client a grant of a new user, as a consent does. */
export const grantTo = Effect.fnUntraced(function* (
  { client }: TestClient,
  fields: Partial<Grant> & {
    readonly user?: Partial<User>
    readonly redirectUri?: string
    readonly isRedirectUriGiven?: boolean
    readonly codeChallenge?: string | null
  } = {},
) {
  const { user: userFields, redirectUri, isRedirectUriGiven, codeChallenge, ...grantFields } = fields
  const now = yield* DateTime.now
  const user = yield* Effect.orDie(Builders.storedUser(userFields))
  const session = yield* Effect.orDie(OAuthBuilders.storedSession({ userId: user.id }))
  const { token, row } = yield* TokenIssuer.use((tokens) =>
    tokens.code(
      {
        redirectUri: redirectUri ?? "https://client.example.com/callback",
        isRedirectUriGiven: isRedirectUriGiven ?? true,
        codeChallenge: codeChallenge === undefined ? challenge : codeChallenge,
      },
      now,
    ),
  )
  const grant = yield* OAuthBuilders.grant({
    id: GrantId.make(yield* SecureRandom.SecureRandom.use((random) => random.uuidV7())),
    clientId: client.id,
    userId: user.id,
    sessionId: session.id,
    sid: session.id,
    scopes: ["openid", "profile", "email", "offline_access", "read"],
    expiresAt: row.expiresAt,
    ...grantFields,
  })
  assert.strictEqual(yield* Effect.orDie(GrantStore.use((grants) => grants.insert(grant, row))), "kept")
  const given: TestGrant = { code: Redacted.value(token), grant, user, sessionId: session.id }
  return given
})

/** The form of a request for a code. */
export const codeForm = (
  { code }: TestGrant,
  fields: Readonly<Record<string, string | ReadonlyArray<string> | undefined>> = {},
) => ({
  grant_type: "authorization_code",
  code,
  redirect_uri: "https://client.example.com/callback",
  code_verifier: verifier,
  ...fields,
})

/** A client with tokens of a grant. */
export const signedIn = Effect.fnUntraced(function* (
  server: Server,
  given: Parameters<typeof grantTo>[1] = {},
  client?: TestClient,
) {
  const owner = client ?? (yield* storedClient())
  const grant = yield* grantTo(owner, given)
  const response = yield* server.post("token", codeForm(grant, owner.fields), owner.headers)
  assert.strictEqual(response.status, 200, response.text)
  return { ...owner, ...grant, response, ...tokensOf(response) }
})

/** The tokens of an answer. */
export const tokensOf = (response: TestHttp.TestResponse) => ({
  accessToken: TestHttp.textAt(response, "access_token"),
  refreshToken: textOrEmpty(response, "refresh_token"),
  idToken: textOrEmpty(response, "id_token"),
})

export const textOrEmpty = (response: TestHttp.TestResponse, name: string): string => {
  const value = TestHttp.at(response.json, name)
  return typeof value === "string" ? value : ""
}

/** The claims of a JWT, unverified. */
export const claimsOf = (jwt: string): Readonly<Record<string, unknown>> => {
  const [, payload = ""] = jwt.split(".")
  return JSON.parse(
    new TextDecoder().decode(
      Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)),
    ),
  )
}

/** Asserts a refusal in the form of RFC 6749 §5.2, and returns its description. */
export const assertError = (
  response: TestHttp.TestResponse,
  status: number,
  error: string,
  description?: string,
): void => {
  assert.deepStrictEqual(
    { status: response.status, error: TestHttp.at(response.json, "error") },
    { status, error },
    response.text,
  )
  assertErrorShape(response)
  if (description !== undefined) assert.strictEqual(TestHttp.at(response.json, "error_description"), description)
}

/** RFC 6749 §5.2: JSON of `error` and `error_description` in their characters, kept by nobody. */
export const assertErrorShape = (response: TestHttp.TestResponse): void => {
  const { json } = response
  if (typeof json !== "object" || json === null) return assert.fail(`no JSON: ${response.status} ${response.text}`)
  assert.isTrue(Object.keys(json).every((key) => key === "error" || key === "error_description"))
  assert.match(TestHttp.textAt(response, "error"), /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/u)
  assert.match(TestHttp.textAt(response, "error_description"), /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/u)
  assert.strictEqual(response.headers.get("cache-control"), "no-store")
  assert.strictEqual(response.headers.get("content-type"), "application/json")
}

/** What introspection tells the client of a token. */
export const introspect = ({ post }: Server, { headers }: TestClient, token: string) =>
  Effect.map(post("introspect", { token }, headers), (response) => {
    assert.strictEqual(response.status, 200, response.text)
    return response.json
  })
