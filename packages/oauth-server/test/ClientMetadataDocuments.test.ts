/**
 * Clients that are known by their metadata documents, from the first request to the last.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { AuditStore } from "@belfry/core/AuditStore"
import { OutboundFailed } from "@belfry/core/Outbound"
import * as SqlCoreMigrations from "@belfry/core/SqlCoreMigrations"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import * as ClientMetadataDocuments from "@belfry/oauth-server/ClientMetadataDocuments"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { wellKnown } from "@belfry/oauth-server/Issuer"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import * as SqlOAuthServerMigrations from "@belfry/oauth-server/SqlOAuthServerMigrations"
import * as TestDatabase from "@belfry/testing/TestDatabase"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, type Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { post, serve } from "./support/Attacker.ts"
import { browser, callback, open, queryOf, type Services, signIn } from "./support/Authorizing.ts"
import {
  answerOf,
  askAs,
  documentUrl,
  layerOf,
  layerSqlOf,
  makeWeb,
  outcomeFor,
  type Web,
} from "./support/Documents.ts"
import { verifier } from "./support/TokenClients.ts"

const id = ClientId.make(documentUrl)

const onFile = Effect.map(
  ClientStore.use((clients) => clients.find(id)),
  Option.getOrNull,
)

/** What is recorded of clients. */
const changes = AuditStore.use((audit) =>
  audit.list({
    userId: Option.none(),
    aggregate: Option.none(),
    typePrefix: Option.some("oauth-client."),
    before: Option.none(),
    limit: 20,
  }),
)

const path = (...asked: Parameters<typeof askAs>) => `/auth/oauth2/authorize?${askAs(...asked).toString()}`

/** A code for the client of a document, of somebody who is signed in and agrees. */
const codeFor = Effect.fnUntraced(function* (send: Effect.Success<typeof serve>, scope = "openid offline_access") {
  const person = yield* open(send)
  yield* person.signIn()
  const page = queryOf(yield* person.go(path(documentUrl, { scope })))
  const answer = yield* person.submit("/auth/oauth2/consent", { request: page["request"] ?? "", accept: "true" })
  return queryOf(answer)["code"] ?? assert.fail(answer.text)
})

const redeem = (send: Effect.Success<typeof serve>, code: string) =>
  post(send)("token", {
    grant_type: "authorization_code",
    code,
    redirect_uri: callback,
    code_verifier: verifier,
    client_id: documentUrl,
  })

describe("Client ID Metadata Document §5", () => {
  const web = makeWeb()

  it.effect("MUST take a client by its document, ask for consent, and give it tokens that it refreshes", () =>
    Effect.gen(function* () {
      web.publish(documentUrl)
      const send = yield* serve
      const tokens = yield* redeem(send, yield* codeFor(send))
      assert.strictEqual(tokens.status, 200, tokens.text)
      const refreshed = yield* post(send)("token", {
        grant_type: "refresh_token",
        refresh_token: TestHttp.textAt(tokens, "refresh_token"),
        client_id: documentUrl,
      })
      assert.strictEqual(refreshed.status, 200, refreshed.text)
      assert.deepStrictEqual(
        web.requests.map(({ maxBytes, trust, url }) => ({ maxBytes, trust, url })),
        [{ maxBytes: 5120, trust: "foreign", url: documentUrl }],
      )
      const client = yield* onFile
      assert.deepInclude(client, { isDynamic: true, secrets: [], userId: null, referenceId: null })
      assert.deepInclude(client?.privileges, { skipConsent: false, requirePkce: true })
    }).pipe(Effect.provide(layerOf(web))),
  )
})

describe("Client ID Metadata Document §5.2", () => {
  it.effect("SHOULD be kept as long as its answer allows, at least a minute and at most a day", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [Readonly<Record<string, string>>, Duration.Input]> = [
        [{}, "5 minutes"],
        [{ "cache-control": "max-age=600" }, "10 minutes"],
        [{ "cache-control": "public, max-age=600", age: "300" }, "5 minutes"],
        [{ "cache-control": "max-age=600", age: "soon" }, "10 minutes"],
        [{ "cache-control": "no-store" }, "1 minute"],
        [{ "cache-control": "no-cache, max-age=600" }, "1 minute"],
        [{ "cache-control": "max-age=0" }, "1 minute"],
        [{ "cache-control": "max-age=999999999" }, "1 day"],
      ]
      for (const [headers, kept] of cases) {
        const web = makeWeb()
        web.publish(documentUrl, {}, headers)
        yield* Effect.gen(function* () {
          assert.strictEqual(yield* outcomeFor(documentUrl), "page")
          yield* TestClock.adjust(Duration.subtract(Duration.fromInputUnsafe(kept), Duration.millis(1)))
          assert.strictEqual(yield* outcomeFor(documentUrl), "page")
          assert.lengthOf(web.requests, 1, JSON.stringify(headers))
          yield* TestClock.adjust("1 millis")
          assert.strictEqual(yield* outcomeFor(documentUrl), "page")
          assert.lengthOf(web.requests, 2, JSON.stringify(headers))
        }).pipe(Effect.provide(layerOf(web)))
      }
    }),
  )

  it.effect("SHOULD NOT be used once it is over and cannot be had", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      web.publish(documentUrl)
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      web.put(documentUrl, Effect.fail(new OutboundFailed({ reason: "connection" })))
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      yield* TestClock.adjust("5 minutes")
      assert.include(yield* outcomeFor(documentUrl), "invalid_client")
    }).pipe(Effect.provide(layerOf(web)))
  })

  it.effect(
    "MUST NOT keep an error: the next one who comes is not told it, and 10 seconds later it is asked anew",
    () => {
      const web = makeWeb()
      return Effect.gen(function* () {
        web.put(documentUrl, answerOf("gone", { status: 404, headers: { "cache-control": "max-age=86400" } }))
        assert.include(yield* outcomeFor(documentUrl), "invalid_client: The client's metadata document is not answered")
        web.publish(documentUrl)
        yield* TestClock.adjust("9 seconds")
        assert.include(yield* outcomeFor(documentUrl), "rate_limited")
        assert.lengthOf(web.requests, 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* outcomeFor(documentUrl), "page")
        assert.isNotNull(yield* onFile)
      }).pipe(Effect.provide(layerOf(web)))
    },
  )
})

describe("Client ID Metadata Document §6", () => {
  const isTold = Effect.map(
    Effect.flatMap(serve, (send) => send(wellKnown.authorizationServer)),
    ({ json }) => TestHttp.at(json, "client_id_metadata_document_supported"),
  )

  it.effect("MUST tell that such clients are taken, where they are", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* isTold)
    }).pipe(Effect.provide(layerOf(makeWeb()))),
  )

  it.effect("MUST NOT take them where it does not tell so: neither new ones nor those that are on file", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      web.publish(documentUrl)
      assert.isUndefined(yield* isTold)
      assert.strictEqual(yield* outcomeFor(documentUrl), "invalid_client: The client is unknown or disabled")
      assert.lengthOf(web.requests, 0)
      const documentUntil = DateTime.add(yield* DateTime.now, { days: 1 })
      const made = yield* Effect.orDie(
        AdminClients.use((clients) =>
          clients.create({
            id,
            metadata: {
              redirectUris: [callback],
              tokenEndpointAuthMethod: "none",
              grantTypes: ["authorization_code", "refresh_token"],
            },
            clientInfo: unknownClient,
          }),
        ),
      )
      const send = yield* serve
      const person = yield* open(send)
      yield* person.signIn()
      const { request = "" } = queryOf(yield* person.go(path(documentUrl)))
      assert.notStrictEqual(request, "", "one that the host made itself")
      yield* ClientStore.use((clients) => clients.update(made.client, { ...made.client, documentUntil }))
      assert.strictEqual(yield* outcomeFor(documentUrl), "invalid_client: The client is unknown or disabled")
      const late = yield* person.submit("/auth/oauth2/consent", { request, accept: "true" })
      assert.notInclude(late.location ?? "", "code=")
      const refused = yield* post(send)("token", {
        grant_type: "refresh_token",
        refresh_token: "belfry_refresh_x",
        client_id: documentUrl,
      })
      assert.deepStrictEqual([refused.status, TestHttp.at(refused.json, "error")], [401, "invalid_client"])
    }).pipe(Effect.provide(layerOf(web, { settings: { clientMetadataDocuments: "off" } })))
  })
})

describe("A client that is known by its document", () => {
  it.effect("is as its document says at the next request, and where an answer waits it may not go where it did", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      web.publish(documentUrl)
      const send = yield* serve
      const person = yield* open(send)
      yield* person.signIn()
      const page = queryOf(yield* person.go(path(documentUrl)))
      web.publish(documentUrl, { redirect_uris: ["https://client.example.com/other"] })
      yield* TestClock.adjust("5 minutes")
      assert.include(yield* outcomeFor(documentUrl), "invalid_redirect_uri")
      assert.strictEqual(yield* outcomeFor(documentUrl, { redirect_uri: "https://client.example.com/other" }), "page")
      const late = yield* person.submit("/auth/oauth2/consent", { request: page["request"] ?? "", accept: "true" })
      assert.notInclude(late.location ?? "", "code=")
      assert.notInclude(late.location ?? "", callback)
      const types = (yield* changes).map(({ type }) => type)
      assert.deepStrictEqual(types.toSorted(), ["oauth-client.registered", "oauth-client.updated"])
    }).pipe(Effect.provide(layerOf(web)))
  })

  it.effect("is not answered without proof once its document asks for one", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      web.publish(documentUrl)
      const send = yield* serve
      const code = yield* codeFor(send)
      const tokens = yield* redeem(send, code)
      web.publish(documentUrl, {
        token_endpoint_auth_method: "private_key_jwt",
        jwks_uri: "https://app.example.com/jwks",
      })
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      const refused = yield* post(send)("token", {
        grant_type: "refresh_token",
        refresh_token: TestHttp.textAt(tokens, "refresh_token"),
        client_id: documentUrl,
      })
      assert.strictEqual(TestHttp.at(refused.json, "error"), "invalid_client")
    }).pipe(Effect.provide(layerOf(web)))
  })

  it.effect("gets no tokens for itself, whatever its document asks for", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      const keys = { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://app.example.com/jwks" }
      web.publish(documentUrl, { ...keys, grant_types: ["authorization_code", "client_credentials"] })
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      assert.deepStrictEqual((yield* onFile)?.metadata.grantTypes, ["authorization_code"])
      web.publish(documentUrl, { ...keys, grant_types: ["client_credentials"] })
      yield* TestClock.adjust("5 minutes")
      assert.include(yield* outcomeFor(documentUrl), "describes a client that cannot be taken")
    }).pipe(Effect.provide(layerOf(web)))
  })

  it.effect("may be no more than one that registers: its redirect URIs and scopes are judged by the same rules", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      const faults = [
        { redirect_uris: ["http://localhost.evil.example/callback"] },
        { redirect_uris: ["http://127.0.0.1.evil.example/callback"] },
        { redirect_uris: ["http://client.example.com/callback"] },
        { redirect_uris: ["https://client.example.com/callback#a"] },
        { redirect_uris: ["https://user@client.example.com/callback"] },
        { redirect_uris: ["https://client.example.com/*"] },
        { redirect_uris: ["javascript:alert(1)"] },
        { redirect_uris: ["http://localhost/callback"], application_type: "web" },
        { redirect_uris: [7] },
        { client_name: "Analytical \u202eenignE" },
        { client_name: "x".repeat(201) },
        { client_uri: "javascript:alert(1)" },
        { token_endpoint_auth_method: "private_key_jwt" },
        { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "http://app.example.com/jwks" },
        { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "oct", k: "x" }] } },
        { grant_types: ["password"] },
        { contacts: "ada@example.com" },
      ]
      for (const fault of faults) {
        web.publish(documentUrl, fault)
        assert.include(yield* outcomeFor(documentUrl), "describes a client that cannot be taken", JSON.stringify(fault))
        yield* TestClock.adjust("10 seconds")
      }
      assert.isNull(yield* onFile)
      web.publish(documentUrl, { scope: "openid notes:read everything" })
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      assert.deepStrictEqual((yield* onFile)?.metadata.scopes, ["openid", "notes:read"])
    }).pipe(Effect.provide(layerOf(web)))
  })

  it.effect("is asked for consent though the host trusts others, and not where the host names its URL", () => {
    const web = makeWeb()
    const host = { settings: { trustedClients: new Set([ClientId.make("https://app.example.com/")]) } }
    return Effect.gen(function* () {
      web.publish(documentUrl)
      const from = browser(yield* signIn())
      assert.strictEqual(yield* outcomeFor(documentUrl, {}, from), "page")
      const client = (yield* onFile) ?? assert.fail("none")
      yield* ClientStore.use((clients) =>
        clients.update(client, { ...client, privileges: { ...client.privileges, skipConsent: true } }),
      )
      assert.strictEqual(yield* outcomeFor(documentUrl, {}, from), "page")
    }).pipe(
      Effect.provide(layerOf(web, host)),
      Effect.andThen(
        Effect.gen(function* () {
          const from = browser(yield* signIn())
          assert.include(yield* outcomeFor(documentUrl, {}, from), '"code"')
        }).pipe(Effect.provide(layerOf(web, { settings: { trustedClients: new Set([id]) } }))),
      ),
    )
  })

  it.effect("is nobody's to change but the document's; the host may disable it for good, and remove it", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      web.publish(documentUrl)
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      const change = (patch: Parameters<AdminClients["Service"]["update"]>[1]) =>
        AdminClients.use((clients) => clients.update(id, patch, unknownClient))
      for (const patch of [
        { metadata: { clientName: "Another" } },
        { metadata: { redirectUris: ["https://evil.example/"] } },
        { privileges: { skipConsent: true } },
      ]) {
        assert.strictEqual((yield* Effect.flip(change(patch)))._tag, "ClientMetadataInvalid")
      }
      yield* change({ isDisabled: true })
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* outcomeFor(documentUrl), "invalid_client: The client is unknown or disabled")
      assert.lengthOf(web.requests, 1)
      yield* AdminClients.use((clients) => clients.remove(id, unknownClient))
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
    }).pipe(Effect.provide(layerOf(web)))
  })

  it.effect("is removed with those that registered themselves when nobody uses it", () => {
    const web = makeWeb()
    return Effect.gen(function* () {
      web.publish(documentUrl)
      assert.strictEqual(yield* outcomeFor(documentUrl), "page")
      yield* TestClock.adjust("1 millis")
      const removed = yield* Effect.flatMap(DateTime.now, (now) =>
        ClientStore.use((clients) => clients.removeUnused(now, 10)),
      )
      assert.strictEqual(removed, 1)
      assert.isNull(yield* onFile)
    }).pipe(Effect.provide(layerOf(web)))
  })
})

const races = (web: Web) =>
  Effect.gen(function* () {
    const many = Effect.map(
      Effect.forEach(Array.from({ length: 100 }), () => outcomeFor(documentUrl), { concurrency: "unbounded" }),
      (outcomes) => [...new Set(outcomes)],
    )
    web.publish(documentUrl)
    assert.deepStrictEqual(yield* many, ["page"])
    assert.lengthOf(web.requests, 1)
    web.publish(documentUrl, { client_name: "Difference Engine" })
    yield* TestClock.adjust("5 minutes")
    assert.deepStrictEqual(yield* many, ["page"])
    assert.lengthOf(web.requests, 2)
    assert.strictEqual((yield* onFile)?.metadata.clientName, "Difference Engine")
    assert.lengthOf(yield* ClientStore.use((clients) => clients.listAll({ limit: 10 })), 1)
  })

/** Nodes that know nothing of one another but the store. */
const nodesRace = (web: Web) =>
  Effect.gen(function* () {
    const nodes = yield* Effect.forEach(Array.from({ length: 8 }), () => ClientMetadataDocuments.make)
    const known = yield* onFile
    const all = Effect.forEach(nodes, ({ current }) => current(id, known, unknownClient), { concurrency: "unbounded" })
    web.publish(documentUrl)
    for (const name of ["Analytical Engine", "Difference Engine"]) {
      web.publish(documentUrl, { client_name: name })
      const names = (yield* all).map((client) => client?.metadata.clientName)
      assert.deepStrictEqual([...new Set(names)], [name])
      assert.lengthOf(yield* ClientStore.use((clients) => clients.listAll({ limit: 10 })), 1)
      yield* TestClock.adjust("5 minutes")
    }
    assert.lengthOf(yield* changes, 2)
  })

const cases: ReadonlyArray<{ readonly name: string; readonly layerFor: (web: Web) => Layer.Layer<Services, unknown> }> =
  [
    { name: "memory", layerFor: layerOf },
    ...TestDatabase.each([SqlCoreMigrations.migrations, SqlOAuthServerMigrations.migrations]).map(
      ({ layer, name }) => ({
        name,
        layerFor: (web: Web) => layerSqlOf(web, layer),
      }),
    ),
  ]

for (const { layerFor, name } of cases) {
  describe(`A hundred people whom one client sends (${name})`, () => {
    it.effect("make its document be fetched once, and are of one client", () => {
      const web = makeWeb()
      return races(web).pipe(Effect.provide(layerFor(web)))
    })

    it.effect("are of one client on eight nodes, and each change of it is recorded once", () => {
      const web = makeWeb()
      return nodesRace(web).pipe(Effect.provide(layerFor(web)))
    })
  })
}
