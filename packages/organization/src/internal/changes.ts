/**
 * What every change leaves behind, in its transaction or its one statement: an audit event, then its events in the
 * outbox, those of several changes in one append.
 */
import { Audit, type AuditEntry } from "@belfry/core/Audit"
import { type ClientInfo, unknownClient } from "@belfry/core/AuditEvent"
import type { ChangeRecord } from "@belfry/core/ChangeRecord"
import { Outbox } from "@belfry/core/Outbox"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Actor, Doer } from "../Membership.ts"
import { aggregateOf, type OrganizationId } from "../Organization.ts"
import { OrganizationEvent } from "../OrganizationEvent.ts"
import type { PermissionMissing } from "../Permission.ts"

export type { Doer }

/** A person, in a session or without one. */
export const doerOf = ({ user, session, client }: Actor): Doer => ({
  userId: user.id,
  sessionId: session?.id ?? null,
  client,
})

/** Whom the host's own code names. */
export const doerBy = (
  by: { readonly by?: UserId | undefined; readonly client?: ClientInfo | undefined } = {},
): Doer => ({
  userId: by.by ?? null,
  sessionId: null,
  client: by.client ?? unknownClient,
})

/** Time, or the host's own code. */
export const nobody: Doer = { userId: null, sessionId: null, client: unknownClient }

/** An event before it is said where it happened and who did it. */
export type EventOf<E extends OrganizationEvent = OrganizationEvent> = E extends OrganizationEvent
  ? Omit<E, "organizationId" | "actorId">
  : never

/** A change. `before` and `after` have what changed alone; `data` has ids. */
export interface Change {
  readonly type: string
  readonly organizationId: OrganizationId
  readonly doer: Doer
  readonly before?: Facts
  readonly after?: Facts
  readonly data?: Facts
  readonly events: ReadonlyArray<EventOf>
}

type Facts = { readonly [key: string]: Schema.Json }

/** Records changes, and what was refused. */
export type Changes = Effect.Success<typeof make>

/** Over the audit log and the outbox. */
export const make = Effect.gen(function* () {
  const audit = yield* Audit
  const outbox = yield* Outbox

  const said = ({ type, organizationId, doer }: Pick<Change, "type" | "organizationId" | "doer">) => ({
    type,
    aggregate: aggregateOf(organizationId),
    client: doer.client,
    ...(doer.userId === null ? {} : { userId: doer.userId }),
    ...(doer.sessionId === null ? {} : { sessionId: doer.sessionId }),
  })

  const auditOf = (change: Change): AuditEntry => {
    const { before, after, data } = change
    return {
      ...said(change),
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      ...(data === undefined ? {} : { data }),
    }
  }

  const entriesOf = ({ organizationId, doer, events }: Change) =>
    Effect.forEach(events, (event) => entryOf({ ...event, organizationId, actorId: doer.userId }))

  return {
    /** Records changes of one organization, in their order. For use in their transaction. */
    record: Effect.fnUntraced(function* (...changes: ReadonlyArray<Change>): Effect.fn.Return<void, StoreError> {
      const [first] = changes
      if (first === undefined) return
      for (const change of changes) yield* audit.record(auditOf(change))
      const entries = yield* Effect.forEach(changes, entriesOf)
      yield* outbox.append(aggregateOf(first.organizationId), entries.flat())
    }),
    /** The record of a change, for the store that keeps it in the statement of the change. */
    prepare: Effect.fnUntraced(function* (change: Change): Effect.fn.Return<ChangeRecord> {
      const events = yield* outbox.prepare(aggregateOf(change.organizationId), yield* entriesOf(change))
      return { audit: yield* audit.prepare(auditOf(change)), events }
    }),
    /** Says that a prepared record was kept. */
    announce: outbox.announce,
    /** Records that somebody was refused. Outside of the transaction, which the refusal undid. */
    recordRefusal: (refused: Pick<Change, "type" | "organizationId" | "doer">, { reason }: PermissionMissing) =>
      audit.record({ ...said(refused), reason }),
  }
})

// internal

const encode = Schema.encodeEffect(Schema.toCodecJson(OrganizationEvent))

const entryOf = (event: OrganizationEvent) =>
  // An event is made of values of its own schema here, so encoding cannot fail.
  Effect.map(Effect.orDie(encode(event)), (payload) => ({
    type: `organization.${event._tag}`,
    payload,
  }))
