/**
 * MCP servers over HTTP: their metadata, several endpoints, organizations.
 */
import * as McpHttp from "@belfry/mcp/McpHttp"
import { AccessTokenVerifier } from "@belfry/oauth-server/AccessTokenVerifier"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import {
  call,
  challengeOf,
  endpoint,
  issuer,
  layer,
  message,
  notes,
  origin,
  registrations,
  serve,
  tokenOf,
} from "./support/Notes.ts"

const wellKnown = "/.well-known/oauth-protected-resource"

const about = {
  resource: endpoint,
  authorization_servers: [issuer],
  scopes_supported: ["notes:read"],
  bearer_methods_supported: ["header"],
  resource_name: "Notes",
}

const bound = `${origin}/orgs/{organization}/mcp`

describe("RFC 9728 §3", () => {
  it.effect("MUST publish the metadata at the inserted path, and at the root for who looks nowhere else", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      for (const path of [`${wellKnown}/mcp`, wellKnown]) {
        const response = yield* send(path)
        assert.strictEqual(response.status, 200)
        assert.deepStrictEqual(response.json, about)
        assert.strictEqual(response.headers.get("access-control-allow-origin"), "*")
        assert.strictEqual((yield* send(path, { method: "OPTIONS" })).status, 204)
      }
      const elsewhere = yield* serve({ metadataAtRoot: false })
      assert.strictEqual((yield* elsewhere(wellKnown)).status, 404)
      assert.strictEqual((yield* elsewhere(`${wellKnown}/mcp`)).status, 200)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("MUST name each endpoint of a server by its own URL", () =>
    Effect.gen(function* () {
      const other = `${origin}/other`
      const send = yield* serve({ resources: [{ ...notes, resource: bound }, notes, { ...notes, resource: other }] })
      assert.deepStrictEqual((yield* send(`${wellKnown}/mcp`)).json, about)
      assert.deepStrictEqual((yield* send(wellKnown)).json, about)
      assert.deepStrictEqual((yield* send(`${wellKnown}/other`)).json, { ...about, resource: other })
      for (const organization of ["acme", "a.b-c_d~e"]) {
        const { json } = yield* send(`${wellKnown}/orgs/${organization}/mcp`)
        assert.deepStrictEqual(json, { ...about, resource: `${origin}/orgs/${organization}/mcp` })
      }
      for (const organization of ["a%2Fb", "a%20b", "a%22b", "é", "x".repeat(256)]) {
        assert.strictEqual((yield* send(`${wellKnown}/orgs/${organization}/mcp`)).status, 404, organization)
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("McpHttp.layerHttp", () => {
  it.effect("offers the same tools at each endpoint, to tokens of that endpoint alone", () =>
    Effect.gen(function* () {
      const other = `${origin}/other`
      const send = yield* serve({ resources: [notes, { ...notes, resource: other, scopes: ["other:read"] }] })
      const mine = yield* tokenOf()
      const theirs = yield* tokenOf({ aud: other, scope: "other:read" })
      assert.strictEqual((yield* send("/mcp", call("plain", mine))).status, 200)
      assert.strictEqual((yield* send("/other", call("plain", theirs))).status, 200)
      assert.strictEqual((yield* send("/mcp", call("plain", theirs))).status, 401)
      const refused = yield* send("/other", call("plain", mine))
      assert.strictEqual(refused.status, 401)
      assert.deepInclude(challengeOf(refused), {
        resource_metadata: `${origin}${wellKnown}/other`,
        scope: "other:read",
      })
    }).pipe(Effect.provide(layer)),
  )

  it.effect("binds an endpoint to an organization: a token for one of them is good at no other", () =>
    Effect.gen(function* () {
      const send = yield* serve({ resources: [{ ...notes, resource: bound }] })
      const acme = yield* tokenOf({ aud: `${origin}/orgs/acme/mcp`, org_id: "acme" })
      const response = yield* send("/orgs/acme/mcp", call("plain", acme))
      const found = TestHttp.at(response.json, "result", "structuredContent")
      assert.deepInclude(found, { organizationId: "acme", resource: `${origin}/orgs/acme/mcp` })
      for (const path of ["/orgs/other/mcp", "/orgs/ACME/mcp", "/orgs/acm%65/mcp"]) {
        assert.isAtLeast((yield* send(path, call("plain", acme))).status, 401, path)
      }
      assert.deepInclude(challengeOf(yield* send("/orgs/other/mcp", call("plain", acme))), {
        resource_metadata: `${origin}${wellKnown}/orgs/other/mcp`,
      })
      // One whose words contradict each other is good nowhere.
      const torn = yield* tokenOf({ aud: `${origin}/orgs/acme/mcp`, org_id: "other" })
      assert.strictEqual((yield* send("/orgs/acme/mcp", call("plain", torn))).status, 401)
    }).pipe(Effect.provide(layer)),
  )

  it.effect("tells clients of its tools", () =>
    Effect.gen(function* () {
      const send = yield* serve()
      const { json } = yield* send("/mcp", message("tools/list", {}, yield* tokenOf()))
      assert.strictEqual(TestHttp.at(json, "result", "tools", "0", "name"), "plain")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("keeps two servers in one program apart, or does not start", () =>
    Effect.gen(function* () {
      const verifier = Layer.succeed(AccessTokenVerifier, yield* AccessTokenVerifier)
      const one = McpHttp.layerHttp({ name: "one", version: "1", resources: [notes], registrations })
      const two = McpHttp.layerHttp({
        name: "two",
        version: "1",
        resources: [{ ...notes, resource: `${origin}/two` }],
        registrations: Layer.empty,
        metadataAtRoot: false,
      })
      const built = <A>(routes: Layer.Layer<A, unknown, HttpRouter.HttpRouter | AccessTokenVerifier>) =>
        Effect.scoped(Effect.exit(Layer.build(routes.pipe(Layer.provide(verifier), Layer.provide(HttpRouter.layer)))))
      const mixed = yield* built(Layer.merge(one, two))
      assert.strictEqual(mixed._tag, "Failure")
      assert.include(String(mixed), "shares its tools with another one")
      const apart = yield* built(Layer.merge(one, Layer.fresh(two)))
      assert.strictEqual(apart._tag, "Success", String(apart))
    }).pipe(Effect.provide(layer)),
  )
})
