import * as TeamStoreTest from "@belfry/testing/TeamStoreTest"
import { onEachStore } from "./support/EachStore.ts"

onEachStore(TeamStoreTest.suite)
