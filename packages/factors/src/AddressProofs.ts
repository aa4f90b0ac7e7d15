/**
 * Port: what else proves an address to whoever signs up, beside our own mail: an invitation that came there, say.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { RateLimited } from "@belfry/core/RateLimit"
import type { StoreError } from "@belfry/core/StoreError"
import type { Email, User } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"

/**
 * What else proves an address.
 *
 * @category models
 * @since 0.1.0
 */
export interface AddressProofsService {
  /** The address that a token proves; none when it proves none. Uses nothing up. */
  readonly find: (
    token: Redacted.Redacted,
    client: ClientInfo,
  ) => Effect.Effect<Option.Option<Email>, RateLimited | StoreError>
  /**
   * Uses the proof up for the user who was just made with its address, in their transaction. False: it proves nothing.
   */
  readonly claim: (token: Redacted.Redacted, user: User, client: ClientInfo) => Effect.Effect<boolean, StoreError>
}

/**
 * What else proves an address; nothing, unless the host says otherwise.
 *
 * @category ports
 * @since 0.1.0
 */
export const AddressProofs = Context.Reference<AddressProofsService>("@belfry/factors/AddressProofs", {
  defaultValue: () => ({ find: () => Effect.succeed(Option.none()), claim: () => Effect.succeed(false) }),
})
