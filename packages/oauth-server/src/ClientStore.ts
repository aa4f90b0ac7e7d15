/**
 * Port: where clients are kept.
 *
 * @since 0.1.0
 */
import type { KeyedHash } from "@belfry/core/KeyedHash"
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { ClientId, ClientSecret, OAuthClient } from "./OAuthClient.ts"

/**
 * Where clients are kept. Look-ups in the course of a request are those of `RecordStore`.
 *
 * @category ports
 * @since 0.1.0
 */
export class ClientStore extends Context.Service<
  ClientStore,
  {
    /** Keeps a new client; false when its id is taken. */
    readonly insert: (client: OAuthClient) => Effect.Effect<boolean, StoreError>
    readonly find: (id: ClientId) => Effect.Effect<Option.Option<OAuthClient>, StoreError>
    /**
     * The clients of a user or of a reference (of either, where both are given), newest first, at most `limit`; those
     * older than `before`, when given.
     */
    readonly list: (options: {
      readonly userId?: UserId | undefined
      readonly referenceId?: string | undefined
      readonly before?: { readonly createdAt: DateTime.Utc; readonly id: ClientId } | undefined
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<OAuthClient>, StoreError>
    /** The clients of everybody, newest first, at most `limit`; those older than `before`, when given. */
    readonly listAll: (options: {
      readonly before?: { readonly createdAt: DateTime.Utc; readonly id: ClientId } | undefined
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<OAuthClient>, StoreError>
    /**
     * Replaces what is known of a client, but not its secrets, if it is still as it was at `seen.updatedAt`: of
     * concurrent changes one wins.
     */
    readonly update: (seen: OAuthClient, next: OAuthClient) => Effect.Effect<boolean, StoreError>
    /**
     * Puts `secret` in front and keeps the first of the former ones that is not over at `now`, if any: until
     * `overlapUntil`, or until it ends by itself. Of concurrent calls each follows on another.
     */
    readonly rotateSecret: (
      id: ClientId,
      secret: ClientSecret,
      overlapUntil: DateTime.Utc,
      now: DateTime.Utc,
    ) => Effect.Effect<Option.Option<OAuthClient>, StoreError>
    /** Replaces the hash of a secret, after a change of the key ring; false when it is not there any more. */
    readonly rehashSecret: (id: ClientId, from: KeyedHash, to: KeyedHash) => Effect.Effect<boolean, StoreError>
    /** Removes a client with its grants, tokens and consents; none when there is none. */
    readonly remove: (id: ClientId) => Effect.Effect<Option.Option<OAuthClient>, StoreError>
    /**
     * Removes at most `limit` clients that registered themselves before `until` and are not in use: without a grant,
     * without a consent, and without the grant type `client_credentials`, whose tokens leave no trace.
     */
    readonly removeUnused: (until: DateTime.Utc, limit: number) => Effect.Effect<number, StoreError>
  }
>()("@belfry/oauth-server/ClientStore") {}
