/**
 * Key rings of readable secrets, for tests.
 */
import * as KeyRing from "@belfry/core/KeyRing"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { Array, Layer, Redacted } from "effect"

/** A secret whose value follows from its id. */
export const secretOf = (id: string): KeyRing.RingSecret => ({
  id,
  value: Redacted.make(`${id}-0123456789abcdefghijklmnopqrstuvwxyz`),
})

/** A key ring of the secrets with these ids, the signing one first. */
export const layerOf = (...ids: readonly [string, ...ReadonlyArray<string>]) =>
  KeyRing.layer(Array.map(ids, secretOf)).pipe(Layer.provide(NodeCrypto.layer))

/** A key ring of one secret. */
export const layer = layerOf("k1")
