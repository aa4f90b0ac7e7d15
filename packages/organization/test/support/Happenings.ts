/**
 * What changes in organizations leave behind: events in the outbox, and the audit log.
 */
import { Audit } from "@belfry/core/Audit"
import type { AuditEvent } from "@belfry/core/AuditEvent"
import { aggregateOf, type OrganizationId } from "@belfry/organization/Organization"
import { OrganizationEvent } from "@belfry/organization/OrganizationEvent"
import { takePayloads } from "@belfry/testing/OutboxFixtures"
import { Effect, Schema } from "effect"

const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(OrganizationEvent))

/** The events of an organization in their order, each once: those that were taken are delivered. */
export const takeEvents = (id: OrganizationId) =>
  Effect.flatMap(
    takePayloads(aggregateOf(id)),
    Effect.forEach((payload) => decode(payload)),
  )

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
