import * as MemberChangesTest from "@belfry/testing/MemberChangesTest"
import * as MemberStoreTest from "@belfry/testing/MemberStoreTest"
import { onEachStore } from "./support/EachStore.ts"

onEachStore(MemberStoreTest.suite, MemberChangesTest.suite)
