/**
 * Resources that are bound to what their identifier names, from the first request to the last: an organization is what
 * they are bound to here.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import type { UserId } from "@belfry/core/User"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import type { BoundResource } from "@belfry/oauth-server/BoundResource"
import { ClientId, type ClientMetadata } from "@belfry/oauth-server/OAuthClient"
import { Resources } from "@belfry/oauth-server/Resources"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import {
  agree,
  type Application,
  application,
  codeOf,
  errorOf,
  exchange,
  isActive,
  layer,
  notes,
  post,
  refresh,
  serve,
  tokensFor,
} from "./support/Attacker.ts"
import { authorizePath, type Host, open, queryOf } from "./support/Authorizing.ts"
import { read } from "./support/Keys.ts"

const prefix = "https://mcp.example.com/organizations/"
const acme = `${prefix}acme`
const umbrella = `${prefix}umbrella`

const { identifier: _identifier, ...fields } = OAuthBuilders.resource(prefix, {
  scopes: ["openid", "notes:read", "offline_access"],
  introspectionClientId: "mcp-api",
})
const family: BoundResource = { prefix, ...fields }

/** Who is in which organization, and the layer of a host that asks it. */
const makeMembers = (host: Host = {}) => {
  const members = new Set<string>()
  const asked: Array<boolean> = []
  const hooks: Host["hooks"] = {
    mayAct: ({ referenceId, session, user }) =>
      Effect.sync(() => {
        asked.push(session !== null)
        return members.has(`${user.id} ${referenceId}`)
      }),
    ...host.hooks,
  }
  const settings = { boundResources: [family], ...host.settings }
  return { members, asked, layer: layer({ hooks, settings }) }
}

/** A server, a client, and somebody signed in. */
const start = Effect.fnUntraced(function* (metadata: Partial<ClientMetadata> = {}) {
  const send = yield* serve
  const browser = yield* open(send)
  const { user } = yield* browser.signIn()
  const app = yield* application({ scopes: ["openid", "notes:read", "offline_access"], ...metadata })
  return { app, browser, send, user }
})

const asking = (...resources: ReadonlyArray<string>) => ({
  scope: "openid notes:read offline_access",
  resource: resources,
})

const hasConsent = (userId: UserId, referenceId: string | null) =>
  Effect.map(
    ConsentStore.use((consents) => consents.listByUser(userId, referenceId)),
    ({ length }) => length > 0,
  )

describe("A resource that is bound to an organization", () => {
  it.effect("is for its members: consent is kept for it alone, and tokens are for it alone", () => {
    const { asked, layer, members } = makeMembers()
    return Effect.gen(function* () {
      const { app, browser, send, user } = yield* start()
      members.add(`${user.id} acme`).add(`${user.id} umbrella`)
      const tokens = yield* tokensFor(send, browser, app, asking(acme))
      const { claims } = read(Redacted.make(tokens.accessToken))
      assert.include(claims["aud"], acme)
      assert.notInclude(claims["aud"], umbrella)
      assert.isTrue(yield* hasConsent(user.id, "acme"))
      assert.isFalse(yield* hasConsent(user.id, null))
      const silent = { ...asking(umbrella), prompt: "none" }
      assert.strictEqual((yield* agree(browser, app, silent))["error"], "consent_required")
      assert.property(yield* agree(browser, app, { ...silent, resource: [acme] }), "code")
      const refreshed = yield* refresh(send, app, tokens.refreshToken)
      assert.strictEqual(refreshed.status, 200, refreshed.text)
      // With a session before consent, without one when tokens are issued.
      assert.includeMembers(asked, [true, false])
    }).pipe(Effect.provide(layer))
  })

  it.effect("is for nobody else: they are not even asked, whoever the client is", () => {
    const { layer, members } = makeMembers()
    return Effect.gen(function* () {
      const { app, browser, user } = yield* start()
      members.add(`${user.id} umbrella`).add("somebody acme")
      const trusted = yield* application({}, { privileges: { skipConsent: true } })
      for (const each of [app, trusted]) {
        for (const prompt of [null, "none", "consent"]) {
          const answer = yield* browser.go(authorizePath(each.client, { ...asking(acme), scope: "openid", prompt }))
          assert.strictEqual(queryOf(answer)["error"], "access_denied", String(prompt))
        }
      }
      assert.isFalse(yield* hasConsent(user.id, "acme"))
    }).pipe(Effect.provide(layer))
  })

  it.effect("is for nobody at all where the host does not say who may", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* start()
      assert.strictEqual((yield* agree(browser, app, asking(acme)))["error"], "access_denied")
    }).pipe(Effect.provide(layer({ settings: { boundResources: [family] } }))),
  )

  it.effect("is not known where its reference is none, or its family is disabled", () => {
    const { layer, members } = makeMembers({ settings: { boundResources: [{ ...family, isDisabled: true }] } })
    return Effect.gen(function* () {
      const { app, browser, user } = yield* start()
      members.add(`${user.id} acme`)
      for (const resource of [acme, prefix, `${prefix}a/b`, `${prefix}..`, `${prefix}a%2Fb`]) {
        assert.strictEqual((yield* agree(browser, app, asking(resource)))["error"], "invalid_target", resource)
      }
    }).pipe(Effect.provide(layer))
  })
})

describe("RFC 8707 §2.1", () => {
  it.effect("MUST NOT be asked for with another that belongs to somebody else; one that belongs to nobody goes", () => {
    const { layer, members } = makeMembers()
    return Effect.gen(function* () {
      const { app, browser, send, user } = yield* start()
      members.add(`${user.id} acme`).add(`${user.id} umbrella`)
      const both = yield* browser.go(authorizePath(app.client, asking(acme, umbrella)))
      assert.strictEqual(queryOf(both)["error"], "invalid_target")
      const tokens = yield* tokensFor(send, browser, app, asking(acme, notes))
      const other = yield* refresh(send, app, tokens.refreshToken, { resource: umbrella })
      assert.deepStrictEqual(errorOf(other), [400, "invalid_target"])
      const narrowed = yield* refresh(send, app, tokens.refreshToken, { resource: acme })
      assert.strictEqual(narrowed.status, 200, narrowed.text)
    }).pipe(Effect.provide(layer))
  })
})

describe("Whose membership ends", () => {
  it.effect("while they are asked for consent cannot give it", () => {
    const { layer, members } = makeMembers()
    return Effect.gen(function* () {
      const { app, browser, user } = yield* start()
      members.add(`${user.id} acme`)
      const { request = "" } = queryOf(yield* browser.go(authorizePath(app.client, asking(acme))))
      members.clear()
      const answer = yield* browser.submit("/auth/oauth2/consent", { request, accept: "true" })
      assert.strictEqual(queryOf(answer)["error"], "access_denied")
      assert.isFalse(yield* hasConsent(user.id, "acme"))
    }).pipe(Effect.provide(layer))
  })

  it.effect("between consent and code gets no tokens for the code", () => {
    const { layer, members } = makeMembers()
    return Effect.gen(function* () {
      const { app, browser, send, user } = yield* start()
      members.add(`${user.id} acme`)
      const code = yield* codeOf(browser, app, asking(acme))
      members.clear()
      for (const changed of [{}, { resource: acme }]) {
        assert.deepStrictEqual(errorOf(yield* exchange(send, app, code, changed)), [400, "invalid_grant"])
      }
    }).pipe(Effect.provide(layer))
  })

  it.effect("gets no more tokens for what they had, until they are back", () => {
    const { layer, members } = makeMembers()
    return Effect.gen(function* () {
      const { app, browser, send, user } = yield* start()
      members.add(`${user.id} acme`)
      const tokens = yield* tokensFor(send, browser, app, asking(acme, notes))
      members.clear()
      for (const changed of [{}, { resource: acme }, { resource: notes }]) {
        const refused = yield* refresh(send, app, tokens.refreshToken, changed)
        assert.deepStrictEqual(errorOf(refused), [400, "invalid_grant"])
      }
      members.add(`${user.id} acme`)
      assert.strictEqual((yield* refresh(send, app, tokens.refreshToken)).status, 200)
    }).pipe(Effect.provide(layer))
  })
})

describe("A grant", () => {
  it.effect("of a resource that was bound to nothing then is worth nothing once it is bound", () => {
    const families: Array<BoundResource> = []
    const { layer, members } = makeMembers({ settings: { boundResources: families } })
    return Effect.gen(function* () {
      const { app, browser, send, user } = yield* start()
      members.add(`${user.id} acme`)
      yield* Resources.use((resources) => resources.create(OAuthBuilders.resource(acme), unknownClient))
      const tokens = yield* tokensFor(send, browser, app, { scope: "openid offline_access", resource: [acme] })
      families.push(family)
      for (const changed of [{}, { resource: acme }]) {
        const refused = yield* refresh(send, app, tokens.refreshToken, changed)
        assert.deepStrictEqual(errorOf(refused), [400, "invalid_target"])
      }
    }).pipe(Effect.provide(layer))
  })
})

describe("A request that waits", () => {
  it.effect("is refused once its resources belong to several", () => {
    const families: Array<BoundResource> = []
    const { layer, members } = makeMembers({ settings: { boundResources: families } })
    return Effect.gen(function* () {
      const { app, browser, user } = yield* start()
      members.add(`${user.id} acme`).add(`${user.id} umbrella`)
      for (const identifier of [acme, umbrella]) {
        yield* Resources.use((resources) => resources.create(OAuthBuilders.resource(identifier), unknownClient))
      }
      const page = yield* browser.go(authorizePath(app.client, { scope: "openid", resource: [acme, umbrella] }))
      families.push(family)
      const { request = "" } = queryOf(page)
      const answer = yield* browser.submit("/auth/oauth2/consent", { request, accept: "true" })
      assert.strictEqual(queryOf(answer)["error"], "invalid_target")
    }).pipe(Effect.provide(layer))
  })
})

describe("One of a family that stands on file, too", () => {
  it.effect("stays bound, and can be disabled alone", () => {
    const { layer, members } = makeMembers()
    return Effect.gen(function* () {
      const { app, browser, user } = yield* start()
      yield* Resources.use((resources) => resources.create(OAuthBuilders.resource(acme), unknownClient))
      assert.strictEqual((yield* agree(browser, app, asking(acme)))["error"], "access_denied")
      members.add(`${user.id} acme`).add(`${user.id} umbrella`)
      assert.property(yield* agree(browser, app, asking(acme)), "code")
      const disabled = OAuthBuilders.resource(acme, { isDisabled: true })
      yield* Resources.use((resources) => resources.update(disabled, unknownClient))
      assert.strictEqual((yield* agree(browser, app, asking(acme)))["error"], "invalid_target")
      assert.property(yield* agree(browser, app, asking(umbrella)), "code")
    }).pipe(Effect.provide(layer))
  })

  it.effect("is bound to nothing where the configuration names it", () => {
    const { layer } = makeMembers({ settings: { resources: [OAuthBuilders.resource(acme)] } })
    return Effect.gen(function* () {
      const { app, browser, user } = yield* start()
      assert.property(yield* agree(browser, app, { scope: "openid", resource: [acme] }), "code")
      assert.isTrue(yield* hasConsent(user.id, null))
    }).pipe(Effect.provide(layer))
  })
})

describe("A client for itself", () => {
  it.effect("gets tokens for what it belongs to, and for nothing else that is bound", () => {
    const { layer } = makeMembers()
    return Effect.gen(function* () {
      const send = yield* serve
      const belonging = Effect.fnUntraced(function* (referenceId: string | null) {
        const app = yield* application({ scopes: ["notes:read"], grantTypes: ["client_credentials"] })
        const client = { ...app.client, referenceId }
        yield* ClientStore.use((clients) => Effect.andThen(clients.remove(client.id), clients.insert(client)))
        return app
      })
      const ask = ({ headers }: Application, ...resource: ReadonlyArray<string>) =>
        post(send)("token", { grant_type: "client_credentials", scope: "notes:read", resource }, headers)
      const ofAcme = yield* belonging("acme")
      const answer = yield* ask(ofAcme, acme)
      assert.strictEqual(answer.status, 200, answer.text)
      for (const resources of [[umbrella], [acme, umbrella]]) {
        assert.deepStrictEqual(errorOf(yield* ask(ofAcme, ...resources)), [400, "invalid_target"])
      }
      for (const other of [yield* belonging(null), yield* belonging("umbrella")]) {
        assert.deepStrictEqual(errorOf(yield* ask(other, acme)), [400, "invalid_target"])
      }
      assert.strictEqual((yield* ask(ofAcme, notes)).status, 200)
    }).pipe(Effect.provide(layer))
  })
})

describe("RFC 7662 §2.1", () => {
  it.effect("MUST tell of tokens for any of a family to the client that stands for it, and to no other", () => {
    const { layer, members } = makeMembers()
    return Effect.gen(function* () {
      const { app, browser, send, user } = yield* start()
      members.add(`${user.id} acme`)
      const { accessToken } = yield* tokensFor(send, browser, app, asking(acme))
      const api = yield* application({}, { id: ClientId.make("mcp-api") })
      assert.isTrue(yield* isActive(send, api, accessToken))
      assert.isFalse(yield* isActive(send, yield* application(), accessToken))
    }).pipe(Effect.provide(layer))
  })
})
