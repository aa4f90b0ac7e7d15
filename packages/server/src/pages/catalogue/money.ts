/**
 * Amounts of money in words, in any language that the platform knows.
 *
 * @since 0.1.0
 */

/**
 * An amount in the smallest unit of its currency, as the provider of payments counts it: `€12.00`. A currency that is
 * none is written behind the bare number.
 *
 * @see [Stripe: supported currencies](https://docs.stripe.com/currencies#zero-decimal)
 * @category formatting
 * @since 0.1.0
 */
export const money = (locale: string, amount: number, currency: string): string => {
  const code = currency.toUpperCase()
  if (!/^[A-Z]{3}$/u.test(code)) return `${amount} ${currency}`
  return new Intl.NumberFormat(locale, { style: "currency", currency: code }).format(amount / 10 ** decimalsOf(code))
}

// internal

/** How many digits of an amount stand behind the point. Not what ISO 4217 says: ISK and UGX have two here. */
const decimalsOf = (code: string): number => (withoutDecimals.has(code) ? 0 : withThree.has(code) ? 3 : 2)

const withoutDecimals: ReadonlySet<string> = new Set([
  "BIF",
  "CLP",
  "DJF",
  "GNF",
  "JPY",
  "KMF",
  "KRW",
  "MGA",
  "PYG",
  "RWF",
  "VND",
  "VUV",
  "XAF",
  "XOF",
  "XPF",
])

const withThree: ReadonlySet<string> = new Set(["BHD", "JOD", "KWD", "OMR", "TND"])
