/**
 * What scopes mean, in the words of the host or of the pages.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Catalogue } from "../PageCatalogues.ts"
import { ScopeDescriptions } from "../ScopeDescriptions.ts"

/**
 * Builds the look-up of what a scope lets a client do; none where nobody has words for it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeScopeWords = Effect.map(
  ScopeDescriptions,
  (describe) =>
    ({ locale, scopes }: Catalogue) =>
    (scope: string): string | undefined =>
      describe(scope, locale) ?? (isKnown(scopes, scope) ? scopes[scope] : undefined),
)

// internal

const isKnown = (scopes: Catalogue["scopes"], scope: string): scope is keyof Catalogue["scopes"] =>
  Object.hasOwn(scopes, scope)
