/**
 * What a provider says about an error, cut down to what may be shown and written down.
 */

/**
 * Keeps the characters that RFC 6749 allows in `error` and `error_description`, and `length` of them at most.
 *
 * @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2)
 */
export const limited = (text: string, length: number): string =>
  text.replaceAll(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/gu, "").slice(0, length)

/** The limits of `error` and `error_description`. */
export const errorLengths = { error: 64, description: 256 }
