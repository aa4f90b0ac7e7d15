/**
 * Port: where consents are kept.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Consent, ConsentId } from "./Consent.ts"

/**
 * Where consents are kept: one for each user, client and reference.
 *
 * @category ports
 * @since 0.1.0
 */
export class ConsentStore extends Context.Service<
  ConsentStore,
  {
    /**
     * Adds what was agreed to to the consent of the same user, client and reference, or keeps it as a new one; scopes
     * that are given now are no longer declined. One statement: concurrent ones add up to one row with all of it.
     */
    readonly merge: (consent: Consent) => Effect.Effect<Consent, StoreError>
    readonly find: (userId: UserId, id: ConsentId) => Effect.Effect<Option.Option<Consent>, StoreError>
    /** The consents of a user, newest first; those of one reference, when given (null: the user's own). */
    readonly listByUser: (
      userId: UserId,
      referenceId?: string | null,
    ) => Effect.Effect<ReadonlyArray<Consent>, StoreError>
    /**
     * Leaves `scopes` of what was agreed to; those that are not in it are dropped. None when there is no such consent.
     */
    readonly narrow: (
      userId: UserId,
      id: ConsentId,
      scopes: ReadonlyArray<string>,
      now: DateTime.Utc,
    ) => Effect.Effect<Option.Option<Consent>, StoreError>
    readonly remove: (userId: UserId, id: ConsentId) => Effect.Effect<Option.Option<Consent>, StoreError>
  }
>()("@belfry/oauth-server/ConsentStore") {}
