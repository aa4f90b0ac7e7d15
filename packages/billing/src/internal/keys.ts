/**
 * Idempotency keys: of what is written down before the provider is asked, so that asking again is the same.
 */
import type { CustomerId } from "../BillingCustomer.ts"
import type { IdempotencyKey } from "../BillingProvider.ts"
import type { OperationId } from "../Operation.ts"

/** Of the request by which a customer is made at the provider, in one generation. */
export const customerKey = (id: CustomerId, generation: number): IdempotencyKey => `belfry-${id}-${generation}`

/** Of a change of a customer at the provider. The fingerprint is of all that the change is about. */
export const customerChangeKey = (id: CustomerId, fingerprint: string): IdempotencyKey =>
  `belfry-${id}-profile-${fingerprint.slice(0, 16)}`

/** Of a step of an operation. */
export const operationKey = (id: OperationId, step: string): IdempotencyKey => `belfry-${id}-${step}`
