import * as Apple from "@belfry/oauth-client/Apple"
import * as GitHub from "@belfry/oauth-client/GitHub"
import * as Google from "@belfry/oauth-client/Google"
import * as Microsoft from "@belfry/oauth-client/Microsoft"
import { make, type OAuthProviderOptions } from "@belfry/oauth-client/OAuthProvider"
import { OAuthTransport } from "@belfry/oauth-client/OAuthTransport"
import * as Oidc from "@belfry/oauth-client/Oidc"
import { assert, describe, layer } from "@effect/vitest"
import { DateTime, Effect, Redacted, Result } from "effect"
import { exportPKCS8, generateKeyPair } from "jose"
import * as Emulate from "./support/emulate.ts"
import { reveal } from "./support/strategies.ts"
import * as Transport from "./support/Transport.ts"

const client = { clientId: "belfry-client", clientSecret: Redacted.make("a secret") }
const registered = {
  client_id: client.clientId,
  client_secret: Redacted.value(client.clientSecret),
  name: "Belfry",
  redirect_uris: [Emulate.redirectUri],
}

const providerOf = (options: OAuthProviderOptions) => Result.getOrThrow(make(options))

layer(Transport.layer, { excludeTestServices: true })("against emulate", (it) => {
  describe("Google", () => {
    const users = [
      { email: "ada@acme.example", name: "Ada Lovelace", hd: "acme.example", picture: "https://img.example/ada" },
      { email: "eve@gmail.example", name: "Eve", email_verified: false },
    ]
    const google = (settings: Google.GoogleSettings = {}) =>
      Effect.map(Emulate.start("google", { users, oauth_clients: [registered] }), (authority) =>
        providerOf(Google.options({ ...client, ...settings, authority })),
      )

    it.effect("signs somebody in, and renews what it gave", () =>
      Effect.gen(function* () {
        const provider = yield* google()
        const before = yield* DateTime.now
        const { url, tokens, claims, profile } = yield* Emulate.signIn(provider, "ada@acme.example")
        const end = tokens.accessTokenExpiresAt ?? before
        assert.isTrue(DateTime.isGreaterThanOrEqualTo(end, DateTime.add(before, { seconds: 3600 })))
        assert.strictEqual(url.searchParams.get("access_type"), "offline")
        assert.strictEqual(url.searchParams.get("prompt"), "consent")
        assert.strictEqual(url.searchParams.get("include_granted_scopes"), "true")
        assert.strictEqual(url.searchParams.get("code_challenge_method"), "S256")
        assert.strictEqual(claims?.["iss"], provider.issuer)
        assert.deepInclude(profile ?? {}, {
          accountId: claims?.["sub"],
          email: "ada@acme.example",
          emailVerified: true,
          name: "Ada Lovelace",
          image: "https://img.example/ada",
        })
        const transport = yield* OAuthTransport
        const renewed = yield* transport.refresh(provider, tokens)
        assert.notStrictEqual(reveal(renewed.accessToken), reveal(tokens.accessToken))
        assert.strictEqual(reveal(renewed.refreshToken), reveal(tokens.refreshToken))
      }),
    )

    it.effect("leaves an address unverified that it did not verify, and has no picture of everybody", () =>
      Effect.gen(function* () {
        const { profile } = yield* Emulate.signIn(yield* google(), "eve@gmail.example")
        assert.isFalse(profile?.emailVerified)
        assert.isNull(profile?.image)
      }),
    )

    it.effect("lets in only the hosted domain, though people can choose other accounts", () =>
      Effect.gen(function* () {
        const provider = yield* google({ hostedDomain: "acme.example" })
        const { url, profile } = yield* Emulate.signIn(provider, "ada@acme.example")
        assert.strictEqual(url.searchParams.get("hd"), "acme.example")
        assert.strictEqual(profile?.email, "ada@acme.example")
        const error = yield* Effect.flip(Emulate.signIn(provider, "eve@gmail.example"))
        assert.strictEqual(error._tag === "IdTokenInvalid" && error.reason, "hosted-domain")
      }),
    )

    it.effect("takes a code once, with its verifier, and an ID token with its nonce", () =>
      Effect.gen(function* () {
        const provider = yield* google()
        const transport = yield* OAuthTransport
        const first = yield* Emulate.visit(provider, "ada@acme.example")
        const injected = { ...first, codeVerifier: Redacted.make("v".repeat(43)) }
        const refused = yield* Effect.flip(transport.exchange(provider, injected))
        assert.strictEqual(refused._tag === "ProviderRefused" && refused.error, "invalid_grant")
        const { idToken } = yield* transport.exchange(provider, first)
        const again = yield* Effect.flip(transport.exchange(provider, first))
        assert.strictEqual(again._tag === "ProviderRefused" && again.error, "invalid_grant")
        const expected = { nonce: "another", accessToken: null }
        const replayed = yield* Effect.flip(transport.validateIdToken(provider, idToken ?? Redacted.make(""), expected))
        assert.strictEqual(replayed._tag === "IdTokenInvalid" && replayed.reason, "nonce")
      }),
    )
  })

  describe("Microsoft", () => {
    const acme = "3f1e0d5c-8c0f-4a55-9a47-0b1f3f6c7d21"
    const users = [
      { email: "ada@acme.example", name: "Ada Lovelace", tenant_id: acme },
      { email: "bob@outlook.example", name: "Bob" },
    ]
    const start = Emulate.start("microsoft", { users, oauth_clients: [registered] })
    // The stand-in has the endpoints of all tenants in one place.
    const settings = (authority: string) => ({
      ...client,
      authority,
      graphUrl: authority,
      authorizationEndpoint: `${authority}/oauth2/v2.0/authorize`,
      tokenEndpoint: `${authority}/oauth2/v2.0/token`,
      jwksUri: `${authority}/discovery/v2.0/keys`,
    })

    it.effect("signs people of any tenant in, whose issuers differ", () =>
      Effect.gen(function* () {
        const authority = yield* start
        const provider = providerOf(Microsoft.options(settings(authority)))
        const { url, claims, profile, tokens } = yield* Emulate.signIn(provider, "ada@acme.example")
        assert.strictEqual(url.searchParams.get("response_mode"), "query")
        assert.strictEqual(claims?.["iss"], `${authority}/${acme}/v2.0`)
        assert.deepInclude(profile ?? {}, {
          accountId: claims?.["sub"],
          email: "ada@acme.example",
          // It says nothing of verification.
          emailVerified: false,
          name: "Ada Lovelace",
          image: null,
        })
        const bob = yield* Emulate.signIn(provider, "bob@outlook.example")
        assert.notStrictEqual(bob.claims?.["iss"], claims?.["iss"])

        const transport = yield* OAuthTransport
        const renewed = yield* transport.refresh(provider, tokens)
        assert.notStrictEqual(reveal(renewed.refreshToken), reveal(tokens.refreshToken))
      }),
    )

    it.effect("signs nobody in of a tenant that is not admitted", () =>
      Effect.gen(function* () {
        const authority = yield* start
        for (const [tenant, admitted, refused] of [
          [acme, "ada@acme.example", "bob@outlook.example"],
          ["organizations", "ada@acme.example", "bob@outlook.example"],
          ["consumers", "bob@outlook.example", "ada@acme.example"],
        ] as const) {
          const provider = providerOf(Microsoft.options({ ...settings(authority), tenant }))
          assert.strictEqual((yield* Emulate.signIn(provider, admitted)).profile?.email, admitted)
          const error = yield* Effect.flip(Emulate.signIn(provider, refused))
          assert.strictEqual(error._tag === "IdTokenInvalid" && error.reason, "issuer")
        }
      }),
    )

    it.effect("is found by its discovery document of everybody, which shows the issuer of one tenant", () =>
      Effect.gen(function* () {
        const authority = yield* start
        const everybody = { ...client, id: "microsoft", issuer: `${authority}/common/v2.0` }
        const discoveryUrl = `${everybody.issuer}/.well-known/openid-configuration`
        const provider = providerOf({
          ...client,
          id: "microsoft",
          discoveryUrl,
          scopes: ["openid"],
          strategy: Microsoft.strategy({ authority, disableProfilePhoto: true }),
        })
        const { profile } = yield* Emulate.signIn(provider, "ada@acme.example")
        assert.strictEqual(profile?.email, "ada@acme.example")
        // Who does not know of tenants believes none of it.
        const error = yield* Effect.flip(Emulate.signIn(providerOf(Oidc.options(everybody)), "ada@acme.example"))
        assert.strictEqual(error._tag, "ProviderUnavailable")
      }),
    )
  })

  describe("Apple", () => {
    const users = [
      { email: "ada@icloud.example", name: "Ada Lovelace" },
      { email: "bob@icloud.example", name: "Bob", is_private_email: true },
    ]
    const apple = Effect.gen(function* () {
      const { privateKey } = yield* Effect.promise(() => generateKeyPair("ES256", { extractable: true }))
      const key = {
        teamId: "ABCDE12345",
        keyId: "KEY1234567",
        privateKey: Redacted.make(yield* Effect.promise(() => exportPKCS8(privateKey))),
      }
      const authority = yield* Emulate.start("apple", {
        users,
        oauth_clients: [{ ...registered, team_id: key.teamId, key_id: key.keyId }],
      })
      return providerOf(Apple.options({ clientId: client.clientId, ...key, authority }))
    })

    it.effect("posts the name the first time alone", () =>
      Effect.gen(function* () {
        const provider = yield* apple
        const first = yield* Emulate.signIn(provider, "ada@icloud.example")
        assert.strictEqual(first.url.searchParams.get("response_mode"), "form_post")
        assert.strictEqual(first.method, "POST")
        assert.deepInclude(first.profile ?? {}, {
          accountId: first.claims?.["sub"],
          email: "ada@icloud.example",
          emailVerified: true,
          name: "Ada Lovelace",
        })
        const second = yield* Emulate.signIn(provider, "ada@icloud.example")
        assert.strictEqual(second.profile?.accountId, first.profile?.accountId)
        assert.isNull(second.profile?.name)

        const transport = yield* OAuthTransport
        const renewed = yield* transport.refresh(provider, second.tokens)
        assert.notStrictEqual(reveal(renewed.accessToken), reveal(second.tokens.accessToken))
      }),
    )

    it.effect("hides an address behind a relay, and says so", () =>
      Effect.gen(function* () {
        const { profile } = yield* Emulate.signIn(yield* apple, "bob@icloud.example")
        assert.notStrictEqual(profile?.email, "bob@icloud.example")
        assert.strictEqual(profile?.raw["is_private_email"], "true")
      }),
    )
  })

  describe("GitHub", () => {
    const users = [{ login: "octocat", name: "The Octocat", email: "cat@github.example" }, { login: "hubot" }]
    const github = (secret = client.clientSecret) =>
      Effect.map(Emulate.start("github", { users, oauth_apps: [registered] }), (url) =>
        providerOf(GitHub.options({ ...client, clientSecret: secret, baseUrl: url, apiUrl: url })),
      )

    it.effect("signs somebody in without OpenID Connect, by tokens that never end", () =>
      Effect.gen(function* () {
        const { claims, tokens, profile } = yield* Emulate.signIn(yield* github(), "octocat")
        assert.isNull(claims)
        assert.isNull(tokens.accessTokenExpiresAt)
        assert.isNull(tokens.refreshToken)
        assert.deepInclude(profile ?? {}, {
          email: "cat@github.example",
          emailVerified: true,
          name: "The Octocat",
        })
        assert.match(profile?.accountId ?? "", /^\d+$/u)
      }),
    )

    it.effect("says what is wrong in answers of status 200", () =>
      Effect.gen(function* () {
        const provider = yield* github()
        const transport = yield* OAuthTransport
        const visited = yield* Emulate.visit(provider, "octocat")
        yield* transport.exchange(provider, visited)
        const again = yield* Effect.flip(transport.exchange(provider, visited))
        assert.strictEqual(again._tag === "ProviderRefused" && again.error, "bad_verification_code")
        const other = yield* github(Redacted.make("another secret"))
        const error = yield* Effect.flip(Emulate.signIn(other, "octocat"))
        assert.strictEqual(error._tag === "ProviderRefused" && error.error, "incorrect_client_credentials")
      }),
    )
  })
})
