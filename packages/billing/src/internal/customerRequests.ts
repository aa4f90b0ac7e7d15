/**
 * What the provider is asked for a customer with. It is written down before it is asked, and sent as it is written.
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { Actor } from "@belfry/organization/Membership"
import * as Effect from "effect/Effect"
import type { BillingCustomer, CustomerId } from "../BillingCustomer.ts"
import { BillingHooks } from "../BillingHooks.ts"
import type { PayerFacts } from "../CustomerStore.ts"
import type { Payer } from "../Payer.ts"
import { metadataOf } from "./metadata.ts"

/** Whose address an organization or a team gets, unless it has one: that of whoever buys first, if it is verified. */
export const addressOf = (actor: Actor | null): string | null =>
  actor === null || actor.user.emailVerifiedAt === null ? null : actor.user.email

/** Makes requests from what is known of payers now. `address` counts for organizations and teams. */
export const make = Effect.gen(function* () {
  const hooks = yield* BillingHooks

  return Effect.fnUntraced(function* (
    customerId: CustomerId,
    about: { readonly payer: Payer; readonly facts: PayerFacts; readonly address: string | null },
  ): Effect.fn.Return<BillingCustomer["request"], StoreError> {
    const { payer, facts, address } = about
    const host = yield* hooks.customerMetadata({ payer, facts })
    return {
      name: facts.name,
      email: payer._tag === "User" ? facts.email : address,
      metadata: metadataOf(host, { customerId, payer }),
    }
  })
})
