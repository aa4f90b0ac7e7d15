/**
 * All stores of this package in memory.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as MemoryAssertionStore from "./MemoryAssertionStore.ts"
import * as MemoryClientStore from "./MemoryClientStore.ts"
import * as MemoryConsentStore from "./MemoryConsentStore.ts"
import * as MemoryGrantStore from "./MemoryGrantStore.ts"
import * as MemoryInitialAccessTokenStore from "./MemoryInitialAccessTokenStore.ts"
import * as MemoryOAuthServerTables from "./MemoryOAuthServerTables.ts"
import * as MemoryRecordStore from "./MemoryRecordStore.ts"
import * as MemoryResourceStore from "./MemoryResourceStore.ts"
import * as MemorySigningKeyStore from "./MemorySigningKeyStore.ts"
import * as MemoryWaitingRequestStore from "./MemoryWaitingRequestStore.ts"

/**
 * Layer with every store of this package, over the tables of `core`'s memory stores.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  MemoryAssertionStore.layer,
  MemoryClientStore.layer,
  MemoryConsentStore.layer,
  MemoryGrantStore.layer,
  MemoryInitialAccessTokenStore.layer,
  MemoryRecordStore.layer,
  MemoryResourceStore.layer,
  MemorySigningKeyStore.layer,
  MemoryWaitingRequestStore.layer,
).pipe(Layer.provideMerge(MemoryOAuthServerTables.layer))
