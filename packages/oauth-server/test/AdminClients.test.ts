/**
 * Clients, managed by code that is trusted.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import type { ClientPage } from "@belfry/oauth-server/Clients"
import { ClientId, type OAuthClient } from "@belfry/oauth-server/OAuthClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { actions, events, everyAction, layer, metadata, onFile, opens, outcome, signIn } from "./support/Management.ts"

const idsOf = ({ clients, cursor }: ClientPage) => ({ ids: clients.map(({ id }) => id), cursor })

describe("A client of the host's own", () => {
  const id = ClientId.make("host-app")
  const trusted = [
    ["configuration", layer({ settings: { trustedClients: new Set([id]) } })],
    ["hook", layer({ hooks: { isTrusted: (clientId) => Effect.succeed(clientId === id) } })],
  ] as const

  for (const [way, services] of trusted) {
    it.effect(`that is trusted by ${way} can be read by its owner, and changed by trusted code alone`, () =>
      Effect.gen(function* () {
        const { actor } = yield* signIn("maker")
        const clients = yield* AdminClients
        const { client } = yield* clients.create({ metadata, id, userId: actor.user.id, clientInfo: unknownClient })
        assert.deepStrictEqual(yield* actions.read(actor, id), client)
        for (const action of ["update", "rotate", "delete"] as const) {
          assert.strictEqual(yield* outcome(actions[action](actor, id)), "trusted", action)
        }
        assert.deepStrictEqual(yield* onFile(id), client)
        const stranger = yield* signIn("stranger")
        for (const action of everyAction) {
          assert.strictEqual(yield* outcome(actions[action](stranger.actor, id)), "ClientNotFound", action)
        }
        yield* clients.update(id, { metadata: { clientName: "Ours" } }, unknownClient)
        yield* clients.rotateSecret(id, unknownClient)
        yield* clients.remove(id, unknownClient)
        assert.isNull(yield* onFile(id))
      }).pipe(Effect.provide(services)),
    )
  }

  it.effect("keeps the id and the secret that it has elsewhere, and takes nobody else's id", () =>
    Effect.gen(function* () {
      const clients = yield* AdminClients
      const secret = Redacted.make("s3cret-from-another-server")
      const made = yield* clients.create({
        metadata,
        privileges: { skipConsent: true },
        id,
        secret,
        referenceId: "acme",
        clientInfo: unknownClient,
      })
      assert.strictEqual(made.client.id, id)
      assert.deepInclude(made.client.privileges, { skipConsent: true, requirePkce: true })
      assert.isTrue(yield* opens(id, secret))
      const second = yield* Effect.flip(clients.create({ metadata, id, clientInfo: unknownClient }))
      assert.deepInclude(second, { _tag: "ClientMetadataInvalid", member: "client_id" })
      assert.deepStrictEqual(yield* onFile(id), made.client)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is listed with those of everybody, page by page to the end", () =>
    Effect.gen(function* () {
      const clients = yield* AdminClients
      const { actor } = yield* signIn("maker")
      const made: Array<ClientId> = []
      for (let index = 0; index < 5; index++) {
        const userId = index % 2 === 0 ? actor.user.id : null
        const { client } = yield* clients.create({ metadata, userId, clientInfo: unknownClient })
        made.unshift(client.id)
        yield* TestClock.adjust(1)
      }
      assert.deepStrictEqual(idsOf(yield* clients.list()), { ids: made, cursor: null })
      for (const limit of [1, 2, 5]) {
        const found: Array<ClientId> = []
        let page = yield* clients.list({ limit })
        while (page.cursor !== null) {
          assert.lengthOf(page.clients, limit)
          found.push(...idsOf(page).ids)
          page = yield* clients.list({ limit, cursor: page.cursor })
        }
        assert.isNotEmpty(page.clients)
        assert.deepStrictEqual([...found, ...idsOf(page).ids], made)
      }
      assert.deepStrictEqual(yield* clients.list({ cursor: "x" }), { clients: [], cursor: null })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is listed with those of its reference, page by page", () =>
    Effect.gen(function* () {
      const clients = yield* AdminClients
      const made: Array<ClientId> = []
      for (const referenceId of ["one", "other", "one", null, "one"]) {
        const { client } = yield* clients.create({ metadata, referenceId, clientInfo: unknownClient })
        if (referenceId === "one") made.unshift(client.id)
        yield* TestClock.adjust(1)
      }
      const first = yield* clients.list({ referenceId: "one", limit: 2 })
      const second = yield* clients.list({ referenceId: "one", limit: 2, cursor: first.cursor ?? "x" })
      assert.deepStrictEqual([...idsOf(first).ids, ...idsOf(second).ids], made)
      assert.isNull(second.cursor)
      assert.deepStrictEqual((yield* clients.list({ referenceId: "none" })).clients, [])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is changed in what only the host decides, and in nothing else by that", () =>
    Effect.gen(function* () {
      const clients = yield* AdminClients
      const { client } = yield* clients.create({ metadata, clientInfo: unknownClient })
      const updated = yield* clients.update(
        client.id,
        { privileges: { requirePkce: false, metadata: { tier: "gold" } }, isDisabled: true },
        unknownClient,
      )
      const expected: OAuthClient = {
        ...client,
        privileges: { ...client.privileges, requirePkce: false, metadata: { tier: "gold" } },
        isDisabled: true,
        updatedAt: updated.updatedAt,
      }
      assert.deepStrictEqual(yield* onFile(client.id), expected)
      const [, event] = yield* events
      assert.deepStrictEqual(event?.data, {
        clientId: client.id,
        fields: ["requirePkce", "metadata", "isDisabled"],
      })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is not found where there is none", () =>
    Effect.gen(function* () {
      const clients = yield* AdminClients
      assert.deepStrictEqual(
        [
          yield* outcome(clients.get(id)),
          yield* outcome(clients.update(id, {}, unknownClient)),
          yield* outcome(clients.rotateSecret(id, unknownClient)),
          yield* outcome(clients.remove(id, unknownClient)),
        ],
        Array(4).fill("ClientNotFound"),
      )
    }).pipe(Effect.provide(layer())),
  )
})
