/**
 * What changes in organizations leave behind: events in the outbox, and the audit log.
 */
import { Audit } from "@belfry/core/Audit"
import type { AuditEvent } from "@belfry/core/AuditEvent"
import { OutboxStore } from "@belfry/core/OutboxStore"
import { aggregateOf, type OrganizationId } from "@belfry/organization/Organization"
import { OrganizationEvent } from "@belfry/organization/OrganizationEvent"
import { DateTime, Effect, Schema } from "effect"

const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(OrganizationEvent))

/** The events of an organization in their order, each once: those that were taken are delivered. */
export const takeEvents = Effect.fnUntraced(function* (id: OrganizationId) {
  const store = yield* OutboxStore
  const now = yield* DateTime.now
  const lease = "00000000-0000-7000-8000-000000000000"
  // The lease is over at once: what others have waits on.
  const batches = yield* store.claim({ lease, now, until: now, aggregates: 1000, events: 1000 })
  const own = batches.filter(({ aggregate }) => aggregate === aggregateOf(id)).flatMap(({ events }) => events)
  const delivered = own.at(-1)?.version
  if (delivered !== undefined) {
    const outcome = { aggregate: aggregateOf(id), delivered, attempts: 0, retryAt: null }
    yield* store.settle({ lease, outcomes: [outcome], now })
  }
  return yield* Effect.forEach(own, ({ payload }) => decode(payload))
})

/** What the audit log says of an organization, oldest first, without what each event has anyhow. */
export const auditOf = (id: OrganizationId) =>
  Effect.map(
    Audit.use((audit) => audit.list({ aggregate: aggregateOf(id), limit: 1000 })),
    (events) =>
      events
        .map(({ after, before, data, outcome, reason, type, userId }: AuditEvent) => ({
          type,
          ...(outcome === "success" ? {} : { reason }),
          userId,
          before,
          after,
          data,
        }))
        .toReversed(),
  )
