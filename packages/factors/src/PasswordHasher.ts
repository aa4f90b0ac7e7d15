/**
 * Argon2id, off the main thread and only so many at a time.
 *
 * On Node its `Kdf` (`NodeCrypto.layer`) has Argon2id from 24.7 on. On an older one a host that takes passwords
 * provides a `Kdf` that has it.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Kdf from "effect/crypto/Kdf"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { normalize, PasswordHash } from "./Password.ts"

/**
 * The cost of a hash.
 *
 * **Details**
 *
 * `memory` in KiB (19,456 = 19 MiB), `passes` over it (2), `parallelism` lanes (1): the least that OWASP advises, and
 * no less is taken. `concurrency` bounds how many run at a time ({@link defaultConcurrency}), so that the memory is
 * bounded: memory × concurrency.
 *
 * @see [RFC 9106 §4](https://www.rfc-editor.org/rfc/rfc9106.html#section-4)
 * @category models
 * @since 0.1.0
 */
export interface PasswordCost {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  readonly concurrency: number
}

/**
 * What a hash costs unless told otherwise, and the least that it costs: 19 MiB, 2 passes, 1 lane.
 *
 * @category models
 * @since 0.1.0
 */
export const defaultCost: Omit<PasswordCost, "concurrency"> = { memory: 19_456, passes: 2, parallelism: 1 }

/**
 * How many hashes run at a time unless told otherwise: as many as there are cores, 4 at most.
 *
 * **Details**
 *
 * More than there are cores makes no hash ready sooner, but has more of them stand in the way of every other request.
 * 4 is what Node's thread pool runs. Where the runtime does not tell its cores, it is 4.
 *
 * @category models
 * @since 0.1.0
 */
export const defaultConcurrency = (): number => Math.min(mostByDefault, coresOf(globalThis) ?? mostByDefault)

/**
 * What a comparison found: whether the password is the one, and whether its hash should be made anew.
 *
 * @category models
 * @since 0.1.0
 */
export interface Comparison {
  readonly matches: boolean
  readonly isOutdated: boolean
}

/**
 * Hashes passwords and compares them.
 *
 * @category services
 * @since 0.1.0
 */
export class PasswordHasher extends Context.Service<
  PasswordHasher,
  {
    readonly hash: (password: Redacted.Redacted) => Effect.Effect<PasswordHash>
    /**
     * Compares in constant time. Without a hash it compares with one that nothing matches, which takes as long: who
     * has no password costs what everybody costs.
     */
    readonly compare: (password: Redacted.Redacted, hash: Option.Option<PasswordHash>) => Effect.Effect<Comparison>
  }
>()("@belfry/factors/PasswordHasher") {}

/**
 * Builds the service. Costs below {@link defaultCost} are raised to it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (options: Partial<PasswordCost> = {}) {
  const parallelism = Math.max(options.parallelism ?? 0, defaultCost.parallelism)
  const cost = {
    // RFC 9106 §3.1: at least 8 KiB a lane.
    memory: Math.max(options.memory ?? 0, defaultCost.memory, 8 * parallelism),
    passes: Math.max(options.passes ?? 0, defaultCost.passes),
    parallelism,
  }
  const kdf = yield* Kdf.Kdf
  const random = yield* SecureRandom.SecureRandom
  const semaphore = yield* Semaphore.make(Math.max(1, options.concurrency ?? defaultConcurrency()))

  // The parameters are bounded, so a failure can only be a runtime without Argon2id: a defect.
  const derive = (password: Redacted.Redacted, parameters: Parameters, length: number) =>
    Effect.orDie(
      semaphore.withPermit(
        kdf.derive(Kdf.argon2id(parameters), new TextEncoder().encode(Redacted.value(normalize(password))), {
          salt: parameters.salt,
          length,
        }),
      ),
    )

  const fresh = Effect.map(random.randomBytes(saltLength), (salt): Parameters => ({ ...cost, salt }))
  const decoy: Parsed = { parameters: yield* fresh, hash: yield* random.randomBytes(hashLength) }

  return PasswordHasher.of({
    hash: Effect.fn("PasswordHasher.hash")(function* (password) {
      const parameters = yield* fresh
      return format(parameters, yield* derive(password, parameters, hashLength))
    }),
    compare: Effect.fn("PasswordHasher.compare")(function* (password, hash) {
      const parsed = Option.flatMap(hash, parse)
      const { parameters, hash: expected } = Option.getOrElse(parsed, () => decoy)
      const actual = yield* derive(password, parameters, expected.length)
      const matches = Mac.timingSafeEqual(actual, expected) && Option.isSome(parsed)
      return { matches, isOutdated: matches && isBelow(parameters, cost) }
    }),
  })
})

/**
 * The service at a cost; what is left out is the default.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (cost?: Partial<PasswordCost>) => Layer.effect(PasswordHasher, make(cost))

/**
 * The service at the cost of `BELFRY_PASSWORD_MEMORY` (KiB), `BELFRY_PASSWORD_PASSES`, `BELFRY_PASSWORD_PARALLELISM`
 * and `BELFRY_PASSWORD_CONCURRENCY`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = Layer.effect(
  PasswordHasher,
  Effect.gen(function* () {
    return yield* make(
      yield* Config.all({
        memory: Config.Int("BELFRY_PASSWORD_MEMORY").pipe(Config.withDefault(defaultCost.memory)),
        passes: Config.Int("BELFRY_PASSWORD_PASSES").pipe(Config.withDefault(defaultCost.passes)),
        parallelism: Config.Int("BELFRY_PASSWORD_PARALLELISM").pipe(Config.withDefault(defaultCost.parallelism)),
        concurrency: Config.Int("BELFRY_PASSWORD_CONCURRENCY").pipe(Config.withDefault(defaultConcurrency())),
      }),
    )
  }),
)

// internal

const mostByDefault = 4

/** Runtimes differ in whether they have a `navigator`, and in whether it tells the number of cores. */
const coresOf = (runtime: { readonly navigator?: { readonly hardwareConcurrency?: number } }): number | undefined =>
  runtime.navigator?.hardwareConcurrency

const saltLength = 16
const hashLength = 32

interface Parameters {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  readonly salt: Uint8Array
}

interface Parsed {
  readonly parameters: Parameters
  readonly hash: Uint8Array
}

const isBelow = (parameters: Parameters, cost: Omit<PasswordCost, "concurrency">): boolean =>
  parameters.memory < cost.memory || parameters.passes < cost.passes || parameters.parallelism < cost.parallelism

const encode = (bytes: Uint8Array): string => Base64.encode(bytes).replaceAll("=", "")

const format = ({ memory, passes, parallelism, salt }: Parameters, hash: Uint8Array): PasswordHash =>
  PasswordHash.make(`$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${encode(salt)}$${encode(hash)}`)

const decode = (text: string): Option.Option<Uint8Array> =>
  Result.getSuccess(Base64.decode(text.padEnd(Math.ceil(text.length / 4) * 4, "=")))

const parse = (hash: PasswordHash): Option.Option<Parsed> => {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(hash)
  if (match === null) return Option.none()
  const [, memory, passes, parallelism, salt = "", digest = ""] = match
  return Option.map(Option.all({ salt: decode(salt), hash: decode(digest) }), (bytes) => ({
    parameters: {
      memory: Number(memory),
      passes: Number(passes),
      parallelism: Number(parallelism),
      salt: bytes.salt,
    },
    hash: bytes.hash,
  }))
}
