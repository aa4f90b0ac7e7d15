/**
 * Contract suite of {@link ClientStore}.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserId } from "@belfry/core/User"
import { UserStore } from "@belfry/core/UserStore"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import type { GrantStore } from "@belfry/oauth-server/GrantStore"
import { ClientId, type OAuthClient } from "@belfry/oauth-server/OAuthClient"
import { assert, layer as withLayer } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Builders from "./Builders.ts"
import * as OAuthBuilders from "./OAuthBuilders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(
  name: string,
  layer: Layer.Layer<ClientStore | ConsentStore | GrantStore | TransactionStore | UserStore, E>,
): void =>
  withLayer(layer)(`ClientStore (${name})`, (it) => {
    it.effect("returns a client as it was inserted", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const user = yield* Builders.storedUser()
        const built = [
          yield* OAuthBuilders.storedClient(),
          yield* OAuthBuilders.storedClient({
            userId: user.id,
            referenceId: "organization-1",
            isDisabled: true,
            isDynamic: true,
            documentUntil: DateTime.makeUnsafe(1_800_000_000_456),
            createdAt: DateTime.makeUnsafe(1_700_000_000_123),
            secrets: [
              yield* OAuthBuilders.clientSecret({ sealed: yield* Builders.sealed, expiresAt: 1_800_000_000_123 }),
              yield* OAuthBuilders.clientSecret(),
            ],
            metadata: {
              clientName: "🦉 \"'\\ $1",
              localized: { "client_name#fr": "Machine analytique" },
              jwks: { keys: [{ kty: "EC", crv: "P-256", x: "eA", y: "eQ", kid: null }] },
              defaultMaxAge: 0,
            },
            privileges: { skipConsent: true, resources: ["urn:a"], metadata: { notes: [1, { a: null }] } },
          }),
          yield* OAuthBuilders.storedClient({ secrets: [] }),
        ]
        for (const client of built) assert.deepStrictEqual(yield* clients.find(client.id), Option.some(client))
      }),
    )

    it.effect("keeps the first of an id, and tells ids apart byte for byte", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const client = yield* OAuthBuilders.storedClient()
        const second = yield* OAuthBuilders.client({ id: client.id })
        assert.isFalse(yield* clients.insert(second))
        assert.deepStrictEqual(yield* clients.find(client.id), Option.some(client))
        assert.deepStrictEqual(yield* clients.find(ClientId.make(client.id.toUpperCase())), Option.none())
      }),
    )

    it.effect("keeps one of 100 that are inserted at once", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const client = yield* OAuthBuilders.client()
        const answers = yield* inFibers((index) => clients.insert({ ...client, referenceId: String(index) }))
        assert.strictEqual(answers.filter((isKept) => isKept).length, 1)
      }),
    )

    it.effect("refuses the client of a user who does not exist, and one of three secrets", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const secret = yield* OAuthBuilders.clientSecret()
        const refused = [
          yield* OAuthBuilders.client({ userId: UserId.make(yield* random.uuidV7()) }),
          yield* OAuthBuilders.client({ secrets: [secret, secret, secret] }),
        ]
        for (const client of refused) {
          const error = yield* Effect.flip(clients.insert(client))
          assert.deepStrictEqual(
            [error._tag, error.store, error.method, error.isRetryable],
            ["StoreError", "ClientStore", "insert", false],
          )
        }
      }),
    )

    it.effect("lists the clients of a user, of a reference, or of either, newest first", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const [user, other] = [yield* Builders.storedUser(), yield* Builders.storedUser()]
        const now = yield* DateTime.now
        const [referenceId, foreign] = [yield* random.uuidV7(), yield* random.uuidV7()]
        const add = (fields: Partial<Pick<OAuthClient, "userId" | "referenceId">>, milliseconds: number) =>
          OAuthBuilders.storedClient({ ...fields, createdAt: DateTime.add(now, { milliseconds }) })
        const own = yield* add({ userId: user.id }, 1)
        const both = yield* add({ userId: user.id, referenceId }, 3)
        const shared = yield* add({ userId: other.id, referenceId }, 2)
        const host = yield* add({ referenceId }, 4)
        const abroad = yield* add({ userId: user.id, referenceId: foreign }, 5)
        yield* add({ userId: other.id }, 6)
        yield* add({}, 7)
        const ids = (options: Parameters<(typeof clients)["list"]>[0]) =>
          Effect.map(clients.list(options), (found) => found.map(({ id }) => id))
        assert.deepStrictEqual(yield* ids({ userId: user.id, limit: 10 }), [abroad.id, both.id, own.id])
        assert.deepStrictEqual(yield* ids({ referenceId, limit: 10 }), [host.id, both.id, shared.id])
        assert.deepStrictEqual(
          yield* ids({ userId: user.id, referenceId, limit: 10 }),
          [abroad, host, both, shared, own].map(({ id }) => id),
        )
        assert.deepStrictEqual(yield* ids({ limit: 10 }), [])
        assert.deepStrictEqual(yield* clients.list({ referenceId, limit: 1 }), [host])
      }),
    )

    it.effect("goes on after a client, also among those of one instant", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const user = yield* Builders.storedUser()
        const referenceId = yield* random.uuidV7()
        const now = yield* DateTime.now
        const built = yield* Effect.forEach([0, 1, 1, 1, 2, 2], (milliseconds, index) =>
          OAuthBuilders.storedClient({
            ...(index % 2 === 0 ? { userId: user.id } : { referenceId }),
            createdAt: DateTime.add(now, { milliseconds }),
          }),
        )
        const expected = built
          .toSorted((a, b) => (a.id < b.id ? 1 : -1))
          .toSorted((a, b) => b.createdAt.epochMilliseconds - a.createdAt.epochMilliseconds)
        for (const limit of [1, 2, 4, 6, 7]) {
          const found: Array<OAuthClient> = []
          let page: ReadonlyArray<OAuthClient>
          do {
            page = yield* clients.list({ userId: user.id, referenceId, before: found.at(-1), limit })
            assert.isAtMost(page.length, limit)
            found.push(...page)
          } while (page.length > 0)
          assert.deepStrictEqual(found, expected)
        }
      }),
    )

    it.effect("lists the clients of everybody and of nobody, newest first, and goes on after each of them", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const user = yield* Builders.storedUser()
        // Younger than what other tests left here.
        const now = DateTime.makeUnsafe(4_000_000_000_000)
        const built = yield* Effect.forEach(
          [
            { userId: user.id },
            { referenceId: "organization-3" },
            { isDisabled: true },
            { userId: user.id, referenceId: "organization-3" },
            { isDynamic: true },
            {},
          ],
          (fields, index) => OAuthBuilders.storedClient({ ...fields, createdAt: later(now, Math.floor(index / 3)) }),
        )
        const expected = built
          .toSorted((a, b) => (a.id < b.id ? 1 : -1))
          .toSorted((a, b) => b.createdAt.epochMilliseconds - a.createdAt.epochMilliseconds)
        assert.deepStrictEqual(yield* clients.listAll({ limit: 6 }), expected)
        assert.deepStrictEqual(yield* clients.listAll({ limit: 1 }), expected.slice(0, 1))
        const all = yield* clients.listAll({ limit: 10_000 })
        for (const limit of [1, 2, 4, all.length, all.length + 1]) {
          const found: Array<OAuthClient> = []
          let page: ReadonlyArray<OAuthClient>
          do {
            page = yield* clients.listAll({ before: found.at(-1), limit })
            assert.isAtMost(page.length, limit)
            found.push(...page)
          } while (page.length > 0)
          assert.deepStrictEqual(found, all)
        }
      }),
    )

    it.effect("replaces what is known of a client that is as it was seen, but not its secrets or its owner", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const user = yield* Builders.storedUser()
        const seen = yield* OAuthBuilders.storedClient({ referenceId: "one" })
        const other = yield* OAuthBuilders.storedClient()
        const next = yield* OAuthBuilders.client({
          id: seen.id,
          metadata: { clientName: "Other" },
          privileges: { skipConsent: true },
          isDisabled: true,
          documentUntil: later(seen.updatedAt, 7),
          updatedAt: later(seen.updatedAt, 1),
        })
        assert.isTrue(
          yield* clients.update(seen, { ...next, userId: user.id, referenceId: "two", isDynamic: true, secrets: [] }),
        )
        const { documentUntil, metadata, privileges, isDisabled, updatedAt } = next
        const expected = { ...seen, documentUntil, metadata, privileges, isDisabled, updatedAt }
        assert.deepStrictEqual(yield* clients.find(seen.id), Option.some(expected))
        assert.isFalse(yield* clients.update(seen, { ...seen, updatedAt: later(seen.updatedAt, 2) }))
        assert.deepStrictEqual(yield* clients.find(seen.id), Option.some(expected))
        assert.deepStrictEqual(yield* clients.find(other.id), Option.some(other))
        assert.isFalse(yield* clients.update(yield* OAuthBuilders.client(), next))
      }),
    )

    it.effect("lets one of 100 fibers change what all of them saw", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const seen = yield* OAuthBuilders.storedClient()
        const answers = yield* inFibers((index) =>
          Effect.map(
            clients.update(seen, {
              ...seen,
              metadata: OAuthBuilders.clientMetadata({ clientName: String(index) }),
              updatedAt: later(seen.updatedAt, 1),
            }),
            (isChanged) => (isChanged ? [String(index)] : []),
          ),
        )
        const winners = answers.flat()
        assert.strictEqual(winners.length, 1)
        const kept = Option.map(yield* clients.find(seen.id), ({ metadata }) => metadata.clientName)
        assert.deepStrictEqual(kept, Option.fromUndefinedOr(winners[0]))
      }),
    )

    it.effect("removes a client once, with its grants and consents", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const consents = yield* ConsentStore
        const user = yield* Builders.storedUser()
        const [client, other] = [yield* OAuthBuilders.storedClient(), yield* OAuthBuilders.storedClient()]
        for (const { id } of [client, other]) {
          yield* OAuthBuilders.storedGrant({ clientId: id, userId: user.id })
          yield* consents.merge(yield* OAuthBuilders.consent({ clientId: id, userId: user.id }))
        }
        assert.deepStrictEqual(yield* clients.remove(client.id), Option.some(client))
        assert.deepStrictEqual(yield* clients.remove(client.id), Option.none())
        assert.deepStrictEqual(yield* clients.find(client.id), Option.none())
        assert.deepStrictEqual(yield* clients.find(other.id), Option.some(other))
        const left = yield* consents.listByUser(user.id)
        assert.deepStrictEqual(
          left.map(({ clientId }) => clientId),
          [other.id],
        )
      }),
    )

    it.effect("keeps the clients of a user who goes, as nobody's", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const user = yield* Builders.storedUser()
        const client = yield* OAuthBuilders.storedClient({ userId: user.id, referenceId: "organization-2" })
        yield* UserStore.use((users) => users.remove(user.id))
        assert.deepStrictEqual(yield* clients.find(client.id), Option.some({ ...client, userId: null }))
      }),
    )

    it.effect("removes clients that registered themselves before an instant and were never used, oldest first", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const user = yield* Builders.storedUser()
        const now = DateTime.makeUnsafe(1_600_000_000_000)
        const noTokens = { grantTypes: ["authorization_code", "refresh_token"] }
        const add = (milliseconds: number, fields: Parameters<typeof OAuthBuilders.client>[0] = {}) =>
          OAuthBuilders.storedClient({
            isDynamic: true,
            createdAt: later(now, milliseconds),
            metadata: noTokens,
            ...fields,
          })
        const [granted, consented] = [yield* add(-9), yield* add(-9)]
        yield* OAuthBuilders.storedGrant({ clientId: granted.id, userId: user.id })
        const consent = yield* OAuthBuilders.consent({ clientId: consented.id, userId: user.id })
        yield* ConsentStore.use((consents) => consents.merge(consent))
        const kept = [
          granted,
          consented,
          yield* add(-9, { isDynamic: false }),
          yield* add(-9, { metadata: { grantTypes: ["client_credentials"] } }),
          yield* add(0),
        ]
        const [young, oldest, old] = [yield* add(-1), yield* add(-3), yield* add(-2)]
        const isThere = ({ id }: OAuthClient) => Effect.map(clients.find(id), Option.isSome)
        assert.strictEqual(yield* clients.removeUnused(now, 2), 2)
        assert.deepStrictEqual(yield* Effect.forEach([oldest, old, young], isThere), [false, false, true])
        assert.strictEqual(yield* clients.removeUnused(now, 2), 1)
        assert.strictEqual(yield* clients.removeUnused(now, 2), 0)
        assert.deepStrictEqual(
          yield* Effect.forEach(kept, isThere),
          kept.map(() => true),
        )
      }),
    )

    it.effect("puts everything back when the transaction fails", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const { run } = yield* TransactionStore
        const [removed, rotated, added] = [
          yield* OAuthBuilders.storedClient(),
          yield* OAuthBuilders.storedClient(),
          yield* OAuthBuilders.client(),
        ]
        const secret = yield* OAuthBuilders.clientSecret()
        const failure = yield* Effect.flip(
          run(
            Effect.gen(function* () {
              assert.isTrue(Option.isSome(yield* clients.remove(removed.id)))
              const until = later(rotated.createdAt, 1000)
              assert.isTrue(Option.isSome(yield* clients.rotateSecret(rotated.id, secret, until, rotated.createdAt)))
              assert.isTrue(yield* clients.insert(added))
              return yield* Effect.fail("undo" as const)
            }),
          ),
        )
        assert.strictEqual(failure, "undo")
        for (const client of [removed, rotated]) {
          assert.deepStrictEqual(yield* clients.find(client.id), Option.some(client))
        }
        assert.deepStrictEqual(yield* clients.find(added.id), Option.none())
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const later = (at: DateTime.Utc, milliseconds: number): DateTime.Utc => DateTime.add(at, { milliseconds })

const inFibers = <A, E>(run: (index: number) => Effect.Effect<A, E>): Effect.Effect<ReadonlyArray<A>, E> =>
  Effect.forEach(
    Array.from({ length: 100 }, (_, index) => index),
    run,
    { concurrency: "unbounded" },
  )
