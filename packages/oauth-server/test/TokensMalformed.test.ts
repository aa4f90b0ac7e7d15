/**
 * Whatever comes to the token endpoint and its neighbours is answered in the form of their RFCs: requests made up of
 * fields that are right, wrong, missing, repeated and strange.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect } from "effect"
import {
  api,
  assertErrorShape,
  basic,
  challenge,
  issuer,
  layerSql,
  serve,
  type Server,
  signedIn,
  storedClient,
  toBody,
  verifier,
} from "./support/TokenClients.ts"

/** Numbers that look random and are the same each time (mulberry32), so that a failure can be seen again. */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const strange = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\u202e",
  "é",
  "'; DROP TABLE belfry_oauth_clients; --",
  '"><script>alert(1)</script>',
  "x".repeat(300),
  "x".repeat(9000),
  "%00",
  "%zz",
  "..",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "{}",
  "[]",
  "-1",
  "1e309",
  "018f6b1e-0000-7000-8000-000000000000",
  "\r\nset-cookie: a=b",
]

const names = [
  "grant_type",
  "client_id",
  "client_secret",
  "client_assertion",
  "client_assertion_type",
  "code",
  "code_verifier",
  "redirect_uri",
  "refresh_token",
  "scope",
  "resource",
  "audience",
  "token",
  "token_type_hint",
  "access_token",
  "username",
  "__proto__",
  "x",
]

interface Known {
  readonly values: Readonly<Record<string, ReadonlyArray<string>>>
  readonly authorizations: ReadonlyArray<string>
}

/** What is right, here or there. */
const knownOf = Effect.fnUntraced(function* (server: Server) {
  const header = yield* storedClient()
  const form = yield* storedClient({ metadata: { tokenEndpointAuthMethod: "client_secret_post" } })
  const tokens = yield* signedIn(server, {}, header)
  const jwt = yield* signedIn(server, { resources: [api] }, header)
  // Of a client that is not among those above, or the first requests would revoke them.
  const lasting = yield* signedIn(server)
  const known: Known = {
    values: {
      grant_type: ["authorization_code", "refresh_token", "client_credentials", "password"],
      client_id: [header.client.id, form.client.id, "nobody"],
      client_secret: [header.secret, form.secret, "wrong"],
      client_assertion: [jwt.accessToken, jwt.idToken, "a.b.c", "e30.e30.e30", "eyJhbGciOiJub25lIn0.e30."],
      client_assertion_type: ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
      code: [tokens.code, "belfry_code_x"],
      code_verifier: [verifier, challenge],
      redirect_uri: ["https://client.example.com/callback", "http://localhost/"],
      refresh_token: [tokens.accessToken, "belfry_refresh_x"],
      scope: ["read", "openid", "read  write", "admin"],
      resource: [api, "https://unknown.example.com/", "urn:x", "https://[::1", "//x"],
      token: [tokens.accessToken, tokens.refreshToken, jwt.accessToken, jwt.idToken],
      token_type_hint: ["access_token", "refresh_token"],
      access_token: [lasting.accessToken, jwt.accessToken],
    },
    authorizations: [
      header.headers["authorization"] ?? "",
      form.headers["authorization"] ?? "",
      basic(header.client.id, "wrong")["authorization"] ?? "",
      `Bearer ${lasting.accessToken}`,
      `Bearer ${jwt.accessToken}`,
      "Bearer",
      "Bearer ",
      "Bearer a b c",
      "Basic",
      "Basic Og==",
      `Basic ${"A".repeat(5000)}`,
      `Basic ${btoa("\xff:\xfe")}`,
      `Basic ${btoa("a:b\0")}`,
      `Basic ${btoa("a\0:b")}`,
      "DPoP x",
      ",",
      "=",
    ],
  }
  return known
})

const contentTypes = [
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded; charset=utf-16",
  "application/json",
  "text/html",
  "multipart/form-data",
  "/",
]

/** A request that is right as it stands, or nearly. */
interface Template {
  readonly endpoint: "token" | "introspect" | "revoke" | "userinfo"
  readonly fields: ReadonlyArray<string>
  readonly grantType?: string
}

const templates: ReadonlyArray<Template> = [
  { endpoint: "token", grantType: "client_credentials", fields: [] },
  { endpoint: "token", grantType: "client_credentials", fields: ["scope"] },
  { endpoint: "token", grantType: "client_credentials", fields: ["resource", "scope"] },
  { endpoint: "token", grantType: "authorization_code", fields: ["code", "redirect_uri", "code_verifier"] },
  { endpoint: "token", grantType: "refresh_token", fields: ["refresh_token"] },
  { endpoint: "token", fields: ["client_assertion", "client_assertion_type", "grant_type"] },
  { endpoint: "introspect", fields: ["token"] },
  { endpoint: "revoke", fields: ["token", "token_type_hint"] },
  { endpoint: "userinfo", fields: ["access_token"] },
  { endpoint: "userinfo", fields: [] },
]

const wholeBodies = ["&&==&%", "%00=%00", "\u0000", "grant_type", "=".repeat(1000), "[", "a[]=b&a[0]=c"]

/** A request made of a template by some changes, or by none. */
const requestOf = (random: (below: number) => number, { authorizations, values }: Known) => {
  const pick = <A>(from: ReadonlyArray<A>, otherwise: A): A => from[random(from.length)] ?? otherwise
  const { endpoint, fields, grantType } = pick(templates, { endpoint: "token", fields: [] })
  const form = new Map<string, ReadonlyArray<string>>()
  if (grantType !== undefined) form.set("grant_type", [grantType])
  for (const name of fields) form.set(name, [pick(values[name] ?? [], "")])
  const isUserInfo = endpoint === "userinfo"
  const headers = new Map<string, string>([["content-type", "application/x-www-form-urlencoded"]])
  if (!fields.includes("client_assertion") && !fields.includes("access_token")) {
    headers.set("authorization", random(4) > 0 ? (authorizations[isUserInfo ? 3 : 0] ?? "") : pick(authorizations, ""))
  }
  let body: string | undefined
  for (let changes = random(4); changes > 0; changes--) {
    const name = random(4) === 0 || form.size === 0 ? pick(names, "x") : pick([...form.keys()], "x")
    const changed: ReadonlyArray<() => void> = [
      () => void form.set(name, [pick(strange, "")]),
      () => void form.set(name, [pick(values[name] ?? [], "")]),
      () => void form.set(name, [...(form.get(name) ?? []), pick(strange, "")]),
      () => void form.delete(name),
      () => void headers.set("authorization", pick(authorizations, "")),
      () => void headers.delete("authorization"),
      () => void headers.set("content-type", pick(contentTypes, "")),
      () => void (body = pick(wholeBodies, "")),
    ]
    pick(changed, () => undefined)()
  }
  const query = random(12) === 0 ? `?${toBody({ [pick(names, "x")]: pick(strange, "") })}` : ""
  const method = isUserInfo && random(2) === 0 ? "GET" : "POST"
  const request: TestHttp.TestRequest = {
    method,
    headers: Object.fromEntries(headers),
    ...(method === "GET" ? {} : { body: body ?? toBody(Object.fromEntries(form)) }),
  }
  return { path: `/auth/oauth2/${endpoint}${query}`, endpoint, request }
}

const statusesOf: Readonly<Record<string, ReadonlyArray<number>>> = {
  invalid_client: [401],
  invalid_token: [401],
  insufficient_scope: [403],
}

const assertAnswer = (response: TestHttp.TestResponse, endpoint: string): void => {
  if (response.status === 200) return
  if (response.status === 401 && endpoint === "userinfo" && response.text === "") {
    assert.strictEqual(response.headers.get("www-authenticate"), `Bearer realm="${issuer}"`)
    return
  }
  assertErrorShape(response)
  const expected = statusesOf[TestHttp.textAt(response, "error")] ?? [400]
  assert.include(expected, response.status, response.text)
}

const requests = 2000

for (const { layer, name } of TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])) {
  withLayer(layerSql(layer))(`RFC 6749 §5.2 (${name})`, (it) => {
    it.effect(
      `MUST answer errors as JSON in its characters, whatever is sent: ${requests} malformed requests`,
      () =>
        Effect.gen(function* () {
          const server = yield* serve
          const known = yield* knownOf(server)
          const random = randomOf(name.length)
          const seen = new Map<string, number>()
          for (let i = 0; i < requests; i++) {
            const { endpoint, path, request } = requestOf(random, known)
            const response = yield* server.send(path, request)
            const what = () => `${i}: ${path} ${JSON.stringify(request)} ${response.status} ${response.text}`
            assert.isBelow(response.status, 500, what())
            assertAnswer(response, endpoint)
            const error = TestHttp.at(response.json, "error")
            const key = `${endpoint} ${typeof error === "string" ? error : response.status}`
            seen.set(key, (seen.get(key) ?? 0) + 1)
          }
          // The requests reach far enough: successes too, and each kind of refusal.
          const reached = [
            "token 200",
            "token invalid_request",
            "token invalid_client",
            "token invalid_grant",

            "token invalid_scope",
            "token invalid_target",
            "token unsupported_grant_type",
            "introspect 200",
            "introspect invalid_client",
            "introspect invalid_request",
            "revoke 200",
            "revoke invalid_client",
            "userinfo 200",
            "userinfo 401",
            "userinfo invalid_token",
            "userinfo invalid_request",
          ]
          for (const key of reached) assert.isAbove(seen.get(key) ?? 0, 0, `${key} of ${JSON.stringify([...seen])}`)
        }),
      120_000,
    )
  })
}
