/**
 * Clients that publish what they are, on a web of their own.
 */
import { OutboundFailed, type OutboundRequest, type OutboundResponse } from "@belfry/core/Outbound"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import { Authorizations, type Browser } from "@belfry/oauth-server/Authorizations"
import * as OAuthServerServices from "@belfry/oauth-server/OAuthServerServices"
import * as TestServices from "@belfry/testing/TestServices"
import { Effect, Layer, type Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { layerCalling } from "./Attacker.ts"
import { ask, type Asked, browser, callback, type Host, layerHost, noLimits } from "./Authorizing.ts"

export const documentUrl = "https://app.example.com/oauth/client.json"

export type Members = Readonly<Record<string, Schema.Json | undefined>>

/** What a public client says of itself; undefined leaves a member out. */
export const documentOf = (id: string, members: Members = {}): Members => ({
  client_id: id,
  client_name: "Analytical Engine",
  redirect_uris: [callback],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "none",
  ...members,
})

/** An answer to a GET. */
export const answerOf = (body: string | Uint8Array, more: Partial<Omit<OutboundResponse, "body">> = {}) =>
  Effect.succeed({
    status: more.status ?? 200,
    headers: { "content-type": "application/json", ...more.headers },
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
  })

/** A web on which nothing is, but what a test puts there, and what was asked of it. */
export const makeWeb = () => {
  const pages = new Map<string, Effect.Effect<OutboundResponse, OutboundFailed>>()
  const requests: Array<OutboundRequest> = []
  const send = (request: OutboundRequest) =>
    Effect.suspend(() => {
      requests.push(request)
      const page = pages.get(request.url) ?? Effect.fail(new OutboundFailed({ reason: "connection" }))
      // As a network answers: later, when others have asked, too.
      return Effect.andThen(Effect.yieldNow, page)
    })
  return {
    requests,
    layer: Layer.succeed(OutboundHttp, OutboundHttp.of({ send })),
    put: (url: string, page: Effect.Effect<OutboundResponse, OutboundFailed>) => void pages.set(url, page),
    publish: (url: string, members: Members = {}, headers: Readonly<Record<string, string>> = {}) =>
      void pages.set(url, answerOf(JSON.stringify(documentOf(url, members)), { headers })),
  }
}

export type Web = ReturnType<typeof makeWeb>

/** The services over memory, for clients of this web, and without limits. */
export const layerOf = (web: Web, host: Host = {}) =>
  layerCalling(web.layer, {
    ...host,
    settings: { clientMetadataDocuments: "on", rateLimits: noLimits, ...host.settings },
  })

/** The services over a database that has the migrations of `core` and of this package, for clients of this web. */
export const layerSqlOf = <E>(web: Web, database: Layer.Layer<SqlClient.SqlClient, E>) =>
  OAuthServerServices.layer.pipe(
    Layer.provideMerge(Layer.merge(TestServices.layerAuthenticationContexts(), web.layer)),
    Layer.provideMerge(layerHost({ settings: { clientMetadataDocuments: "on", rateLimits: noLimits } })),
    Layer.provideMerge(TestServices.layerSql(database)),
  )

/** The parameters of a request of a client that says no more than its id. */
export const askAs = (id: string, asked: Asked = {}): URLSearchParams =>
  ask({ id, metadata: { redirectUris: [callback] } }, { scope: "openid", ...asked })

/** What comes of a request of a client: `page` for one that is led on, else why it is refused. */
export const outcomeFor = (id: string, asked: Asked = {}, from: Browser = browser()) =>
  Authorizations.use(({ authorize }) => authorize(askAs(id, asked), from)).pipe(
    Effect.map((outcome) => (outcome._tag === "Interact" ? "page" : JSON.stringify(outcome.response.parameters))),
    Effect.catchTag("AuthorizationRefused", ({ reason, description }) => Effect.succeed(`${reason}: ${description}`)),
  )
