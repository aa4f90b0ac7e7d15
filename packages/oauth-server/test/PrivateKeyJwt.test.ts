/**
 * Client authentication by a signed assertion.
 */
import type { OutboundRequest } from "@belfry/core/Outbound"
import { OutboundFailed } from "@belfry/core/Outbound"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import * as ClientAuthentications from "@belfry/oauth-server/ClientAuthentications"
import type { ClientMetadata, OAuthClient } from "@belfry/oauth-server/OAuthClient"
import * as Parameters from "@belfry/oauth-server/Parameters"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose"

const issuer = "http://localhost:3000/auth"
const tokenEndpoint = `${issuer}/oauth2/token`
const jwksUri = "https://client.example.com/jwks"
const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/** What the client's server answers, and what it was asked. */
interface Published {
  status: number
  body: string
  isAway: boolean
  readonly requests: Array<OutboundRequest>
}

const published = (): Published => ({ status: 200, body: "", isAway: false, requests: [] })

const layerWith = (site: Published = published()) =>
  ClientAuthentications.layer.pipe(
    Layer.provideMerge(
      Layer.succeed(OutboundHttp, {
        send: (request) =>
          Effect.suspend(() => {
            site.requests.push(request)
            return site.isAway
              ? Effect.fail(new OutboundFailed({ reason: "connection" }))
              : Effect.succeed({ status: site.status, headers: {}, body: new TextEncoder().encode(site.body) })
          }),
      }),
    ),
    Layer.provideMerge(TestServices.layerMemory),
  )

/** A key pair of a client. */
const keyPair = (alg: string, kid?: string) =>
  Effect.promise(async () => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), ...(kid === undefined ? {} : { kid }) } }
  })
type KeyPair = Effect.Success<ReturnType<typeof keyPair>>

const keySet = (...keys: ReadonlyArray<KeyPair>) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

const clientWith = (metadata: Partial<ClientMetadata>) =>
  OAuthBuilders.storedClient({ secrets: [], metadata: { tokenEndpointAuthMethod: "private_key_jwt", ...metadata } })

const clientOf = (...keys: ReadonlyArray<KeyPair>) =>
  clientWith({ jwks: { keys: keys.map(({ jwk }) => JSON.parse(JSON.stringify(jwk))) } })

let serial = 0

/** An assertion as clients make them, but for `claims`: undefined leaves one out. */
const assertionOf = Effect.fnUntraced(function* (
  client: OAuthClient,
  { alg, kid, privateKey }: KeyPair,
  claims: Readonly<Record<string, unknown>> = {},
) {
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  serial += 1
  const payload: JWTPayload = {
    iss: client.id,
    sub: client.id,
    aud: issuer,
    jti: `assertion-${serial}`,
    iat: now,
    exp: now + 60,
    ...claims,
  }
  const header = { alg, ...(kid === undefined ? {} : { kid }) }
  return yield* Effect.promise(() => new SignJWT(payload).setProtectedHeader(header).sign(privateKey))
})

const prove = Effect.fnUntraced(function* (
  client: OAuthClient | null,
  assertion: string,
  fields: Readonly<Record<string, string>> = {},
) {
  const { read, verify } = yield* ClientAuthentications.ClientAuthentications
  const search = new URLSearchParams({ client_assertion: assertion, client_assertion_type: type, ...fields })
  return yield* Effect.flatMap(Effect.fromResult(read(undefined, Parameters.lenient(search))), (credentials) =>
    verify(credentials, client),
  ).pipe(
    Effect.match({
      onSuccess: () => "proved",
      onFailure: (error) => (error._tag === "OAuthError" ? `${error.code} ${error.detail ?? ""}`.trim() : error._tag),
    }),
  )
})

describe("RFC 7523 §3", () => {
  it.effect("MUST take assertions signed by the client's key, by each algorithm that is allowed", () =>
    Effect.gen(function* () {
      for (const alg of ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]) {
        const key = yield* keyPair(alg)
        const client = yield* clientOf(key)
        assert.strictEqual(yield* prove(client, yield* assertionOf(client, key)), "proved", alg)
      }
    }).pipe(Effect.provide(layerWith())),
  )

  it.effect("MUST check iss, sub, aud, exp, nbf and iat", () =>
    Effect.gen(function* () {
      const key = yield* keyPair("ES256")
      const client = yield* clientOf(key)
      const other = yield* clientOf(key)
      yield* TestClock.adjust("1 hour")
      const cases: ReadonlyArray<readonly [Readonly<Record<string, unknown>>, string]> = [
        [{ aud: tokenEndpoint }, "proved"],
        [{ aud: [issuer, tokenEndpoint] }, "proved"],
        [{ aud: `${issuer}/oauth2/introspect` }, "proved"],
        // What another server would take too may come from there.
        [{ aud: [issuer, "https://evil.example.com"] }, "invalid_client assertion-aud"],
        [{ aud: [] }, "invalid_client assertion-aud"],
        [{ aud: "https://evil.example.com" }, "invalid_client assertion-aud"],
        [{ aud: `${issuer}/` }, "invalid_client assertion-aud"],
        [{ aud: undefined }, "invalid_client assertion-aud"],
        [{ iss: other.id }, "invalid_client assertion-iss"],
        [{ iss: undefined }, "invalid_client assertion-iss"],
        [{ exp: undefined }, "invalid_client assertion-exp"],
        [{ exp: "soon" }, "invalid_client assertion-exp"],
        [{ exp: 3570 }, "invalid_client assertion-expired"],
        [{ exp: 3571 }, "proved"],
        [{ exp: 3600 + 330 }, "proved"],
        [{ exp: 3600 + 331 }, "invalid_client assertion-lifetime"],
        [{ exp: 1e300 }, "invalid_client assertion-lifetime"],
        [{ nbf: 3630 }, "proved"],
        [{ nbf: 3631 }, "invalid_client assertion-nbf"],
        [{ iat: 3630 }, "proved"],
        [{ iat: 3631 }, "invalid_client assertion-iat"],
        [{ iat: undefined }, "proved"],
        [{ jti: undefined }, "invalid_client assertion-jti"],
        [{ jti: "" }, "invalid_client assertion-jti"],
        [{ jti: 5 }, "invalid_client assertion-jti"],
        [{ jti: "x".repeat(513) }, "invalid_client assertion-jti"],
      ]
      for (const [claims, outcome] of cases) {
        const assertion = yield* assertionOf(client, key, claims)
        assert.strictEqual(yield* prove(client, assertion), outcome, JSON.stringify(claims))
      }
      const aboutOther = yield* assertionOf(client, key, { sub: other.id })
      assert.strictEqual(yield* prove(client, aboutOther), "invalid_client unknown")
      assert.strictEqual(yield* prove(other, aboutOther), "invalid_client assertion-iss")
    }).pipe(Effect.provide(layerWith())),
  )

  it.effect("MUST take a jti once, for each client, of 100 at once one", () =>
    Effect.gen(function* () {
      const key = yield* keyPair("ES256")
      const client = yield* clientOf(key)
      const other = yield* clientOf(key)
      const assertion = yield* assertionOf(client, key, { jti: "the same" })
      const outcomes = yield* Effect.all(
        Array.from({ length: 100 }, () => prove(client, assertion)),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(outcomes.filter((outcome) => outcome === "proved").length, 1)
      assert.strictEqual(outcomes.filter((outcome) => outcome === "invalid_client assertion-replayed").length, 99)
      assert.strictEqual(yield* prove(other, yield* assertionOf(other, key, { jti: "the same" })), "proved")
    }).pipe(Effect.provide(layerWith())),
  )

  it.effect("MUST NOT take a signature of another key, another algorithm, or none", () =>
    Effect.gen(function* () {
      const key = yield* keyPair("RS256")
      const client = yield* clientOf(key)
      const stranger = yield* keyPair("RS256")
      assert.strictEqual(
        yield* prove(client, yield* assertionOf(client, stranger)),
        "invalid_client assertion-signature",
      )
      const good = yield* assertionOf(client, key)
      const [, payload = "", signature = ""] = good.split(".")
      const headerOf = (header: object) => btoa(JSON.stringify(header)).replaceAll("=", "")
      assert.strictEqual(
        yield* prove(client, `${headerOf({ alg: "none" })}.${payload}.`),
        "invalid_client assertion-algorithm",
      )
      assert.strictEqual(
        yield* prove(client, `${headerOf({ alg: "HS256" })}.${payload}.${signature}`),
        "invalid_client assertion-algorithm",
      )
      // RFC 8725 §3.1: a public key is no secret.
      const secret = new TextEncoder().encode(JSON.stringify(key.jwk))
      const forged = yield* Effect.promise(() =>
        new SignJWT({ iss: client.id, sub: client.id, aud: issuer, jti: "x", exp: 60 })
          .setProtectedHeader({ alg: "HS256" })
          .sign(secret),
      )
      assert.strictEqual(yield* prove(client, forged), "invalid_client assertion-algorithm")
      const rs512 = { ...key, alg: "RS512" }
      const imported = yield* Effect.promise(() => generateKeyPair("RS512", { extractable: true }))
      const other = yield* assertionOf(client, { ...rs512, privateKey: imported.privateKey })
      assert.strictEqual(yield* prove(client, other), "invalid_client assertion-algorithm")
      // A key that the assertion itself brings along is none of the client's.
      const own = yield* Effect.promise(() =>
        new SignJWT({ iss: client.id, sub: client.id, aud: issuer, jti: "y", exp: 60 })
          .setProtectedHeader({ alg: "RS256", jwk: stranger.jwk })
          .sign(stranger.privateKey),
      )
      assert.strictEqual(yield* prove(client, own), "invalid_client assertion-signature")
    }).pipe(Effect.provide(layerWith())),
  )

  it.effect("answers whatever is no assertion as it answers a wrong one", () =>
    Effect.gen(function* () {
      const key = yield* keyPair("ES256")
      const client = yield* clientOf(key)
      const good = yield* assertionOf(client, key)
      const malformed = [
        "x",
        "..",
        "a.b.c",
        good.slice(0, 40),
        `${good}.${good}`,
        "e30.e30.e30",
        `e30.${"A".repeat(20_000)}.x`,
      ]
      for (const assertion of malformed) {
        assert.strictEqual(
          yield* prove(client, assertion),
          "invalid_client assertion-malformed",
          assertion.slice(0, 40),
        )
      }
      assert.strictEqual(
        yield* prove(client, good, { client_assertion_type: "urn:other" }),
        "invalid_client assertion-type",
      )
      assert.strictEqual(yield* prove(client, good, { client_assertion_type: "" }), "invalid_request")
      assert.strictEqual(yield* prove(client, ""), "invalid_request")
      assert.strictEqual(yield* prove(client, good, { client_id: "other" }), "invalid_client assertion-client-id")
      assert.strictEqual(yield* prove(client, good, { client_id: client.id }), "proved")
      const none = yield* clientWith({})
      assert.strictEqual(yield* prove(none, yield* assertionOf(none, key)), "invalid_client assertion-keys-none")
      const basic = yield* OAuthBuilders.storedClient({ metadata: { jwks: { keys: [] } } })
      assert.strictEqual(yield* prove(basic, yield* assertionOf(basic, key)), "invalid_client method")
    }).pipe(Effect.provide(layerWith())),
  )

  it.effect("tries each key that fits when the assertion names none", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* keyPair("ES256"), yield* keyPair("ES256")]
      const stranger = yield* keyPair("ES256")
      const client = yield* clientOf(one, two)
      assert.strictEqual(yield* prove(client, yield* assertionOf(client, two)), "proved")
      assert.strictEqual(
        yield* prove(client, yield* assertionOf(client, stranger)),
        "invalid_client assertion-signature",
      )
      const wrong = yield* assertionOf(client, two, { aud: "https://evil.example.com" })
      assert.strictEqual(yield* prove(client, wrong), "invalid_client assertion-aud")
    }).pipe(Effect.provide(layerWith())),
  )
})

describe("keys that a client publishes", () => {
  it.effect("are fetched once for all who wait, as a foreign URL, and kept for ten minutes", () => {
    const site = published()
    return Effect.gen(function* () {
      const key = yield* keyPair("ES256", "one")
      site.body = keySet(key)
      const client = yield* clientWith({ jwksUri })
      const proofs = yield* Effect.forEach(Array.from({ length: 20 }), () => assertionOf(client, key))
      const outcomes = yield* Effect.all(
        proofs.map((assertion) => prove(client, assertion)),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(new Set(outcomes), new Set(["proved"]))
      assert.deepStrictEqual(
        site.requests.map(({ trust, url }) => ({ trust, url })),
        [{ trust: "foreign", url: jwksUri }],
      )
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* prove(client, yield* assertionOf(client, key)), "proved")
      assert.strictEqual(site.requests.length, 2)
    }).pipe(Effect.provide(layerWith(site)))
  })

  it.effect("are fetched again for an unknown key, every ten seconds at most", () => {
    const site = published()
    return Effect.gen(function* () {
      const [one, two, stranger] = [
        yield* keyPair("ES256", "1"),
        yield* keyPair("ES256", "2"),
        yield* keyPair("ES256", "3"),
      ]
      site.body = keySet(one)
      const client = yield* clientWith({ jwksUri })
      assert.strictEqual(yield* prove(client, yield* assertionOf(client, one)), "proved")
      site.body = keySet(one, two)
      assert.strictEqual(yield* prove(client, yield* assertionOf(client, two)), "proved")
      assert.strictEqual(site.requests.length, 2)
      for (let i = 0; i < 5; i++) {
        assert.strictEqual(yield* prove(client, yield* assertionOf(client, stranger)), "invalid_client assertion-key")
      }
      assert.strictEqual(site.requests.length, 2)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* prove(client, yield* assertionOf(client, stranger)), "invalid_client assertion-key")
      assert.strictEqual(site.requests.length, 3)
      assert.strictEqual(yield* prove(client, yield* assertionOf(client, two)), "proved")
      assert.strictEqual(site.requests.length, 3)
    }).pipe(Effect.provide(layerWith(site)))
  })

  it.effect("that cannot be had prove nobody, and are asked for every ten seconds at most", () => {
    const site = published()
    return Effect.gen(function* () {
      const key = yield* keyPair("ES256", "one")
      const client = yield* clientWith({ jwksUri })
      const attempt = Effect.flatMap(assertionOf(client, key), (assertion) => prove(client, assertion))
      const away = "invalid_client assertion-keys-unreachable"
      site.isAway = true
      assert.deepStrictEqual([yield* attempt, yield* attempt], [away, away])
      assert.strictEqual(site.requests.length, 1)
      site.isAway = false
      site.body = keySet(key)
      for (const status of [404, 500, 301, 204]) {
        site.status = status
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* attempt, away)
      }
      site.status = 200
      const bodies = ["", "[]", "{}", '{"keys":{}}', '{"keys":[1]}', `{"keys":[],"x":"${"x".repeat(65_536)}"}`]
      for (const body of [...bodies, JSON.stringify({ keys: Array.from({ length: 21 }, () => key.jwk) })]) {
        site.body = body
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* attempt, "invalid_client assertion-keys-malformed", body.slice(0, 40))
      }
      site.body = keySet(key)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* attempt, "proved")
    }).pipe(Effect.provide(layerWith(site)))
  })

  it.effect("MUST NOT count when they are symmetric", () => {
    const site = published()
    return Effect.gen(function* () {
      const key = yield* keyPair("ES256", "one")
      site.body = JSON.stringify({ keys: [{ kty: "oct", k: "c2VjcmV0", kid: "one" }] })
      const client = yield* clientWith({ jwksUri })
      assert.strictEqual(yield* prove(client, yield* assertionOf(client, key)), "invalid_client assertion-key")
    }).pipe(Effect.provide(layerWith(site)))
  })
})
