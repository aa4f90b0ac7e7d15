import { configSettings } from "@belfry/oauth-server/OAuthServerConfig"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"

const read = (environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    return yield* configSettings
  }).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment))))

describe("Clients that nobody made, by configuration", () => {
  it.effect(
    "are known by no document, and may ask for nothing beyond what they registered, unless the host says so",
    () =>
      Effect.gen(function* () {
        const { clientMetadataDocuments, registrationStepUp } = yield* read({})
        assert.deepStrictEqual(
          { clientMetadataDocuments, registrationStepUp },
          {
            clientMetadataDocuments: "off",
            registrationStepUp: [],
          },
        )
      }),
  )

  it.effect("are known by documents, and may ask for more, where the host says so", () =>
    Effect.gen(function* () {
      const { clientMetadataDocuments, registrationStepUp } = yield* read({
        BELFRY_OAUTH_CLIENT_METADATA_DOCUMENTS: "on",
        BELFRY_OAUTH_REGISTRATION_STEP_UP: "notes:write, notes:read",
      })
      assert.deepStrictEqual(
        { clientMetadataDocuments, registrationStepUp },
        {
          clientMetadataDocuments: "on",
          registrationStepUp: ["notes:write", "notes:read"],
        },
      )
    }),
  )

  it.effect("make the server not start where it is not clear what the host says", () =>
    Effect.gen(function* () {
      for (const environment of [
        { BELFRY_OAUTH_CLIENT_METADATA_DOCUMENTS: "maybe" },
        { BELFRY_OAUTH_REGISTRATION_STEP_UP: 'notes:"write"' },
      ]) {
        assert.strictEqual((yield* Effect.exit(read(environment)))._tag, "Failure", JSON.stringify(environment))
      }
    }),
  )

  it.effect("make no calls without a limit, unless the host has no limits at all", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* read({})).rateLimits.clientDocuments?.limit, 10)
      assert.isNull((yield* read({ BELFRY_OAUTH_RATE_LIMITS: "off" })).rateLimits.clientDocuments)
    }),
  )
})
