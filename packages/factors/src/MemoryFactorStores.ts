/**
 * All stores of this package in memory.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as MemoryBackupCodeStore from "./MemoryBackupCodeStore.ts"
import * as MemoryEmailCodeStore from "./MemoryEmailCodeStore.ts"
import * as MemoryEnrolmentStore from "./MemoryEnrolmentStore.ts"
import * as MemoryFactorTables from "./MemoryFactorTables.ts"
import * as MemoryHotpStore from "./MemoryHotpStore.ts"
import * as MemoryPasskeyStore from "./MemoryPasskeyStore.ts"
import * as MemoryPasswordStore from "./MemoryPasswordStore.ts"
import * as MemorySignInAttemptStore from "./MemorySignInAttemptStore.ts"
import * as MemoryTotpStore from "./MemoryTotpStore.ts"

/**
 * Layer with every store of this package, over the tables of `core`'s memory stores.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  MemoryBackupCodeStore.layer,
  MemoryEmailCodeStore.layer,
  MemoryEnrolmentStore.layer,
  MemoryHotpStore.layer,
  MemoryPasskeyStore.layer,
  MemoryPasswordStore.layer,
  MemorySignInAttemptStore.layer,
  MemoryTotpStore.layer,
).pipe(Layer.provideMerge(MemoryFactorTables.layer))
