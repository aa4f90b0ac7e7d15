/**
 * Signing in with another provider by the typed client and a browser's cookies, against a server that listens and a
 * provider on loopback.
 */
import * as BelfryClient from "@belfry/client/BelfryClient"
import { SessionInvalid } from "@belfry/core/Session"
import { AccountUnusable } from "@belfry/oauth-client/OAuthAccount"
import { OAuthRefused, ProviderNotFound } from "@belfry/oauth-client/OAuthSignIn"
import { OAuthProviders } from "@belfry/oauth-client/OAuthProviders"
import * as OpenIdProvider from "@belfry/testing/OpenIdProvider"
import { assert, layer as withLayer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import * as TestServer from "./support/TestServer.ts"

const params = { providerId: "acme" }

/** The provider, known to the server as `acme`. */
class Acme extends Context.Service<Acme, OpenIdProvider.OpenIdProvider>()("@belfry/client/test/Acme") {}

const layer = Layer.effect(
  Acme,
  Effect.gen(function* () {
    const provider = yield* OpenIdProvider.make
    const providers = yield* OAuthProviders
    yield* providers.add({
      id: "acme",
      name: "Acme",
      clientId: OpenIdProvider.clientId,
      clientSecret: Redacted.make(OpenIdProvider.clientSecret),
      discoveryUrl: `${provider.url}/.well-known/openid-configuration`,
      scopes: ["openid", "email", "profile"],
    })
    return provider
  }),
).pipe(Layer.provideMerge(TestServer.layer))

/** A browser of its own: the typed client, and a way to open a URL, with the same cookies. It follows no redirect. */
const open = Effect.gen(function* () {
  const origin = yield* TestServer.Origin
  const context = yield* Layer.build(
    Layer.fresh(BelfryClient.layer({ baseUrl: origin })).pipe(
      Layer.provideMerge(Layer.fresh(BelfryClient.layerCookieJar(origin))),
      Layer.provide(FetchHttpClient.layer),
    ),
  )
  const http = Context.get(context, HttpClient.HttpClient)
  const visit = Effect.fnUntraced(function* (url: string) {
    // The services think of themselves as on another port than the one that was free.
    const { host, pathname, search } = new URL(url, origin)
    const isOurs = host === "localhost:3000" || url.startsWith("/")
    const response = yield* http
      .get(isOurs ? `${origin}${pathname}${search}` : url)
      .pipe(Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }))
    return { status: response.status, location: response.headers["location"] ?? "" }
  })
  return { client: Context.get(context, BelfryClient.BelfryClient), visit }
})

type Browser = Effect.Success<typeof open>

/** Opens a start URL, consents at the provider and comes back; where the browser is sent then. */
const follow = Effect.fnUntraced(function* ({ visit }: Browser, url: string) {
  const atProvider = yield* visit(url)
  const back = yield* visit(atProvider.location)
  return yield* visit(back.location)
})

withLayer(layer, { excludeTestServices: true })("A provider, by the typed client", (it) => {
  it.effect("is listed, signs a browser in and gives what belongs to the account", () =>
    Effect.gen(function* () {
      const browser = yield* open
      const { client } = browser
      assert.deepStrictEqual(yield* client.providers.list(), { providers: [{ id: "acme", name: "Acme" }] })
      const { url } = yield* client.providers.signIn({ params, payload: { redirectUrl: "/reports" } })
      assert.deepStrictEqual(yield* Effect.flip(client.sessions.current()), new SessionInvalid())
      assert.deepStrictEqual(yield* follow(browser, url), { status: 302, location: "/reports" })
      const { session, user } = yield* client.sessions.current()
      assert.deepStrictEqual([session.amr, user.email], [["oauth"], "ada@example.com"])
      assert.isNotNull(user.emailVerifiedAt)

      const { accounts } = yield* client.providers.accounts({ params })
      assert.deepStrictEqual(
        accounts.map(({ userId, providerAccountId, hasRefreshToken }) => [userId, providerAccountId, hasRefreshToken]),
        [[user.id, "u-1", true]],
      )
      const first = yield* client.providers.accessToken({ params, payload: {} })
      if (first.accessToken === null) return assert.fail("no access token")
      assert.notInclude(JSON.stringify(first), Redacted.value(first.accessToken))
      const renewed = yield* client.providers.refreshToken({ params, payload: { providerAccountId: "u-1" } })
      assert.notStrictEqual(Redacted.value(renewed.accessToken ?? first.accessToken), Redacted.value(first.accessToken))
      const info = yield* client.providers.accountInfo({ params, query: {} })
      assert.deepStrictEqual([info.user?.name, info.user?.emailVerified], ["Ada Lovelace", true])
      assert.deepStrictEqual(yield* client.providers.unlink({ params, payload: {} }), { status: true })
      assert.deepStrictEqual(yield* client.providers.accounts({ params }), { accounts: [] })
    }),
  )

  it.effect("is linked to who is signed in", () =>
    Effect.gen(function* () {
      const acme = yield* Acme
      acme.user = { sub: "u-2", email: "grace@example.com", email_verified: true }
      const browser = yield* open
      const { client } = browser
      const started = yield* client.providers.signIn({ params, payload: {} })
      yield* follow(browser, started.url)
      acme.user = { ...acme.user, sub: "u-3" }
      const { url } = yield* client.providers.link({ params, payload: { redirectUrl: "/account?done=linked" } })
      assert.strictEqual((yield* follow(browser, url)).location, "/account?done=linked")
      const { accounts } = yield* client.providers.accounts({ params })
      assert.deepStrictEqual(
        accounts.map(({ providerAccountId }) => providerAccountId),
        ["u-2", "u-3"],
      )
      const which = yield* Effect.flip(client.providers.accessToken({ params, payload: {} }))
      assert.deepStrictEqual(which, new AccountUnusable({ providerId: "acme", reason: "account-required" }))
    }),
  )

  it.effect("signs in a program that brings an ID token", () =>
    Effect.gen(function* () {
      const acme = yield* Acme
      acme.user = { sub: "u-4", email: "edsger@example.com", email_verified: true }
      const { client } = yield* open
      const idToken = Redacted.make(acme.idToken({ nonce: "n" }))
      const signIn = (nonce: string) =>
        client.providers.signInByIdToken({ params, payload: { idToken, nonce, transport: "bearer" } })
      assert.deepStrictEqual(
        yield* Effect.flip(signIn("m")),
        new OAuthRefused({ providerId: "acme", code: "oauth_code_verification_failed" }),
      )
      const result = yield* signIn("n")
      if (result.status !== "complete" || result.token === null) return assert.fail(result.status)
      assert.isTrue(result.isNewUser)
      const baseUrl = yield* TestServer.Origin
      const program = yield* BelfryClient.make({ baseUrl, token: result.token }).pipe(
        Effect.provide(FetchHttpClient.layer),
      )
      assert.strictEqual((yield* program.users.current()).email, "edsger@example.com")
    }),
  )

  it.effect("that is not there is an error of the contract, and a page to a browser", () =>
    Effect.gen(function* () {
      const { client, visit } = yield* open
      const missing = yield* Effect.flip(client.providers.signIn({ params: { providerId: "nobody" }, payload: {} }))
      assert.deepStrictEqual(missing, new ProviderNotFound({ providerId: "nobody" }))
      for (const path of ["start", "callback"]) {
        assert.deepStrictEqual(yield* visit(`/auth/provider/nobody/${path}`), {
          status: 302,
          location: "/sign-in/error?error=provider_not_found",
        })
      }
    }),
  )
})
