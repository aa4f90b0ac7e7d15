/**
 * What every call that changes something does first: who may, how often, and where people are sent afterwards.
 */
import type { RateLimited } from "@belfry/core/RateLimit"
import { RateLimits } from "@belfry/core/RateLimits"
import * as RedirectTarget from "@belfry/core/RedirectTarget"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import type { Actor } from "@belfry/organization/Membership"
import * as Effect from "effect/Effect"
import { BillingAccess } from "../BillingAccess.ts"
import type { BillingAction } from "../BillingActions.ts"
import { rateLimits } from "../BillingRateLimits.ts"
import { BillingSettings } from "../BillingSettings.ts"
import type { BillingForbidden, Payer, PayerNotFound, PayerRef } from "../Payer.ts"
import * as BillingChanges from "./billingChanges.ts"

/** Over access, rate limits and the audit log. */
export const make = Effect.gen(function* () {
  const access = yield* BillingAccess
  const limits = yield* RateLimits
  const settings = yield* BillingSettings
  const site = yield* Site
  const { say } = yield* BillingChanges.make
  const parse = RedirectTarget.parse(site)

  return {
    /** The payer, for somebody who may change this; that somebody may not is recorded as `audits`. */
    mayChange: Effect.fnUntraced(function* (
      actor: Actor,
      ref: PayerRef,
      options: { readonly action: BillingAction; readonly audits: string },
    ): Effect.fn.Return<Payer, PayerNotFound | BillingForbidden | RateLimited | StoreError> {
      const payer = yield* access
        .require(actor, ref, options.action)
        .pipe(
          Effect.tapErrorTag("BillingForbidden", ({ reason }) =>
            say(null, BillingChanges.doerOf(actor), { type: options.audits, reason }),
          ),
        )
      if (settings.limitsRates) yield* limits.consume(rateLimits.changeByUser, actor.user.id)
      return payer
    }),
    /** Counts a call that asks the provider and changes nothing. */
    countRead: ({ user }: Actor): Effect.Effect<void, RateLimited | StoreError> =>
      settings.limitsRates ? limits.consume(rateLimits.readByUser, user.id) : Effect.void,
    /** An address of this site or of one that it allows, whole, since the provider sends people there. */
    targetOf: (target: string): Effect.Effect<string, RedirectTarget.RedirectRefused> =>
      Effect.map(Effect.fromResult(parse(target)), (allowed) => new URL(allowed, site.baseUrl).href),
    /** Writes down what somebody did for a payer. */
    did: (actor: Actor, payer: Payer, said: BillingChanges.Said): Effect.Effect<void, StoreError> =>
      say(payer, BillingChanges.doerOf(actor), said),
  }
})
