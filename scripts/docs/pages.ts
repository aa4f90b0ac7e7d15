/**
 * Pages of a host's own in the authorization server: the code of the README, compiled as it stands there.
 */
import { LoginFlow, OAuthServerPages } from "@belfry/oauth-server"
import { Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

// #region pages
const Pages = Layer.effect(
  OAuthServerPages.OAuthServerPages,
  Effect.map(OAuthServerPages.OAuthServerPages, (pages) => ({ ...pages, login: "/login", consent: "/agree" })),
)

const Login = HttpRouter.add(
  "GET",
  "/login",
  Effect.gen(function* () {
    const flow = yield* LoginFlow.LoginFlow
    const context = yield* flow.find(yield* HttpServerRequest.HttpServerRequest)
    if (Option.isNone(context)) return HttpServerResponse.text("Sign in") // opened directly
    const { client, returnTo } = context.value // and with intent and scopes, all that a page has to tell
    return HttpServerResponse.text(
      `Sign in to go on to ${client.metadata.clientName ?? "an application"}; then open ${returnTo}`,
    )
  }),
)
// #endregion

/** Where the pages are, and one of them. */
export const [layer, layerLogin] = [Pages, Login]
