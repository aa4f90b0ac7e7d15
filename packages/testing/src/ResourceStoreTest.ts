/**
 * Contract suite of {@link ResourceStore}.
 *
 * @since 0.1.0
 */
import { ResourceStore } from "@belfry/oauth-server/ResourceStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as OAuthBuilders from "./OAuthBuilders.ts"

/**
 * Registers the suite for an adapter. The store is empty when it begins.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(name: string, layer: Layer.Layer<ResourceStore, E>): void =>
  withLayer(layer)(`ResourceStore (${name})`, (it) => {
    it.effect("returns a resource as it was inserted", () =>
      Effect.gen(function* () {
        const resources = yield* ResourceStore
        const built = [
          yield* OAuthBuilders.protectedResource({ name: null }),
          yield* OAuthBuilders.protectedResource({
            name: "🦉 \"'\\",
            scopes: ["reports:read", "a,b{}"],
            accessTokenLifetime: 86_400 * 365,
            signingAlgorithm: "EdDSA",
            introspectionClientId: "client-one",
            isDisabled: true,
          }),
          yield* OAuthBuilders.protectedResource({ scopes: [] }),
        ]
        for (const resource of built) {
          assert.isTrue(yield* resources.insert(resource))
          assert.deepStrictEqual(yield* resources.find(resource.identifier), Option.some(resource))
        }
        assert.deepStrictEqual(yield* resources.find("https://api.example.com/"), Option.none())
      }),
    )

    it.effect("keeps the first of an identifier, and tells identifiers apart byte for byte", () =>
      Effect.gen(function* () {
        const resources = yield* ResourceStore
        const resource = yield* OAuthBuilders.protectedResource()
        const second = { ...resource, name: "Another" }
        assert.isTrue(yield* resources.insert(resource))
        assert.isFalse(yield* resources.insert(second))
        assert.isTrue(yield* resources.insert({ ...second, identifier: `${resource.identifier}/` }))
        assert.isTrue(yield* resources.insert({ ...second, identifier: resource.identifier.toUpperCase() }))
        assert.deepStrictEqual(yield* resources.find(resource.identifier), Option.some(resource))
      }),
    )

    it.effect("keeps one of 100 that are inserted at once", () =>
      Effect.gen(function* () {
        const resources = yield* ResourceStore
        const resource = yield* OAuthBuilders.protectedResource()
        const answers = yield* Effect.forEach(
          Array.from({ length: 100 }, (_, index) => ({ ...resource, name: String(index) })),
          (each) => Effect.map(resources.insert(each), (isKept) => ({ each, isKept })),
          { concurrency: "unbounded" },
        )
        const kept = answers.filter(({ isKept }) => isKept)
        assert.strictEqual(kept.length, 1)
        assert.deepStrictEqual(yield* resources.find(resource.identifier), Option.fromUndefinedOr(kept[0]?.each))
      }),
    )

    it.effect("replaces a resource whole, and none that is not there", () =>
      Effect.gen(function* () {
        const resources = yield* ResourceStore
        const resource = yield* OAuthBuilders.protectedResource({ scopes: ["a"], accessTokenLifetime: 60 })
        assert.isFalse(yield* resources.update(resource))
        assert.deepStrictEqual(yield* resources.find(resource.identifier), Option.none())
        yield* resources.insert(resource)
        const other = yield* OAuthBuilders.protectedResource()
        yield* resources.insert(other)
        const next = {
          ...resource,
          name: null,
          scopes: null,
          accessTokenLifetime: null,
          signingAlgorithm: "PS256",
          introspectionClientId: "client-two",
          isDisabled: true,
        } as const
        assert.isTrue(yield* resources.update(next))
        assert.deepStrictEqual(yield* resources.find(resource.identifier), Option.some(next))
        assert.deepStrictEqual(yield* resources.find(other.identifier), Option.some(other))
      }),
    )

    it.effect("removes a resource once", () =>
      Effect.gen(function* () {
        const resources = yield* ResourceStore
        const [resource, other] = [yield* OAuthBuilders.protectedResource(), yield* OAuthBuilders.protectedResource()]
        yield* Effect.forEach([resource, other], (each) => resources.insert(each))
        assert.isTrue(yield* resources.remove(resource.identifier))
        assert.isFalse(yield* resources.remove(resource.identifier))
        assert.deepStrictEqual(yield* resources.find(resource.identifier), Option.none())
        assert.deepStrictEqual(yield* resources.find(other.identifier), Option.some(other))
      }),
    )

    it.effect("lists by identifier, in pages", () =>
      Effect.gen(function* () {
        const resources = yield* ResourceStore
        // Nothing of the other tests comes after these. The order is that of bytes: upper case first.
        const names = ["urn:b", "urn:B", "urn:a-1", "urn:a", "urn:a/1"]
        for (const identifier of names) {
          assert.isTrue(yield* resources.insert(yield* OAuthBuilders.protectedResource({ identifier })))
        }
        const page = (after: string, limit: number) =>
          Effect.map(resources.list({ after, limit }), (rows) => rows.map(({ identifier }) => identifier))
        assert.deepStrictEqual(yield* page("urn:", 10), ["urn:B", "urn:a", "urn:a-1", "urn:a/1", "urn:b"])
        assert.deepStrictEqual(yield* page("urn:", 2), ["urn:B", "urn:a"])
        assert.deepStrictEqual(yield* page("urn:a", 2), ["urn:a-1", "urn:a/1"])
        assert.deepStrictEqual(yield* page("urn:a/1", 2), ["urn:b"])
        assert.deepStrictEqual(yield* page("urn:b", 2), [])
        const all = yield* resources.list({ limit: 1000 })
        assert.deepStrictEqual(
          all.slice(-5).map(({ identifier }) => identifier),
          yield* page("urn:", 10),
        )
      }),
    )
  })
