import * as Site from "@belfry/core/Site"
import { match } from "@belfry/oauth-server/BoundResource"
import * as OAuthServerConfig from "@belfry/oauth-server/OAuthServerConfig"
import { OAuthServerSettings, supportedScopes } from "@belfry/oauth-server/OAuthServerSettings"
import * as McpConfig from "@belfry/server/McpConfig"
import * as StartFailure from "@belfry/server/StartFailure"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Layer } from "effect"

const base = { BELFRY_BASE_URL: "https://id.example.com", BELFRY_MCP: "on" }

const provide = (environment: Readonly<Record<string, string>>) =>
  Effect.provide(
    Layer.mergeAll(Site.layerConfig, OAuthServerConfig.layerConfig).pipe(
      Layer.provideMerge(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...base, ...environment }))),
    ),
  )

/** What a start with these variables says: `started`, or why not. */
const start = (environment: Readonly<Record<string, string>>) =>
  Layer.build(McpConfig.layerSafe).pipe(
    provide(environment),
    Effect.scoped,
    Effect.exit,
    Effect.map((exit) => (Exit.isSuccess(exit) ? "started" : StartFailure.describe(exit.cause))),
  )

/** The settings of the authorization server. */
const settingsFor = (environment: Readonly<Record<string, string>> = {}) =>
  Effect.provide(
    Effect.map(OAuthServerSettings, (settings) => settings),
    McpConfig.layerOAuthServer,
  ).pipe(provide(environment))

const tools = ["account:read", "organizations:read", "organizations:write"]

describe("The settings of the MCP endpoint", () => {
  it.effect("begin over https, and over http on this machine", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* start({}), "started")
      for (const host of ["localhost:3000", "127.0.0.1", "[::1]:3000"]) {
        assert.strictEqual(yield* start({ BELFRY_BASE_URL: `http://${host}` }), "started")
      }
    }),
  )

  it.effect("refuse http to other machines: tokens would go in the clear", () =>
    Effect.gen(function* () {
      for (const host of ["id.example.com", "192.168.0.7:3000", "localhost.example.com"]) {
        const BELFRY_BASE_URL = `http://${host}`
        assert.match(yield* start({ BELFRY_BASE_URL }), /^BELFRY_BASE_URL: .*in the clear$/)
        assert.strictEqual(yield* start({ BELFRY_BASE_URL, BELFRY_MCP: "off" }), "started")
      }
    }),
  )

  it.effect("refuse to verify without a look-up where there are no JWTs", () =>
    Effect.gen(function* () {
      const opaque = { BELFRY_OAUTH_DISABLE_JWT: "true" }
      assert.match(yield* start({ ...opaque, BELFRY_MCP_REVOCATION: "at-expiry" }), /^BELFRY_MCP_REVOCATION: /)
      assert.strictEqual(yield* start(opaque), "started")
      assert.strictEqual(yield* start({ BELFRY_MCP_REVOCATION: "at-expiry" }), "started")
    }),
  )

  it.effect("name the one that is malformed, and not what stands there", () =>
    Effect.gen(function* () {
      for (const [name, values] of Object.entries({
        BELFRY_MCP: ["yes", "ON"],
        BELFRY_MCP_REVOCATION: ["never"],
        BELFRY_MCP_RATE_LIMITS: ["some"],
        BELFRY_MCP_ALLOWED_ORIGINS: [
          "*",
          "null",
          "app.example.com",
          "https://*.example.com",
          "https://app.example.com/",
          "https://app.example.com,https://APP.example.com",
          "app://app",
        ],
      })) {
        for (const value of values) {
          const said = yield* start({ [name]: value })
          assert.isTrue(said.startsWith(name), `${value}: ${said}`)
          assert.notInclude(said, "\n")
        }
      }
      const { allowedOrigins } = yield* McpConfig.config.pipe(
        provide({ BELFRY_MCP_ALLOWED_ORIGINS: "https://app.example.com, http://localhost:6274" }),
      )
      assert.deepStrictEqual(allowedOrigins, ["https://app.example.com", "http://localhost:6274"])
    }),
  )
})

describe("The authorization server with the MCP endpoint", () => {
  it.effect("knows the endpoints, the scopes of their tools, and documents of clients", () =>
    Effect.gen(function* () {
      const settings = yield* settingsFor()
      const [resource, ...others] = settings.resources
      assert.deepStrictEqual(others, [])
      assert.deepInclude(resource, { identifier: "https://id.example.com/mcp", scopes: tools, isDisabled: false })
      const id = "01890000-0000-7000-8000-000000000000"
      const bound = match(settings.boundResources, `https://id.example.com/mcp/organizations/${id}`)
      assert.deepStrictEqual([bound?.referenceId, bound?.resource.scopes], [id, tools])
      assert.isNull(match(settings.boundResources, "https://id.example.com/mcp"))
      assert.includeMembers([...supportedScopes(settings)], tools)
      assert.deepStrictEqual(settings.registrationStepUp, tools)
      assert.strictEqual(settings.clientMetadataDocuments, "on")
      assert.strictEqual(settings.registration, "off")
    }),
  )

  it.effect("is what it was where the endpoint is off", () =>
    Effect.gen(function* () {
      const { boundResources, clientMetadataDocuments, registrationStepUp, resources, scopes } = yield* settingsFor({
        BELFRY_MCP: "off",
      })
      assert.deepStrictEqual([boundResources, registrationStepUp, resources, scopes], [[], [], [], []])
      assert.strictEqual(clientMetadataDocuments, "off")
    }),
  )

  it.effect("keeps what the host says: of documents, of registration, of the same resource, of further scopes", () =>
    Effect.gen(function* () {
      const own = { identifier: "https://id.example.com/mcp", accessTokenLifetime: 60 }
      const settings = yield* settingsFor({
        BELFRY_OAUTH_CLIENT_METADATA_DOCUMENTS: "off",
        BELFRY_OAUTH_REGISTRATION: "token",
        BELFRY_OAUTH_RESOURCES: JSON.stringify([own, { identifier: "https://reports.example.com" }]),
        BELFRY_OAUTH_SCOPES: "reports:read,account:read",
        BELFRY_OAUTH_REGISTRATION_STEP_UP: "reports:write",
      })
      assert.strictEqual(settings.clientMetadataDocuments, "off")
      assert.strictEqual(settings.registration, "token")
      assert.deepStrictEqual(
        settings.resources.map(({ identifier, accessTokenLifetime }) => [identifier, accessTokenLifetime]),
        [
          ["https://id.example.com/mcp", 60],
          ["https://reports.example.com", null],
        ],
      )
      assert.deepStrictEqual(settings.scopes, [
        "reports:read",
        "account:read",
        "organizations:read",
        "organizations:write",
      ])
      assert.deepStrictEqual(settings.registrationStepUp, ["reports:write", ...tools])
    }),
  )
})
