/**
 * Keys of Stripe, by how they begin.
 */

/** Whether a key moves real money. */
export const isLiveKey = (key: string): boolean => /^[sr]k_live_/u.test(key)
