/**
 * Times in words, in any language that the platform knows.
 *
 * The server does not know the reader's time zone, so words are relative and dates are those of UTC.
 *
 * @since 0.1.0
 */

/**
 * How long ago something was: `3 hours ago`; the date when it is more than 30 days. Both in milliseconds of the epoch.
 *
 * @category formatting
 * @since 0.1.0
 */
export const ago = (locale: string, then: number, now: number): string => {
  const seconds = Math.max(0, Math.floor((now - then) / 1000))
  if (seconds >= 30 * day) return dayOf(locale, then)
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" })
  if (seconds < minute) return format.format(0, "second")
  if (seconds < hour) return format.format(-Math.floor(seconds / minute), "minute")
  if (seconds < day) return format.format(-Math.floor(seconds / hour), "hour")
  return format.format(-Math.floor(seconds / day), "day")
}

/**
 * The date in UTC, in words: `12 November 2025`.
 *
 * @category formatting
 * @since 0.1.0
 */
export const dayOf = (locale: string, then: number): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" }).format(then)

/**
 * A span in words, rounded up: `40 seconds`, `12 minutes`, `2 hours`, `30 days`.
 *
 * @category formatting
 * @since 0.1.0
 */
export const duration = (locale: string, seconds: number): string => {
  const [value, unit] =
    seconds < minute
      ? [Math.max(1, Math.ceil(seconds)), "second"]
      : seconds <= 90 * minute
        ? [Math.ceil(seconds / minute), "minute"]
        : seconds <= 2 * day
          ? [Math.ceil(seconds / hour), "hour"]
          : [Math.ceil(seconds / day), "day"]
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(value)
}

// internal

const minute = 60
const hour = 60 * minute
const day = 24 * hour
