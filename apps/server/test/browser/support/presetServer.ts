/**
 * The server as a host composes it that has presets of its own: everything of the command line's, and Google,
 * Microsoft, Apple and GitHub at the addresses of `STAND_IN_*`. It is a program, which says and ends as `belfry serve`
 * does.
 */
import * as Apple from "@belfry/oauth-client/Apple"
import * as GitHub from "@belfry/oauth-client/GitHub"
import * as Google from "@belfry/oauth-client/Google"
import * as Microsoft from "@belfry/oauth-client/Microsoft"
import * as OAuthProviders from "@belfry/oauth-client/OAuthProviders"
import * as NodeServer from "@belfry/server/NodeServer"
import * as Server from "@belfry/server/Server"
import * as Telemetry from "@belfry/server/Telemetry"
import { NodeRuntime } from "@effect/platform-node"
import { Cause, Config, Console, Effect, Exit, Layer, Redacted, Schema } from "effect"
import { generateKeyPairSync } from "node:crypto"

const presets = Layer.unwrap(
  Effect.gen(function* () {
    const client = {
      clientId: "belfry",
      clientSecret: yield* Config.schema(Schema.RedactedFromValue(Schema.String), "STAND_IN_CLIENT_SECRET"),
    }
    const google = yield* Config.NonEmptyString("STAND_IN_GOOGLE")
    const microsoft = yield* Config.NonEmptyString("STAND_IN_MICROSOFT")
    const apple = yield* Config.NonEmptyString("STAND_IN_APPLE")
    const github = yield* Config.NonEmptyString("STAND_IN_GITHUB")
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
    return Layer.mergeAll(
      Google.layer({ ...client, authority: google }),
      Microsoft.layer({
        ...client,
        tenant: "common",
        authority: microsoft,
        graphUrl: microsoft,
        // The stand-in has the endpoints of all tenants in one place.
        authorizationEndpoint: `${microsoft}/oauth2/v2.0/authorize`,
        tokenEndpoint: `${microsoft}/oauth2/v2.0/token`,
        jwksUri: `${microsoft}/discovery/v2.0/keys`,
      }),
      Apple.layer({
        clientId: client.clientId,
        teamId: "ABCDE12345",
        keyId: "KEY1234567",
        privateKey: Redacted.make(privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
        authority: apple,
      }),
      GitHub.layer({ ...client, baseUrl: github, apiUrl: github }),
    )
  }),
)

// It is the server's own list of providers, so the presets are added to that one.
const routes = Layer.merge(Server.layer, Layer.provide(presets, OAuthProviders.layer))

const announce = Layer.effectDiscard(
  Effect.gen(function* () {
    const baseUrl = yield* Config.NonEmptyString("BELFRY_BASE_URL")
    const address = yield* NodeServer.address
    yield* Console.log(`Belfry listens on ${address}. Open ${baseUrl}/sign-up`)
  }),
)

Layer.launch(announce.pipe(Layer.provide(NodeServer.serve(routes)), Layer.provide(Telemetry.layerLogs))).pipe(
  NodeRuntime.runMain({
    teardown: (exit, onExit) => onExit(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? 0 : 1),
  }),
)
