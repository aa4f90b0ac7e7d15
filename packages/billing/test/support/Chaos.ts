/**
 * A world: a local Stripe, a database, a process that is killed and started again, and people who buy, change, leave
 * and end, at random, as a seed says.
 */
import * as Audit from "@belfry/core/Audit"
import * as Outbox from "@belfry/core/Outbox"
import * as OutboxDeliveries from "@belfry/core/OutboxDeliveries"
import * as OutboxSubscribers from "@belfry/core/OutboxSubscribers"
import * as SqlStores from "@belfry/core/SqlStores"
import { UserStore } from "@belfry/core/UserStore"
import { unknownClient } from "@belfry/core/AuditEvent"
import { BillingAccess } from "@belfry/billing/BillingAccess"
import * as BillingHookRuns from "@belfry/billing/BillingHookRuns"
import * as BillingHooks from "@belfry/billing/BillingHooks"
import { BillingProvider } from "@belfry/billing/BillingProvider"
import * as BillingSettings from "@belfry/billing/BillingSettings"
import * as BillingSubscribers from "@belfry/billing/BillingSubscribers"
import * as Customers from "@belfry/billing/Customers"
import { Entitlements } from "@belfry/billing/Entitlements"
import * as PlanCatalogue from "@belfry/billing/PlanCatalogue"
import * as Plans from "@belfry/billing/Plans"
import * as Reconciliations from "@belfry/billing/Reconciliations"
import * as SqlBillingStores from "@belfry/billing/SqlBillingStores"
import * as StripeBillingProvider from "@belfry/billing/StripeBillingProvider"
import * as StripeClient from "@belfry/billing/StripeClient"
import * as Subscriptions from "@belfry/billing/Subscriptions"
import * as SubscriptionWork from "@belfry/billing/SubscriptionWork"
import * as Synchronizations from "@belfry/billing/Synchronizations"
import * as Upgrades from "@belfry/billing/Upgrades"
import * as WebhookInbox from "@belfry/billing/WebhookInbox"
import { OrganizationId } from "@belfry/organization/Organization"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import { Duration, Effect, Exit, Layer, Redacted, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { migrations } from "./BillingStores.ts"
import { definition, layerStripe } from "./Buying.ts"
import * as KillPoints from "./KillPoints.ts"

/** What every process of a world stands on, and what outlives it: the database, Stripe, and everything but billing. */
export const layerGround = Layer.mergeAll(layerStripe, SqlBillingStores.layer).pipe(
  Layer.provideMerge(TestServices.layerSql(TestDatabase.layerPostgres(migrations))),
)

/** The services of a ground. */
export type Ground = Layer.Success<typeof layerGround>

/** How long a process waits for Stripe: long for an answer, and short for a test. */
const patience = Duration.millis(200)

const isOrganizationId = Schema.is(OrganizationId)

/** Everybody may do everything for themselves and for every organization. */
const layerAccess = Layer.succeed(BillingAccess, {
  require: (actor, ref) =>
    Effect.succeed(
      ref._tag === "Organization" && isOrganizationId(ref.organization)
        ? { _tag: "Organization" as const, organizationId: ref.organization }
        : { _tag: "User" as const, userId: actor.user.id },
    ),
  requireFor: () => Effect.void,
})

/** Writes down what the host is told, in the transaction of its hook. */
const layerHooks = Layer.effect(
  BillingHooks.BillingHooks,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return {
      ...BillingHooks.none,
      afterEvent: (event, { id }) =>
        sql`INSERT INTO told (id, customer_id, tag, event) VALUES (${id}, ${event.customerId}, ${event._tag}, ${JSON.stringify(event)})`,
    } satisfies BillingHooks.BillingHooksService
  }),
)

const wanted: ReadonlySet<string> = new Set(StripeBillingProvider.webhookTypes)

const eventOf = Schema.decodeSync(Schema.fromJsonString(Schema.Struct({ type: Schema.String })))

/** Stripe as a process has it: whose answers it waits for a short time alone. */
const layerProvider = ({ watch }: KillPoints.KillPoints) =>
  Layer.effect(
    BillingProvider,
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const client = StripeClient.make({
        secretKey: Redacted.make(local.secretKey),
        webhookSecrets: [Redacted.make(local.webhookSecret)],
        apiUrl: local.url,
        retryBase: Duration.zero,
        timeout: patience,
      })
      return watch(yield* Effect.provideService(StripeBillingProvider.make, StripeClient.StripeClient, client))
    }),
  )

/** The services of one process, every step of which can be its last. */
const layerProcess = (points: KillPoints.KillPoints) =>
  Layer.mergeAll(
    Upgrades.layer,
    Subscriptions.layer,
    WebhookInbox.layer,
    Reconciliations.layer,
    BillingHookRuns.layer,
    BillingSubscribers.layerSeats,
    OutboxDeliveries.layer(),
  ).pipe(
    Layer.provideMerge(SubscriptionWork.layer),
    Layer.provideMerge(Synchronizations.layer),
    Layer.provideMerge(Layer.merge(Plans.layer, Customers.layer)),
    Layer.provideMerge(
      Layer.mergeAll(
        layerAccess,
        layerHooks,
        layerProvider(points),
        Audit.layer,
        Outbox.layer,
        OutboxSubscribers.layer,
        Layer.mock(Entitlements, {}),
        PlanCatalogue.layer(definition),
        Layer.succeed(
          BillingSettings.BillingSettings,
          BillingSettings.make({ limitsRates: false, webhookAttempts: 1000, deletion: "cancel" }),
        ),
      ),
    ),
    Layer.provideMerge(Layer.merge(SqlBillingStores.layer, SqlStores.layer)),
    Layer.provideMerge(Layer.effect(SqlClient.SqlClient, Effect.flatMap(SqlClient.SqlClient, points.client))),
  )

type Process = Layer.Success<ReturnType<typeof layerProcess>>

/** Makes the one process that a world has at a time; where it is dead, the next one begins. */
export const makeMachine = Effect.gen(function* () {
  const ground = yield* Effect.context<Ground>()
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE told (place bigserial, id uuid NOT NULL, customer_id uuid NOT NULL, tag text NOT NULL, event text NOT NULL)`
  const outer = yield* Effect.scope
  const start = Effect.gen(function* () {
    const points = KillPoints.make()
    const scope = yield* Scope.fork(outer)
    const memo = yield* Layer.makeMemoMap
    const layer = Layer.provide(layerProcess(points), Layer.succeedContext(ground))
    const services = yield* Layer.buildWithMemoMap(layer, memo, scope)
    return { points, scope, services }
  })
  let current = yield* start
  let kills = 0

  const living = Effect.suspend(() => {
    if (!current.points.isDead()) return Effect.succeed(current)
    kills++
    return Effect.andThen(
      Scope.close(current.scope, Exit.void),
      Effect.map(start, (next) => (current = next)),
    )
  })

  return {
    /** Has the process do something; it may die of it. What it fails with is nobody's business. */
    attempt: <A, E>(effect: Effect.Effect<A, E, Process | Ground>): Effect.Effect<Exit.Exit<A, E>> =>
      Effect.flatMap(living, ({ services }) => Effect.exit(Effect.provideContext(effect, services))).pipe(
        Effect.provideContext(ground),
      ),
    /** Kills the process at one of its next steps, if it takes so many. */
    killAt: (step: number) => Effect.map(living, ({ points }) => points.arm(step)),
    spare: Effect.suspend(() => Effect.sync(() => current.points.disarm())),
    kills: () => kills,
  }
})

export type Machine = Effect.Success<typeof makeMachine>

/**
 * Takes a webhook in by the process, as its handler does: the status that is answered, 0 where it died. The endpoint is
 * set up for the types that count: others never come.
 */
export const receiver = Effect.fnUntraced(function* (machine: Machine) {
  const run = yield* Effect.map(Effect.context<never>(), Effect.runPromiseWith)
  const local = yield* LocalStripe
  local.deliveries.mode("held")
  local.deliveries.to(async ({ body, signature }) => {
    if (!wanted.has(eventOf(body).type)) return 200
    return run(
      Effect.map(
        machine.attempt(
          WebhookInbox.WebhookInbox.use((inbox) =>
            inbox.receive({ body: new TextEncoder().encode(body), signature, client: unknownClient }),
          ),
        ),
        (exit) => (Exit.isSuccess(exit) ? 200 : 0),
      ),
    )
  })
})

/** Removes a user, past every guard. */
export const removeUser = (id: Parameters<UserStore["Service"]["remove"]>[0]) =>
  UserStore.use((users) => users.remove(id))
