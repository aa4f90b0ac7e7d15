import * as SubscriptionStoreTest from "@belfry/testing/SubscriptionStoreTest"
import { databases, layerMemory } from "./support/BillingStores.ts"

SubscriptionStoreTest.suite("memory", layerMemory)

for (const { name, layer } of databases) SubscriptionStoreTest.suite(name, layer)
