/**
 * A customer: a payer, and who that is at the provider.
 *
 * @since 0.1.0
 */
import { isUuid } from "@belfry/core/Uuid"
import * as Schema from "effect/Schema"
import { Payer } from "./Payer.ts"

/**
 * Identifies a customer here: a UUIDv7. It is never a credential.
 *
 * @category models
 * @since 0.1.0
 */
export const CustomerId = Schema.String.check(isUuid).pipe(Schema.brand("CustomerId"))
/**
 * @category models
 * @since 0.1.0
 */
export type CustomerId = typeof CustomerId.Type

/**
 * Identifies a customer at the provider (`cus_...`).
 *
 * @category models
 * @since 0.1.0
 */
export const ProviderCustomerId = Schema.String.check(Schema.isPattern(/^[\x21-\x7E]{1,255}$/u)).pipe(
  Schema.brand("ProviderCustomerId"),
)
/**
 * @category models
 * @since 0.1.0
 */
export type ProviderCustomerId = typeof ProviderCustomerId.Type

/**
 * What the provider is told of a customer.
 *
 * @category models
 * @since 0.1.0
 */
export const CustomerProfile = Schema.Struct({
  name: Schema.NullOr(Schema.String),
  email: Schema.NullOr(Schema.String),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface CustomerProfile extends Schema.Schema.Type<typeof CustomerProfile> {}

/**
 * A customer.
 *
 * **Details**
 *
 * `payer` null: who paid is gone, and what is left is to be ended (`closedAt`). `providerId` null: the provider has not
 * been asked yet, or deleted the customer; `generation` counts how often one was made there, and `request` is what the
 * provider is asked with under this generation, the same at every attempt. `profile` is what the provider knows.
 *
 * @category models
 * @since 0.1.0
 */
export const BillingCustomer = Schema.Struct({
  id: CustomerId,
  payer: Schema.NullOr(Payer),
  providerId: Schema.NullOr(ProviderCustomerId),
  generation: Schema.Int,
  request: Schema.Struct({ ...CustomerProfile.fields, metadata: Schema.Record(Schema.String, Schema.String) }),
  requestedAt: Schema.DateTimeUtc,
  profile: CustomerProfile,
  createdAt: Schema.DateTimeUtc,
  closedAt: Schema.NullOr(Schema.DateTimeUtc),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface BillingCustomer extends Schema.Schema.Type<typeof BillingCustomer> {}

/**
 * The stream of events of a customer.
 *
 * @category converting
 * @since 0.1.0
 */
export const aggregateOf = (id: CustomerId): string => `billing:${id}`

/**
 * The payer has paid nothing yet, so there is nothing to show.
 *
 * @category errors
 * @since 0.1.0
 */
export class CustomerNotFound extends Schema.TaggedError<CustomerNotFound>("@belfry/billing/CustomerNotFound")(
  "CustomerNotFound",
  {},
) {
  override get message(): string {
    return "Nothing has been paid for yet"
  }
}
