/**
 * All services of this package at once, over whatever stores, mailer and keys the host provides.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as Audit from "./Audit.ts"
import * as AuthEvents from "./AuthEvents.ts"
import * as Emails from "./Emails.ts"
import * as LinkedAccounts from "./LinkedAccounts.ts"
import * as Outbox from "./Outbox.ts"
import * as OutboxSubscribers from "./OutboxSubscribers.ts"
import type { SessionPolicy } from "./Session.ts"
import * as Sessions from "./Sessions.ts"
import * as UserRemovals from "./UserRemovals.ts"
import * as Users from "./Users.ts"
import * as VerificationTokens from "./VerificationTokens.ts"

const layerFoundation = Layer.mergeAll(
  Audit.layer,
  AuthEvents.layer,
  Outbox.layer,
  OutboxSubscribers.layer,
  UserRemovals.layer,
)

const layerWith = <E, R>(sessions: Layer.Layer<Sessions.Sessions, E, R>) =>
  Emails.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(Users.layer, sessions, LinkedAccounts.layer, VerificationTokens.layer)),
    Layer.provideMerge(layerFoundation),
  )

/**
 * All services of this package.
 *
 * **Details**
 *
 * Needs the stores (`SqlStores.layer` or `MemoryStores.layer`), `KeyRing`, `RateLimits`, `MailQueue`, `Site` and the
 * platform's crypto services. A host that forgets one gets a type error that names it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (policy?: Partial<SessionPolicy>) => layerWith(Sessions.layer(policy))

/**
 * All services of this package, the rules of sessions from configuration.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = layerWith(Sessions.layerConfig)
