/**
 * What every change of a customer leaves behind, in its transaction: audit events, then its events in the outbox, in
 * one append.
 */
import { Audit } from "@belfry/core/Audit"
import { type ClientInfo, unknownClient } from "@belfry/core/AuditEvent"
import { Outbox } from "@belfry/core/Outbox"
import type { SessionId } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import type { Actor } from "@belfry/organization/Membership"
import { aggregateOf as aggregateOfOrganization } from "@belfry/organization/Organization"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { aggregateOf, type BillingCustomer, type CustomerProfile, type ProviderCustomerId } from "../BillingCustomer.ts"
import { BillingEvent } from "../BillingEvent.ts"
import { CustomerStore } from "../CustomerStore.ts"
import type { Payer } from "../Payer.ts"

/** Who did something: a person, in a session where there is one. Null: the provider, time, or the host's own code. */
export interface Doer {
  readonly userId: UserId
  readonly sessionId: SessionId | null
  readonly client: ClientInfo
}

export const doerOf = ({ user, session, client }: Actor): Doer => ({
  userId: user.id,
  sessionId: session?.id ?? null,
  client,
})

/** An event before it is said whose it is. */
export type EventOf<E extends BillingEvent = BillingEvent> = E extends BillingEvent
  ? Omit<E, "customerId" | "payer">
  : never

/** What the audit log says. `before` and `after` have what changed alone; no addresses. */
export interface Said {
  /** `billing.<what happened>`. */
  readonly type: string
  readonly reason?: string
  readonly before?: Facts
  readonly after?: Facts
  readonly data?: Facts
}

/** A change of a customer. */
export interface Change {
  readonly customer: Pick<BillingCustomer, "id" | "payer">
  readonly doer: Doer | null
  readonly audits: ReadonlyArray<Said>
  readonly events: ReadonlyArray<EventOf>
}

type Facts = { readonly [key: string]: Schema.Json }

/** Records changes. */
export type Changes = Effect.Success<typeof make>

/** Over the audit log and the outbox. */
export const make = Effect.gen(function* () {
  const audit = yield* Audit
  const outbox = yield* Outbox
  const customers = yield* CustomerStore

  /** Writes to the audit log alone: what was refused, say, outside of the transaction that the refusal undid. */
  const say = (payer: Payer | null, doer: Doer | null, said: Said): Effect.Effect<void, StoreError> => {
    const sessionId = doer?.sessionId ?? null
    const userId = doer?.userId ?? (payer?._tag === "User" ? payer.userId : undefined)
    return audit.record({
      ...said,
      client: doer?.client ?? unknownClient,
      ...(userId === undefined ? {} : { userId }),
      ...(sessionId === null ? {} : { sessionId }),
      // A team's bills are its organization's to see.
      ...(payer === null || payer._tag === "User" ? {} : { aggregate: aggregateOfOrganization(payer.organizationId) }),
    })
  }

  /** Records a change. For use in its transaction. */
  const record = Effect.fnUntraced(function* ({
    customer,
    doer,
    audits,
    events,
  }: Change): Effect.fn.Return<void, StoreError> {
    const { id: customerId, payer } = customer
    yield* Effect.forEach(audits, (said) => say(payer, doer, said), { discard: true })
    const entries = yield* Effect.forEach(events, (event) => entryOf({ ...event, customerId, payer }))
    yield* outbox.append(aggregateOf(customerId), entries)
  })

  return {
    say,
    record,
    /**
     * Writes down who a customer is at the provider, and tells it the first time. For use in a transaction, which has
     * the customer's lock from here on.
     */
    attach: Effect.fnUntraced(function* (
      customer: Pick<BillingCustomer, "id" | "payer" | "generation">,
      known: { readonly id: ProviderCustomerId; readonly profile: CustomerProfile },
      doer: Doer | null,
    ): Effect.fn.Return<"attached" | "known" | "conflict", StoreError> {
      const { id, generation } = customer
      yield* customers.lock(id)
      const outcome = yield* customers.attach({ id, generation, providerId: known.id, profile: known.profile })
      if (outcome === "attached") {
        const created = { type: "billing.customer-created", data: { customerId: id, providerId: known.id } }
        yield* record({ customer, doer, audits: [created], events: [{ _tag: "CustomerCreated" }] })
      }
      return outcome
    }),
  }
})

// internal

const codec = Schema.toCodecJson(BillingEvent)

const entryOf = (event: BillingEvent) =>
  // An event is made of values of its own schema here, so encoding cannot fail.
  Effect.map(Effect.orDie(Schema.encodeEffect(codec)(event)), (payload) => ({ type: `billing.${event._tag}`, payload }))
