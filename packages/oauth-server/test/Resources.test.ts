/**
 * Protected resources, managed at run time beside those of the configuration.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import type { ProtectedResource } from "@belfry/oauth-server/ProtectedResource"
import { Resources } from "@belfry/oauth-server/Resources"
import { ResourceStore } from "@belfry/oauth-server/ResourceStore"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { resolve } from "../src/internal/resolveResources.ts"
import { AuditAway, events, layer, layerAuditAway, signIn } from "./support/Management.ts"

const fixed = OAuthBuilders.resource("https://fixed.example.com/", { name: "Fixed" })
const configured = { settings: { resources: [OAuthBuilders.resource("urn:z"), fixed] } }

const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onSuccess: () => "done", onFailure: ({ _tag }) => _tag })

const onFile = (identifier: string) =>
  Effect.map(
    ResourceStore.use((store) => store.find(identifier)),
    Option.getOrNull,
  )

describe("Protected resources", () => {
  it.effect("are added, changed and removed, each with its audit event", () =>
    Effect.gen(function* () {
      const resources = yield* Resources
      const { actor } = yield* signIn("admin")
      const one = OAuthBuilders.resource("https://api.example.com/")
      assert.deepStrictEqual(yield* resources.create(one, actor.clientInfo, actor.user.id), one)
      assert.deepStrictEqual(yield* resources.get(one.identifier), one)
      const next = { ...one, scopes: ["reports:read"], isDisabled: true }
      assert.deepStrictEqual(yield* resources.update(next, actor.clientInfo, actor.user.id), next)
      assert.deepStrictEqual(yield* resources.get(one.identifier), next)
      yield* resources.remove(one.identifier, actor.clientInfo)
      assert.strictEqual(yield* tagOf(resources.get(one.identifier)), "ResourceNotFound")
      assert.deepStrictEqual(
        (yield* events).map(({ type, userId, data }) => [type, userId, data["identifier"]]),
        [
          ["oauth-resource.created", actor.user.id, one.identifier],
          ["oauth-resource.updated", actor.user.id, one.identifier],
          ["oauth-resource.deleted", null, one.identifier],
        ],
      )
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are one of each identifier, and none of an identifier that is not there or none at all", () =>
    Effect.gen(function* () {
      const resources = yield* Resources
      const one = OAuthBuilders.resource("https://api.example.com/")
      yield* resources.create(one, unknownClient)
      assert.strictEqual(yield* tagOf(resources.create({ ...one, name: "Two" }, unknownClient)), "ResourceTaken")
      for (const identifier of ["https://api.example.com", "HTTPS://api.example.com/", "", "api", "a\0b", "é"]) {
        assert.strictEqual(yield* tagOf(resources.get(identifier)), "ResourceNotFound")
        assert.strictEqual(
          yield* tagOf(resources.update(OAuthBuilders.resource(identifier), unknownClient)),
          "ResourceNotFound",
        )
        assert.strictEqual(yield* tagOf(resources.remove(identifier, unknownClient)), "ResourceNotFound")
      }
      assert.deepStrictEqual(yield* onFile(one.identifier), one)
      assert.strictEqual((yield* events).length, 1)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of the configuration win over those on file, and cannot be changed", () =>
    Effect.gen(function* () {
      const resources = yield* Resources
      const hidden = { ...fixed, name: "Hidden", isDisabled: true }
      yield* ResourceStore.use((store) => store.insert(hidden))
      assert.deepStrictEqual(yield* resources.get(fixed.identifier), fixed)
      assert.strictEqual(yield* tagOf(resources.create(hidden, unknownClient)), "ResourceTaken")
      assert.strictEqual(yield* tagOf(resources.update(hidden, unknownClient)), "ResourceConfigured")
      assert.strictEqual(yield* tagOf(resources.remove(fixed.identifier, unknownClient)), "ResourceConfigured")
      assert.deepStrictEqual(yield* onFile(fixed.identifier), hidden)
      assert.deepStrictEqual(yield* events, [])
    }).pipe(Effect.provide(layer(configured))),
  )

  it("are in force when each of them is known and none disabled; those of the configuration win", () => {
    const inForce = (identifiers: ReadonlyArray<string>, onFile: ReadonlyArray<ProtectedResource>) =>
      resolve({ boundResources: [], ...configured.settings }, identifiers, onFile)
    const [one, off] = [OAuthBuilders.resource("urn:one"), OAuthBuilders.resource("urn:off", { isDisabled: true })]
    assert.deepStrictEqual(inForce([], []), [])
    assert.deepStrictEqual(inForce(["urn:one", "urn:z"], [one]), [one, OAuthBuilders.resource("urn:z")])
    assert.deepStrictEqual(inForce([fixed.identifier], [{ ...fixed, isDisabled: true }]), [fixed])
    assert.isNull(inForce(["urn:one"], []))
    assert.isNull(inForce(["urn:one", "urn:off"], [one, off]))
    assert.isNull(inForce(["urn:one", "urn:two"], [one]))
  })

  /** All of them, page by page. */
  const turnPages = Effect.fnUntraced(function* (limit: number) {
    const resources = yield* Resources
    const found: Array<ProtectedResource> = []
    let cursor: string | null | undefined
    let pages = 0
    do {
      const page = yield* resources.list({ cursor: cursor ?? undefined, limit })
      assert.isAtMost(page.resources.length, limit)
      found.push(...page.resources)
      cursor = page.cursor
      pages++
    } while (cursor !== null && pages < 20)
    return { found, pages }
  })

  const onFileAll = ["urn:a", "https://b.example.com/", "urn:zz", "https://g.example.com/"]

  it.effect("are listed by identifier, in pages", () =>
    Effect.gen(function* () {
      const resources = yield* Resources
      for (const identifier of onFileAll) yield* resources.create(OAuthBuilders.resource(identifier), unknownClient)
      for (const limit of [1, 2, 3, 4, 5]) {
        const { found, pages } = yield* turnPages(limit)
        assert.strictEqual(pages, Math.ceil(4 / limit))
        assert.deepStrictEqual(
          found.map(({ identifier }) => identifier),
          onFileAll.toSorted(),
        )
      }
      for (const cursor of ["", "x", "é"]) {
        assert.deepStrictEqual(yield* resources.list({ cursor }), { resources: [], cursor: null })
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("are listed with those of the configuration among them, each once", () =>
    Effect.gen(function* () {
      const resources = yield* Resources
      yield* ResourceStore.use((store) => store.insert({ ...fixed, name: "Hidden" }))
      for (const identifier of onFileAll) yield* resources.create(OAuthBuilders.resource(identifier), unknownClient)
      const expected = [...onFileAll, fixed.identifier, "urn:z"].toSorted()
      for (const limit of [1, 2, 3, 5, 6, 7]) {
        const { found, pages } = yield* turnPages(limit)
        assert.strictEqual(pages, Math.ceil(6 / limit))
        assert.deepStrictEqual(
          found.map(({ identifier }) => identifier),
          expected,
        )
        assert.deepStrictEqual(found[1], fixed)
      }
    }).pipe(Effect.provide(layer(configured))),
  )

  it.effect("stay as they are when the audit log cannot be written", () =>
    Effect.gen(function* () {
      const resources = yield* Resources
      const one = OAuthBuilders.resource("urn:one")
      yield* resources.create(one, unknownClient)
      yield* AuditAway.use((away) => away.set(true))
      const changes = [
        tagOf(resources.create(OAuthBuilders.resource("urn:two"), unknownClient)),
        tagOf(resources.update({ ...one, name: "Other" }, unknownClient)),
        tagOf(resources.remove("urn:one", unknownClient)),
      ]
      for (const change of changes) {
        assert.strictEqual(yield* change, "StoreError")
      }
      assert.deepStrictEqual((yield* resources.list()).resources, [one])
    }).pipe(Effect.provide(layerAuditAway())),
  )
})
