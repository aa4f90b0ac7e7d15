/**
 * What the server needs of its runtime before it starts: Argon2id, by which passwords are hashed.
 *
 * @since 0.1.0
 */
import * as Kdf from "effect/crypto/Kdf"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/**
 * The runtime has no Argon2id, so that every sign-up by password would fail.
 *
 * @category errors
 * @since 0.1.0
 */
export class Argon2idMissing extends Schema.TaggedError<Argon2idMissing>("@belfry/server/Argon2idMissing")(
  "Argon2idMissing",
  {},
) {
  override get message(): string {
    return "this runtime has no Argon2id, which passwords are hashed by; run the server on Node 24.7 or later"
  }
}

/**
 * Refuses to start where the `Kdf` of the host derives nothing by Argon2id. It tries with the least memory there is.
 *
 * @see [RFC 9106 §3.1](https://www.rfc-editor.org/rfc/rfc9106.html#section-3.1)
 * @category layers
 * @since 0.1.0
 */
export const layerRequired: Layer.Layer<never, Argon2idMissing, Kdf.Kdf> = Layer.effectDiscard(
  Effect.gen(function* () {
    const kdf = yield* Kdf.Kdf
    const cheapest = Kdf.argon2id({ memory: 8, passes: 1, parallelism: 1 })
    yield* Effect.catchTag(
      kdf.derive(cheapest, new Uint8Array(8), { salt: new Uint8Array(16), length: 16 }),
      "CryptoError",
      () => Effect.fail(new Argon2idMissing()),
    )
  }),
)
