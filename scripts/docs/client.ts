/**
 * Calling the server from a program or a page: the code of the README, compiled as it stands there. The tests run it.
 */
import { BelfryClient } from "@belfry/client"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"

// #region client
/** Whose session it is; nobody's where there is none. */
export const whoAmI = Effect.gen(function* () {
  const client = yield* BelfryClient.BelfryClient
  const { user } = yield* client.sessions.current()
  return user.email
}).pipe(Effect.catchTag("SessionInvalid", () => Effect.succeed("nobody")))
// #endregion

// #region client-layers
/** In a page: the session cookie goes along by itself. */
export const inBrowser = BelfryClient.layerFetch()

/** In a program: cookies are kept while the layer lives. */
export const inProgram = (baseUrl: string) =>
  BelfryClient.layer({ baseUrl }).pipe(
    Layer.provide(BelfryClient.layerCookieJar(new URL(baseUrl).origin)),
    Layer.provide(FetchHttpClient.layer),
  )
// #endregion
