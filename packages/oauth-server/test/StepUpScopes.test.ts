/**
 * Scopes that a client comes to need: those that registered themselves may ask a person for more than they registered.
 */
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { agree, application, exchange, layer, notes, post, refresh, serve } from "./support/Attacker.ts"
import { type Asked, authorizePath, open } from "./support/Authorizing.ts"

const stepUp = { registrationStepUp: ["notes:write", "offline_access"] }

/** An application that says of itself what the test says, as one that registered itself or as one that the host made. */
const registered = Effect.fnUntraced(function* (isDynamic: boolean) {
  const app = yield* application({
    scopes: ["openid", "notes:read"],
    grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
  })
  const client = { ...app.client, isDynamic }
  yield* ClientStore.use((clients) => Effect.andThen(clients.remove(client.id), clients.insert(client)))
  const send = yield* serve
  const browser = yield* open(send)
  yield* browser.signIn()
  return { app: { ...app, client }, browser, send }
})

/** Whether a request for a scope is refused; who is sent by a client that nobody knows is asked whether to go back. */
const isRefused = ({ app, browser }: Effect.Success<ReturnType<typeof registered>>, asked: Asked) =>
  Effect.map(
    browser.go(authorizePath(app.client, asked)),
    ({ status, text }) => status === 400 && text.includes("(invalid_scope)"),
  )

describe("Step-up of clients that registered themselves", () => {
  it.effect("asks a person for scopes beyond the registered ones, and they stand in tokens, refreshed ones too", () =>
    Effect.gen(function* () {
      const { app, browser, send } = yield* registered(true)
      const scope = "openid notes:read notes:write offline_access"
      const code = (yield* agree(browser, app, { scope, resource: notes }))["code"] ?? assert.fail("no code")
      const answer = yield* exchange(send, app, code)
      assert.strictEqual(TestHttp.at(answer.json, "scope"), "notes:read notes:write")
      const again = yield* refresh(send, app, TestHttp.textAt(answer, "refresh_token"))
      assert.strictEqual(TestHttp.at(again.json, "scope"), "notes:read notes:write")
    }).pipe(Effect.provide(layer({ settings: stepUp }))),
  )

  it.effect("asks for consent as always: what was given before does not cover it", () =>
    Effect.gen(function* () {
      const { app, browser } = yield* registered(true)
      assert.property(yield* agree(browser, app, { scope: "openid notes:read" }), "code")
      const silent = yield* agree(browser, app, { scope: "openid notes:write", prompt: "none" })
      assert.strictEqual(silent["error"], "consent_required")
    }).pipe(Effect.provide(layer({ settings: stepUp }))),
  )

  it.effect("is for no other scope, and for no client that the host made", () =>
    Effect.gen(function* () {
      const dynamic = yield* registered(true)
      assert.isTrue(yield* isRefused(dynamic, { scope: "openid email" }))
      const made = yield* registered(false)
      const refused = yield* agree(made.browser, made.app, { scope: "openid notes:write" })
      assert.strictEqual(refused["error"], "invalid_scope")
    }).pipe(Effect.provide(layer({ settings: stepUp }))),
  )

  it.effect("is nothing where the host does not allow it", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* isRefused(yield* registered(true), { scope: "openid notes:write" }))
    }).pipe(Effect.provide(layer())),
  )

  it.effect("is nothing that a client gets for itself", () =>
    Effect.gen(function* () {
      const { app, send } = yield* registered(true)
      const ask = (scope: string) =>
        post(send)("token", { grant_type: "client_credentials", scope, resource: notes }, app.headers)
      assert.strictEqual(TestHttp.at((yield* ask("notes:write")).json, "error"), "invalid_scope")
      assert.strictEqual((yield* ask("notes:read")).status, 200)
    }).pipe(Effect.provide(layer({ settings: stepUp }))),
  )
})
