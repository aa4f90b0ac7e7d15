/**
 * Who visits a page about bills, and whose bills they are.
 *
 * @since 0.1.0
 */
import { BillingAccess } from "@belfry/billing/BillingAccess"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import { BillingForbidden, kindOf, type Payer, PayerNotFound, type PayerRef, toPayerRef } from "@belfry/billing/Payer"
import { Plans } from "@belfry/billing/Plans"
import type { Actor, Membership } from "@belfry/organization/Membership"
import { Memberships } from "@belfry/organization/Memberships"
import { Organizations } from "@belfry/organization/Organizations"
import type { TeamId } from "@belfry/organization/Team"
import { Teams } from "@belfry/organization/Teams"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { billingPathsOf, organizationPayer, teamPayer } from "./billingPaths.ts"
import { makeOrganizationVisits } from "./organizationVisits.ts"
import { PageKit } from "./PageKit.ts"
import type { Visit } from "./visit.ts"
import type { BillingFrame, PayerChoice } from "./views/billingParts.ts"
import { frameOf, may } from "./views/organizationParts.ts"

/**
 * Somebody who may see the bills of a payer. `ref` names it for services.
 *
 * @category models
 * @since 0.1.0
 */
export interface BillingVisit extends BillingFrame {
  readonly actor: Actor
  readonly payer: Payer
  readonly ref: PayerRef
}

/**
 * Builds the look-up of who visits, and of the payers whose bills they may see.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeBillingVisits = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const access = yield* BillingAccess
  const memberships = yield* Memberships
  const organizations = yield* Organizations
  const provider = yield* BillingProvider
  const teams = yield* Effect.serviceOption(Teams)
  const visits = yield* makeOrganizationVisits

  const mayManage = (actor: Actor, payer: Payer) =>
    access
      .requireFor(actor, payer, "upgrades.upgrade")
      .pipe(
        Effect.as(true),
        Effect.catchTags({ BillingForbidden: () => Effect.succeed(false), PayerNotFound: () => Effect.succeed(false) }),
      )

  /** How a payer is called, as far as the reader may know, and where its page is. */
  const describe = Effect.fnUntraced(function* (actor: Actor, payer: Payer) {
    if (payer._tag === "User") return { name: null, home: paths.account, at: billingPathsOf(paths, undefined) }
    const membership = yield* memberships.get({ userId: actor.user.id, organization: payer.organizationId })
    const { at: pages } = frameOf(paths, membership)
    const { organizationName } = membership
    if (payer._tag === "Organization") {
      const at = billingPathsOf(paths, organizationPayer(membership))
      return { name: organizationName, home: pages.overview, at }
    }
    const team = yield* Option.match(teams, {
      onNone: () => Effect.succeedNone,
      onSome: (teams) => Effect.option(teams.get(actor, payer.organizationId, payer.teamId)),
    })
    return {
      name: Option.match(team, {
        onNone: () => organizationName,
        onSome: ({ name }) => `${name}, ${organizationName}`,
      }),
      home: Option.isNone(team) ? pages.overview : pages.team(payer.teamId),
      at: billingPathsOf(paths, teamPayer(membership, payer.teamId)),
    }
  })

  return {
    /** Whoever may see the bills of the payer of the address; nobody, where nobody takes money. */
    enter: Effect.fnUntraced(function* (visit: Visit) {
      const actor = yield* visits.actor(visit)
      const ref = toPayerRef(visit.query("payer")?.slice(0, 160))
      if (!provider.isEnabled || ref === null) return yield* new PayerNotFound()
      const payer = yield* access.require(actor, ref, "subscriptions.list")
      const entered: BillingVisit = {
        actor,
        payer,
        ref,
        kind: kindOf(payer),
        mayManage: yield* mayManage(actor, payer),
        ...(yield* describe(actor, payer)),
      }
      return entered
    }),

    /** Whose bills somebody may see: their own, and those of organizations where a role says so. */
    payers: Effect.fnUntraced(function* (actor: Actor) {
      const { items } = yield* organizations.list(actor, { limit: 100 })
      return [
        { name: null, href: paths.billing },
        ...items
          .filter(({ membership }) => may(membership, "billing:read"))
          .map(({ membership }): PayerChoice => ({
            name: membership.organizationName,
            href: billingPathsOf(paths, organizationPayer(membership)).overview,
          })),
      ]
    }),
  }
})

/**
 * Builds the way from the page of a team to its bills: none where nobody takes money, nothing is sold to teams, or the
 * reader may not see to them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeTeamBilling = Effect.gen(function* () {
  const { paths } = yield* PageKit
  const access = yield* BillingAccess
  const plans = yield* Plans
  const { isEnabled } = yield* BillingProvider

  return Effect.fnUntraced(function* (actor: Actor, membership: Membership, teamId: TeamId) {
    const isSold = isEnabled && (yield* plans.all).some(({ audience }) => audience.includes("team"))
    if (!isSold) return null
    const payer = { _tag: "Team", organizationId: membership.organizationId, teamId } as const
    return yield* access
      .requireFor(actor, payer, "subscriptions.list")
      .pipe(
        Effect.as(billingPathsOf(paths, teamPayer(membership, teamId)).overview),
        Effect.catchTags({ BillingForbidden: () => Effect.succeed(null), PayerNotFound: () => Effect.succeed(null) }),
      )
  })
})

/**
 * Fails unless somebody may buy and end: for pages that only ask, or only have a form.
 *
 * @category combinators
 * @since 0.1.0
 */
export const requireManager = ({ mayManage }: BillingFrame): Effect.Effect<void, BillingForbidden> =>
  mayManage ? Effect.void : Effect.fail(new BillingForbidden({ reason: "permission", permission: "billing:manage" }))

/**
 * What was done, where the address says so.
 *
 * @category accessors
 * @since 0.1.0
 */
export const doneAt = ({ query, words }: Visit): string | undefined => {
  const flag = query("done") ?? ""
  return Object.hasOwn(words.billingDone, flag) ? words.billingDone[flag] : undefined
}
