/**
 * Contract suite of {@link ClientStore}: the secrets of clients.
 *
 * @since 0.1.0
 */
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ClientId, type ClientSecret } from "@belfry/oauth-server/OAuthClient"
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
export const suite = <E>(name: string, layer: Layer.Layer<ClientStore, E>): void =>
  withLayer(layer)(`Secrets in ClientStore (${name})`, (it) => {
    it.effect("puts a new secret in front, and lets the first of the former hold until the overlap ends", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const client = yield* OAuthBuilders.storedClient()
        const now = later(client.createdAt, 1000)
        const until = later(now, 60_000)
        const [former] = client.secrets
        const secret = yield* OAuthBuilders.clientSecret({
          sealed: yield* Builders.sealed,
          expiresAt: 1_900_000_000_123,
        })
        const rotated = {
          ...client,
          secrets: [secret, { ...(former ?? secret), expiresAt: until.epochMilliseconds }],
          updatedAt: now,
        }
        assert.deepStrictEqual(yield* clients.rotateSecret(client.id, secret, until, now), Option.some(rotated))
        assert.deepStrictEqual(yield* clients.find(client.id), Option.some(rotated))
        // The one before the last goes at once, though its time is not over.
        const third = yield* OAuthBuilders.clientSecret()
        const again = yield* clients.rotateSecret(client.id, third, until, now)
        assert.deepStrictEqual(
          Option.map(again, ({ secrets }) => secrets),
          Option.some([third, { ...secret, expiresAt: until.epochMilliseconds }]),
        )
        const unknown = ClientId.make("client-unknown")
        assert.deepStrictEqual(yield* clients.rotateSecret(unknown, third, until, now), Option.none())
      }),
    )

    it.effect("does not let the overlap prolong a secret, and drops those that are over at the instant", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const now = yield* DateTime.now
        const until = later(now, 1000)
        const next = yield* OAuthBuilders.clientSecret()
        const rotate = Effect.fnUntraced(function* (...ends: ReadonlyArray<number | null>) {
          const secrets = yield* Effect.forEach(ends, (end) =>
            OAuthBuilders.clientSecret({ expiresAt: end === null ? null : now.epochMilliseconds + end }),
          )
          const client = yield* OAuthBuilders.storedClient({ secrets })
          const rotated = Option.getOrThrow(yield* clients.rotateSecret(client.id, next, until, now))
          assert.deepStrictEqual(rotated.secrets[0], next)
          return rotated.secrets.slice(1).map(({ hash, expiresAt }) => ({
            place: secrets.findIndex((secret) => secret.hash === hash),
            left: (expiresAt ?? Infinity) - now.epochMilliseconds,
          }))
        })
        assert.deepStrictEqual(yield* rotate(), [])
        assert.deepStrictEqual(yield* rotate(500), [{ place: 0, left: 500 }])
        assert.deepStrictEqual(yield* rotate(1), [{ place: 0, left: 1 }])
        assert.deepStrictEqual(yield* rotate(0), [])
        assert.deepStrictEqual(yield* rotate(1001), [{ place: 0, left: 1000 }])
        assert.deepStrictEqual(yield* rotate(null, 500), [{ place: 0, left: 1000 }])
        assert.deepStrictEqual(yield* rotate(0, 500), [{ place: 1, left: 500 }])
        assert.deepStrictEqual(yield* rotate(-1, 0), [])
      }),
    )

    it.effect("keeps no former secret where there is no overlap", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const client = yield* OAuthBuilders.storedClient()
        const secret = yield* OAuthBuilders.clientSecret()
        const now = client.createdAt
        const rotated = yield* clients.rotateSecret(client.id, secret, now, now)
        assert.deepStrictEqual(
          Option.map(rotated, ({ secrets }) => secrets),
          Option.some([secret]),
        )
      }),
    )

    it.effect("never sets the time of the last change back", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const now = yield* DateTime.now
        const client = yield* OAuthBuilders.storedClient({ updatedAt: later(now, 5) })
        const secret = yield* OAuthBuilders.clientSecret()
        const rotated = yield* clients.rotateSecret(client.id, secret, later(now, 1000), now)
        assert.deepStrictEqual(
          Option.map(rotated, ({ updatedAt }) => updatedAt),
          Option.some(later(now, 5)),
        )
      }),
    )

    it.effect("has two of the newest secrets after 100 rotations at once", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const client = yield* OAuthBuilders.storedClient()
        const now = client.createdAt
        const answers = yield* inFibers(() =>
          Effect.flatMap(OAuthBuilders.clientSecret(), (secret) =>
            Effect.map(clients.rotateSecret(client.id, secret, later(now, 1000), now), (rotated) => ({
              secret,
              secrets: Option.match(rotated, { onNone: () => [], onSome: ({ secrets }) => secrets }),
            })),
          ),
        )
        // Each one follows on one that another fiber has made, so that no two have the same one before them.
        for (const { secret, secrets } of answers) {
          assert.deepStrictEqual(secrets[0], secret)
          assert.strictEqual(secrets.length, 2)
        }
        const former = answers.map(({ secrets }) => secrets[1]?.hash)
        assert.strictEqual(new Set(former).size, 100)
        const kept = Option.getOrThrow(yield* clients.find(client.id)).secrets.map(({ hash }) => hash)
        const last = answers.filter(({ secret }) => !former.includes(secret.hash))
        assert.strictEqual(last.length, 1)
        assert.deepStrictEqual(
          kept,
          last[0]?.secrets.map(({ hash }) => hash),
        )
      }),
    )

    it.effect("replaces the hash of a secret that is there, whichever of the two", () =>
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const secrets = [
          yield* OAuthBuilders.clientSecret({ sealed: yield* Builders.sealed }),
          yield* OAuthBuilders.clientSecret({ expiresAt: 1_900_000_000_000 }),
        ] as const
        const client = yield* OAuthBuilders.storedClient({ secrets })
        const other = yield* OAuthBuilders.storedClient()
        const [one, two] = [yield* Builders.keyedHash, yield* Builders.keyedHash]
        assert.isTrue(yield* clients.rehashSecret(client.id, secrets[1].hash, two))
        assert.isTrue(yield* clients.rehashSecret(client.id, secrets[0].hash, one))
        assert.isFalse(yield* clients.rehashSecret(client.id, secrets[0].hash, two))
        assert.isFalse(yield* clients.rehashSecret(other.id, one, two))
        const expected: ReadonlyArray<ClientSecret> = [
          { ...secrets[0], hash: one },
          { ...secrets[1], hash: two },
        ]
        assert.deepStrictEqual(yield* clients.find(client.id), Option.some({ ...client, secrets: expected }))
        assert.deepStrictEqual(yield* clients.find(other.id), Option.some(other))
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const later = (at: DateTime.Utc, milliseconds: number): DateTime.Utc => DateTime.add(at, { milliseconds })

const inFibers = <A, E>(run: (index: number) => Effect.Effect<A, E>): Effect.Effect<ReadonlyArray<A>, E> =>
  Effect.forEach(
    Array.from({ length: 100 }, (_, index) => index),
    run,
    { concurrency: "unbounded" },
  )
