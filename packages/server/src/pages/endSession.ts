/**
 * Logging out for a client: asking the person, and saying that it is done.
 *
 * @since 0.1.0
 */
import { clearSessionCookie } from "@belfry/core/RequestHandlers"
import { Logouts } from "@belfry/oauth-server/Logouts"
import { OAuthServerPages } from "@belfry/oauth-server/OAuthServerPages"
import * as Effect from "effect/Effect"
import { makeFlows } from "./flows.ts"
import { PageKit } from "./PageKit.ts"
import { get, makeVisitors, post } from "./visit.ts"
import { endSessionPage, signedOutPage } from "./views/endSession.ts"

/**
 * Adds the pages of logging out for a client.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes = Effect.gen(function* () {
  const { site, paths } = yield* PageKit
  const { signedOut } = yield* OAuthServerPages
  const logouts = yield* Logouts
  const { browserOf } = yield* makeFlows((yield* makeVisitors).find)

  yield* get(
    paths.confirmSignOut,
    Effect.fnUntraced(function* ({ query, words }) {
      const request = query("request") ?? ""
      return endSessionPage(words, paths, { ...(yield* logouts.context(request)), request })
    }),
    null,
  )

  yield* post(
    paths.confirmSignOut,
    Effect.fnUntraced(function* (visit, fields) {
      const outcome = yield* logouts.confirm(fields["request"] ?? "", yield* browserOf(visit))
      if (outcome._tag === "Confirm") return outcome.url
      yield* clearSessionCookie(site)
      return outcome.redirectTo ?? signedOut
    }),
    null,
  )

  yield* get(paths.signedOut, ({ words }) => Effect.succeed(signedOutPage(words, paths)), null)
})
