/**
 * Stripe is told of new names and addresses, and of new users where the settings say so.
 */
import * as BillingSubscribers from "@belfry/billing/BillingSubscribers"
import * as StripeBillingProvider from "@belfry/billing/StripeBillingProvider"
import { AuthEvent } from "@belfry/core/AuthEvent"
import { AuthEvents } from "@belfry/core/AuthEvents"
import * as OutboxSubscribers from "@belfry/core/OutboxSubscribers"
import { Email, type User } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import { UserStore } from "@belfry/core/UserStore"
import { Organizations } from "@belfry/organization/Organizations"
import { Teams } from "@belfry/organization/Teams"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestBilling from "@belfry/testing/TestBilling"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Deferred, Effect, Layer } from "effect"

/** Who Stripe's customers are, by name and address. */
const customers = Effect.map(LocalStripe, (local) =>
  Object.values(local.objects().customers).map(({ email, name }) => [name, email]),
)

/** Does something, and waits until Stripe has changed or made a customer, which it is told of in the background. */
const untilTold = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const local = yield* LocalStripe
  const told = yield* Deferred.make<void>()
  local.killPoints((at, { method, path }) => {
    if (at === "after" && method === "POST" && path.startsWith("/v1/customers")) {
      Deferred.doneUnsafe(told, Effect.void)
    }
  })
  const done = yield* effect
  yield* Deferred.await(told)
  return done
})

const rename = (user: User, name: string) => Users.use((users) => users.update(user.id, { name }))

/** Somebody who is a customer. */
const payingUser = Effect.gen(function* () {
  const actor = yield* OrganizationBuilders.actor()
  yield* TestBilling.subscribe(actor, { plan: "storage" })
  return actor
})

describe("Stripe is told", () => {
  it.effect("of a user's new name and new address", () =>
    Effect.gen(function* () {
      const { user } = yield* payingUser
      yield* untilTold(rename(user, "Countess"))
      assert.deepStrictEqual(yield* customers, [["Countess", user.email]])
      const email = Email.make("countess@example.com")
      const now = yield* DateTime.now
      yield* UserStore.use((users) => users.update(user.id, { email }, now))
      const changed = { ...user, email }
      yield* untilTold(
        AuthEvents.use(({ publish }) => publish(AuthEvent.EmailChanged({ previous: user, user: changed }))),
      )
      assert.deepStrictEqual(yield* customers, [["Countess", email]])
    }).pipe(Effect.provide(TestBilling.layerMemory())),
  )

  it.effect("of an organization's and a team's new name, and of no other change", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const actor = yield* OrganizationBuilders.actor()
      const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: actor.user })
      const { id: teamId } = yield* OrganizationBuilders.storedTeam({ organizationId: organization.id })
      const at = { organization: organization.id }
      yield* TestBilling.subscribe(actor, { plan: "team", payer: { _tag: "Organization", ...at } })
      yield* TestBilling.subscribe(actor, { plan: "squad", payer: { _tag: "Team", ...at, teamId } })
      const update = (patch: Parameters<Organizations["Service"]["update"]>[2]) =>
        Organizations.use((organizations) => organizations.update(actor, organization.id, patch))
      yield* TestBilling.settle
      yield* update({ name: "Difference Engines" })
      yield* Teams.use((teams) => teams.update(actor, organization.id, teamId, { name: "Linkers" }))
      yield* TestBilling.settle
      const names = (yield* customers).map(([name]) => name).toSorted()
      assert.deepStrictEqual(names, ["Difference Engines", "Linkers"])
      const from = local.calls.length
      yield* update({ publicMetadata: { plan: "free" } })
      yield* TestBilling.settle
      assert.strictEqual(local.calls.length, from)
    }).pipe(Effect.provide(TestBilling.layerMemory())),
  )

  it.effect("of what comes after something that it could not be told of", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const { user } = yield* payingUser
      const failed = yield* Deferred.make<void>()
      let attempts = 0
      local.failing({
        rate: 1,
        seed: 1,
        kinds: ["before"],
        only: () => {
          attempts++
          // It is given up after three.
          if (attempts === 3) Deferred.doneUnsafe(failed, Effect.void)
          return true
        },
      })
      yield* rename(user, "Lost")
      yield* Deferred.await(failed)
      local.failing(undefined)
      const other = yield* payingUser
      yield* untilTold(rename(other.user, "Told"))
      assert.include(
        (yield* customers).map(([name]) => name),
        "Told",
      )
    }).pipe(Effect.provide(TestBilling.layerMemory())),
  )

  it.effect("of whoever signs up, where the settings say so, and else when they buy", () =>
    Effect.gen(function* () {
      const email = Email.make("ada@example.com")
      const create = Users.use((users) => users.create({ email, name: "Ada" }))
      const told = Effect.gen(function* () {
        yield* untilTold(create)
        assert.deepStrictEqual(yield* customers, [["Ada", email]])
      })
      yield* Effect.provide(told, TestBilling.layerMemory({ settings: { createsCustomerOnSignUp: true } }))
      const untold = Effect.gen(function* () {
        yield* create
        // What is told later is told in its order: had it been told of the one, it would know both now.
        const { user } = yield* payingUser
        assert.deepStrictEqual(yield* customers, [[user.name, user.email]])
      })
      yield* Effect.provide(untold, TestBilling.layerMemory())
    }),
  )

  it.effect("nothing where there is none; no seats are asked for then, and deleted organizations still are", () =>
    Effect.gen(function* () {
      const names = yield* OutboxSubscribers.OutboxSubscribers.use(({ list }) => list)
      assert.deepStrictEqual(
        names.map(({ name }) => name),
        ["billing-organizations"],
      )
    }).pipe(
      Effect.provide(
        Layer.fresh(BillingSubscribers.layer).pipe(
          Layer.provide(StripeBillingProvider.layerOff),
          Layer.provideMerge(Layer.fresh(OutboxSubscribers.layer)),
          Layer.provide(TestBilling.layerMemory()),
        ),
      ),
    ),
  )
})
