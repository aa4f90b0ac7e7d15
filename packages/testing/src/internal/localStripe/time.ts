/**
 * Days and anniversaries, in seconds since 1970.
 */
import type { Recurring } from "./objects.ts"

export const hour = 3600
export const day = 86_400

/** The end of a number of intervals after an instant. The 31st becomes the last day of a shorter month. */
export const add = (
  instant: number,
  { interval, interval_count: count }: Pick<Recurring, "interval" | "interval_count">,
  times = 1,
): number => {
  const amount = count * times
  if (interval === "day") return instant + amount * day
  if (interval === "week") return instant + amount * 7 * day
  const date = new Date(instant * 1000)
  const months = date.getUTCMonth() + amount * (interval === "year" ? 12 : 1)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), months + 1, 0)).getUTCDate()
  const time = ((date.getTime() % (day * 1000)) + day * 1000) % (day * 1000)
  return (Date.UTC(date.getUTCFullYear(), months, Math.min(date.getUTCDate(), lastDay)) + time) / 1000
}

/** The first anniversary of an anchor after an instant. */
export const nextAnniversary = (
  anchor: number,
  recurring: Pick<Recurring, "interval" | "interval_count">,
  instant: number,
): number => {
  let times = 1
  while (add(anchor, recurring, times) <= instant) times += 1
  return add(anchor, recurring, times)
}
