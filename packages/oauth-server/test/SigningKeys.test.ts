import { Audit } from "@belfry/core/Audit"
import type { SigningAlgorithm } from "@belfry/oauth-server/SigningKey"
import { SigningKeyStore } from "@belfry/oauth-server/SigningKeyStore"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { createLocalJWKSet, jwtVerify } from "jose"
import { createHash } from "node:crypto"
import { countingLookUps, issuer, layerBelow, layerRing, node, privateJwk, read, youngest } from "./support/Keys.ts"

const algorithms: ReadonlyArray<SigningAlgorithm> = ["RS256", "PS256", "ES256", "EdDSA"]

const claims = { iss: issuer, sub: "somebody" }

const sign = (algorithm: SigningAlgorithm = "ES256") => ({ claims, typ: "at+jwt", algorithm })

/** RFC 7638 §3.2 and §3.3: the required members in lexicographic order, without white space. */
const thumbprint = (jwk: Readonly<Record<string, unknown>>): string => {
  const required = ["crv", "e", "kty", "n", "x", "y"].filter((name) => jwk[name] !== undefined)
  const text = JSON.stringify(Object.fromEntries(required.map((name) => [name, jwk[name]])))
  return createHash("sha256").update(text).digest("base64url")
}

describe("SigningKeys", () => {
  for (const algorithm of algorithms) {
    it.effect(`signs by ${algorithm} what anybody verifies with the JWK Set`, () =>
      Effect.gen(function* () {
        const keys = yield* node()
        const token = yield* keys.sign(sign(algorithm))
        const jwks = yield* keys.jwks
        const { payload, protectedHeader } = yield* Effect.promise(() =>
          jwtVerify(Redacted.value(token), createLocalJWKSet({ keys: jwks.map((jwk) => ({ ...jwk })) })),
        )
        assert.deepStrictEqual(payload, claims)
        const { kid } = yield* youngest(algorithm)
        assert.deepStrictEqual(protectedHeader, { alg: algorithm, typ: "at+jwt", kid })
        assert.deepStrictEqual(yield* keys.verify(token, { typ: "at+jwt" }), claims)
      }).pipe(Effect.provide(layerBelow)),
    )
  }

  describe("OpenID Connect Core §15.1", () => {
    it.effect("MUST publish an RS256 key, whatever the server signs with", () =>
      Effect.gen(function* () {
        const keys = yield* node({ accessTokenAlgorithm: "EdDSA", idTokenAlgorithm: "ES256" })
        assert.deepStrictEqual((yield* keys.jwks).map(({ alg }) => alg).toSorted(), ["ES256", "EdDSA", "RS256"])
      }).pipe(Effect.provide(layerBelow)),
    )
  })

  describe("RFC 7638 §3", () => {
    it.effect("names each key by its thumbprint", () =>
      Effect.gen(function* () {
        const keys = yield* node()
        for (const algorithm of algorithms) yield* keys.sign(sign(algorithm))
        const jwks = yield* keys.jwks
        assert.strictEqual(jwks.length, 4)
        for (const jwk of jwks) assert.strictEqual(jwk.kid, thumbprint({ ...jwk }))
      }).pipe(Effect.provide(layerBelow)),
    )

    it("is computed here as the example of §3.1 says", () => {
      const n =
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
      assert.strictEqual(
        thumbprint({ kty: "RSA", n, e: "AQAB", alg: "RS256", kid: "2011-04-29" }),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
      )
    })
  })

  describe("RFC 7517 §5", () => {
    it.effect("MUST publish only members of public keys, and keeps the private half sealed", () =>
      Effect.gen(function* () {
        const keys = yield* node()
        for (const algorithm of algorithms) yield* keys.sign(sign(algorithm))
        const jwks = yield* keys.jwks
        const members = ["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"]
        for (const name of jwks.flatMap((jwk) => Object.keys(jwk))) assert.include(members, name)
        const published = JSON.stringify(jwks)
        const atRest = JSON.stringify(yield* SigningKeyStore.use((store) => store.list))
        for (const algorithm of algorithms) {
          const { d, p } = yield* privateJwk(yield* youngest(algorithm))
          for (const secret of [d, p].filter((text) => typeof text === "string")) {
            assert.isFalse(published.includes(secret))
            assert.isFalse(atRest.includes(secret))
          }
          assert.isString(d)
        }
      }).pipe(Effect.provide(layerBelow)),
    )
  })

  it.effect("opens a sealed key only under its own name", () =>
    Effect.gen(function* () {
      const keys = yield* node()
      yield* keys.sign(sign("ES256"))
      yield* keys.sign(sign("EdDSA"))
      const { kid } = yield* youngest("EdDSA")
      const exchanged = { ...(yield* youngest("ES256")), kid }
      assert.strictEqual((yield* Effect.flip(privateJwk(exchanged)))._tag, "SealBroken")
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("makes RSA keys of 2048 bits", () =>
    Effect.gen(function* () {
      const keys = yield* node()
      yield* keys.sign(sign("PS256"))
      const moduli = (yield* keys.jwks).flatMap(({ n }) =>
        n === undefined ? [] : [Buffer.from(n, "base64url").length],
      )
      assert.deepStrictEqual(moduli, [256, 256])
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("asks the store nothing for a minute, and then once for all who sign", () =>
    Effect.gen(function* () {
      const { answer: keys, lookUps } = yield* countingLookUps(node())
      yield* keys.sign(sign())
      const before = lookUps()
      const signAll = Effect.forEach(Array.from({ length: 100 }), () => keys.sign(sign()), { concurrency: "unbounded" })
      yield* signAll
      yield* TestClock.adjust("59999 millis")
      yield* signAll
      assert.strictEqual(lookUps(), before)
      yield* TestClock.adjust("1 millis")
      yield* signAll
      assert.strictEqual(lookUps(), before + 1)
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("makes one first key, however many sign at once on however many nodes", () =>
    Effect.gen(function* () {
      const nodes = [yield* node(), yield* node(), yield* node()]
      const tokens = yield* Effect.forEach(
        Array.from({ length: 99 }, (_, index) => nodes[index % 3] ?? assert.fail()),
        (keys) => keys.sign(sign()),
        { concurrency: "unbounded" },
      )
      assert.strictEqual(new Set(tokens.map((token) => JSON.stringify(read(token).header))).size, 1)
      assert.strictEqual((yield* SigningKeyStore.use((store) => store.list)).length, 1)
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("keeps an event of each key that was made", () =>
    Effect.gen(function* () {
      const keys = yield* node()
      yield* keys.sign(sign())
      const { kid } = yield* youngest("ES256")
      const [event] = yield* Audit.use((audit) => audit.list())
      assert.strictEqual(event?.type, "oauth-signing-key.created")
      assert.deepStrictEqual(event?.data, { kid, algorithm: "ES256", reason: "first", replaces: null })
    }).pipe(Effect.provide(layerBelow)),
  )

  describe("with JWTs disabled", () => {
    it.effect("makes and publishes no key, and takes no JWT", () =>
      Effect.gen(function* () {
        const token = yield* (yield* node()).sign(sign())
        const keys = yield* node({ disableJwt: true })
        const before = yield* SigningKeyStore.use((store) => store.list)
        yield* keys.rotate
        yield* keys.rotateNow("ES256")
        assert.deepStrictEqual(yield* keys.jwks, [])
        assert.strictEqual((yield* Effect.flip(keys.verify(token, { typ: "at+jwt" })))._tag, "JwtInvalid")
        assert.deepStrictEqual(yield* SigningKeyStore.use((store) => store.list), before)
      }).pipe(Effect.provide(layerBelow)),
    )
  })
})

describe("rotation of signing keys", () => {
  const settings = {
    keyLifetime: Duration.days(90),
    keyLead: Duration.days(1),
    accessTokenLifetime: Duration.hours(2),
    idTokenLifetime: Duration.hours(1),
    clientCredentialsLifetime: Duration.hours(1),
  }
  const kids = (algorithm: SigningAlgorithm = "ES256") =>
    Effect.map(
      SigningKeyStore.use((store) => store.list),
      (keys) => keys.filter((key) => key.algorithm === algorithm).map(({ kid }) => kid),
    )
  const kidOf = (token: Redacted.Redacted) => {
    const { header } = read(token)
    return typeof header === "object" && header !== null && "kid" in header ? header.kid : undefined
  }

  describe("OpenID Connect Core §10.1.1", () => {
    it.effect(
      "SHOULD publish the next key its lead before it signs, and the old one until its last token is over",
      () =>
        Effect.gen(function* () {
          const keys = yield* node(settings)
          const signer = Effect.map(keys.sign(sign()), kidOf)
          const published = Effect.map(keys.jwks, (jwks) =>
            jwks.filter(({ alg }) => alg === "ES256").map(({ kid }) => kid),
          )
          const old = yield* signer
          const tick = (input: Duration.Input) => Effect.andThen(TestClock.adjust(input), keys.rotate)

          yield* tick(Duration.millis(Duration.toMillis(Duration.days(89)) - 1))
          assert.deepStrictEqual(yield* published, [old])
          yield* tick("1 millis")
          const [next] = yield* kids()
          assert.deepStrictEqual(yield* published, [old, next])
          assert.strictEqual(yield* signer, old)
          yield* tick(Duration.millis(Duration.toMillis(Duration.days(1)) - 1))
          assert.strictEqual(yield* signer, old)
          const last = yield* keys.sign(sign())
          yield* tick("1 millis")
          assert.strictEqual(yield* signer, next)
          assert.deepStrictEqual(yield* published, [next, old])

          // The longest token lifetime and ten minutes.
          yield* tick(Duration.millis(Duration.toMillis(Duration.minutes(130)) - 1))
          assert.deepStrictEqual(yield* published, [next, old])
          assert.deepStrictEqual(yield* keys.verify(last, { typ: "at+jwt" }), claims)
          // No look-up comes between: the end counts in what is held, too.
          yield* keys.sign(sign())
          yield* TestClock.adjust("1 millis")
          assert.deepStrictEqual(yield* published, [next])
          assert.strictEqual((yield* Effect.flip(keys.verify(last, { typ: "at+jwt" })))._tag, "JwtInvalid")
          yield* keys.rotate
          assert.deepStrictEqual(yield* kids(), [next])
        }).pipe(Effect.provide(layerBelow)),
    )
  })

  it.effect("shows where each key stands, and nothing of its private half", () =>
    Effect.gen(function* () {
      const keys = yield* node(settings)
      const states = Effect.map(keys.list, (views) =>
        views.map(({ kid, state, ...view }) => {
          assert.deepStrictEqual(Object.keys(view).toSorted(), ["activeAt", "algorithm", "createdAt", "expiresAt"])
          return [kid, state]
        }),
      )
      assert.deepStrictEqual(yield* states, [])
      yield* keys.sign(sign())
      const old = (yield* youngest("ES256")).kid
      assert.deepStrictEqual(yield* states, [[old, "signing"]])
      yield* TestClock.adjust("89 days")
      yield* keys.rotate
      const [next] = yield* kids()
      const ofOthers = (yield* keys.list).filter(({ algorithm }) => algorithm !== "ES256")
      assert.deepStrictEqual(
        ofOthers.map(({ algorithm, state }) => [algorithm, state]),
        [["RS256", "signing"]],
      )
      const ofOne = Effect.map(states, (all) => all.slice(0, 2))
      assert.deepStrictEqual(yield* ofOne, [
        [next, "published"],
        [old, "signing"],
      ])
      yield* TestClock.adjust("1 days")
      assert.deepStrictEqual(yield* ofOne, [
        [next, "signing"],
        [old, "verifying"],
      ])
      yield* TestClock.adjust("130 minutes")
      assert.deepStrictEqual(yield* ofOne, [
        [next, "signing"],
        [old, "over"],
      ])
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("publishes a key for its whole lead when it is late", () =>
    Effect.gen(function* () {
      const keys = yield* node(settings)
      const old = kidOf(yield* keys.sign(sign()))
      yield* TestClock.adjust("200 days")
      yield* keys.rotate
      assert.strictEqual(kidOf(yield* keys.sign(sign())), old)
      yield* TestClock.adjust(Duration.millis(Duration.toMillis(Duration.days(1)) - 1))
      assert.strictEqual(kidOf(yield* keys.sign(sign())), old)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(kidOf(yield* keys.sign(sign())), (yield* kids())[0])
      assert.notStrictEqual((yield* kids())[0], old)
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("makes one successor on two nodes, and both sign with it", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* node(settings), yield* node(settings)]
      yield* one.rotate
      yield* TestClock.adjust("89 days")
      yield* Effect.all(
        Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : two).rotate),
        { concurrency: "unbounded" },
      )
      assert.strictEqual((yield* kids()).length, 2)
      assert.strictEqual((yield* kids("RS256")).length, 2)
      yield* TestClock.adjust("1 day")
      const [next] = yield* kids()
      assert.deepStrictEqual([kidOf(yield* one.sign(sign())), kidOf(yield* two.sign(sign()))], [next, next])
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("makes no second successor while one waits, even where the lead is longer than the lifetime", () =>
    Effect.gen(function* () {
      const keys = yield* node({ ...settings, keyLifetime: Duration.days(1), keyLead: Duration.days(5) })
      yield* keys.sign(sign())
      for (let day = 0; day < 4; day++) {
        yield* keys.rotate
        yield* TestClock.adjust("1 day")
      }
      assert.strictEqual((yield* kids()).length, 2)
    }).pipe(Effect.provide(layerBelow)),
  )

  describe("OpenID Connect Core §10.1.1", () => {
    it.effect("SHOULD sign with a new key at once on demand, and other nodes verify it", () =>
      Effect.gen(function* () {
        const [one, two] = [yield* node(settings), yield* node(settings)]
        const before = yield* one.sign(sign())
        yield* two.verify(before, { typ: "at+jwt" })
        yield* one.rotateNow("ES256")
        const after = yield* one.sign(sign())
        assert.notStrictEqual(kidOf(after), kidOf(before))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* two.verify(after, { typ: "at+jwt" }), claims)
        assert.deepStrictEqual(yield* two.verify(before, { typ: "at+jwt" }), claims)
      }).pipe(Effect.provide(layerBelow)),
    )
  })

  it.effect(
    "unpublishes every key before it when they are compromised, those that wait and those that retired too",
    () =>
      Effect.gen(function* () {
        const keys = yield* node(settings)
        yield* keys.sign(sign())
        yield* TestClock.adjust("89 days")
        yield* keys.rotate
        const [waiting] = yield* kids()
        const retired = yield* keys.sign(sign())
        const published = Effect.map(keys.jwks, (jwks) =>
          jwks.filter(({ alg }) => alg === "ES256").map(({ kid }) => kid),
        )
        assert.deepStrictEqual(yield* published, [kidOf(retired), waiting])
        yield* keys.rotateNow("ES256", { compromised: true })
        const signer = kidOf(yield* keys.sign(sign()))
        assert.deepStrictEqual(yield* published, [signer])
        assert.strictEqual((yield* Effect.flip(keys.verify(retired, { typ: "at+jwt" })))._tag, "JwtInvalid")
        yield* TestClock.adjust("1 day")
        assert.strictEqual(kidOf(yield* keys.sign(sign())), signer)
        const events = yield* Audit.use((audit) => audit.list())
        assert.strictEqual(events.filter(({ data }) => data["reason"] === "compromise").length, 1)
      }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("replaces a key that was made by a faster clock", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Duration.toMillis(Duration.hours(1)))
      const before = yield* (yield* node(settings)).sign(sign())
      yield* TestClock.setTime(Duration.toMillis(Duration.minutes(59)))
      const keys = yield* node(settings)
      yield* keys.rotateNow("ES256")
      const after = yield* keys.sign(sign())
      assert.notStrictEqual(kidOf(after), kidOf(before))
      yield* keys.rotateNow("ES256")
      assert.strictEqual((yield* kids()).length, 3)
      assert.notInclude([kidOf(before), kidOf(after)], kidOf(yield* keys.sign(sign())))
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("leaves keys of other algorithms alone", () =>
    Effect.gen(function* () {
      const keys = yield* node(settings)
      const token = yield* keys.sign(sign("EdDSA"))
      yield* keys.rotateNow("ES256", { compromised: true })
      assert.deepStrictEqual(yield* keys.verify(token, { typ: "at+jwt" }), claims)
      assert.deepStrictEqual((yield* youngest("EdDSA")).expiresAt, null)
    }).pipe(Effect.provide(layerBelow)),
  )
})

describe("signing keys after a change of the key ring", () => {
  it.effect("are sealed anew with the current secret, and go on signing", () =>
    Effect.gen(function* () {
      const token = yield* (yield* node()).sign(sign())
      const keys = yield* node({}, layerRing("two", "one"))
      assert.deepStrictEqual(read(yield* keys.sign(sign())).header, read(token).header)
      assert.match((yield* youngest("ES256")).privateKey, /^two\./)
      const later = yield* node({}, layerRing("two"))
      assert.deepStrictEqual(read(yield* later.sign(sign())).header, read(token).header)
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("still sign on a node that knew them, while another one seals them anew", () =>
    Effect.gen(function* () {
      const old = yield* node()
      const token = yield* old.sign(sign())
      yield* (yield* node({}, layerRing("two", "one"))).sign(sign())
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(read(yield* old.sign(sign())).header, read(token).header)
    }).pipe(Effect.provide(layerBelow)),
  )

  it.effect("verify but do not sign where their secret is lost: a new key does", () =>
    Effect.gen(function* () {
      const token = yield* (yield* node()).sign(sign())
      const keys = yield* node({}, layerRing("two"))
      assert.deepStrictEqual(
        (yield* keys.list).map(({ state }) => state),
        ["unusable"],
      )
      const signed = yield* keys.sign(sign())
      assert.notDeepEqual(read(signed).header, read(token).header)
      assert.deepStrictEqual(yield* keys.verify(token, { typ: "at+jwt" }), claims)
      const now = yield* DateTime.now
      const [first, second] = yield* SigningKeyStore.use((store) => store.list)
      assert.isNull(first?.expiresAt)
      assert.isTrue((second?.expiresAt?.epochMilliseconds ?? 0) > now.epochMilliseconds)
    }).pipe(Effect.provide(layerBelow)),
  )
})
