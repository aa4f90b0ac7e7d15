import * as BoundResource from "@belfry/oauth-server/BoundResource"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const prefix = "https://api.example.com/mcp/organizations/"

const family = (fields: Partial<BoundResource.BoundResource> = {}): BoundResource.BoundResource => {
  const { identifier: _identifier, ...common } = OAuthBuilders.resource(prefix, { scopes: ["a"] })
  return { prefix, ...common, ...fields }
}

describe("BoundResource.match", () => {
  it("finds the resource of an identifier, and what it is bound to", () => {
    const found = BoundResource.match([family()], `${prefix}0197a5c0`)
    assert.deepStrictEqual(found, {
      referenceId: "0197a5c0",
      resource: OAuthBuilders.resource(`${prefix}0197a5c0`, { scopes: ["a"] }),
    })
    const between = BoundResource.match([family({ suffix: "/mcp" })], `${prefix}acme/mcp`)
    assert.strictEqual(between?.referenceId, "acme")
    assert.strictEqual(between?.resource.identifier, `${prefix}acme/mcp`)
  })

  it("takes the first family that an identifier is one of", () => {
    const families = [family({ suffix: "/mcp", name: "first" }), family({ suffix: "/mcp" }), family({ name: "last" })]
    assert.strictEqual(BoundResource.match(families, `${prefix}acme/mcp`)?.resource.name, "first")
    assert.strictEqual(BoundResource.match(families, `${prefix}acme`)?.resource.name, "last")
  })

  it("finds none for a reference that is not one plain segment of a path", () => {
    const references = [
      "",
      ".",
      "..",
      "a/b",
      "a/",
      "/a",
      "a%2fb",
      "%61",
      "a b",
      "a?b",
      "a#b",
      "a;b",
      "a:b",
      "a@b",
      "ä",
      "a\n",
      "a\u0000",
      "x".repeat(256),
    ]
    for (const reference of references) {
      assert.isNull(BoundResource.match([family()], `${prefix}${reference}`), JSON.stringify(reference))
      assert.isNull(BoundResource.match([family({ suffix: "/mcp" })], `${prefix}${reference}/mcp`), reference)
    }
    for (const reference of ["a", "...", "a.b", "~a_b-c", "x".repeat(255)]) {
      assert.strictEqual(BoundResource.match([family()], `${prefix}${reference}`)?.referenceId, reference)
    }
  })

  it("compares byte for byte", () => {
    for (const identifier of [
      `${prefix.toUpperCase()}acme`,
      "https://API.example.com/mcp/organizations/acme",
      "https://api.example.com:443/mcp/organizations/acme",
      "https://api.example.com/mcp//organizations/acme",
      "https://api.example.com/mcp/organizations/x/../acme",
      "https://api.example.com.evil.example/mcp/organizations/acme",
      `x${prefix}acme`,
    ]) {
      assert.isNull(BoundResource.match([family()], identifier), identifier)
    }
    assert.isNull(BoundResource.match([family({ suffix: "/mcp" })], `${prefix}acme/MCP`))
    // Prefix and suffix have a reference between them, and do not share a part.
    assert.isNull(BoundResource.match([family({ suffix: "/organizations/" })], prefix))
    assert.isNull(BoundResource.match([family({ suffix: "/mcp" })], `${prefix}/mcp`))
  })
})

describe("BoundResource", () => {
  it.effect("is a prefix that ends with a slash, and a suffix that begins with one", () =>
    Effect.gen(function* () {
      const decode = Schema.decodeUnknownEffect(BoundResource.BoundResource)
      assert.deepStrictEqual(yield* decode(family()), family())
      assert.strictEqual((yield* decode(family({ suffix: "/mcp" }))).suffix, "/mcp")
      const faults: ReadonlyArray<Partial<BoundResource.BoundResource>> = [
        { prefix: "https://api.example.com/mcp" },
        { prefix: "/mcp/" },
        { prefix: "https://api.example.com/?a=/" },
        { prefix: "https://api.example.com/#/" },
        { prefix: "https://api.example.com/ä/" },
        { prefix: `https://api.example.com/${"x".repeat(2048)}/` },
        { suffix: "mcp" },
        { suffix: "" },
        { suffix: "/mcp?a" },
        { suffix: "/mcp#a" },
      ]
      for (const fault of faults) {
        assert.strictEqual((yield* Effect.exit(decode(family(fault))))._tag, "Failure", JSON.stringify(fault))
      }
    }),
  )
})
