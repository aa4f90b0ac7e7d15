/**
 * `none`: a public client says who it is.
 *
 * @see [OpenID Connect Core §9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { type Method, readClientId } from "./method.ts"

/** The method `none`: `client_id` and no credentials beside it. */
export const none: Method = {
  method: "none",
  read: (authorization, parameters) => {
    const clientId = parameters.get("client_id")
    const isAlone =
      authorization === null &&
      ["client_secret", "client_assertion", "client_assertion_type"].every((name) => parameters.get(name) === undefined)
    return clientId === undefined || !isAlone
      ? Option.none()
      : Option.some(Result.map(readClientId(clientId), (id) => ({ method: "none", clientId: id }) as const))
  },
  verify: (_credentials, client) => Effect.succeed(client === null ? "unknown" : null),
}
