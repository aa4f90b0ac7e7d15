import * as Argon2id from "@belfry/server/Argon2id"
import * as Server from "@belfry/server/Server"
import * as StartFailure from "@belfry/server/StartFailure"
import * as TestCrypto from "@belfry/testing/TestCrypto"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { CryptoError, Kdf } from "effect/crypto"
import { layerEnvironment } from "./support/TestServer.ts"

/** The `Kdf` of a runtime such as Node 22. */
const without = Layer.succeed(Kdf.Kdf)({
  derive: () =>
    Effect.fail(
      new CryptoError.CryptoError({
        module: "Kdf",
        method: "derive",
        reason: new CryptoError.Unsupported({ description: "no argon2id on this runtime" }),
      }),
    ),
})

const said = "this runtime has no Argon2id, which passwords are hashed by; run the server on Node 24.7 or later"

describe("Argon2id", () => {
  it.effect("is there on the Node of this repository", () =>
    Layer.build(Argon2id.layerRequired).pipe(Effect.provide(NodeCrypto.layer), Effect.scoped),
  )

  it.live("is asked for before the server starts: without it every sign-up by password would fail", () =>
    Effect.gen(function* () {
      const services = Server.layerServices.pipe(
        Layer.provide(without),
        Layer.provide(TestDatabase.layerPglite(Server.migrations)),
        Layer.provide([TestCrypto.layer, NodeHttpServer.layerHttpServices]),
        Layer.provide(layerEnvironment({})),
      )
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(services)))
      assert.strictEqual(Exit.isFailure(exit) ? StartFailure.describe(exit.cause) : "started", said)
    }),
  )
})
