import * as OperationStoreTest from "@belfry/testing/OperationStoreTest"
import { databases, layerMemory } from "./support/BillingStores.ts"

OperationStoreTest.suite("memory", layerMemory)

for (const { name, layer } of databases) OperationStoreTest.suite(name, layer)
