import * as CoreServices from "@belfry/core/CoreServices"
import { defaultSessionPolicy } from "@belfry/core/Session"
import { Sessions } from "@belfry/core/Sessions"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Layer } from "effect"
import * as TestCore from "./support/TestCore.ts"

const policy = Sessions.use((sessions) => Effect.succeed(sessions.policy))

describe("CoreServices", () => {
  it.effect("has the default rules of sessions but for those that the host gives", () =>
    Effect.gen(function* () {
      const lifetime = Duration.hours(1)
      assert.deepStrictEqual(yield* Effect.provide(policy, Layer.fresh(CoreServices.layer({ lifetime }))), {
        ...defaultSessionPolicy,
        lifetime,
      })
    }).pipe(Effect.provide(TestCore.layer)),
  )

  it.effect("takes the rules of sessions from configuration where the host wants that", () =>
    Effect.gen(function* () {
      const configuration = ConfigProvider.layer(
        ConfigProvider.fromEnvRecord({ BELFRY_SESSION_FRESHNESS: "5 minutes" }),
      )
      assert.deepStrictEqual(
        yield* Effect.provide(policy, Layer.provide(Layer.fresh(CoreServices.layerConfig), configuration)),
        { ...defaultSessionPolicy, freshness: Duration.minutes(5) },
      )
    }).pipe(Effect.provide(TestCore.layer)),
  )
})
