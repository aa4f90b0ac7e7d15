/**
 * Which permission each call needs: the one table of authorization. Services read it; a test goes through all of it.
 *
 * @since 0.1.0
 */

/**
 * What a call needs of whoever acts for an organization or team. For oneself nothing is needed.
 *
 * @category rules
 * @since 0.1.0
 */
export const billingActions = {
  "subscriptions.list": "billing:read",
  "subscriptions.get": "billing:read",
  "invoices.list": "billing:read",
  "entitlements.get": "billing:read",
  "checkouts.get": "billing:read",
  "upgrades.upgrade": "billing:manage",
  "subscriptions.cancel": "billing:manage",
  "subscriptions.restore": "billing:manage",
  "portals.open": "billing:manage",
} as const

/**
 * The name of a call.
 *
 * @category models
 * @since 0.1.0
 */
export type BillingAction = keyof typeof billingActions
