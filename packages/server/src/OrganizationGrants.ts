/**
 * What was granted for an organization ends with the membership, or with the organization.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import { unknownClient } from "@belfry/core/AuditEvent"
import { OutboxSubscribers } from "@belfry/core/OutboxSubscribers"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { Consents } from "@belfry/oauth-server/Consents"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import { aggregateOf, type OrganizationId } from "@belfry/organization/Organization"
import { OrganizationEvent } from "@belfry/organization/OrganizationEvent"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/**
 * Layer that follows the outbox: who leaves an organization loses the grants given for it; one that is deleted takes
 * all of them along, and its clients when it is gone for good.
 *
 * **Details**
 *
 * Each can happen again without harm, as deliveries do. Between the event and its delivery, claims are empty already:
 * they ask for the membership.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const audit = yield* Audit
    const clients = yield* AdminClients
    const consents = yield* Consents
    const grants = yield* GrantStore
    const subscribers = yield* OutboxSubscribers
    const transactions = yield* TransactionStore

    const revokeAll = Effect.fnUntraced(function* (organizationId: OrganizationId) {
      const now = yield* DateTime.now
      yield* transactions.run(
        Effect.gen(function* () {
          const revoked = yield* grants.revokeByReference(organizationId, now)
          if (revoked.length === 0) return
          yield* audit.record({
            type: "oauth-grant.revoked",
            aggregate: aggregateOf(organizationId),
            data: { organizationId, grants: revoked.length },
          })
        }),
      )
    })

    // Those that were removed are not in the next page.
    const removeClients = Effect.fnUntraced(function* (organizationId: OrganizationId) {
      while (true) {
        const page = yield* clients.list({ referenceId: organizationId, limit: 100 })
        if (page.clients.length === 0) return
        for (const { id } of page.clients) {
          yield* Effect.catchTag(clients.remove(id, unknownClient), "ClientNotFound", () => Effect.void)
        }
      }
    })

    yield* subscribers.register({
      name: "organization-grants",
      types: new Set(
        ["MemberRemoved", "OrganizationDeleted", "OrganizationPurged"].map((tag) => `organization.${tag}`),
      ),
      handle: Effect.fnUntraced(function* ({ payload }) {
        const event = yield* decode(payload)
        if (event._tag === "MemberRemoved") {
          yield* consents.revokeGrants(event.userId, unknownClient, event.organizationId)
        } else {
          yield* revokeAll(event.organizationId)
          if (event._tag === "OrganizationPurged") yield* removeClients(event.organizationId)
        }
      }),
    })
  }),
)

// internal

const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(OrganizationEvent))
