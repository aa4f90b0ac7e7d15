/**
 * The proofs of sessions in memory.
 *
 * @since 0.1.0
 */
import { MemoryTables } from "@belfry/core/MemoryTables"
import { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Factor } from "./Factor.ts"
import { MemoryFactorTables } from "./MemoryFactorTables.ts"
import { type SessionProof, SessionProofStore } from "./SessionProofStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const { sessionProofs } = yield* MemoryFactorTables

  yield* tables.onSessionRemoved((sessionId) => {
    sessionProofs.delete(sessionId)
  })

  return SessionProofStore.of({
    record: (sessionId, proofs) =>
      tables.statement((): Effect.Effect<void, StoreError> => {
        if (!tables.sessions.has(sessionId)) return Effect.fail(noSuchSession())
        const latest = new Map<Factor, SessionProof>()
        for (const { factor, at } of [...(sessionProofs.get(sessionId) ?? []), ...proofs]) {
          const known = latest.get(factor)
          if (known === undefined || known.at.epochMilliseconds < at.epochMilliseconds)
            latest.set(factor, { factor, at })
        }
        sessionProofs.set(sessionId, [...latest.values()])
        return Effect.void
      }),
    list: (sessionId, since) =>
      tables.statement(() =>
        Effect.succeed(
          (sessionProofs.get(sessionId) ?? [])
            .filter(({ at }) => at.epochMilliseconds > since.epochMilliseconds)
            .sort(byTime),
        ),
      ),
  })
})

/**
 * Layer that keeps the proofs of sessions in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SessionProofStore, never, MemoryFactorTables | MemoryTables> = Layer.effect(
  SessionProofStore,
  make,
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const noSuchSession = () =>
  new StoreError({
    store: "SessionProofStore",
    method: "record",
    isRetryable: false,
    cause: new Error("The row violates the constraint: the session exists"),
  })

const byTime = (a: SessionProof, b: SessionProof): number =>
  a.at.epochMilliseconds - b.at.epochMilliseconds || (a.factor < b.factor ? -1 : 1)
