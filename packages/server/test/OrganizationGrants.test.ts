import { Audit } from "@belfry/core/Audit"
import * as Outbox from "@belfry/core/Outbox"
import * as OutboxDeliveries from "@belfry/core/OutboxDeliveries"
import { OutboxStore } from "@belfry/core/OutboxStore"
import type { UserId } from "@belfry/core/User"
import type { Grant } from "@belfry/oauth-server/Grant"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import { aggregateOf, type OrganizationId } from "@belfry/organization/Organization"
import { TrustedOrganizations } from "@belfry/organization/TrustedOrganizations"
import * as OrganizationGrants from "@belfry/server/OrganizationGrants"
import * as Server from "@belfry/server/Server"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as OrganizationBuilders from "@belfry/testing/OrganizationBuilders"
import * as TestCrypto from "@belfry/testing/TestCrypto"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestServices from "@belfry/testing/TestServices"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Layer, Logger, Option } from "effect"
import { TestClock } from "effect/testing"
import * as TestServer from "./support/TestServer.ts"

const layer = Layer.merge(OrganizationGrants.layer, OutboxDeliveries.layer()).pipe(
  Layer.provideMerge(Layer.merge(TestServices.layerOAuthServer, TestServices.layerOrganization)),
  Layer.provideMerge(TestServices.layerMemory),
)

const deliver = OutboxDeliveries.OutboxDeliveries.use((deliveries) => deliveries.deliver)

/** Two members of an organization, with grants for it, for another one and for none. */
const make = Effect.gen(function* () {
  const { organization, owner } = yield* OrganizationBuilders.storedOrganization()
  const { organization: other } = yield* OrganizationBuilders.storedOrganization()
  const { user } = yield* OrganizationBuilders.storedMember(organization.id)
  yield* OrganizationBuilders.storedMember(other.id, { user })
  const grantOf = (userId: UserId, referenceId: string | null) =>
    Effect.map(OAuthBuilders.storedGrant({ userId, referenceId }), ({ grant }) => grant)
  return {
    organization,
    owner,
    user,
    mine: yield* grantOf(user.id, organization.id),
    theirs: yield* grantOf(owner.id, organization.id),
    others: [yield* grantOf(user.id, other.id), yield* grantOf(user.id, null)],
  }
})

const isRevoked = ({ id, userId }: Grant) =>
  Effect.map(
    GrantStore.use((grants) => grants.findByUser(userId, id)),
    (grant) => Option.exists(grant, ({ revokedAt }) => revokedAt !== null),
  )

const clientOf = (referenceId: OrganizationId | null) =>
  Effect.map(OAuthBuilders.storedClient({ referenceId }), ({ id }) => id)

describe("Grants of organizations", () => {
  it.effect("end with the membership they were given in, and no others do", () =>
    Effect.gen(function* () {
      const { mine, organization, others, theirs, user } = yield* make
      const organizations = yield* TrustedOrganizations
      yield* organizations.removeMember(organization.id, { _tag: "User", userId: user.id })
      assert.isFalse(yield* isRevoked(mine))
      assert.isAbove(yield* deliver, 0)
      assert.isTrue(yield* isRevoked(mine))
      for (const grant of [theirs, ...others]) assert.isFalse(yield* isRevoked(grant))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("all end when the organization is deleted; its clients go when it is gone for good", () =>
    Effect.gen(function* () {
      const { mine, organization, others, theirs } = yield* make
      const organizations = yield* TrustedOrganizations
      const clients = yield* AdminClients
      yield* Effect.replicateEffect(clientOf(organization.id), 101)
      const kept = [yield* clientOf(yield* OrganizationBuilders.organizationId), yield* clientOf(null)]
      const ofOrganization = Effect.map(clients.list({ referenceId: organization.id }), (page) => page.clients.length)
      yield* organizations.remove(organization.id)
      yield* deliver
      for (const grant of [mine, theirs]) assert.isTrue(yield* isRevoked(grant))
      for (const grant of others) assert.isFalse(yield* isRevoked(grant))
      const events = yield* Audit.use((audit) =>
        audit.list({ aggregate: aggregateOf(organization.id), type: "oauth-grant." }),
      )
      assert.deepStrictEqual(
        events.map(({ data, type }) => [type, data]),
        [["oauth-grant.revoked", { organizationId: organization.id, grants: 2 }]],
      )
      assert.strictEqual(yield* ofOrganization, 50)
      yield* TestClock.adjust("30 days")
      assert.strictEqual(yield* organizations.purge, 1)
      yield* deliver
      assert.strictEqual(yield* ofOrganization, 0)
      for (const id of kept) assert.strictEqual((yield* clients.get(id)).id, id)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("all end when the organization is purged at once", () =>
    Effect.gen(function* () {
      const { mine, organization, others, theirs } = yield* make
      yield* TrustedOrganizations.use((organizations) => organizations.remove(organization.id, { purges: true }))
      yield* deliver
      for (const grant of [mine, theirs]) assert.isTrue(yield* isRevoked(grant))
      for (const grant of others) assert.isFalse(yield* isRevoked(grant))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("come to no harm by an event that is delivered again, nor by one of another kind", () =>
    Effect.gen(function* () {
      const { organization, others, user } = yield* make
      const outbox = yield* Outbox.Outbox
      const store = yield* OutboxStore
      yield* TrustedOrganizations.use((organizations) =>
        organizations.removeMember(organization.id, { _tag: "User", userId: user.id }),
      )
      yield* deliver
      const trail = Effect.map(
        Audit.use((audit) => audit.list({ userId: user.id, type: "oauth-grant." })),
        (events) => events.length,
      )
      assert.strictEqual(yield* trail, 1)
      yield* outbox.append(aggregateOf(organization.id), [
        {
          type: "organization.MemberRemoved",
          payload: {
            _tag: "MemberRemoved",
            organizationId: organization.id,
            actorId: null,
            memberId: yield* OrganizationBuilders.memberId,
            userId: user.id,
            reason: "left",
          },
        },
        { type: "organization.Unknown", payload: null },
      ])
      yield* deliver
      assert.isNull(yield* store.waitsSince)
      assert.strictEqual(yield* trail, 1)
      for (const grant of others) assert.isFalse(yield* isRevoked(grant))
    }).pipe(Effect.provide(layer)),
  )

  it.effect("wait for an event that could not be read", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox.Outbox
      const store = yield* OutboxStore
      yield* outbox.append("organization:x", [{ type: "organization.MemberRemoved", payload: { _tag: "x" } }])
      assert.strictEqual(yield* deliver, 0)
      assert.isNotNull(yield* store.waitsSince)
    }).pipe(Effect.provide(layer), Effect.provide(Logger.layer([]))),
  )
})

describe("The server", () => {
  it.live("delivers by itself what happens in organizations", () =>
    Effect.gen(function* () {
      const { mine, organization, others } = yield* make
      const outbox = yield* OutboxStore
      yield* TrustedOrganizations.use((organizations) => organizations.remove(organization.id))
      while ((yield* outbox.waitsSince) !== null) yield* Effect.sleep("10 millis")
      assert.isTrue(yield* isRevoked(mine))
      for (const grant of others) assert.isFalse(yield* isRevoked(grant))
    }).pipe(
      Effect.provide(
        Server.layerDeliveries.pipe(
          Layer.provideMerge(Server.layerServices),
          Layer.provideMerge(TestDatabase.layerPglite(Server.migrations)),
          Layer.provide([TestCrypto.layer, NodeServices.layer, TestServer.layerEnvironment({})]),
          Layer.provide(Layer.succeed(Console.Console)({ ...globalThis.console, log: () => {} })),
        ),
      ),
    ),
  )
})
