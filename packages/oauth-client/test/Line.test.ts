import { OutboundFailed } from "@belfry/core/Outbound"
import * as Line from "@belfry/oauth-client/Line"
import type { Claims } from "@belfry/oauth-client/OAuthTokens"
import type { ExpectedNonce } from "@belfry/oauth-client/ProviderStrategy"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import { SignJWT } from "jose"
import {
  calls,
  contextOf,
  json,
  now,
  profileOf,
  providersOf,
  reveal,
  sourceOf,
  strategyOf,
} from "./support/strategies.ts"

const client = { clientId: ["1234567890", "native"] as const, clientSecret: Redacted.make("secret") }
const verifyUrl = "https://api.line.me/oauth2/v2.1/verify"
const seconds = DateTime.toEpochMillis(now) / 1000

const ada = {
  iss: "https://access.line.me",
  sub: "U0123456789abcdef",
  aud: "1234567890",
  exp: seconds + 3600,
  iat: seconds,
  nonce: "nonce",
  amr: ["linesso"],
  name: "Ada",
  picture: "https://profile.line-scdn.example/ada",
  email: "ada@acme.example",
}

const signed = (claims: Claims) =>
  Effect.promise(() =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode("secret".repeat(8))),
  )

const sent: ExpectedNonce = { _tag: "Equal", nonce: "nonce" }

/** Validates a token about which LINE answers this. */
const validate = (
  answers: Parameters<typeof calls>[0],
  { token = ada, nonce = sent }: { readonly token?: Claims; readonly nonce?: ExpectedNonce } = {},
) =>
  Effect.gen(function* () {
    const http = calls(answers)
    const options = Line.options(client)
    const idToken = Redacted.make(yield* signed(token))
    const claims = yield* (
      strategyOf(options).validateIdToken?.(idToken, { nonce }, contextOf(options, http)) ??
        Effect.die("LINE validates nothing")
    )
    return { claims, requests: http.requests, idToken }
  })

const reasonOf = (...parameters: Parameters<typeof validate>) =>
  Effect.map(Effect.flip(validate(...parameters)), (error) =>
    error._tag === "ProviderRefused" ? error._tag : `${error._tag} ${error.reason}`,
  )

describe("LINE", () => {
  it.effect("has its endpoints in settings", () =>
    Effect.gen(function* () {
      const [line] = yield* providersOf(Line.layer(client))
      assert.strictEqual(line?.id, "line")
      assert.strictEqual(line?.issuer, "https://access.line.me")
      assert.strictEqual(line?.authorizationEndpoint, "https://access.line.me/oauth2/v2.1/authorize")
      assert.strictEqual(line?.tokenEndpoint, "https://api.line.me/oauth2/v2.1/token")
      assert.strictEqual(line?.userinfoEndpoint, "https://api.line.me/oauth2/v2.1/userinfo")
      assert.deepStrictEqual(line?.scopes, ["openid", "profile", "email"])
      assert.strictEqual(line?.tokenEndpointAuthMethod, "client_secret_post")
    }),
  )

  describe("an ID token", () => {
    it.effect("is shown to LINE with the client and the nonce, and its claims are what LINE answers", () =>
      Effect.gen(function* () {
        const { claims, requests, idToken } = yield* validate({ [verifyUrl]: json(ada) })
        assert.deepStrictEqual(claims, ada)
        assert.deepStrictEqual(
          requests.map(({ url, trust, form }) => ({ url, trust, form })),
          [
            {
              url: verifyUrl,
              trust: "configured",
              form: { id_token: Redacted.value(idToken), client_id: "1234567890", nonce: "nonce" },
            },
          ],
        )
      }),
    )

    it.effect("for another of several clients is compared with that one", () =>
      Effect.gen(function* () {
        const { nonce: _, ...token } = { ...ada, aud: "native" }
        const { requests } = yield* validate({ [verifyUrl]: json(token) }, { token, nonce: { _tag: "Absent" } })
        assert.strictEqual(requests[0]?.form?.["client_id"], "native")
        assert.notProperty(requests[0]?.form ?? {}, "nonce")
      }),
    )

    it.effect("for somebody else is shown to nobody", () =>
      Effect.gen(function* () {
        // Without an answer LINE would be unavailable.
        for (const aud of ["other", ["1234567890"], 1_234_567_890]) {
          assert.strictEqual(yield* reasonOf({}, { token: { ...ada, aud } }), "IdTokenInvalid audience")
        }
        const options = Line.options(client)
        const malformed = strategyOf(options).validateIdToken?.(
          Redacted.make("no token"),
          { nonce: { _tag: "Absent" } },
          contextOf(options),
        )
        const error = yield* Effect.flip(malformed ?? Effect.void)
        assert.strictEqual(error._tag === "IdTokenInvalid" && error.reason, "malformed")
      }),
    )

    it.effect("that LINE refuses is invalid", () =>
      Effect.gen(function* () {
        const answer = json({ error: "invalid_request", error_description: "Invalid IdToken." }, 400)
        assert.strictEqual(yield* reasonOf({ [verifyUrl]: answer }), "IdTokenInvalid signature")
      }),
    )

    for (const [what, claims, reason] of [
      ["of another issuer", { iss: "https://evil.example" }, "issuer"],
      ["for another client", { aud: "native" }, "audience"],
      ["for nobody", { aud: null }, "audience"],
      ["of another sign-in", { nonce: "other" }, "nonce"],
      ["without a nonce", { nonce: null }, "nonce"],
      ["about nobody", { sub: "" }, "subject"],
      ["that has ended", { exp: seconds }, "expired"],
      ["without an end", { exp: null }, "expired"],
    ] as const) {
      it.effect(`${what} is invalid though LINE took it`, () =>
        Effect.gen(function* () {
          assert.strictEqual(yield* reasonOf({ [verifyUrl]: json({ ...ada, ...claims }) }), `IdTokenInvalid ${reason}`)
        }),
      )
    }

    it.effect("with a nonce is invalid where none was sent", () =>
      Effect.gen(function* () {
        assert.strictEqual(
          yield* reasonOf({ [verifyUrl]: json(ada) }, { nonce: { _tag: "Absent" } }),
          "IdTokenInvalid nonce",
        )
      }),
    )

    it.effect("of a refresh may repeat the nonce of the first one or have none, and LINE is told of none", () =>
      Effect.gen(function* () {
        const { nonce: _, ...without } = ada
        for (const token of [ada, without]) {
          const { claims, requests } = yield* validate({ [verifyUrl]: json(token) }, { token, nonce: { _tag: "Any" } })
          assert.deepStrictEqual(claims, token)
          assert.notProperty(requests[0]?.form ?? {}, "nonce")
        }
      }),
    )

    it.effect("is neither valid nor invalid while LINE cannot be asked", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* reasonOf({}), "ProviderUnavailable connection")
        assert.strictEqual(yield* reasonOf({ [verifyUrl]: json(ada, 500) }), "ProviderUnavailable status")
        assert.strictEqual(yield* reasonOf({ [verifyUrl]: json([ada]) }), "ProviderUnavailable malformed")
        const slow = Effect.fail(new OutboundFailed({ reason: "timeout" }))
        assert.strictEqual(yield* reasonOf({ [verifyUrl]: slow }), "ProviderUnavailable timeout")
      }),
    )
  })

  describe("a profile", () => {
    const profile = (source: Parameters<typeof sourceOf>[0]) => {
      const options = Line.options(client)
      return profileOf(strategyOf(options), sourceOf(source), contextOf(options))
    }

    it.effect("is that of the ID token, and its address is never verified", () =>
      Effect.gen(function* () {
        const claims = { ...ada, email_verified: true }
        assert.deepStrictEqual(yield* profile({ claims }), {
          accountId: ada.sub,
          email: ada.email,
          emailVerified: false,
          name: ada.name,
          image: ada.picture,
          raw: claims,
        })
      }),
    )

    it.effect("takes the name from UserInfo where the ID token has none, and is none without a subject", () =>
      Effect.gen(function* () {
        const { name: _, email: __, ...claims } = ada
        const found = yield* profile({ claims, userinfo: { sub: ada.sub, name: "Ada" } })
        assert.strictEqual(found?.name, "Ada")
        assert.isNull(found?.email)
        assert.isNull(yield* profile({ userinfo: null }))
      }),
    )
  })

  it.effect("is found elsewhere when the host says so", () =>
    Effect.gen(function* () {
      const [line] = yield* providersOf(
        Line.layer({ ...client, authority: "http://127.0.0.1:1/", apiUrl: "http://127.0.0.1:2/" }),
      )
      assert.strictEqual(line?.authorizationEndpoint, "http://127.0.0.1:1/oauth2/v2.1/authorize")
      assert.strictEqual(line?.tokenEndpoint, "http://127.0.0.1:2/oauth2/v2.1/token")
      assert.strictEqual(line?.issuer, "http://127.0.0.1:1")
    }),
  )

  it.effect("is there by the environment when its client is, and needs its secret then", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* providersOf(Line.layerConfig), [])
      const environment = { BELFRY_LINE_CLIENT_ID: "1234567890" }
      assert.strictEqual((yield* Effect.flip(providersOf(Line.layerConfig, environment)))._tag, "ConfigError")
      const [line] = yield* providersOf(Line.layerConfig, { ...environment, BELFRY_LINE_CLIENT_SECRET: "secret" })
      assert.strictEqual(reveal(line?.clientSecret), "secret")
    }),
  )
})
