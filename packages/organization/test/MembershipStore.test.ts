import * as MembershipStoreTest from "@belfry/testing/MembershipStoreTest"
import { onEachStore } from "./support/EachStore.ts"

onEachStore(MembershipStoreTest.suite)
