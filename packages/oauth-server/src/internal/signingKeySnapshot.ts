/**
 * The signing keys as they were when last looked up, ready for use.
 */
import type { Sealer } from "@belfry/core/KeyRing"
import type { StoreError } from "@belfry/core/StoreError"
import * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import type { CryptoKey } from "jose"
import type { JwsSignerService, Sign } from "../JwsSigner.ts"
import type { PublicJwk, SigningAlgorithm, SigningKey, SigningKeyState, SigningKeyView } from "../SigningKey.ts"
import type { SigningKeyStore } from "../SigningKeyStore.ts"
import { importPublic } from "./signingKeyPairs.ts"

/** A key that is ready. `sign` is null when the key ring cannot open it. */
export interface LoadedKey {
  readonly row: SigningKey
  readonly publicKey: CryptoKey
  readonly sign: Sign | null
}

/** The keys by `kid`, the youngest first. `at` is when they were looked up, in milliseconds since the epoch. */
export interface KeySnapshot {
  readonly at: number
  readonly keys: ReadonlyMap<string, LoadedKey>
}

/** A key that signs. */
export interface Signer {
  readonly kid: string
  readonly sign: Sign
}

/**
 * Looks up the keys. Those of `before` are not imported anew. A key that was sealed with an older key of the ring is
 * sealed anew.
 */
export const snapshots =
  (store: SigningKeyStore["Service"], sealer: Sealer, { prepare }: JwsSignerService) =>
  (before: KeySnapshot | null): Effect.Effect<KeySnapshot, StoreError> => {
    const loadKey = loading(store, sealer, prepare)
    return Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      const keys = new Map<string, LoadedKey>()
      for (const row of yield* store.list) {
        const known = before?.keys.get(row.kid)
        // One `kid` is one key, however it is sealed: what could be opened once stays.
        const isReady = known !== undefined && (known.sign !== null || known.row.privateKey === row.privateKey)
        keys.set(row.kid, isReady ? { ...known, row } : yield* loadKey(row))
      }
      return { at, keys }
    })
  }

/**
 * The key that signs by an algorithm at `now`: the youngest one that is active, not over, and can be opened. Where none
 * is active yet, the youngest that will be: the clock of the node that made it may be ahead.
 */
export const signerOf = (snapshot: KeySnapshot, algorithm: SigningAlgorithm, now: DateTime.Utc): Signer | null => {
  let signer: Signer | null = null
  let best: SigningKey | null = null
  for (const { row, sign } of snapshot.keys.values()) {
    if (row.algorithm !== algorithm || sign === null || isOver(row, now)) continue
    if (best !== null && !signsBefore(row, best, now)) continue
    best = row
    signer = { kid: row.kid, sign }
  }
  return signer
}

/** The youngest key of an algorithm, whatever its state; null when there is none. */
export const youngestOf = ({ keys }: KeySnapshot, algorithm: SigningAlgorithm): SigningKey | null => {
  let youngest: SigningKey | null = null
  for (const { row } of keys.values()) {
    const isOfAlgorithm = row.algorithm === algorithm
    if (isOfAlgorithm && row.createdAt.epochMilliseconds > (youngest?.createdAt.epochMilliseconds ?? -Infinity)) {
      youngest = row
    }
  }
  return youngest
}

/** Whether a key is over: nothing that it signed counts any more. */
export const isOver = ({ expiresAt }: SigningKey, now: DateTime.Utc): boolean =>
  expiresAt !== null && expiresAt.epochMilliseconds <= now.epochMilliseconds

/** All keys with where they stand: by algorithm, the youngest first. */
export const viewsOf = (snapshot: KeySnapshot, now: DateTime.Utc): ReadonlyArray<SigningKeyView> => {
  const stateOf = ({ row, sign }: LoadedKey): SigningKeyState => {
    if (isOver(row, now)) return "over"
    if (signerOf(snapshot, row.algorithm, now)?.kid === row.kid) return "signing"
    const isActive = row.activeAt.epochMilliseconds <= now.epochMilliseconds
    if (isActive && row.expiresAt !== null) return "verifying"
    return sign === null ? "unusable" : isActive ? "verifying" : "published"
  }
  return [...snapshot.keys.values()]
    .map((key) => ({ ...Struct.pick(key.row, shown), state: stateOf(key) }))
    .toSorted(
      (one, other) =>
        one.algorithm.localeCompare(other.algorithm) ||
        other.createdAt.epochMilliseconds - one.createdAt.epochMilliseconds,
    )
}

const shown = ["kid", "algorithm", "createdAt", "activeAt", "expiresAt"] as const

/** The public keys that are not over, those that sign before those that will or did: some clients take the first. */
export const toPublished = (snapshot: KeySnapshot, now: DateTime.Utc): ReadonlyArray<PublicJwk> => {
  const rows = [...snapshot.keys.values()].map(({ row }) => row).filter((row) => !isOver(row, now))
  const signs = (row: SigningKey) => signerOf(snapshot, row.algorithm, now)?.kid === row.kid
  return [...rows.filter(signs), ...rows.filter((row) => !signs(row))].map(({ publicJwk }) => publicJwk)
}

// internal

const signsBefore = (one: SigningKey, other: SigningKey, now: DateTime.Utc): boolean => {
  const isActive = ({ activeAt }: SigningKey) => activeAt.epochMilliseconds <= now.epochMilliseconds
  return isActive(one) === isActive(other)
    ? one.createdAt.epochMilliseconds > other.createdAt.epochMilliseconds
    : isActive(one)
}

const loading = (store: SigningKeyStore["Service"], sealer: Sealer, prepare: JwsSignerService["prepare"]) =>
  Effect.fnUntraced(function* (row: SigningKey) {
    const { kid, algorithm } = row
    const publicKey = yield* importPublic(row.publicJwk, algorithm)
    const jwk = yield* sealer.open(row.privateKey, kid).pipe(
      Effect.catchTag("SealBroken", () =>
        Effect.as(
          Effect.annotateLogs(Effect.logWarning("A signing key cannot be opened with the keys of this installation"), {
            kid,
          }),
          null,
        ),
      ),
    )
    if (jwk === null) return { row, publicKey, sign: null }
    const sign = yield* prepare(jwk, algorithm)
    if (sealer.isCurrent(row.privateKey)) return { row, publicKey, sign }
    const resealed = yield* sealer.seal(jwk, kid)
    const isKept = yield* store.reseal(kid, row.privateKey, resealed)
    return { row: isKept ? { ...row, privateKey: resealed } : row, publicKey, sign }
  })
