/**
 * How the provider's objects say that they are of an installation like this one.
 */

/** Metadata of what is made here. By themselves they decide nothing. */
export const ownership = { managed_by: "belfry" } as const
