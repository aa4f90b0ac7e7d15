/**
 * Pages of clients, newest first.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ClientPage } from "../Clients.ts"
import type { OAuthClient } from "../OAuthClient.ts"
import { type ClientPlace, ofClient, pageSize, toClientPlace } from "./listCursors.ts"

/** Which page: where the one before ended, and how many clients it has. */
export interface PageOptions {
  readonly cursor?: string | undefined
  readonly limit?: number | undefined
}

/** Makes a page of what `list` finds, older than a client. A foreign cursor finds nothing. */
export const pageOf = Effect.fnUntraced(function* (
  { cursor, limit }: PageOptions,
  list: (options: {
    readonly before: ClientPlace | undefined
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<OAuthClient>, StoreError>,
): Effect.fn.Return<ClientPage, StoreError> {
  const before = cursor === undefined ? Option.some(undefined) : toClientPlace(cursor)
  if (Option.isNone(before)) return { clients: [], cursor: null }
  const size = pageSize(limit)
  // One more tells whether there is a page after this one.
  const found = yield* list({ before: before.value, limit: size + 1 })
  const clients = found.slice(0, size)
  const last = clients.at(-1)
  return { clients, cursor: found.length > size && last !== undefined ? ofClient(last) : null }
})
