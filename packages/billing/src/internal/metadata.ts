/**
 * Metadata of what is made at the provider: whose it is. They help to find things; nothing is decided by them alone.
 */
import type { CustomerId } from "../BillingCustomer.ts"
import type { OperationId } from "../Operation.ts"
import { type Payer, toPayerText } from "../Payer.ts"

/** The host's metadata with ours, which win. Names that begin with `belfry_` are ours alone. */
export const metadataOf = (
  host: { readonly [key: string]: string },
  of: { readonly customerId: CustomerId; readonly payer: Payer; readonly operationId?: OperationId },
): { readonly [key: string]: string } => ({
  ...Object.fromEntries(Object.entries(host).filter(([key]) => !isOwn(key))),
  [customerIdKey]: of.customerId,
  belfry_payer: toPayerText(of.payer),
  ...(of.operationId === undefined ? {} : { belfry_operation: of.operationId }),
  managed_by: "belfry",
})

/** Under which name the id of our customer is found. */
export const customerIdKey = "belfry_customer"

/** Whether a name is ours. */
export const isOwn = (key: string): boolean => key.startsWith("belfry_")
