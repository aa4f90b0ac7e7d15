/**
 * The services of the package over each kind of stores, with a probe between.
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import * as MemoryRateLimitStore from "@belfry/core/MemoryRateLimitStore"
import type { RateLimitStore } from "@belfry/core/RateLimitStore"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlRateLimitStore from "@belfry/core/SqlRateLimitStore"
import * as SqlFactorsMigrations from "@belfry/factors/SqlFactorsMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { Layer } from "effect"
import * as StoreProbe from "./StoreProbe.ts"

/** Stores and rate limit counters. */
export type Backend = Layer.Layer<TestServices.Stores | RateLimitStore, TestDatabase.TestDatabaseError>

/** Stores in memory, empty for each build. */
export const memory = Layer.merge(TestServices.layerMemoryStores, MemoryRateLimitStore.layer)

/** Memory, PGlite and PostgreSQL. */
export const backends: ReadonlyArray<{ readonly name: string; readonly stores: Backend }> = [
  { name: "memory", stores: memory },
  ...TestDatabase.each([SqlCoreMigrations.migrations, SqlFactorsMigrations.migrations]).map(({ name, layer }) => ({
    name,
    stores: Layer.merge(TestServices.layerSqlStores, SqlRateLimitStore.layer).pipe(Layer.provide(layer)),
  })),
]

/** Every service over the stores, observed by `StoreProbe`. */
export const layerOver = <R, E>(stores: Layer.Layer<TestServices.Stores | RateLimitStore | R, E>) =>
  TestServices.layer.pipe(
    Layer.provideMerge(StoreProbe.layer),
    Layer.provideMerge(Layer.merge(stores, NodeCrypto.layer)),
  )

/** Every service over memory. */
export const layer = layerOver(memory)

/** A client as requests show it. */
export const client: ClientInfo = { ipAddress: "192.0.2.7", userAgent: "Mozilla/5.0 (Test)" }
