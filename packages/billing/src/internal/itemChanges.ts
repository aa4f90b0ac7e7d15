/**
 * From the items that a subscription has to those that it should have.
 */
import type { SubscriptionUpdate } from "../BillingProvider.ts"
import type { DesiredItem, ProviderItem } from "../ProviderSubscription.ts"

/** Whether a subscription has these items and no others. */
export const sameItems = (items: ReadonlyArray<ProviderItem>, wanted: ReadonlyArray<DesiredItem>): boolean =>
  items.length === wanted.length &&
  wanted.every((item) => items.some(({ priceId, quantity }) => priceId === item.priceId && quantity === item.quantity))

/**
 * The change of items: one keeps its place whose price stays, a counted one that is left over takes the next price that
 * is counted, so that what was paid for it counts; the rest is added, and what is left over then is taken off.
 */
export const changeItems = (
  items: ReadonlyArray<ProviderItem>,
  wanted: ReadonlyArray<DesiredItem>,
): { readonly items: NonNullable<SubscriptionUpdate["items"]>; readonly removed: ReadonlyArray<ProviderItem> } => {
  const left = [...items]
  const take = (isMeant: (item: ProviderItem) => boolean): ProviderItem | undefined => {
    const place = left.findIndex(isMeant)
    return place < 0 ? undefined : left.splice(place, 1)[0]
  }
  const kept = wanted.map((item) => ({ item, id: take(({ priceId }) => priceId === item.priceId)?.id ?? null }))
  const changed = kept.map(({ item, id }) => ({
    ...item,
    id: id ?? (item.quantity === null ? null : (take(({ quantity }) => quantity !== null)?.id ?? null)),
  }))
  return { items: changed, removed: left }
}
