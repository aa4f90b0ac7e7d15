/**
 * Bound resources: a family of protected resources, one for each tenant of the host, told apart by their identifiers.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { maxIdentifierLength, ProtectedResource } from "./ProtectedResource.ts"

const { identifier: _identifier, ...common } = ProtectedResource.fields

/** Text that stands in an identifier as it is: no query, no fragment, nothing that a parser of URLs would rewrite. */
const isPlain = (text: string): boolean => /^[\x21-\x7E]+$/u.test(text) && !/[?#\\"<>^`{|}]/u.test(text)

/**
 * A family of protected resources, one for each organization, say: `prefix`, then the reference that a resource is
 * bound to, then `suffix` where there is one.
 *
 * **Details**
 *
 * The reference is one segment of a path: `prefix` ends with a slash, and `suffix` begins with one. The other fields
 * are those of each resource of the family.
 *
 * **Example** (An MCP server for each organization)
 *
 * ```ts
 * const organizations: BoundResource = {
 *   prefix: "https://example.com/mcp/organizations/",
 *   name: null,
 *   scopes: ["organizations:read"],
 *   accessTokenLifetime: null,
 *   signingAlgorithm: null,
 *   introspectionClientId: null,
 *   isDisabled: false
 * }
 * ```
 *
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 * @category models
 * @since 0.1.0
 */
export const BoundResource = Schema.Struct({
  prefix: Schema.String.check(
    Schema.isMaxLength(maxIdentifierLength - 256),
    Schema.makeFilter((text: string) => isPlain(text) && text.endsWith("/") && URL.canParse(text), {
      message: "Expected an absolute URI without query and fragment that ends with a slash",
    }),
  ),
  suffix: Schema.optionalKey(
    Schema.String.check(
      Schema.isMaxLength(256),
      Schema.makeFilter((text: string) => isPlain(text) && text.startsWith("/"), {
        message: "Expected the rest of a path, which begins with a slash",
      }),
    ),
  ),
  ...common,
}).annotate({ identifier: "BoundResource" })
/**
 * @category models
 * @since 0.1.0
 */
export interface BoundResource extends Schema.Schema.Type<typeof BoundResource> {}

/**
 * A resource of a family, and what it is bound to.
 *
 * @category models
 * @since 0.1.0
 */
export interface BoundMatch {
  readonly resource: ProtectedResource
  readonly referenceId: string
}

/**
 * The resource of the first family that an identifier is one of; null when it is of none.
 *
 * **Details**
 *
 * Compared byte for byte, as identifiers are. What an identifier is bound to are 1 to 255 characters that stand in a
 * path as they are (letters, digits, `-`, `.`, `_` and `~`), and no segment of dots: no two texts name one reference.
 *
 * @see [RFC 3986 §2.3](https://www.rfc-editor.org/rfc/rfc3986.html#section-2.3)
 * @category accessors
 * @since 0.1.0
 */
export const match = (families: ReadonlyArray<BoundResource>, identifier: string): BoundMatch | null => {
  for (const { prefix, suffix = "", ...fields } of families) {
    if (!identifier.startsWith(prefix) || !identifier.endsWith(suffix)) continue
    const referenceId = identifier.slice(prefix.length, identifier.length - suffix.length)
    // Where prefix and suffix would share a part, nothing is between them.
    if (isReference(referenceId)) return { resource: { ...fields, identifier }, referenceId }
  }
  return null
}

/**
 * What resources are bound to, each reference once, by the families and beside the resources that stand alone in the
 * configuration: those are bound to nothing, whatever they are called.
 *
 * @category accessors
 * @since 0.1.0
 */
export const referencesOf = (
  known: {
    readonly resources: ReadonlyArray<ProtectedResource>
    readonly boundResources: ReadonlyArray<BoundResource>
  },
  identifiers: ReadonlyArray<string>,
): ReadonlyArray<string> => {
  // Most servers have no such family, and each token asks.
  if (known.boundResources.length === 0) return []
  const references = identifiers
    .filter((identifier) => !known.resources.some((resource) => resource.identifier === identifier))
    .flatMap((identifier) => match(known.boundResources, identifier)?.referenceId ?? [])
  return [...new Set(references)]
}

// internal

const isReference = (text: string): boolean => /^[\w.~-]{1,255}$/u.test(text) && text !== "." && text !== ".."
