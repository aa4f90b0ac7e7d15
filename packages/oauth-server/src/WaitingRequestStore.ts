/**
 * Port: where authorization requests wait for a person.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { SessionId } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { RequestStep, WaitingRequest, WaitingRequestId } from "./AuthorizationRequest.ts"

/**
 * Where authorization requests wait for a person. Each call names the browser: a request is not there for another one.
 *
 * @category ports
 * @since 0.1.0
 */
export class WaitingRequestStore extends Context.Service<
  WaitingRequestStore,
  {
    readonly insert: (request: WaitingRequest) => Effect.Effect<void, StoreError>
    /** A request, expired or not. */
    readonly find: (
      id: WaitingRequestId,
      browser: NonEmptyReadonlyArray<KeyedHash>,
    ) => Effect.Effect<Option.Option<WaitingRequest>, StoreError>
    /** Marks a step as done in a session; what was done in another session does not count any more. */
    readonly advance: (options: {
      readonly id: WaitingRequestId
      readonly browser: NonEmptyReadonlyArray<KeyedHash>
      readonly sessionId: SessionId
      readonly step: RequestStep
    }) => Effect.Effect<Option.Option<WaitingRequest>, StoreError>
    /** Removes a request and returns it, expired or not: of concurrent calls one gets it. */
    readonly consume: (
      id: WaitingRequestId,
      browser: NonEmptyReadonlyArray<KeyedHash>,
    ) => Effect.Effect<Option.Option<WaitingRequest>, StoreError>
    readonly removeExpired: (now: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/oauth-server/WaitingRequestStore") {}
