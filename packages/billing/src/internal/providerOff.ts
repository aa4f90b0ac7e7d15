/**
 * The provider of who has none.
 */
import * as Effect from "effect/Effect"
import { BillingProvider } from "../BillingProvider.ts"
import { BillingProviderError } from "../BillingProviderError.ts"
import { WebhookRefused } from "../WebhookEvent.ts"

const off = (method: string) => {
  const failure = (cause: Error) =>
    new BillingProviderError({ method, reason: "configuration", code: null, requestId: null, cause })
  return () => Effect.fail(failure(new Error("There is no payment provider")))
}

/** Takes no money, and says of every call that it is not set up. */
export const providerOff = BillingProvider.of({
  isEnabled: false,
  isLive: false,
  createCustomer: off("createCustomer"),
  updateCustomer: off("updateCustomer"),
  findCustomer: off("findCustomer"),
  searchCustomers: off("searchCustomers"),
  listCustomersByEmail: off("listCustomersByEmail"),
  findPrices: off("findPrices"),
  createCheckout: off("createCheckout"),
  findCheckout: off("findCheckout"),
  expireCheckout: off("expireCheckout"),
  createPortal: off("createPortal"),
  findSubscription: off("findSubscription"),
  listSubscriptions: off("listSubscriptions"),
  updateSubscription: off("updateSubscription"),
  cancelSubscription: off("cancelSubscription"),
  scheduleChange: off("scheduleChange"),
  releaseSchedule: off("releaseSchedule"),
  listInvoices: off("listInvoices"),
  listEvents: off("listEvents"),
  readWebhook: () => Effect.fail(new WebhookRefused({ reason: "signature" })),
})
