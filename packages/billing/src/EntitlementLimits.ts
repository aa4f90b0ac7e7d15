/**
 * Limits of organizations that plans set: how many members, invitations, roles and teams there may be.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { OrganizationId } from "@belfry/organization/Organization"
import { type Limit, OrganizationSettings } from "@belfry/organization/OrganizationSettings"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { OrganizationLimit } from "./BillingDefinition.ts"
import { Entitlements } from "./Entitlements.ts"
import { PlanCatalogue } from "./PlanCatalogue.ts"

/**
 * Layer of the settings of organizations with limits that ask what the organization may use.
 *
 * **Details**
 *
 * For each limit that the host names in `organizationLimits`, the lower one counts: what the entitlements say, or what
 * the settings say that were provided to this layer. Other limits, and everything else, stay as provided. A limit is
 * asked in the transaction that adds, which holds the lock of the organization: one statement, and never the provider.
 * Who has more than the plan allows, since it changed, keeps them and adds none.
 *
 * **Example** (Over the host's settings)
 *
 * ```ts
 * const OrganizationsLive = OrganizationServices.layerWithTeams.pipe(
 *   Layer.provideMerge(EntitlementLimits.layer),
 *   Layer.provideMerge(OrganizationConfig.layerConfig)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never, never, Entitlements> = Layer.effect(
  OrganizationSettings,
  Effect.gen(function* () {
    const given = yield* OrganizationSettings
    const entitlements = yield* Entitlements
    const catalogue = yield* PlanCatalogue

    /** How many the organization's plans allow; null: no limit, or none that they set. */
    const granted = Effect.fnUntraced(function* (
      name: OrganizationLimit,
      organizationId: OrganizationId,
    ): Effect.fn.Return<number | null, StoreError> {
      const { organizationLimits } = yield* catalogue.rules
      const limit = organizationLimits[name]
      return limit === undefined ? null : yield* entitlements.limit({ _tag: "Organization", organizationId }, limit)
    })

    const within =
      <Facts extends { readonly organizationId: OrganizationId }>(
        name: OrganizationLimit,
        limit: Limit<Facts>,
      ): Limit<Facts> =>
      (facts) =>
        Effect.zipWith(
          granted(name, facts.organizationId),
          typeof limit === "function" ? limit(facts) : Effect.succeed(limit),
          lower,
        )

    const { invitations, members, roles, teamMembers, teams } = given.limits
    return {
      ...given,
      limits: {
        ...given.limits,
        members: within("members", members),
        invitations: within("invitations", invitations),
        roles: within("roles", roles),
        teams: within("teams", teams),
        teamMembers: within("teamMembers", teamMembers),
      },
    }
  }),
)

// internal

const lower = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other)
