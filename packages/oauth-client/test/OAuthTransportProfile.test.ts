import * as LocalServer from "@belfry/testing/LocalServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { OAuthProviderOptions } from "../src/OAuthProvider.ts"
import type { Claims, OAuthTokenSet } from "../src/OAuthTokens.ts"
import { OAuthTransport } from "../src/OAuthTransport.ts"
import * as Transport from "./support/Transport.ts"

interface Case {
  readonly claims?: Claims | null
  readonly userinfo?: LocalServer.Answer
  readonly options?: Partial<OAuthProviderOptions>
  readonly tokens?: OAuthTokenSet
}

const profileOf = ({ claims = null, userinfo, options = {}, tokens = Transport.tokenSet() }: Case) =>
  Effect.gen(function* () {
    const local = yield* Transport.makeLocal
    local.answer("/userinfo", userinfo)
    const transport = yield* OAuthTransport
    const callbackFields = { user: "first post" }
    const profile = yield* transport.profile(Transport.settings(local, options), { tokens, claims, callbackFields })
    return { profile, local }
  }).pipe(Effect.provide(Transport.layer))

const complete = { sub: "u-1", email: "ada@example.com", email_verified: true, name: "Ada" }

describe("OAuthTransport.profile", () => {
  it.effect("is made of the claims alone where they tell address and name", () =>
    Effect.gen(function* () {
      const claims = { ...complete, picture: "https://img.example.com/ada.png", more: 1 }
      const { profile, local } = yield* profileOf({ claims })
      assert.deepStrictEqual(profile, {
        accountId: "u-1",
        email: "ada@example.com",
        emailVerified: true,
        name: "Ada",
        image: "https://img.example.com/ada.png",
        raw: claims,
      })
      assert.strictEqual(local.countOf("/userinfo"), 0)
    }),
  )

  it.effect.each(["email", "name"])("asks UserInfo where the claims lack %s", (missing) =>
    Effect.gen(function* () {
      const claims = Object.fromEntries(Object.entries(complete).filter(([name]) => name !== missing))
      const { profile, local } = yield* profileOf({ claims })
      assert.strictEqual(profile?.email, "ada@example.com")
      assert.strictEqual(profile?.name, "Ada Lovelace")
      const request = local.requests.find(({ path }) => path === "/userinfo")
      assert.strictEqual(request?.method, "GET")
      assert.strictEqual(request?.headers.authorization, "Bearer access-1")
    }),
  )

  it.effect("is made of UserInfo alone where there is no ID token", () =>
    Effect.gen(function* () {
      const { profile } = yield* profileOf({})
      assert.deepInclude(profile, { accountId: "u-1", email: "ada@example.com", emailVerified: true })
    }),
  )

  it.effect("takes values of UserInfo over claims", () =>
    Effect.gen(function* () {
      const { profile } = yield* profileOf({
        claims: { sub: "u-1", name: "Old", picture: "https://old.example.com/" },
        userinfo: LocalServer.json({ sub: "u-1", name: "New", picture: "https://new.example.com/", email: "a@b.c" }),
      })
      assert.deepInclude(profile, { name: "New", image: "https://new.example.com/", email: "a@b.c" })
    }),
  )

  it.effect("believes email_verified only of the address beside it", () =>
    Effect.gen(function* () {
      const claims = { sub: "u-1", email: "old@example.com", email_verified: true }
      const verifiedBy = (info: Claims) =>
        Effect.map(
          profileOf({ claims, userinfo: LocalServer.json({ sub: "u-1", ...info }) }),
          ({ profile }) => `${profile?.email} ${profile?.emailVerified}`,
        )
      assert.strictEqual(yield* verifiedBy({ email: "new@example.com" }), "new@example.com false")
      assert.strictEqual(yield* verifiedBy({ email: "new@example.com", email_verified: true }), "new@example.com true")
      assert.strictEqual(yield* verifiedBy({ email: "old@example.com" }), "old@example.com true")
      assert.strictEqual(
        yield* verifiedBy({ email: "old@example.com", email_verified: false }),
        "old@example.com false",
      )
      assert.strictEqual(yield* verifiedBy({ email_verified: false }), "old@example.com true")
    }),
  )

  it.effect.each([
    [true, true],
    ["true", true],
    [false, false],
    ["false", false],
    [1, false],
    [undefined, false],
  ] as const)("reads email_verified %j as %j", ([claim, expected]) =>
    Effect.gen(function* () {
      const claims = { sub: "u-1", email: "ada@example.com", name: "Ada" }
      const { profile } = yield* profileOf({
        claims: claim === undefined ? claims : { ...claims, email_verified: claim },
      })
      assert.strictEqual(profile?.emailVerified, expected)
    }),
  )

  it.effect.each(["javascript:alert(1)", "data:text/html,x", "not a URL"])("takes no picture at %s", (picture) =>
    Effect.gen(function* () {
      const { profile } = yield* profileOf({ claims: { ...complete, picture } })
      assert.isNull(profile?.image)
    }),
  )

  describe("OpenID Connect Core §5.3", () => {
    it.effect.each([{ sub: "u-2" }, {}, { sub: null }])("MUST refuse UserInfo of another subject: %j", (info) =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(
          profileOf({ claims: { sub: "u-1" }, userinfo: LocalServer.json({ ...complete, sub: undefined, ...info }) }),
        )
        assert.deepInclude(failure, { _tag: "IdTokenInvalid", reason: "subject" })
      }),
    )

    it.effect.each([
      ["refuses the token", LocalServer.json({ error: "invalid_token" }, 401), "status"],
      ["redirects", LocalServer.redirect("https://other.example.com/"), "status"],
      ["answers a signed token", LocalServer.text("a.b.c", "application/jwt"), "malformed"],
      ["answers without end", LocalServer.endless, "too-large"],
    ] as const)("is unavailable where it %s", ([, userinfo, reason]) =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(profileOf({ userinfo }))
        assert.deepInclude(failure, { _tag: "ProviderUnavailable", endpoint: "userinfo", reason })
      }),
    )
  })

  it.effect("is null where nobody tells who it is", () =>
    Effect.gen(function* () {
      assert.isNull((yield* profileOf({ userinfo: LocalServer.json({ name: "Ada" }) })).profile)
      const { profile, local } = yield* profileOf({ tokens: Transport.tokenSet({ accessToken: null }) })
      assert.isNull(profile)
      assert.strictEqual(local.countOf("/userinfo"), 0)
    }),
  )

  it.effect("takes id for the account where there is no sub", () =>
    Effect.gen(function* () {
      const { profile } = yield* profileOf({ userinfo: LocalServer.json({ id: 42, email: "a@b.c" }) })
      assert.strictEqual(profile?.accountId, "42")
    }),
  )

  it.effect("is made by the strategy where it makes one, of all that is known", () =>
    Effect.gen(function* () {
      const { profile } = yield* profileOf({
        claims: complete,
        options: {
          strategy: {
            profile: (source) =>
              Effect.map(source.userinfo, (info) => ({
                accountId: String(source.claims?.["sub"]),
                email: null,
                emailVerified: false,
                name: source.callbackFields["user"] ?? null,
                image: null,
                raw: info ?? {},
              })),
          },
        },
      })
      assert.strictEqual(profile?.name, "first post")
      assert.strictEqual(profile?.raw["name"], "Ada Lovelace")
    }),
  )

  it.effect("lets hooks ask for the person and change what comes of it", () =>
    Effect.gen(function* () {
      const { profile, local } = yield* profileOf({
        options: {
          hooks: {
            getUserInfo: (tokens) =>
              Effect.succeed({ sub: "u-9", name: Redacted.value(tokens.accessToken ?? Redacted.make("")) }),
            mapProfile: (mapped) => Effect.succeed({ ...mapped, email: "mapped@example.com" }),
          },
        },
      })
      assert.deepInclude(profile, { accountId: "u-9", name: "access-1", email: "mapped@example.com" })
      assert.strictEqual(local.countOf("/userinfo"), 0)
    }),
  )

  it.effect("does not let a hook mix two persons up", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(
        profileOf({
          claims: { sub: "u-1" },
          options: { hooks: { getUserInfo: () => Effect.succeed({ sub: "u-2" }) } },
        }),
      )
      assert.deepInclude(failure, { _tag: "IdTokenInvalid", reason: "subject" })
    }),
  )
})
