/**
 * Invoices, as the provider lists them. They are not kept here.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * An invoice. Amounts are in the smallest unit of the currency. `url` shows it, or takes the payment, at the provider.
 *
 * @category models
 * @since 0.1.0
 */
export const Invoice = Schema.Struct({
  id: Schema.String,
  number: Schema.NullOr(Schema.String),
  status: Schema.NullOr(Schema.Literals(["draft", "open", "paid", "uncollectible", "void"])),
  currency: Schema.String,
  total: Schema.Int,
  amountDue: Schema.Int,
  amountPaid: Schema.Int,
  periodStart: Schema.DateTimeUtc,
  periodEnd: Schema.DateTimeUtc,
  createdAt: Schema.DateTimeUtc,
  url: Schema.NullOr(Schema.String),
  pdfUrl: Schema.NullOr(Schema.String),
}).annotate({ identifier: "Invoice" })
/**
 * @category models
 * @since 0.1.0
 */
export interface Invoice extends Schema.Schema.Type<typeof Invoice> {}
