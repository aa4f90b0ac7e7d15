/**
 * What items cost: for a period, and for the rest of one when they change within it.
 */
import type { LineDetails } from "./invoiceObjects.ts"
import type { Item } from "./objects.ts"

/** What an item costs for a whole period. What is measured costs nothing here: nothing was used. */
export const amountOf = ({ price, quantity }: Pick<Item, "price" | "quantity">): number =>
  (price.unit_amount ?? 0) * (quantity ?? 0)

/** The line of a whole period. */
export const lineOf = (item: Item, isTrial = false): LineDetails => ({
  amount: isTrial ? 0 : amountOf(item),
  currency: item.price.currency,
  description: isTrial ? `Trial period for ${item.price.id}` : `${item.quantity ?? 0} × ${item.price.id}`,
  item: item.id,
  period: { start: item.current_period_start, end: item.current_period_end },
  price: item.price.id,
  product: item.price.product,
  proration: false,
  quantity: item.quantity ?? null,
})

/** Takes the rest of a period back, or charges it. */
export const prorated = (item: Item, now: number, sign: 1 | -1): LineDetails => {
  const { current_period_start: start, current_period_end: end } = item
  const share = end > start ? Math.max(0, Math.min(1, (end - now) / (end - start))) : 0
  return {
    ...lineOf(item),
    amount: sign * Math.round(amountOf(item) * share),
    description: `${sign < 0 ? "Unused" : "Remaining"} time on ${item.price.id}`,
    period: { start: now, end },
    proration: true,
  }
}
