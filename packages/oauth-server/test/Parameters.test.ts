/**
 * Parameters of protocol requests, as they are read.
 */
import * as Parameters from "@belfry/oauth-server/Parameters"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"

const make = (query: string) => Parameters.make(new URLSearchParams(query))
const lenient = (query: string) => Parameters.lenient(new URLSearchParams(query))

const repeatedIn = (query: string) =>
  Result.match(make(query), { onFailure: ({ names }) => names, onSuccess: () => "none" as const })

describe("RFC 6749 §3.1", () => {
  it("MUST treat parameters without a value as if they were left out", () => {
    for (const parameters of [Result.getOrThrow(make("scope=&state=x&nonce")), lenient("scope=&state=x&nonce")]) {
      assert.isUndefined(parameters.get("scope"))
      assert.deepStrictEqual(parameters.all("nonce"), [])
      assert.strictEqual(parameters.get("state"), "x")
      assert.deepStrictEqual(parameters.names, ["state"])
    }
  })

  it("MUST NOT take a parameter more than once", () => {
    assert.deepStrictEqual(repeatedIn("state=a&state=b"), ["state"])
    assert.deepStrictEqual(repeatedIn("state=a&scope=b&client_id=c&scope=d&state=a&state=e"), ["scope", "state"])
    assert.strictEqual(repeatedIn("state=a&scope=b&State=c"), "none")
  })

  it("MUST NOT take a parameter more than once, with or without a value", () => {
    for (const query of ["code=a&code=", "code=&code=a", "code=&code=", "code&code"])
      assert.deepStrictEqual(repeatedIn(query), ["code"], query)
  })
})

describe("RFC 8707 §2", () => {
  it("lets resource stand more than once, in order, as audience may", () => {
    const parameters = Result.getOrThrow(make("resource=https://b&audience=x&resource=&resource=https://a&audience=y"))
    assert.deepStrictEqual(parameters.all("resource"), ["https://b", "https://a"])
    assert.strictEqual(parameters.get("resource"), "https://b")
    assert.deepStrictEqual(parameters.all("audience"), ["x", "y"])
    assert.deepStrictEqual(parameters.names, ["resource", "audience"])
  })
})

describe("parameters", () => {
  it("are not there unless they were sent, whatever their names", () => {
    for (const parameters of [Result.getOrThrow(make("")), lenient("")]) {
      for (const name of ["state", "constructor", "__proto__", ""]) {
        assert.isUndefined(parameters.get(name), name)
        assert.deepStrictEqual(parameters.all(name), [], name)
      }
      assert.deepStrictEqual(parameters.names, [])
    }
  })

  it("are read as they are where they are only looked at: the first value of several", () => {
    const parameters = lenient("redirect_uri=a&state=s&redirect_uri=b")
    assert.strictEqual(parameters.get("redirect_uri"), "a")
    assert.deepStrictEqual(parameters.all("redirect_uri"), ["a", "b"])
    assert.deepStrictEqual(parameters.names, ["redirect_uri", "state"])
  })

  it("are told by name where endpoints of this server read them", () => {
    for (const names of [
      "client_id client_secret client_assertion client_assertion_type",
      "response_type response_mode redirect_uri scope state code_challenge code_challenge_method",
      "nonce prompt max_age display ui_locales login_hint id_token_hint acr_values claims",
      "request request_uri registration post_logout_redirect_uri",
      "grant_type code code_verifier refresh_token token token_type_hint access_token",
    ]) {
      const twice = names.split(" ").flatMap((name) => [`${name}=1`, `${name}=2`])
      assert.deepStrictEqual(repeatedIn(twice.join("&")).toString(), names.split(" ").toString())
    }
  })

  it("are refused where a foreign one is repeated, without telling its name", () => {
    for (const name of ["<script>", "eyJhbGciOiJub25lIn0", "password", "constructor", "__proto__", "STATE", ""]) {
      const twice = new URLSearchParams([
        [name, "1"],
        [name, "2"],
        ["state", "s"],
      ])
      assert.deepStrictEqual(repeatedIn(twice.toString()), [], name)
    }
    assert.deepStrictEqual(repeatedIn("evil=1&nonce=a&evil=2&nonce=b"), ["nonce"])
  })
})
