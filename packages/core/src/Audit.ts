/**
 * The audit log: what happened, written in the transaction of the change.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import { type AuditEvent, AuditEventId, type ClientInfo, unknownClient } from "./AuditEvent.ts"
import { AuditStore } from "./AuditStore.ts"
import type { SessionId } from "./Session.ts"
import type { StoreError } from "./StoreError.ts"
import type { UserId } from "./User.ts"

/**
 * What a caller says of an event; id and time are added.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuditEntry {
  readonly type: string
  /** Why it failed, in a word; its presence makes the outcome a failure. */
  readonly reason?: string
  readonly userId?: UserId
  readonly sessionId?: SessionId
  readonly client?: ClientInfo
  /** Facts without secrets. */
  readonly data?: { readonly [key: string]: Schema.Json }
  /** What it happened to, where that has a history: `organization:<id>`. */
  readonly aggregate?: string
  /** The fields that changed, as they were, without secrets. */
  readonly before?: { readonly [key: string]: Schema.Json }
  /** The same as they are now. */
  readonly after?: { readonly [key: string]: Schema.Json }
}

/**
 * The audit log.
 *
 * @category services
 * @since 0.1.0
 */
export class Audit extends Context.Service<
  Audit,
  {
    /** The event that `record` would write, for a store that keeps it with its change. */
    readonly prepare: (entry: AuditEntry) => Effect.Effect<AuditEvent>
    /** Writes an event. Inside a transaction, it commits or vanishes with it. */
    readonly record: (entry: AuditEntry) => Effect.Effect<void, StoreError>
    /**
     * Events, newest first: at most `limit` (100), those before `before` only, of one user or of all, of one aggregate
     * or of all, and of all types or those that begin with `type`.
     */
    readonly list: (options?: {
      readonly userId?: UserId
      readonly aggregate?: string
      readonly type?: string
      readonly before?: AuditEventId
      readonly limit?: number
    }) => Effect.Effect<ReadonlyArray<AuditEvent>, StoreError>
  }
>()("@belfry/core/Audit") {}

/**
 * The audit log over an {@link AuditStore}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  Audit,
  Effect.gen(function* () {
    const store = yield* AuditStore
    const random = yield* SecureRandom.SecureRandom
    const prepare = Effect.fnUntraced(function* (entry: AuditEntry) {
      const event: AuditEvent = {
        id: AuditEventId.make(yield* random.uuidV7()),
        type: entry.type,
        outcome: entry.reason === undefined ? "success" : "failure",
        reason: entry.reason ?? null,
        userId: entry.userId ?? null,
        sessionId: entry.sessionId ?? null,
        client: entry.client ?? unknownClient,
        data: entry.data ?? {},
        aggregate: entry.aggregate ?? null,
        before: entry.before ?? null,
        after: entry.after ?? null,
        occurredAt: yield* DateTime.now,
      }
      return event
    })
    return Audit.of({
      prepare,
      record: (entry) => Effect.flatMap(prepare(entry), store.insert),
      list: (options) =>
        store.list({
          userId: Option.fromUndefinedOr(options?.userId),
          aggregate: Option.fromUndefinedOr(options?.aggregate),
          typePrefix: Option.fromUndefinedOr(options?.type),
          before: Option.fromUndefinedOr(options?.before),
          limit: options?.limit ?? 100,
        }),
    })
  }),
)
