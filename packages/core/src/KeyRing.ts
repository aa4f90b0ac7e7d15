/**
 * The keys of an installation: versioned secrets, a key for every purpose, rotation that signs nobody out.
 *
 * The first secret signs and seals; all of them verify and open. Each purpose has keys of its own, derived by HKDF, so
 * that a hash made for one use means nothing in another.
 *
 * @since 0.1.0
 */
import * as Array from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Brand from "effect/Brand"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Aead from "effect/crypto/Aead"
import * as Kdf from "effect/crypto/Kdf"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type KeyedHash, Sealed } from "./KeyedHash.ts"

/**
 * One secret of the ring, with the id that stands before everything made with it.
 *
 * @category models
 * @since 0.1.0
 */
export interface RingSecret {
  /** 1 to 32 letters, digits, `-` or `_`. */
  readonly id: string
  /** At least 32 characters of random text. */
  readonly value: Redacted.Redacted
}

/**
 * Text that was sealed by a key the ring no longer has, for another purpose, or was altered.
 *
 * @category errors
 * @since 0.1.0
 */
export class SealBroken extends Schema.TaggedError<SealBroken>("@belfry/core/SealBroken")("SealBroken", {
  keyId: Schema.NullOr(Schema.String),
}) {
  override get message(): string {
    return "A sealed value cannot be opened with the keys of this installation"
  }
}

/**
 * `BELFRY_SECRETS` cannot be used; `reason` says why without showing it.
 *
 * @category errors
 * @since 0.1.0
 */
export class SecretsInvalid extends Schema.TaggedError<SecretsInvalid>("@belfry/core/SecretsInvalid")(
  "SecretsInvalid",
  { reason: Schema.String },
) {
  override get message(): string {
    return `BELFRY_SECRETS cannot be used: ${this.reason}`
  }
}

/**
 * Keyed hashes for one purpose.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hasher {
  /** The hash under the current key: what stores keep. */
  readonly hash: (secret: Redacted.Redacted) => Effect.Effect<KeyedHash>
  /** The hashes that the secret may have been kept under, the current key's first. */
  readonly candidates: (secret: Redacted.Redacted) => Effect.Effect<NonEmptyReadonlyArray<KeyedHash>>
  /** Tells whether a hash was made with the current key; if not, it should be replaced. */
  readonly isCurrent: (hash: KeyedHash) => boolean
}

/**
 * Authenticated encryption for one purpose.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sealer {
  /** Seals text; `context` (for instance the row's id) must be given again to open it. */
  readonly seal: (text: Redacted.Redacted, context: string) => Effect.Effect<Sealed>
  readonly open: (sealed: Sealed, context: string) => Effect.Effect<Redacted.Redacted, SealBroken>
  /** Tells whether it was sealed with the current key; if not, seal it anew when next written. */
  readonly isCurrent: (sealed: Sealed) => boolean
}

/**
 * The keys of an installation.
 *
 * @category services
 * @since 0.1.0
 */
export class KeyRing extends Context.Service<
  KeyRing,
  {
    /**
     * Keyed hashes (HMAC-SHA-256) under keys derived for `purpose`. Take one when a layer is built, not per request.
     */
    readonly hasher: (purpose: string) => Effect.Effect<Hasher>
    /** Authenticated encryption (AES-256-GCM, random 96-bit nonce) under keys derived for `purpose`. */
    readonly sealer: (purpose: string) => Effect.Effect<Sealer>
  }
>()("@belfry/core/KeyRing") {}

/**
 * Builds the key ring from its secrets, the signing one first.
 *
 * @see [RFC 5869 §2](https://www.rfc-editor.org/rfc/rfc5869.html#section-2)
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (secrets: NonEmptyReadonlyArray<RingSecret>) {
  const kdf = yield* Kdf.Kdf
  const mac = yield* Mac.Mac
  const aead = yield* Aead.Aead
  const random = yield* SecureRandom.SecureRandom

  const derive = ({ id, value }: RingSecret, purpose: string) =>
    Effect.map(
      kdf.derive(Kdf.hkdfSha256, utf8(Redacted.value(value)), {
        salt: utf8("belfry"),
        info: utf8(purpose),
        length: 32,
      }),
      (bytes) => ({ id, bytes }),
    )

  // Algorithms, key sizes and arguments are fixed here, so a CryptoError can only mean a runtime that lacks them: a
  // defect, not an answer.
  const hasher = (purpose: string) =>
    forEachSecret(secrets, (secret) =>
      derive(secret, `hash:${purpose}`).pipe(
        Effect.flatMap(({ id, bytes }) => Effect.map(Mac.key(Mac.hmacSha256, bytes), (key) => ({ id, key }))),
        Effect.orDie,
      ),
    ).pipe(
      Effect.map((keys): Hasher => {
        const [current, ...older] = keys
        const hashWith = ({ id, key }: typeof current, secret: Redacted.Redacted) =>
          Effect.map(Effect.orDie(mac.sign(key, utf8(Redacted.value(secret)))), (bytes) =>
            keyedHash(`${id}.${Base64Url.encode(bytes)}`),
          )
        return {
          hash: (secret) => hashWith(current, secret),
          candidates: (secret) =>
            older.length === 0
              ? Effect.map(hashWith(current, secret), Array.of)
              : forEachSecret(keys, (key) => hashWith(key, secret)),
          isCurrent: (hash) => keyIdOf(hash) === current.id,
        }
      }),
    )

  const sealer = (purpose: string) =>
    forEachSecret(secrets, (secret) =>
      derive(secret, `seal:${purpose}`).pipe(
        Effect.flatMap(({ id, bytes }) => Effect.map(Aead.key(Aead.aes256Gcm, bytes), (key) => ({ id, key }))),
        Effect.orDie,
      ),
    ).pipe(
      Effect.map((keys): Sealer => {
        const [current] = keys
        return {
          seal: Effect.fnUntraced(function* (text, context) {
            const nonce = yield* random.randomBytes(nonceLength)
            const ciphertext = yield* aead.encrypt(current.key, utf8(Redacted.value(text)), {
              nonce,
              aad: utf8(context),
            })
            const bytes = new Uint8Array(nonceLength + ciphertext.length)
            bytes.set(nonce)
            bytes.set(ciphertext, nonceLength)
            return Sealed.make(`${current.id}.${Base64Url.encode(bytes)}`)
          }, Effect.orDie),
          open: Effect.fnUntraced(function* (sealed, context) {
            const keyId = keyIdOf(sealed)
            const found = keys.find(({ id }) => id === keyId)
            const encoded = sealed.slice(keyId.length + 1)
            const bytes = Base64Url.decode(encoded)
            if (found === undefined || Result.isFailure(bytes) || bytes.success.length < nonceLength) {
              return yield* new SealBroken({ keyId })
            }
            // The last character has bits that no byte takes: other text for the same bytes was not sealed here.
            if (Base64Url.encode(bytes.success) !== encoded) return yield* new SealBroken({ keyId })
            const plaintext = yield* aead
              .decrypt(found.key, bytes.success.subarray(nonceLength), {
                nonce: bytes.success.subarray(0, nonceLength),
                aad: utf8(context),
              })
              .pipe(Effect.mapError(() => new SealBroken({ keyId })))
            return Redacted.make(new TextDecoder().decode(plaintext))
          }),
          isCurrent: (sealed) => keyIdOf(sealed) === current.id,
        }
      }),
    )

  return KeyRing.of({ hasher, sealer })
})

/**
 * Reads `id:value,id:value,...`: ids of 1 to 32 letters, digits, `-` or `_`, each once; values of at least 32
 * characters. The first one signs.
 *
 * @category schemas
 * @since 0.1.0
 */
export const parseSecrets = (text: string): Result.Result<NonEmptyReadonlyArray<RingSecret>, string> => {
  const secrets: Array<RingSecret> = []
  for (const entry of text.split(",").map((part) => part.trim())) {
    const colon = entry.indexOf(":")
    const id = entry.slice(0, Math.max(colon, 0))
    const value = entry.slice(colon + 1)
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(id)) {
      return Result.fail("each secret is written id:value, the id in 1 to 32 letters, digits, - or _")
    }
    if (value.length < 32) return Result.fail(`the value of secret "${id}" has less than 32 characters`)
    if (new Set(value).size < 10) return Result.fail(`the value of secret "${id}" is not random`)
    if (secrets.some((other) => other.id === id)) return Result.fail(`secret "${id}" is given twice`)
    secrets.push({ id, value: Redacted.make(value, { label: `secret ${id}` }) })
  }
  return Array.isReadonlyArrayNonEmpty(secrets) ? Result.succeed(secrets) : Result.fail("no secret is given")
}

/**
 * `BELFRY_SECRETS`: the secrets of the installation as {@link parseSecrets} reads them.
 *
 * @category config
 * @since 0.1.0
 */
export const configSecrets = Effect.gen(function* () {
  const text = yield* Config.Redacted("BELFRY_SECRETS")
  return yield* Effect.mapError(
    Effect.fromResult(parseSecrets(Redacted.value(text))),
    (reason) => new SecretsInvalid({ reason }),
  )
})

/**
 * The key ring of the given secrets.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (secrets: NonEmptyReadonlyArray<RingSecret>) => Layer.effect(KeyRing, make(secrets))

/**
 * The key ring of `BELFRY_SECRETS`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.effect(KeyRing, Effect.flatMap(configSecrets, make))

// internal

const nonceLength = 12

// Of the form by how it is made: a session and a token are looked up by one each, and to check it takes as long as the
// hash.
const keyedHash = Brand.nominal<KeyedHash>()

const encoder = new TextEncoder()

const utf8 = (text: string): Uint8Array => encoder.encode(text)

const keyIdOf = (text: string): string => text.slice(0, text.indexOf("."))

const forEachSecret = <A, B>(items: NonEmptyReadonlyArray<A>, f: (item: A) => Effect.Effect<B>) =>
  Effect.gen(function* () {
    const first = yield* f(items[0])
    return [first, ...(yield* Effect.forEach(items.slice(1), f))] as const
  })
