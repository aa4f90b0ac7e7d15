/**
 * All stores of this package in memory.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as MemoryOAuthStateStore from "./MemoryOAuthStateStore.ts"

/**
 * Layer with every store of this package, over the tables of `core`'s memory stores.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(MemoryOAuthStateStore.layer)
