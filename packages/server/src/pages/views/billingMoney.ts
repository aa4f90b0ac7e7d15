/**
 * What things cost, in words.
 *
 * @since 0.1.0
 */
import type { BillingInterval, PlanPrice } from "@belfry/billing/Plan"
import type { Subscription } from "@belfry/billing/Subscription"
import type { Catalogue } from "../../PageCatalogues.ts"

/**
 * What an interval of a plan costs: `€20.00 a month, and €8.00 for each seat`.
 *
 * @category formatting
 * @since 0.1.0
 */
export const offer = (words: Catalogue, { amount, currency, interval, seatAmount }: PlanPrice): string => {
  const { billing, billingPlans, money } = words
  const each = billing.each[interval]
  if (amount === null) return billingPlans.measured
  if (seatAmount === null) return each(money(amount, currency))
  const seat = money(seatAmount, currency)
  return amount === 0 ? each(billingPlans.perSeat(seat)) : billingPlans.andSeats(each(money(amount, currency)), seat)
}

/**
 * The same with a number of seats, where the plan has seats and they are known: `€44.00 a month, 3 seats`.
 *
 * @category formatting
 * @since 0.1.0
 */
export const offerFor = (words: Catalogue, price: PlanPrice, seats: number | null): string => {
  const { amount, currency, interval, seatAmount } = price
  if (amount === null || seatAmount === null || seats === null) return offer(words, price)
  const { billing } = words
  return billing.parts([
    billing.each[interval](words.money(amount + seats * seatAmount, currency)),
    billing.seats(seats),
  ])
}

/**
 * What a subscription costs as it is; null where no single amount says it.
 *
 * @category formatting
 * @since 0.1.0
 */
export const costOf = (
  { billing, money }: Catalogue,
  { amount, currency, interval }: Pick<Subscription, "amount" | "currency" | "interval">,
): string | null => (amount === null || interval === null ? null : billing.each[interval](money(amount, currency)))

/**
 * A plan with how it is paid: `Team, by the month, 3 seats`.
 *
 * @category formatting
 * @since 0.1.0
 */
export const planFor = (
  { billing }: Catalogue,
  title: string,
  { interval, seats }: { readonly interval: BillingInterval | null; readonly seats: number | null },
): string =>
  billing.parts([
    title,
    ...(interval === null ? [] : [billing.by[interval]]),
    ...(seats === null ? [] : [billing.seats(seats)]),
  ])
