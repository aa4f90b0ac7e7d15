/**
 * Clients as management shows them.
 */
import { onResponse } from "@belfry/core/RequestHandlers"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import type { ClientWithSecret } from "../Clients.ts"
import type { ManagedClient } from "../ClientsApi.ts"
import { ClientId, ClientNotFound, type OAuthClient } from "../OAuthClient.ts"
import { noStore } from "./protocolAnswers.ts"

/** An answer with a new secret, which nobody on the way may keep. */
export const withSecret = <Shown extends ManagedClient>(
  { client, secret }: ClientWithSecret,
  show: (client: OAuthClient) => Shown,
) => {
  const shown = show(client)
  return Effect.as(keptByNobody, {
    ...shown,
    clientSecret: secret,
    clientSecretExpiresAt: secret === null ? null : (shown.secrets[0]?.expiresAt ?? null),
  })
}

/** Says of the response that nobody may keep it. */
export const keptByNobody = onResponse((response) => HttpServerResponse.setHeaders(response, noStore))

/** The id in a path; text that is none has no client. */
export const clientIdOf = ({ clientId }: { readonly clientId: string }): Effect.Effect<ClientId, ClientNotFound> =>
  Schema.is(ClientId)(clientId) ? Effect.succeed(clientId) : Effect.fail(new ClientNotFound({ clientId }))
