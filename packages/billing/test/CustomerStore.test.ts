import * as CustomerStoreTest from "@belfry/testing/CustomerStoreTest"
import { databases, layerMemory } from "./support/BillingStores.ts"

CustomerStoreTest.suite("memory", layerMemory)

for (const { name, layer } of databases) CustomerStoreTest.suite(name, layer)
