/**
 * Claims, as they stand in a JWT or a JSON answer.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"

/**
 * Members of a JWT or of a JSON answer.
 *
 * @see [RFC 7519 §4](https://www.rfc-editor.org/rfc/rfc7519.html#section-4)
 * @category models
 * @since 0.1.0
 */
export type Claims = Readonly<Record<string, Schema.Json>>
