/**
 * What the scopes of a host mean, in words, for the page that asks for consent.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * What a scope lets a client do, in the language of `locale` (BCP 47): a sentence without a full stop that goes on
 * after “asks to”, such as “read your invoices”. None for scopes that the host does not know; they are shown as they
 * are.
 *
 * **Details**
 *
 * It goes before the words of the pages themselves, which know the scopes of OpenID Connect.
 *
 * **Example** (One scope in one language)
 *
 * ```ts
 * const layer = Layer.succeed(ScopeDescriptions, (scope) =>
 *   scope === "invoices:read" ? "read your invoices" : undefined,
 * )
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const ScopeDescriptions = Context.Reference<(scope: string, locale: string) => string | undefined>(
  "@belfry/server/ScopeDescriptions",
  { defaultValue: () => () => undefined },
)
