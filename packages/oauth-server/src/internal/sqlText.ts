/**
 * What `text` of PostgreSQL can hold.
 */

/**
 * Whether a text can be on file at all: PostgreSQL has neither NUL nor lone surrogates and refuses them as parameters.
 */
export const isText = (text: string): boolean => !text.includes("\0") && text.isWellFormed()
