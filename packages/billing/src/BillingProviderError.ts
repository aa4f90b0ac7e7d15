/**
 * How the provider fails: as services see it, and as the wire tells it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The `code` of what failed once and is kept for its idempotency key.
 *
 * @category errors
 * @since 0.1.0
 */
export const spentKey = "idempotency_key_spent"

/**
 * The provider could not answer, or not as it should.
 *
 * **Details**
 *
 * `unavailable`: not reached, or out of order. `limited`: asked too often. `configuration`: it does not let us in, or
 * there is none. `refused`: it does not do this, `code` says why in its words. `unexpected`: its answer is not of a
 * form that is known here. The text of the provider stays in `cause`, on the server.
 *
 * @category errors
 * @since 0.1.0
 */
export class BillingProviderError extends Schema.TaggedError<BillingProviderError>(
  "@belfry/billing/BillingProviderError",
)("BillingProviderError", {
  method: Schema.String,
  reason: Schema.Literals(["unavailable", "limited", "configuration", "refused", "unexpected"]),
  code: Schema.NullOr(Schema.String),
  requestId: Schema.NullOr(Schema.String),
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return `The billing provider could not answer ${this.method}: ${this.reason}`
  }
  /** Whether the provider failed at what was asked for by this key, and says so to whoever asks by it ever after. */
  get isKeySpent(): boolean {
    return this.reason === "refused" && this.code === spentKey
  }
  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return this.reason === "unavailable" || this.reason === "limited"
  }
}

/**
 * The bank refused the payment, and nothing was changed. `code` is the bank's reason in the provider's words.
 *
 * @category errors
 * @since 0.1.0
 */
export class PaymentDeclined extends Schema.TaggedError<PaymentDeclined>("@belfry/billing/PaymentDeclined")(
  "PaymentDeclined",
  { code: Schema.NullOr(Schema.String) },
) {
  override get message(): string {
    return "The payment was declined"
  }
}

/**
 * The provider cannot be reached at the moment, as the wire tells it. The same request may succeed later.
 *
 * @category errors
 * @since 0.1.0
 */
export class BillingUnavailable extends Schema.TaggedError<BillingUnavailable>("@belfry/billing/BillingUnavailable")(
  "BillingUnavailable",
  {},
) {
  override get message(): string {
    return "Payments cannot be reached at the moment"
  }
}

/**
 * The provider did not do what it was asked for, as the wire tells it. Whoever runs this server must look.
 *
 * @category errors
 * @since 0.1.0
 */
export class BillingFailed extends Schema.TaggedError<BillingFailed>("@belfry/billing/BillingFailed")(
  "BillingFailed",
  {},
) {
  override get message(): string {
    return "The payment service did not do what it was asked for"
  }
}
