import * as OrganizationStoreTest from "@belfry/testing/OrganizationStoreTest"
import { onEachStore } from "./support/EachStore.ts"

onEachStore(OrganizationStoreTest.suite)
