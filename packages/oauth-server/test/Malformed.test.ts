/**
 * Whatever comes to whichever endpoint of this package is answered by its RFC, or as a problem: never an error of the
 * server, and never a redirect to a place that nobody registered.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestHttp from "@belfry/testing/TestHttp"
import * as Builders from "@belfry/testing/Builders"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { application, layer, layerSql, notes, type Send, serve, tokensFor } from "./support/Attacker.ts"
import {
  authorizePath,
  callback,
  challenge,
  home,
  type Host,
  open,
  queryOf,
  type Services,
} from "./support/Authorizing.ts"
import { type Known, randomOf, requestOf, strangeBodies, type Target } from "./support/Malformed.ts"
import { assertErrorShape, verifier } from "./support/TokenClients.ts"

const base = "/auth/oauth2"
const signedOut = "https://client.example.com/signed-out"

const authorizeParameters = [
  "client_id",
  "redirect_uri",
  "response_type",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
  "prompt",
  "max_age",
  "claims",
  "acr_values",
  "id_token_hint",
  "login_hint",
  "ui_locales",
  "display",
  "resource",
  "response_mode",
]

const soundParameters = [
  "client_id",
  "redirect_uri",
  "response_type",
  "scope",
  "state",
  "code_challenge",
  "code_challenge_method",
]

const metadata = [
  "redirectUris",
  "clientName",
  "clientUri",
  "logoUri",
  "grantTypes",
  "responseTypes",
  "scopes",
  "tokenEndpointAuthMethod",
  "jwks",
  "contacts",
  "localized",
  "applicationType",
  "subjectType",
  "defaultMaxAge",
  "idTokenSignedResponseAlg",
]

const wireMetadata = [
  "redirect_uris",
  "client_name",
  "client_uri",
  "logo_uri",
  "grant_types",
  "response_types",
  "scope",
  "token_endpoint_auth_method",
  "jwks",
  "contacts",
  "application_type",
  "subject_type",
  "default_max_age",
  "software_statement",
  "client_name#fr",
]

const post = ["POST"] as const
const get = ["GET"] as const

/** Every endpoint of this package. */
const targetsOf = (ids: {
  readonly clientIds: ReadonlyArray<string>
  readonly consentIds: ReadonlyArray<string>
  readonly grantIds: ReadonlyArray<string>
  readonly requestIds: ReadonlyArray<string>
}): ReadonlyArray<Target> => {
  const form = (members: ReadonlyArray<string>) => ({ as: "form" as const, members })
  const json = (members: ReadonlyArray<string>) => ({ as: "json" as const, members })
  const client = `${base}/clients/{}`
  const admin = `${base}/admin/clients/{}`
  const resource = ["identifier", "name", "scopes", "accessTokenLifetime", "signingAlgorithm", "isDisabled"]
  return [
    {
      name: "token",
      methods: post,
      path: `${base}/token`,
      by: "client",
      body: form(["grant_type", "code", "redirect_uri", "code_verifier"]),
    },
    { name: "token", methods: post, path: `${base}/token`, by: "client", body: form(["grant_type", "refresh_token"]) },
    {
      name: "token",
      methods: post,
      path: `${base}/token`,
      by: "client",
      body: form(["grant_type", "scope", "resource"]),
    },
    {
      name: "token",
      methods: post,
      path: `${base}/token`,
      by: "nobody",
      body: form(["grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type"]),
    },
    { name: "introspect", methods: post, path: `${base}/introspect`, by: "client", body: form(["token"]) },
    { name: "revoke", methods: post, path: `${base}/revoke`, by: "client", body: form(["token", "token_type_hint"]) },
    { name: "userinfo", methods: get, path: `${base}/userinfo`, by: "token" },
    { name: "userinfo", methods: post, path: `${base}/userinfo`, by: "nobody", body: form(["access_token"]) },
    { name: "register", methods: post, path: `${base}/register`, by: "nobody", body: json(wireMetadata) },
    { name: "register", methods: post, path: `${base}/register`, by: "nobody", body: json(["redirect_uris"]) },
    { name: "authorize", methods: get, path: `${base}/authorize`, by: "session", query: soundParameters },
    { name: "authorize", methods: get, path: `${base}/authorize`, by: "session", query: authorizeParameters },
    { name: "authorize", methods: post, path: `${base}/authorize`, by: "session", body: form(authorizeParameters) },
    { name: "continue", methods: get, path: `${base}/continue`, by: "session", query: ["request"] },
    {
      name: "end-session",
      methods: get,
      path: `${base}/end-session`,
      by: "session",
      query: ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"],
    },
    {
      name: "end-session",
      methods: post,
      path: `${base}/end-session`,
      by: "session",
      body: form(["id_token_hint", "client_id", "post_logout_redirect_uri"]),
    },
    { name: "requests", methods: get, path: `${base}/requests/{}`, ids: ids.requestIds, by: "session" },
    { name: "requests", methods: post, path: `${base}/continue`, by: "session", body: json(["request", "step"]) },
    { name: "requests", methods: post, path: `${base}/continue`, by: "session", body: form(["request", "step"]) },
    {
      name: "requests",
      methods: post,
      path: `${base}/consent`,
      by: "session",
      body: json(["request", "accept", "scopes"]),
    },
    {
      name: "requests",
      methods: post,
      path: `${base}/consent`,
      by: "session",
      body: form(["request", "accept", "scope"]),
    },
    { name: "requests", methods: post, path: `${base}/requests/{}/cancel`, ids: ["x"], by: "session" },
    { name: "requests", methods: get, path: `${base}/end-session/request`, by: "session", query: ["request"] },
    { name: "requests", methods: post, path: `${base}/end-session/confirm`, by: "session", body: json(["request"]) },
    { name: "management", methods: post, path: `${base}/clients`, by: "session", body: json(metadata) },
    { name: "management", methods: post, path: `${base}/clients`, by: "session", body: json(["redirectUris"]) },
    { name: "management", methods: get, path: `${base}/clients`, by: "session", query: ["cursor", "limit"] },
    { name: "management", methods: get, path: client, ids: ids.clientIds, by: "session" },
    { name: "management", methods: ["PATCH"], path: client, ids: ids.clientIds, by: "session", body: json(metadata) },
    { name: "management", methods: ["DELETE"], path: client, ids: ["x"], by: "session" },
    { name: "management", methods: post, path: `${client}/secret`, ids: ids.clientIds, by: "session" },
    { name: "management", methods: get, path: `${base}/public-clients/{}`, ids: ids.clientIds, by: "session" },
    {
      name: "management",
      methods: post,
      path: `${base}/admin/clients`,
      by: "session",
      body: json([...metadata, "skipConsent", "metadata", "resources", "clientSecretExpiresAt", "referenceId"]),
    },
    { name: "management", methods: get, path: admin, ids: ids.clientIds, by: "session" },
    {
      name: "management",
      methods: ["PATCH"],
      path: admin,
      ids: ids.clientIds,
      by: "session",
      body: json(["clientName", "skipConsent", "metadata", "resources", "isDisabled"]),
    },
    { name: "management", methods: post, path: `${admin}/secret`, ids: ids.clientIds, by: "session" },
    {
      name: "management",
      methods: post,
      path: `${base}/admin/registration-tokens`,
      by: "session",
      body: json(["lifetime", "uses"]),
    },
    {
      name: "management",
      methods: ["DELETE"],
      path: `${base}/admin/registration-tokens/{}`,
      ids: ["x"],
      by: "session",
    },
    {
      name: "management",
      methods: get,
      path: `${base}/admin/resources`,
      by: "session",
      query: ["identifier", "cursor", "limit"],
    },
    { name: "management", methods: post, path: `${base}/admin/resources`, by: "session", body: json(resource) },
    { name: "management", methods: ["PUT"], path: `${base}/admin/resources`, by: "session", body: json(resource) },
    { name: "management", methods: ["DELETE"], path: `${base}/admin/resources`, by: "session", query: ["identifier"] },
    { name: "management", methods: get, path: `${base}/consents`, by: "session", query: ["referenceId"] },
    { name: "management", methods: get, path: `${base}/consents/{}`, ids: ids.consentIds, by: "session" },
    {
      name: "management",
      methods: ["PATCH"],
      path: `${base}/consents/{}`,
      ids: ids.consentIds,
      by: "session",
      body: json(["scopes"]),
    },
    { name: "management", methods: ["DELETE"], path: `${base}/consents/{}`, ids: ["x"], by: "session" },
    { name: "management", methods: get, path: `${base}/grants`, by: "session" },
    { name: "management", methods: ["DELETE"], path: `${base}/grants/{}`, ids: ids.grantIds, by: "session" },
    {
      name: "discovery",
      methods: get,
      path: "/auth/.well-known/openid-configuration",
      by: "nobody",
      query: ["resource"],
    },
    { name: "discovery", methods: get, path: "/auth/.well-known/oauth-authorization-server", by: "nobody" },
    { name: "discovery", methods: get, path: "/.well-known/oauth-authorization-server/auth", by: "nobody" },
    { name: "discovery", methods: get, path: "/.well-known/openid-configuration/auth", by: "nobody" },
    { name: "discovery", methods: get, path: "/auth/jwks", by: "nobody" },
  ]
}

const idsOf = (response: TestHttp.TestResponse, name: string): ReadonlyArray<string> => {
  const rows = TestHttp.at(response.json, name)
  return Array.isArray(rows) ? rows.map((row) => String(TestHttp.at(row, "id"))) : []
}

/** People, clients and tokens as they are on file, and what of them may stand in a request. */
const worldOf = Effect.fnUntraced(function* (send: Send) {
  const browser = yield* open(send)
  const person = yield* browser.signIn(yield* Builders.storedUser({ scopes: ["oauth:admin"] }))
  const other = yield* open(send)
  yield* other.signIn()
  const app = yield* application({
    postLogoutRedirectUris: [signedOut],
    grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
  })
  const byForm = yield* application({
    tokenEndpointAuthMethod: "client_secret_post",
    grantTypes: ["client_credentials"],
    redirectUris: [],
  })
  const own = yield* application({}, { userId: person.user.id })
  const tokens = yield* tokensFor(send, browser, app)
  const jwt = yield* tokensFor(send, browser, app, { resource: notes, scope: "openid offline_access notes:read" })
  const lasting = yield* tokensFor(send, other, yield* application())
  yield* tokensFor(send, browser, own)
  const begun = queryOf(yield* browser.go(authorizePath(app.client, { prompt: "consent" })))["request"] ?? ""
  const logout = queryOf(yield* browser.go(`${base}/end-session`))["request"] ?? ""
  const cookie = [...browser.cookies].map((pair) => pair.join("=")).join("; ")
  const consents = yield* browser.fetch(`${base}/consents`)
  const grants = yield* browser.fetch(`${base}/grants`)
  const redirectUris = [[callback], ["https://a.example/cb", "http://127.0.0.1/cb"]]
  const known: Known = {
    values: {
      grant_type: ["authorization_code", "refresh_token", "client_credentials", "password"],
      client_id: [app.id, app.id, app.id, byForm.id, "nobody"],
      client_secret: [byForm.secret, app.secret, "wrong"],
      client_assertion: [jwt.accessToken, jwt.idToken],
      client_assertion_type: ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
      code: [tokens.code, lasting.code],
      code_verifier: [verifier, challenge],
      redirect_uri: [callback, callback, callback, "http://localhost/"],
      refresh_token: [tokens.refreshToken, lasting.refreshToken],
      scope: ["openid", "openid profile", "openid profile email offline_access", "notes:read", "admin"],
      resource: [notes, "https://unknown.example.com/"],
      token: [tokens.accessToken, jwt.accessToken, jwt.idToken, lasting.accessToken],
      token_type_hint: ["access_token", "refresh_token"],
      access_token: [lasting.accessToken],
      response_type: ["code", "code", "code", "token"],
      response_mode: ["query", "form_post", "fragment"],
      state: ["of the client"],
      nonce: ["once"],
      code_challenge: [challenge],
      code_challenge_method: ["S256", "S256", "S256", "plain"],
      prompt: ["none", "login", "consent", "select_account", "none login", "create"],
      max_age: ["0", "3600"],
      claims: ["{}", '{"id_token":{"acr":{"essential":true,"values":["aal1"]}}}'],
      acr_values: ["aal1", "aal2", "x"],
      id_token_hint: [tokens.idToken, lasting.idToken],
      login_hint: [person.user.email],
      ui_locales: ["de en"],
      display: ["page", "popup"],
      post_logout_redirect_uri: [signedOut, "https://evil.example/"],
      request: [begun, logout],
      step: ["select_account", "post_login"],
      accept: [true, false, "true", "false"],
      redirectUris,
      redirect_uris: redirectUris,
      clientName: ["Analytical Engine", null],
      client_name: ["Analytical Engine"],
      "client_name#fr": ["Machine analytique"],
      clientUri: ["https://client.example.com/", null],
      client_uri: ["https://client.example.com/"],
      logoUri: ["https://client.example.com/logo.png"],
      logo_uri: ["https://client.example.com/logo.png"],
      grantTypes: [["authorization_code"], ["authorization_code", "refresh_token"], ["client_credentials"]],
      grant_types: [["authorization_code"], ["client_credentials"]],
      responseTypes: [["code"], []],
      response_types: [["code"]],
      scopes: [["openid"], ["openid", "profile"], ["notes:read"], null],
      tokenEndpointAuthMethod: ["client_secret_basic", "none"],
      token_endpoint_auth_method: ["client_secret_basic", "none"],
      jwks: [null, { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y" }] }],
      contacts: [["a@example.com"], []],
      localized: [{}, { "client_name#fr": "Machine" }],
      applicationType: ["web", "native"],
      application_type: ["web", "native"],
      subjectType: ["public"],
      subject_type: ["public"],
      defaultMaxAge: [null, 60],
      default_max_age: [60],
      software_statement: ["a.b.c"],
      idTokenSignedResponseAlg: [null, "ES256"],
      skipConsent: [true, false],
      metadata: [{}, { a: { b: [1] } }],
      resources: [null, [notes]],
      clientSecretExpiresAt: [null, "2100-01-01T00:00:00.000Z"],
      referenceId: [null, "acme"],
      isDisabled: [false],
      lifetime: [60],
      uses: [1, null],
      identifier: ["https://api.example.com/1", "https://api.example.com/2", notes],
      name: [null, "Notes"],
      accessTokenLifetime: [null, 60],
      signingAlgorithm: [null, "RS256"],
      cursor: ["x"],
      limit: ["10"],
    },
    authorizations: {
      client: [app.headers["authorization"] ?? ""],
      token: [`Bearer ${lasting.accessToken}`],
      session: [""],
      nobody: [""],
    },
    cookies: [cookie],
  }
  const targets = targetsOf({
    clientIds: [own.id],
    consentIds: idsOf(consents, "consents"),
    grantIds: idsOf(grants, "grants"),
    requestIds: [begun],
  })
  return { known, targets }
})

const oauthErrors: Readonly<Record<string, Readonly<Record<string, ReadonlyArray<number>>>>> = {
  token: {
    invalid_request: [400, 405],
    invalid_client: [401],
    invalid_grant: [400],
    unauthorized_client: [400],
    unsupported_grant_type: [400],
    invalid_scope: [400],
    invalid_target: [400],
  },
  introspect: { invalid_request: [400, 405], invalid_client: [401] },
  revoke: { invalid_request: [400, 405], invalid_client: [401], unsupported_token_type: [400] },
  userinfo: { invalid_request: [400], invalid_token: [401], insufficient_scope: [403] },
  register: {
    invalid_request: [400],
    invalid_token: [401],
    invalid_redirect_uri: [400],
    invalid_client_metadata: [400],
    unapproved_software_statement: [400],
  },
}

/** The methods of each of these that an RFC speaks of, or that are refused in its words. */
const protocolMethods: Readonly<Record<string, ReadonlyArray<string>>> = {
  token: ["GET", "POST", "PUT", "PATCH", "DELETE"],
  introspect: ["GET", "POST", "PUT", "PATCH", "DELETE"],
  revoke: ["GET", "POST", "PUT", "PATCH", "DELETE"],
  userinfo: ["GET", "POST"],
  register: ["POST"],
}

const pages = ["/sign-in", "/sign-up", "/account/confirm", "/authorize/", "/sign-out/", "/auth/oauth2/"]

/** Asserts that a browser is led to a page of this site, or to what the client registered. */
const assertPlace = (location: string): void => {
  assert.notMatch(location, /[\r\n\0]/u)
  const { href, origin, pathname } = new URL(location, home)
  if (origin === home) {
    assert.isTrue(
      pages.some((page) => pathname.startsWith(page)),
      location,
    )
  } else {
    assert.isTrue(
      [callback, signedOut].some((uri) => href === uri || href.startsWith(`${uri}?`)),
      location,
    )
  }
}

const assertAnswer = (name: string, method: string, response: TestHttp.TestResponse): void => {
  const { headers, location, status, text } = response
  assert.isBelow(status, 500)
  const errors = oauthErrors[name]
  if (errors !== undefined) {
    if (protocolMethods[name]?.includes(method) !== true) return
    assert.isNull(location)
    if (status === 200 || (name === "register" && status === 201)) return
    if (name === "userinfo" && status === 401 && text === "") {
      assert.isNotNull(headers.get("www-authenticate"))
      return
    }
    assertErrorShape(response)
    const error = TestHttp.textAt(response, "error")
    assert.include(errors[error] ?? assert.fail(`${name}: ${error}`), status)
    if (status === 401 && name !== "token" && name !== "introspect" && name !== "revoke") {
      assert.match(headers.get("www-authenticate") ?? "", /^Bearer/u)
    }
    return
  }
  if (location !== null) assertPlace(location)
  if (text.startsWith("<")) {
    const [, action] = /<form method="post" action="([^"]*)">/.exec(text) ?? []
    assert.strictEqual(action, callback)
    assert.include(headers.get("content-security-policy") ?? "", "frame-ancestors 'none'")
  }
  if (name === "authorize" || name === "continue" || name === "end-session") {
    assert.isNull(headers.get("access-control-allow-origin"))
    if (status === 400 && text !== "" && response.json !== undefined) {
      assert.match(TestHttp.textAt(response, "error"), /^[a-z_]+$/u)
      assert.match(TestHttp.textAt(response, "error_description"), /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/u)
    }
  }
  // RFC 9457: what is refused is a problem, but for what no route has.
  if (name === "management" && status >= 400 && text !== "") {
    assert.strictEqual(headers.get("content-type"), "application/problem+json", text)
    assert.strictEqual(TestHttp.at(response.json, "status"), status)
  }
}

/** Values that no endpoint expects, so deep that whoever walks them by recursion falls, or so large that it takes long. */
const deepTexts: ReadonlyArray<string> = [
  `${"[".repeat(15_000)}${"]".repeat(15_000)}`,
  `${'{"a":'.repeat(6000)}1${"}".repeat(6000)}`,
  `{"id_token":${'{"a":'.repeat(6000)}1${"}".repeat(6000)}}`,
  `[${"0,".repeat(15_000)}0]`,
  "a ".repeat(15_000),
  "9".repeat(30_000),
]

/** What a database cannot keep as text or JSON: NUL, and halves of characters. */
const unkept: ReadonlyArray<string> = ["a\u0000b", "a\ud800b"]
/** The same as `claims` of a request, in a name and in a value. */
const unkeptClaims = unkept.flatMap((text) =>
  ["id_token", "userinfo"].flatMap((target) =>
    [{ [text]: null }, { email: { value: text } }, { [text]: { essential: true, [text]: text } }].map((asked) =>
      JSON.stringify({ [target]: asked }),
    ),
  ),
)
/** JSON as text: whoever writes it out by recursion falls, too. */
class Raw {
  readonly json: string
  constructor(json: string) {
    this.json = json
  }
}
const toRaw = (json: string): Raw => new Raw(json)
const deepValues: ReadonlyArray<Raw> = [
  ...deepTexts.slice(0, 4),
  `{"keys":[{"kty":"EC","x":${deepTexts[0] ?? ""}}]}`,
  `{"a":${deepTexts[0] ?? ""}}`,
  JSON.stringify("a ".repeat(15_000)),
].map(toRaw)
const unkeptValues: ReadonlyArray<Raw> = unkept
  .flatMap((text) => [text, [text], { a: text }, { [text]: "x" }, { keys: [{ kty: "EC", x: text, [text]: 1 }] }])
  .map((value) => toRaw(JSON.stringify(value)))

/** What is put into each place: nothing so deep comes to a database, and memory keeps any text. */
interface Oddities {
  readonly texts: ReadonlyArray<string>
  readonly values: ReadonlyArray<Raw>
  readonly bodies: ReadonlyArray<string>
}
const inMemory: Oddities = { texts: deepTexts, values: deepValues, bodies: strangeBodies }
const inDatabase: Oddities = { texts: [...unkept, ...unkeptClaims], values: unkeptValues, bodies: [] }

const toJson = (members: ReadonlyMap<string, unknown>): string =>
  `{${[...members]
    .map(([name, value]) => `${JSON.stringify(name)}:${value instanceof Raw ? value.json : JSON.stringify(value)}`)
    .join()}}`

const toForm = (members: ReadonlyMap<string, unknown>): string => {
  const search = new URLSearchParams()
  for (const [name, value] of members) search.append(name, typeof value === "string" ? value : JSON.stringify(value))
  return search.toString()
}

const requestsOfEach = 1000

const host: Host = { settings: { registration: "open" }, pages: { postLogin: "/authorize/organization" } }

const suite = <E>(name: string, services: Layer.Layer<Services, E>, odd: Oddities, worlds: number) =>
  withLayer(services)(`malformed requests (${name})`, (it) => {
    it.effect(
      "are answered: each body that is none, and each value that somebody falls over, in each place",
      () =>
        Effect.gen(function* () {
          const send = yield* serve
          const { known, targets } = yield* worldOf(send)
          let count = 0
          for (const { body, by, ids = [], methods, name, path, query = [] } of targets) {
            const [method = "POST"] = methods
            const headers: Readonly<Record<string, string>> = {
              origin: home,
              "content-type": body?.as === "json" ? "application/json" : "application/x-www-form-urlencoded",
              ...(by === "client" ? { authorization: known.authorizations.client[0] ?? "" } : {}),
              ...(by === "session" ? { cookie: known.cookies[0] ?? "" } : {}),
            }
            const requests: Array<readonly [path: string, body?: string]> = []
            for (const text of odd.texts.map((each) => each.slice(0, 3000))) {
              const id = encodeURIComponent(text.toWellFormed())
              if (path.includes("{}")) requests.push([path.replace("{}", id), "{}"])
              for (const parameter of query) {
                const all = new Map(query.map((each) => [each, known.values[each]?.[0] ?? "x"]))
                requests.push([`${path}?${toForm(new Map([...all, [parameter, text]]))}`, "{}"])
                requests.push([`${path}?${toForm(new Map([[parameter, text]]))}`, "{}"])
              }
            }
            const members = body?.members ?? []
            const needed = members.filter((member) => /^(?:redirect|request|identifier|lifetime)/u.test(member))
            const nested = members.flatMap((member) =>
              (body?.as === "json" ? odd.values : odd.texts).flatMap((value) =>
                // Beside all that is right, and beside no more than is needed: nothing else is refused before it.
                (body?.as === "json" ? [members, needed] : [needed]).map(
                  (members) =>
                    new Map<string, unknown>([
                      ...members.map((each) => [each, known.values[each]?.[0] ?? "x"] as const),
                      [member, value],
                    ]),
                ),
              ),
            )
            if (body !== undefined) {
              const bodies = [
                ...odd.bodies,
                ...nested.map((each) => (body.as === "json" ? toJson(each) : toForm(each))),
              ]
              for (const text of bodies) requests.push([path.replace("{}", ids[0] ?? "x"), text])
            }
            for (const [place, text] of requests) {
              const response = yield* send(place, {
                method,
                headers,
                ...(method === "GET" ? {} : { body: text ?? "" }),
              })
              try {
                assertAnswer(name, method, response)
              } catch (error) {
                assert.fail(`${String(error)}: ${method} ${place} ${response.status} ${(text ?? "").slice(0, 300)}`)
              }
              count += 1
            }
          }
          assert.isAbove(count, 500)
        }),
      120_000,
    )

    it.effect(
      `are answered in the words of their RFCs, ${worlds * requestsOfEach} of them, on every endpoint`,
      () =>
        Effect.gen(function* () {
          const send = yield* serve
          const random = randomOf(20_261_121)
          const seen = new Map<string, number>()
          for (let round = 0; round < worlds; round++) {
            const { known, targets } = yield* worldOf(send)
            for (let i = 0; i < requestsOfEach; i++) {
              const { path, request, target } = requestOf(random, targets, known)
              const what = () =>
                `${round}.${i} ${target.name}: ${request.method ?? ""} ${path.slice(0, 500)} ${JSON.stringify(request).slice(0, 1500)}`
              const response = yield* Effect.catchDefect(send(path, request), (defect) =>
                Effect.sync(() => assert.fail(`${String(defect)} ${what()}`)),
              )
              try {
                assertAnswer(target.name, request.method ?? "GET", response)
              } catch (error) {
                assert.fail(`${String(error)}: ${response.status} ${response.text.slice(0, 500)} ${what()}`)
              }
              const error = TestHttp.at(response.json, "error") ?? TestHttp.at(response.json, "_tag")
              const led = response.location?.startsWith(callback) === true ? " to the client" : ""
              const key = `${target.name} ${typeof error === "string" ? error : response.status}${led}`
              seen.set(key, (seen.get(key) ?? 0) + 1)
            }
          }
          // Few requests do not come everywhere.
          if (worlds < 10) return
          for (const key of reached) assert.isAbove(seen.get(key) ?? 0, 0, `${key} of ${JSON.stringify([...seen])}`)
        }),
      120_000,
    )
  })

suite("memory", layer(host), inMemory, 10)
for (const { layer: database, name } of TestDatabase.each([
  SqlCoreMigrations.migrations,
  SqlOAuthServerMigrations.migrations,
])) {
  // Text that memory keeps, and a database does not: one is enough to see it.
  if (name === "PostgreSQL") suite(name, layerSql(database, host), inDatabase, 2)
}

/** How far the requests must get: successes, too, and each kind of refusal. */
const reached: ReadonlyArray<string> = [
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
  "revoke invalid_request",
  "userinfo 200",
  "userinfo 401",
  "userinfo invalid_token",
  "userinfo invalid_request",
  "register 201",
  "register invalid_request",
  "register invalid_redirect_uri",
  "register invalid_client_metadata",
  "authorize 302",
  "authorize 302 to the client",
  "authorize 200",
  "authorize 303",
  "continue 302",
  "end-session 302",
  "requests 200",
  "requests 303",
  "requests AuthorizationRefused",
  "requests InvalidRequest",
  "requests CrossOriginRequest",
  "management 200",
  "management 201",
  "management InvalidRequest",
  "management ClientMetadataInvalid",
  "management ClientNotFound",
  "management ConsentNotFound",
  "management GrantNotFound",
  "management ResourceNotFound",
  "management SessionInvalid",
  "management CrossOriginRequest",
  "discovery 200",
]
