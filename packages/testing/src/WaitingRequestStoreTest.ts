/**
 * Contract suite of {@link WaitingRequestStore}.
 *
 * @since 0.1.0
 */
import { SessionId } from "@belfry/core/Session"
import { TransactionStore } from "@belfry/core/TransactionStore"
import { type WaitingRequest, WaitingRequestId } from "@belfry/oauth-server/AuthorizationRequest"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { WaitingRequestStore } from "@belfry/oauth-server/WaitingRequestStore"
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
export const suite = <E>(name: string, layer: Layer.Layer<WaitingRequestStore | TransactionStore, E>): void =>
  withLayer(layer)(`WaitingRequestStore (${name})`, (it) => {
    it.effect("returns a request as it was inserted, as often as it is looked at", () =>
      Effect.gen(function* () {
        const full: WaitingRequest["request"] = {
          ...(yield* build).request,
          responseMode: "form_post",
          state: "🦉 \"'\\",
          resources: ["https://api.example.com/"],
          codeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
          prompts: ["login", "consent"],
          maxAge: 0,
          acrValues: ["mfa"],
          isAcrEssential: true,
          claims: { userinfo: null, id_token: { email: null, acr: { essential: true, values: ["mfa", 1] } } },
          display: "popup",
        }
        const kept = [
          yield* insert(),
          yield* insert({ request: full, createdAt: DateTime.makeUnsafe(1_700_000_000_123) }),
          yield* insert({ sessionId: yield* sessionId, steps: ["select_account"] }),
        ]
        for (const row of kept) {
          for (const _ of [1, 2]) assert.deepStrictEqual(yield* find(row), Option.some(row))
        }
      }),
    )

    it.effect("has a request for no browser but its own", () =>
      Effect.gen(function* () {
        const requests = yield* WaitingRequestStore
        const [row, other] = [yield* insert(), yield* insert()]
        const strange = [yield* Builders.keyedHash, other.browserHash] as const
        assert.deepStrictEqual(yield* requests.find(row.id, strange), Option.none())
        assert.deepStrictEqual(
          yield* requests.advance({
            id: row.id,
            browser: strange,
            sessionId: yield* sessionId,
            step: "select_account",
          }),
          Option.none(),
        )
        assert.deepStrictEqual(yield* requests.consume(row.id, strange), Option.none())
        assert.deepStrictEqual(yield* requests.find(row.id, [...strange, row.browserHash]), Option.some(row))
        assert.deepStrictEqual(yield* requests.consume(row.id, [...strange, row.browserHash]), Option.some(row))
        assert.deepStrictEqual(yield* find(other), Option.some(other))
      }),
    )

    it.effect("finds and consumes nothing by an id that is not there", () =>
      Effect.gen(function* () {
        const requests = yield* WaitingRequestStore
        const row = yield* insert()
        const id = WaitingRequestId.make(yield* random.uuidV7())
        assert.deepStrictEqual(yield* requests.find(id, [row.browserHash]), Option.none())
        assert.deepStrictEqual(yield* requests.consume(id, [row.browserHash]), Option.none())
      }),
    )

    it.effect("keeps the steps of one session, each once, and forgets them with another session", () =>
      Effect.gen(function* () {
        const requests = yield* WaitingRequestStore
        const [row, first, second] = [yield* insert(), yield* sessionId, yield* sessionId]
        const advance = (session: SessionId, step: "select_account" | "post_login") =>
          requests.advance({ id: row.id, browser: [row.browserHash], sessionId: session, step })
        const one = { ...row, sessionId: first, steps: ["select_account"] } as const
        assert.deepStrictEqual(yield* advance(first, "select_account"), Option.some(one))
        assert.deepStrictEqual(yield* advance(first, "select_account"), Option.some(one))
        const both = { ...row, sessionId: first, steps: ["select_account", "post_login"] } as const
        assert.deepStrictEqual(yield* advance(first, "post_login"), Option.some(both))
        assert.deepStrictEqual(yield* find(row), Option.some(both))
        const anew = { ...row, sessionId: second, steps: ["post_login"] } as const
        assert.deepStrictEqual(yield* advance(second, "post_login"), Option.some(anew))
        assert.deepStrictEqual(yield* find(row), Option.some(anew))
      }),
    )

    it.effect("loses no step of those that are marked at the same time", () =>
      Effect.gen(function* () {
        const requests = yield* WaitingRequestStore
        const [row, session] = [yield* insert(), yield* sessionId]
        yield* Effect.forEach(
          Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? "select_account" : "post_login")),
          (step) => requests.advance({ id: row.id, browser: [row.browserHash], sessionId: session, step }),
          { concurrency: "unbounded" },
        )
        const steps = Option.map(yield* find(row), (found) => found.steps.toSorted())
        assert.deepStrictEqual(steps, Option.some(["post_login", "select_account"] as const))
      }),
    )

    it.effect("gives a request to one of 100 fibers that consume it", () =>
      Effect.gen(function* () {
        const requests = yield* WaitingRequestStore
        const row = yield* insert()
        const answers = yield* Effect.forEach(
          Array.from({ length: 100 }),
          () => requests.consume(row.id, [row.browserHash]),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.length, 100)
        assert.deepStrictEqual(answers.filter(Option.isSome), [Option.some(row)])
        assert.deepStrictEqual(yield* find(row), Option.none())
      }),
    )

    it.effect("answers all who advance and consume at once", () =>
      Effect.gen(function* () {
        const requests = yield* WaitingRequestStore
        const [row, session] = [yield* insert(), yield* sessionId]
        const key = { id: row.id, browser: [row.browserHash] } as const
        const answers = yield* Effect.forEach(
          Array.from({ length: 100 }, (_, index) => index),
          (index) =>
            index % 2 === 0
              ? Effect.map(requests.consume(key.id, key.browser), Option.isSome)
              : Effect.as(requests.advance({ ...key, sessionId: session, step: "post_login" }), false),
          { concurrency: "unbounded" },
        )
        assert.strictEqual(answers.filter((isConsumed) => isConsumed).length, 1)
      }),
    )

    it.effect("finds, advances and consumes a request that is over, too", () =>
      Effect.gen(function* () {
        const requests = yield* WaitingRequestStore
        const row = yield* insert({ expiresAt: DateTime.subtract(yield* DateTime.now, { days: 1 }) })
        const key = { id: row.id, browser: [row.browserHash] } as const
        assert.deepStrictEqual(yield* find(row), Option.some(row))
        const step = { ...key, sessionId: yield* sessionId, step: "post_login" } as const
        assert.isTrue(Option.isSome(yield* requests.advance(step)))
        assert.isTrue(Option.isSome(yield* requests.consume(key.id, key.browser)))
      }),
    )

    it.effect("refuses a second request of the same id, and keeps the first", () =>
      Effect.gen(function* () {
        const row = yield* insert()
        const second = { ...(yield* build), id: row.id }
        const error = yield* Effect.flip(WaitingRequestStore.use((requests) => requests.insert(second)))
        assert.deepStrictEqual(
          [error._tag, error.store, error.method, error.isRetryable],
          ["StoreError", "WaitingRequestStore", "insert", false],
        )
        assert.deepStrictEqual(yield* find(row), Option.some(row))
      }),
    )

    it.effect("removes what is over at an instant, the oldest first, and no more than the limit", () =>
      Effect.gen(function* () {
        const requests = yield* WaitingRequestStore
        const now = yield* DateTime.now
        yield* requests.removeExpired(now, 1000)
        const endingIn = (milliseconds: number) => insert({ expiresAt: DateTime.add(now, { milliseconds }) })
        const live = yield* endingIn(1)
        const atNow = yield* endingIn(0)
        const oldest = yield* endingIn(-2)
        const old = yield* endingIn(-1)
        const isThere = (row: WaitingRequest) => Effect.map(find(row), Option.isSome)
        assert.strictEqual(yield* requests.removeExpired(now, 2), 2)
        assert.deepStrictEqual(yield* Effect.forEach([oldest, old, atNow], isThere), [false, false, true])
        assert.strictEqual(yield* requests.removeExpired(now, 2), 1)
        assert.strictEqual(yield* requests.removeExpired(now, 2), 0)
        assert.deepStrictEqual(yield* Effect.forEach([atNow, live], isThere), [false, true])
      }),
    )

    it.effect("puts a request back when the transaction fails that consumed it", () =>
      Effect.gen(function* () {
        const requests = yield* WaitingRequestStore
        const { run } = yield* TransactionStore
        const row = yield* insert()
        const undone = run(Effect.andThen(requests.consume(row.id, [row.browserHash]), Effect.fail("undo" as const)))
        assert.strictEqual(yield* Effect.flip(undone), "undo")
        assert.deepStrictEqual(yield* find(row), Option.some(row))
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const sessionId = Effect.map(random.uuidV7(), (id) => SessionId.make(id))

const build = OAuthBuilders.waitingRequest({ clientId: ClientId.make("client") })

const insert = Effect.fnUntraced(function* (fields: Partial<WaitingRequest> = {}) {
  const row = { ...(yield* build), ...fields }
  yield* WaitingRequestStore.use((requests) => requests.insert(row))
  return row
})

const find = ({ id, browserHash }: WaitingRequest) =>
  WaitingRequestStore.use((requests) => requests.find(id, [browserHash]))
