/**
 * The languages that Stripe's pages speak.
 */

/** The language of a page: the one that is asked for, its kin, else as the browser says. */
export const localeOf = (locale: string): (typeof locales)[number] | "auto" => {
  const [language] = locale.split("-")
  return locales.find((known) => known === locale) ?? locales.find((known) => known === language) ?? "auto"
}

// internal

/** Of checkouts and of the portal both. */
const locales = [
  "bg",
  "cs",
  "da",
  "de",
  "el",
  "en",
  "en-GB",
  "es",
  "es-419",
  "et",
  "fi",
  "fil",
  "fr",
  "fr-CA",
  "hr",
  "hu",
  "id",
  "it",
  "ja",
  "ko",
  "lt",
  "lv",
  "ms",
  "mt",
  "nb",
  "nl",
  "pl",
  "pt",
  "pt-BR",
  "ro",
  "ru",
  "sk",
  "sl",
  "sv",
  "th",
  "tr",
  "vi",
  "zh",
  "zh-HK",
  "zh-TW",
] as const
