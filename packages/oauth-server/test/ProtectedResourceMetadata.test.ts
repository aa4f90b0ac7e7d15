import * as ProtectedResourceMetadata from "@belfry/oauth-server/ProtectedResourceMetadata"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"

const { formatChallenge, make, urlOf } = ProtectedResourceMetadata

const options = {
  resource: "https://api.example.com/mcp",
  authorizationServers: ["https://auth.example.com/auth"],
} as const

const urlText = (resource: string) => Result.getOrThrow(urlOf(resource)).href

const reasonOf = <A>(result: Result.Result<A, ProtectedResourceMetadata.ResourceServerInvalid>) =>
  Result.isFailure(result) ? `${result.failure.setting}: ${result.failure.reason}` : "taken"

describe("RFC 9728 §2", () => {
  it("MUST name the resource as the host wrote it, and MUST name an authorization server", () => {
    assert.deepStrictEqual(Result.getOrThrow(make(options)), {
      resource: "https://api.example.com/mcp",
      authorization_servers: ["https://auth.example.com/auth"],
      bearer_methods_supported: ["header"],
    })
    for (const resource of ["https://API.example.com", "https://api.example.com/", "https://api.example.com/a/../b"]) {
      assert.strictEqual(Result.getOrThrow(make({ ...options, resource })).resource, resource)
    }
  })

  it("tells what else the host says", () => {
    const made = make({
      ...options,
      scopes: ["tools:read", "tools:call"],
      name: "Tools",
      documentation: "https://api.example.com/docs",
      policyUri: "https://api.example.com/policy",
      termsUri: "https://api.example.com/terms",
    })
    assert.deepInclude(Result.getOrThrow(made), {
      scopes_supported: ["tools:read", "tools:call"],
      resource_name: "Tools",
      resource_documentation: "https://api.example.com/docs",
      resource_policy_uri: "https://api.example.com/policy",
      resource_tos_uri: "https://api.example.com/terms",
    })
  })

  it("MUST NOT list what is empty, and never offline_access", () => {
    assert.notProperty(Result.getOrThrow(make({ ...options, scopes: [] })), "scopes_supported")
    assert.notProperty(Result.getOrThrow(make({ ...options, scopes: ["offline_access"] })), "scopes_supported")
  })

  it("MUST refuse a resource or server that is not https, unless it is this machine", () => {
    const of = (resource: string) => reasonOf(make({ ...options, resource }))
    assert.strictEqual(of("http://localhost:8080/mcp"), "taken")
    assert.strictEqual(of("http://127.0.0.1:8080/mcp"), "taken")
    assert.strictEqual(of("http://api.example.com/mcp"), "resource: https")
    assert.strictEqual(of("http://localhost.example.com/mcp"), "resource: https")
    assert.strictEqual(of("https://api.example.com/mcp#tools"), "resource: fragment")
    assert.strictEqual(of("https://api.example.com/mcp#"), "resource: fragment")
    assert.strictEqual(of("https://user@api.example.com/mcp"), "resource: userinfo")
    assert.strictEqual(of("https://api.example.com/a b"), "resource: not a URL")
    assert.strictEqual(of("api"), "resource: not a URL")
    assert.strictEqual(of(""), "resource: empty")
    const from = (issuer: string) => reasonOf(make({ ...options, authorizationServers: [issuer] }))
    assert.strictEqual(from("http://auth.example.com"), "authorizationServers: https")
    assert.strictEqual(from("https://auth.example.com?a=b"), "authorizationServers: query")
    assert.strictEqual(from("https://auth.example.com/a@b"), "taken")
  })
})

describe("RFC 9728 §3.1", () => {
  it("MUST insert the well-known path between the host and the path and query", () => {
    const base = "https://resource.example.com/.well-known/oauth-protected-resource"
    assert.strictEqual(urlText("https://resource.example.com"), base)
    assert.strictEqual(urlText("https://resource.example.com/"), base)
    assert.strictEqual(urlText("https://resource.example.com/resource1"), `${base}/resource1`)
    assert.strictEqual(urlText("https://resource.example.com/a/b/"), `${base}/a/b/`)
    assert.strictEqual(urlText("https://resource.example.com/a?k=v"), `${base}/a?k=v`)
    assert.strictEqual(urlText("https://resource.example.com/?k=v"), `${base}?k=v`)
    assert.strictEqual(
      urlText("http://localhost:8080/mcp"),
      "http://localhost:8080/.well-known/oauth-protected-resource/mcp",
    )
  })
})

describe("RFC 6750 §3", () => {
  it("MUST begin with the scheme, and names only what is known", () => {
    assert.strictEqual(formatChallenge({}), "Bearer")
    assert.strictEqual(
      formatChallenge({
        error: "insufficient_scope",
        description: "More is needed",
        scopes: ["a", "b"],
        resourceMetadata: "https://api.example.com/.well-known/oauth-protected-resource/mcp",
      }),
      'Bearer error="insufficient_scope", error_description="More is needed", scope="a b", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp"',
    )
  })

  it("MUST NOT let text leave its quotes", () => {
    const text = formatChallenge({ description: 'a"\r\nSet-Cookie: x=\\é', scopes: ['a", error="b'] })
    assert.notMatch(text, /[\r\n\\é]/u)
    assert.strictEqual(text.split('"').length - 1, 4)
  })
})
