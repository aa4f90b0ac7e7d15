/**
 * Fields of the forms about bills.
 *
 * @since 0.1.0
 */
import { SubscriptionId } from "@belfry/billing/Subscription"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

/**
 * How many seats: a whole number, as it is typed.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SeatsForm = Schema.Struct({
  seats: Schema.String.pipe(
    Schema.decodeTo(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })), {
      decode: SchemaGetter.transform((text: string) => (/^\s*\d{1,9}\s*$/u.test(text) ? Number(text) : Number.NaN)),
      encode: SchemaGetter.transform((seats: number) => String(seats)),
    }),
  ),
})

/**
 * Which subscription is not to end, or not to change.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RestoreForm = Schema.Struct({ subscription: SubscriptionId })

/**
 * When a subscription ends.
 *
 * @category schemas
 * @since 0.1.0
 */
export const EndForm = Schema.Struct({ when: Schema.Literals(["period-end", "now"]) })
