/**
 * Port: which factors were proved in a session, and when last.
 *
 * @since 0.1.0
 */
import type { SessionId } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { Factor } from "./Factor.ts"

/**
 * A factor and when it was last proved.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionProof {
  readonly factor: Factor
  readonly at: DateTime.Utc
}

/**
 * Which factors were proved in a session, and when last. They go when their session goes.
 *
 * @category ports
 * @since 0.1.0
 */
export class SessionProofStore extends Context.Service<
  SessionProofStore,
  {
    /** Keeps the later time of each factor. The session must exist. */
    readonly record: (sessionId: SessionId, proofs: ReadonlyArray<SessionProof>) => Effect.Effect<void, StoreError>
    /** The factors that were proved after `since`. */
    readonly list: (sessionId: SessionId, since: DateTime.Utc) => Effect.Effect<ReadonlyArray<SessionProof>, StoreError>
  }
>()("@belfry/factors/SessionProofStore") {}
