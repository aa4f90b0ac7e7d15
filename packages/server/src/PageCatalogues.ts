/**
 * The words of the hosted pages, one catalogue a language, and which of them a reader gets.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import { english as en } from "./pages/catalogue/en.ts"

/**
 * Every word of the hosted pages in one language.
 *
 * @category models
 * @since 0.1.0
 */
export type Catalogue = typeof en

/**
 * The hosted pages in English.
 *
 * @category constructors
 * @since 0.1.0
 */
export const english: Catalogue = en

/**
 * The catalogues that there are; the first serves whoever asks for none of them.
 *
 * @category services
 * @since 0.1.0
 */
export const PageCatalogues = Context.Reference<readonly [Catalogue, ...ReadonlyArray<Catalogue>]>(
  "@belfry/server/PageCatalogues",
  { defaultValue: () => [english] },
)

/**
 * The catalogue for an `Accept-Language` header, by lookup: the range itself, then shorter and shorter ones.
 *
 * @see [RFC 4647 §3.4](https://www.rfc-editor.org/rfc/rfc4647.html#section-3.4)
 * @category decisions
 * @since 0.1.0
 */
export const select = (
  catalogues: readonly [Catalogue, ...ReadonlyArray<Catalogue>],
  acceptLanguage: string | undefined,
): Catalogue => {
  for (const range of ranges(acceptLanguage ?? "")) {
    for (let tag = range; tag !== ""; tag = tag.slice(0, Math.max(0, tag.lastIndexOf("-")))) {
      const found = catalogues.find(({ locale }) => locale.toLowerCase() === tag)
      if (found !== undefined) return found
    }
  }
  return catalogues[0]
}

// internal

/** Language ranges in the reader's order; what is not one (`*`, a weight of 0, nonsense) is left out. */
const ranges = (header: string): ReadonlyArray<string> =>
  header
    .slice(0, 512)
    .split(",")
    .map((part) => {
      const [tag = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2)
      return { tag, weight: weight === undefined ? 1 : Number(weight) }
    })
    .filter(({ tag, weight }) => /^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/u.test(tag) && weight > 0 && weight <= 1)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag)
