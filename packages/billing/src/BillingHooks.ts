/**
 * What a host decides about billing, and what it does when something happened.
 *
 * @since 0.1.0
 */
import type { OutboxEventId } from "@belfry/core/OutboxEvent"
import type { StoreError } from "@belfry/core/StoreError"
import type { Actor } from "@belfry/organization/Membership"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { BillingAction } from "./BillingActions.ts"
import type { BillingEvent } from "./BillingEvent.ts"
import type { PayerFacts } from "./CustomerStore.ts"
import type { Payer } from "./Payer.ts"
import type { BillingInterval, Plan } from "./Plan.ts"

/**
 * The hooks of a host.
 *
 * **Details**
 *
 * `afterEvent` runs from the outbox, in a transaction that also remembers that it ran: what it writes to this database
 * is written once for an event. What it does elsewhere may be done again, so it names `id` there. One that fails is run
 * again later, and later events of the customer wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface BillingHooksService {
  readonly afterEvent: (event: BillingEvent, about: { readonly id: OutboxEventId }) => Effect.Effect<void, unknown>
  /** The last word on who may: `isAllowed` is what permissions say. Not asked about payers the actor cannot see. */
  readonly authorize: (request: {
    readonly action: BillingAction
    readonly payer: Payer
    readonly actor: Actor
    readonly isAllowed: boolean
  }) => Effect.Effect<boolean, StoreError>
  /** Whether a payer who has had no trial of this plan's group gets the one that the plan offers. */
  readonly mayTry: (request: { readonly payer: Payer; readonly plan: Plan }) => Effect.Effect<boolean, StoreError>
  /** How many seats are to be paid, of those that memberships take. */
  readonly countSeats: (request: {
    readonly payer: Payer
    readonly plan: Plan
    readonly facts: PayerFacts
  }) => Effect.Effect<number, StoreError>
  /** Metadata that the provider's customer gets besides ours, which win. */
  readonly customerMetadata: (request: {
    readonly payer: Payer
    readonly facts: PayerFacts
  }) => Effect.Effect<{ readonly [key: string]: string }, StoreError>
  /** Parameters of a checkout in the provider's words besides ours, which win. */
  readonly checkoutParameters: (request: {
    readonly payer: Payer
    readonly plan: Plan
    readonly interval: BillingInterval
    readonly actor: Actor
  }) => Effect.Effect<{ readonly [key: string]: Schema.Json }, StoreError>
}

/**
 * Hooks that decide as the package does, and do nothing; a host spreads them and replaces what it needs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const none: BillingHooksService = {
  afterEvent: () => Effect.void,
  authorize: ({ isAllowed }) => Effect.succeed(isAllowed),
  mayTry: () => Effect.succeed(true),
  countSeats: ({ facts }) => Effect.succeed(facts.seats),
  customerMetadata: () => Effect.succeed({}),
  checkoutParameters: () => Effect.succeed({}),
}

/**
 * The hooks of the host; without a layer for it, the package decides alone.
 *
 * @category services
 * @since 0.1.0
 */
export const BillingHooks = Context.Reference<BillingHooksService>("@belfry/billing/BillingHooks", {
  defaultValue: () => none,
})
