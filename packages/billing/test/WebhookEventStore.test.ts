import * as WebhookEventStoreTest from "@belfry/testing/WebhookEventStoreTest"
import { databases, layerMemory } from "./support/BillingStores.ts"

WebhookEventStoreTest.suite("memory", layerMemory)

for (const { name, layer } of databases) WebhookEventStoreTest.suite(name, layer)
