/**
 * Starts the application beside a provider on this machine, and looks at it as a browser does.
 */
import { BelfryApi } from "@belfry/client"
import * as Example from "@belfry/testing/Example"
import * as OpenIdProvider from "@belfry/testing/OpenIdProvider"
import { Console, Effect, Layer } from "effect"
import { HttpClientRequest } from "effect/http"
import { deepStrictEqual, strictEqual } from "node:assert"
import { start } from "./host.ts"

const program = Layer.effectDiscard(
  Effect.acquireRelease(
    Effect.promise(() => start()),
    ({ stop }) => Effect.promise(stop),
  ),
)

const check = Effect.fnUntraced(function* () {
  const { baseUrl } = yield* Example.Place
  const browser = yield* Example.browser
  const { providers, sessions } = yield* browser.client(BelfryApi.BelfryApi)

  const stranger = yield* browser.http.get(`${baseUrl}/notes`)
  yield* Console.log(`GET /notes, signed out: ${stranger.status}`)

  const signInPage = yield* browser.http.get(`${baseUrl}/sign-in`)
  strictEqual((yield* signInPage.text).includes("Continue with Acme"), true)
  const { url } = yield* providers.signIn({ params: { providerId: "acme" }, payload: { redirectUrl: "/notes" } })
  const landed = yield* browser.http.get(url)
  yield* Console.log(`GET /notes, signed in: ${yield* landed.text}`)

  const post = HttpClientRequest.post(`${baseUrl}/notes`).pipe(HttpClientRequest.bodyText("Hello"))
  const posted = yield* browser.http.execute(post)
  yield* Console.log(`POST /notes: ${posted.status} ${yield* posted.text}`)
  const forged = HttpClientRequest.setHeader(post, "sec-fetch-site", "cross-site")
  strictEqual((yield* browser.http.execute(forged)).status, 403)
  yield* Console.log("POST /notes, by another site: 403")

  const { sessions: open } = yield* sessions.list()
  deepStrictEqual(
    open.map(({ ipAddress }) => ipAddress),
    ["127.0.0.1"],
  )
  yield* sessions.signOut()
  yield* Console.log(`GET /notes, signed out again: ${(yield* browser.http.get(`${baseUrl}/notes`)).status}`)
})

Example.run({
  program,
  standIn: OpenIdProvider.make,
  settings: ({ url }) => ({
    BELFRY_OIDC_PROVIDERS: "acme",
    BELFRY_OIDC_ACME_NAME: "Acme",
    BELFRY_OIDC_ACME_ISSUER: url,
    BELFRY_OIDC_ACME_CLIENT_ID: OpenIdProvider.clientId,
    BELFRY_OIDC_ACME_CLIENT_SECRET: OpenIdProvider.clientSecret,
  }),
  check,
  look: "/sign-in?return_to=/notes",
})
