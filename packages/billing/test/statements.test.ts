/**
 * What requests cost, in statements beside the one that finds their session.
 */
import type { PayerRef } from "@belfry/billing/Payer"
import { Entitlements } from "@belfry/billing/Entitlements"
import { WebhookInbox } from "@belfry/billing/WebhookInbox"
import { unknownClient } from "@belfry/core/AuditEvent"
import * as OutboxDeliveries from "@belfry/core/OutboxDeliveries"
import { RoleName } from "@belfry/organization/Role"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import { LocalStripe } from "@belfry/testing/LocalStripe"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import { statementsOf } from "@belfry/testing/StatementCounter"
import * as TestBilling from "@belfry/testing/TestBilling"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, type Redacted, type Schema } from "effect"
import { migrations } from "./support/BillingStores.ts"
import { serve, signIn } from "./support/HostServer.ts"

const roles = [RoleName.make("member")] as const

/** The statements of a request, which is answered with this status. */
const costOf = (token: Redacted.Redacted, status: number, method: string, path: string, json?: Schema.Json) =>
  statementsOf(
    Effect.gen(function* () {
      const as = yield* serve
      const response = yield* as(token)(method, `/auth/billing${path}`, json)
      assert.strictEqual(response.status, status, response.text)
    }),
  )

/** Somebody who pays for themselves, for an organization and for its team. */
const begin = Effect.gen(function* () {
  const { actor, token, user } = yield* signIn()
  const { organization } = yield* OrganizationBuilders.storedOrganization({ owner: user })
  const at = organization.id
  const { id: teamId } = yield* OrganizationBuilders.storedTeam({ organizationId: at })
  const subscribe = (plan: string, payer: PayerRef) => TestBilling.subscribe(actor, { plan, payer })
  yield* subscribe("pro", { _tag: "Self" })
  yield* subscribe("team", { _tag: "Organization", organization: at })
  yield* subscribe("squad", { _tag: "Team", organization: at, teamId })
  yield* TestBilling.settle
  return {
    actor,
    at,
    payers: { me: "me", organization: `organization:${at}`, team: `team:${at}/${teamId}` },
    costOf: (status: number, method: string, path: string, json?: Schema.Json) =>
      costOf(token, status, method, path, json),
  }
})

withLayer(TestBilling.layerSql(TestDatabase.layerPglite(migrations)))("What a request of billing costs", (it) => {
  it.effect("one statement to list or to find subscriptions, and one more for who may, but of oneself", () =>
    Effect.gen(function* () {
      const { costOf, payers } = yield* begin
      const missing = "00000000-0000-7000-8000-000000000001"
      for (const [kind, payer] of Object.entries(payers)) {
        const access = kind === "me" ? [] : ["SELECT membership"]
        const reads = [...access, "SELECT billing_customers"]
        assert.deepStrictEqual(yield* costOf(200, "GET", `/subscriptions?payer=${payer}`), reads, kind)
        assert.deepStrictEqual(yield* costOf(404, "GET", `/subscriptions/${missing}?payer=${payer}`), reads, kind)
      }
    }),
  )

  it.effect("one statement to say what a payer may use, and one more for who may, but of oneself", () =>
    Effect.gen(function* () {
      const { actor, costOf, payers } = yield* begin
      const asking = Entitlements.use(({ require }) =>
        require({ _tag: "User", userId: actor.user.id }, TestBilling.definition.feature("export")),
      )
      const ofPayer = yield* statementsOf(asking)
      assert.strictEqual(ofPayer.length, 1)
      for (const [kind, payer] of Object.entries(payers)) {
        const access = kind === "me" ? [] : ["SELECT membership"]
        const cost = yield* costOf(200, "GET", `/entitlements?payer=${payer}`)
        assert.deepStrictEqual(cost, [...access, ...ofPayer], kind)
      }
    }),
  )

  it.effect("one statement for whoever names the payer of others", () =>
    Effect.gen(function* () {
      const [{ costOf }, other] = [yield* begin, yield* begin]
      for (const payer of [other.payers.organization, other.payers.team]) {
        for (const [method, path, json] of [
          ["GET", `/subscriptions?payer=${payer}`, undefined],
          ["POST", "/upgrade", { plan: "storage", payer }],
          ["POST", "/cancel", { payer }],
          ["POST", "/portal", { payer }],
        ] as const) {
          assert.deepStrictEqual(yield* costOf(404, method, path, json), ["SELECT membership"], path)
        }
      }
    }),
  )

  it.effect("20 statements at most for the first upgrade of a payer", () =>
    Effect.gen(function* () {
      const { token } = yield* signIn()
      const upgrade = costOf(token, 200, "POST", "/upgrade", { plan: "pro" })
      const cost = yield* upgrade
      assert.isAtMost(cost.length, 20, cost.join(", "))
      const again = yield* upgrade
      assert.isAbove(again.length, 2, again.join(", "))
      assert.isBelow(again.length, cost.length, again.join(", "))
    }),
  )

  it.effect("12 statements at most for a webhook of a change", () =>
    Effect.gen(function* () {
      const local = yield* LocalStripe
      const inbox = yield* WebhookInbox
      yield* begin
      const before = local.events.length
      yield* local.advance("32 days")
      const renewal = local.events.slice(before).find(({ type }) => type === "customer.subscription.updated")
      let sent: Parameters<typeof inbox.receive>[0] | undefined
      local.deliveries.to(({ body, signature }) => {
        sent = { body: new TextEncoder().encode(body), signature, client: unknownClient }
        return Promise.resolve(200)
      })
      yield* local.deliveries.send(renewal?.id ?? assert.fail("nothing was renewed"))
      const cost = yield* statementsOf(inbox.receive(sent ?? assert.fail("nothing came")))
      assert.isAtMost(cost.length, 12, cost.join(", "))
      for (const told of ["INSERT audit_events", "APPEND events"]) assert.include(cost, told)
    }),
  )

  it.effect("one statement to have seats counted of whoever comes", () =>
    Effect.gen(function* () {
      const { at } = yield* begin
      const { user } = yield* OrganizationBuilders.actor()
      yield* TrustedOrganizations.use((trusted) => trusted.addMember(at, { userId: user.id, roles }))
      const cost = yield* statementsOf(OutboxDeliveries.OutboxDeliveries.use(({ deliverAll }) => deliverAll))
      const ofBilling = cost.filter((statement) => statement.includes("billing"))
      assert.deepStrictEqual(ofBilling, ["UPDATE billing_subscriptions"])
    }),
  )
})
