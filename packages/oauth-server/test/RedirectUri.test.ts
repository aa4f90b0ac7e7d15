/**
 * Which redirect URI is which.
 */
import * as RedirectUri from "@belfry/oauth-server/RedirectUri"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { confusing, confusingLoopback, registered } from "./support/redirectUris.ts"

const web = { isNative: false }
const native = { isNative: true }

describe("RFC 9700 §4.1.3", () => {
  it("MUST compare redirect URIs as exact strings", () => {
    assert.isAtLeast(confusing.length, 80)
    assert.isTrue(RedirectUri.matches(registered, registered, web))
    assert.isTrue(RedirectUri.matches(registered, registered, native))
    for (const given of confusing) {
      assert.isFalse(RedirectUri.matches(registered, given, web), given)
      assert.isFalse(RedirectUri.matches(registered, given, native), given)
    }
  })

  it("MUST take nothing but equal strings from clients that are not native, loopback or not", () => {
    const uris = [...confusing, ...confusingLoopback, registered, "http://127.0.0.1/callback", "http://localhost:1/x"]
    for (const some of uris) {
      for (const other of uris) assert.strictEqual(RedirectUri.matches(some, other, web), some === other)
    }
  })

  it.prop("MUST take nothing but equal strings, whatever they are", [Schema.String, Schema.String], ([some, other]) => {
    assert.strictEqual(RedirectUri.matches(some, other, web), some === other)
    if (!RedirectUri.isLoopback(some)) assert.strictEqual(RedirectUri.matches(some, other, native), some === other)
    return true
  })
})

describe("RFC 8252 §7.3", () => {
  it("MUST allow any port of a loopback redirect of a native client", () => {
    for (const host of ["127.0.0.1", "[::1]", "localhost"]) {
      for (const rest of ["/callback", "", "/", "?x=1", "/a/b?c=d&e=%20"]) {
        const known = [`http://${host}${rest}`, `http://${host}:1234${rest}`]
        const given = ["", ":1", ":80", ":5000", ":65535"].map((port) => `http://${host}${port}${rest}`)
        for (const some of known) {
          for (const other of given) {
            assert.isTrue(RedirectUri.matches(some, other, native), `${some} ${other}`)
            assert.strictEqual(RedirectUri.matches(some, other, web), some === other)
          }
        }
      }
    }
  })

  it("MUST NOT take one loopback host for another, nor anything but the port for equal", () => {
    const hosts = ["http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost/callback"]
    for (const some of hosts) {
      for (const other of hosts) assert.strictEqual(RedirectUri.matches(some, other, native), some === other)
      for (const given of confusingLoopback) assert.isFalse(RedirectUri.matches(some, given, native), given)
      for (const given of confusingLoopback) assert.isFalse(RedirectUri.matches(given, some, native), given)
    }
  })

  it("tells loopback redirects from others", () => {
    for (const uri of ["http://127.0.0.1", "http://[::1]:1/x", "http://localhost:65535?x"]) {
      assert.isTrue(RedirectUri.isLoopback(uri), uri)
    }
    for (const uri of ["https://127.0.0.1", "http://127.0.0.2/", "http://localhost:65536", "http://localhostx/", ""]) {
      assert.isFalse(RedirectUri.isLoopback(uri), uri)
    }
  })
})

describe("hostOf", () => {
  it("names the host that an answer goes to, and none for applications", () => {
    assert.strictEqual(RedirectUri.hostOf("https://client.example.com/callback"), "client.example.com")
    assert.strictEqual(RedirectUri.hostOf("http://127.0.0.1:5000/callback"), "127.0.0.1:5000")
    assert.strictEqual(RedirectUri.hostOf("https://good.example@evil.example/"), "evil.example")
    for (const uri of ["com.example.app:/callback", "com.example.app://evil.example/x", "nonsense", ""]) {
      assert.isNull(RedirectUri.hostOf(uri), uri)
    }
  })

  it("names what a content security policy has to allow", () => {
    assert.strictEqual(RedirectUri.sourceOf("https://client.example.com/callback"), "https://client.example.com")
    assert.strictEqual(RedirectUri.sourceOf("http://127.0.0.1:5000/callback"), "http://127.0.0.1:5000")
    assert.strictEqual(RedirectUri.sourceOf("com.example.app:/callback"), "com.example.app:")
    assert.isNull(RedirectUri.sourceOf("nonsense"))
  })
})
