/**
 * What happened, to whom, from where: the record that stays when logs are gone.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isUuid } from "./Uuid.ts"
import { SessionId } from "./Session.ts"
import { UserId } from "./User.ts"

/**
 * Identifies an audit event: a UUIDv7, so that ids sort by time.
 *
 * @category models
 * @since 0.1.0
 */
export const AuditEventId = Schema.String.check(isUuid).pipe(Schema.brand("AuditEventId"))
/**
 * @category models
 * @since 0.1.0
 */
export type AuditEventId = typeof AuditEventId.Type

/**
 * Where a request came from, as far as it is known.
 *
 * @category models
 * @since 0.1.0
 */
export const ClientInfo = Schema.Struct({
  ipAddress: Schema.NullOr(Schema.String),
  userAgent: Schema.NullOr(Schema.String),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface ClientInfo extends Schema.Schema.Type<typeof ClientInfo> {}

/**
 * A client of which nothing is known: work that no request asked for.
 *
 * @category models
 * @since 0.1.0
 */
export const unknownClient: ClientInfo = { ipAddress: null, userAgent: null }

const facts = Schema.Record(Schema.String, Schema.Json)

// Null where it is left out, which whoever wrote events before there were these fields did.
const orNull = <S extends Schema.Constraint>(schema: S) =>
  Schema.NullOr(schema).pipe(Schema.withDecodingDefaultKey(Effect.succeed(null)))

/**
 * Something that happened and that an auditor may ask about.
 *
 * **Details**
 *
 * `type` is `<concept>.<what happened>`, for instance `session.revoked`; features bring their own. `outcome` tells
 * attempts that failed from facts, and `reason` says why, in a word that never reaches the caller. `data` holds further
 * facts, never secrets. `aggregate` is what it happened to where that has a history of its own (`organization:<id>`),
 * and `before` and `after` are what changed about it, the fields that changed alone.
 *
 * @category models
 * @since 0.1.0
 */
export const AuditEvent = Schema.Struct({
  id: AuditEventId,
  type: Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]*\.[a-z][a-z0-9.-]*$/u)),
  outcome: Schema.Literals(["success", "failure"]),
  reason: Schema.NullOr(Schema.String),
  userId: Schema.NullOr(UserId),
  sessionId: Schema.NullOr(SessionId),
  client: ClientInfo,
  data: facts,
  aggregate: orNull(Schema.String),
  before: orNull(facts),
  after: orNull(facts),
  occurredAt: Schema.DateTimeUtc,
}).annotate({ identifier: "AuditEvent" })
/**
 * @category models
 * @since 0.1.0
 */
export interface AuditEvent extends Schema.Schema.Type<typeof AuditEvent> {}
