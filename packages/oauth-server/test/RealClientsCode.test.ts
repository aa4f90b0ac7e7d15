/**
 * The code flow with PKCE, as applications on `openid-client` and `oauth4webapi` go through it against a server that
 * listens: answers, ID tokens and their signatures are validated by the libraries.
 */
import type { SigningAlgorithm } from "@belfry/oauth-server/SigningKey"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { decodeProtectedHeader } from "jose"
import * as oauth from "oauth4webapi"
import { leftHalf, makeClientKey } from "./support/ClientKeys.ts"
import { confidential, discovered, publicClient, signIn } from "./support/Flows.ts"
import { layer, real } from "./support/RealServer.ts"
import { answerError, bodyError, validationCode } from "./support/Refusals.ts"
import { libraries } from "./support/RelyingParty.ts"

const algorithms: ReadonlyArray<SigningAlgorithm> = ["RS256", "ES256", "PS256", "EdDSA"]

withLayer(layer(), { excludeTestServices: true })("Real clients, the code flow", (it) => {
  for (const library of libraries) {
    const { discover, name } = library

    describe("RFC 6749 §2.3.1", () => {
      it.effect(`MUST take a secret in the Authorization header, by ${name}`, () =>
        real(async (server) => {
          const { browser, pages, tokens, user } = await signIn(server, await discovered(server, library))
          assert.deepStrictEqual(pages, ["/authorize/consent"])
          assert.strictEqual(tokens.claims?.sub, user.id)
          assert.deepStrictEqual([tokens.token_type, tokens.scope], ["bearer", "openid"])
          assert.isTrue(tokens.expires_in !== undefined && tokens.expires_in > 3500 && tokens.expires_in <= 3600)
          assert.isDefined(browser.cookies.get("belfry_session"))
        }),
      )

      it.effect(`MUST decode id and secret of the header as a form, by ${name}`, () =>
        real(async (server) => {
          const strange = { id: `a:b%c+d/e?f=g&h"i'j(${name})!*~`, secret: "s:e%c+r/e?t=t&é\"ö'ü !(long) enough *~" }
          const party = await discovered(server, library, {}, strange)
          assert.strictEqual((await party.clientCredentials()).token_type, "bearer")
        }),
      )

      it.effect(`takes a secret in the form of a client that registered so, by ${name}`, () =>
        real(async (server) => {
          const { id, secret } = await server.client({ tokenEndpointAuthMethod: "client_secret_post" })
          const party = await discover(server.issuer, { id, proof: { method: "client_secret_post", secret } })
          const { tokens, user } = await signIn(server, party)
          assert.strictEqual(tokens.claims?.sub, user.id)
        }),
      )
    })

    describe("RFC 7523 §2.2", () => {
      it.effect(`takes an assertion of the client with its code, by ${name}`, () =>
        real(async (server) => {
          const { jwk, proof } = await makeClientKey("ES256")
          const { id } = await server.client({ tokenEndpointAuthMethod: "private_key_jwt", jwks: { keys: [jwk] } })
          const { tokens, user } = await signIn(server, await discover(server.issuer, { id, proof }))
          assert.strictEqual(tokens.claims?.sub, user.id)
        }),
      )
    })

    describe("RFC 7636 §4", () => {
      it.effect(`gives a public client tokens for its code and verifier, by ${name}`, () =>
        real(async (server) => {
          const { id } = await server.client(publicClient)
          const party = await discover(server.issuer, { id, proof: { method: "none" } })
          const { tokens, user } = await signIn(server, party, { scope: "openid offline_access" })
          assert.strictEqual(tokens.claims?.sub, user.id)
          assert.isString(tokens.refresh_token)
        }),
      )
    })

    describe("RFC 7636 §4.6", () => {
      it.effect(`MUST refuse a code with the verifier of another request, by ${name}`, () =>
        real(async (server) => {
          const { id } = await server.client(publicClient)
          const party = await discover(server.issuer, { id, proof: { method: "none" } })
          const [one, other] = [await party.begin(), await party.begin()]
          // An answer to one request, brought into another: what is left when `state` is stolen too.
          const { answer } = await (await server.person()).authorize(one.url)
          assert.instanceOf(answer, URL)
          answer.searchParams.set("state", other.url.searchParams.get("state") ?? "")
          assert.deepStrictEqual(await bodyError(other.finish(answer)), [400, "invalid_grant"])
        }),
      )
    })

    describe("OAuth 2.1 §7.5.1", () => {
      it.effect(`lets the host exempt a confidential client from PKCE, which then has its nonce, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, {}, { privileges: { requirePkce: false } })
          const { tokens, user } = await signIn(server, party, { withoutPkce: true })
          assert.strictEqual(tokens.claims?.sub, user.id)
        }),
      )

      it.effect(`MUST ask a public client for a challenge, whatever the host says, by ${name}`, () =>
        real(async (server) => {
          const { id } = await server.client(publicClient, { privileges: { requirePkce: false } })
          const party = await discover(server.issuer, { id, proof: { method: "none" } })
          const begun = await party.begin({ withoutPkce: true })
          const { answer } = await (await server.person()).authorize(begun.url)
          assert.strictEqual(await answerError(begun.finish(answer)), "invalid_request")
        }),
      )

      it.effect(`MUST refuse a verifier for a code without a challenge, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, {}, { privileges: { requirePkce: false } })
          const begun = await party.begin()
          const stripped = new URL(begun.url)
          // Somebody on the way takes the challenge out, so that a stolen code could be used.
          stripped.searchParams.delete("code_challenge")
          stripped.searchParams.delete("code_challenge_method")
          const { answer } = await (await server.person()).authorize(stripped)
          assert.deepStrictEqual(await bodyError(begun.finish(answer)), [400, "invalid_grant"])
        }),
      )
    })

    describe("RFC 8252 §7.3", () => {
      it.effect(`MUST take any port of the loopback address of a native client, by ${name}`, () =>
        real(async (server) => {
          const { id } = await server.client({ ...publicClient, redirectUris: ["http://127.0.0.1/callback"] })
          const party = await discover(server.issuer, { id, proof: { method: "none" } })
          const redirectUri = "http://127.0.0.1:49152/callback"
          const { answer, tokens } = await signIn(server, party, { redirectUri })
          assert.instanceOf(answer, URL)
          assert.strictEqual(answer.origin + answer.pathname, redirectUri)
          assert.isDefined(tokens.claims)
        }),
      )
    })

    describe("RFC 6749 §4.1.2", () => {
      it.effect(`MUST refuse a code that was used, and ends what came of it, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { answer, begun, tokens, user } = await signIn(server, party)
          assert.strictEqual((await party.userInfo(tokens.access_token, user.id)).sub, user.id)
          assert.deepStrictEqual(await bodyError(begun.finish(answer)), [400, "invalid_grant"])
          assert.isFalse((await party.introspect(tokens.access_token)).active)
        }),
      )

      it.effect(`MUST refuse a code of another client, and leaves it to its own, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const thief = await discovered(server, library)
          const [begun, stolen] = [await party.begin(), await thief.begin()]
          const { answer } = await (await server.person()).authorize(begun.url)
          assert.instanceOf(answer, URL)
          const injected = new URL(answer)
          injected.searchParams.set("state", stolen.url.searchParams.get("state") ?? "")
          assert.deepStrictEqual(await bodyError(stolen.finish(injected)), [400, "invalid_grant"])
          assert.isDefined((await begun.finish(answer)).claims)
        }),
      )
    })

    describe("RFC 9207 §2", () => {
      it.effect(`MUST say who answers, which the library insists on, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const begun = await party.begin()
          const { answer } = await (await server.person()).authorize(begun.url)
          assert.instanceOf(answer, URL)
          assert.strictEqual(answer.searchParams.get("iss"), server.issuer)
          const [without, other] = [new URL(answer), new URL(answer)]
          without.searchParams.delete("iss")
          other.searchParams.set("iss", "https://other.example.com")
          assert.strictEqual(await validationCode(begun.finish(without)), oauth.INVALID_RESPONSE)
          assert.strictEqual(await validationCode(begun.finish(other)), oauth.INVALID_RESPONSE)
          assert.isDefined((await begun.finish(answer)).claims)
        }),
      )
    })

    describe("OAuth 2.0 Form Post Response Mode §2", () => {
      it.effect(`MUST post the answer to the client, with state and iss in it, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const asked = { parameters: { response_mode: "form_post" } }
          const { answer, tokens, user } = await signIn(server, party, asked)
          assert.instanceOf(answer, Request)
          assert.strictEqual(answer.method, "POST")
          assert.strictEqual(tokens.claims?.sub, user.id)
        }),
      )
    })

    describe("OpenID Connect Core §2", () => {
      it.effect(`MUST have the nonce of the request, and says how and when the user signed in, by ${name}`, () =>
        real(async (server) => {
          const { begun, tokens } = await signIn(server, await discovered(server, library))
          const { amr, auth_time: authTime, iat, nonce, sid } = tokens.claims ?? assert.fail("no ID token")
          assert.strictEqual(nonce, begun.nonce)
          assert.deepStrictEqual(amr, ["pwd"])
          assert.isString(sid)
          assert.isAtMost(Math.abs((authTime ?? 0) - iat), 10)
        }),
      )
    })

    describe("OpenID Connect Core §3.1.2.1", () => {
      it.effect(`MUST have a user sign in again for max_age=0, and say when they did, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { pages, tokens } = await signIn(server, party, { maxAge: 0 })
          assert.deepStrictEqual(pages, ["/account/confirm", "/authorize/consent"])
          assert.isNumber(tokens.claims?.auth_time)
        }),
      )

      it.effect(`takes a user who signed in not longer ago than max_age, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { pages, tokens } = await signIn(server, party, { maxAge: 3600 })
          assert.deepStrictEqual(pages, ["/authorize/consent"])
          assert.isNumber(tokens.claims?.auth_time)
        }),
      )

      it.effect(`MUST go by default_max_age and require_auth_time as registered, by ${name}`, () =>
        real(async (server) => {
          const registered = await server.client({ defaultMaxAge: 0, requireAuthTime: true })
          const metadata = { default_max_age: 0, require_auth_time: true }
          const party = await discover(server.issuer, { ...confidential(registered), metadata })
          const { pages } = await signIn(server, party)
          assert.deepStrictEqual(pages, ["/account/confirm", "/authorize/consent"])
        }),
      )

      it.effect(`has somebody sign in who is not, and asks for consent once, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const browser = await server.person({ isSignedIn: false })
          const first = await party.begin()
          const { answer, pages } = await browser.authorize(first.url)
          assert.deepStrictEqual(pages, ["/sign-in", "/authorize/consent"])
          assert.strictEqual((await first.finish(answer)).claims?.sub, browser.user().id)
          const silent = await party.begin({ parameters: { prompt: "none" } })
          const again = await browser.authorize(silent.url)
          assert.deepStrictEqual(again.pages, [])
          assert.strictEqual((await silent.finish(again.answer)).claims?.sub, browser.user().id)
        }),
      )

      it.effect(`asks nobody for consent to a client of the host's own, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, {}, { privileges: { skipConsent: true } })
          const { pages, tokens } = await signIn(server, party)
          assert.deepStrictEqual(pages, [])
          assert.isDefined(tokens.claims)
        }),
      )

      it.effect(`MUST ask what prompt names, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { browser } = await signIn(server, party)
          const begun = await party.begin({ parameters: { prompt: "login select_account consent" } })
          const { answer, pages } = await browser.authorize(begun.url)
          assert.deepStrictEqual(pages, ["/account/confirm", "/authorize/consent"])
          assert.isDefined((await begun.finish(answer)).claims)
          const other = await party.begin({ parameters: { prompt: "select_account" } })
          const chosen = await browser.authorize(other.url)
          assert.deepStrictEqual(chosen.pages, ["/authorize/account"])
          assert.isDefined((await other.finish(chosen.answer)).claims)
        }),
      )
    })

    describe("OpenID Connect Core §3.1.3.6", () => {
      for (const algorithm of algorithms) {
        it.effect(`signs ID tokens with ${algorithm}, and hashes the access token by it, by ${name}`, () =>
          real(async (server) => {
            const registered = await server.client({ idTokenSignedResponseAlg: algorithm })
            const metadata = { id_token_signed_response_alg: algorithm }
            const party = await discover(server.issuer, { ...confidential(registered), metadata })
            const { tokens } = await signIn(server, party)
            const idToken = tokens.id_token ?? assert.fail("no ID token")
            assert.strictEqual(decodeProtectedHeader(idToken).alg, algorithm)
            assert.strictEqual(tokens.claims?.["at_hash"], leftHalf(algorithm, tokens.access_token))
          }),
        )
      }
    })

    describe("OpenID Connect Core §15.1", () => {
      it.effect(`MUST sign with RS256 for clients that registered nothing else, by ${name}`, () =>
        real(async (server) => {
          const { tokens } = await signIn(server, await discovered(server, library))
          assert.strictEqual(decodeProtectedHeader(tokens.id_token ?? "").alg, "RS256")
        }),
      )
    })
  }
})
