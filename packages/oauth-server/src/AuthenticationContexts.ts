/**
 * Port: what a session is worth, and whether its user can make it worth more.
 *
 * What stands behind it are sign-in factors, of which this package knows nothing.
 *
 * @since 0.1.0
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { Session } from "@belfry/core/Session"
import type { StoreError } from "@belfry/core/StoreError"
import type { User } from "@belfry/core/User"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/**
 * What a session is worth.
 *
 * @see [OpenID Connect Core §2](https://openid.net/specs/openid-connect-core-1_0.html#IDToken)
 * @category ports
 * @since 0.1.0
 */
export class AuthenticationContexts extends Context.Service<
  AuthenticationContexts,
  {
    /** The values of `acr` that sessions can have, the weakest first. */
    readonly supported: ReadonlyArray<string>
    /** Whether a session is worth one of these values, or more. */
    readonly isMet: (session: Session, acrValues: ReadonlyArray<string>) => boolean
    /** Whether the user has what it takes to make a session worth one of these values. */
    readonly isReachable: (options: {
      readonly user: User
      readonly session: Session
      readonly acrValues: ReadonlyArray<string>
      readonly client: ClientInfo
    }) => Effect.Effect<boolean, StoreError>
  }
>()("@belfry/oauth-server/AuthenticationContexts") {}
