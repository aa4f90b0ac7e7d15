/**
 * MCP endpoints as protected resources.
 */
import * as McpResource from "@belfry/mcp/McpResource"
import * as McpScopes from "@belfry/mcp/McpScopes"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"

const authorizationServers = ["https://auth.example.com"] as const

const resolve = (resource: string) => McpResource.resolve({ resource, authorizationServers })

const resolved = (resource: string) => Result.getOrThrow(resolve(resource))

const reason = (resource: string) =>
  Result.match(resolve(resource), { onFailure: ({ reason }) => reason, onSuccess: () => null })

describe("McpResource.resolve", () => {
  it("reads a URL, with its path and where its metadata is", () => {
    const target = { resource: "https://a.example.com:8443/deep/mcp", organizationId: null }
    const found = resolved(target.resource)
    assert.strictEqual(found.path, "/deep/mcp")
    assert.strictEqual(found.host, "a.example.com:8443")
    assert.strictEqual(found.metadataPath, "/.well-known/oauth-protected-resource/deep/mcp")
    assert.strictEqual(
      found.metadataUrl(target),
      "https://a.example.com:8443/.well-known/oauth-protected-resource/deep/mcp",
    )
    assert.deepStrictEqual(found.at("/deep/mcp"), target)
    for (const path of ["/deep/mcp/", "/deep/MCP", "/deep", "/", "", "/deep/mcp/more"]) assert.isNull(found.at(path))
  })

  it("keeps the URL of a root as the host wrote it", () => {
    for (const resource of ["https://a.example.com", "https://a.example.com/"]) {
      const found = resolved(resource)
      assert.deepStrictEqual(found.at("/"), { resource, organizationId: null })
      assert.strictEqual(found.metadataPath, "/.well-known/oauth-protected-resource")
      assert.strictEqual(
        found.metadataUrl({ resource, organizationId: null }),
        "https://a.example.com/.well-known/oauth-protected-resource",
      )
    }
  })

  it("reads the organization out of a path, and out of nothing that is written in two ways", () => {
    const found = resolved("https://a.example.com/orgs/{organization}/mcp")
    assert.isTrue(found.isBound)
    assert.strictEqual(found.path, "/orgs/:organization/mcp")
    assert.deepStrictEqual(found.at("/orgs/acme/mcp"), {
      resource: "https://a.example.com/orgs/acme/mcp",
      organizationId: "acme",
    })
    for (const name of ["", ".", "..", "a/b", "%61cme", "a b", "é", "x".repeat(256), "{organization}"]) {
      assert.isNull(found.at(`/orgs/${name}/mcp`), name)
    }
    for (const path of ["/orgs/mcp", "/orgs//mcp", "/orgs/acme", "/acme/mcp"]) assert.isNull(found.at(path), path)
    assert.isNotNull(resolved("https://a.example.com/mcp/{organization}").at("/mcp/acme"))
    assert.isNotNull(resolved("https://a.example.com/organizations/{organization}").at("/organizations/acme"))
  })

  it("refuses what tokens cannot be for, and look-alikes of this machine", () => {
    assert.strictEqual(reason(""), "empty")
    assert.strictEqual(reason("mcp"), "not a URL")
    assert.strictEqual(reason("https://a.example.com/mcp?a=1"), "query")
    assert.strictEqual(reason("https://a.example.com/mcp?"), "query")
    assert.strictEqual(reason("https://a.example.com/mcp#a"), "fragment")
    assert.strictEqual(reason("https://a@a.example.com/mcp"), "userinfo")
    for (const insecure of [
      "http://a.example.com/mcp",
      "http://localhost.evil.com/mcp",
      "http://127.0.0.1.evil.com/mcp",
      "http://localhost@evil.com/mcp",
      "ftp://a.example.com/mcp",
    ]) {
      assert.strictEqual(reason(insecure), "https", insecure)
    }
    for (const other of [
      "https://A.example.com/mcp",
      "https://a.example.com:443/mcp",
      "https://a.example.com/x/../mcp",
      "https://a.example.com/mcp/{organization}x",
      "https://a.example.com/mcp/x{organization}",
      "https://a.example.com/{organization}/{organization}",
      "https://{organization}.example.com/mcp",
      "https://{organization}/mcp",
    ]) {
      assert.strictEqual(reason(other), "not a URL", other)
    }
    for (const local of ["http://localhost:3000/mcp", "http://127.0.0.1:3000/mcp", "http://[::1]:3000/mcp"]) {
      assert.isNull(reason(local), local)
    }
    const insecure = McpResource.resolve({
      resource: "https://a.example.com/mcp",
      authorizationServers: ["http://auth.example.com"],
    })
    assert.isTrue(Result.isFailure(insecure))
  })
})

describe("McpScopes", () => {
  it("tells what is missing, and what to ask for", () => {
    assert.deepStrictEqual(McpScopes.missing(["a", "b"], ["b", "c"]), ["a"])
    assert.deepStrictEqual(McpScopes.stepUp(["a", "b"], ["b", "offline_access", "c"]), ["a", "b", "c"])
  })
})
