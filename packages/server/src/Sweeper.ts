/**
 * Removes what is over: sessions, sign-ins on their way here and at providers, verification tokens, grants and their
 * tokens, requests that wait, rate limits, events that were delivered, invitations that were closed, organizations that
 * were deleted; writes down which invitations are over; and rotates signing keys that are due. Once across nodes, in
 * small steps.
 *
 * @since 0.1.0
 */
import * as BillingJobs from "@belfry/billing/BillingJobs"
import { OutboxStore } from "@belfry/core/OutboxStore"
import { SessionStore } from "@belfry/core/SessionStore"
import * as SqlRateLimiterStore from "@belfry/core/SqlRateLimiterStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { VerificationTokenStore } from "@belfry/core/VerificationTokenStore"
import { SignInAttemptStore } from "@belfry/factors/SignInAttemptStore"
import { OAuthStateStore } from "@belfry/oauth-client/OAuthStateStore"
import { AssertionStore } from "@belfry/oauth-server/AssertionStore"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { InitialAccessTokenStore } from "@belfry/oauth-server/InitialAccessTokenStore"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import { WaitingRequestStore } from "@belfry/oauth-server/WaitingRequestStore"
import { Invitations } from "@belfry/organization/Invitations"
import { InvitationStore } from "@belfry/organization/InvitationStore"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"

/**
 * Rows removed because they were over, by table.
 *
 * @category metrics
 * @since 0.1.0
 */
export const sweptTotal = Metric.counter("belfry_swept_rows_total", {
  description: "Rows removed because they were over, by table",
  incremental: true,
})

const batch = 1000

/** How long a client that registered itself may go without a grant. */
const unusedClients = Duration.days(30)

/** How long events stay that were delivered, for whoever asks what was. */
const deliveredEvents = Duration.days(7)

/** How long invitations stay that were accepted, rejected, revoked, or are over. */
const closedInvitations = Duration.days(90)

/**
 * Sweeps once: at most 1,000 rows of each table, unless another node is at it. The number of rows removed.
 *
 * @category effects
 * @since 0.1.0
 */
export const sweep = Effect.fn("Sweeper.sweep")(function* () {
  const transactions = yield* TransactionStore
  const sessions = yield* SessionStore
  const attempts = yield* SignInAttemptStore
  const states = yield* OAuthStateStore
  const tokens = yield* VerificationTokenStore
  const grants = yield* GrantStore
  const waiting = yield* WaitingRequestStore
  const assertions = yield* AssertionStore
  const clients = yield* ClientStore
  const registrations = yield* InitialAccessTokenStore
  const outbox = yield* OutboxStore
  const invitations = yield* InvitationStore
  return yield* transactions.runExclusive(
    "sweep",
    Effect.gen(function* () {
      const now = yield* DateTime.now
      const ofGrants = yield* grants.removeExpired(now, batch)
      const removed = {
        sessions: yield* sessions.removeExpired(now, batch),
        sign_in_attempts: yield* attempts.removeExpired(now, batch),
        oauth_states: yield* states.removeExpired(now, batch),
        verification_tokens: yield* tokens.removeExpired(now, batch),
        oauth_grants: ofGrants.grants,
        oauth_refresh_tokens: ofGrants.refreshTokens,
        oauth_access_tokens: ofGrants.accessTokens,
        oauth_revoked_jwts: ofGrants.revokedJwts,
        oauth_waiting_requests: yield* waiting.removeExpired(now, batch),
        oauth_assertions: yield* assertions.removeExpired(now, batch),
        oauth_initial_access_tokens: yield* registrations.removeExpired(now, batch),
        oauth_clients: yield* clients.removeUnused(DateTime.subtractDuration(now, unusedClients), batch),
        outbox_events: yield* outbox.removeDelivered(DateTime.subtractDuration(now, deliveredEvents), batch),
        organization_invitations: yield* invitations.removeClosed(
          DateTime.subtractDuration(now, closedInvitations),
          batch,
        ),
        rate_limits: yield* SqlRateLimiterStore.removeExpired(now, batch),
      }
      for (const [table, rows] of Object.entries(removed)) {
        yield* Metric.update(Metric.withAttributes(sweptTotal, { table }), rows)
      }
      return removed
    }),
  )
})

/**
 * Closes invitations that are over, and removes organizations whose time of grace is, with the events of both, unless
 * another node is at it. How many of each.
 *
 * **Details**
 *
 * In transactions of their own: they append events, and whoever changes the same organization waits meanwhile.
 *
 * @category effects
 * @since 0.1.0
 */
export const sweepOrganizations = Effect.fn("Sweeper.sweepOrganizations")(function* () {
  const transactions = yield* TransactionStore
  const { expire } = yield* Invitations
  const { purge } = yield* TrustedOrganizations
  const once = <E, R>(name: string, work: Effect.Effect<number, E, R>) =>
    Effect.exit(
      Effect.map(
        transactions.runExclusive(name, work),
        Option.getOrElse(() => 0),
      ),
    )
  // What fails in the one does not keep the other from its work.
  const done = {
    expired: yield* once("expire-invitations", expire),
    removed: yield* once("purge-organizations", purge),
  }
  const [expired, organizations] = [yield* done.expired, yield* done.removed]
  yield* Metric.update(Metric.withAttributes(sweptTotal, { table: "organizations" }), organizations)
  return { expired, organizations }
})

/**
 * Sweeps until little is left: a table that had a full batch to remove may have more. At most 100 times in a row, so
 * that other work of the database comes in between.
 *
 * @category effects
 * @since 0.1.0
 */
export const sweepAll = sweep().pipe(
  Effect.repeat({
    while: (removed) => Option.exists(removed, (rows) => Object.values(rows).includes(batch)),
    times: 100,
  }),
)

/**
 * The same for organizations: until no step finds any.
 *
 * @category effects
 * @since 0.1.0
 */
export const sweepAllOrganizations = sweepOrganizations().pipe(
  Effect.repeat({ while: ({ expired, organizations }) => expired + organizations > 0, times: 100 }),
)

/**
 * Sweeps every minute, and looks after signing keys, whatever became of the sweep. What fails is logged, and tried
 * again with the next one.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effectDiscard(
  everyMinute(
    Effect.all([
      Effect.catchCause(sweepAll, (cause) => Effect.logWarning("A sweep failed", cause)),
      Effect.catchCause(sweepAllOrganizations, (cause) => Effect.logWarning("A sweep of organizations failed", cause)),
      SigningKeys.use((keys) => keys.rotate).pipe(
        Effect.catchCause((cause) => Effect.logWarning("Signing keys could not be rotated", cause)),
      ),
    ]),
  ),
)

/**
 * Does the periodic work of billing that is due every minute. Beside the sweeps, which do not wait for the payment
 * provider. Each job that fails is logged there.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerBilling = Layer.effectDiscard(
  everyMinute(
    Effect.catchCause(BillingJobs.run, (cause) => Effect.logWarning("The periodic work of billing failed", cause)),
  ),
)

// internal

/** Does something for as long as the scope is open, a minute after it was done before. */
function everyMinute<A, R>(work: Effect.Effect<A, never, R>) {
  return work.pipe(
    Effect.repeat(Schedule.spaced("1 minute").pipe(Schedule.jittered)),
    Effect.delay("10 seconds"),
    Effect.forkScoped,
  )
}
