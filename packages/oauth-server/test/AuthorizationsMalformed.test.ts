/**
 * Whatever comes to the endpoints that browsers are led to: never an error of the server, and never a redirect to a
 * place that no client registered.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import type * as TestHttp from "@belfry/testing/TestHttp"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, layer as withLayer } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import {
  callback,
  challenge,
  layer,
  layerHost,
  open,
  serve,
  type Services,
  signIn,
  storedClient,
} from "./support/Authorizing.ts"
import { forgeriesOf, idToken } from "./support/IdTokens.ts"
import { confusing } from "./support/redirectUris.ts"

const target = "https://client.example.com/signed-out"

const names = [
  "client_id",
  "redirect_uri",
  "response_type",
  "response_mode",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
  "prompt",
  "max_age",
  "claims",
  "acr_values",
  "display",
  "ui_locales",
  "login_hint",
  "id_token_hint",
  "resource",
  "request",
  "request_uri",
  "registration",
  "post_logout_redirect_uri",
  "step",
  "accept",
  "__proto__",
] as const

const known = [
  "code",
  "openid",
  "offline_access",
  "openid profile email",
  callback,
  target,
  challenge,
  "S256",
  "form_post",
  "none",
  "login consent",
  "0",
  "-1",
  "9".repeat(30),
  "null",
  "{}",
  '{"id_token":{"acr":{"essential":true,"values":["x"]}}}',
  '{"userinfo":{"email":{"value":"\\u0000"}}}',
  "https://api.example.com/\u0000",
  "%",
  "\uD800",
  "\u0000",
  "x".repeat(3000),
] as const

/** What may come: names that mean something and any other, values that nearly fit, in any method, body and place. */
const Chaos = Schema.Struct({
  path: Schema.Literals([
    "authorize",
    "continue",
    "end-session",
    "consent",
    "requests",
    "cancel",
    "confirm",
    "request",
  ]),
  method: Schema.Literals(["GET", "POST", "POST", "PUT", "DELETE", "OPTIONS"]),
  type: Schema.Union([
    Schema.Literals(["application/x-www-form-urlencoded", "application/json", "multipart/form-data", "text/plain", ""]),
    Schema.String,
  ]),
  fields: Schema.Array(
    Schema.Tuple([
      Schema.Union([Schema.Literals(names), Schema.String]),
      Schema.Union([Schema.Literals(known), Schema.String]),
    ]),
  ),
  starts: Schema.Literals(["nothing", "client", "request"]),
  tail: Schema.String,
  cookie: Schema.Union([Schema.Literals(["own", "none", "session"]), Schema.String]),
  script: Schema.Boolean,
})

/** The characters of a text that a header may have. */
const inHeader = (text: string): string => text.replaceAll(/[^\x20-\x7E]|[;,]/gu, "").trim()

/** Where a redirect may lead: pages of this site, and what the client registered. */
const isKnownPlace = (location: string): boolean =>
  location === target ||
  [callback, target].some((uri) => location.startsWith(`${uri}?`)) ||
  ["/sign-in", "/sign-up", "/account/confirm", "/authorize/", "/sign-out/", "/auth/oauth2/"].some((path) =>
    location.startsWith(path),
  )

/** What holds of every answer. */
const assertSound = (response: TestHttp.TestResponse, what: unknown) => {
  assert.isBelow(response.status, 500, JSON.stringify(what))
  assert.notStrictEqual(response.status, 307)
  const { location } = response
  if (location !== null) assert.isTrue(isKnownPlace(location), location)
  if (response.status === 200 && response.text.startsWith("<")) {
    const [, action] = /<form method="post" action="([^"]*)">/.exec(response.text) ?? []
    assert.strictEqual(action, callback)
  }
  assert.isNull(response.headers.get("access-control-allow-origin"))
}

/** A server with a client, a person, and an ID token of theirs: made once for all runs. */
class World extends Context.Service<World, Effect.Success<typeof world>>()("@belfry/oauth-server/test/World") {}

const world = Effect.gen(function* () {
  const send = yield* serve
  const client = yield* storedClient({ metadata: { postLogoutRedirectUris: [target] } })
  const person = yield* signIn()
  return { send, client, person, hint: yield* idToken(client, person) }
})

const layerWorld = Layer.effect(World, world)

const suite = <E>(name: string, services: Layer.Layer<Services, E>, runs: number) =>
  withLayer(Layer.provideMerge(layerWorld, services))(`malformed input (${name})`, (it) => {
    it.effect.prop(
      `is answered with what the protocol says, ${runs} times over`,
      [Chaos],
      ([chaos]) =>
        Effect.gen(function* () {
          const { send, client, person } = yield* World
          const browser = yield* open(send)
          const first = yield* browser.go(`/auth/oauth2/authorize?client_id=${client.id}&redirect_uri=${callback}`)
          assert.strictEqual(first.status, 302)
          const begun = yield* browser.go(
            `/auth/oauth2/authorize?${new URLSearchParams({
              client_id: client.id,
              redirect_uri: callback,
              response_type: "code",
              scope: "openid",
              code_challenge: challenge,
              code_challenge_method: "S256",
            }).toString()}`,
          )
          const id = new URL(begun.location ?? "", "http://localhost").searchParams.get("request") ?? ""
          const fields: Array<readonly [string, string]> =
            chaos.starts === "client"
              ? [
                  ["client_id", client.id],
                  ["redirect_uri", callback],
                ]
              : chaos.starts === "request"
                ? [["request", id]]
                : []
          fields.push(...chaos.fields)
          const query = new URLSearchParams()
          for (const [name, value] of fields) query.append(name, value)
          const text = `${query.toString()}${chaos.tail}`
          const paths = {
            authorize: "authorize",
            continue: "continue",
            "end-session": "end-session",
            consent: "consent",
            requests: `requests/${encodeURIComponent(chaos.tail.isWellFormed() ? chaos.tail : id)}`,
            cancel: `requests/${id}/cancel`,
            confirm: "end-session/confirm",
            request: "end-session/request",
          }
          if (chaos.cookie === "own" || chaos.cookie === "session") yield* browser.signIn(person.user)
          if (chaos.cookie === "none") browser.cookies.clear()
          if (!["own", "none", "session"].includes(chaos.cookie)) {
            browser.cookies.set("belfry_authorization", inHeader(chaos.cookie))
            browser.cookies.set("belfry_session", inHeader(chaos.cookie))
          }
          const path = `/auth/oauth2/${paths[chaos.path]}`
          const isBodied = chaos.method === "POST" || chaos.method === "PUT" || chaos.method === "DELETE"
          const response = yield* browser.request(isBodied ? path : `${path}?${text.replaceAll("#", "%23")}`, {
            method: chaos.method,
            headers: {
              origin: "http://localhost:3000",
              ...(chaos.script ? { "sec-fetch-mode": "cors" } : {}),
              ...(isBodied && inHeader(chaos.type) !== "" ? { "content-type": inHeader(chaos.type) } : {}),
            },
            ...(isBodied
              ? { body: chaos.type === "application/json" ? JSON.stringify(Object.fromEntries(query)) : text }
              : {}),
          })
          assertSound(response, chaos)
        }),
      { arbitrary: { runs } },
    )
  })

suite("memory", layer(), 2000)

withLayer(Layer.provideMerge(layerWorld, layer()))("each parameter with each value", (it) => {
  it.effect("leads nowhere but to what is registered, for each parameter and each value of it", () =>
    Effect.gen(function* () {
      const { send, client, hint, person } = yield* World
      const browser = yield* open(send)
      yield* browser.signIn(person.user)
      const sound: Readonly<Record<string, string>> = {
        client_id: client.id,
        redirect_uri: callback,
        response_type: "code",
        scope: "openid",
        state: "s",
        code_challenge: challenge,
        code_challenge_method: "S256",
      }
      const values = [...known, ...forgeriesOf(hint), hint, "", " ", "\r\nLocation: https://evil.example"]
      let count = 0
      for (const name of names) {
        for (const value of name.endsWith("_uri") ? [...values, ...confusing] : values) {
          const query = new URLSearchParams({ ...sound, [name]: value }).toString()
          for (const path of ["authorize", "end-session"]) {
            assertSound(yield* browser.go(`/auth/oauth2/${path}?${query}`), [path, name, value])
            count++
          }
        }
      }
      assert.isAtLeast(count, 2000)
    }),
  )
})

for (const { layer: database, name } of TestDatabase.each([
  SqlCoreMigrations.migrations,
  SqlOAuthServerMigrations.migrations,
])) {
  const services = TestServices.layerOAuthServer.pipe(
    Layer.provideMerge(layerHost()),
    Layer.provideMerge(TestServices.layerSql(database)),
  )
  suite(name, services, 300)
}
