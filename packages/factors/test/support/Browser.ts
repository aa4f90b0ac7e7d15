/**
 * A browser over the test server: it keeps cookies and says where its requests come from.
 */
import { Passwords } from "@belfry/factors/Passwords"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert } from "@effect/vitest"
import { Effect, Redacted, type Schema } from "effect"
import { ada, adasPassword, home, signUp, takeToken } from "./People.ts"
import * as TestServer from "./TestServer.ts"

export { textAt } from "@belfry/testing/TestHttp"

/** Name of the cookie of a sign-in attempt, and of a session, on http. */
export const signInCookie = "belfry_sign_in"
export const sessionCookie = "belfry_session"

/** What a browser does. `cookies` are those that it has. */
export type Browser = Effect.Success<ReturnType<typeof open>>

/** Opens a browser without cookies. */
export const open = Effect.fnUntraced(function* (baseUrl = "http://localhost:3000") {
  const send = yield* TestServer.make(baseUrl)
  const cookies = new Map<string, string>()

  const request = Effect.fnUntraced(function* (method: string, path: string, json?: Schema.Json, origin = baseUrl) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const headers = { origin, ...(cookie === "" ? {} : { cookie }) }
    const response = yield* send(path, { method, headers, ...(json === undefined ? {} : { json }) })
    TestHttp.keepCookies(cookies, response)
    return response
  })

  return {
    cookies,
    get: (path: string) => request("GET", path),
    post: (path: string, json?: Schema.Json) => request("POST", path, json),
    /** Sends what a page of another origin has it send. */
    postFrom: (origin: string, path: string, json?: Schema.Json) => request("POST", path, json, origin),
    patch: (path: string, json: Schema.Json) => request("PATCH", path, json),
    delete: (path: string) => request("DELETE", path),
  }
})

/** Ada signs up, whatever her sign-in asks for next. */
export const join = Effect.gen(function* () {
  const browser = yield* signUp()
  const token = yield* takeToken(ada, "confirm-sign-up")
  yield* Passwords.use((passwords) => passwords.confirmSignUp({ token, browser, client: home }))
})

/** What Ada types first. */
export const credentials = { email: String(ada), password: Redacted.value(adasPassword) }

/** A browser in which Ada is signed in with her password alone. */
export const signedIn = Effect.fnUntraced(function* (baseUrl?: string) {
  const browser = yield* open(baseUrl)
  const response = yield* browser.post("/auth/sign-in/password", credentials)
  assert.strictEqual(at(response, "status"), "complete")
  return browser
})

/** A browser in which Ada proved her password, and is asked for more. */
export const afterPassword = Effect.fnUntraced(function* (baseUrl?: string) {
  const browser = yield* open(baseUrl)
  const response = yield* browser.post("/auth/sign-in/password", credentials)
  assert.strictEqual(at(response, "status"), "continue")
  return browser
})

/** What stands at a path of the body, or undefined. */
export const at = ({ json }: TestServer.TestResponse, ...path: ReadonlyArray<string>): unknown =>
  TestServer.at(json, ...path)

/** The texts at a path of the body. Fails the test when they are none. */
export const textsAt = (response: TestServer.TestResponse, ...path: ReadonlyArray<string>): ReadonlyArray<string> => {
  const list = at(response, ...path)
  return Array.isArray(list) ? list.map(String) : assert.fail(`no list at ${path.join(".")}: ${response.text}`)
}

/** What `GET /auth/session` says of the session: its `amr` and `acr`. Null without one. */
export const sessionOf = Effect.fnUntraced(function* (browser: Browser) {
  const response = yield* browser.get("/auth/session")
  if (response.status === 401) return null
  return { amr: at(response, "session", "amr"), acr: at(response, "session", "acr") }
})

/** Asserts that a response takes the cookie of the attempt back. */
export const assertForgotten = (response: TestServer.TestResponse) => {
  assert.strictEqual(response.cookies[signInCookie]?.value, "")
  assert.isTrue(response.cookies[signInCookie]?.attributes.includes("Max-Age=0"))
}
