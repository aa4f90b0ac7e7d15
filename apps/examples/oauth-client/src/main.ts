/**
 * Accounts at a provider: linked to whoever is signed in, with tokens that the host uses on that person's behalf.
 */
import { BelfryApi } from "@belfry/client"
import { CoreHandlers, ProblemApi, SessionsApi } from "@belfry/core"
import { OAuthAccounts, Oidc } from "@belfry/oauth-client"
import { NodeServer, Server } from "@belfry/server"
import * as Example from "@belfry/testing/Example"
import * as OpenIdProvider from "@belfry/testing/OpenIdProvider"
import { Config, Console, Effect, Layer, Redacted, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiError, HttpApiGroup } from "effect/http-api"
import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert"

const settings = Effect.gen(function* () {
  const issuer = yield* Config.String("ACME_ISSUER")
  const clientId = yield* Config.String("ACME_CLIENT_ID")
  const clientSecret = yield* Config.Redacted("ACME_CLIENT_SECRET")
  return { issuer, clientId, clientSecret }
})

// The provider as a Layer. People may link accounts there that have another address than theirs here.
const Acme = Layer.unwrap(
  Effect.map(settings, (client) => Oidc.layer({ id: "acme", name: "Acme", allowDifferentLinkEmails: true, ...client })),
)

// A route that asks the provider something on the person's behalf. The token is there, and renewed when it must be.
const Profile = Schema.Record(Schema.String, Schema.Json)
const Api = HttpApi.make("app").add(
  HttpApiGroup.make("acme")
    .add(
      HttpApiEndpoint.get("profile", "/profiles/:accountId", {
        params: { accountId: Schema.String },
        success: Profile,
        error: [HttpApiError.NotFound, HttpApiError.ServiceUnavailable],
      }),
    )
    .middleware(SessionsApi.Authentication)
    .middleware(ProblemApi.RequestGuard),
)

const Profiles = HttpApiBuilder.group(
  Api,
  "acme",
  Effect.fnUntraced(function* (handlers) {
    const accounts = yield* OAuthAccounts.OAuthAccounts
    const http = yield* HttpClient.HttpClient
    const { issuer } = yield* settings
    return handlers.handle("profile", ({ params: { accountId } }) =>
      Effect.gen(function* () {
        const { id: userId } = yield* SessionsApi.CurrentUser
        const token = yield* accounts.accessToken({ providerId: "acme", userId, accountId })
        const request = HttpClientRequest.bearerToken(HttpClientRequest.get(`${issuer}/userinfo`), token)
        return yield* Effect.flatMap((yield* http.execute(request)).json, Schema.decodeUnknownEffect(Profile))
      }).pipe(
        Effect.mapError((error) =>
          error._tag === "AccountUnusable" && error.reason === "not-linked"
            ? new HttpApiError.NotFound()
            : new HttpApiError.ServiceUnavailable(),
        ),
      ),
    )
  }),
)

const Routes = HttpApiBuilder.layer(Api).pipe(
  Layer.provide(Profiles),
  Layer.provide([CoreHandlers.layerMiddleware, FetchHttpClient.layer]),
)

const program = NodeServer.serve(Layer.mergeAll(Server.layerRoutes, Server.layerDeliveries, Routes, Acme)).pipe(
  Layer.provideMerge(Server.layerServices),
  Layer.provideMerge(Server.layerDatabase),
)

const check = Effect.fnUntraced(function* (provider: OpenIdProvider.OpenIdProvider) {
  const browser = yield* Example.browser
  const { providers } = yield* browser.client(BelfryApi.BelfryApi)
  const { acme } = yield* browser.client(Api)
  const params = { providerId: "acme" }
  const { user } = yield* Example.signUp(browser, "Ada", "ada@example.com")

  // To the provider and back, twice: to the account for work, then to the one at home.
  const linked = Effect.fnUntraced(function* (sub: string, email: string) {
    provider.user = { sub, email, email_verified: true, name: "Ada Lovelace" }
    const { url } = yield* providers.link({ params, payload: { redirectUrl: "/account" } })
    strictEqual((yield* browser.http.get(url)).status, 200)
  })
  yield* linked("work", "ada@work.example")
  yield* linked("home", "ada@home.example")
  const { accounts } = yield* providers.accounts({ params })
  const ids = accounts.map(({ providerAccountId }) => providerAccountId)
  deepStrictEqual(ids, ["work", "home"])
  yield* Console.log(`Linked accounts: ${ids.join(", ")}`)

  // The host's own code has the whole token set. Which of two accounts is meant must be said.
  const { tokenSet, refresh } = yield* OAuthAccounts.OAuthAccounts
  const any = yield* Effect.flip(tokenSet({ providerId: "acme", userId: user.id }))
  ok(any._tag === "AccountUnusable" && any.reason === "account-required")
  const home = { providerId: "acme", userId: user.id, accountId: "home" }
  const { tokens } = yield* tokenSet(home)
  ok(tokens.refreshToken !== null && tokens.idToken !== null && tokens.accessTokenExpiresAt !== null)
  yield* Console.log(`A token set: ${tokens.tokenType}, ${tokens.scope}; with refresh token and ID token`)

  // A browser of the person may ask for the access token alone.
  const answer = yield* providers.accessToken({ params, payload: { providerAccountId: "home" } })
  strictEqual(redactedText(answer.accessToken), redactedText(tokens.accessToken))
  yield* Console.log("The access token over HTTP is the same")

  const renewed = yield* refresh(home)
  notStrictEqual(redactedText(renewed.tokens.accessToken), redactedText(tokens.accessToken))
  yield* Console.log("Refreshed: another access token")

  strictEqual((yield* Effect.flip(acme.profile({ params: { accountId: "nobody" } })))._tag, "NotFound")
  const profile = yield* acme.profile({ params: { accountId: "home" } })
  yield* Console.log(`The provider, asked with it: ${String(profile["name"])}`)

  yield* providers.unlink({ params, payload: { providerAccountId: "work" } })
  yield* Console.log(`Unlinked work; ${(yield* providers.accounts({ params })).accounts.length} account is left`)
})

const redactedText = (value: Redacted.Redacted | null) => (value === null ? "none" : Redacted.value(value))

Example.run({
  program,
  standIn: OpenIdProvider.make,
  settings: ({ url }) => ({
    ACME_ISSUER: url,
    ACME_CLIENT_ID: OpenIdProvider.clientId,
    ACME_CLIENT_SECRET: OpenIdProvider.clientSecret,
  }),
  check,
  look: "/sign-up",
})
