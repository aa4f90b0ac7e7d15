import { OutboundFailed, type OutboundRequest, type OutboundResponse } from "@belfry/core/Outbound"
import { OutboundHttp } from "@belfry/core/OutboundHttp"
import { StoreError } from "@belfry/core/StoreError"
import * as AccessTokenReader from "@belfry/oauth-server/AccessTokenReader"
import * as AccessTokenVerifier from "@belfry/oauth-server/AccessTokenVerifier"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import * as SigningKeys from "@belfry/oauth-server/SigningKeys"
import { SigningKeyStore } from "@belfry/oauth-server/SigningKeyStore"
import { TokenIssuer } from "@belfry/oauth-server/TokenIssuer"
import * as Builders from "@belfry/testing/Builders"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import * as TestServices from "@belfry/testing/TestServices"
import { assert, describe, it } from "@effect/vitest"
import { Context, DateTime, Duration, Effect, Fiber, Layer, Redacted, type Schema } from "effect"
import { TestClock } from "effect/testing"
import { CompactSign, exportJWK, generateKeyPair } from "jose"
import { countingLookUps, forge, issuer, layerBelow, node, part, youngest } from "./support/Keys.ts"

const audience = "https://api.example.com/reports"
const start = 1_800_000_000

/** A network of one answer, which a test may change, and what was asked of it. */
const network = () => {
  const requests: Array<OutboundRequest> = []
  const state: { answer: Effect.Effect<OutboundResponse, OutboundFailed> } = {
    answer: Effect.fail(new OutboundFailed({ reason: "connection" })),
  }
  const layer = Layer.succeed(
    OutboundHttp,
    OutboundHttp.of({
      send: (request) =>
        Effect.suspend(() => {
          requests.push(request)
          return Effect.andThen(Effect.yieldNow, state.answer)
        }),
    }),
  )
  const answers = (json: Schema.Json | object, status = 200, headers: Record<string, string> = {}) => {
    state.answer = Effect.succeed({ status, headers, body: new TextEncoder().encode(JSON.stringify(json)) })
  }
  const fails = (reason: OutboundFailed["reason"]) => {
    state.answer = Effect.fail(new OutboundFailed({ reason }))
  }
  return { layer, requests, answers, fails, state }
}

const verifierOf = <E, R>(layer: Layer.Layer<AccessTokenVerifier.AccessTokenVerifier, E, R>) =>
  Effect.map(Layer.build(layer), (context) => Context.get(context, AccessTokenVerifier.AccessTokenVerifier))

type Verifier = AccessTokenVerifier.AccessTokenVerifier["Service"]

const refusal = (verifier: Verifier, token: Redacted.Redacted | string) =>
  Effect.map(
    Effect.flip(verifier.verify(typeof token === "string" ? Redacted.make(token) : token)),
    ({ _tag, reason }) => `${_tag === "AccessTokenRefused" ? "refused" : "unverifiable"}: ${reason}`,
  )

const other = "https://api.example.com/files"

/** A verifier of one audience verifies for another one when the host says so, and for neither what is for the other. */
const isForEachAlone = Effect.fnUntraced(function* <E, R>(
  verifier: Verifier,
  tokenFor: (audience: string) => Effect.Effect<Redacted.Redacted, E, R>,
) {
  const mine = yield* tokenFor(audience)
  const another = yield* tokenFor(other)
  assert.include((yield* verifier.verify(mine)).audience, audience)
  assert.include((yield* verifier.verifyFor(mine, audience)).audience, audience)
  assert.include((yield* verifier.verifyFor(another, other)).audience, other)
  assert.strictEqual(yield* refusal(verifier, another), "refused: audience")
  for (const [token, wrong] of [
    [mine, other],
    [another, audience],
    [mine, ""],
    [mine, `${audience}/`],
    [mine, audience.toUpperCase()],
  ] as const) {
    const refused = yield* Effect.flip(verifier.verifyFor(token, wrong))
    assert.strictEqual(refused.reason, "audience", wrong)
  }
})

describe("AccessTokenVerifier.layerJwks", () => {
  const claims = {
    iss: issuer,
    aud: audience,
    sub: "0197a5c0-0000-7000-8000-000000000001",
    client_id: "a-client",
    iat: start,
    exp: start + 3600,
    jti: "a",
    scope: "reports:read reports:write",
  }
  const options = { issuer, audience, jwksUri: "https://auth.example.com/auth/jwks" }

  /** A verifier of a server whose keys can be had. */
  const setUp = Effect.fnUntraced(function* (more: Partial<Parameters<typeof AccessTokenVerifier.layerJwks>[0]> = {}) {
    yield* TestClock.setTime(start * 1000)
    const keys = yield* node()
    const net = network()
    const publish = Effect.map(keys.jwks, (jwks) => net.answers({ keys: jwks }))
    yield* publish
    const verifier = yield* verifierOf(
      AccessTokenVerifier.layerJwks({ ...options, ...more }).pipe(Layer.provide(net.layer)),
    )
    const sign = (changes: Readonly<Record<string, Schema.Json | undefined>> = {}) => {
      const changed: Record<string, Schema.Json> = {}
      for (const [name, value] of Object.entries({ ...claims, ...changes })) {
        if (value !== undefined) changed[name] = value
      }
      return keys.sign({ claims: changed, typ: "at+jwt", algorithm: "ES256" })
    }
    return { keys, net, publish, verifier, sign }
  })

  it.effect("takes a token of the issuer for the audience, by the keys that are published", () =>
    Effect.gen(function* () {
      const { net, sign, verifier } = yield* setUp()
      assert.deepStrictEqual(yield* verifier.verify(yield* sign()), {
        clientId: "a-client",
        subject: claims.sub,
        isClientItself: false,
        scopes: ["reports:read", "reports:write"],
        audience: [audience],
        expiresAt: DateTime.makeUnsafe((start + 3600) * 1000),
        claims,
      })
      assert.strictEqual(net.requests[0]?.url, options.jwksUri)
      const several = yield* verifier.verify(
        yield* sign({ aud: ["https://other.example", audience], scope: undefined }),
      )
      assert.deepStrictEqual(several.scopes, [])
      assert.isTrue((yield* verifier.verify(yield* sign({ sub: "a-client" }))).isClientItself)
    }).pipe(Effect.provide(layerBelow)),
  )

  describe("RFC 9068 §4", () => {
    it.effect("MUST refuse what is for another audience, of another issuer, or without what a token must carry", () =>
      Effect.gen(function* () {
        const { sign, verifier } = yield* setUp()
        const faults: ReadonlyArray<readonly [Readonly<Record<string, Schema.Json | undefined>>, string]> = [
          [{ aud: "https://api.example.com/" }, "audience"],
          [{ aud: `${audience}/` }, "audience"],
          [{ aud: [`${audience}s`] }, "audience"],
          [{ aud: undefined }, "audience"],
          [{ aud: [] }, "audience"],
          [{ aud: { 0: audience } }, "audience"],
          [{ iss: `${issuer}/` }, "issuer"],
          [{ iss: undefined }, "issuer"],
          [{ sub: undefined }, "claims"],
          [{ sub: "" }, "claims"],
          [{ client_id: undefined }, "claims"],
          [{ client_id: 7 }, "claims"],
          [{ exp: undefined }, "claims"],
          [{ iat: undefined }, "claims"],
          [{ exp: String(start + 3600) }, "claims"],
          [{ exp: 1e300 }, "claims"],
          [{ scope: ["reports:read"] }, "claims"],
          [{ nbf: start + 61 }, "inactive"],
          [{ iat: start + 61 }, "inactive"],
          [{ exp: start - 60 }, "inactive"],
          [{ cnf: { jkt: "x" } }, "confirmation"],
        ]
        for (const [changes, reason] of faults) {
          const got = yield* refusal(verifier, yield* sign(changes))
          assert.strictEqual(got, `refused: ${reason}`, JSON.stringify(changes))
        }
        // A minute of difference between clocks, and no more.
        yield* verifier.verify(yield* sign({ exp: start - 59, nbf: start + 60, iat: start + 60 }))
      }).pipe(Effect.provide(layerBelow)),
    )

    it.effect("MUST refuse for each resource of a server what is for another one of it", () =>
      Effect.gen(function* () {
        const { sign, verifier } = yield* setUp()
        yield* isForEachAlone(verifier, (aud) => sign({ aud }))
      }).pipe(Effect.provide(layerBelow)),
    )

    it.effect("MUST NOT take an ID token, an unsigned one, or one of another key or algorithm", () =>
      Effect.gen(function* () {
        const { keys, sign, verifier } = yield* setUp({ algorithms: ["ES256"] })
        const ofType = (typ: string) => keys.sign({ claims, typ, algorithm: "ES256" })
        assert.strictEqual(yield* refusal(verifier, yield* ofType("JWT")), "refused: type")
        yield* verifier.verify(yield* ofType("application/AT+jwt"))
        const rsa = yield* keys.sign({ claims, typ: "at+jwt", algorithm: "RS256" })
        assert.strictEqual(yield* refusal(verifier, rsa), "refused: algorithm")
        const none = `${part('{"alg":"none","typ":"at+jwt"}')}.${part(JSON.stringify(claims))}.${part("x")}`
        assert.strictEqual(yield* refusal(verifier, none), "refused: algorithm")
        const other = yield* node({ keyLead: Duration.zero })
        yield* other.rotateNow("ES256")
        const key = yield* youngest("ES256")
        const known = (yield* keys.jwks).find(({ alg }) => alg === "ES256")
        const forged = yield* forge(key, { kid: known?.kid }, claims)
        assert.strictEqual(yield* refusal(verifier, forged), "refused: signature")
        assert.strictEqual(
          yield* refusal(verifier, yield* forge(key, { jwk: { ...key.publicJwk } }, claims)),
          "refused: malformed",
        )
        assert.strictEqual(yield* refusal(verifier, "belfry_access_opaque"), "refused: malformed")
        assert.strictEqual(yield* refusal(verifier, "a".repeat(1_000_000)), "refused: malformed")
        assert.isDefined(yield* verifier.verify(yield* sign()))
      }).pipe(Effect.provide(layerBelow)),
    )
  })

  describe("RFC 9864 §2.2", () => {
    it.effect("takes Ed25519 by its own name, and by the older one", () =>
      Effect.gen(function* () {
        const { net, verifier } = yield* setUp()
        const { privateKey, publicKey } = yield* Effect.promise(() => generateKeyPair("Ed25519", { extractable: true }))
        const jwk = yield* Effect.promise(() => exportJWK(publicKey))
        net.answers({ keys: [{ ...jwk, kid: "a", use: "sig" }] })
        for (const alg of ["Ed25519", "EdDSA"]) {
          const jws = new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
          const header = { alg, kid: "a", typ: "at+jwt" }
          const token = yield* Effect.promise(() => jws.setProtectedHeader(header).sign(privateKey))
          assert.strictEqual((yield* verifier.verify(Redacted.make(token))).clientId, "a-client")
        }
      }).pipe(Effect.provide(layerBelow)),
    )
  })

  it.effect("fetches keys once for all who wait, and again when they are over", () =>
    Effect.gen(function* () {
      const { keys, net, sign, verifier } = yield* setUp()
      const token = yield* sign({ exp: start + 100_000 })
      const verifyMany = Effect.forEach(Array.from({ length: 50 }), () => verifier.verify(token), {
        concurrency: "unbounded",
      })
      yield* verifyMany
      yield* TestClock.adjust(Duration.millis(Duration.toMillis(Duration.minutes(5)) - 1))
      yield* verifyMany
      assert.strictEqual(net.requests.length, 1)
      net.answers({ keys: yield* keys.jwks }, 200, { "cache-control": "public, max-age=3600" })
      yield* TestClock.adjust("1 millis")
      yield* verifyMany
      yield* TestClock.adjust("59 minutes")
      yield* verifyMany
      assert.strictEqual(net.requests.length, 2)
      yield* TestClock.adjust("1 minute")
      yield* verifyMany
      assert.strictEqual(net.requests.length, 3)
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("looks for the key of a token that it does not know, once in 30 seconds", () =>
    Effect.gen(function* () {
      const { keys, net, publish, sign, verifier } = yield* setUp()
      const before = yield* sign()
      yield* verifier.verify(before)
      yield* keys.rotateNow("ES256")
      const after = yield* sign()
      yield* publish
      assert.strictEqual(yield* refusal(verifier, after), "refused: key")
      yield* TestClock.adjust("30 seconds")
      assert.isDefined(yield* verifier.verify(after))
      assert.isDefined(yield* verifier.verify(before))
      const made = yield* forge(yield* youngest("ES256"), { kid: "made up" }, claims)
      for (let i = 0; i < 20; i++) assert.strictEqual(yield* refusal(verifier, made), "refused: key")
      assert.strictEqual(net.requests.length, 2)
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("goes on with the keys that it has while new ones cannot be had, for a day", () =>
    Effect.gen(function* () {
      const { net, sign, verifier } = yield* setUp()
      const token = yield* sign({ exp: start + 1_000_000 })
      yield* verifier.verify(token)
      net.answers({ error: "down" }, 503)
      yield* TestClock.adjust("23 hours")
      yield* verifier.verify(token)
      yield* verifier.verify(token)
      assert.strictEqual(net.requests.length, 2)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* refusal(verifier, token), "unverifiable: keys")
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("says that it cannot tell, not that the token is bad, when there are no keys", () =>
    Effect.gen(function* () {
      const { net, sign, verifier } = yield* setUp()
      const token = yield* sign()
      const bad: ReadonlyArray<() => void> = [
        () => net.fails("timeout"),
        () => net.answers({ keys: [] }, 500),
        () => net.answers({ keys: "none" }),
        () => net.answers([]),
        () => net.answers({ keys: [{ kty: "RSA", pad: "x".repeat(300_000) }] }),
      ]
      for (const each of bad) {
        each()
        assert.strictEqual(yield* refusal(verifier, token), "unverifiable: keys")
        const asked = net.requests.length
        assert.strictEqual(yield* refusal(verifier, token), "unverifiable: keys")
        assert.strictEqual(net.requests.length, asked, "asks again at once")
        yield* TestClock.adjust("30 seconds")
      }
      net.answers({ keys: [{ kty: "oct", k: part("secret") }, 7, null] })
      assert.strictEqual(yield* refusal(verifier, token), "refused: key")
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("cannot be built with an audience, issuer or address that proves nothing", () =>
    Effect.gen(function* () {
      const settings = [
        { audience: "" },
        { issuer: "http://auth.example.com" },
        { issuer: "https://auth.example.com/?a" },
        { jwksUri: "http://localhost.example.com/jwks" },
        { jwksUri: "http://127.0.0.1@example.com/jwks" },
        { jwksUri: "ftp://auth.example.com/jwks" },
        { jwksUri: "" },
      ]
      for (const each of settings) {
        const failed = yield* Effect.flip(setUp(each))
        assert.strictEqual(failed._tag, "ResourceServerInvalid", JSON.stringify(each))
      }
    }).pipe(Effect.provide(layerBelow)),
  )
})

describe("AccessTokenVerifier.layerIntrospection", () => {
  const options = {
    endpoint: "https://auth.example.com/auth/oauth2/introspect",
    clientId: "the:api",
    clientSecret: Redacted.make("s3cret %+"),
    audience,
    issuer,
  }
  const active = { active: true, sub: "somebody", client_id: "a-client", aud: [audience], scope: "a b", iss: issuer }
  const token = Redacted.make("belfry_access_something")

  const setUp = Effect.fnUntraced(function* () {
    yield* TestClock.setTime(start * 1000)
    const net = network()
    const verifier = yield* verifierOf(AccessTokenVerifier.layerIntrospection(options).pipe(Layer.provide(net.layer)))
    return { net, verifier }
  })

  it.effect("asks with the token and the proof of the client, and takes what is active and for it", () =>
    Effect.gen(function* () {
      const { net, verifier } = yield* setUp()
      net.answers({ ...active, exp: start + 1, token_type: "bearer" })
      const verified = yield* verifier.verify(token)
      assert.deepStrictEqual(verified.scopes, ["a", "b"])
      assert.strictEqual(verified.expiresAt?.epochMilliseconds, (start + 1) * 1000)
      const [request] = net.requests
      assert.strictEqual(request?.url, options.endpoint)
      assert.deepStrictEqual(request?.form, { token: Redacted.value(token), token_type_hint: "access_token" })
      const [, credentials = ""] = (request?.headers?.["authorization"] ?? "").split(" ")
      // RFC 6749 §2.3.1.
      assert.strictEqual(Buffer.from(credentials, "base64").toString(), "the%3Aapi:s3cret+%25%2B")
    }),
  )

  it.effect("takes for each resource what is active and for it", () =>
    Effect.gen(function* () {
      const { net, verifier } = yield* setUp()
      net.answers({ ...active, aud: [other] })
      assert.deepStrictEqual((yield* verifier.verifyFor(token, other)).audience, [other])
      assert.strictEqual(yield* refusal(verifier, token), "refused: audience")
      net.answers(active)
      assert.strictEqual((yield* Effect.flip(verifier.verifyFor(token, other))).reason, "audience")
    }),
  )

  describe("RFC 7662 §4", () => {
    it.effect("MUST refuse what is inactive, over, not for it, or bound to a key", () =>
      Effect.gen(function* () {
        const { net, verifier } = yield* setUp()
        const answers: ReadonlyArray<readonly [object, string]> = [
          [{ active: false }, "refused: inactive"],
          [{ ...active, active: false }, "refused: inactive"],
          [{ ...active, aud: undefined }, "refused: audience"],
          [{ ...active, aud: issuer }, "refused: audience"],
          [{ ...active, exp: start }, "refused: inactive"],
          [{ ...active, nbf: start + 1 }, "refused: inactive"],
          [{ ...active, iss: "https://evil.example" }, "refused: issuer"],
          [{ ...active, token_type: "DPoP" }, "refused: confirmation"],
          [{ ...active, cnf: { jkt: "x" } }, "refused: confirmation"],
          [{ ...active, active: "true" }, "unverifiable: introspection"],
          [{ ...active, active: 1 }, "unverifiable: introspection"],
          [{}, "unverifiable: introspection"],
          [[active], "unverifiable: introspection"],
        ]
        for (const [answer, expected] of answers) {
          net.answers(answer)
          assert.strictEqual(yield* refusal(verifier, token), expected, JSON.stringify(answer))
        }
      }),
    )
  })

  it.effect("says that it cannot tell when it gets no answer, within 10 seconds", () =>
    Effect.gen(function* () {
      const { net, verifier } = yield* setUp()
      for (const status of [301, 400, 401, 500]) {
        net.answers(active, status)
        assert.strictEqual(yield* refusal(verifier, token), "unverifiable: introspection")
      }
      net.fails("connection")
      assert.strictEqual(yield* refusal(verifier, token), "unverifiable: introspection")
      net.state.answer = Effect.never
      const fiber = yield* Effect.forkChild(refusal(verifier, token))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "unverifiable: introspection")
    }),
  )

  it.effect("asks nothing for what can be no token", () =>
    Effect.gen(function* () {
      const { net, verifier } = yield* setUp()
      for (const text of ["", "a".repeat(16_385)]) {
        assert.strictEqual(yield* refusal(verifier, text), "refused: malformed")
      }
      assert.strictEqual(net.requests.length, 0)
    }),
  )

  it.effect("cannot be built without https, but to this machine, told by the host as it is parsed", () =>
    Effect.gen(function* () {
      const build = (endpoint: string) =>
        Effect.result(
          verifierOf(
            AccessTokenVerifier.layerIntrospection({ ...options, endpoint }).pipe(Layer.provide(network().layer)),
          ),
        )
      const good = [
        "https://a.example/i",
        "http://localhost:3000/i",
        "http://127.0.0.1/i",
        "http://127.9.9.9/i",
        "http://[::1]:1/i",
      ]
      for (const endpoint of good) assert.strictEqual((yield* build(endpoint))._tag, "Success", endpoint)
      const bad = [
        "http://a.example/i",
        "http://localhost.a.example/i",
        "http://localhost@a.example/i",
        "http://127.0.0.1.a.example/i",
        "http://[::2]/i",
        "https://user:secret@a.example/i",
        "https://a.example/i#x",
        "//a.example/i",
        "javascript:alert(1)",
      ]
      for (const endpoint of bad) assert.strictEqual((yield* build(endpoint))._tag, "Failure", endpoint)
    }),
  )
})

describe("AccessTokenVerifier.layerJwksOrIntrospection", () => {
  it.effect("asks about opaque tokens alone: a JWT that is refused stays refused", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(start * 1000)
      const keys = yield* node()
      const net = network()
      net.answers({ keys: yield* keys.jwks })
      const layer = AccessTokenVerifier.layerJwksOrIntrospection({
        jwks: { issuer, audience, jwksUri: "https://auth.example.com/auth/jwks" },
        introspection: {
          endpoint: "https://auth.example.com/i",
          clientId: "api",
          clientSecret: Redacted.make("x"),
          audience,
        },
      })
      const verifier = yield* verifierOf(layer.pipe(Layer.provide(net.layer)))
      const claims = { iss: issuer, aud: "https://other.example", sub: "s", client_id: "c", iat: start, exp: start + 9 }
      const jwt = yield* keys.sign({ claims, typ: "at+jwt", algorithm: "ES256" })
      assert.strictEqual(yield* refusal(verifier, jwt), "refused: audience")
      assert.isTrue(net.requests.every(({ form }) => form === undefined))
      net.answers({ active: true, sub: "s", client_id: "c", aud: audience })
      assert.strictEqual((yield* verifier.verify(Redacted.make("opaque"))).subject, "s")
      assert.strictEqual((yield* Effect.flip(verifier.verifyFor(Redacted.make("opaque"), other))).reason, "audience")
      const forOther = yield* keys.sign({ claims: { ...claims, aud: other }, typ: "at+jwt", algorithm: "ES256" })
      assert.strictEqual((yield* verifier.verifyFor(forOther, other)).subject, "s")
    }).pipe(Effect.provide(layerBelow)),
  )
})

describe("AccessTokenVerifier.layerLocal", () => {
  const services = Layer.provideMerge(TestServices.layerOAuthServer, TestServices.layerMemory)

  const setUp = Effect.gen(function* () {
    const user = yield* Builders.storedUser()
    const client = yield* OAuthBuilders.storedClient()
    const resources = [yield* OAuthBuilders.protectedResource({ identifier: audience })]
    const { grant } = yield* OAuthBuilders.storedGrant({
      clientId: client.id,
      userId: user.id,
      resources: [audience],
      scopes: ["openid", "reports:read"],
    })
    const issue = yield* TokenIssuer
    const now = yield* DateTime.now
    const verifier = yield* verifierOf(AccessTokenVerifier.layerLocal({ audience }))
    const token = (of: typeof resources) =>
      issue.accessToken({ client, grant, user, scopes: grant.scopes, resources: of, now })
    const ownToken = issue.accessToken({ client, grant: null, user: null, scopes: [], resources, now })
    return { user, client, grant, resources, token, ownToken, verifier }
  })

  it.effect("takes a token for the audience until its grant is revoked", () =>
    Effect.gen(function* () {
      const { client, grant, resources, token, user, verifier } = yield* setUp
      const issued = yield* token(resources)
      const verified = yield* verifier.verify(issued.token)
      assert.strictEqual(verified.subject, user.id)
      assert.strictEqual(verified.clientId, client.id)
      assert.isFalse(verified.isClientItself)
      assert.deepStrictEqual(verified.scopes, ["openid", "reports:read"])
      yield* Effect.flatMap(DateTime.now, (now) => GrantStore.use((grants) => grants.revoke(grant.id, now)))
      assert.strictEqual(yield* refusal(verifier, issued.token), "refused: inactive")
    }).pipe(Effect.provide(services)),
  )

  describe("RFC 8707 §2", () => {
    it.effect("MUST NOT take a token for another resource, or for none", () =>
      Effect.gen(function* () {
        const { token, verifier } = yield* setUp
        const other = yield* token([yield* OAuthBuilders.protectedResource()])
        assert.strictEqual(yield* refusal(verifier, other.token), "refused: audience")
        const plain = yield* token([])
        if (plain.row !== null) yield* GrantStore.use((grants) => grants.insertAccessToken(plain.row ?? assert.fail()))
        assert.strictEqual(yield* refusal(verifier, plain.token), "refused: audience")
        assert.strictEqual(yield* refusal(verifier, "nothing"), "refused: inactive")
      }).pipe(Effect.provide(services)),
    )
  })

  it.effect("is stricter than layerLocalJwt, which takes a revoked one until it is over", () =>
    Effect.gen(function* () {
      const { grant, ownToken, resources, token, user, verifier } = yield* setUp
      const byKeys = yield* verifierOf(AccessTokenVerifier.layerLocalJwt({ audience }))
      const issued = yield* token(resources)
      assert.isTrue((yield* byKeys.verify((yield* ownToken).token)).isClientItself)
      yield* Effect.flatMap(DateTime.now, (now) => GrantStore.use((grants) => grants.revoke(grant.id, now)))
      assert.strictEqual(yield* refusal(verifier, issued.token), "refused: inactive")
      assert.strictEqual((yield* byKeys.verify(issued.token)).subject, user.id)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* refusal(byKeys, issued.token), "refused: inactive")
    }).pipe(Effect.provide(services)),
  )

  it.effect("takes for each resource what is for it", () =>
    Effect.gen(function* () {
      const { token, verifier } = yield* setUp
      yield* isForEachAlone(verifier, (identifier) =>
        Effect.map(token([OAuthBuilders.resource(identifier)]), (issued) => issued.token),
      )
    }).pipe(Effect.provide(services)),
  )

  it.effect("cannot be built without an audience", () =>
    Effect.gen(function* () {
      const failed = yield* Effect.flip(verifierOf(AccessTokenVerifier.layerLocal({ audience: "" })))
      assert.strictEqual(failed.setting, "audience")
    }).pipe(Effect.provide(services)),
  )
})

describe("AccessTokenVerifier.layerLocalJwt", () => {
  const services = AccessTokenReader.layer.pipe(Layer.provideMerge(SigningKeys.layer), Layer.provideMerge(layerBelow))
  const layerVerifier = AccessTokenVerifier.layerLocalJwt({ audience })

  const claims = {
    iss: issuer,
    aud: audience,
    sub: "0197a5c0-0000-7000-8000-000000000001",
    client_id: "a-client",
    grant_id: "0197a5c0-0000-7000-8000-000000000002",
    iat: start,
    exp: start + 3600,
    jti: "a",
    scope: "reports:read reports:write",
  }

  const setUp = Effect.gen(function* () {
    yield* TestClock.setTime(start * 1000)
    const keys = yield* SigningKeys.SigningKeys
    const verifier = yield* verifierOf(layerVerifier)
    const sign = (changes: Readonly<Record<string, Schema.Json | undefined>> = {}, typ = "at+jwt") => {
      const changed: Record<string, Schema.Json> = {}
      for (const [name, value] of Object.entries({ ...claims, ...changes })) {
        if (value !== undefined) changed[name] = value
      }
      return keys.sign({ claims: changed, typ, algorithm: "ES256" })
    }
    return { keys, sign, verifier }
  })

  it.effect("takes a token of this server for the audience", () =>
    Effect.gen(function* () {
      const { sign, verifier } = yield* setUp
      assert.deepStrictEqual(yield* verifier.verify(yield* sign()), {
        clientId: "a-client",
        subject: claims.sub,
        isClientItself: false,
        scopes: ["reports:read", "reports:write"],
        audience: [audience],
        expiresAt: DateTime.makeUnsafe((start + 3600) * 1000),
        claims,
      })
      const own = yield* verifier.verify(yield* sign({ sub: "a-client", grant_id: undefined }))
      assert.isTrue(own.isClientItself)
      yield* isForEachAlone(verifier, (aud) => sign({ aud }))
      // Nobody is meant by an empty name.
      const nobody = yield* sign({ aud: ["", audience] })
      assert.strictEqual((yield* Effect.flip(verifier.verifyFor(nobody, ""))).reason, "audience")
    }).pipe(Effect.provide(services)),
  )

  describe("RFC 9068 §4", () => {
    it.effect("MUST refuse what is for another audience, over, bound to a key, of nobody, or no access token", () =>
      Effect.gen(function* () {
        const { sign, verifier } = yield* setUp
        const faults: ReadonlyArray<readonly [Readonly<Record<string, Schema.Json | undefined>>, string]> = [
          [{ aud: `${audience}/` }, "audience"],
          [{ aud: undefined }, "audience"],
          [{ iss: `${issuer}/` }, "issuer"],
          [{ cnf: { jkt: "x" } }, "confirmation"],
          [{ exp: start }, "inactive"],
          [{ exp: undefined }, "claims"],
          [{ iat: start + 61 }, "inactive"],
          [{ nbf: start + 61 }, "inactive"],
          [{ sub: "" }, "claims"],
          [{ client_id: undefined }, "claims"],
          // Of no grant and of somebody else than the client; of the client and of a grant.
          [{ grant_id: undefined }, "claims"],
          [{ sub: "a-client" }, "claims"],
        ]
        for (const [changes, reason] of faults) {
          assert.strictEqual(
            yield* refusal(verifier, yield* sign(changes)),
            `refused: ${reason}`,
            JSON.stringify(changes),
          )
        }
        yield* verifier.verify(yield* sign({ iat: start + 60 }))
        yield* verifier.verify(yield* sign({ exp: start + 1 }))
        assert.strictEqual(yield* refusal(verifier, yield* sign({}, "JWT")), "refused: type")
        assert.strictEqual(yield* refusal(verifier, "belfry_access_opaque"), "refused: malformed")
        const text = Redacted.value(yield* sign())
        const unsigned = `${part('{"alg":"none","typ":"at+jwt"}')}.${text.split(".")[1]}.${part("x")}`
        assert.strictEqual(yield* refusal(verifier, unsigned), "refused: algorithm")
        const forged = yield* forge(yield* youngest("ES256"), { kid: "made up" }, claims)
        assert.strictEqual(yield* refusal(verifier, forged), "refused: key")
        const [header, , signature] = text.split(".")
        const other = part(JSON.stringify({ ...claims, scope: "reports:all" }))
        assert.strictEqual(yield* refusal(verifier, `${header}.${other}.${signature}`), "refused: signature")
      }).pipe(Effect.provide(services)),
    )
  })

  it.effect("asks no store about a token: keys are looked up once a minute", () =>
    Effect.gen(function* () {
      const { answer, lookUps } = yield* countingLookUps(
        Effect.gen(function* () {
          yield* TestClock.setTime(start * 1000)
          const keys = yield* SigningKeys.make
          const reader = yield* AccessTokenReader.make.pipe(Effect.provideService(SigningKeys.SigningKeys, keys))
          const token = yield* keys.sign({ claims, typ: "at+jwt", algorithm: "ES256" })
          return { reader, token }
        }),
      )
      const { reader, token } = answer
      const before = lookUps()
      yield* Effect.forEach(Array.from({ length: 200 }), () => reader.read(token), { concurrency: "unbounded" })
      yield* TestClock.adjust("59 seconds")
      yield* reader.read(token)
      assert.strictEqual(lookUps(), before)
      yield* TestClock.adjust("1 second")
      yield* Effect.forEach(Array.from({ length: 200 }), () => reader.read(token), { concurrency: "unbounded" })
      assert.strictEqual(lookUps(), before + 1)
    }).pipe(Effect.provide(services)),
  )

  it.effect("says that it cannot tell, not that the token is bad, when there are no keys", () =>
    Effect.gen(function* () {
      const { sign } = yield* setUp
      const token = yield* sign()
      const store = yield* SigningKeyStore
      const cause = new Error("down")
      const list = Effect.fail(new StoreError({ store: "SigningKeyStore", method: "list", isRetryable: true, cause }))
      const keys = yield* SigningKeys.make.pipe(Effect.provideService(SigningKeyStore, { ...store, list }))
      const reader = yield* AccessTokenReader.make.pipe(Effect.provideService(SigningKeys.SigningKeys, keys))
      const failed = yield* Effect.flip(reader.read(token))
      assert.strictEqual(failed._tag, "AccessTokenUnverifiable")
    }).pipe(Effect.provide(services)),
  )

  it.effect("cannot be built without an audience", () =>
    Effect.gen(function* () {
      const failed = yield* Effect.flip(verifierOf(AccessTokenVerifier.layerLocalJwt({ audience: "" })))
      assert.strictEqual(failed.setting, "audience")
    }).pipe(Effect.provide(services)),
  )
})
