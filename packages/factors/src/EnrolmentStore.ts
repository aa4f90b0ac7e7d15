/**
 * Port: which factors a user has set up, whichever stores keep them.
 *
 * @since 0.1.0
 */
import type { StoreError } from "@belfry/core/StoreError"
import type { UserId } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Enrolment } from "./Enrolment.ts"

/**
 * Which factors a user has set up: password, accounts elsewhere, passkeys, TOTP and HOTP if confirmed, backup codes if
 * any is unused. In the order of `Factor`.
 *
 * @category ports
 * @since 0.1.0
 */
export class EnrolmentStore extends Context.Service<
  EnrolmentStore,
  {
    /** One statement. */
    readonly list: (userId: UserId) => Effect.Effect<ReadonlyArray<Enrolment>, StoreError>
    /**
     * Locks the enrolments of a user until the transaction ends: who wants to change them meanwhile, through this
     * method, waits. False when there is no such user.
     */
    readonly lock: (userId: UserId) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/factors/EnrolmentStore") {}
