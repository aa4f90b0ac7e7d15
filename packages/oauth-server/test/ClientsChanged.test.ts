/**
 * What becomes of clients: changes, new secrets, removal; once for each who asks, and with an event for each.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import { Clients } from "@belfry/oauth-server/Clients"
import type { ClientMetadata } from "@belfry/oauth-server/OAuthClient"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  actions,
  AuditAway,
  create,
  events,
  layer,
  layerAuditAway,
  metadata,
  onFile,
  opens,
  outcome,
  signIn,
} from "./support/Management.ts"

describe("A change of a client", () => {
  /** Others come in between: what the host decides takes a while. */
  const yielding = layer({ hooks: { isTrusted: () => Effect.as(Effect.yieldNow, false) } })

  it.effect("leaves what it does not name, and takes an instant of its own", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor, { clientUri: "https://client.example.com" })
      const first = yield* Clients.use((clients) => clients.update(actor, client.id, { clientName: "Other" }))
      const second = yield* Clients.use((clients) => clients.update(actor, client.id, { clientUri: null }))
      assert.deepStrictEqual(first.metadata, { ...client.metadata, clientName: "Other" })
      assert.deepStrictEqual(second.metadata, { ...first.metadata, clientUri: null })
      assert.deepStrictEqual(yield* onFile(client.id), second)
      const instants = [client, first, second].map(({ updatedAt }) => updatedAt.epochMilliseconds)
      assert.strictEqual(new Set(instants).size, 3)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is refused where the whole would be no client any more", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const refused: ReadonlyArray<Partial<ClientMetadata>> = [
        { redirectUris: [] },
        { redirectUris: ["https://client.example.com/#fragment"] },
        { grantTypes: ["implicit"] },
        { scopes: ["unknown"] },
        { tokenEndpointAuthMethod: "none" },
        { tokenEndpointAuthMethod: "client_secret_post" },
      ]
      for (const patch of refused) {
        const error = yield* Effect.flip(Clients.use((clients) => clients.update(actor, client.id, patch)))
        assert.strictEqual(error._tag, "ClientMetadataInvalid", JSON.stringify(patch))
      }
      assert.deepStrictEqual(yield* onFile(client.id), client)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("loses nothing of others at the same time", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const patches: ReadonlyArray<Partial<ClientMetadata>> = [
        { clientName: "Other" },
        { clientUri: "https://client.example.com/" },
        { tosUri: "https://client.example.com/terms" },
        { contacts: ["ada@example.com"] },
        { defaultMaxAge: 60 },
      ]
      yield* Effect.forEach(patches, (patch) => Clients.use((clients) => clients.update(actor, client.id, patch)), {
        concurrency: "unbounded",
      })
      const kept = yield* onFile(client.id)
      assert.deepStrictEqual(kept?.metadata, Object.assign({}, client.metadata, ...patches))
    }).pipe(Effect.provide(yielding)),
  )

  it.effect("is either kept whole or refused as too much at once, by each of 100 fibers", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const answers = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, index) => String(index)),
        (clientName) => outcome(Clients.use((clients) => clients.update(actor, client.id, { clientName }))),
        { concurrency: "unbounded" },
      )
      const done = answers.filter((answer) => answer === "done")
      assert.isAtLeast(done.length, 1)
      assert.strictEqual(answers.filter((answer) => answer === "StoreError").length, 100 - done.length)
      const updates = (yield* events).filter(({ type }) => type === "oauth-client.updated")
      assert.strictEqual(updates.length, done.length)
      // In one instant each change takes a millisecond.
      const kept = (yield* onFile(client.id)) ?? assert.fail("gone")
      assert.strictEqual(kept.updatedAt.epochMilliseconds - client.updatedAt.epochMilliseconds, done.length)
    }).pipe(Effect.provide(yielding)),
  )

  it.effect("is told to the audit log, never with a secret", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor)
      yield* Clients.use((clients) => clients.update(actor, client.id, { clientName: "Other", contacts: [] }))
      const rotated = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      yield* Clients.use((clients) => clients.remove(actor, client.id))
      const written = yield* events
      assert.deepStrictEqual(
        written.map(({ type, userId, client: { ipAddress }, data }) => [type, userId, ipAddress, data["clientId"]]),
        ["created", "updated", "secret-rotated", "deleted"].map((what) => [
          `oauth-client.${what}`,
          actor.user.id,
          "192.0.2.7",
          client.id,
        ]),
      )
      assert.deepStrictEqual(written[1]?.data["fields"], ["clientName", "contacts"])
      const text = JSON.stringify(written)
      for (const each of [secret, rotated.secret]) assert.notInclude(text, Redacted.value(each ?? assert.fail("none")))
      for (const { hash } of rotated.client.secrets) assert.notInclude(text, hash)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("does not happen when the audit log cannot be written", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const away = yield* AuditAway
      yield* away.set(true)
      for (const action of ["update", "rotate", "delete"] as const) {
        assert.strictEqual(yield* outcome(actions[action](actor, client.id)), "StoreError")
        assert.deepStrictEqual(yield* onFile(client.id), client, action)
      }
      assert.strictEqual(yield* outcome(create(actor)), "StoreError")
      yield* away.set(false)
      const { clients } = yield* Clients.use((clients) => clients.list(actor))
      assert.deepStrictEqual(clients, [client])
    }).pipe(Effect.provide(layerAuditAway())),
  )

  it.effect("removes a client for one of 100 fibers", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const answers = yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => outcome(actions.delete(actor, client.id)),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(
        [answers.filter((answer) => answer === "done").length, new Set(answers)],
        [1, new Set(["done", "ClientNotFound"])],
      )
    }).pipe(Effect.provide(yielding)),
  )
})

describe("A new secret", () => {
  it.effect("holds at once, and the former one up to the instant at which the overlap ends", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor)
      const rotated = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      assert.notStrictEqual(
        Redacted.value(rotated.secret ?? assert.fail("no secret")),
        Redacted.value(secret ?? assert.fail("no secret")),
      )
      assert.deepStrictEqual([yield* opens(client.id, secret), yield* opens(client.id, rotated.secret)], [true, true])
      yield* TestClock.adjust(Duration.subtract(Duration.hours(1), Duration.millis(1)))
      assert.deepStrictEqual([yield* opens(client.id, secret), yield* opens(client.id, rotated.secret)], [true, true])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([yield* opens(client.id, secret), yield* opens(client.id, rotated.secret)], [false, true])
    }).pipe(Effect.provide(layer({ settings: { secretOverlap: Duration.hours(1) } }))),
  )

  it.effect("leaves the one before it, and none before that", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor)
      const second = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      const third = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      const held = yield* Effect.forEach([secret, second.secret, third.secret], (each) => opens(client.id, each))
      assert.deepStrictEqual(held, [false, true, true])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is the only one where there is no overlap", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client, secret } = yield* create(actor)
      const rotated = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      assert.deepStrictEqual([yield* opens(client.id, secret), yield* opens(client.id, rotated.secret)], [false, true])
      assert.strictEqual(rotated.client.secrets.length, 1)
    }).pipe(Effect.provide(layer({ settings: { secretOverlap: Duration.zero } }))),
  )

  it.effect("lasts as long as the one whose place it takes, to the instant", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const now = yield* DateTime.now
      const { client, secret } = yield* AdminClients.use((clients) =>
        clients.create({
          metadata,
          userId: actor.user.id,
          secretExpiresAt: DateTime.add(now, { minutes: 10 }),
          clientInfo: unknownClient,
        }),
      )
      yield* TestClock.adjust(Duration.minutes(9))
      const rotated = yield* Clients.use((clients) => clients.rotateSecret(actor, client.id))
      const hold = Effect.forEach([secret, rotated.secret], (each) => opens(client.id, each))
      // The overlap of seven days does not prolong the first.
      yield* TestClock.adjust(Duration.millis(59_999))
      assert.deepStrictEqual(yield* hold, [true, true])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* hold, [false, true])
      yield* TestClock.adjust(Duration.millis(9 * 60_000 - 1))
      assert.deepStrictEqual(yield* hold, [false, true])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* hold, [false, false])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("leaves two when 100 fibers ask for one", () =>
    Effect.gen(function* () {
      const { actor } = yield* signIn("maker")
      const { client } = yield* create(actor)
      const rotated = yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => Clients.use((clients) => clients.rotateSecret(actor, client.id)),
        { concurrency: "unbounded" },
      )
      const held = yield* Effect.forEach(rotated, ({ secret }) => opens(client.id, secret))
      assert.strictEqual(held.filter((isHeld) => isHeld).length, 2)
    }).pipe(Effect.provide(layer())),
  )
})
