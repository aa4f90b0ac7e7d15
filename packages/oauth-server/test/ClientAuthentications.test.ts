/**
 * Client authentication by secret, and by none at all.
 */
import * as KeyRing from "@belfry/core/KeyRing"
import { StoreError } from "@belfry/core/StoreError"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import * as ClientAuthentications from "@belfry/oauth-server/ClientAuthentications"
import { ClientStore } from "@belfry/oauth-server/ClientStore"
import type { ClientAuthenticationMethod, ClientSecret, OAuthClient } from "@belfry/oauth-server/OAuthClient"
import * as Parameters from "@belfry/oauth-server/Parameters"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { NodeCrypto } from "@effect/platform-node"
import { Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { basic } from "./support/TokenClients.ts"

const layer = ClientAuthentications.layer.pipe(
  Layer.provideMerge(Layer.succeed(OutboundHttp, { send: () => Effect.die("no call is made") })),
  Layer.provideMerge(TestServices.layerMemory),
)

const form = (fields: Readonly<Record<string, string>>) => Parameters.lenient(new URLSearchParams(fields))

const read = (authorization: string | undefined, fields: Readonly<Record<string, string>> = {}) =>
  ClientAuthentications.ClientAuthentications.use((all) => Effect.fromResult(all.read(authorization, form(fields))))

/** Reads and verifies; the client's id, or why not. */
const prove = Effect.fnUntraced(function* (
  client: OAuthClient | null,
  authorization: string | undefined,
  fields: Readonly<Record<string, string>> = {},
) {
  const authentications = yield* ClientAuthentications.ClientAuthentications
  return yield* Effect.flatMap(read(authorization, fields), (credentials) =>
    authentications.verify(credentials, client),
  ).pipe(
    Effect.match({
      onSuccess: ({ id }) => `client ${id}`,
      onFailure: (error) => (error._tag === "OAuthError" ? `${error.code} ${error.detail ?? ""}`.trim() : error._tag),
    }),
  )
})

const withSecrets = Effect.fnUntraced(function* (
  method: ClientAuthenticationMethod,
  secrets: ReadonlyArray<Partial<ClientSecret> & { readonly text: string }>,
  fields: Partial<Pick<OAuthClient, "isDisabled">> = {},
) {
  const hasher = yield* KeyRing.KeyRing.use((keyRing) => keyRing.hasher("oauth-client-secret"))
  const kept = yield* Effect.forEach(secrets, ({ text, ...secret }) =>
    Effect.flatMap(hasher.hash(Redacted.make(text)), (hash) => OAuthBuilders.clientSecret({ hash, ...secret })),
  )
  return yield* OAuthBuilders.storedClient({ ...fields, secrets: kept, metadata: { tokenEndpointAuthMethod: method } })
})

const header = (id: string, secret: string) => basic(id, secret)["authorization"]

describe("RFC 6749 §2.3.1", () => {
  it.effect("MUST take id and secret in the header, each encoded as in a form", () =>
    Effect.gen(function* () {
      const secret = "sécret:with %+ and spaces"
      const client = yield* withSecrets("client_secret_basic", [{ text: secret }])
      const ok = `client ${client.id}`
      assert.strictEqual(yield* prove(client, header(client.id, secret)), ok)
      const withPlus = new URLSearchParams([[client.id, secret]]).toString().replace("=", ":")
      assert.strictEqual(yield* prove(client, `bAsIc   ${btoa(withPlus)}`), ok)
      // The id may stand in the form besides, and must be the same there.
      assert.strictEqual(yield* prove(client, header(client.id, secret), { client_id: client.id }), ok)
      assert.strictEqual(yield* prove(client, header(client.id, secret), { client_id: "other" }), "invalid_request")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("MAY take id and secret in the form", () =>
    Effect.gen(function* () {
      const client = yield* withSecrets("client_secret_post", [{ text: "secret" }])
      const fields = { client_id: client.id, client_secret: "secret" }
      assert.strictEqual(yield* prove(client, undefined, fields), `client ${client.id}`)
      assert.strictEqual(
        yield* prove(client, undefined, { ...fields, client_secret: "Secret" }),
        "invalid_client secret",
      )
      assert.strictEqual(yield* prove(client, undefined, { client_secret: "secret" }), "invalid_request")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses a header that is malformed, in the words of an unknown client", () =>
    Effect.gen(function* () {
      const malformed = [
        "Basic",
        "Basic ",
        "Basic !!!",
        `Basic ${btoa("no colon")}`,
        `Basic ${btoa("%zz:secret")}`,
        `Basic ${btoa("id:%")}`,
        `Basic ${btoa("id:\xff\xfe")}`,
        "Basic YQ==YQ==",
      ]
      for (const authorization of malformed) {
        const error = yield* Effect.flip(read(authorization))
        assert.deepStrictEqual(
          [error.code, error.description, error.detail],
          ["invalid_client", "Client authentication failed", "malformed-basic"],
          authorization,
        )
      }
      const ids = ["", "a b", "é", "a".repeat(256), "018f6b1e-0000-7000-8000-000000000000", "\u0000"]
      for (const id of ids) {
        assert.strictEqual((yield* Effect.flip(read(header(id, "secret")))).detail, "malformed-client-id", id)
      }
    }).pipe(Effect.provide(layer)),
  )
})

describe("RFC 6749 §2.3", () => {
  it.effect("MUST NOT take two methods in one request", () =>
    Effect.gen(function* () {
      const assertion = {
        client_assertion: "x.y.z",
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      }
      const post = { client_id: "id", client_secret: "secret" }
      const two: ReadonlyArray<readonly [string | undefined, Readonly<Record<string, string>>]> = [
        [header("id", "secret"), post],
        [header("id", "secret"), assertion],
        [undefined, { ...post, ...assertion }],
        ["Bearer token", post],
        ["Bearer token", assertion],
      ]
      for (const [authorization, fields] of two) {
        assert.strictEqual((yield* Effect.flip(read(authorization, fields))).code, "invalid_request")
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("MUST enforce the method that the client is registered for", () =>
    Effect.gen(function* () {
      for (const method of ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] as const) {
        const client = yield* withSecrets(method, [{ text: "secret" }])
        const ok = `client ${client.id}`
        const refused = "invalid_client method"
        const inForm = { client_id: client.id, client_secret: "secret" }
        const answers = [
          yield* prove(client, header(client.id, "secret")),
          yield* prove(client, undefined, inForm),
          yield* prove(client, undefined, { client_id: client.id }),
        ]
        assert.deepStrictEqual(answers, [
          method === "client_secret_basic" ? ok : refused,
          method === "client_secret_post" ? ok : refused,
          method === "none" ? ok : refused,
        ])
      }
    }).pipe(Effect.provide(layer)),
  )

  it.effect("refuses nobody, strangers and the disabled in the same words", () =>
    Effect.gen(function* () {
      const disabled = yield* withSecrets("client_secret_basic", [{ text: "secret" }], { isDisabled: true })
      const client = yield* withSecrets("client_secret_basic", [{ text: "secret" }])
      assert.strictEqual(yield* prove(null, header("nobody", "secret")), "invalid_client unknown")
      assert.strictEqual(yield* prove(null, undefined, { client_id: "nobody" }), "invalid_client unknown")
      assert.strictEqual(yield* prove(disabled, header(disabled.id, "secret")), "invalid_client disabled")
      assert.strictEqual(yield* prove(client, header("other", "secret")), "invalid_client unknown")
      assert.strictEqual(yield* prove(client, undefined), "invalid_client none")
      assert.strictEqual(yield* prove(client, "Negotiate abc"), "invalid_client authorization-scheme")
      const { verify } = yield* ClientAuthentications.ClientAuthentications
      const descriptions = new Set<string>()
      for (const [id, known] of [
        ["nobody", null],
        [disabled.id, disabled],
        [client.id, client],
      ] as const) {
        const credentials = yield* read(header(id, "wrong"))
        const error = yield* Effect.flip(verify(credentials, known))
        if (error._tag === "OAuthError") descriptions.add(`${error.code} ${error.description}`)
      }
      assert.deepStrictEqual([...descriptions], ["invalid_client Client authentication failed"])
    }).pipe(Effect.provide(layer)),
  )
})

describe("strangers", () => {
  it.effect("learn nothing of clients by the work that is done for them", () => {
    let hashed = 0
    const counting = Layer.effect(
      KeyRing.KeyRing,
      Effect.map(KeyRing.KeyRing, (keyRing) =>
        KeyRing.KeyRing.of({
          ...keyRing,
          hasher: (purpose) =>
            Effect.map(keyRing.hasher(purpose), (hasher) => ({
              ...hasher,
              candidates: (secret) => Effect.tap(hasher.candidates(secret), () => Effect.sync(() => void hashed++)),
            })),
        }),
      ),
    )
    return Effect.gen(function* () {
      const client = yield* withSecrets("client_secret_basic", [{ text: "secret" }])
      const other = yield* withSecrets("client_secret_post", [{ text: "secret" }])
      const disabled = yield* withSecrets("client_secret_basic", [{ text: "secret" }], { isDisabled: true })
      for (const [id, known] of [
        ["nobody", null],
        [client.id, client],
        [other.id, other],
        [disabled.id, disabled],
      ] as const) {
        hashed = 0
        assert.include(yield* prove(known, header(id, "wrong")), "invalid_client")
        assert.strictEqual(hashed, 1)
      }
    }).pipe(
      Effect.provide(
        ClientAuthentications.layer.pipe(
          Layer.provide(counting),
          Layer.provideMerge(Layer.succeed(OutboundHttp, { send: () => Effect.die("no call is made") })),
          Layer.provideMerge(TestServices.layerMemory),
        ),
      ),
    )
  })
})

describe("secrets", () => {
  it.effect("overlap while one takes the other's place, each to its own end", () =>
    Effect.gen(function* () {
      const client = yield* withSecrets("client_secret_basic", [
        { text: "new", expiresAt: 2000 },
        { text: "old", expiresAt: 1000 },
      ])
      const by = (secret: string) => prove(client, header(client.id, secret))
      const ok = `client ${client.id}`
      assert.deepStrictEqual(
        [yield* by("new"), yield* by("old"), yield* by("other")],
        [ok, ok, "invalid_client secret"],
      )
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(yield* by("old"), ok)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([yield* by("new"), yield* by("old")], [ok, "invalid_client secret-expired"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* by("new"), "invalid_client secret-expired")
    }).pipe(Effect.provide(layer)),
  )

  it.effect("are hashed anew with the current key of the ring, though the store may be away", () =>
    Effect.gen(function* () {
      const ringOf = (...ids: readonly [string, ...Array<string>]) => {
        const [first, ...others] = ids.map((id) => ({
          id,
          value: Redacted.make(`${id}-0123456789abcdefghijklmnopqrstuvwxyz`),
        }))
        return first === undefined ? assert.fail("a secret") : KeyRing.layer([first, ...others])
      }
      const over = (
        ring: ReturnType<typeof ringOf>,
        clients: Layer.Layer<ClientStore, never, ClientStore> = Layer.effect(ClientStore, ClientStore),
      ) =>
        Effect.provide(
          ClientAuthentications.layer.pipe(
            Layer.provide(clients),
            Layer.provide(Layer.succeed(OutboundHttp, { send: () => Effect.die("no call is made") })),
            Layer.provideMerge(ring),
            Layer.provide(NodeCrypto.layer),
          ),
          { local: true },
        )
      const client = yield* withSecrets("client_secret_basic", [{ text: "secret" }]).pipe(over(ringOf("one")))
      const away = Layer.effect(
        ClientStore,
        Effect.map(ClientStore, (store) =>
          ClientStore.of({
            ...store,
            rehashSecret: () =>
              Effect.fail(
                new StoreError({ store: "ClientStore", method: "rehashSecret", isRetryable: true, cause: "away" }),
              ),
          }),
        ),
      )
      const ok = `client ${client.id}`
      const proof = prove(client, header(client.id, "secret"))
      const hash = Effect.map(
        ClientStore.use((store) => store.find(client.id)),
        (found) => Option.getOrThrow(found).secrets[0]?.hash.split(".")[0],
      )
      assert.strictEqual(yield* proof.pipe(over(ringOf("two", "one"), away)), ok)
      assert.strictEqual(yield* hash, "one")
      assert.strictEqual(yield* proof.pipe(over(ringOf("two", "one"))), ok)
      assert.strictEqual(yield* hash, "two")
      const renewed = Option.getOrThrow(yield* ClientStore.use((store) => store.find(client.id)))
      const afterwards = prove(renewed, header(client.id, "secret"))
      assert.strictEqual(yield* afterwards.pipe(over(ringOf("two"))), ok)
    }).pipe(Effect.provide(layer)),
  )
})
