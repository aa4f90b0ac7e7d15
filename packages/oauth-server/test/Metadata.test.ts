/**
 * What the server tells of itself and clients of themselves, over HTTP.
 */
import { wellKnown } from "@belfry/oauth-server/Issuer"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { generateKeyPair, exportJWK } from "jose"
import { layer, serve } from "./support/Attacker.ts"
import { issuer } from "./support/Authorizing.ts"

describe("RFC 8414 §3.2", () => {
  it.effect("MUST answer with 200 and application/json, at each of the paths the same", () =>
    Effect.gen(function* () {
      const send = yield* serve
      const texts = new Set<string>()
      for (const path of Object.values(wellKnown)) {
        const answer = yield* send(path)
        assert.strictEqual(answer.status, 200, path)
        assert.strictEqual(answer.headers.get("content-type"), "application/json", path)
        assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*", path)
        texts.add(answer.text)
      }
      assert.strictEqual(texts.size, 1)
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 8414 §2", () => {
  it.effect("MUST tell an issuer without query and fragment, and endpoints below it", () =>
    Effect.gen(function* () {
      const send = yield* serve
      const metadata = yield* send(wellKnown.authorizationServer)
      assert.strictEqual(TestHttp.textAt(metadata, "issuer"), issuer)
      const { hash, search } = new URL(issuer)
      assert.deepStrictEqual([hash, search], ["", ""])
      for (const [name, value] of Object.entries(Object(metadata.json))) {
        if (name.endsWith("_endpoint")) assert.isTrue(String(value).startsWith(`${issuer}/oauth2/`), name)
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 9207 §2.3", () => {
  it.effect("MUST tell iss, prompts, S256, the end of sessions and what else other standards ask for", () =>
    Effect.gen(function* () {
      const send = yield* serve
      const metadata = yield* send(wellKnown.authorizationServer)
      assert.deepInclude(metadata.json, {
        authorization_response_iss_parameter_supported: true,
        code_challenge_methods_supported: ["S256"],
        prompt_values_supported: ["none", "login", "consent", "select_account", "create"],
        end_session_endpoint: `${issuer}/oauth2/end-session`,
      })
      // What is not there is not told either.
      for (const absent of [
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
        "dpop_signing_alg_values_supported",
        "client_id_metadata_document_supported",
        "backchannel_logout_supported",
      ]) {
        assert.notProperty(metadata.json, absent)
      }
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 7591 §2", () => {
  it.effect("MUST keep every member of the standard, and answer with it", () =>
    Effect.gen(function* () {
      const send = yield* serve
      const { publicKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
      const { crv, kty, x, y } = yield* Effect.promise(() => exportJWK(publicKey))
      const jwk: Readonly<Record<string, string>> = { crv: crv ?? "", kty: kty ?? "", x: x ?? "", y: y ?? "" }
      const metadata = {
        redirect_uris: ["https://client.example.com/callback", "https://client.example.com/other"],
        token_endpoint_auth_method: "private_key_jwt",
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        client_name: "Analytical Engine",
        "client_name#fr": "Machine analytique",
        client_uri: "https://client.example.com",
        logo_uri: "https://client.example.com/logo.png",
        scope: "openid email",
        contacts: ["ada@client.example.com"],
        tos_uri: "https://client.example.com/terms",
        policy_uri: "https://client.example.com/policy",
        jwks: { keys: [{ ...jwk, kid: "one" }] },
        software_id: "4NRB1-0XZABZI9E6-5SM3R",
        software_version: "2.1",
        application_type: "web",
        subject_type: "pairwise",
        id_token_signed_response_alg: "ES256",
        default_max_age: 3600,
        require_auth_time: true,
        default_acr_values: ["aal2"],
        post_logout_redirect_uris: ["https://client.example.com/signed-out"],
      }
      const answer = yield* send("/auth/oauth2/register", { method: "POST", json: metadata })
      assert.strictEqual(answer.status, 201, answer.text)
      assert.deepInclude(answer.json, metadata)
    }).pipe(
      Effect.provide(layer({ settings: { registration: "open", pairwiseSecret: Redacted.make("p".repeat(32)) } })),
    ),
  )
})
