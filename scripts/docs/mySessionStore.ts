/**
 * Stands where a host's own store would be: sessions, and the users that they are of.
 */
import { MemoryStores } from "@belfry/core"

/** The store. */
export const layer = MemoryStores.layer
