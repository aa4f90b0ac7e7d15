/**
 * RP-initiated logout: whose word ends a session, and where the way goes then.
 */
import { KeyRing } from "@belfry/core/KeyRing"
import { Sessions } from "@belfry/core/Sessions"
import * as Grant from "@belfry/oauth-server/Grant"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { RecordStore } from "@belfry/oauth-server/RecordStore"
import { SigningKeys } from "@belfry/oauth-server/SigningKeys"
import { TokenIssuer } from "@belfry/oauth-server/TokenIssuer"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { ask, issuer, layer, locationOf, open, queryOf, serve, signIn, storedClient } from "./support/Authorizing.ts"
import { forgeriesOf, idToken } from "./support/IdTokens.ts"

const endSession = "/auth/oauth2/end-session"

const target = "https://client.example.com/signed-out"

const mayEndSessions = {
  metadata: { postLogoutRedirectUris: [target, "https://client.example.com/other?a=b"] },
  privileges: { enableEndSession: true },
}

/** A client that may end sessions, and a browser in which somebody is signed in, with their ID token. */
const start = Effect.fnUntraced(function* (fields: Parameters<typeof storedClient>[0] = mayEndSessions) {
  const send = yield* serve
  const browser = yield* open(send)
  const client = yield* storedClient(fields)
  const person = yield* browser.signIn()
  const hint = yield* idToken(client, person)
  return { send, browser, client, person, hint }
})

const pathOf = (parameters: Readonly<Record<string, string>>): string =>
  `${endSession}?${new URLSearchParams(parameters).toString()}`

/** Whether the session of a person still opens. */
const isSignedIn = ({ token }: Effect.Success<ReturnType<typeof signIn>>) =>
  Sessions.use((sessions) => sessions.verify(token)).pipe(
    Effect.as(true),
    Effect.catchTag("SessionInvalid", () => Effect.succeed(false)),
  )

describe("OpenID Connect RP-Initiated Logout §2", () => {
  it.effect("MUST end the session that an ID token of the client names, and redirect with state", () =>
    Effect.gen(function* () {
      const { browser, hint, person } = yield* start()
      const query = { id_token_hint: hint, post_logout_redirect_uri: target, state: "x y&z" }
      const response = yield* browser.go(pathOf(query))
      assert.strictEqual(response.status, 302)
      assert.strictEqual(response.location, `${target}?state=x+y%26z`)
      assert.strictEqual(response.headers.get("cache-control"), "no-store")
      assert.strictEqual(response.headers.get("referrer-policy"), "no-referrer")
      assert.strictEqual(response.cookies["belfry_session"]?.value, "")
      assert.isFalse(yield* isSignedIn(person))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("SHOULD take an ID token that is over", () =>
    Effect.gen(function* () {
      const { browser, client, hint, person } = yield* start()
      yield* TestClock.adjust("11 hours")
      const query = { id_token_hint: hint, client_id: client.id, post_logout_redirect_uri: target }
      const response = yield* browser.go(pathOf(query))
      assert.strictEqual(response.location, target)
      assert.isFalse(yield* isSignedIn(person))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST take POST like GET", () =>
    Effect.gen(function* () {
      const { browser, hint, person } = yield* start()
      const query = {
        id_token_hint: hint,
        post_logout_redirect_uri: "https://client.example.com/other?a=b",
        state: "s",
      }
      const posted = yield* browser.submitFrom("https://client.example.com", endSession, query)
      assert.strictEqual(posted.status, 303)
      assert.isTrue(yield* isSignedIn(person))
      const response = yield* browser.go(posted.location ?? "")
      assert.strictEqual(response.location, "https://client.example.com/other?a=b&state=s")
      assert.isFalse(yield* isSignedIn(person))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST ask the person where there is no hint, a hint for somebody else, or a client that may not", () =>
    Effect.gen(function* () {
      const { browser, client, person, hint } = yield* start()
      const plain = yield* storedClient({ metadata: mayEndSessions.metadata })
      const queries = [
        {},
        { client_id: client.id },
        { client_id: client.id, post_logout_redirect_uri: target },
        { id_token_hint: yield* idToken(client, yield* signIn()) },
        // Another session of the same person.
        { id_token_hint: yield* idToken(client, yield* signIn(person.user)) },
        { id_token_hint: yield* idToken(plain, person) },
      ]
      for (const query of queries) {
        const response = yield* browser.go(pathOf(query))
        assert.strictEqual(response.status, 302)
        assert.strictEqual(locationOf(response).pathname, "/sign-out/confirm", JSON.stringify(Object.keys(query)))
        assert.deepStrictEqual(response.cookies, {})
      }
      assert.isTrue(yield* isSignedIn(person))
      assert.strictEqual((yield* browser.go(pathOf({ id_token_hint: hint }))).location, "/sign-out/done")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST hold the subject of a hint against who is signed in, where it names no session", () =>
    Effect.gen(function* () {
      const { browser, client, person } = yield* start()
      const somebody = yield* signIn()
      const sign = (sub: string) =>
        SigningKeys.use((keys) =>
          keys.sign({ claims: { iss: issuer, aud: [client.id], sub }, typ: "JWT", algorithm: "RS256" }),
        )
      for (const [sub, page] of [
        [somebody.user.id, "/sign-out/confirm"],
        ["", "/sign-out/confirm"],
        [person.user.id, "/sign-out/done"],
      ] as const) {
        const response = yield* browser.go(pathOf({ id_token_hint: Redacted.value(yield* sign(sub)) }))
        assert.strictEqual(locationOf(response).pathname, page)
      }
      assert.isFalse(yield* isSignedIn(person))
      assert.isTrue(yield* isSignedIn(somebody))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("ends the session and goes on once the person agrees", () =>
    Effect.gen(function* () {
      const { browser, client, person } = yield* start()
      const query = { client_id: client.id, post_logout_redirect_uri: target, state: "s" }
      const { request = "" } = queryOf(yield* browser.go(pathOf(query)))
      assert.notInclude(request, client.id)
      const shown = yield* browser.fetch(`${endSession}/request?request=${encodeURIComponent(request)}`)
      assert.strictEqual(TestHttp.textAt(shown, "client", "clientName"), "Analytical Engine")
      const confirmed = yield* browser.submit(`${endSession}/confirm`, { request })
      assert.strictEqual(confirmed.status, 303)
      assert.strictEqual(confirmed.location, `${target}?state=s`)
      assert.strictEqual(confirmed.cookies["belfry_session"]?.value, "")
      assert.isFalse(yield* isSignedIn(person))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes the person's word in the session that was asked, and until the exact instant", () =>
    Effect.gen(function* () {
      const { browser, client, person } = yield* start()
      const ask = Effect.map(
        browser.go(pathOf({ client_id: client.id })),
        (response) => queryOf(response)["request"] ?? "",
      )
      const confirm = (request: string) => browser.fetch(`${endSession}/confirm`, { request })
      const request = yield* ask
      for (const forged of ["", "x", `${request}A`, request.slice(0, -1), `test.${"A".repeat(80)}`]) {
        const refused = yield* confirm(forged)
        assert.strictEqual(refused.status, 400, forged)
        assert.strictEqual(TestHttp.textAt(refused, "reason"), "expired")
      }
      const other = yield* browser.signIn()
      assert.strictEqual((yield* confirm(request)).status, 400)
      assert.isTrue(yield* isSignedIn(other))
      assert.isTrue(yield* isSignedIn(person))
      const own = yield* ask
      yield* TestClock.adjust(Duration.millis(599_999))
      const shown = `${endSession}/request?request=${encodeURIComponent(own)}`
      assert.strictEqual((yield* browser.fetch(shown)).status, 200)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* browser.fetch(shown)).status, 400)
      assert.strictEqual((yield* confirm(own)).status, 400)
      assert.isTrue(yield* isSignedIn(other))
      const confirmed = yield* confirm(yield* ask)
      assert.deepStrictEqual(confirmed.json, { status: "signed_out", redirect: true, url: "/sign-out/done" })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST refuse a hint that is no ID token of this server for the client", () =>
    Effect.gen(function* () {
      const { browser, client, hint, person } = yield* start()
      const other = yield* storedClient(mayEndSessions)
      const accessToken = yield* TokenIssuer.use((issuer) =>
        Effect.flatMap(DateTime.now, (now) =>
          issuer.accessToken({
            client,
            grant: null,
            user: null,
            scopes: [],
            resources: [OAuthBuilders.resource(client.id)],
            now,
          }),
        ),
      )
      const refused = [
        ...forgeriesOf(hint).map((id_token_hint) => ({ id_token_hint })),
        ...forgeriesOf(hint).map((id_token_hint) => ({ id_token_hint, client_id: client.id })),
        { id_token_hint: hint, client_id: other.id },
        { id_token_hint: Redacted.value(accessToken.token), client_id: client.id },
      ]
      for (const query of refused) {
        const response = yield* browser.go(pathOf({ ...query, post_logout_redirect_uri: target }))
        assert.strictEqual(locationOf(response).pathname, "/authorize/error", query.id_token_hint.slice(0, 40))
        assert.strictEqual(queryOf(response)["error"], "invalid_request")
      }
      assert.isTrue(yield* isSignedIn(person))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("takes hints that are signed with the client's secret, where there are no JWTs", () =>
    Effect.gen(function* () {
      const { browser, hint } = yield* Effect.gen(function* () {
        const send = yield* serve
        const browser = yield* open(send)
        const client = yield* clientWithSecret()
        const person = yield* browser.signIn()
        const other = yield* clientWithSecret()
        const stolen = yield* idToken(other, person)
        const wrong = yield* browser.go(pathOf({ id_token_hint: stolen, client_id: client.id }))
        assert.strictEqual(queryOf(wrong)["error"], "invalid_request")
        return { browser, hint: yield* idToken(client, person) }
      })
      for (const forged of forgeriesOf(hint)) {
        assert.strictEqual(queryOf(yield* browser.go(pathOf({ id_token_hint: forged })))["error"], "invalid_request")
      }
      assert.strictEqual((yield* browser.go(pathOf({ id_token_hint: hint }))).location, "/sign-out/done")
    }).pipe(Effect.provide(layer({ settings: { disableJwt: true } }))),
  )
})

describe("OpenID Connect RP-Initiated Logout §3", () => {
  it.effect("MUST NOT redirect to what is not registered for the client, byte for byte, and ends nothing then", () =>
    Effect.gen(function* () {
      const { browser, client, hint, person } = yield* start()
      const none = yield* storedClient()
      const wrong = [
        "https://evil.example/",
        "https://client.example.com/signed-out/",
        "https://client.example.com/signed-out?x=1",
        "https://client.example.com/Signed-out",
        "https://client.example.com/signed-out#x",
        "https://client.example.com:443/signed-out",
        "https://client.example.com/other",
        "https://client.example.com/callback",
        "javascript:alert(1)",
        "//client.example.com/signed-out",
      ]
      for (const post_logout_redirect_uri of wrong) {
        const response = yield* browser.go(pathOf({ id_token_hint: hint, post_logout_redirect_uri }))
        assert.strictEqual(queryOf(response)["error"], "invalid_redirect_uri", post_logout_redirect_uri)
        assert.strictEqual(locationOf(response).pathname, "/authorize/error")
      }
      const queries = [
        { post_logout_redirect_uri: target },
        { post_logout_redirect_uri: target, client_id: none.id },
        { post_logout_redirect_uri: target, id_token_hint: yield* idToken(none, person) },
      ]
      for (const query of queries) {
        assert.strictEqual(queryOf(yield* browser.go(pathOf(query)))["error"], "invalid_redirect_uri")
      }
      const unknown = { client_id: "unknown", post_logout_redirect_uri: target }
      assert.strictEqual(queryOf(yield* browser.go(pathOf(unknown)))["error"], "invalid_client")
      const twice = `${pathOf({ id_token_hint: hint, client_id: client.id })}&client_id=${client.id}`
      assert.strictEqual(queryOf(yield* browser.go(twice))["error"], "invalid_request")
      assert.isTrue(yield* isSignedIn(person))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("goes on where nobody is signed in, but without a hint not to what a client registered for itself", () =>
    Effect.gen(function* () {
      const { client, hint, send } = yield* start()
      const dynamic = yield* storedClient({ ...mayEndSessions, isDynamic: true })
      const browser = yield* open(send)
      const go = (query: Readonly<Record<string, string>>) =>
        Effect.map(browser.go(pathOf({ post_logout_redirect_uri: target, ...query })), ({ location }) => location)
      assert.strictEqual(yield* go({ id_token_hint: hint }), target)
      assert.strictEqual(yield* go({ client_id: client.id }), target)
      assert.strictEqual(yield* go({ client_id: dynamic.id }), "/sign-out/done")
      assert.strictEqual(yield* go({ id_token_hint: yield* idToken(dynamic, yield* signIn()) }), target)
      const plain = yield* browser.go(pathOf({ state: "only" }))
      assert.strictEqual(plain.location, "/sign-out/done")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("tells script where to go", () =>
    Effect.gen(function* () {
      const { browser, hint } = yield* start()
      const asked = yield* browser.fetch(endSession)
      assert.deepInclude(asked.json, { status: "confirm", redirect: true })
      const done = yield* browser.fetch(pathOf({ id_token_hint: hint, post_logout_redirect_uri: target }))
      assert.deepStrictEqual(done.json, { status: "signed_out", redirect: true, url: target })
    }).pipe(Effect.provide(layer())),
  )
})

describe("the end of a session", () => {
  describe("OAuth 2.1 §4.3.1", () => {
    it.effect("SHOULD end the grants that were given in it, but for offline access", () =>
      Effect.gen(function* () {
        const { browser, client, hint, person } = yield* start()
        const codes = []
        for (const isOffline of [false, true]) {
          const grant = yield* OAuthBuilders.storedGrant({
            clientId: client.id,
            userId: person.user.id,
            sessionId: person.session.id,
            sid: person.session.id,
            isOffline,
          })
          codes.push(grant.code.hash)
        }
        const areInForce = Effect.forEach(codes, (hash) =>
          Effect.gen(function* () {
            const { grant } = yield* RecordStore.use((records) => records.find({ code: [hash] }))
            return grant === null ? assert.fail("no grant") : Grant.isInForce(grant, yield* DateTime.now)
          }),
        )
        assert.deepStrictEqual(yield* areInForce, [true, true])
        yield* browser.go(pathOf({ id_token_hint: hint }))
        assert.deepStrictEqual(yield* areInForce, [false, true])
        assert.lengthOf(
          yield* GrantStore.use((grants) =>
            Effect.flatMap(DateTime.now, (now) => grants.listByUser(person.user.id, now)),
          ),
          0,
        )
      }).pipe(Effect.provide(layer())),
    )
  })

  it.effect("is not brought about by a form of another site, however long it is", () =>
    Effect.gen(function* () {
      const { browser, person } = yield* start()
      for (const state of ["x", "x".repeat(9000)]) {
        const posted = yield* browser.submitFrom("https://evil.example.com", endSession, { state })
        assert.strictEqual(posted.status, 303)
        assert.deepStrictEqual(posted.cookies, {})
      }
      assert.isTrue(browser.cookies.has("belfry_session"))
      assert.isTrue(yield* isSignedIn(person))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is not for clients to begin where the host has it off", () =>
    Effect.gen(function* () {
      const { browser, hint, person } = yield* start()
      const response = yield* browser.go(pathOf({ id_token_hint: hint }))
      assert.strictEqual(queryOf(response)["error"], "invalid_request")
      assert.isTrue(yield* isSignedIn(person))
    }).pipe(Effect.provide(layer({ settings: { endSession: false } }))),
  )
})

describe("OpenID Connect Core §3.1.2.1", () => {
  it.effect("SHOULD enforce id_token_hint at the authorization endpoint", () =>
    Effect.gen(function* () {
      const { browser, client, hint } = yield* start()
      const go = (id_token_hint: string, of = client) =>
        Effect.map(
          browser.go(`/auth/oauth2/authorize?${ask(of, { id_token_hint, prompt: "none" }).toString()}`),
          (response) => queryOf(response)["error"],
        )
      assert.strictEqual(yield* go(hint), "consent_required")
      yield* TestClock.adjust("11 hours")
      assert.strictEqual(yield* go(hint), "consent_required")
      assert.strictEqual(yield* go(yield* idToken(client, yield* signIn())), "login_required")
      assert.strictEqual(yield* go(hint, yield* storedClient()), "invalid_request")
      for (const forged of forgeriesOf(hint)) assert.strictEqual(yield* go(forged), "invalid_request")
    }).pipe(Effect.provide(layer())),
  )
})

/** A confidential client whose secret this server can sign with. */
const clientWithSecret = Effect.fnUntraced(function* () {
  const client = yield* OAuthBuilders.client({ ...mayEndSessions })
  const secret = yield* OAuthBuilders.clientSecret({ sealed: yield* sealSecret(client.id) })
  return yield* storedClient({ ...mayEndSessions, id: client.id, secrets: [secret] })
})

const sealSecret = Effect.fnUntraced(function* (id: string) {
  const sealer = yield* KeyRing.use((ring) => ring.sealer("oauth-client-secret"))
  return yield* sealer.seal(Redacted.make(`secret of ${id}`), id)
})
