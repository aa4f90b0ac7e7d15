import * as LocalServer from "@belfry/testing/LocalServer"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import type { OAuthProviderOptions } from "../src/OAuthProvider.ts"
import { OAuthTransport } from "../src/OAuthTransport.ts"
import type { ExpectedNonce, ProviderStrategy } from "../src/ProviderStrategy.ts"
import * as LocalProvider from "./support/LocalProvider.ts"
import * as Transport from "./support/Transport.ts"

const answered = (body: unknown) => LocalServer.json(body)

const seconds = (at: DateTime.Utc | null) =>
  at === null ? null : (DateTime.toEpochMillis(at) - Transport.start) / 1000

const read = (secret: Redacted.Redacted | null) => (secret === null ? null : Redacted.value(secret))

describe("OAuthTransport.refresh", () => {
  const old = Transport.tokenSet({
    idToken: Redacted.make("id-1"),
    scope: "openid email profile",
    accessTokenExpiresAt: DateTime.makeUnsafe(Transport.start),
    refreshTokenExpiresAt: DateTime.makeUnsafe(Transport.start + 1_000_000),
  })

  const refreshWith = (answer: LocalServer.Answer, options: Partial<OAuthProviderOptions> = {}, tokens = old) =>
    Effect.gen(function* () {
      const local = yield* Transport.makeLocal
      local.answer("/token", answer)
      const transport = yield* OAuthTransport
      return { tokens: yield* transport.refresh(Transport.settings(local, options), tokens), local }
    }).pipe(Effect.provide(Transport.layer))

  it.effect("sends the refresh token with what the settings and the strategy add", () =>
    Effect.gen(function* () {
      const { local } = yield* refreshWith(answered({ access_token: "access-2" }), {
        tokenParams: { resource: "r" },
        strategy: { refreshParams: (tokens) => ({ scope: tokens.scope ?? "", refresh_token: "evil" }) },
      })
      assert.deepStrictEqual(local.requests.find(({ path }) => path === "/token")?.form, {
        grant_type: "refresh_token",
        refresh_token: "refresh-1",
        client_id: "belfry",
        client_secret: LocalProvider.clientSecret,
        resource: "r",
        scope: "openid email profile",
      })
    }),
  )

  it.effect("keeps what the answer leaves out, but not the old end of the access token", () =>
    Effect.gen(function* () {
      const { tokens } = yield* refreshWith(answered({ access_token: "access-2" }))
      assert.strictEqual(read(tokens.accessToken), "access-2")
      assert.strictEqual(read(tokens.refreshToken), "refresh-1")
      assert.strictEqual(read(tokens.idToken), "id-1")
      assert.strictEqual(tokens.scope, "openid email profile")
      assert.strictEqual(tokens.tokenType, "Bearer")
      assert.isNull(tokens.accessTokenExpiresAt)
      assert.strictEqual(seconds(tokens.refreshTokenExpiresAt), 1000)
    }),
  )

  it.effect("keeps the end of a refresh token that comes again", () =>
    Effect.gen(function* () {
      const { tokens } = yield* refreshWith(answered({ access_token: "access-2", refresh_token: "refresh-1" }))
      assert.strictEqual(read(tokens.refreshToken), "refresh-1")
      assert.strictEqual(seconds(tokens.refreshTokenExpiresAt), 1000)
    }),
  )

  it.effect("keeps the scopes where the answer names none", () =>
    Effect.gen(function* () {
      for (const scope of [null, "", " ", []]) {
        const { tokens } = yield* refreshWith(answered({ access_token: "access-2", scope }))
        assert.strictEqual(tokens.scope, "openid email profile", JSON.stringify(scope))
      }
    }),
  )

  it.effect("takes what the answer has", () =>
    Effect.gen(function* () {
      const { tokens } = yield* refreshWith(
        answered({ access_token: "access-2", refresh_token: "refresh-2", scope: "openid", expires_in: 60 }),
      )
      assert.strictEqual(read(tokens.refreshToken), "refresh-2")
      assert.strictEqual(tokens.scope, "openid")
      assert.strictEqual(seconds(tokens.accessTokenExpiresAt), 60)
      // It is another refresh token, whose end is not known.
      assert.isNull(tokens.refreshTokenExpiresAt)
    }),
  )

  it.effect("is refused without asking where there is no refresh token", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(refreshWith(answered({}), {}, Transport.tokenSet({ refreshToken: null })))
      assert.deepInclude(failure, { _tag: "ProviderRefused", error: "invalid_grant" })
    }),
  )

  it.effect("leaves the refresh to a hook where there is one, and keeps what it leaves out", () =>
    Effect.gen(function* () {
      const { tokens, local } = yield* refreshWith(answered({}), {
        hooks: {
          refreshTokens: () =>
            Effect.succeed(
              Transport.tokenSet({ accessToken: Redacted.make("access-2"), refreshToken: null, scope: null }),
            ),
        },
      })
      assert.strictEqual(read(tokens.accessToken), "access-2")
      assert.strictEqual(read(tokens.refreshToken), "refresh-1")
      assert.strictEqual(tokens.scope, "openid email profile")
      assert.strictEqual(local.countOf("/token"), 0)
    }),
  )

  describe("OpenID Connect Core §12.2", () => {
    const refreshed = (claims: { readonly sub?: string; readonly aud?: string; readonly nonce?: string }) =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        const idToken = yield* Effect.promise(() => local.idToken({ nonce: "nonce-1" }))
        const next = yield* Effect.promise(() => local.idToken(claims))
        local.answer("/token", answered({ access_token: "access-2", id_token: next }))
        const transport = yield* OAuthTransport
        const tokens = yield* transport.refresh(
          Transport.settings(local),
          Transport.tokenSet({ idToken: Redacted.make(idToken) }),
        )
        return read(tokens.idToken) === next
      }).pipe(Effect.provide(Transport.layer))

    it.effect("takes a new ID token of the same person", () =>
      Effect.gen(function* () {
        assert.isTrue(yield* refreshed({}))
        assert.isTrue(yield* refreshed({ nonce: "nonce-1" }))
      }),
    )

    it.effect("does not have a strategy that validates in its own way look at the nonce", () =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        const [old, next] = yield* Effect.promise(() => Promise.all([local.idToken(), local.idToken()]))
        local.answer("/token", answered({ access_token: "access-2", id_token: next }))
        const expected: Array<ExpectedNonce> = []
        const strategy: ProviderStrategy = {
          validateIdToken: (_, { nonce }) => {
            expected.push(nonce)
            return Effect.succeed({ iss: local.url, sub: local.user.sub })
          },
        }
        const transport = yield* OAuthTransport
        const idToken = Redacted.make(old)
        yield* transport.refresh(Transport.settings(local, { strategy }), Transport.tokenSet({ idToken }))
        assert.deepStrictEqual(expected, [{ _tag: "Any" }])
      }).pipe(Effect.provide(Transport.layer)),
    )

    it.effect("keeps the new tokens, and the old ID token, when the keys cannot be fetched", () =>
      Effect.gen(function* () {
        const local = yield* Transport.makeLocal
        const [old, next] = yield* Effect.promise(() => Promise.all([local.idToken(), local.idToken()]))
        local.answer("/token", answered({ access_token: "access-2", id_token: next }))
        local.answer("/jwks", LocalServer.json({}, 500))
        const transport = yield* OAuthTransport
        const idToken = Redacted.make(old)
        const tokens = yield* transport.refresh(Transport.settings(local), Transport.tokenSet({ idToken }))
        assert.strictEqual(read(tokens.accessToken), "access-2")
        assert.strictEqual(read(tokens.idToken), old)
      }).pipe(Effect.provide(Transport.layer)),
    )

    it.effect("MUST refuse one of another subject, or one that is not valid", () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* Effect.flip(refreshed({ sub: "u-2" })), { reason: "subject" })
        assert.deepInclude(yield* Effect.flip(refreshed({ aud: "other" })), { reason: "audience" })
      }),
    )
  })
})
