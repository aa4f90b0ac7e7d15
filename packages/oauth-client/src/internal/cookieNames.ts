/**
 * The names of the cookies that are not of one state.
 *
 * @since 0.1.0
 */

/** The cookie that binds start URLs to the browser which asked for them, before `Site` adds the prefix of https. */
export const startCookie = "belfry_oauth_start"

/** The cookie that tells which account of a provider is meant, before `Site` adds the prefix of https. */
export const accountCookie = (providerId: string): string => `belfry_oauth_${providerId}_account`
