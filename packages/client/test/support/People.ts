/**
 * People who use the client: in browsers and by programs, each in a line.
 */
import * as BelfryClient from "@belfry/client/BelfryClient"
import { Email } from "@belfry/core/User"
import type { SignInResult } from "@belfry/factors/SignInAttemptsApi"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import * as TestServer from "./TestServer.ts"

export const password = Redacted.make("correct horse battery staple")

let people = 0
export const newAddress = Effect.sync(() => Email.make(`person${++people}@example.com`))

/** A browser of its own: a client with a cookie jar. */
export const browser = Effect.gen(function* () {
  const origin = yield* TestServer.Origin
  const context = yield* Layer.build(
    Layer.fresh(BelfryClient.layer({ baseUrl: origin })).pipe(
      Layer.provide(Layer.fresh(BelfryClient.layerCookieJar(origin))),
      Layer.provide(FetchHttpClient.layer),
    ),
  )
  return Context.get(context, BelfryClient.BelfryClient)
})

/** A program that keeps tokens itself: this one, if given. */
export const program = (token?: Redacted.Redacted | null) =>
  Effect.gen(function* () {
    const baseUrl = yield* TestServer.Origin
    return yield* BelfryClient.make({ baseUrl, ...(token === undefined || token === null ? {} : { token }) })
  }).pipe(Effect.provide(FetchHttpClient.layer))

/** The last message of a category to an address. */
export const mailed = (email: Email, category: string) =>
  CapturingMailer.CapturingMailer.use((mailer) => mailer.takeLast(email, category))

/** What the link in the last message of a category to an address carries as token. */
export const mailedToken = (email: Email, category: string) =>
  Effect.map(mailed(email, category), (message) =>
    Redacted.make(CapturingMailer.linkIn(message).searchParams.get("token") ?? ""),
  )

/** The session of a sign-in that is complete. */
export const completed = <E, R>(signingIn: Effect.Effect<SignInResult, E, R>) =>
  Effect.map(signingIn, (result) =>
    result.status === "complete" ? result : assert.fail(`it goes on with ${result.factors.join()}`),
  )

/** Signs somebody up, in a browser that is signed in then. */
export const signUp = Effect.gen(function* () {
  const client = yield* browser
  const email = yield* newAddress
  yield* client.passwords.signUp({ payload: { email, password, name: "Ada" } })
  const token = yield* mailedToken(email, "confirm-sign-up")
  const signedIn = yield* completed(client.passwords.confirmSignUp({ payload: { token } }))
  return { client, email, ...signedIn }
})
