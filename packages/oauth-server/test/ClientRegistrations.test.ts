import * as RequestBodyHandlers from "@belfry/core/RequestBodyHandlers"
import { Sessions } from "@belfry/core/Sessions"
import type { UserId } from "@belfry/core/User"
import { AccessTokens } from "@belfry/oauth-server/AccessTokens"
import { ClientRegistrations } from "@belfry/oauth-server/ClientRegistrations"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import type * as TestHttp from "@belfry/testing/TestHttp"
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Duration, Effect, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as Management from "./support/Management.ts"

const path = "/auth/oauth2/register"
const callback = "http://127.0.0.1:3118/callback"
const metadata = { client_name: "Inspector", redirect_uris: [callback], token_endpoint_auth_method: "none" }
const clientInfo = { ipAddress: "192.0.2.7", userAgent: "test" }

const withSettings = (settings: Management.Options["settings"], hooks: Management.Options["hooks"] = {}) =>
  Management.layer({ settings: { rateLimits: noLimits, scopes: ["read"], ...settings }, hooks })

const noLimits = {
  authorize: null,
  registration: null,
  clientDocuments: null,
  token: null,
  introspection: null,
  revocation: null,
  userInfo: null,
}

const bodyOf = ({ json }: TestHttp.TestResponse): Readonly<Record<string, unknown>> =>
  typeof json === "object" && json !== null ? { ...json } : {}

const issue = (uses: number | null = 1, by?: UserId) =>
  ClientRegistrations.use((registrations) =>
    registrations.issueToken({ lifetime: Duration.hours(1), uses, clientInfo, ...(by === undefined ? {} : { by }) }),
  )

const clientsWith = (id: unknown) => ClientStore.use((store) => store.find(ClientId.make(String(id))))

describe("RFC 7591 §3.1", () => {
  it.effect("MUST NOT register anybody where registration is off", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const { token } = yield* Management.signIn("ada")
      for (const who of [null, token]) {
        const response = yield* as(who)("POST", path, metadata)
        assert.strictEqual(response.status, 403)
        assert.strictEqual(bodyOf(response)["error"], "access_denied")
      }
    }).pipe(Effect.provide(withSettings({ registration: "off" }))),
  )

  it.effect("MUST refuse bodies that are not a JSON object", () =>
    Effect.gen(function* () {
      const { as, send } = yield* Management.serve
      for (const json of [[], "text", 1, null, true]) {
        const response = yield* as(null)("POST", path, json)
        assert.strictEqual(response.status, 400)
        assert.strictEqual(bodyOf(response)["error"], "invalid_request")
      }
      for (const [contentType, body] of [
        ["application/json", "{"],
        ["application/json", ""],
        ["text/plain", JSON.stringify(metadata)],
        ["application/x-www-form-urlencoded", "client_name=x"],
        ["application/jsonp", JSON.stringify(metadata)],
      ] as const) {
        const response = yield* send(path, { method: "POST", headers: { "content-type": contentType }, body })
        assert.strictEqual(response.status, 400, contentType)
        assert.strictEqual(bodyOf(response)["error"], "invalid_request")
      }
    }).pipe(Effect.provide(withSettings({ registration: "open" }))),
  )

  it.effect("MUST refuse bodies of more than 64 KiB, whatever the host lets through", () => {
    const limits: Array<ByteSize.ByteSize> = []
    return Effect.gen(function* () {
      const { send } = yield* Management.serve
      const sized = (size: number) => {
        const body = JSON.stringify({ ...metadata, padding: "" })
        return body.replace('"padding":""', `"padding":"${"x".repeat(size - body.length)}"`)
      }
      for (const [size, status, error] of [
        [65_536, 201, undefined],
        [65_537, 400, "invalid_request"],
      ] as const) {
        const headers = { "content-type": "application/json" }
        const response = yield* send(path, { method: "POST", headers, body: sized(size) })
        assert.deepStrictEqual([response.status, bodyOf(response)["error"]], [status, error])
      }
      assert.deepStrictEqual(limits.map(ByteSize.toNumberUnsafe), [65_536, 65_536])
    }).pipe(
      Effect.provide(withSettings({ registration: "open" })),
      Effect.provideService(
        RequestBodyHandlers.RequestBody,
        RequestBodyHandlers.make((request, maxSize) => {
          limits.push(maxSize)
          return RequestBodyHandlers.platform.bytes(request, maxSize)
        }),
      ),
    )
  })

  it.effect("MUST ignore members that it does not know", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const response = yield* as(null)("POST", path, { ...metadata, resource: "https://api.example", x: { y: 1 } })
      assert.strictEqual(response.status, 201)
      assert.notProperty(bodyOf(response), "resource")
      assert.notProperty(bodyOf(response), "x")
    }).pipe(Effect.provide(withSettings({ registration: "open" }))),
  )
})

describe("RFC 7591 §3.2.1", () => {
  it.effect("MUST answer 201 with the id, the instant of issue and all metadata, and let nobody keep it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_123)
      const { as } = yield* Management.serve
      const response = yield* as(null)("POST", path, metadata)
      assert.strictEqual(response.status, 201)
      assert.strictEqual(response.headers.get("cache-control"), "no-store")
      const { client_id, ...rest } = bodyOf(response)
      assert.match(String(client_id), /^belfry_client_/)
      assert.deepStrictEqual(rest, {
        application_type: "native",
        redirect_uris: [callback],
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code"],
        response_types: ["code"],
        scope: "openid profile email offline_access read",
        client_name: "Inspector",
        subject_type: "public",
        client_id_issued_at: 1_700_000_000,
      })
      const stored = Option.getOrThrow(yield* clientsWith(client_id))
      assert.isTrue(stored.isDynamic)
      assert.deepStrictEqual(stored.privileges, {
        skipConsent: false,
        enableEndSession: false,
        requirePkce: true,
        resources: null,
        metadata: {},
      })
    }).pipe(Effect.provide(withSettings({ registration: "open" }))),
  )

  it.effect("MUST tell when a secret ends, 0 for never; the secret is one that proves the client", () =>
    Effect.gen(function* () {
      const { as, send } = yield* Management.serve
      const response = yield* as(null)("POST", path, { redirect_uris: [callback] })
      const { client_id, client_secret, client_secret_expires_at } = bodyOf(response)
      assert.strictEqual(client_secret_expires_at, 0)
      const basic = Buffer.from(`${String(client_id)}:${String(client_secret)}`).toString("base64")
      const answer = yield* send("/auth/oauth2/introspect", {
        method: "POST",
        headers: { authorization: `Basic ${basic}`, "content-type": "application/x-www-form-urlencoded" },
        body: "token=x",
      })
      assert.deepStrictEqual(bodyOf(answer), { active: false })
    }).pipe(Effect.provide(withSettings({ registration: "open" }))),
  )

  it.effect("gives secrets the lifetime of the settings", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const { as } = yield* Management.serve
      const response = yield* as(null)("POST", path, { redirect_uris: [callback] })
      assert.strictEqual(bodyOf(response)["client_secret_expires_at"], 1_700_000_000 + 30 * 86_400)
    }).pipe(Effect.provide(withSettings({ registration: "open", registrationSecretLifetime: Duration.days(30) }))),
  )
})

describe("RFC 7591 §3.2.2", () => {
  it.effect("MUST answer 400 with the code of what is wrong, and register nothing", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      for (const [given, error] of [
        [{ ...metadata, redirect_uris: ["javascript:alert(1)"] }, "invalid_redirect_uri"],
        [{ ...metadata, redirect_uris: [] }, "invalid_redirect_uri"],
        [{ ...metadata, redirect_uris: "x" }, "invalid_redirect_uri"],
        [{ ...metadata, grant_types: ["password"] }, "invalid_client_metadata"],
        [{ ...metadata, token_endpoint_auth_method: "tls_client_auth" }, "invalid_client_metadata"],
        [{ ...metadata, software_statement: "e30.e30.AA" }, "unapproved_software_statement"],
        [{ ...metadata, skip_consent: true }, "invalid_client_metadata"],
        [{ ...metadata, require_pkce: false }, "invalid_client_metadata"],
        [{ ...metadata, enable_end_session: true }, "invalid_client_metadata"],
      ] as const) {
        const response = yield* as(null)("POST", path, given)
        assert.strictEqual(response.status, 400)
        assert.strictEqual(bodyOf(response)["error"], error)
        assert.match(String(bodyOf(response)["error_description"]), /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
      }
      assert.deepStrictEqual(yield* Management.events, [])
    }).pipe(Effect.provide(withSettings({ registration: "open" }))),
  )
})

describe("RFC 7591 §2.3", () => {
  it.effect("lets what a verified software statement says win over what the client says", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const response = yield* as(null)("POST", path, { ...metadata, software_statement: "vouched" })
      assert.strictEqual(bodyOf(response)["client_name"], "Vouched for")
      const other = yield* as(null)("POST", path, { ...metadata, software_statement: "other" })
      assert.strictEqual(bodyOf(other)["error"], "unapproved_software_statement")
    }).pipe(
      Effect.provide(
        withSettings(
          { registration: "open" },
          {
            softwareStatement: (statement) =>
              Effect.succeed(statement === "vouched" ? { clientName: "Vouched for" } : null),
          },
        ),
      ),
    ),
  )
})

describe("RFC 7591 §3", () => {
  it.effect("MUST ask for an initial access token where registration is not open", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const without = yield* as(null)("POST", path, metadata)
      assert.strictEqual(without.status, 401)
      // RFC 6750 §3.1: who sent no credentials is told no error.
      assert.strictEqual(without.headers.get("www-authenticate"), "Bearer")
      for (const token of ["belfry_registration_x", "x", "belfry_session_x"]) {
        const refused = yield* as(Redacted.make(token))("POST", path, metadata)
        assert.strictEqual(refused.status, 401)
        assert.strictEqual(bodyOf(refused)["error"], "invalid_token")
        assert.strictEqual(refused.headers.get("www-authenticate"), 'Bearer error="invalid_token"')
      }
      const { token } = yield* issue()
      assert.strictEqual((yield* as(token)("POST", path, metadata)).status, 201)
      assert.strictEqual((yield* as(token)("POST", path, metadata)).status, 401)
    }).pipe(Effect.provide(withSettings({ registration: "token" }))),
  )

  it.effect("gives an initial access token of one use to one of 100 fibers", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const { token } = yield* issue()
      const answers = yield* Effect.all(
        Array.from({ length: 100 }, () => as(token)("POST", path, metadata)),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(
        answers.map(({ status }) => status).toSorted((a, b) => a - b),
        [201, ...Array.from({ length: 99 }, () => 401)],
      )
    }).pipe(Effect.provide(withSettings({ registration: "token" }))),
  )

  it.effect("takes an initial access token until the very instant that it ends, and not once it is revoked", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const { as } = yield* Management.serve
      const { token } = yield* issue(null)
      const other = yield* issue(null)
      yield* ClientRegistrations.use((registrations) => registrations.revokeToken(other.id, clientInfo))
      assert.strictEqual((yield* as(other.token)("POST", path, metadata)).status, 401)
      yield* TestClock.adjust("59 minutes")
      yield* TestClock.adjust("59999 millis")
      assert.strictEqual((yield* as(token)("POST", path, metadata)).status, 201)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* as(token)("POST", path, metadata)).status, 401)
    }).pipe(Effect.provide(withSettings({ registration: "token" }))),
  )

  it.effect("does not use up a token for a request that is refused", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const { token } = yield* issue()
      assert.strictEqual((yield* as(token)("POST", path, { ...metadata, redirect_uris: [] })).status, 400)
      assert.strictEqual((yield* as(token)("POST", path, metadata)).status, 201)
    }).pipe(Effect.provide(withSettings({ registration: "token" }))),
  )

  it.effect("registers a client of who is signed in, by bearer or by the cookie of this site's own requests", () =>
    Effect.gen(function* () {
      const { as, send } = yield* Management.serve
      const { actor, token } = yield* Management.signIn("ada")
      const response = yield* as(token)("POST", path, metadata)
      const stored = Option.getOrThrow(yield* clientsWith(bodyOf(response)["client_id"]))
      assert.strictEqual(stored.userId, actor.user.id)
      const byCookie = (origin: string) =>
        send(path, {
          method: "POST",
          headers: {
            cookie: `belfry_session=${Redacted.value(token)}`,
            origin,
            "content-type": "application/json",
          },
          body: JSON.stringify(metadata),
        })
      assert.strictEqual((yield* byCookie("http://localhost:3000")).status, 201)
      // Another site cannot have clients registered in the name of who visits it.
      assert.strictEqual((yield* byCookie("https://evil.example")).status, 401)
      yield* Sessions.use((sessions) => sessions.signOut(token, clientInfo))
      assert.strictEqual((yield* as(token)("POST", path, metadata)).status, 401)
    }).pipe(Effect.provide(withSettings({ registration: "token" }))),
  )

  it.effect("gives a client to who is signed in and what they act for, or to who made the token", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const ada = yield* Management.signIn("ada", { organization: "engines" })
      const bob = yield* Management.signIn("bob")
      const ofNobody = yield* issue()
      const ofAda = yield* issue(1, ada.actor.user.id)
      for (const [who, expected] of [
        [ada.token, [ada.actor.user.id, "engines"]],
        [bob.token, [bob.actor.user.id, null]],
        [ofAda.token, [ada.actor.user.id, null]],
        [ofNobody.token, [null, null]],
      ] as const) {
        const { client_id } = bodyOf(yield* as(who)("POST", path, metadata))
        const { referenceId, userId } = Option.getOrThrow(yield* clientsWith(client_id))
        assert.deepStrictEqual([userId, referenceId], [...expected])
      }
    }).pipe(
      Effect.provide(
        withSettings({ registration: "token" }, { clientReference: ({ user }) => Effect.succeed(user.name) }),
      ),
    ),
  )

  it.effect("sends the cookie of a session again that registering prolonged", () =>
    Effect.gen(function* () {
      const { send } = yield* Management.serve
      const { actor, token } = yield* Management.signIn("ada")
      const register = send(path, {
        method: "POST",
        headers: {
          cookie: `belfry_session=${Redacted.value(token)}`,
          origin: "http://localhost:3000",
          "content-type": "application/json",
        },
        body: JSON.stringify(metadata),
      })
      assert.notProperty((yield* register).cookies, "belfry_session")
      yield* TestClock.adjust("2 days")
      const { cookies } = yield* register
      assert.strictEqual(cookies["belfry_session"]?.value, Redacted.value(token))
      const [session] = yield* Sessions.use((sessions) => sessions.list(actor.user.id))
      const expires = session === undefined ? assert.fail("no session") : new Date(session.expiresAt.epochMilliseconds)
      assert.include(cookies["belfry_session"]?.attributes ?? [], `Expires=${expires.toUTCString()}`)
    }).pipe(Effect.provide(withSettings({ registration: "token" }))),
  )

  it.effect("refuses a token that opens nothing, also where none is needed", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const over = yield* Management.signIn("ada")
      yield* Sessions.use((sessions) => sessions.signOut(over.token, clientInfo))
      for (const token of [over.token, Redacted.make("nonsense"), (yield* issue(0)).token]) {
        assert.strictEqual((yield* as(token)("POST", path, metadata)).status, 401)
      }
      assert.strictEqual((yield* as(null)("POST", path, metadata)).status, 201)
    }).pipe(Effect.provide(withSettings({ registration: "open" }))),
  )

  it.effect("gives client_credentials by an initial access token or the host's leave, and to nobody else", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const machine = { ...metadata, token_endpoint_auth_method: "client_secret_basic" }
      const asked = { ...machine, grant_types: ["authorization_code", "client_credentials"] }
      const ada = yield* Management.signIn("ada", { organization: "trusted" })
      const bob = yield* Management.signIn("bob")
      const { token } = yield* issue()
      for (const [who, expected] of [
        [null, ["authorization_code"]],
        [bob.token, ["authorization_code"]],
        [ada.token, asked.grant_types],
        [token, asked.grant_types],
      ] as const) {
        assert.deepStrictEqual(bodyOf(yield* as(who)("POST", path, asked))["grant_types"], expected)
      }
      const alone = yield* as(null)("POST", path, { ...machine, grant_types: ["client_credentials"] })
      assert.strictEqual(bodyOf(alone)["error"], "invalid_client_metadata")
      // The same by the call that manages clients.
      const own = { clientName: "Own", redirectUris: [], grantTypes: ["client_credentials"] }
      assert.strictEqual((yield* as(bob.token)("POST", "/auth/oauth2/clients", own)).status, 422)
      assert.strictEqual((yield* as(ada.token)("POST", "/auth/oauth2/clients", own)).status, 201)
    }).pipe(
      Effect.provide(
        withSettings(
          { registration: "open" },
          { clientPrivileges: ({ user }) => Effect.succeed(user.name === "trusted" ? true : "default") },
        ),
      ),
    ),
  )

  it.effect("registers nothing for whom the host lets make no clients, also where it is open", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const ada = yield* Management.signIn("ada", { organization: "barred" })
      const bob = yield* Management.signIn("bob")
      for (const [who, expected] of [
        [ada.token, 403],
        [bob.token, 201],
        [null, 201],
      ] as const) {
        const response = yield* as(who)("POST", path, metadata)
        assert.strictEqual(response.status, expected)
        if (expected === 403) assert.strictEqual(bodyOf(response)["error"], "access_denied")
      }
      assert.strictEqual((yield* as(ada.token)("POST", "/auth/oauth2/clients", {})).status, 403)
      const registered = (yield* Management.events).filter(({ type }) => type === "oauth-client.registered")
      assert.deepStrictEqual(
        registered.map(({ userId }) => userId),
        [bob.actor.user.id, null],
      )
    }).pipe(
      Effect.provide(
        withSettings(
          { registration: "open" },
          { clientPrivileges: ({ user }) => Effect.succeed(user.name === "barred" ? false : "default") },
        ),
      ),
    ),
  )

  it.effect("records who registered, and keeps nothing when it cannot be recorded", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      const { token } = yield* issue()
      const away = yield* Management.AuditAway
      yield* away.set(true)
      const failed = yield* as(token)("POST", path, metadata)
      assert.strictEqual(failed.status, 503)
      assert.strictEqual(bodyOf(failed)["error"], "temporarily_unavailable")
      yield* away.set(false)
      const response = yield* as(token)("POST", path, metadata)
      assert.strictEqual(response.status, 201)
      const registered = (yield* Management.events).filter(({ type }) => type === "oauth-client.registered")
      assert.deepStrictEqual(
        registered.map(({ data }): unknown => data),
        [{ clientId: bodyOf(response)["client_id"], method: "none" }],
      )
    }).pipe(Effect.provide(Management.layerAuditAway({ settings: { registration: "token", rateLimits: noLimits } }))),
  )

  it.effect("counts registrations by address", () =>
    Effect.gen(function* () {
      const { as } = yield* Management.serve
      for (let i = 0; i < 5; i++) assert.strictEqual((yield* as(null)("POST", path, metadata)).status, 201)
      const limited = yield* as(null)("POST", path, metadata)
      assert.strictEqual(limited.status, 429)
      assert.isAbove(Number(limited.headers.get("retry-after")), 0)
      assert.strictEqual(bodyOf(limited)["error"], "slow_down")
    }).pipe(Effect.provide(Management.layer({ settings: { registration: "open" } }))),
  )
})

describe("An initial access token", () => {
  it.effect("is no access token", () =>
    Effect.gen(function* () {
      const { token } = yield* issue()
      const tokens = yield* AccessTokens
      const error = yield* Effect.flip(tokens.verify(token))
      assert.strictEqual(error._tag, "AccessTokenInvalid")
    }).pipe(Effect.provide(withSettings({ registration: "token" }))),
  )
})
