/**
 * The contract of a port, run on an adapter: the code of the README. The tests of the documentation call it.
 */
// #region contract
import { SessionStoreTest } from "@belfry/testing"
import * as MySessionStore from "./mySessionStore.ts"

export const contract = () => SessionStoreTest.suite("my store", MySessionStore.layer)
// #endregion
