/**
 * HMAC on Node with keys that stay imported: a session is found by an HMAC, so every authenticated request makes one.
 *
 * @since 0.1.0
 */
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Layer from "effect/Layer"
import { createHmac, createSecretKey, type KeyObject } from "node:crypto"

/**
 * `Mac` over Node's own HMAC.
 *
 * **Details**
 *
 * Node imports a key that is given as bytes anew on every call, which takes several times as long as the HMAC itself.
 * Here a key is imported once.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.suspend(() => {
  const imported = new WeakMap<Uint8Array, KeyObject>()
  return Mac.layerWebCryptoWith({
    hmac: (hash, bytes, data) => {
      let key = imported.get(bytes)
      if (key === undefined) imported.set(bytes, (key = createSecretKey(bytes)))
      // A copy: the digest may be a view into a buffer that Node shares.
      return new Uint8Array(createHmac(hash, key).update(data).digest())
    },
  })
}).pipe(Layer.provide(SecureRandom.layerWebCrypto))
