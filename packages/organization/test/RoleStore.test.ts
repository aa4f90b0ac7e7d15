import * as RoleStoreTest from "@belfry/testing/RoleStoreTest"
import { onEachStore } from "./support/EachStore.ts"

onEachStore(RoleStoreTest.suite)
