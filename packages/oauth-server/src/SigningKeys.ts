/**
 * The keys that sign tokens: made, rotated, published, and verified with.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import { KeyRing } from "@belfry/core/KeyRing"
import { Site } from "@belfry/core/Site"
import { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type { Claims } from "./Claims.ts"
import { issuerOf } from "./Issuer.ts"
import { JwsSigner } from "./JwsSigner.ts"
import { isType, readClaims, readHeader, verifySignature } from "./internal/jws.ts"
import { generate } from "./internal/signingKeyPairs.ts"
import {
  isOver,
  type KeySnapshot,
  signerOf,
  snapshots,
  toPublished,
  viewsOf,
  youngestOf,
} from "./internal/signingKeySnapshot.ts"
import { OAuthServerSettings, type OAuthServerSettingsService } from "./OAuthServerSettings.ts"
import { type PublicJwk, SigningAlgorithm, type SigningKey, type SigningKeyView } from "./SigningKey.ts"
import { SigningKeyStore } from "./SigningKeyStore.ts"

/**
 * A JWT that this server did not sign, or that is not of the type asked for. It says nothing of time and audience.
 *
 * @category errors
 * @since 0.1.0
 */
export class JwtInvalid extends Schema.TaggedError<JwtInvalid>("@belfry/oauth-server/JwtInvalid")("JwtInvalid", {
  reason: Schema.Literals(["malformed", "algorithm", "key", "signature", "type", "issuer", "claims"]),
}) {
  override get message(): string {
    return `The JWT cannot be taken: ${this.reason}`
  }
}

/**
 * The keys that sign tokens.
 *
 * **Details**
 *
 * Keys are in the database, sealed, so all nodes sign with the same ones; they are held in memory and looked up again
 * when they are older than a minute, or when a token names a key that is not known (once in ten seconds at most).
 * Signing costs no statement. The first key of an algorithm is made when it is first needed, and RS256 always (OpenID
 * Connect Core §15.1). A node whose key ring cannot open a key verifies with it, and signs with another one.
 *
 * **Gotchas**
 *
 * What signs first by an algorithm inserts its key: inside of a transaction that is undone, the key would be gone and
 * the signature would not.
 *
 * @category services
 * @since 0.1.0
 */
export class SigningKeys extends Context.Service<
  SigningKeys,
  {
    /** Signs claims as a compact JWS: `typ` is the header's, `at+jwt` or `JWT`. */
    readonly sign: (options: {
      readonly claims: Claims
      readonly typ: string
      readonly algorithm: SigningAlgorithm
    }) => Effect.Effect<Redacted.Redacted, StoreError>
    /**
     * Verifies signature, `typ` and issuer of a JWT of this server, and returns its claims; expired ones too. At most
     * 16 KiB. Keys come from the key store alone: `jku`, `jwk`, `x5u` and `crit` of the header are refused.
     */
    readonly verify: (
      token: Redacted.Redacted,
      options: { readonly typ: string },
    ) => Effect.Effect<Claims, JwtInvalid | StoreError>
    /** The public keys, those that will sign and those that signed what may still be in force. */
    readonly jwks: Effect.Effect<ReadonlyArray<PublicJwk>, StoreError>
    /** All keys with where they stand, looked up anew: by algorithm, the youngest first. None where JWTs are disabled. */
    readonly list: Effect.Effect<ReadonlyArray<SigningKeyView>, StoreError>
    /**
     * Makes keys that are due, retires old ones, removes those that are over. Once across nodes; done by the sweeper.
     */
    readonly rotate: Effect.Effect<void, StoreError>
    /**
     * Makes a new key of an algorithm that signs at once, after a compromise. Those before it are unpublished when
     * `compromised`.
     */
    readonly rotateNow: (
      algorithm: SigningAlgorithm,
      options?: { readonly compromised?: boolean },
    ) => Effect.Effect<void, StoreError>
  }
>()("@belfry/oauth-server/SigningKeys") {}

/**
 * Makes the service over {@link SigningKeyStore}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const store = yield* SigningKeyStore
  const transactions = yield* TransactionStore
  const audit = yield* Audit
  const settings = yield* OAuthServerSettings
  const issuer = issuerOf(yield* Site)
  const ring = yield* KeyRing
  const sealer = yield* ring.sealer("oauth-signing-key")
  const lookUp = snapshots(store, sealer, yield* JwsSigner)
  const published = alwaysPublished(settings)
  const lock = Semaphore.makeUnsafe(1)

  let snapshot: KeySnapshot | null = null

  const load = Effect.gen(function* () {
    return (snapshot = yield* lookUp(snapshot))
  })

  /** The keys as they were `age` milliseconds ago at most: who finds them older looks them up, for all who wait. */
  const noOlderThan = (age: number, now: DateTime.Utc) => {
    const isFresh = (kept: KeySnapshot | null): kept is KeySnapshot =>
      kept !== null && now.epochMilliseconds - kept.at < age
    return isFresh(snapshot)
      ? Effect.succeed(snapshot)
      : lock.withPermit(Effect.suspend(() => (isFresh(snapshot) ? Effect.succeed(snapshot) : load)))
  }

  /** Makes a key in the place of `seen`, unless another node did; those before it end when `end` says. */
  const add = Effect.fnUntraced(function* (options: {
    readonly algorithm: SigningAlgorithm
    readonly seen: SigningKey | null
    readonly activeAt: DateTime.Utc
    readonly end: DateTime.Utc
    readonly reason: "first" | "schedule" | "demand" | "compromise"
  }) {
    const { algorithm, seen, activeAt } = options
    const now = yield* DateTime.now
    const { publicJwk, privateJwk } = yield* generate(algorithm)
    const { kid } = publicJwk
    const privateKey = yield* sealer.seal(privateJwk, kid)
    // Younger than the one before, in the same millisecond too: the youngest signs.
    const createdAt = seen === null ? now : DateTime.max(now, DateTime.addDuration(seen.createdAt, 1))
    return yield* transactions.run(
      Effect.gen(function* () {
        const key = { kid, algorithm, publicJwk, privateKey, createdAt, activeAt, expiresAt: null }
        if (!(yield* store.insert(key, seen?.kid ?? null))) return false
        yield* store.retire(algorithm, kid, options.end)
        yield* audit.record({
          type: "oauth-signing-key.created",
          data: { kid, algorithm, reason: options.reason, replaces: seen?.kid ?? null },
        })
        return true
      }),
    )
  })

  /** When all that was signed until `activeAt` is over, and every clock and cache has noticed. */
  const endAfter = (activeAt: DateTime.Utc) =>
    DateTime.addDuration(activeAt, Duration.sum(longestLifetime(settings), margin))

  /** The keys with one that signs by each of the algorithms, made where there was none. Inside of the lock. */
  const withSigners = Effect.fnUntraced(function* (algorithms: ReadonlyArray<SigningAlgorithm>) {
    for (let attempt = 0; attempt < 5; attempt++) {
      const loaded = yield* load
      const now = yield* DateTime.now
      const missing = algorithms.filter((algorithm) => signerOf(loaded, algorithm, now) === null)
      if (missing.length === 0) return loaded
      for (const algorithm of missing) {
        const seen = youngestOf(loaded, algorithm)
        yield* add({ algorithm, seen, activeAt: now, end: endAfter(now), reason: "first" })
      }
    }
    return yield* noSigner()
  })

  /** The key that signs by an algorithm of which none is there yet. */
  const firstSigner = Effect.fnUntraced(function* (algorithm: SigningAlgorithm) {
    const made = yield* lock.withPermit(withSigners([algorithm]))
    return signerOf(made, algorithm, yield* DateTime.now) ?? (yield* noSigner())
  })

  const rotate = Effect.gen(function* () {
    const loaded = yield* withSigners(published)
    const now = yield* DateTime.now
    for (const algorithm of SigningAlgorithm.literals) {
      const youngest = youngestOf(loaded, algorithm)
      if (youngest === null || !isDue(youngest, settings, now)) continue
      // A node that was down for long publishes a new key as early as every other: what verifies has it in time.
      const activeAt = DateTime.max(
        DateTime.addDuration(youngest.activeAt, settings.keyLifetime),
        DateTime.addDuration(now, settings.keyLead),
      )
      yield* add({ algorithm, seen: youngest, activeAt, end: endAfter(activeAt), reason: "schedule" })
    }
    yield* store.removeExpired(now, 100)
    snapshot = null
  })

  const rotateNow = Effect.fnUntraced(function* (algorithm: SigningAlgorithm, isCompromised: boolean) {
    for (let attempt = 0; attempt < 5; attempt++) {
      const seen = youngestOf(yield* load, algorithm)
      const now = yield* DateTime.now
      const end = isCompromised ? now : endAfter(now)
      const isMade = yield* add({
        algorithm,
        seen,
        activeAt: now,
        end,
        reason: isCompromised ? "compromise" : "demand",
      })
      snapshot = null
      if (isMade) return
    }
    return yield* noSigner()
  })

  return SigningKeys.of({
    sign: Effect.fnUntraced(function* ({ claims, typ, algorithm }) {
      if (settings.disableJwt) return yield* Effect.die(new Error("JWTs are disabled"))
      const now = yield* DateTime.now
      const known = signerOf(yield* noOlderThan(refreshAfter, now), algorithm, now)
      const { kid, sign } = known ?? (yield* firstSigner(algorithm))
      return Redacted.make(yield* sign({ alg: algorithm, typ, kid }, JSON.stringify(claims)))
    }),

    verify: Effect.fnUntraced(function* (token, { typ }) {
      const text = Redacted.value(token)
      const header = readHeader(text)
      if (header === null) return yield* new JwtInvalid({ reason: "malformed" })
      const { alg, kid } = header
      if (!isSigningAlgorithm(alg)) return yield* new JwtInvalid({ reason: "algorithm" })
      if (!isType(header.typ, typ)) return yield* new JwtInvalid({ reason: "type" })
      if (kid === null || settings.disableJwt) return yield* new JwtInvalid({ reason: "key" })
      const now = yield* DateTime.now
      const known = (yield* noOlderThan(refreshAfter, now)).keys.get(kid)
      const key = known ?? (yield* noOlderThan(lookUpAgainAfter, now)).keys.get(kid)
      if (key === undefined || isOver(key.row, now)) return yield* new JwtInvalid({ reason: "key" })
      // A key is for one algorithm; what the token says of itself never chooses how a key is used (RFC 8725 §3.1).
      if (key.row.algorithm !== alg) return yield* new JwtInvalid({ reason: "algorithm" })
      const payload = yield* verifySignature(text, key.publicKey, alg)
      if (payload === null) return yield* new JwtInvalid({ reason: "signature" })
      const claims = readClaims(payload)
      if (claims === null) return yield* new JwtInvalid({ reason: "claims" })
      return claims["iss"] === issuer ? claims : yield* new JwtInvalid({ reason: "issuer" })
    }),

    jwks: settings.disableJwt
      ? Effect.succeed([])
      : Effect.gen(function* () {
          const now = yield* DateTime.now
          const known = yield* noOlderThan(refreshAfter, now)
          const isComplete = published.every((algorithm) => signerOf(known, algorithm, now) !== null)
          return toPublished(isComplete ? known : yield* lock.withPermit(withSigners(published)), now)
        }),

    list: settings.disableJwt
      ? Effect.succeed([])
      : Effect.map(Effect.all([lock.withPermit(load), DateTime.now]), ([loaded, now]) => viewsOf(loaded, now)),

    rotate: settings.disableJwt ? Effect.void : Effect.withSpan(lock.withPermit(rotate), "SigningKeys.rotate"),

    rotateNow: (algorithm, options) =>
      settings.disableJwt
        ? Effect.void
        : lock
            .withPermit(rotateNow(algorithm, options?.compromised === true))
            .pipe(Effect.withSpan("SigningKeys.rotateNow", { attributes: { algorithm } })),
  })
})

/**
 * Layer with the keys of {@link SigningKeyStore}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(SigningKeys, make)

// internal

const refreshAfter = 60_000
const lookUpAgainAfter = 10_000

/** For clocks that differ and for nodes that look keys up once a minute. */
const margin = Duration.minutes(10)

const isSigningAlgorithm = Schema.is(SigningAlgorithm)

const longestLifetime = (settings: OAuthServerSettingsService): Duration.Duration =>
  [settings.accessTokenLifetime, settings.clientCredentialsLifetime, settings.idTokenLifetime].reduce(Duration.max)

const alwaysPublished = (settings: OAuthServerSettingsService): ReadonlyArray<SigningAlgorithm> => [
  ...new Set([
    "RS256" as const,
    settings.accessTokenAlgorithm,
    settings.idTokenAlgorithm,
    ...[...settings.resources, ...settings.boundResources].flatMap(({ signingAlgorithm }) => signingAlgorithm ?? []),
  ]),
]

/** Whether the successor of a key is to be made. One that does not sign yet has none. */
const isDue = ({ activeAt }: SigningKey, settings: OAuthServerSettingsService, now: DateTime.Utc): boolean => {
  const isActive = activeAt.epochMilliseconds <= now.epochMilliseconds
  const age = Duration.millis(now.epochMilliseconds - activeAt.epochMilliseconds + Duration.toMillis(settings.keyLead))
  return isActive && Duration.isGreaterThanOrEqualTo(age, settings.keyLifetime)
}

const noSigner = () =>
  new StoreError({
    store: "SigningKeyStore",
    method: "insert",
    isRetryable: true,
    cause: new Error("Other nodes keep replacing the keys, and none can be opened by the key ring of this one"),
  })
