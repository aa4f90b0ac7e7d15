/**
 * Requests of the wrong form, over every route: the server answers each of them with the client's fault, shows nothing
 * of itself, and goes on.
 */
import { BelfryApi } from "@belfry/client/BelfryApi"
import { VerificationTokens } from "@belfry/core/VerificationTokens"
import { SignInAttempts } from "@belfry/factors/SignInAttempts"
import { OrganizationId } from "@belfry/organization/Organization"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Predicate, Redacted, Schema } from "effect"
import { HttpApi, OpenApi } from "effect/http-api"
import { Chance } from "./support/Chance.ts"
import { hostileTexts, longTexts } from "./support/hostileTexts.ts"
import * as Malformed from "./support/Malformed.ts"
import { anyId, isForm, pathOf, urlEncoded } from "./support/MalformedBase.ts"
import * as People from "./support/People.ts"
import * as TestServer from "./support/TestServer.ts"
import * as Wire from "./support/wire.ts"

const requests = 2000
const seed = Number(process.env["BELFRY_TEST_SEED"] ?? 20_260_101)

/** What no response may show: stack frames, files, names of what the server is made of. */
const internals =
  /\n\s+at |\bat (?:async )?[\w.<>]+ \(|node_modules|node:internal|file:\/\/|\/tmp\/|\.[jt]s:\d|SqlError|StoreError|SchemaError|HttpServerError|PgConnection|syntax error|belfry_(?:users|sessions|rate|sign_in_attempts|oauth_states|totps|hotps|passkeys)/

const document = OpenApi.fromApi(BelfryApi)

/** Names of properties anywhere in a part of the OpenAPI document, and in the schemas that it refers to. */
const propertyNames = (value: unknown, names = new Set<string>()): ReadonlySet<string> => {
  if (Array.isArray(value)) for (const item of value) propertyNames(item, names)
  else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      if (key === "properties") for (const name of Object.keys(Object(inner))) names.add(name)
      if (key === "$ref") propertyNames(schemas.get(String(inner)), names)
      propertyNames(inner, names)
    }
  }
  return names
}

const schemas = new Map(
  Object.entries(document.components.schemas).map(([name, schema]) => [`#/components/schemas/${name}`, schema]),
)

/** The body of each endpoint that has one, by method and path. */
const bodies = new Map(
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [
      `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/gu, ":$1")}`,
      Predicate.hasProperty(operation, "requestBody") ? operation.requestBody : undefined,
    ]),
  ),
)

const suitable: Readonly<Record<string, unknown>> = {
  email: "ada@example.com",
  password: People.password,
  currentPassword: People.password,
  newPassword: "another horse battery staple",
  name: "Ada Lovelace",
  image: "https://example.com/ada.png",
  slug: "engines",
  logo: "https://example.com/engine.png",
  label: "Ada's laptop",
  transport: "bearer",
  returnTo: "/account",
  action: "transfer",
  idToken: "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
  code: "123456",
  nextCode: "654321",
  secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
  counter: 0,
  digits: 6,
  algorithm: "SHA1",
  response: {
    id: "AAAA",
    rawId: "AAAA",
    type: "public-key",
    response: {
      clientDataJSON: "AAAA",
      attestationObject: "AAAA",
      authenticatorData: "AAAA",
      signature: "AAAA",
      userHandle: "AAAA",
      transports: ["internal"],
    },
  },
}

/** As the tokens that reset a password. */
const resetPurpose = {
  name: "password.reset",
  lifetime: Duration.hours(1),
  payload: Schema.Struct({ email: Schema.String }),
}

const fieldNames = [
  ...new Set([...[...bodies.values()].flatMap((body) => [...propertyNames(body)]), ...Object.keys(suitable), "token"]),
]

/** The fields that an endpoint of the API reads, or those that forms of pages have. */
const fieldsOf = (method: string, path: string): ReadonlyArray<string> =>
  path.startsWith("/auth/")
    ? path.endsWith("/callback")
      ? ["state", "code", "error", "iss", "user"]
      : [...propertyNames(bodies.get(`${method} ${path}`))]
    : [...Object.keys(suitable).filter((name) => name !== "response"), "token"]

/** A value with a text in the place of each field of that name. */
const withText = (value: unknown, field: string, text: string): unknown =>
  Predicate.isObject(value) && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, name === field ? text : withText(inner, field, text)]),
      )
    : value

const provider = `BELFRY_OIDC_${anyId.toUpperCase().replaceAll("-", "_")}`

const environment = {
  BELFRY_TRUSTED_PROXIES: "127.0.0.1",
  BELFRY_REQUEST_TIMEOUT: "1 minute",
  // A provider whose host answers nobody.
  BELFRY_OIDC_PROVIDERS: anyId,
  [`${provider}_ISSUER`]: "http://127.0.0.1:9",
  [`${provider}_CLIENT_ID`]: "belfry",
}

layer(TestServer.layer({ environment }), {
  excludeTestServices: true,
  timeout: "2 minutes",
})("malformed requests", (it) => {
  it.effect("are sent over every endpoint of the contract, the pages, and what stands beside them", () =>
    Effect.gen(function* () {
      const { routes } = yield* TestServer.TestServer
      const served = routes.map(({ method, path }) => `${method} ${path}`)
      HttpApi.reflect(BelfryApi, {
        onGroup: () => undefined,
        onEndpoint: ({ endpoint }) => assert.include(served, `${endpoint.method} ${endpoint.path}`),
      })
      for (const path of ["/auth/openapi.json", "/auth/docs", "/health/live", "/health/ready", "/metrics"]) {
        assert.include(served, `GET ${path}`)
      }
    }),
  )

  it.effect(
    "are refused without a failure of the server, and without a word about its inside",
    () =>
      Effect.gen(function* () {
        const { port, routes, logs } = yield* TestServer.TestServer
        const tokens = yield* VerificationTokens

        const whoAmI = (token: string) =>
          Effect.promise(() => Wire.fetch(port, { path: "/auth/session", headers: People.bearer(token) }))

        const bystander = yield* People.signedIn("bystander@example.com")
        const targets = [
          ...routes,
          { method: "GET", path: "/no-such-page" },
          { method: "POST", path: "/auth/no-such-endpoint" },
          { method: "GET", path: "/auth" },
        ]
        const plan = Array.from(
          { length: Math.max(requests, targets.length * Malformed.kinds.length) },
          (_, index) => ({
            index,
            route: targets[index % targets.length] ?? { method: "GET", path: "/" },
            kind: Malformed.kinds[Math.floor(index / targets.length) % Malformed.kinds.length] ?? "body",
          }),
        )

        const faults: Array<string> = []
        const run = Effect.fnUntraced(function* ({ index, route, kind }: (typeof plan)[number]) {
          const { user, token: session } = yield* People.signedIn(`user-${index}@example.com`)
          const verification = Redacted.value(
            yield* tokens.issue({
              purpose: resetPurpose,
              subject: user.id,
              userId: user.id,
              payload: { email: user.email },
            }),
          )
          const fields = Object.fromEntries(fieldNames.map((name) => [name, suitable[name] ?? "text"]))
          const malformed = Malformed.make(
            kind,
            route,
            { session, verification, fields: { ...fields, token: verification } },
            new Chance(seed + index),
          )
          const send = Effect.promise(() =>
            Wire.send(port, malformed.bytes, {
              isHead: malformed.isHead,
              patience: malformed.mayEndUnanswered ? 500 : 20_000,
            }),
          )
          let answer = yield* send
          // Its office is to say that the database takes longer than 2 seconds, as on a machine that is too busy.
          for (let again = 0; again < 3 && route.path === "/health/ready" && hasFailed(answer); again++) {
            answer = yield* Effect.delay(send, "1 second")
          }
          const what = `BELFRY_TEST_SEED=${seed}, request ${index}, ${kind} to ${route.method} ${route.path}`
          for (const fault of faultsOf(answer, malformed)) {
            const sent = JSON.stringify(Buffer.from(malformed.bytes).toString("latin1").slice(0, 1000))
            faults.push(`${what}: ${fault}; sent ${sent}`)
          }
        })
        yield* Effect.forEach(plan, run, { concurrency: 16, discard: true })

        assert.strictEqual(faults.length, 0, `\n${faults.slice(0, 10).join("\n\n")}\n`)
        assert.isAtLeast(plan.length, requests)

        const ready = yield* Effect.promise(() => Wire.fetch(port, { path: "/health/ready" }))
        assert.strictEqual(ready.status, 200)
        const session = yield* whoAmI(bystander.token)
        assert.strictEqual(session.status, 200)
        assert.include(session.body, bystander.user.id)
        const newcomer = yield* People.signedIn("newcomer@example.com")
        assert.strictEqual((yield* whoAmI(newcomer.token)).status, 200)

        // The log tells no failure, and nothing that was sent: addresses, passwords, tokens.
        assert.notMatch(
          logs.filter((line) => !line.includes('"route":"/health/ready"')).join("\n"),
          /Request failed|example\.com|horse battery|belfry_(?:session|verify|sign_up|sign_in)_\w/,
        )
      }),
    { timeout: 120_000 },
  )

  it.effect(
    "are refused or taken in every field: text that the database would refuse, and text of the largest size in no time",
    () =>
      Effect.gen(function* () {
        const { port, routes } = yield* TestServer.TestServer
        const actions = routes.filter(({ method }) => method !== "GET")
        const id = OrganizationId.make(anyId)
        yield* OrganizationBuilders.storedOrganization({ id })
        for (const [index, { method, path }] of actions.entries()) {
          const form = isForm(path)
          const fields = fieldsOf(method, path)
          for (const field of fields) {
            // Credentials that are right, so that what is wrong comes as far as it may; and new ones, which no rate
            // limit knows.
            const email = `${field.toLowerCase()}.${index}@example.com`
            const user = yield* People.registered(email)
            const { token } = yield* People.session(user)
            if (path.includes("/:organization")) yield* OrganizationBuilders.storedMember(id, { user, roles: owner })
            const address = `198.18.${index}.${fields.indexOf(field)}`
            const signIn = yield* SignInAttempts.use((attempts) =>
              attempts.start({ client: { ipAddress: address, userAgent: null } }),
            )
            const attemptCookie = `belfry_sign_in=${Redacted.value(signIn.token)}`
            for (const text of [...hostileTexts, ...(form ? [] : longTexts)]) {
              const body = Object(
                withText({ [field]: text, ...suitable, email }, field, field === "email" ? `${text}${email}` : text),
              )
              const started = performance.now()
              const { status } = yield* Effect.promise(() =>
                Wire.fetch(port, {
                  method,
                  path: pathOf(path),
                  headers: [
                    ["content-type", form ? "application/x-www-form-urlencoded" : "application/json"],
                    ["x-forwarded-for", address],
                    ...(form
                      ? ([
                          ["cookie", `belfry_session=${token}; ${attemptCookie}`],
                          ["sec-fetch-site", "same-origin"],
                        ] as const)
                      : [...People.bearer(token), ["cookie", attemptCookie] as const]),
                  ],
                  body: form ? urlEncoded(body) : JSON.stringify(body),
                }),
              )
              const seconds = (performance.now() - started) / 1000
              const what = `${JSON.stringify(text.slice(0, 20))} as ${field} to ${method} ${path}: ${status} in ${seconds} s`
              assert.isBelow(status, 500, what)
              assert.isBelow(seconds, 2, what)
            }
          }
        }
      }),
    { timeout: 120_000 },
  )

  it.effect("are answered where a list is searched or gone on with by text that the database would refuse", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer.TestServer
      const user = yield* People.registered("searches@example.com")
      const { token } = yield* People.session(user)
      const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: user })
      for (const list of ["", "/members", "/roles", "/invitations", "/teams", "/audit-log"]) {
        const path = `/organizations${list === "" ? "" : `/${organization.id}${list}`}`
        for (const text of ["%00ab", "ab%00", "%ed%a0%80ab", "%25%5c_%27", "AAAA", "A".repeat(10_000)]) {
          for (const [target, headers] of [
            [path, [["cookie", `belfry_session=${token}`] as const]],
            [`/auth${path.replace("audit-log", "audit-events")}`, People.bearer(token)],
          ] as const) {
            for (const parameter of ["search", "cursor"]) {
              const query = `${target}?${parameter}=${text}`
              const { status } = yield* Effect.promise(() => Wire.fetch(port, { path: query, headers: [...headers] }))
              assert.include([200, 422], status, query.slice(0, 200))
            }
          }
        }
      }
    }),
  )
})

/** The roles of somebody who may do everything in an organization. */
const owner = OrganizationBuilders.builtIn("owner")

const hasFailed = (answer: Wire.Answer): boolean => answer.responses.some(({ status }) => status >= 500)

const faultsOf = (answer: Wire.Answer, request: Malformed.Malformed): ReadonlyArray<string> => {
  const faults: Array<string> = []
  if (answer.ending === "silent" && !request.mayEndUnanswered) faults.push("no answer")
  if (answer.responses.length === 0 && !request.mayEndUnanswered) faults.push(`${answer.ending} without a response`)
  for (const { status, headers, body } of answer.responses) {
    if (status >= 500) faults.push(`status ${status}: ${body.slice(0, 500)}`)
    const isDocs = request.route.path === "/auth/docs" && status === 200
    if (!isDocs && internals.test(body))
      faults.push(`shows its inside: ${internals.exec(body)?.[0]} in ${body.slice(0, 500)}`)
    // Node itself refuses what is no HTTP, without a body; whatever has an id was answered by the application.
    if (headers["x-request-id"] === undefined || status < 400 || request.isHead) continue
    const type = headers["content-type"] ?? "none"
    const isPage = isForPeople(request.route.path) && type.startsWith("text/html")
    // RFC 6749 §5.2: endpoints of protocols answer in their own words.
    const isProtocol = request.route.path.startsWith("/auth/oauth2/") && isOAuthError(type, body)
    if (!isPage && !isProtocol && type !== "application/problem+json")
      faults.push(`status ${status} with content type ${type}: ${body.slice(0, 200)}`)
    if (type === "application/problem+json" && statusIn(body) !== status)
      faults.push(`no problem of ${status}: ${body}`)
  }
  return faults
}

/** Pages, and what a browser is led to by a client. */
const isForPeople = (path: string): boolean =>
  !path.startsWith("/auth/") || /^\/auth\/oauth2\/(?:authorize|continue|end-session)$/u.test(path)

const isOAuthError = (type: string, body: string): boolean => {
  if (type !== "application/json") return false
  const error: unknown = JSON.parse(body)
  return Predicate.hasProperty(error, "error") && /^[a-z_]+$/u.test(String(error.error))
}

const statusIn = (body: string): unknown => {
  const problem: unknown = JSON.parse(body)
  return typeof problem === "object" && problem !== null && "status" in problem ? problem.status : undefined
}
