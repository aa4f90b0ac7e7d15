import { OutboundFailed } from "@belfry/core/Outbound"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import * as GitHub from "@belfry/oauth-client/GitHub"
import type { OAuthProviderOptions } from "@belfry/oauth-client/OAuthProvider"
import * as OAuthTransport from "@belfry/oauth-client/OAuthTransport"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Digest, SecureRandom } from "effect/crypto"
import {
  calls,
  contextOf,
  json,
  profileOf,
  providersOf,
  reveal,
  sourceOf,
  strategyOf,
  tokensOf,
} from "./support/strategies.ts"

const client = { clientId: "Iv1.0123456789abcdef", clientSecret: Redacted.make("secret") }
const userUrl = "https://api.github.com/user"
const emailsUrl = "https://api.github.com/user/emails?per_page=100"

const octocat = {
  id: 583_231,
  login: "octocat",
  name: "The Octocat",
  email: "public@github.example",
  avatar_url: "https://avatars.githubusercontent.com/u/583231",
}
const primary = { email: "cat@github.example", primary: true, verified: true, visibility: "private" }
const other = { email: "other@github.example", primary: false, verified: true, visibility: null }

const profile = (answers: Parameters<typeof calls>[0], tokens = tokensOf()) => {
  const options = GitHub.options(client)
  const http = calls(answers)
  return Effect.map(profileOf(strategyOf(options), sourceOf({ tokens }), contextOf(options, http)), (found) => ({
    found,
    requests: http.requests,
  }))
}

const emails = (...addresses: Parameters<typeof json>) =>
  Effect.map(profile({ [userUrl]: json(octocat), [emailsUrl]: json(...addresses) }), ({ found }) => found)

describe("GitHub", () => {
  it.effect("has its endpoints in settings, and speaks no OpenID Connect", () =>
    Effect.gen(function* () {
      const [github] = yield* providersOf(GitHub.layer(client))
      assert.strictEqual(github?.id, "github")
      assert.strictEqual(github?.authorizationEndpoint, "https://github.com/login/oauth/authorize")
      assert.strictEqual(github?.tokenEndpoint, "https://github.com/login/oauth/access_token")
      assert.deepStrictEqual(github?.scopes, ["read:user", "user:email"])
      assert.isNull(github?.discoveryUrl)
      assert.isTrue(github?.usePkce)
    }),
  )

  it.effect("tells the profile and the addresses to who names itself and the API's version", () =>
    Effect.gen(function* () {
      const { found, requests } = yield* profile({ [userUrl]: json(octocat), [emailsUrl]: json([other, primary]) })
      assert.deepStrictEqual(found, {
        accountId: "583231",
        email: "cat@github.example",
        emailVerified: true,
        name: "The Octocat",
        image: octocat.avatar_url,
        raw: octocat,
      })
      assert.deepStrictEqual(
        requests.map(({ url }) => url),
        [userUrl, emailsUrl],
      )
      for (const { headers, trust } of requests) {
        assert.deepStrictEqual(headers, {
          accept: "application/vnd.github+json",
          authorization: "Bearer access",
          "user-agent": "belfry",
          "x-github-api-version": "2022-11-28",
        })
        assert.strictEqual(trust, "configured")
      }
    }),
  )

  describe("an address", () => {
    it.effect("is the primary one, and unverified when that one is, whatever the others are", () =>
      Effect.gen(function* () {
        const found = yield* emails([other, { ...primary, verified: false }])
        assert.strictEqual(found?.email, primary.email)
        assert.isFalse(found?.emailVerified)
      }),
    )

    it.effect("that is public in the profile proves nothing", () =>
      Effect.gen(function* () {
        for (const found of [
          yield* emails([]),
          yield* emails([other]),
          yield* emails({}, 404),
          yield* emails({}, 403),
        ]) {
          assert.strictEqual(found?.email, octocat.email)
          assert.isFalse(found?.emailVerified)
        }
      }),
    )

    it.effect("is none when GitHub tells none", () =>
      Effect.gen(function* () {
        const user = { ...octocat, name: null, email: null }
        const { found } = yield* profile({ [userUrl]: json(user), [emailsUrl]: json({}, 404) })
        assert.isNull(found?.email)
        assert.strictEqual(found?.name, "octocat")
      }),
    )
  })

  it.effect("that cannot be asked is unavailable, and nobody is taken for half known", () =>
    Effect.gen(function* () {
      const reason = (answers: Parameters<typeof calls>[0]) =>
        Effect.map(Effect.flip(profile(answers)), (error) =>
          error._tag === "ProviderUnavailable" ? `${error.endpoint} ${error.reason}` : error._tag,
        )
      assert.strictEqual(yield* reason({}), "userinfo connection")
      assert.strictEqual(yield* reason({ [userUrl]: json({}, 401) }), "userinfo status")
      assert.strictEqual(yield* reason({ [userUrl]: json({ login: "octocat" }) }), "userinfo malformed")
      assert.strictEqual(yield* reason({ [userUrl]: json({ ...octocat, id: "583231" }) }), "userinfo malformed")
      const user = { [userUrl]: json(octocat) }
      assert.strictEqual(yield* reason({ ...user, [emailsUrl]: json({}, 500) }), "userinfo status")
      assert.strictEqual(yield* reason({ ...user, [emailsUrl]: json({ email: "a@b.example" }) }), "userinfo malformed")
      const slow = Effect.fail(new OutboundFailed({ reason: "timeout" }))
      assert.strictEqual(yield* reason({ ...user, [emailsUrl]: slow }), "userinfo timeout")
    }),
  )

  it.effect("tells nobody without an access token", () =>
    Effect.gen(function* () {
      const { found, requests } = yield* profile({}, tokensOf({ accessToken: null }))
      assert.isNull(found)
      assert.lengthOf(requests, 0)
    }),
  )

  it.effect("says errors of the token endpoint in answers of status 200", () =>
    Effect.sync(() => {
      const errorOf = (raw: Readonly<Record<string, unknown>>) => GitHub.strategy().errorOf?.(raw)
      assert.deepStrictEqual(
        errorOf({ error: "bad_verification_code", error_description: "The code is expired.", error_uri: "https://x" }),
        { error: "bad_verification_code", description: "The code is expired." },
      )
      assert.deepStrictEqual(errorOf({ error: "x" }), { error: "x", description: null })
      assert.isNull(errorOf({ access_token: "gho_1", token_type: "bearer", scope: "read:user,user:email" }))
    }),
  )

  it.effect("separates scopes by commas, which others may have in a scope", () =>
    Effect.gen(function* () {
      const granted = (options: OAuthProviderOptions) => {
        const http = calls({
          "https://github.com/login/oauth/access_token": json({ access_token: "gho_1", scope: "a,b c" }),
        })
        return Effect.gen(function* () {
          const transport = yield* OAuthTransport.make
          const request = { code: Redacted.make("code"), redirectUri: "https://belfry.example/", codeVerifier: null }
          const { scope } = yield* transport.exchange(contextOf(options).provider, request)
          return [scope, http.requests[0]?.headers?.["accept"]]
        }).pipe(
          Effect.provideService(OutboundHttp, http),
          Effect.provide([SecureRandom.layerWebCrypto, Digest.layerWebCrypto]),
        )
      }
      const options = GitHub.options(client)
      assert.deepStrictEqual(yield* granted(options), ["a b c", "application/json"])
      assert.deepStrictEqual(yield* granted({ ...options, strategy: {} }), ["a,b c", "application/json"])
    }),
  )

  it.effect("of a company has its API below, unless it is said to be elsewhere", () =>
    Effect.gen(function* () {
      const asked = (settings: GitHub.GitHubSettings) =>
        Effect.gen(function* () {
          const http = calls()
          const [github] = yield* providersOf(GitHub.layer({ ...client, ...settings }))
          const strategy = github?.strategy ?? {}
          yield* Effect.flip(profileOf(strategy, sourceOf({}), contextOf(GitHub.options(client), http)))
          return [github?.tokenEndpoint, http.requests[0]?.url]
        })
      assert.deepStrictEqual(yield* asked({ baseUrl: "https://github.acme.example/" }), [
        "https://github.acme.example/login/oauth/access_token",
        "https://github.acme.example/api/v3/user",
      ])
      assert.deepStrictEqual(
        yield* asked({ baseUrl: "https://acme.ghe.example", apiUrl: "https://api.acme.ghe.example" }),
        ["https://acme.ghe.example/login/oauth/access_token", "https://api.acme.ghe.example/user"],
      )
    }),
  )

  it.effect("is there by the environment when its client is, and needs its secret then", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* providersOf(GitHub.layerConfig), [])
      const environment = { BELFRY_GITHUB_CLIENT_ID: client.clientId }
      assert.strictEqual((yield* Effect.flip(providersOf(GitHub.layerConfig, environment)))._tag, "ConfigError")
      const [github] = yield* providersOf(GitHub.layerConfig, {
        ...environment,
        BELFRY_GITHUB_CLIENT_SECRET: "secret",
        BELFRY_GITHUB_BASE_URL: "https://github.acme.example",
      })
      assert.strictEqual(reveal(github?.clientSecret), "secret")
      assert.strictEqual(github?.authorizationEndpoint, "https://github.acme.example/login/oauth/authorize")
    }),
  )
})
