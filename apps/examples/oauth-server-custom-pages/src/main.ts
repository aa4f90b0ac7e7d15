/**
 * Being the provider with pages of your own: where people sign in, and where they are asked for consent.
 */
import { BelfryApi } from "@belfry/client"
import { AuditEvent, User } from "@belfry/core"
import { AdminClients, OAuthClient } from "@belfry/oauth-server"
import { NodeServer, Server } from "@belfry/server"
import * as Example from "@belfry/testing/Example"
import * as LocalServer from "@belfry/testing/LocalServer"
import { Config, Console, Effect, Layer, Redacted, Schema } from "effect"
import { HttpClientRequest } from "effect/http"
import { createHash, randomBytes } from "node:crypto"
import { match, strictEqual } from "node:assert"
import * as Pages from "./pages.ts"

const App = Layer.effectDiscard(
  Effect.gen(function* () {
    const redirectUri = yield* Config.String("APP_REDIRECT_URI")
    yield* AdminClients.AdminClients.use((clients) =>
      clients.create({
        id: OAuthClient.ClientId.make("notes"),
        metadata: { clientName: "Notes & more", redirectUris: [redirectUri], tokenEndpointAuthMethod: "none" },
        clientInfo: AuditEvent.unknownClient,
      }),
    )
  }),
)

const program = NodeServer.serve(
  Layer.mergeAll(Server.layerRoutes, Server.layerDeliveries, Pages.layerSignIn, Pages.layerConsent, App),
).pipe(
  Layer.provideMerge(Server.layerServices),
  Layer.provideMerge(Server.layerDatabase),
  Layer.provide(Pages.layerPaths),
)

/** Where the application begins a sign-in, with PKCE. */
const verifier = randomBytes(32).toString("base64url")
const authorizationUrl = (baseUrl: string, redirectUri: string) => {
  const url = new URL("/auth/oauth2/authorize", baseUrl)
  const challenge = createHash("sha256").update(verifier).digest("base64url")
  url.search = new URLSearchParams({
    client_id: "notes",
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid profile email",
    state: "any",
    code_challenge: challenge,
    code_challenge_method: "S256",
  }).toString()
  return url
}

const check = Effect.fnUntraced(function* (app: LocalServer.LocalServer) {
  const { baseUrl } = yield* Example.Place
  const redirectUri = `${app.url}/callback`
  app.answer("/callback", LocalServer.text("back", "text/plain"))
  const browser = yield* Example.browser
  const { passwords, sessions } = yield* browser.client(BelfryApi.BelfryApi)
  yield* Example.signUp(browser, "Ada", "ada@example.com")
  yield* sessions.signOut()

  // The application sends Ada here, and she is not signed in.
  const asked = yield* browser.http.get(authorizationUrl(baseUrl, redirectUri))
  const signIn = yield* asked.text
  strictEqual(new URL(asked.request.url).pathname, "/login")
  match(signIn, /<h1>Sign in to go on to Notes &#38; more<\/h1>/u)
  yield* Console.log("At /login: sign in to go on to Notes & more")

  // What the script of the page does.
  const email = User.Email.make("ada@example.com")
  yield* passwords.signIn({ payload: { email, password: Redacted.make("correct horse battery staple") } })
  const returnTo = /data-return-to="([^"]*)"/u.exec(signIn)?.[1]?.replaceAll("&#38;", "&") ?? ""
  const agreeing = yield* browser.http.get(new URL(returnTo, baseUrl))
  strictEqual(new URL(agreeing.request.url).pathname, "/agree")
  const scopes = [...(yield* agreeing.text).matchAll(/name="scope" value="([^"]*)"/gu)].map(([, scope]) => scope ?? "")
  yield* Console.log(`At /agree: ${scopes.join(", ")}`)

  // Ada unchecks her address, and agrees. The browser posts the form, and goes where it is sent.
  const request = new URL(agreeing.request.url).searchParams.get("request") ?? ""
  const fields = { request, accept: "true", scope: scopes.filter((scope) => scope !== "email") }
  const form = HttpClientRequest.bodyUrlParams(HttpClientRequest.post(`${baseUrl}/auth/oauth2/consent`), fields)
  yield* browser.http.execute(form)
  const { code, iss } = Object.fromEntries(app.requests.at(-1)?.query ?? [])
  strictEqual(iss, `${baseUrl}/auth`)
  yield* Console.log("Back at the application, with a code")

  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: "notes",
    redirect_uri: redirectUri,
    code: code ?? "",
    code_verifier: verifier,
  })
  const tokens = yield* Effect.promise(() => fetch(`${baseUrl}/auth/oauth2/token`, { method: "POST", body }))
  const { scope } = yield* Schema.decodeUnknownEffect(Schema.Struct({ scope: Schema.String }))(
    yield* Effect.promise(() => tokens.json()),
  )
  yield* Console.log(`The token is for ${scope}`)
})

Example.run({
  program,
  standIn: LocalServer.make,
  settings: ({ url }) => ({ APP_REDIRECT_URI: `${url}/callback` }),
  check,
  look: "/login",
})
