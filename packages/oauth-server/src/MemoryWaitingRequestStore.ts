/**
 * Authorization requests that wait for a person, in memory.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import { MemoryTables } from "@belfry/core/MemoryTables"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { WaitingRequest, WaitingRequestId } from "./AuthorizationRequest.ts"
import { removeExpired } from "./internal/memoryExpiry.ts"
import { refuse } from "@belfry/core/MemoryStoreError"
import { WaitingRequestStore } from "./WaitingRequestStore.ts"

/**
 * Builds the store over shared tables.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const tables = yield* MemoryTables
  const requests = yield* tables.table<WaitingRequestId, WaitingRequest>("oauth_waiting_requests")

  const find = (id: WaitingRequestId, browser: ReadonlyArray<KeyedHash>): WaitingRequest | undefined => {
    const request = requests.get(id)
    return request !== undefined && browser.includes(request.browserHash) ? request : undefined
  }

  return WaitingRequestStore.of({
    insert: (request) =>
      tables.statement(() => {
        if (requests.has(request.id)) return refuse("WaitingRequestStore", "insert", "unique id")
        requests.set(request.id, request)
        return Effect.void
      }),
    find: (id, browser) => tables.statement(() => Effect.succeed(Option.fromUndefinedOr(find(id, browser)))),
    advance: ({ id, browser, sessionId, step }) =>
      tables.statement(() => {
        const request = find(id, browser)
        if (request === undefined) return Effect.succeedNone
        const done = request.sessionId === sessionId ? request.steps.filter((other) => other !== step) : []
        const advanced = { ...request, sessionId, steps: [...done, step] }
        requests.set(id, advanced)
        return Effect.succeedSome(advanced)
      }),
    consume: (id, browser) =>
      tables.statement(() => {
        const request = find(id, browser)
        if (request === undefined) return Effect.succeedNone
        requests.delete(id)
        return Effect.succeedSome(request)
      }),
    removeExpired: (now, limit) =>
      tables.statement(() => Effect.succeed(removeExpired(requests, ({ expiresAt }) => expiresAt, now, limit))),
  })
})

/**
 * Layer that keeps waiting requests in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<WaitingRequestStore, never, MemoryTables> = Layer.effect(WaitingRequestStore, make)
