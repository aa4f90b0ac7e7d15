/**
 * How `openid-client` and `oauth4webapi` report what the server refuses: in the answer through the browser, in the
 * body, and by challenges.
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Duration } from "effect"
import * as oauth from "oauth4webapi"
import { noLimits } from "./support/Authorizing.ts"
import { discovered, signIn } from "./support/Flows.ts"
import { layer, notes, real, type RealServer } from "./support/RealServer.ts"
import { answerError, bodyError, challenges } from "./support/Refusals.ts"
import { type Asked, libraries, type RelyingParty } from "./support/RelyingParty.ts"

const twice = (name: string) => ({ name, limit: 2, window: Duration.minutes(1) })

/** What the library reports of a request of somebody who agrees to all, or to nothing. */
const reported = async (
  server: RealServer["Service"],
  party: RelyingParty,
  asked: Asked,
  behaviour: { readonly isSignedIn?: boolean; readonly consent?: "nothing" } = {},
) => {
  const browser = await server.person({ isSignedIn: behaviour.isSignedIn ?? true })
  const begun = await party.begin(asked)
  const { answer } = await browser.authorize(begun.url, behaviour)
  return answerError(begun.finish(answer))
}

withLayer(layer(), { excludeTestServices: true })("Real clients, errors", (it) => {
  for (const library of libraries) {
    const { name } = library

    describe("RFC 6749 §4.1.2.1", () => {
      it.effect(`MUST tell a client that the user said no, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          assert.strictEqual(await reported(server, party, {}, { consent: "nothing" }), "access_denied")
          const form = { parameters: { response_mode: "form_post" } }
          assert.strictEqual(await reported(server, party, form, { consent: "nothing" }), "access_denied")
        }),
      )

      it.effect(`MUST refuse scopes that there are not, or that are not the client's, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library, { scopes: ["openid", "profile"] })
          assert.strictEqual(await reported(server, party, { scope: "openid nothing" }), "invalid_scope")
          assert.strictEqual(await reported(server, party, { scope: "openid notes:read" }), "invalid_scope")
        }),
      )

      it.effect(`MUST refuse other response types than code, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const browser = await server.person()
          const begun = await party.begin()
          for (const type of ["token", "id_token", "code id_token", "none"]) {
            begun.url.searchParams.set("response_type", type)
            const { answer } = await browser.authorize(begun.url)
            assert.strictEqual(await answerError(begun.finish(answer)), "unsupported_response_type")
          }
        }),
      )
    })

    describe("RFC 7636 §4.4.1", () => {
      it.effect(`MUST refuse a request without a challenge, or with a plain one, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const browser = await server.person()
          const [without, plain] = [await party.begin(), await party.begin()]
          without.url.searchParams.delete("code_challenge")
          without.url.searchParams.delete("code_challenge_method")
          plain.url.searchParams.set("code_challenge_method", "plain")
          for (const begun of [without, plain]) {
            const { answer } = await browser.authorize(begun.url)
            assert.strictEqual(await answerError(begun.finish(answer)), "invalid_request")
          }
        }),
      )
    })

    describe("OpenID Connect Core §3.1.2.6", () => {
      it.effect(`MUST say what a user would have to do, where none may be asked, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const silent = { parameters: { prompt: "none" } }
          assert.strictEqual(await reported(server, party, silent, { isSignedIn: false }), "login_required")
          assert.strictEqual(await reported(server, party, silent), "consent_required")
          assert.strictEqual(await reported(server, party, { ...silent, maxAge: 0 }), "login_required")
          const step = { parameters: { prompt: "none", acr_values: "aal2" } }
          assert.strictEqual(await reported(server, party, step), "login_required")
          const other = { parameters: { prompt: "none login" } }
          assert.strictEqual(await reported(server, party, other), "invalid_request")
        }),
      )

      it.effect(`MUST refuse request objects as what they are, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const object = { parameters: { request: "a.b.c" } }
          assert.strictEqual(await reported(server, party, object), "request_not_supported")
          const uri = { parameters: { request_uri: "https://client.example.com/request" } }
          assert.strictEqual(await reported(server, party, uri), "request_uri_not_supported")
          const registration = { parameters: { registration: "{}" } }
          assert.strictEqual(await reported(server, party, registration), "registration_not_supported")
        }),
      )
    })

    describe("RFC 8707 §2", () => {
      it.effect(`MUST refuse a resource that it does not know, at either endpoint, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const unknown = "https://unknown.example.com/"
          assert.strictEqual(await reported(server, party, { parameters: { resource: unknown } }), "invalid_target")
          assert.strictEqual(await reported(server, party, { parameters: { resource: "notes" } }), "invalid_target")
          const itself = party.clientCredentials({ resource: unknown })
          assert.deepStrictEqual(await bodyError(itself), [400, "invalid_target"])
          const asked = { scope: "openid offline_access notes:read", parameters: { resource: notes } }
          const { tokens } = await signIn(server, party, asked)
          const wider = party.refresh(tokens.refresh_token ?? "", { resource: unknown })
          assert.deepStrictEqual(await bodyError(wider), [400, "invalid_target"])
        }),
      )
    })

    describe("RFC 6749 §5.2", () => {
      it.effect(`MUST refuse scopes, grants and tokens of the token endpoint by their names, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const scope = party.clientCredentials({ scope: "nothing" })
          assert.deepStrictEqual(await bodyError(scope), [400, "invalid_scope"])
          assert.deepStrictEqual(await bodyError(party.refresh("no such token")), [400, "invalid_grant"])
          const only = await discovered(server, library, { grantTypes: ["authorization_code"] })
          assert.deepStrictEqual(await bodyError(only.clientCredentials()), [400, "unauthorized_client"])
        }),
      )
    })

    describe("RFC 6750 §3", () => {
      it.effect(`MUST challenge a token that is not in force, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const refused = await challenges(party.userInfo("no such token", "somebody"))
          assert.strictEqual(refused.status, 401)
          const { error, error_description: description, realm } = refused.challenges[0]?.parameters ?? {}
          assert.deepStrictEqual(
            [refused.challenges[0]?.scheme, realm, error],
            ["bearer", server.issuer, "invalid_token"],
          )
          assert.isString(description)
        }),
      )

      it.effect(`MUST say which scope is missing, by ${name}`, () =>
        real(async (server) => {
          const party = await discovered(server, library)
          const { tokens } = await signIn(server, party, { scope: "notes:read" })
          const refused = await challenges(party.userInfo(tokens.access_token, "somebody"))
          assert.strictEqual(refused.status, 403)
          const [challenge] = refused.challenges
          assert.deepStrictEqual(
            [challenge?.parameters.error, challenge?.parameters.scope],
            ["insufficient_scope", "openid"],
          )
        }),
      )
    })
  }

  describe("RFC 6750 §3.1", () => {
    it.effect("SHOULD NOT tell of an error where nothing was presented", () =>
      real(async ({ issuer }) => {
        const response = await fetch(`${issuer}/oauth2/userinfo`)
        assert.strictEqual(response.status, 401)
        const server = { issuer, userinfo_endpoint: `${issuer}/oauth2/userinfo` }
        const refused = await challenges(oauth.processUserInfoResponse(server, { client_id: "x" }, "x", response))
        assert.deepStrictEqual(
          refused.challenges.map(({ parameters, scheme }) => [scheme, { ...parameters }]),
          [["bearer", { realm: issuer }]],
        )
      }),
    )
  })
})

const limits = { ...noLimits, token: twice("token-by-address"), registration: twice("registration-by-address") }

const limited = layer({ settings: { rateLimits: limits } })

withLayer(limited, { excludeTestServices: true })("Real clients, limits", (it) => {
  describe("RFC 6585 §4", () => {
    it.effect("is reported as an error of the protocol, and stops no client that proves itself", () =>
      real(async (server) => {
        for (const library of libraries) {
          const { id } = await server.client({ tokenEndpointAuthMethod: "client_secret_post" })
          const wrong = { id, proof: { method: "client_secret_post", secret: "wrong" } } as const
          const party = await library.discover(server.issuer, wrong)
          const failures: Array<unknown> = []
          for (let attempts = 0; attempts < 3; attempts++) failures.push(await bodyError(party.clientCredentials()))
          assert.deepStrictEqual(failures.at(-1), [429, "slow_down"])
          const own = await discovered(server, library)
          assert.strictEqual((await own.clientCredentials()).token_type, "bearer")
        }
        const [library] = libraries
        assert.isDefined(library)
        const register = () => library.register(server.issuer, { redirect_uris: ["https://client.example.com/"] })
        await register()
        await register()
        assert.deepStrictEqual(await bodyError(register()), [429, "slow_down"])
      }),
    )
  })
})
