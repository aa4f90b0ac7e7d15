/**
 * Signing keys over memory, tokens that are forged with them, and look-ups that are counted.
 */
import * as Audit from "@belfry/core/Audit"
import * as KeyRing from "@belfry/core/KeyRing"
import * as MemoryStores from "@belfry/core/MemoryStores"
import * as Site from "@belfry/core/Site"
import * as MemoryOAuthServerStores from "@belfry/oauth-server/MemoryOAuthServerStores"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import type { SigningAlgorithm, SigningKey } from "@belfry/oauth-server/SigningKey"
import * as SigningKeys from "@belfry/oauth-server/SigningKeys"
import { SigningKeyStore } from "@belfry/oauth-server/SigningKeyStore"
import { NodeCrypto } from "@effect/platform-node"
import { Context, Effect, Layer, Redacted } from "effect"
import { CompactSign, importJWK } from "jose"

export const issuer = "https://auth.example.com/auth"

const secret = (id: string) => ({ id, value: Redacted.make(`${id}-0123456789abcdefghijklmnopqrstuvwxyz`) })

/** A key ring of these secrets, the first one current. */
export const layerRing = (...[first, ...others]: [string, ...Array<string>]) =>
  KeyRing.layer([secret(first), ...others.map(secret)]).pipe(Layer.provide(NodeCrypto.layer))

/** Everything below the services: memory, the log, the site, crypto and a key ring of one secret. */
export const layerBelow = Layer.mergeAll(
  Layer.provideMerge(Audit.layer, Layer.merge(MemoryOAuthServerStores.layer, NodeCrypto.layer)),
  Layer.orDie(Site.layer({ baseUrl: "https://auth.example.com" })),
  layerRing("one"),
).pipe(Layer.provideMerge(MemoryStores.layer))

/** A node: the service of its own over the stores of the test. */
export const node = (
  settings: Partial<OAuthServerSettings.OAuthServerSettingsService> = {},
  ring: Layer.Layer<KeyRing.KeyRing> = layerRing("one"),
) =>
  SigningKeys.make.pipe(
    Effect.provide(ring),
    Effect.provideService(OAuthServerSettings.OAuthServerSettings, OAuthServerSettings.make(settings)),
  )

/** The key of an algorithm that was made last. */
export const youngest = (algorithm: SigningAlgorithm) =>
  Effect.gen(function* () {
    const keys = yield* SigningKeyStore.use((store) => store.list)
    const key = keys.find((candidate) => candidate.algorithm === algorithm)
    return key ?? (yield* Effect.die(new Error(`no ${algorithm} key`)))
  })

/** What a key says of itself in private: as whoever has database and secrets reads it. */
export const privateJwk = (key: SigningKey) =>
  Effect.gen(function* () {
    const sealer = yield* (yield* KeyRing.KeyRing).sealer("oauth-signing-key")
    return JSON.parse(Redacted.value(yield* sealer.open(key.privateKey, key.kid)))
  })

/** A JWS of any header and payload, signed with a real key of the server. */
export const forge = (key: SigningKey, header: Readonly<Record<string, unknown>>, payload: string | object) =>
  Effect.gen(function* () {
    const jwk = yield* privateJwk(key)
    const protectedHeader = { alg: key.algorithm, typ: "at+jwt", kid: key.kid, ...header }
    const text = typeof payload === "string" ? payload : JSON.stringify(payload)
    const jws = new CompactSign(new TextEncoder().encode(text)).setProtectedHeader(protectedHeader)
    const imported = yield* Effect.promise(() => importJWK(jwk, protectedHeader.alg))
    const critical = Array.isArray(header["crit"]) ? header["crit"].map(String) : []
    const crit = Object.fromEntries(critical.map((name) => [name, true]))
    return Redacted.make(yield* Effect.promise(() => jws.sign(imported, { crit })))
  })

/** Text as a part of a JWS. */
export const part = (text: string): string => Buffer.from(text).toString("base64url")

/** The parts of a JWS, read. */
export const read = (
  token: Redacted.Redacted,
): { readonly header: unknown; readonly claims: Record<string, unknown> } => {
  const [header = "", claims = ""] = Redacted.value(token)
    .split(".")
    .map((text) => Buffer.from(text, "base64url").toString())
  return { header: JSON.parse(header), claims: JSON.parse(claims) }
}

/** Counts what a store is asked while an effect runs. */
export const countingLookUps = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    let lookUps = 0
    const store = yield* SigningKeyStore
    const list = Effect.suspend(() => {
      lookUps++
      // As a database answers: later, when others have asked, too.
      return Effect.andThen(Effect.yieldNow, store.list)
    })
    const answer = yield* Effect.provideContext(effect, Context.make(SigningKeyStore, { ...store, list }))
    return { answer, lookUps: () => lookUps }
  })
