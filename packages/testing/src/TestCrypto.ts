/**
 * Node's crypto with Argon2id replaced by a hash that costs nothing, for tests that sign in often or count derivations.
 *
 * @since 0.1.0
 */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as Context from "effect/Context"
import * as Kdf from "effect/crypto/Kdf"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * The crypto services of the platform.
 *
 * @category models
 * @since 0.1.0
 */
export type Crypto = Layer.Success<typeof NodeCrypto.layer>

/**
 * What was derived with Argon2id since the layer was built.
 *
 * @category services
 * @since 0.1.0
 */
export class Derivations extends Context.Service<
  Derivations,
  {
    /** The algorithm of each derivation, in order: its memory, passes and lanes. */
    readonly all: Effect.Effect<ReadonlyArray<Kdf.Argon2id>>
  }
>()("@belfry/testing/Derivations") {}

/**
 * Layer with every crypto service of Node. Instead of Argon2id it runs HKDF over the same input, in which the cost has
 * a part, and writes the derivation down.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Crypto | Derivations> = Layer.effectContext(
  Effect.gen(function* () {
    const kdf = yield* Kdf.Kdf
    const derivations: Array<Kdf.Argon2id> = []
    const cheap = Kdf.Kdf.of({
      derive: (algorithm, secret, options) =>
        algorithm._tag === "Argon2id"
          ? Effect.suspend(() => {
              derivations.push(algorithm)
              const info = `m=${algorithm.memory},t=${algorithm.passes},p=${algorithm.parallelism}`
              return kdf.derive(Kdf.hkdfSha256, secret, { ...options, info: new TextEncoder().encode(info) })
            })
          : kdf.derive(algorithm, secret, options),
    })
    return Context.make(Kdf.Kdf, cheap).pipe(
      Context.add(Derivations, Derivations.of({ all: Effect.sync(() => [...derivations]) })),
    )
  }),
).pipe(Layer.provideMerge(NodeCrypto.layer))
