/**
 * A resource server of its own, on another port, and applications that know nothing but its URL: they learn from it
 * where to get a token, and what the token lacks.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import * as HttpClientOutboundHttp from "@belfry/core/HttpClientOutboundHttp"
import * as AccessTokenVerifier from "@belfry/oauth-server/AccessTokenVerifier"
import { Resources } from "@belfry/oauth-server/Resources"
import { CurrentAccessToken, RequiredTokenScopes, ResourceAuthorization } from "@belfry/oauth-server/ResourceServerApi"
import * as ResourceServerHandlers from "@belfry/oauth-server/ResourceServerHandlers"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import * as oauth from "oauth4webapi"
import { confidential, signIn } from "./support/Flows.ts"
import { layer, RealServer } from "./support/RealServer.ts"
import { challenges, validationCode } from "./support/Refusals.ts"
import { libraries } from "./support/RelyingParty.ts"

class ReportsApi extends HttpApiGroup.make("reports")
  .add(
    HttpApiEndpoint.get("mine", "/reports", { success: Schema.String }),
    HttpApiEndpoint.get("all", "/reports/all", { success: Schema.String }).annotate(RequiredTokenScopes, [
      "notes:read",
      "notes:write",
    ]),
  )
  .annotate(RequiredTokenScopes, ["notes:read"])
  .middleware(ResourceAuthorization) {}

const Api = HttpApi.make("reports").add(ReportsApi)

const subject = Effect.map(CurrentAccessToken, ({ subject }) => subject)

const layerOutbound = HttpClientOutboundHttp.layer({ allowedHosts: ["127.0.0.1"] }).pipe(
  Layer.provide(FetchHttpClient.layer),
)

/** Where the resource server is. */
class Reports extends Context.Service<Reports, string>()("@belfry/oauth-server/test/Reports") {}

/** A resource server on a port of its own, which verifies by keys or by asking. */
const serveReports = (issuer: string, by: "keys" | "introspection") =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      const port = address._tag === "UnixPathAddress" ? assert.fail("no port") : address.port
      const reports = `http://127.0.0.1:${port}/reports`
      const verifier =
        by === "keys"
          ? AccessTokenVerifier.layerJwks({ issuer, audience: reports, jwksUri: `${issuer}/jwks` })
          : AccessTokenVerifier.layerIntrospection({
              endpoint: `${issuer}/oauth2/introspect`,
              clientId: `reports-${port}`,
              clientSecret: Redacted.make(introspectionSecret),
              audience: reports,
              issuer,
            })
      const routes = Layer.merge(
        HttpApiBuilder.layer(Api).pipe(
          Layer.provide(
            HttpApiBuilder.group(Api, "reports", (handlers) =>
              handlers.handleAll({ mine: () => subject, all: () => subject }),
            ),
          ),
          Layer.provide(ResourceServerHandlers.layer({ resource: reports })),
          Layer.provide(verifier),
          Layer.provide(layerOutbound),
        ),
        ResourceServerHandlers.layerMetadata({
          resource: reports,
          authorizationServers: [issuer],
          scopes: ["notes:read"],
        }),
      )
      return Layer.merge(
        Layer.succeed(Reports, reports),
        HttpRouter.serve(Layer.orDie(routes), { disableLogger: true, disableListenLog: true }),
      )
    }),
  ).pipe(Layer.provide(NodeHttpServer.layerTest))

const introspectionSecret = "the secret of the reports API, which is long enough"

const insecure = { [oauth.allowInsecureRequests]: true } as const

const get = (token: string, url: string) =>
  oauth.protectedResourceRequest(token, "GET", new URL(url), undefined, undefined, insecure)

withLayer(layer(), { excludeTestServices: true })("Real clients, at a resource server", (it) => {
  for (const by of ["keys", "introspection"] as const) {
    for (const { discover, name } of libraries) {
      describe("RFC 9728 §5", () => {
        it.effect(`leads a client from the resource to a token for it, verified by ${by}, by ${name}`, () =>
          Effect.gen(function* () {
            const server = yield* RealServer
            const reports = Context.get(yield* Layer.build(Layer.fresh(serveReports(server.issuer, by))), Reports)
            const apiId = `reports-${new URL(reports).port}`
            yield* Effect.promise(() =>
              server.run(
                Resources.use((resources) =>
                  resources.create(OAuthBuilders.resource(reports, { introspectionClientId: apiId }), unknownClient),
                ),
              ),
            )
            yield* Effect.promise(() =>
              server.client(
                { grantTypes: ["client_credentials"], redirectUris: [], postLogoutRedirectUris: [] },
                { id: apiId, secret: introspectionSecret },
              ),
            )
            yield* Effect.promise(async () => {
              // A client that knows the URL alone is told where to look, and which scopes to ask for.
              const refused = await challenges(get("no-such-token", reports))
              assert.strictEqual(refused.status, 401)
              const { error, resource_metadata: url = "", scope } = refused.challenges[0]?.parameters ?? {}
              assert.deepStrictEqual([error, scope], ["invalid_token", "notes:read"])
              const described = await oauth.processResourceDiscoveryResponse(new URL(reports), await fetch(url))
              const found = await oauth.resourceDiscoveryRequest(new URL(reports), insecure)
              assert.deepStrictEqual(await oauth.processResourceDiscoveryResponse(new URL(reports), found), described)
              assert.deepStrictEqual(described.authorization_servers, [server.issuer])

              const party = await discover(
                described.authorization_servers?.[0] ?? "",
                confidential(await server.client()),
              )
              const asked = { scope: "openid offline_access notes:read", parameters: { resource: described.resource } }
              const { tokens, user } = await signIn(server, party, asked)
              const answer = await get(tokens.access_token, reports)
              assert.deepStrictEqual([answer.status, await answer.json()], [200, user.id])

              // RFC 6750 §3.1: what more it would take.
              const short = await challenges(get(tokens.access_token, `${reports}/all`))
              const told = short.challenges[0]?.parameters
              assert.deepStrictEqual(
                [short.status, told?.error, told?.scope],
                [403, "insufficient_scope", "notes:read notes:write"],
              )

              // A token for something else is none for this.
              const { access_token: foreign } = await party.clientCredentials({
                resource: "https://notes.example.com/api",
              })
              assert.strictEqual(await validationCode(get(foreign, reports)), oauth.WWW_AUTHENTICATE_CHALLENGE)

              await party.revoke(tokens.refresh_token ?? "")
              const after = get(tokens.access_token, reports)
              // By keys alone nobody hears of it before the token is over; by asking, at once.
              if (by === "keys") assert.strictEqual((await after).status, 200)
              else assert.strictEqual((await challenges(after)).status, 401)
            })
          }),
        )
      })
    }
  }
})
