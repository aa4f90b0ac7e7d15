/**
 * Access tokens verified by the keys that their authorization server publishes.
 *
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4)
 */
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Semaphore from "effect/Semaphore"
import { createLocalJWKSet, type CryptoKey, errors } from "jose"
import { issuerUrl, ResourceServerInvalid, secureUrl } from "../ProtectedResourceMetadata.ts"
import { AccessTokenRefused, AccessTokenUnverifiable, checkFor, fromClaims } from "../VerifiedAccessToken.ts"
import { lifetimeOf } from "./freshness.ts"
import { readObject } from "./jsonObjects.ts"
import { isType, type JwsHeader, readClaims, readHeader, verifySignature } from "./jws.ts"

/** Whose tokens, for whom, by which keys. `algorithms`: all of these by default; there is no symmetric one. */
export interface JwksOptions {
  readonly issuer: string
  readonly audience: string
  readonly jwksUri: string
  readonly algorithms?: ReadonlyArray<"RS256" | "PS256" | "ES256" | "EdDSA" | "Ed25519"> | undefined
  readonly clockTolerance?: Duration.Duration | undefined
}

/** Makes the verification of JWTs, each for the audience that it is asked for. */
export const jwksVerifier = Effect.fnUntraced(function* (options: JwksOptions) {
  const {
    algorithms = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"],
    clockTolerance = Duration.minutes(1),
    issuer,
  } = options
  yield* Effect.fromResult(issuerUrl("issuer", issuer))
  const { href: jwksUri } = yield* Effect.fromResult(secureUrl("jwksUri", options.jwksUri))
  if (options.audience === "") return yield* new ResourceServerInvalid({ setting: "audience", reason: "empty" })
  const allowed: ReadonlyArray<string> = algorithms
  const keys = publishedKeys(yield* OutboundHttp, jwksUri)

  return Effect.fn("AccessTokenVerifier.verify")(function* (token: Redacted.Redacted, audience: string) {
    const text = Redacted.value(token)
    const refuse = (reason: AccessTokenRefused["reason"]) => new AccessTokenRefused({ reason })
    const header = readHeader(text)
    if (header === null) return yield* refuse("malformed")
    if (!allowed.includes(header.alg)) return yield* refuse("algorithm")
    if (!isType(header.typ, "at+jwt")) return yield* refuse("type")
    const key = (yield* keys.find(header)) ?? (yield* keys.findRenewed(header))
    if (key === null) return yield* refuse("key")
    const payload = yield* verifySignature(text, key, header.alg)
    if (payload === null) return yield* refuse("signature")
    const claims = readClaims(payload)
    // RFC 9068 §2.2: these stand in every one.
    if (claims?.["exp"] === undefined || claims["iat"] === undefined) return yield* refuse("claims")
    const expected = { issuer, clockTolerance: Duration.toSeconds(clockTolerance) }
    const verified = yield* Effect.fromResult(fromClaims(claims, expected, yield* DateTime.now))
    return yield* Effect.fromResult(checkFor(verified, audience))
  })
})

// internal

type KeySet = ReturnType<typeof createLocalJWKSet>

interface Fetched {
  readonly keys: KeySet
  /** When they were fetched, until when they need not be fetched again: milliseconds since the epoch. */
  readonly at: number
  readonly until: number
}

const shortest = Duration.toMillis(Duration.minutes(5))
const longest = Duration.toMillis(Duration.days(1))
const pause = Duration.toMillis(Duration.seconds(30))
const maxBytes = 256 * 1024

/** The keys that are published at a URL: fetched when they are needed, once for all who wait. */
const publishedKeys = (http: OutboundHttp["Service"], url: string) => {
  const lock = Semaphore.makeUnsafe(1)
  const unverifiable = new AccessTokenUnverifiable({ reason: "keys" })
  let known: Fetched | null = null
  let triedAt = -Infinity

  const fetchKeys = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    triedAt = now
    const accept = "application/jwk-set+json, application/json"
    const response = yield* http.send({ url, trust: "configured", headers: { accept } })
    const keys = response.status === 200 ? readKeys(response.body) : null
    if (keys === null) return yield* unverifiable
    return (known = { keys, at: now, until: now + lifetimeOf(response, { shortest, longest, unsaid: shortest }) })
  }).pipe(Effect.mapError(() => unverifiable))

  /** The keys as they are kept; where they are too old, as they are now. */
  const current = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (known !== null && now < known.until) return known.keys
    // A server that is away is not asked by everybody who waits.
    const isPausing = now - triedAt < pause
    const kept = known !== null && now - known.at < longest ? known.keys : null
    if (isPausing) return kept ?? (yield* unverifiable)
    const fetched = Effect.map(fetchKeys, ({ keys }) => keys)
    return yield* kept === null ? fetched : Effect.catch(fetched, () => Effect.succeed(kept))
  })
  const renewed = Effect.gen(function* () {
    const isPausing = (yield* Clock.currentTimeMillis) - triedAt < pause
    if (!isPausing) yield* Effect.ignore(fetchKeys)
    return known === null ? yield* unverifiable : known.keys
  })
  const isFresh = Effect.map(Clock.currentTimeMillis, (now) =>
    known !== null && now < known.until ? known.keys : null,
  )

  return {
    find: (header: JwsHeader) =>
      isFresh.pipe(
        Effect.flatMap((keys) => (keys === null ? lock.withPermit(current) : Effect.succeed(keys))),
        Effect.flatMap((keys) => keyOf(keys, header)),
      ),
    /** For a token of a key that is not known: anybody can make such tokens up, so that there is a pause between. */
    findRenewed: (header: JwsHeader) => Effect.flatMap(lock.withPermit(renewed), (keys) => keyOf(keys, header)),
  }
}

/** The one key that fits by name, type and algorithm; null when there is none, or more than one. */
const keyOf = (keys: KeySet, { alg, kid }: JwsHeader): Effect.Effect<CryptoKey | null> =>
  Effect.promise(() =>
    keys({ alg, ...(kid === null ? {} : { kid }) }).catch((error: unknown) => {
      if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) return null
      throw error
    }),
  )

const readKeys = (body: Uint8Array): KeySet | null => {
  if (body.length > maxBytes) return null
  const keys = readObject(new TextDecoder().decode(body), 8)?.["keys"]
  if (!Array.isArray(keys)) return null
  // A private or symmetric key has no business there: whoever publishes one has lost it.
  const usable = keys.filter((key) => isPublicKey(key))
  return createLocalJWKSet({ keys: usable })
}

const isPublicKey = (key: unknown): key is { readonly kty: string } =>
  typeof key === "object" &&
  key !== null &&
  "kty" in key &&
  (key.kty === "RSA" || key.kty === "EC" || key.kty === "OKP") &&
  !("d" in key)
