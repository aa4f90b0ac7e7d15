/**
 * Signing in with a provider, a route for whoever is signed in, and routes for those who hold a scope.
 */
import { BelfryApi } from "@belfry/client"
import { CoreHandlers, ProblemApi, SessionsApi, User, Users } from "@belfry/core"
import { NodeServer, Server } from "@belfry/server"
import * as Example from "@belfry/testing/Example"
import * as OpenIdProvider from "@belfry/testing/OpenIdProvider"
import { Console, Effect, Layer, Option, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { deepStrictEqual, strictEqual } from "node:assert"

// Routes of your own. What a middleware asks for, and how it fails, is part of the contract.
const Report = Schema.Struct({ title: Schema.String, by: Schema.NullOr(Schema.String) })
const Api = HttpApi.make("app").add(
  HttpApiGroup.make("reports")
    .add(
      HttpApiEndpoint.get("whoAmI", "/who-am-i", { success: Schema.Struct({ name: Schema.NullOr(Schema.String) }) }),
      HttpApiEndpoint.get("list", "/reports", { success: Schema.Array(Report) })
        .annotate(SessionsApi.RequiredScopes, ["reports:read"])
        .middleware(SessionsApi.ScopeCheck),
      HttpApiEndpoint.post("add", "/reports", { payload: Schema.Struct({ title: Schema.String }), success: Report })
        .annotate(SessionsApi.RequiredScopes, ["reports:read", "reports:write"])
        .middleware(SessionsApi.ScopeCheck),
    )
    .middleware(SessionsApi.Authentication)
    // Pages of other origins cannot post with the user's cookie.
    .middleware(ProblemApi.RequestGuard),
)

const shelf: Array<typeof Report.Type> = [{ title: "Engines", by: "Ada Lovelace" }]

const Reports = HttpApiBuilder.group(Api, "reports", (handlers) =>
  handlers
    .handle("whoAmI", () => Effect.map(SessionsApi.CurrentUser, ({ name }) => ({ name })))
    .handle("list", () => Effect.succeed(shelf))
    .handle("add", ({ payload }) =>
      Effect.map(SessionsApi.CurrentUser, ({ name }) => {
        const report = { title: payload.title, by: name }
        shelf.push(report)
        return report
      }),
    ),
)

const Routes = HttpApiBuilder.layer(Api).pipe(Layer.provide(Reports), Layer.provide(CoreHandlers.layerMiddleware))

// The whole server, from configuration, with the routes beside its own.
const program = NodeServer.serve(Layer.mergeAll(Server.layerRoutes, Server.layerDeliveries, Routes)).pipe(
  Layer.provideMerge(Server.layerServices),
  Layer.provideMerge(Server.layerDatabase),
)

const check = Effect.fnUntraced(function* () {
  const browser = yield* Example.browser
  const belfry = yield* browser.client(BelfryApi.BelfryApi)
  const { reports } = yield* browser.client(Api)

  const stranger = yield* Effect.flip(reports.whoAmI())
  yield* Console.log(`Nobody is signed in: ${stranger._tag}`)

  // To the provider, and back with a session: what the button "Continue with Acme" does.
  const { url } = yield* belfry.providers.signIn({
    params: { providerId: "acme" },
    payload: { redirectUrl: "/who-am-i" },
  })
  const landed = yield* browser.http.get(url)
  deepStrictEqual(yield* landed.json, { name: "Ada Lovelace" })
  const { session, user } = yield* belfry.sessions.current()
  yield* Console.log(`${user.name} is signed in by ${session.amr.join(", ")}`)

  const refused = yield* Effect.flip(reports.list())
  strictEqual(refused._tag, "ScopesMissing")
  yield* Console.log(`Reports are for those who hold ${refused.required.join(", ")}`)

  // The host gives scopes. A session sees them with its next request.
  const users = yield* Users.Users
  const ada = Option.getOrThrow(yield* users.findByEmail(User.Email.make("ada@example.com")))
  yield* users.update(ada.id, { scopes: ["reports:read"] })
  yield* Console.log(`With reports:read: ${(yield* reports.list()).map(({ title }) => title).join(", ")}`)
  strictEqual((yield* Effect.flip(reports.add({ payload: { title: "Notes" } })))._tag, "ScopesMissing")

  yield* users.update(ada.id, { scopes: ["reports:read", "reports:write"] })
  yield* reports.add({ payload: { title: "Notes" } })
  yield* Console.log(`With reports:write: ${(yield* reports.list()).map(({ title }) => title).join(", ")}`)

  yield* belfry.sessions.signOut()
  strictEqual((yield* Effect.flip(reports.whoAmI()))._tag, "SessionInvalid")
  yield* Console.log("Signed out")
})

Example.run({
  program,
  // A provider on this machine, where everybody is Ada and consents at once.
  standIn: OpenIdProvider.make,
  settings: ({ url }) => ({
    BELFRY_OIDC_PROVIDERS: "acme",
    BELFRY_OIDC_ACME_NAME: "Acme",
    BELFRY_OIDC_ACME_ISSUER: url,
    BELFRY_OIDC_ACME_CLIENT_ID: OpenIdProvider.clientId,
    BELFRY_OIDC_ACME_CLIENT_SECRET: OpenIdProvider.clientSecret,
  }),
  check,
  look: "/sign-in?return_to=/who-am-i",
})
