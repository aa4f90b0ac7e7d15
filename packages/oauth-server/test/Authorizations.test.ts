/**
 * Authorization requests at the service: checked, made to wait, resumed, decided, and answered once.
 */
import { Audit } from "@belfry/core/Audit"
import { sessionCookie, Sessions } from "@belfry/core/Sessions"
import { Authorizations } from "@belfry/oauth-server/Authorizations"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import { LoginFlow } from "@belfry/oauth-server/LoginFlow"
import { MemoryOAuthServerTables } from "@belfry/oauth-server/MemoryOAuthServerTables"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import { ResourceStore } from "@belfry/oauth-server/ResourceStore"
import { WaitingRequestStore } from "@belfry/oauth-server/WaitingRequestStore"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  answerOf,
  ask,
  type Asked,
  begin,
  browser,
  callback,
  challenge,
  issuer,
  layer,
  layerHost,
  pageOf,
  signIn,
  storedClient,
} from "./support/Authorizing.ts"
import { confusing, confusingLoopback } from "./support/redirectUris.ts"

const authorize = (...given: Parameters<Authorizations["Service"]["authorize"]>) =>
  Authorizations.use((authorizations) => authorizations.authorize(...given))
const resume = (...given: Parameters<Authorizations["Service"]["resume"]>) =>
  Authorizations.use((authorizations) => authorizations.resume(...given))
const decide = (...given: Parameters<Authorizations["Service"]["decide"]>) =>
  Authorizations.use((authorizations) => authorizations.decide(...given))
const advance = (...given: Parameters<Authorizations["Service"]["advance"]>) =>
  Authorizations.use((authorizations) => authorizations.advance(...given))

const accept = { accept: true, scopes: null }

const grants = Effect.map(MemoryOAuthServerTables, (tables) => [...tables.grants.values()])

const reasonOf = <A, E extends { readonly _tag: string; readonly reason?: unknown }, R>(
  effect: Effect.Effect<A, E, R>,
) => Effect.match(effect, { onSuccess: () => "nothing", onFailure: (error) => error.reason ?? error._tag })

const eventsOf = Effect.map(
  Audit.use((audit) => audit.list()),
  (events) => events.map(({ type }) => type).filter((type) => type.startsWith("oauth-")),
)

/** Somebody signed in before the request came, who gave the client its scopes. */
const consented = Effect.fnUntraced(function* (
  client: Effect.Success<ReturnType<typeof storedClient>>,
  scopes: ReadonlyArray<string> = ["openid", "profile"],
) {
  const person = yield* signIn()
  const consent = yield* OAuthBuilders.consent({ clientId: client.id, userId: person.user.id, scopes })
  yield* ConsentStore.use((store) => store.merge(consent))
  yield* TestClock.adjust("1 minute")
  return person
})

describe("a request that needs nobody", () => {
  it.effect("is answered with a code, state and iss, and leaves a grant", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* consented(client)
      const outcome = yield* authorize(ask(client, { nonce: "n" }), browser(person))
      assert.isTrue(outcome._tag === "Respond" && outcome.response.redirectUri === callback)
      const { code, ...others } = answerOf(outcome)
      assert.match(code ?? "", /^belfry_code_[0-9A-Za-z]{43}$/)
      assert.deepStrictEqual(others, { state: "of the client", iss: issuer })
      const [row, ...more] = yield* grants
      assert.lengthOf(more, 0)
      const now = yield* DateTime.now
      assert.deepInclude(row?.grant, {
        clientId: client.id,
        userId: person.user.id,
        sessionId: person.session.id,
        sid: person.session.id,
        scopes: ["openid", "profile"],
        nonce: "n",
        authTime: person.session.authTime,
        amr: ["pwd"],
        isOffline: false,
        createdAt: now,
        // The code's minute, and the hour of an access token that it is redeemed for at the last moment.
        expiresAt: DateTime.add(now, { minutes: 61 }),
        endsAt: DateTime.add(now, { days: 365 }),
        revokedAt: null,
      })
      assert.deepInclude(row?.code, { redirectUri: callback, isRedirectUriGiven: true, codeChallenge: challenge })
      assert.notInclude(JSON.stringify(row), code ?? "")
      assert.deepStrictEqual(yield* eventsOf, ["oauth-grant.begun"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("gets a grant that lasts for refreshes with offline_access", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* consented(client, ["openid", "offline_access"])
      answerOf(yield* authorize(ask(client, { scope: "openid offline_access" }), browser(person)))
      const [row] = yield* grants
      const now = yield* DateTime.now
      assert.deepInclude(row?.grant, {
        isOffline: true,
        expiresAt: DateTime.add(now, { days: 30, minutes: 1 }),
        endsAt: DateTime.add(now, { days: 365 }),
      })
    }).pipe(Effect.provide(layer())),
  )

  it.effect("never outlives the end of its grant", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* consented(client, ["openid", "offline_access"])
      answerOf(yield* authorize(ask(client, { scope: "openid offline_access" }), browser(person)))
      const [row] = yield* grants
      assert.deepStrictEqual(row?.grant.endsAt, row?.grant.expiresAt)
    }).pipe(Effect.provide(layer({ settings: { grantLifetime: Duration.days(1) } }))),
  )

  it.effect("keeps of the claims only those that a given scope covers", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* consented(client, ["openid", "email"])
      const claims = JSON.stringify({
        userinfo: { email: null, name: null, phone_number: null },
        id_token: { email_verified: { essential: true }, acr: null, picture: null },
      })
      answerOf(yield* authorize(ask(client, { scope: "openid email", claims }), browser(person)))
      assert.deepStrictEqual((yield* grants)[0]?.grant.claims, {
        userinfo: { email: null },
        id_token: { email_verified: { essential: true } },
      })
    }).pipe(Effect.provide(layer())),
  )
})

describe("RFC 6749 §4.1.2.1", () => {
  it.effect("MUST NOT redirect to a URI that is not registered, whatever it looks like", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const native = yield* storedClient({
        metadata: {
          applicationType: "native",
          tokenEndpointAuthMethod: "none",
          redirectUris: ["http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost/callback"],
        },
      })
      const person = yield* consented(client)
      for (const redirect_uri of [...confusing, ...confusingLoopback]) {
        for (const wrong of [{}, { response_type: "token" }, { prompt: "none" }]) {
          const refused = yield* reasonOf(authorize(ask(client, { redirect_uri, ...wrong }), browser(person)))
          assert.strictEqual(refused, "invalid_redirect_uri", redirect_uri)
        }
      }
      for (const redirect_uri of confusingLoopback) {
        const refused = yield* reasonOf(authorize(ask(native, { redirect_uri, prompt: "none" }), browser()))
        assert.strictEqual(refused, "invalid_redirect_uri", redirect_uri)
      }
      const port = yield* authorize(
        ask(native, { redirect_uri: "http://127.0.0.1:49152/callback", prompt: "none" }),
        browser(),
      )
      assert.isTrue(port._tag === "Respond" && port.response.redirectUri === "http://127.0.0.1:49152/callback")
      assert.lengthOf(yield* grants, 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT redirect for clients that are unknown, disabled, or named twice", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const disabled = yield* storedClient({ isDisabled: true })
      const refusal = (asked: Asked, of = client) => reasonOf(authorize(ask(of, asked), browser()))
      assert.strictEqual(yield* refusal({ client_id: "unknown" }), "invalid_client")
      assert.strictEqual(yield* refusal({ client_id: "\u0000" }), "invalid_client")
      assert.strictEqual(yield* refusal({}, disabled), "invalid_client")
      assert.strictEqual(yield* refusal({ client_id: null }), "invalid_request")
      assert.strictEqual(yield* refusal({ client_id: [client.id, disabled.id] }), "invalid_request")
      assert.strictEqual(yield* refusal({ redirect_uri: [callback, callback] }), "invalid_request")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST tell every other error to the client, with state and iss", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const errors: ReadonlyArray<readonly [Asked, string]> = [
        [{ response_type: "token" }, "unsupported_response_type"],
        [{ response_type: null }, "invalid_request"],
        [{ scope: "unknown" }, "invalid_scope"],
        [{ code_challenge: null, code_challenge_method: null }, "invalid_request"],
        [{ code_challenge_method: "plain" }, "invalid_request"],
        [{ resource: "https://unknown.example.com" }, "invalid_target"],
        [{ prompt: "none" }, "login_required"],
        [{ prompt: "none login" }, "invalid_request"],
        [{ request: "x" }, "request_not_supported"],
        [{ request_uri: "urn:x" }, "request_uri_not_supported"],
        [{ registration: "{}" }, "registration_not_supported"],
        [{ id_token_hint: "x" }, "invalid_request"],
        [{ response_mode: "fragment" }, "invalid_request"],
      ]
      for (const [asked, code] of errors) {
        const outcome = yield* authorize(ask(client, asked), browser())
        assert.isTrue(outcome._tag === "Respond" && outcome.response.redirectUri === callback)
        const { error, error_description, ...others } = answerOf(outcome)
        assert.strictEqual(error, code)
        assert.match(error_description ?? "", /^[\x20\x21\x23-\x5B\x5D-\x7E]+$/)
        assert.deepStrictEqual(others, { state: "of the client", iss: issuer })
      }
      const noState = answerOf(yield* authorize(ask(client, { prompt: "none", state: null }), browser()))
      assert.deepStrictEqual(Object.keys(noState), ["error", "error_description", "iss"])
      const twice = answerOf(yield* authorize(ask(client, { state: ["a", "b"] }), browser()))
      assert.notProperty(twice, "state")
      const posted = yield* authorize(ask(client, { scope: "unknown", response_mode: "form_post" }), browser())
      assert.isTrue(posted._tag === "Respond" && posted.response.responseMode === "form_post")
    }).pipe(Effect.provide(layer())),
  )
})

describe("a request that waits", () => {
  it.effect("goes from page to page to the answer, in one browser", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const { browser: before, id, intent, url } = yield* begin(client)
      assert.strictEqual(intent, "login")
      assert.strictEqual(
        url,
        `/sign-in?request=${id}&return_to=${encodeURIComponent(`/auth/oauth2/continue?request=${id}`)}`,
      )
      const person = yield* signIn()
      const after = { ...before, signedIn: person }
      const consent = pageOf(yield* resume(id, after))
      assert.strictEqual(consent.intent, "consent")
      assert.isNull(consent.browserToken)
      // Looking changes nothing.
      assert.strictEqual(pageOf(yield* resume(id, after)).intent, "consent")
      const answer = answerOf(yield* decide(id, accept, after))
      assert.property(answer, "code")
      assert.strictEqual(answer["iss"], issuer)
      assert.strictEqual(yield* reasonOf(resume(id, after)), "expired")
      assert.deepStrictEqual(yield* eventsOf, ["oauth-grant.begun", "oauth-consent.given"])
      // What was given is remembered.
      assert.property(answerOf(yield* authorize(ask(client), after)), "code")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("keeps one cookie for several requests, each by itself", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const first = yield* begin(client)
      const second = pageOf(yield* authorize(ask(client, { state: "second" }), first.browser))
      assert.isNull(second.browserToken)
      assert.notStrictEqual(second.waiting.id, first.id)
      const person = yield* signIn()
      const after = { ...first.browser, signedIn: person }
      assert.strictEqual(answerOf(yield* decide(second.waiting.id, accept, after))["state"], "second")
      assert.strictEqual(answerOf(yield* resume(first.id, after))["state"], "of the client")
      // A cookie that this server did not make is replaced.
      const forged = pageOf(yield* authorize(ask(client), browser(null, Redacted.make("belfry_authorization_forged"))))
      assert.isNotNull(forged.browserToken)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is not there for another browser, nor by a forged cookie, and stays for its own", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      const { id, browser: own } = yield* begin(client, person)
      const other = yield* begin(client, person)
      const strangers = [
        [browser(person), "other_browser"],
        [other.browser, "expired"],
        [browser(person, Redacted.make("nonsense")), "expired"],
        [browser(person, Redacted.make(id)), "expired"],
      ] as const
      for (const [stranger, reason] of strangers) {
        assert.strictEqual(yield* reasonOf(resume(id, stranger)), reason)
        assert.strictEqual(yield* reasonOf(decide(id, accept, stranger)), reason)
        assert.strictEqual(yield* reasonOf(decide(id, { accept: false, scopes: null }, stranger)), reason)
        assert.strictEqual(yield* reasonOf(advance(id, "select_account", stranger)), reason)
        assert.strictEqual(yield* reasonOf(Authorizations.use((all) => all.context(id, stranger))), reason)
        assert.strictEqual(yield* reasonOf(Authorizations.use((all) => all.cancel(id, stranger))), reason)
      }
      for (const none of ["", "nonsense", "\u0000", "01a2b3c4-0000-7000-8000-000000000000"]) {
        assert.strictEqual(yield* reasonOf(resume(none, own)), "expired")
      }
      assert.property(answerOf(yield* decide(id, accept, own)), "code")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is over at the exact instant", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      const { id, browser: own } = yield* begin(client, person)
      yield* TestClock.adjust(Duration.millis(599_999))
      assert.strictEqual(pageOf(yield* resume(id, own)).intent, "consent")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* reasonOf(resume(id, own)), "expired")
      assert.strictEqual(yield* reasonOf(decide(id, accept, own)), "expired")
      assert.lengthOf(yield* grants, 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("waits no longer for a client that is disabled, or lost its redirect URI, a scope or a resource", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      const store = yield* ClientStore
      const change = Effect.fnUntraced(function* (next: Partial<typeof client>) {
        const seen = Option.getOrThrow(yield* store.find(client.id))
        yield* store.update(seen, { ...seen, ...next })
      })
      const { id, browser: own } = yield* begin(client, person, { scope: "openid notes:read" })
      yield* change({ isDisabled: true })
      assert.strictEqual(yield* reasonOf(decide(id, accept, own)), "invalid_client")
      assert.strictEqual(yield* reasonOf(Authorizations.use((all) => all.cancel(id, own))), "invalid_client")
      yield* change({ isDisabled: false, metadata: { ...client.metadata, redirectUris: ["https://new.example.com"] } })
      assert.strictEqual(yield* reasonOf(decide(id, accept, own)), "invalid_redirect_uri")
      yield* change({ metadata: { ...client.metadata, scopes: ["openid"] } })
      assert.strictEqual(answerOf(yield* decide(id, accept, own))["error"], "invalid_scope")
      yield* change({ metadata: client.metadata })
      const resource = "https://api.example.com"
      yield* ResourceStore.use((store) => store.insert(OAuthBuilders.resource(resource)))
      const allowed = yield* begin(client, person, { resource })
      yield* change({ privileges: { ...client.privileges, resources: ["https://other.example.com"] } })
      assert.strictEqual(answerOf(yield* decide(allowed.id, accept, allowed.browser))["error"], "invalid_target")
      yield* change({ privileges: client.privileges })
      const known = yield* begin(client, person, { resource })
      yield* ResourceStore.use((store) => store.remove(resource))
      assert.strictEqual(answerOf(yield* decide(known.id, accept, known.browser))["error"], "invalid_target")
      assert.lengthOf(yield* grants, 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is answered once, however many ask at the same time", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      const { id, browser: own } = yield* begin(client, person)
      const decided = yield* Effect.all(
        Array.from({ length: 100 }, (_, index) =>
          decide(id, { accept: index % 10 !== 9, scopes: null }, own).pipe(
            Effect.map((outcome) => Object.keys(answerOf(outcome))[0]),
            Effect.catchTag("AuthorizationRefused", ({ reason }) => Effect.succeed(reason)),
          ),
        ),
        { concurrency: "unbounded" },
      )
      const winners = decided.filter((result) => result !== "expired")
      assert.lengthOf(winners, 1)
      assert.lengthOf(yield* grants, winners[0] === "code" ? 1 : 0)
    }).pipe(Effect.provide(layer())),
  )
})

describe("the person's decision", () => {
  it.effect("is taken only where consent is what is due, in the session that is signed in", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const { id, browser: own } = yield* begin(client, null, { prompt: "select_account" })
      assert.strictEqual(pageOf(yield* decide(id, accept, own)).intent, "login")
      const person = yield* signIn()
      yield* TestClock.adjust("1 second")
      const request = yield* begin(client, person, { prompt: "select_account" })
      assert.strictEqual(pageOf(yield* decide(request.id, accept, request.browser)).intent, "select_account")
      const reauthenticate = yield* begin(client, person, { prompt: "login" })
      assert.strictEqual(
        pageOf(yield* decide(reauthenticate.id, accept, reauthenticate.browser)).intent,
        "reauthenticate",
      )
      assert.lengthOf(yield* grants, 0)
      assert.lengthOf(yield* ConsentStore.use((store) => store.listByUser(person.user.id)), 0)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("may give less than was asked for, and what was declined is not asked again", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      const asked = { scope: "openid profile notes:read" }
      const { id, browser: own } = yield* begin(client, person, asked)
      answerOf(yield* decide(id, { accept: true, scopes: ["notes:read"] }, own))
      const [row] = yield* grants
      // Who is signed in is what the whole is about.
      assert.deepStrictEqual(row?.grant.scopes, ["openid", "notes:read"])
      const [consent] = yield* ConsentStore.use((store) => store.listByUser(person.user.id))
      assert.deepStrictEqual(consent?.declinedScopes, ["profile"])
      answerOf(yield* authorize(ask(client, asked), own))
      assert.deepStrictEqual((yield* grants).at(-1)?.grant.scopes, ["openid", "notes:read"])
      // A further scope is asked for, and what was given before is known.
      const more = yield* begin(client, person, { scope: "openid notes:read notes:write" })
      const context = yield* Authorizations.use((all) => all.context(more.id, more.browser))
      assert.deepStrictEqual(context.givenScopes, ["openid", "notes:read"])
      answerOf(yield* decide(more.id, accept, more.browser))
      const [merged] = yield* ConsentStore.use((store) => store.listByUser(person.user.id))
      assert.sameMembers([...(merged?.scopes ?? [])], ["openid", "notes:read", "notes:write"])
    }).pipe(Effect.provide(layer())),
  )

  it.effect("cannot give what was not asked for", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      const { id, browser: own } = yield* begin(client, person, { scope: "openid" })
      const wider = { accept: true, scopes: ["openid", "notes:write"] }
      assert.strictEqual(yield* reasonOf(decide(id, wider, own)), "invalid_request")
      assert.lengthOf(yield* grants, 0)
      assert.property(answerOf(yield* decide(id, accept, own)), "code")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("of nothing is a denial, and a denial ends the request with access_denied", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      for (const decision of [
        { accept: false, scopes: null },
        { accept: true, scopes: [] },
      ]) {
        const { id, browser: own } = yield* begin(client, person, { scope: "notes:read" })
        const { error_description, ...answer } = answerOf(yield* decide(id, decision, own))
        assert.isString(error_description)
        assert.deepStrictEqual(answer, { error: "access_denied", state: "of the client", iss: issuer })
        assert.strictEqual(yield* reasonOf(resume(id, own)), "expired")
      }
      const early = yield* begin(client)
      const cancelled = yield* Authorizations.use((all) => all.cancel(early.id, early.browser))
      assert.strictEqual(answerOf(cancelled)["error"], "access_denied")
      assert.lengthOf(yield* grants, 0)
      assert.strictEqual((yield* eventsOf).filter((type) => type === "oauth-authorization.denied").length, 3)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is asked for by prompt=consent once, and kept under the host's reference", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      for (const prompt of ["consent", "consent", null]) {
        const outcome = yield* authorize(ask(client, { prompt }), browser(person))
        if (prompt === null) {
          assert.property(answerOf(outcome), "code")
          continue
        }
        const page = pageOf(outcome)
        assert.strictEqual(page.intent, "consent")
        answerOf(yield* decide(page.waiting.id, accept, browser(person, page.browserToken)))
      }
      const consents = yield* ConsentStore.use((store) => store.listByUser(person.user.id))
      assert.deepStrictEqual(
        consents.map(({ referenceId }) => referenceId),
        ["organization"],
      )
      assert.deepStrictEqual(
        (yield* grants).map(({ grant }) => grant.referenceId),
        ["organization", "organization", "organization"],
      )
    }).pipe(Effect.provide(layer({ hooks: { consentReference: () => Effect.succeed("organization") } }))),
  )

  it.effect("is not asked of trusted clients, unless they ask for it", () =>
    Effect.gen(function* () {
      const trusted = yield* storedClient({ privileges: { skipConsent: true } })
      const person = yield* signIn()
      const scope = "openid offline_access"
      assert.property(answerOf(yield* authorize(ask(trusted, { scope }), browser(person))), "code")
      assert.property(answerOf(yield* authorize(ask(trusted, { scope, prompt: "none" }), browser(person))), "code")
      assert.strictEqual((yield* begin(trusted, person, { prompt: "consent" })).intent, "consent")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is asked of clients that hooks and settings do not trust", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      const prompt = "none"
      assert.strictEqual(
        answerOf(yield* authorize(ask(client, { prompt }), browser(person)))["error"],
        "consent_required",
      )
      const trusting = Layer.fresh(layer({ settings: { trustedClients: new Set([client.id]) } }))
      yield* Effect.gen(function* () {
        yield* ClientStore.use((store) => store.insert(client))
        const somebody = yield* signIn()
        assert.property(answerOf(yield* authorize(ask(client, { prompt }), browser(somebody))), "code")
      }).pipe(Effect.provide(trusting))
      const hooked = Layer.fresh(layer({ hooks: { isTrusted: (id) => Effect.succeed(id === client.id) } }))
      yield* Effect.gen(function* () {
        yield* ClientStore.use((store) => store.insert(client))
        const somebody = yield* signIn()
        assert.property(answerOf(yield* authorize(ask(client, { prompt }), browser(somebody))), "code")
      }).pipe(Effect.provide(hooked))
    }).pipe(Effect.provide(layer())),
  )
})

describe("the steps of a person", () => {
  const hooks = {
    selectsAccount: () => Effect.succeed(true),
    postLogin: () => Effect.succeed(true),
  }

  it.effect("are done one by one, in the session that did them", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      yield* TestClock.adjust("1 second")
      const { browser: own, id, intent } = yield* begin(client, person)
      assert.strictEqual(intent, "select_account")
      // Not due yet: not done.
      assert.strictEqual(pageOf(yield* advance(id, "post_login", own)).intent, "select_account")
      const next = pageOf(yield* advance(id, "select_account", own))
      assert.strictEqual(next.intent, "post_login")
      assert.include(next.url, "/choose-organization?request=")
      // Somebody else in the same browser begins again.
      const other = {
        ...own,
        signedIn: { ...person, session: { ...(yield* signIn()).session, createdAt: person.session.createdAt } },
      }
      assert.strictEqual(pageOf(yield* resume(id, other)).intent, "select_account")
      assert.strictEqual(pageOf(yield* resume(id, own)).intent, "post_login")
      assert.strictEqual(pageOf(yield* advance(id, "post_login", own)).intent, "consent")
      assert.property(answerOf(yield* decide(id, accept, own)), "code")
    }).pipe(Effect.provide(layer({ hooks, pages: { postLogin: "/choose-organization" } }))),
  )

  it.effect("cannot be done by nobody", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const { browser: own, id } = yield* begin(client)
      assert.strictEqual(pageOf(yield* advance(id, "select_account", own)).intent, "login")
    }).pipe(Effect.provide(layer({ hooks }))),
  )

  it.effect("of the host are left out where it has no page for them", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* signIn()
      assert.strictEqual((yield* begin(client, person)).intent, "consent")
    }).pipe(Effect.provide(layer({ hooks: { postLogin: hooks.postLogin } }))),
  )
})

describe("OpenID Connect Core §3.1.2.1", () => {
  it.effect("MUST enforce max_age, measured when the request came in", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* consented(client)
      const silent = { prompt: "none", max_age: "60" }
      assert.property(answerOf(yield* authorize(ask(client, silent), browser(person))), "code")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(answerOf(yield* authorize(ask(client, silent), browser(person)))["error"], "login_required")
      const { browser: own, id, intent } = yield* begin(client, person, { max_age: "60" })
      assert.strictEqual(intent, "reauthenticate")
      const again = yield* signIn(person.user)
      yield* TestClock.adjust("5 minutes")
      assert.property(answerOf(yield* resume(id, { ...own, signedIn: again })), "code")
      assert.deepStrictEqual((yield* grants).at(-1)?.grant.authTime, again.session.authTime)
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST enforce prompt=login and max_age=0, also for who signed in a moment ago", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      for (const asked of [{ prompt: "login" }, { max_age: "0" }]) {
        const person = yield* signIn()
        const { browser: own, id, intent } = yield* begin(client, person, asked)
        assert.strictEqual(intent, "reauthenticate")
        // Confirmed in the same session.
        const session = { ...person.session, authTime: yield* DateTime.now }
        assert.strictEqual(pageOf(yield* resume(id, { ...own, signedIn: { ...person, session } })).intent, "consent")
      }
    }).pipe(Effect.provide(layer())),
  )

  it.effect("MUST NOT answer for another subject than claims ask for", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const [ada, eve] = [yield* consented(client), yield* consented(client)]
      const claims = JSON.stringify({ id_token: { sub: { value: ada.user.id } } })
      assert.property(answerOf(yield* authorize(ask(client, { claims }), browser(ada))), "code")
      const silent = yield* authorize(ask(client, { claims, prompt: "none" }), browser(eve))
      assert.strictEqual(answerOf(silent)["error"], "login_required")
      const { browser: own, id, intent } = yield* begin(client, eve, { claims })
      assert.strictEqual(intent, "login")
      const still = yield* signIn(eve.user)
      assert.strictEqual(answerOf(yield* resume(id, { ...own, signedIn: still }))["error"], "login_required")
      assert.strictEqual(yield* reasonOf(resume(id, own)), "expired")
    }).pipe(Effect.provide(layer())),
  )
})

describe("OpenID Connect Core Unmet Authentication Requirements §2", () => {
  const layerOver = (reachable: ReadonlyArray<string>) =>
    TestServices.layerOAuthServerWith(TestServices.layerAuthenticationContexts({ reachable })).pipe(
      Layer.provideMerge(layerHost()),
      Layer.provideMerge(TestServices.layerMemory),
    )

  const essential = JSON.stringify({ id_token: { acr: { essential: true, value: "aal2" } } })

  it.effect("MUST step up to what is asked for, and then answer", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* consented(client)
      for (const asked of [{ acr_values: "aal2" }, { claims: essential }]) {
        const { browser: own, id, intent, url } = yield* begin(client, person, asked)
        assert.strictEqual(intent, "step_up")
        assert.isTrue(url.startsWith("/account/confirm?request="))
        const context = yield* Authorizations.use((all) => all.context(id, own))
        assert.deepStrictEqual(context.acrValues, ["aal2"])
        const session = { ...person.session, acr: "aal2" }
        assert.property(answerOf(yield* resume(id, { ...own, signedIn: { ...person, session } })), "code")
        assert.strictEqual((yield* grants).at(-1)?.grant.acr, "aal2")
      }
      assert.property(answerOf(yield* authorize(ask(client, { acr_values: "urn:unknown" }), browser(person))), "code")
      const silent = yield* authorize(ask(client, { acr_values: "aal2", prompt: "none" }), browser(person))
      assert.strictEqual(answerOf(silent)["error"], "login_required")
    }).pipe(Effect.provide(layerOver(["aal2"]))),
  )

  it.effect("MUST say that it cannot be met, where the user cannot", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const person = yield* consented(client)
      for (const asked of [{ acr_values: "aal2" }, { claims: essential }]) {
        const outcome = yield* authorize(ask(client, asked), browser(person))
        assert.strictEqual(answerOf(outcome)["error"], "unmet_authentication_requirements")
      }
      assert.lengthOf(yield* grants, 0)
    }).pipe(Effect.provide(layerOver([]))),
  )
})

describe("request_uri", () => {
  const resolved = { response_type: "code", redirect_uri: callback, scope: "openid", prompt: "none", state: "pushed" }
  const hooks = {
    hasRequestUris: true,
    requestUri: (uri: string) =>
      Effect.succeed(
        uri === "urn:known"
          ? { ...resolved, code_challenge: challenge, code_challenge_method: "S256" }
          : uri === "urn:other"
            ? { ...resolved, client_id: "another" }
            : null,
      ),
  }

  it.effect("stands for the whole request, and nothing beside it counts", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const search = ask(client, { request_uri: "urn:known", scope: "unknown", state: "outer", redirect_uri: null })
      const answer = answerOf(yield* authorize(search, browser()))
      assert.deepInclude(answer, { error: "login_required", state: "pushed" })
    }).pipe(Effect.provide(layer({ hooks }))),
  )

  it.effect("is refused where it is unknown, or another client's", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      for (const request_uri of ["urn:unknown", "urn:other"]) {
        const answer = answerOf(yield* authorize(ask(client, { request_uri }), browser()))
        assert.strictEqual(answer["error"], "invalid_request_uri")
        const nowhere = ask(client, { request_uri, redirect_uri: null })
        assert.strictEqual(yield* reasonOf(authorize(nowhere, browser())), "invalid_redirect_uri")
      }
    }).pipe(Effect.provide(layer({ hooks }))),
  )
})

describe("what a page is told", () => {
  it.effect("is what is due, by whom, and where it goes", () =>
    Effect.gen(function* () {
      const client = yield* storedClient({ isDynamic: true })
      const { browser: own, id } = yield* begin(client, null, {
        login_hint: "ada@example.com",
        ui_locales: "fr en",
        resource: "https://api.example.com",
      })
      const context = yield* Authorizations.use((all) => all.context(id, own))
      const now = yield* DateTime.now
      assert.deepInclude(context, {
        id,
        intent: "login",
        client,
        scopes: ["openid", "profile"],
        givenScopes: [],
        isDynamic: true,
        redirectUri: callback,
        redirectHost: "client.example.com",
        loginHint: "ada@example.com",
        uiLocales: ["fr", "en"],
        returnTo: `/auth/oauth2/continue?request=${id}`,
        expiresAt: DateTime.add(now, { minutes: 10 }),
      })
      assert.deepStrictEqual(
        context.resources.map(({ name }) => name),
        ["Notes"],
      )
    }).pipe(
      Effect.provide(
        layer({
          settings: {
            resources: [OAuthBuilders.resource("https://api.example.com", { name: "Notes" })],
          },
        }),
      ),
    ),
  )

  it.effect("is found by the page's address and cookies", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      const flow = yield* LoginFlow
      const { browser: own, id, url } = yield* begin(client)
      const person = yield* signIn()
      const cookies = { belfry_authorization: own.token === null ? "" : Redacted.value(own.token) }
      assert.isTrue(Option.isNone(yield* flow.find({ url: "/sign-in", cookies })))
      assert.strictEqual(yield* reasonOf(flow.get({ url: "/sign-in?request=", cookies })), "invalid_request")
      assert.strictEqual((yield* flow.get({ url, cookies })).intent, "login")
      const signedIn = { ...cookies, [sessionCookie]: Redacted.value(person.token) }
      assert.strictEqual((yield* flow.get({ url: `http://localhost:3000${url}`, cookies: signedIn })).intent, "consent")
      const over = { ...cookies, [sessionCookie]: "nonsense" }
      assert.strictEqual((yield* flow.get({ url, cookies: over })).intent, "login")
      assert.strictEqual(yield* reasonOf(flow.find({ url, cookies: {} })), "other_browser")
      yield* WaitingRequestStore.use((store) => store.removeExpired(DateTime.makeUnsafe(1e12), 10))
      assert.strictEqual(yield* reasonOf(flow.find({ url: `/sign-in?request=${id}`, cookies })), "expired")
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is found without prolonging the session, whose cookie nobody would send", () =>
    Effect.gen(function* () {
      const person = yield* signIn()
      yield* TestClock.adjust("2 days")
      const { browser: own, url } = yield* begin(yield* storedClient())
      const cookies = {
        belfry_authorization: own.token === null ? "" : Redacted.value(own.token),
        [sessionCookie]: Redacted.value(person.token),
      }
      assert.strictEqual((yield* LoginFlow.use((flow) => flow.get({ url, cookies }))).intent, "consent")
      assert.isTrue((yield* Sessions.use((sessions) => sessions.verify(person.token))).prolonged)
    }).pipe(Effect.provide(layer())),
  )
})

describe("the rate limit", () => {
  it.effect("counts each request of an address, and says when to come again", () =>
    Effect.gen(function* () {
      const client = yield* storedClient()
      for (let i = 0; i < 30; i++) yield* authorize(ask(client, { prompt: "none" }), browser())
      const refused = yield* Effect.flip(authorize(ask(client, { prompt: "none" }), browser()))
      assert.isTrue(refused._tag === "AuthorizationRefused" && refused.reason === "rate_limited")
      assert.isAtLeast(refused._tag === "AuthorizationRefused" ? (refused.retryAfter ?? 0) : 0, 1)
    }).pipe(Effect.provide(layer({ settings: { rateLimits: OAuthServerSettings.make().rateLimits } }))),
  )
})
