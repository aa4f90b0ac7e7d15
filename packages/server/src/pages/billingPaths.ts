/**
 * Where the pages about the bills of a payer are.
 *
 * @since 0.1.0
 */
import type { BillingInterval, PlanGroup, PlanName } from "@belfry/billing/Plan"
import type { SubscriptionId } from "@belfry/billing/Subscription"
import type { Membership } from "@belfry/organization/Membership"
import type { TeamId } from "@belfry/organization/Team"
import type { Paths } from "./PageKit.ts"
import { withQuery } from "./query.ts"

/**
 * The paths of the pages of one payer.
 *
 * @category models
 * @since 0.1.0
 */
export type BillingPaths = ReturnType<typeof billingPathsOf>

/**
 * Where the pages of a payer are. `payer` is its name in the address; undefined: the reader's own.
 *
 * @category accessors
 * @since 0.1.0
 */
export const billingPathsOf = (
  paths: Pick<Paths, "billing" | "billingInvoices" | "billingPlans" | "endSubscription">,
  payer: string | undefined,
) => ({
  overview: withQuery(paths.billing, { payer }),
  /** The overview, which says that something was done. */
  done: (flag: string) => withQuery(paths.billing, { payer, done: flag }),
  plans: (choice: { readonly group?: PlanGroup; readonly interval?: BillingInterval } = {}) =>
    withQuery(paths.billingPlans, { payer, group: choice.group, interval: choice.interval }),
  plan: (choice: { readonly plan: PlanName; readonly interval: BillingInterval }) =>
    withQuery(paths.billingPlans, { payer, ...choice }),
  end: (subscription: SubscriptionId) => withQuery(paths.endSubscription, { payer, subscription }),
  invoices: withQuery(paths.billingInvoices, { payer }),
})

/**
 * The name of an organization in addresses: by slug where there is one, which people can read.
 *
 * @category converting
 * @since 0.1.0
 */
export const organizationPayer = (membership: Organization): string => `organization:${nameOf(membership)}`

/**
 * The name of a team in addresses.
 *
 * @category converting
 * @since 0.1.0
 */
export const teamPayer = (membership: Organization, teamId: TeamId): string => `team:${nameOf(membership)}/${teamId}`

// internal

type Organization = Pick<Membership, "organizationId" | "organizationSlug">

const nameOf = ({ organizationId, organizationSlug }: Organization): string => organizationSlug ?? organizationId
