import * as InvitationAtOnceTest from "@belfry/testing/InvitationAtOnceTest"
import * as InvitationEndsTest from "@belfry/testing/InvitationEndsTest"
import * as InvitationStoreTest from "@belfry/testing/InvitationStoreTest"
import { onEachStore } from "./support/EachStore.ts"

onEachStore(InvitationStoreTest.suite, InvitationEndsTest.suite, InvitationAtOnceTest.suite)
