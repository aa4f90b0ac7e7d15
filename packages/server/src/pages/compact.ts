/**
 * Makes the scripts of the pages smaller on their way out.
 *
 * @since 0.1.0
 */

/**
 * A script without indentation and without the spaces around punctuation. Its strings must have none of these.
 *
 * @category formatting
 * @since 0.1.0
 */
export const compact = (script: string): string =>
  script.replace(/\n\s*/gu, "\n").replace(/ ?(===|=>|&&|\|\||[{}()=+:?,;<>!]) ?/gu, "$1")
