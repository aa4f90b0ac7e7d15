/**
 * Port: where audit events are kept. Events are written once and never changed.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { AuditEvent, AuditEventId } from "./AuditEvent.ts"
import type { StoreError } from "./StoreError.ts"
import type { UserId } from "./User.ts"

/**
 * Where audit events are kept. They outlive the users they are about.
 *
 * @category ports
 * @since 0.1.0
 */
export class AuditStore extends Context.Service<
  AuditStore,
  {
    readonly insert: (event: AuditEvent) => Effect.Effect<void, StoreError>
    /**
     * At most `limit` events, newest first, those before `before` only, of one user or of all, of one aggregate or of
     * all, of types that begin with `typePrefix` or of all.
     */
    readonly list: (options: {
      readonly userId: Option.Option<UserId>
      readonly aggregate: Option.Option<string>
      readonly typePrefix: Option.Option<string>
      readonly before: Option.Option<AuditEventId>
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<AuditEvent>, StoreError>
    /** Removes at most `limit` events from before `instant`; the number removed. */
    readonly removeBefore: (instant: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/core/AuditStore") {}
