import * as BelfryClient from "@belfry/client/BelfryClient"
import type { CrossOriginRequest } from "@belfry/core/RequestOrigin"
import { RateLimited } from "@belfry/core/RateLimit"
import type { InvalidRequest, ServiceUnavailable } from "@belfry/core/ProblemApi"
import { SessionInvalid, SessionNotFound } from "@belfry/core/Session"
import { SessionId } from "@belfry/core/Session"
import { InvalidCredentials, PasswordRequired } from "@belfry/factors/Password"
import type { SignInRefused } from "@belfry/factors/SignInAttempt"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, type Schema } from "effect"
import { FetchHttpClient, HttpClient, type HttpClientError } from "effect/http"
import { browser, completed, mailedToken, newAddress, password, program, signUp } from "./support/People.ts"
import * as TestServer from "./support/TestServer.ts"

withLayer(TestServer.layer, { excludeTestServices: true })("BelfryClient, against a server", (it) => {
  it.effect("signs up by the link in the mail and is signed in by a cookie, without seeing a token", () =>
    Effect.gen(function* () {
      const { client, email, user, session, token } = yield* signUp
      assert.strictEqual(token, null)
      assert.deepStrictEqual([user.email, user.name], [email, "Ada"])
      assert.isNotNull(user.emailVerifiedAt)
      assert.deepStrictEqual(yield* client.sessions.current(), { session, user })
      assert.deepStrictEqual(yield* client.users.current(), user)
    }),
  )

  it.effect("asks for the password when the link is followed in another browser", () =>
    Effect.gen(function* () {
      const [client, other] = [yield* browser, yield* browser]
      const email = yield* newAddress
      yield* client.passwords.signUp({ payload: { email, password } })
      const token = yield* mailedToken(email, "confirm-sign-up")
      const refused = yield* Effect.flip(other.passwords.confirmSignUp({ payload: { token } }))
      assert.deepStrictEqual(refused, new PasswordRequired())
      const { user } = yield* completed(other.passwords.confirmSignUp({ payload: { token, password } }))
      assert.strictEqual(user.email, email)
    }),
  )

  it.effect("keeps the cookies of two jars apart", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* signUp, yield* signUp]
      assert.strictEqual((yield* one.client.users.current()).id, one.user.id)
      assert.strictEqual((yield* two.client.users.current()).id, two.user.id)
      yield* one.client.sessions.signOut()
      assert.deepStrictEqual(yield* Effect.flip(one.client.users.current()), new SessionInvalid())
      assert.strictEqual((yield* two.client.users.current()).id, two.user.id)
    }),
  )

  it.effect("signs out and in again, changes the user, and sees its sessions", () =>
    Effect.gen(function* () {
      const { client, email, user } = yield* signUp
      yield* client.sessions.signOut()
      const { session } = yield* completed(client.passwords.signIn({ payload: { email, password, label: "Test" } }))
      assert.strictEqual(session.label, "Test")
      assert.strictEqual((yield* client.users.update({ payload: { name: null } })).name, null)
      const listed = yield* client.sessions.list()
      assert.deepStrictEqual([listed.sessions, listed.currentSessionId], [[session], session.id])
      yield* (yield* program()).passwords.signIn({ payload: { email, password, transport: "bearer" } })
      assert.deepStrictEqual(yield* client.sessions.revokeMany({ query: { scope: "others" } }), { revoked: 1 })
      yield* client.users.remove()
      const gone = yield* Effect.flip(client.passwords.signIn({ payload: { email, password } }))
      assert.deepStrictEqual(gone, new InvalidCredentials())
      assert.isString(user.id)
    }),
  )

  it.effect("carries a bearer token, by which no cookie comes", () =>
    Effect.gen(function* () {
      const { email, user } = yield* signUp
      const stranger = yield* program()
      const { token } = yield* completed(
        stranger.passwords.signIn({ payload: { email, password, transport: "bearer" } }),
      )
      if (token === null) return assert.fail("no token")
      assert.notInclude(String(token), Redacted.value(token))
      assert.deepStrictEqual(yield* Effect.flip(stranger.users.current()), new SessionInvalid())
      const client = yield* program(token)
      assert.strictEqual((yield* client.users.current()).id, user.id)
      yield* client.sessions.signOut()
      assert.deepStrictEqual(yield* Effect.flip(client.users.current()), new SessionInvalid())
    }),
  )

  it.effect("fails with the errors of the contract, fields and all", () =>
    Effect.gen(function* () {
      const { client } = yield* signUp
      const sessionId = SessionId.make("019a0000-0000-7000-8000-000000000000")
      const notFound = yield* Effect.flip(client.sessions.revoke({ params: { sessionId } }))
      assert.deepStrictEqual(notFound, new SessionNotFound({ sessionId }))
      const weak = yield* newAddress
      const rejected = yield* Effect.flip(
        client.passwords.signUp({ payload: { email: weak, password: Redacted.make("short") } }),
      )
      if (rejected._tag !== "PasswordRejected") return assert.fail(rejected._tag)
      assert.deepStrictEqual([rejected.reason, rejected.minimum], ["too-short", 8])
      const send = client.users.requestEmailChange({ payload: { email: weak } })
      yield* Effect.repeat(send, { times: 4 })
      const limited = yield* Effect.flip(send)
      if (limited._tag !== "RateLimited") return assert.fail(limited._tag)
      assert.isTrue(limited instanceof RateLimited && limited.retryAfter > 3500 && limited.retryAfter <= 3600)
    }),
  )

  it.effect("narrows what can still go wrong when an error is caught by its tag", () =>
    Effect.gen(function* () {
      const client = yield* browser
      const payload = { email: yield* newAddress, password }
      const greeting = client.passwords.signIn({ payload }).pipe(
        Effect.map((result) => (result.status === "complete" ? `hello ${result.user.email}` : "and the code?")),
        Effect.catchTag("InvalidCredentials", () => Effect.succeed("who are you?")),
      )
      // Compiles only while InvalidCredentials is among the errors of the endpoint and gone after it was caught.
      const rest: Effect.Effect<string, Remaining> = greeting
      const all: Same<Effect.Error<typeof greeting>, Remaining> = true
      assert.strictEqual(yield* rest, "who are you?")
      assert.isTrue(all)
    }),
  )

  it.effect("is refused with a cookie when it does not say where it is from", () =>
    Effect.gen(function* () {
      const origin = yield* TestServer.Origin
      const { email } = yield* signUp
      const elsewhere = yield* Layer.build(
        Layer.fresh(BelfryClient.layer({ baseUrl: origin })).pipe(
          Layer.provide(Layer.fresh(BelfryClient.layerCookieJar("https://evil.example"))),
          Layer.provide(FetchHttpClient.layer),
        ),
      )
      const client = Context.get(elsewhere, BelfryClient.BelfryClient)
      const refused = yield* Effect.flip(client.passwords.signIn({ payload: { email, password } }))
      assert.strictEqual(refused._tag, "CrossOriginRequest")
    }),
  )
})

describe("BelfryClient", () => {
  /** Runs a request by `layerFetch` and shows what `fetch` was given. */
  const fetched = (options?: BelfryClient.BelfryClientOptions) => {
    const calls: Array<readonly [url: string, init: RequestInit | undefined]> = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      calls.push([String(input), init])
      return Promise.resolve(new Response(null, { status: 204 }))
    }
    return BelfryClient.BelfryClient.use((client) => client.sessions.signOut()).pipe(
      Effect.provide(BelfryClient.layerFetch(options)),
      Effect.provideService(FetchHttpClient.Fetch, fetch),
      Effect.map(() => calls[0]),
    )
  }

  it.effect("lets a browser send its cookies along", () =>
    Effect.gen(function* () {
      const [url, init] = (yield* fetched({ baseUrl: "https://app.example" })) ?? assert.fail("nothing was fetched")
      assert.strictEqual(url, "https://app.example/auth/sign-out")
      assert.strictEqual(init?.credentials, "include")
    }),
  )

  it.effect("asks the page's own origin where no other is given", () =>
    Effect.gen(function* () {
      const before = Object.getOwnPropertyDescriptor(globalThis, "location")
      Object.defineProperty(globalThis, "location", {
        value: new URL("https://page.example/account"),
        configurable: true,
      })
      const [url] = yield* fetched().pipe(
        Effect.map((call) => call ?? assert.fail("nothing was fetched")),
        Effect.ensuring(
          Effect.sync(() => {
            if (before === undefined) Reflect.deleteProperty(globalThis, "location")
            else Object.defineProperty(globalThis, "location", before)
          }),
        ),
      )
      assert.strictEqual(url, "https://page.example/auth/sign-out")
    }),
  )

  it.effect("keeps the bearer token out of sight and on every request", () =>
    Effect.gen(function* () {
      const token = Redacted.make("belfry_session_secret")
      const [, init] = (yield* fetched({ baseUrl: "https://app.example", token })) ?? assert.fail("nothing was fetched")
      assert.strictEqual(new Headers(init?.headers).get("authorization"), "Bearer belfry_session_secret")
      assert.notInclude(JSON.stringify({ token }), "secret")
    }),
  )

  it.effect("keeps a cookie for https away from http", () =>
    Effect.gen(function* () {
      const seen: Array<string | null> = []
      const fetch: typeof globalThis.fetch = (_input, init) => {
        seen.push(new Headers(init?.headers).get("cookie"))
        const headers = [
          ["set-cookie", "__Host-belfry_session=abc; Path=/; Secure; HttpOnly"],
          ["set-cookie", "plain=1; Path=/"],
        ] as const
        return Promise.resolve(
          new Response(null, { status: 204, headers: headers.map(([name, value]) => [name, value]) }),
        )
      }
      yield* Effect.gen(function* () {
        const client = yield* HttpClient.HttpClient
        yield* client.get("https://app.example/")
        yield* client.get("https://app.example/")
        yield* client.get("http://app.example/")
      }).pipe(
        Effect.provide(BelfryClient.layerCookieJar("https://app.example")),
        Effect.provide(FetchHttpClient.layer),
        Effect.provideService(FetchHttpClient.Fetch, fetch),
      )
      assert.deepStrictEqual(seen, [null, "__Host-belfry_session=abc; plain=1", "plain=1"])
    }),
  )
})

type Remaining =
  | RateLimited
  | SignInRefused
  | InvalidRequest
  | CrossOriginRequest
  | ServiceUnavailable
  | HttpClientError.HttpClientError
  | Schema.SchemaError

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
