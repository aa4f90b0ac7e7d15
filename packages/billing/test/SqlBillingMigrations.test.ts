/**
 * What the schema refuses, whatever the code does.
 */
import * as SqlFailure from "@belfry/sql/SqlFailure"
import * as BillingBuilders from "@belfry/testing/BillingBuilders"
import * as Builders from "@belfry/testing/Builders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"
import { databases } from "./support/BillingStores.ts"

/** The constraint that refused a statement. */
const refused = <A, R>(statement: Effect.Effect<A, SqlError, R>) =>
  Effect.map(Effect.flip(statement), (error) => SqlFailure.constraint(error))

/** A customer with one of everything, and another one. */
const begin = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const customer = yield* BillingBuilders.storedCustomer()
  const other = yield* BillingBuilders.storedCustomer()
  const subscription = yield* BillingBuilders.storedSubscription(customer)
  const operation = yield* BillingBuilders.storedOperation({ customerId: customer.id, subscriptionId: subscription.id })
  return { sql, customer, other, subscription, operation }
})

for (const { name, layer } of databases) {
  withLayer(layer)(`The tables of billing (${name})`, (it) => {
    it.effect("hold a payer as one customer, of its own kind, and a customer of the provider once", () =>
      Effect.gen(function* () {
        const { sql, customer, other } = yield* begin
        const { organization } = yield* OrganizationBuilders.storedOrganization()
        const set = (column: string, value: string | null) =>
          sql`UPDATE belfry_billing_customers SET ${sql(column)} = ${value} WHERE id = ${other.id}`
        const userId = customer.payer._tag === "User" ? customer.payer.userId : assert.fail()
        assert.strictEqual(yield* refused(set("user_id", userId)), "belfry_billing_customers_user_id_key")
        assert.strictEqual(
          yield* refused(set("provider_id", customer.providerId)),
          "belfry_billing_customers_provider_id_key",
        )
        assert.strictEqual(yield* refused(set("organization_id", organization.id)), "belfry_billing_customers_payer")
        assert.strictEqual(yield* refused(set("payer_kind", "team")), "belfry_billing_customers_payer")
        assert.strictEqual(
          yield* refused(
            sql`UPDATE belfry_billing_customers SET payer_kind = 'nobody', user_id = NULL WHERE id = ${other.id}`,
          ),
          "belfry_billing_customers_payer_kind",
        )
        const stranger = yield* Builders.user()
        assert.strictEqual(yield* refused(set("user_id", stranger.id)), "belfry_billing_customers_user_id_fkey")
      }),
    )

    it.effect("keep a customer that has subscriptions, and hold a subscription once", () =>
      Effect.gen(function* () {
        const { sql, customer, other, subscription } = yield* begin
        assert.strictEqual(
          yield* refused(sql`DELETE FROM belfry_billing_customers WHERE id = ${customer.id}`),
          "belfry_billing_subscriptions_customer_id_fkey",
        )
        const second = yield* BillingBuilders.storedSubscription(other)
        const change = (assignment: Fragment) =>
          refused(sql`UPDATE belfry_billing_subscriptions SET ${assignment} WHERE id = ${second.id}`)
        assert.strictEqual(
          yield* change(sql`provider_id = ${subscription.providerId}`),
          "belfry_billing_subscriptions_provider_id_key",
        )
        assert.strictEqual(yield* change(sql`status = 'lost'`), "belfry_billing_subscriptions_status")
        assert.strictEqual(yield* change(sql`wants = 'more'`), "belfry_billing_subscriptions_wants")
        assert.strictEqual(yield* change(sql`leased_until = created_at`), "belfry_billing_subscriptions_lease")
      }),
    )

    it.effect("hold one open checkout of a customer and group, and closed ones with the time of it", () =>
      Effect.gen(function* () {
        const { sql, customer, operation } = yield* begin
        const seats = { request: { _tag: "Seats", quantity: 1 } } as const
        const second = yield* BillingBuilders.storedOperation({ customerId: customer.id, ...seats })
        const change = (assignment: Fragment) =>
          sql`UPDATE belfry_billing_operations SET ${assignment} WHERE id = ${second.id}`
        const open = change(sql`kind = 'Checkout'`)
        assert.strictEqual(yield* refused(open), "belfry_billing_operations_open_key")
        assert.strictEqual(yield* refused(change(sql`status = 'done'`)), "belfry_billing_operations_closed")
        assert.strictEqual(yield* refused(change(sql`closed_at = created_at`)), "belfry_billing_operations_closed")
        assert.strictEqual(
          yield* refused(change(sql`status = 'lost', closed_at = created_at`)),
          "belfry_billing_operations_status",
        )
        yield* sql`UPDATE belfry_billing_operations SET status = 'done', closed_at = created_at WHERE id = ${operation.id}`
        yield* open
      }),
    )

    it.effect("hold events that are due while they wait and at no other time", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const keep = (status: string, due: Date | null, done: Date | null) =>
          sql`INSERT INTO belfry_billing_events
              (id, type, is_live, occurred_at, object_type, status, received_at, due_at, done_at)
            VALUES (${`evt_${status}`}, 'test', false, ${at}, 'test', ${status}, ${at}, ${due}, ${done})`
        const at = new Date(0)
        assert.strictEqual(yield* refused(keep("waiting", null, null)), "belfry_billing_events_due")
        assert.strictEqual(yield* refused(keep("parked", at, null)), "belfry_billing_events_due")
        assert.strictEqual(yield* refused(keep("done", null, null)), "belfry_billing_events_done")
        assert.strictEqual(yield* refused(keep("parked", null, at)), "belfry_billing_events_done")
        assert.strictEqual(yield* refused(keep("lost", null, null)), "belfry_billing_events_status")
      }),
    )

    it.effect("hold what is granted to one payer", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { id: userId } = yield* Builders.storedUser()
        const { organization } = yield* OrganizationBuilders.storedOrganization()
        const keep = (user: string | null, organizationId: string | null) =>
          sql`INSERT INTO belfry_billing_overrides (id, user_id, organization_id, features, limits, updated_at)
            VALUES (${organization.id}, ${user}, ${organizationId}, '{}', '{}', ${new Date(0)})`
        assert.strictEqual(yield* refused(keep(null, null)), "belfry_billing_overrides_payer")
        assert.strictEqual(yield* refused(keep(userId, organization.id)), "belfry_billing_overrides_payer")
        yield* keep(userId, null)
      }),
    )
  })
}
