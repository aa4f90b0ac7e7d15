/**
 * The clients, the API and the consents of the oauth-server bench in Belfry's tables, made by Belfry's own services.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { UserId } from "@belfry/core/User"
import * as AdminClients from "@belfry/oauth-server/AdminClients"
import type { ClientWithSecret } from "@belfry/oauth-server/Clients"
import * as Consents from "@belfry/oauth-server/Consents"
import * as Resources from "@belfry/oauth-server/Resources"
import * as NodeServer from "@belfry/server/NodeServer"
import * as NodeThreadPool from "@belfry/server/NodeThreadPool"
import * as Server from "@belfry/server/Server"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { apiScope, redirectUri, resource } from "./oauthServer.ts"
import type { ClientCredentials, Clients as BenchClients } from "./oauthServer.ts"

const platform = Layer.mergeAll(
  NodeServer.layerCrypto,
  NodeHttpServer.layerHttpServices,
  NodeThreadPool.layerBackground,
)

const credentialsOf = ({ client, secret }: ClientWithSecret): ClientCredentials => {
  if (secret === null) throw new Error("a confidential client has a secret")
  return { clientId: client.id, clientSecret: Redacted.value(secret) }
}

const scopes = [apiScope, "offline_access"]

const seed = Effect.gen(function* () {
  const resources = yield* Resources.Resources
  const clients = yield* AdminClients.AdminClients
  const consents = yield* Consents.Consents
  const sql = yield* SqlClient.SqlClient
  yield* resources.create(
    {
      identifier: resource,
      name: "API",
      scopes: [apiScope],
      accessTokenLifetime: null,
      signingAlgorithm: null,
      introspectionClientId: null,
      isDisabled: false,
    },
    unknownClient,
  )
  const create = (metadata: Parameters<typeof clients.create>[0]["metadata"]) =>
    clients.create({
      metadata: { tokenEndpointAuthMethod: "client_secret_basic", ...metadata },
      privileges: { requirePkce: true, resources: [resource] },
      clientInfo: unknownClient,
    })
  const machine = yield* create({ grantTypes: ["client_credentials"], responseTypes: [], scopes: [apiScope] })
  const web = yield* create({
    grantTypes: ["authorization_code", "refresh_token"],
    responseTypes: ["code"],
    redirectUris: [redirectUri],
    scopes,
  })
  const users = yield* sql<{ readonly id: string }>`SELECT id FROM belfry_users`
  yield* Effect.forEach(users, ({ id }) =>
    consents.give({
      userId: Schema.decodeSync(UserId)(id),
      clientId: web.client.id,
      referenceId: null,
      scopes,
      declinedScopes: [],
      resources: [resource],
      client: unknownClient,
    }),
  )
  return { machine: credentialsOf(machine), web: credentialsOf(web) }
})

/** Registers the API and both clients, and the consent of every user to what `web` asks for. */
export const seedOAuthServer = (environment: Readonly<Record<string, string>>): Promise<BenchClients> =>
  Effect.runPromise(
    seed.pipe(
      Effect.provide(
        Server.layerServices.pipe(
          Layer.provideMerge(Server.layerDatabase),
          Layer.provide(platform),
          Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))),
        ),
      ),
      Effect.scoped,
    ),
  )
