/**
 * oauth4webapi, with its validation of answers, as a client of the token endpoint and its neighbours.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { exportJWK, generateKeyPair } from "jose"
import * as oauth from "oauth4webapi"
import {
  api,
  grantTo,
  home,
  issuer,
  layer,
  otherApi,
  publicClient,
  serve,
  type Server,
  storedClient,
  type TestClient,
  type TestGrant,
  verifier,
} from "./support/TokenClients.ts"

const server: oauth.AuthorizationServer = {
  issuer,
  token_endpoint: `${issuer}/oauth2/token`,
  introspection_endpoint: `${issuer}/oauth2/introspect`,
  revocation_endpoint: `${issuer}/oauth2/revoke`,
  userinfo_endpoint: `${issuer}/oauth2/userinfo`,
  id_token_signing_alg_values_supported: ["RS256"],
  authorization_response_iss_parameter_supported: true,
}

const redirectUri = "https://client.example.com/callback"

/** The options of a call whose requests go to the handlers of the test. */
const throughOf = Effect.fnUntraced(function* ({ send }: Server) {
  const context = yield* Effect.context<never>()
  const fetch = async (url: string, init: oauth.CustomFetchOptions<string, unknown>): Promise<Response> => {
    const response = await Effect.runPromiseWith(context)(
      send(url.slice(home.length), {
        method: init.method,
        headers: init.headers,
        ...(init.body === undefined || init.body === null ? {} : { body: String(init.body) }),
      }),
    )
    return new Response(response.text === "" ? null : response.text, response)
  }
  return { [oauth.customFetch]: fetch, [oauth.allowInsecureRequests]: true } as const
})

/** The answer of the authorization endpoint, validated. */
const callbackOf = (client: oauth.Client, { code }: TestGrant): URLSearchParams =>
  oauth.validateAuthResponse(server, client, new URLSearchParams({ code, iss: issuer, state: "s" }), "s")

/** The clock of the test is that of the library. */
const atPresent = Effect.flatMap(
  Effect.sync(() => new Date()),
  (now) => TestClock.setTime(now.getTime()),
)

const whole = Effect.fnUntraced(function* (
  given: TestClient,
  authentication: oauth.ClientAuth,
  resources: ReadonlyArray<string> = [],
) {
  const handlers = yield* serve
  const through = yield* throughOf(handlers)
  const client: oauth.Client = { client_id: given.client.id }
  const now = yield* Clock.currentTimeMillis
  const grant = yield* grantTo(given, { nonce: "n", resources })
  assert.isAbove(now, 0)
  return yield* Effect.promise(async () => {
    const answer = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      callbackOf(client, grant),
      redirectUri,
      verifier,
      through,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
      expectedNonce: "n",
      maxAge: 60,
      requireIdToken: true,
    })
    const refreshed = await oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token ?? "", through),
    )
    assert.notStrictEqual(refreshed.refresh_token, tokens.refresh_token)
    const info = await oauth.processUserInfoResponse(
      server,
      client,
      grant.user.id,
      await oauth.userInfoRequest(server, client, refreshed.access_token, through),
    )
    assert.strictEqual(info.email, grant.user.email)
    const introspect = async (token: string) =>
      oauth.processIntrospectionResponse(
        server,
        client,
        await oauth.introspectionRequest(server, client, authentication, token, through),
      )
    const isPublic = given.secret === "" || Object.keys(given.fields).length > 0
    if (!isPublic) assert.isTrue((await introspect(refreshed.access_token)).active)
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, authentication, refreshed.refresh_token ?? "", through),
    )
    if (!isPublic) assert.deepStrictEqual({ ...(await introspect(refreshed.access_token)) }, { active: false })
    return tokens
  })
})

describe("oauth4webapi", () => {
  it.effect("goes the whole way with a secret in the header, in the form, and with none", () =>
    Effect.gen(function* () {
      yield* atPresent
      const header = yield* storedClient()
      yield* whole(header, oauth.ClientSecretBasic(header.secret))
      const form = yield* storedClient({ metadata: { tokenEndpointAuthMethod: "client_secret_post" } })
      yield* whole(form, oauth.ClientSecretPost(form.secret), [otherApi])
      yield* whole(yield* publicClient(), oauth.None())
    }).pipe(Effect.provide(layer())),
  )

  it.effect("proves itself by assertions, which are used once", () =>
    Effect.gen(function* () {
      yield* atPresent
      for (const alg of ["ES256", "PS256", "EdDSA"]) {
        const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair(alg, { extractable: true }))
        const jwk = yield* Effect.promise(() => exportJWK(publicKey))
        const client = yield* storedClient({
          secrets: [],
          metadata: {
            tokenEndpointAuthMethod: "private_key_jwt",
            jwks: { keys: [JSON.parse(JSON.stringify({ ...jwk, kid: "one" }))] },
          },
        })
        yield* whole(client, oauth.PrivateKeyJwt({ key: privateKey, kid: "one" }))
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets a token for itself", () =>
    Effect.gen(function* () {
      yield* atPresent
      const given = yield* storedClient()
      const through = yield* throughOf(yield* serve)
      const client: oauth.Client = { client_id: given.client.id }
      const tokens = yield* Effect.promise(async () =>
        oauth.processClientCredentialsResponse(
          server,
          client,
          await oauth.clientCredentialsGrantRequest(
            server,
            client,
            oauth.ClientSecretBasic(given.secret),
            { scope: "read", resource: api },
            through,
          ),
        ),
      )
      assert.strictEqual(tokens.scope, "read")
    }).pipe(Effect.provide(layer())),
  )
})
