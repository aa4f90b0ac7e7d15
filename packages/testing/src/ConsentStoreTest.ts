/**
 * Contract suite of {@link ConsentStore}.
 *
 * @since 0.1.0
 */
import { TransactionStore } from "@belfry/core/TransactionStore"
import { UserStore } from "@belfry/core/UserStore"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import type { Consent } from "@belfry/oauth-server/Consent"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { assert, layer as withLayer } from "@effect/vitest"
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
  layer: Layer.Layer<ClientStore | ConsentStore | TransactionStore | UserStore, E>,
): void =>
  withLayer(layer)(`ConsentStore (${name})`, (it) => {
    it.effect("returns a consent as it was given, and finds it for its user alone", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const consent = yield* build({
          scopes: ["openid", "profile"],
          declinedScopes: ["email"],
          resources: ["https://api.example.com"],
          referenceId: "organization-1",
        })
        const other = yield* Builders.storedUser()
        assert.deepStrictEqual(yield* consents.merge(consent), consent)
        assert.deepStrictEqual(yield* consents.find(consent.userId, consent.id), Option.some(consent))
        assert.deepStrictEqual(yield* consents.find(other.id, consent.id), Option.none())
        assert.deepStrictEqual(yield* consents.find(consent.userId, (yield* build()).id), Option.none())
      }),
    )

    it.effect("keeps each scope and each resource once, and none as declined that is given", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const consent = yield* build({
          scopes: ["b", "a", "b"],
          declinedScopes: ["c", "a", "c"],
          resources: ["https://b.example.com", "https://a.example.com", "https://b.example.com"],
        })
        assert.deepStrictEqual(yield* consents.merge(consent), {
          ...consent,
          scopes: ["b", "a"],
          declinedScopes: ["c"],
          resources: ["https://b.example.com", "https://a.example.com"],
        })
      }),
    )

    it.effect("adds to the consent of the same user, client and reference, under the id it has", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const first = yield* consents.merge(
          yield* build({ scopes: ["b"], declinedScopes: ["c", "d"], resources: ["https://b.example.com"] }),
        )
        const later = DateTime.add(first.createdAt, { hours: 1 })
        const again = yield* buildFor(first, {
          scopes: ["c", "b", "a"],
          declinedScopes: ["e", "b"],
          resources: ["https://a.example.com", "https://b.example.com"],
          createdAt: later,
          updatedAt: later,
        })
        const merged = {
          ...first,
          scopes: ["b", "c", "a"],
          declinedScopes: ["d", "e"],
          resources: ["https://b.example.com", "https://a.example.com"],
          updatedAt: later,
        }
        assert.deepStrictEqual(yield* consents.merge(again), merged)
        assert.deepStrictEqual(yield* consents.listByUser(first.userId), [merged])
      }),
    )

    it.effect("keeps the consents of references, clients and users apart", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const own = yield* consents.merge(yield* build())
        const ofReference = yield* buildFor(own, { referenceId: "organization-1", scopes: ["a"] })
        const ofOtherReference = yield* buildFor(own, { referenceId: "organization-2", scopes: ["b"] })
        const elsewhere = yield* buildFor(own, { clientId: (yield* OAuthBuilders.storedClient()).id })
        const ofOther = yield* buildFor(own, { userId: (yield* Builders.storedUser()).id })
        for (const consent of [ofReference, ofOtherReference, elsewhere, ofOther]) {
          assert.deepStrictEqual(yield* consents.merge(consent), consent)
        }
        assert.deepStrictEqual(yield* consents.find(own.userId, own.id), Option.some(own))
        assert.deepStrictEqual(yield* consents.listByUser(ofOther.userId), [ofOther])
      }),
    )

    it.effect("adds the consents of 100 fibers up to one", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const first = yield* build({ scopes: [], declinedScopes: ["scope-0"] })
        const numbers = Array.from({ length: 100 }, (_, n) => n)
        yield* Effect.forEach(
          numbers,
          (n) =>
            Effect.gen(function* () {
              const fields = { scopes: [`scope-${n}`], resources: [`https://api.example.com/${n % 10}`] }
              yield* consents.merge(yield* buildFor(first, fields))
            }),
          { concurrency: "unbounded" },
        )
        const [merged, ...others] = yield* consents.listByUser(first.userId)
        assert.strictEqual(others.length, 0)
        assert.deepStrictEqual([...(merged?.scopes ?? [])].sort(), numbers.map((n) => `scope-${n}`).sort())
        assert.deepStrictEqual(merged?.declinedScopes, [])
        assert.strictEqual(merged?.resources.length, 10)
      }),
    )

    it.effect("lists the consents of a user newest first, of all references or of one", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const own = yield* build()
        const at = (hours: number) => DateTime.add(own.createdAt, { hours })
        const older = yield* buildFor(own, { referenceId: "organization-1", createdAt: at(-1) })
        const newer = yield* buildFor(own, { referenceId: "organization-2", createdAt: at(1) })
        const sameTime = yield* buildFor(own, { clientId: (yield* OAuthBuilders.storedClient()).id })
        for (const consent of [own, older, newer, sameTime, yield* build()]) yield* consents.merge(consent)
        const list = (...reference: readonly [] | readonly [string | null]) =>
          consents.listByUser(own.userId, ...reference)
        assert.deepStrictEqual(yield* list(), [newer, sameTime, own, older])
        assert.deepStrictEqual(yield* list(null), [sameTime, own])
        assert.deepStrictEqual(yield* list("organization-1"), [older])
        for (const unknown of ["organization-3", "", "\0", "\uD800"]) assert.deepStrictEqual(yield* list(unknown), [])
      }),
    )

    it.effect("narrows a consent of the user to scopes of what was given, in their order", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const consent = yield* consents.merge(
          yield* build({ scopes: ["a", "b", "c"], declinedScopes: ["d"], resources: ["https://api.example.com"] }),
        )
        const other = yield* consents.merge(yield* buildFor(consent, { referenceId: "organization-1", scopes: ["b"] }))
        const { id, userId } = consent
        const now = DateTime.add(consent.createdAt, { hours: 1 })
        assert.deepStrictEqual(yield* consents.narrow(other.userId, (yield* build()).id, [], now), Option.none())
        assert.deepStrictEqual(yield* consents.narrow((yield* Builders.storedUser()).id, id, [], now), Option.none())
        const narrowed = { ...consent, scopes: ["a", "c"], updatedAt: now }
        assert.deepStrictEqual(
          yield* consents.narrow(userId, id, ["c", "d", "e", "a", "\0"], now),
          Option.some(narrowed),
        )
        assert.deepStrictEqual(yield* consents.find(userId, id), Option.some(narrowed))
        assert.deepStrictEqual(yield* consents.narrow(userId, id, [], now), Option.some({ ...narrowed, scopes: [] }))
        assert.deepStrictEqual(yield* consents.find(userId, other.id), Option.some(other))
      }),
    )

    it.effect("gives a consent that is removed to one of 100 fibers, and to no other user", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const consent = yield* consents.merge(yield* build())
        const other = yield* consents.merge(yield* buildFor(consent, { referenceId: "organization-1" }))
        const stranger = yield* Builders.storedUser()
        assert.deepStrictEqual(yield* consents.remove(stranger.id, consent.id), Option.none())
        const answers = yield* Effect.forEach(
          Array.from({ length: 100 }),
          () => consents.remove(consent.userId, consent.id),
          { concurrency: "unbounded" },
        )
        assert.deepStrictEqual(answers.filter(Option.isSome), [Option.some(consent)])
        assert.deepStrictEqual(yield* consents.listByUser(consent.userId), [other])
      }),
    )

    it.effect("refuses the consent of a user or for a client who does not exist, and a second one of the same id", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const kept = yield* consents.merge(yield* build())
        const consent = yield* build()
        const wrong = [
          { ...consent, userId: (yield* Builders.user()).id },
          { ...consent, clientId: (yield* OAuthBuilders.client()).id },
          { ...consent, id: kept.id },
        ]
        for (const one of wrong) assert.isFalse((yield* Effect.flip(consents.merge(one))).isRetryable)
        assert.deepStrictEqual(yield* consents.listByUser(consent.userId), [])
        assert.deepStrictEqual(yield* consents.listByUser(kept.userId), [kept])
      }),
    )

    it.effect("loses the consents of a user, or for a client, with them, and no others", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const ofUser = yield* consents.merge(yield* build())
        const ofClient = yield* consents.merge(yield* build())
        const kept = yield* consents.merge(
          yield* buildFor(ofClient, { clientId: (yield* OAuthBuilders.storedClient()).id }),
        )
        yield* UserStore.use((users) => users.remove(ofUser.userId))
        const client = yield* ClientStore.use((clients) =>
          Effect.flatMap(clients.remove(ClientId.make(ofClient.clientId)), Effect.fromOption),
        )
        assert.strictEqual(client.id, ofClient.clientId)
        assert.deepStrictEqual(yield* consents.find(ofUser.userId, ofUser.id), Option.none())
        assert.deepStrictEqual(yield* consents.listByUser(ofClient.userId), [kept])
      }),
    )

    it.effect("undoes what was merged, narrowed and removed with the transaction", () =>
      Effect.gen(function* () {
        const consents = yield* ConsentStore
        const { run } = yield* TransactionStore
        const [one, two] = [yield* consents.merge(yield* build()), yield* consents.merge(yield* build())]
        const undone = run(
          Effect.gen(function* () {
            yield* consents.merge(yield* buildFor(one, { scopes: ["a"] }))
            yield* consents.narrow(one.userId, one.id, ["a"], one.updatedAt)
            yield* consents.remove(two.userId, two.id)
            return yield* Effect.fail("undo" as const)
          }),
        )
        assert.strictEqual(yield* Effect.flip(undone), "undo")
        for (const consent of [one, two]) {
          assert.deepStrictEqual(yield* consents.find(consent.userId, consent.id), Option.some(consent))
        }
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** A consent of a user for a client that are in the store. */
const build = Effect.fnUntraced(function* (fields: Partial<Consent> = {}) {
  const [client, user] = [yield* OAuthBuilders.storedClient(), yield* Builders.storedUser()]
  return yield* OAuthBuilders.consent({ clientId: client.id, userId: user.id, ...fields })
})

/** Another consent of the same user, client and reference. */
const buildFor = ({ clientId, referenceId, userId }: Consent, fields: Partial<Consent>) =>
  OAuthBuilders.consent({ clientId, referenceId, userId, ...fields })
