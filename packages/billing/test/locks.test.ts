/**
 * Who deletes a payer waits for whoever is at its customer, and sees what they bought. On PostgreSQL, where the two are
 * on connections of their own.
 */
import type { Payer } from "@belfry/billing/Payer"
import { CustomerStore } from "@belfry/billing/CustomerStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserDeletionRefused } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { DeletionRefused } from "@belfry/organization/Organization"
import { Organizations } from "@belfry/organization/Organizations"
import { Teams } from "@belfry/organization/Teams"
import * as BillingBuilders from "@belfry/testing/BillingBuilders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { isWaitingForLock } from "@belfry/testing/PostgresLocks"
import * as TestBilling from "@belfry/testing/TestBilling"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, layer as withLayer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { migrations } from "./support/BillingStores.ts"

/** Somebody subscribes while `deletion` is made: has the customer locked, and commits when that waits. */
const whileBuying = Effect.fnUntraced(function* <A, E, R>(payer: Payer, deletion: Effect.Effect<A, E, R>) {
  const transactions = yield* TransactionStore
  const customers = yield* CustomerStore
  const customer = yield* BillingBuilders.storedCustomer({ payer })
  const [isHeld, release] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
  const buying = yield* Effect.forkChild(
    transactions.run(
      Effect.gen(function* () {
        yield* customers.lock(customer.id)
        yield* Deferred.succeed(isHeld, undefined)
        yield* Deferred.await(release)
        yield* BillingBuilders.storedSubscription(customer)
      }),
    ),
  )
  yield* Deferred.await(isHeld)
  const deleting = yield* Effect.forkChild(Effect.flip(deletion))
  assert.isTrue(yield* isWaitingForLock(deleting))
  yield* Deferred.succeed(release, undefined)
  yield* Fiber.join(buying)
  return yield* Fiber.join(deleting)
})

const database = TestDatabase.layerPostgres(migrations)

withLayer(TestBilling.layerSql(database).pipe(Layer.provideMerge(database)))("Whoever deletes a payer", (it) => {
  it.effect("waits for what is bought in this moment, and is refused for that", () =>
    Effect.gen(function* () {
      const actor = yield* OrganizationBuilders.actor()
      const begin = OrganizationBuilders.storedOrganization({ owner: actor.user })
      const [one, other] = [(yield* begin).organization.id, (yield* begin).organization.id]
      const { id: teamId } = yield* OrganizationBuilders.storedTeam({ organizationId: other })
      const refusals = [
        yield* whileBuying(
          { _tag: "Organization", organizationId: one },
          Organizations.use((organizations) => organizations.remove(actor, one)),
        ),
        yield* whileBuying(
          { _tag: "Team", organizationId: other, teamId },
          Teams.use((teams) => teams.remove(actor, other, teamId)),
        ),
      ]
      assert.isTrue(refusals.every((refusal) => refusal instanceof DeletionRefused))
      const { user } = yield* OrganizationBuilders.actor()
      const refusal = yield* whileBuying(
        { _tag: "User", userId: user.id },
        Users.use((users) => users.remove(user.id)),
      )
      assert.instanceOf(refusal, UserDeletionRefused)
    }),
  )
})
