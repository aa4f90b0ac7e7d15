import { MemoryStores, SessionStore } from "@belfry/core"
import * as SessionStoreTest from "@belfry/testing/SessionStoreTest"
import { Layer } from "effect"
import * as SqliteSessionStore from "../src/SqliteSessionStore.ts"

const layer = Layer.effect(SessionStore.SessionStore, SqliteSessionStore.make(":memory:"))

SessionStoreTest.suite("the example's, in SQLite", layer.pipe(Layer.provideMerge(MemoryStores.layer)))
