import * as EntitlementStoreTest from "@belfry/testing/EntitlementStoreTest"
import { databases, layerMemory } from "./support/BillingStores.ts"

EntitlementStoreTest.suite("memory", layerMemory)

for (const { name, layer } of databases) EntitlementStoreTest.suite(name, layer)
