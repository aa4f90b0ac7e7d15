/**
 * How PostgreSQL carries out the statements of grants, consents and clients: by indexes, so that they cost the same in
 * large tables.
 */
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import * as SqlStores from "@belfry/core/SqlStores"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as SqlOAuthServerStores from "@belfry/oauth-server/SqlOAuthServerStores"
import * as GrantFixtures from "@belfry/testing/GrantFixtures"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { genericPlanOf, textsOf } from "@belfry/testing/StatementPlans"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { fillTables } from "./support/Plans.ts"

const database = TestDatabase.layerPostgres([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations])

withLayer(Layer.provideMerge(Layer.merge(SqlOAuthServerStores.layer, SqlStores.layer), database))(
  "Statements of grants, consents and lists of clients in PostgreSQL",
  (it) => {
    it.effect(
      "are one each, two for what is rotated already, four for the sweep, and find their rows by an index",
      () =>
        Effect.gen(function* () {
          yield* fillTables(2000)
          const [grants, consents, clients] = [yield* GrantStore, yield* ConsentStore, yield* ClientStore]
          const { grant } = yield* OAuthBuilders.storedGrant()
          const held = yield* GrantFixtures.redeemed()
          const { clientId, createdAt: now, userId } = grant
          const rotation = yield* GrantFixtures.rotationOf(held.refreshToken, held.grant)
          const another = yield* GrantFixtures.redeemed()
          const withJwt = yield* GrantFixtures.rotationOf(another.refreshToken, another.grant)
          const redemption = yield* GrantFixtures.redemptionOf(grant)
          const consent = yield* consents.merge(yield* OAuthBuilders.consent({ clientId, userId }))
          const calls = {
            redeem: grants.redeem(redemption),
            "redeem without tokens": grants.redeem({ ...redemption, refreshToken: null, accessToken: null }),
            rotate: grants.rotate(rotation),
            "rotate with a JWT": grants.rotate({ ...withJwt, accessToken: null }),
            "rotate again": grants.rotate(rotation),
            revoke: grants.revoke(grant.id, now),
            revokeByUser: grants.revokeByUser({ userId, now }),
            "revokeByUser, narrowed": grants.revokeByUser({
              userId,
              clientId,
              referenceId: null,
              beyond: ["openid"],
              now,
            }),
            revokeByReference: grants.revokeByReference("organization", now),
            removeAccessToken: grants.removeAccessToken([held.accessToken.hash], clientId),
            listByUser: grants.listByUser(userId, now),
            findByUser: grants.findByUser(userId, grant.id),
            sweep: grants.removeExpired(now, 100),
            "consents.find": consents.find(userId, consent.id),
            "consents.listByUser": consents.listByUser(userId, null),
            "consents.narrow": consents.narrow(userId, consent.id, [], now),
            "consents.remove": consents.remove(userId, consent.id),
            "clients.list": clients.list({ userId, limit: 50 }),
            "clients.listAll": clients.listAll({ limit: 50 }),
            "clients.listAll, further on": clients.listAll({ before: { createdAt: now, id: clientId }, limit: 50 }),
          }
          // What is not rotated beside others is tried alone.
          const counts = new Map([
            ["sweep", 4],
            ["rotate again", 2],
          ])
          for (const [name, call] of Object.entries<Effect.Effect<unknown, unknown>>(calls)) {
            const texts = yield* textsOf(call)
            assert.strictEqual(texts.length, counts.get(name) ?? 1, name)
            for (const text of texts) {
              const plan = yield* genericPlanOf(text)
              assert.notInclude(plan, "Seq Scan", `${name}\n${plan}`)
              assert.match(plan, /Index (?:Only )?Scan/u, name)
              // A page of all clients is the beginning of a walk, however many there are.
              if (name.startsWith("clients.listAll")) assert.notInclude(plan, "Sort", plan)
            }
          }
        }),
    )
  },
)
