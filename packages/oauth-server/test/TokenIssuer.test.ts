import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import { Email } from "@belfry/core/User"
import { prefixes } from "@belfry/oauth-server/Grant"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import * as OAuthServerHooks from "@belfry/oauth-server/OAuthServerHooks"
import * as OAuthServerSettings from "@belfry/oauth-server/OAuthServerSettings"
import * as SigningKeys from "@belfry/oauth-server/SigningKeys"
import * as Subjects from "@belfry/oauth-server/Subjects"
import * as TokenIssuer from "@belfry/oauth-server/TokenIssuer"
import * as Builders from "@belfry/testing/Builders"
import * as OAuthBuilders from "@belfry/testing/OAuthBuilders"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { compactVerify } from "jose"
import { createHash } from "node:crypto"
import { issuer, layerBelow, read } from "./support/Keys.ts"

const withSettings = (
  settings: Partial<OAuthServerSettings.OAuthServerSettingsService> = {},
  hooks: Partial<OAuthServerHooks.OAuthServerHooksService> = {},
) =>
  Layer.provideMerge(TokenIssuer.layer, Layer.merge(SigningKeys.layer, Subjects.layer)).pipe(
    Layer.provide(Layer.succeed(OAuthServerSettings.OAuthServerSettings, OAuthServerSettings.make(settings))),
    Layer.provide(Layer.succeed(OAuthServerHooks.OAuthServerHooks, OAuthServerHooks.make(hooks))),
    Layer.provideMerge(layerBelow),
  )

const start = 1_800_000_000_123

/** A user, a client of theirs, a grant, a resource, at an instant between two seconds. */
const setUp = Effect.fnUntraced(function* (
  fields: {
    readonly client?: Parameters<typeof OAuthBuilders.client>[0]
    readonly scopes?: ReadonlyArray<string>
  } = {},
) {
  yield* TestClock.setTime(start)
  const user = yield* Builders.user({ email: Email.make("ada@example.com"), emailVerifiedAt: yield* DateTime.now })
  const client = yield* OAuthBuilders.client(fields.client)
  const grant = yield* OAuthBuilders.grant({
    clientId: client.id,
    userId: user.id,
    nonce: "n-1",
    acr: "aal2",
    amr: ["pwd", "otp"],
    authTime: DateTime.makeUnsafe(start - 60_500),
    scopes: fields.scopes ?? ["openid", "email"],
  })
  const resource = yield* OAuthBuilders.protectedResource()
  const now = yield* DateTime.now
  const issue = yield* TokenIssuer.TokenIssuer
  return { user, client, grant, scopes: grant.scopes, resource, resources: [resource], now, issue }
})

type Facts = Effect.Success<ReturnType<typeof setUp>>

const idToken = ({ issue, ...facts }: Facts, isFirst = true) =>
  Effect.map(issue.idToken({ ...facts, accessToken: Redacted.make("an access token"), isFirst }), (token) =>
    token === null ? assert.fail("no ID token") : token,
  )

describe("RFC 9068 §2", () => {
  it.effect("MUST carry its claims in a JWT of type at+jwt, which names the grant", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const { token, expiresAt, row } = yield* facts.issue.accessToken(facts)
      const { header, claims } = read(token)
      const seconds = Math.floor(start / 1000)
      assert.containsSubset(header, { alg: "ES256", typ: "at+jwt" })
      const { jti, ...others } = claims
      assert.match(String(jti), /^[0-9a-f-]{36}$/)
      assert.deepStrictEqual(others, {
        iss: issuer,
        sub: facts.user.id,
        // The issuer, because `openid` may be used at its UserInfo endpoint.
        aud: [facts.resource.identifier, issuer],
        exp: seconds + 3600,
        iat: seconds,
        client_id: facts.client.id,
        scope: "openid email",
        grant_id: facts.grant.id,
        auth_time: seconds - 61,
        acr: "aal2",
        amr: ["pwd", "otp"],
        sid: facts.grant.sid,
      })
      assert.strictEqual(expiresAt.epochMilliseconds, start + 3_600_000)
      assert.isNull(row)
    }).pipe(Effect.provide(withSettings())),
  )

  it.effect("MUST give each token a jti of its own", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const tokens = yield* Effect.all(Array.from({ length: 50 }, () => facts.issue.accessToken(facts)))
      assert.strictEqual(new Set(tokens.map(({ token }) => read(token).claims["jti"])).size, 50)
    }).pipe(Effect.provide(withSettings())),
  )

  it.effect("names the client itself where there is no user, and no time of sign-in", () =>
    Effect.gen(function* () {
      const facts = yield* setUp({ client: { metadata: { subjectType: "pairwise" } } })
      const { token } = yield* facts.issue.accessToken({ ...facts, grant: null, user: null, scopes: [] })
      assert.sameMembers(Object.keys(read(token).claims), ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"])
      assert.strictEqual(read(token).claims["sub"], facts.client.id)
    }).pipe(Effect.provide(withSettings())),
  )

  it.effect("lists several resources as audience", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const other = yield* OAuthBuilders.protectedResource()
      const both = { ...facts, resources: [facts.resource, other], scopes: ["email"] }
      const { token } = yield* facts.issue.accessToken(both)
      assert.deepStrictEqual(read(token).claims["aud"], [facts.resource.identifier, other.identifier])
      const one = yield* facts.issue.accessToken({ ...facts, scopes: ["email"] })
      assert.strictEqual(read(one.token).claims["aud"], facts.resource.identifier)
    }).pipe(Effect.provide(withSettings())),
  )
})

describe("access tokens", () => {
  it.effect("are opaque without a resource, and kept as a hash", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const { token, expiresAt, row } = yield* facts.issue.accessToken({ ...facts, resources: [] })
      assert.isTrue(OpaqueToken.isWellFormed(prefixes.accessToken, Redacted.value(token)))
      const hasher = yield* (yield* KeyRing).hasher("oauth-access-token")
      assert.deepStrictEqual(row, {
        hash: yield* hasher.hash(token),
        clientId: facts.client.id,
        grantId: facts.grant.id,
        userId: facts.user.id,
        scopes: facts.scopes,
        audience: [issuer],
        createdAt: facts.now,
        expiresAt,
      })
    }).pipe(Effect.provide(withSettings())),
  )

  it.effect("are opaque for a resource too with JWTs disabled", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const { token, row } = yield* facts.issue.accessToken(facts)
      assert.isTrue(OpaqueToken.isWellFormed(prefixes.accessToken, Redacted.value(token)))
      assert.deepStrictEqual(row?.audience, [facts.resource.identifier, issuer])
    }).pipe(Effect.provide(withSettings({ disableJwt: true }))),
  )

  it.effect("last as long as the strictest of server, scopes and resources says", () =>
    Effect.gen(function* () {
      const facts = yield* setUp({ scopes: ["openid", "short", "long"] })
      const lifetime = (options: {
        readonly scopes?: ReadonlyArray<string>
        readonly seconds?: ReadonlyArray<number | null>
        readonly grant?: null
      }) =>
        Effect.gen(function* () {
          const resources = yield* Effect.forEach(options.seconds ?? [null], (accessTokenLifetime) =>
            OAuthBuilders.protectedResource({ accessTokenLifetime }),
          )
          const scopes = options.scopes ?? ["openid"]
          const who = options.grant === null ? { grant: null, user: null } : {}
          const { expiresAt } = yield* facts.issue.accessToken({ ...facts, scopes, resources, ...who })
          return (expiresAt.epochMilliseconds - start) / 1000
        })
      assert.strictEqual(yield* lifetime({}), 3600)
      assert.strictEqual(yield* lifetime({ grant: null }), 1800)
      assert.strictEqual(yield* lifetime({ scopes: ["openid", "short"] }), 60)
      assert.strictEqual(yield* lifetime({ scopes: ["short"], grant: null }), 60)
      assert.strictEqual(yield* lifetime({ scopes: ["long"] }), 3600)
      assert.strictEqual(yield* lifetime({ scopes: ["constructor"] }), 3600)
      assert.strictEqual(yield* lifetime({ seconds: [300] }), 300)
      assert.strictEqual(yield* lifetime({ seconds: [300, 200, null] }), 200)
      assert.strictEqual(yield* lifetime({ seconds: [30], scopes: ["short"] }), 30)
      assert.strictEqual(yield* lifetime({ seconds: [7200] }), 3600)

      const longest = (scopes: ReadonlyArray<string>) => Duration.toSeconds(facts.issue.longestAccessToken({ scopes }))
      assert.strictEqual(longest(["openid", "short"]), 3600)
      assert.strictEqual(longest(["short"]), 60)
      assert.strictEqual(longest(["long"]), 3600)
      assert.strictEqual(longest([]), 3600)
    }).pipe(
      Effect.provide(
        withSettings({
          clientCredentialsLifetime: Duration.minutes(30),
          scopeLifetimes: { short: Duration.minutes(1), long: Duration.hours(9) },
        }),
      ),
    ),
  )

  it.effect("do not outlive the time of their grant", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const endsAt = DateTime.addDuration(facts.now, Duration.minutes(10))
      const grant = { ...facts.grant, endsAt }
      for (const resources of [[], facts.resources]) {
        const { expiresAt } = yield* facts.issue.accessToken({ ...facts, grant, resources })
        assert.deepStrictEqual(expiresAt, endsAt)
      }
      const refresh = yield* facts.issue.refreshToken(grant, facts.now)
      assert.deepStrictEqual(refresh.row.expiresAt, endsAt)
    }).pipe(Effect.provide(withSettings())),
  )

  it.effect("are signed as the client asks, else as a resource does, else as the server does", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const plain = facts.resource
      const resource = yield* OAuthBuilders.protectedResource({ signingAlgorithm: "PS256" })
      const asking = {
        ...facts.client,
        metadata: { ...facts.client.metadata, accessTokenSigningAlg: "EdDSA" as const },
      }
      const algorithm = (client: typeof facts.client, resources: ReadonlyArray<typeof resource>) =>
        Effect.map(facts.issue.accessToken({ ...facts, client, resources }), ({ token }) => read(token).header)
      assert.containsSubset(yield* algorithm(facts.client, [plain]), { alg: "RS256" })
      assert.containsSubset(yield* algorithm(facts.client, [plain, resource]), { alg: "PS256" })
      assert.containsSubset(yield* algorithm(asking, [resource]), { alg: "EdDSA" })
    }).pipe(Effect.provide(withSettings({ accessTokenAlgorithm: "RS256" }))),
  )

  it.effect("carry claims of the host, but none in the place of the server's own", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const { token } = yield* facts.issue.accessToken(facts)
      const { claims } = read(token)
      assert.deepStrictEqual(claims["org"], ["acme", facts.resource.identifier])
      assert.strictEqual(claims["sub"], facts.user.id)
      for (const name of TokenIssuer.ReservedClaims.accessToken)
        assert.notStrictEqual(claims[name], "of the hook", name)
      assert.notProperty(claims, "cnf")
      assert.notProperty(claims, "nbf")
      assert.notProperty(claims, "act")
    }).pipe(
      Effect.provide(
        withSettings(
          {},
          {
            accessTokenClaims: ({ resources }) =>
              Effect.succeed({
                ...Object.fromEntries(TokenIssuer.ReservedClaims.accessToken.map((name) => [name, "of the hook"])),
                org: ["acme", ...resources],
              }),
          },
        ),
      ),
    ),
  )

  it.effect("tell resource servers no session where subjects are pairwise", () =>
    Effect.gen(function* () {
      const facts = yield* setUp({ client: { metadata: { subjectType: "pairwise" } } })
      const { claims } = read((yield* facts.issue.accessToken(facts)).token)
      assert.notProperty(claims, "sid")
      assert.notStrictEqual(claims["sub"], facts.user.id)
    }).pipe(Effect.provide(withSettings({ pairwiseSecret: Redacted.make("p".repeat(32)) }))),
  )
})

describe("codes and refresh tokens", () => {
  it.effect("are opaque, kept as hashes, and last as long as the settings say", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const ring = yield* KeyRing
      const what = { redirectUri: "https://client.example.com/callback", isRedirectUriGiven: true, codeChallenge: "c" }
      const code = yield* facts.issue.code(what, facts.now)
      assert.isTrue(OpaqueToken.isWellFormed(prefixes.code, Redacted.value(code.token)))
      assert.deepStrictEqual(code.row, {
        ...what,
        hash: yield* (yield* ring.hasher("oauth-code")).hash(code.token),
        expiresAt: DateTime.makeUnsafe(start + 60_000),
        redeemedAt: null,
      })
      const refresh = yield* facts.issue.refreshToken(facts.grant, facts.now)
      assert.isTrue(OpaqueToken.isWellFormed(prefixes.refreshToken, Redacted.value(refresh.token)))
      assert.deepStrictEqual(refresh.row, {
        hash: yield* (yield* ring.hasher("oauth-refresh-token")).hash(refresh.token),
        grantId: facts.grant.id,
        createdAt: facts.now,
        expiresAt: DateTime.makeUnsafe(start + Duration.toMillis(Duration.days(30))),
        rotatedAt: null,
        successor: null,
      })
    }).pipe(Effect.provide(withSettings())),
  )

  describe("RFC 6749 §4.1.2", () => {
    it.effect("MUST NOT give a code that lasts longer than ten minutes", () =>
      Effect.gen(function* () {
        const facts = yield* setUp()
        const code = yield* facts.issue.code(
          { redirectUri: "", isRedirectUriGiven: false, codeChallenge: null },
          facts.now,
        )
        assert.strictEqual(code.row.expiresAt.epochMilliseconds, start + 600_000)
      }).pipe(Effect.provide(withSettings({ codeLifetime: Duration.hours(1) }))),
    )
  })
})

describe("OpenID Connect Core §2", () => {
  it.effect("MUST carry its claims in an ID token, by RS256 unless the client asks for another algorithm", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const { header, claims } = read(yield* idToken(facts))
      const seconds = Math.floor(start / 1000)
      assert.containsSubset(header, { alg: "RS256", typ: "JWT" })
      assert.deepStrictEqual(claims, {
        iss: issuer,
        sub: facts.user.id,
        aud: facts.client.id,
        exp: seconds + 36_000,
        iat: seconds,
        auth_time: seconds - 61,
        acr: "aal2",
        amr: ["pwd", "otp"],
        sid: facts.grant.sid,
        nonce: "n-1",
        at_hash: createHash("sha256").update("an access token").digest().subarray(0, 16).toString("base64url"),
      })
    }).pipe(Effect.provide(withSettings())),
  )

  it.effect("hashes the access token by the algorithm that the client asks for", () =>
    Effect.gen(function* () {
      const facts = yield* setUp({ client: { metadata: { idTokenSignedResponseAlg: "EdDSA" } } })
      const { header, claims } = read(yield* idToken(facts))
      assert.containsSubset(header, { alg: "EdDSA" })
      const hash = createHash("sha512").update("an access token").digest().subarray(0, 32).toString("base64url")
      assert.strictEqual(claims["at_hash"], hash)
    }).pipe(Effect.provide(withSettings())),
  )

  it.effect("is not made without openid", () =>
    Effect.gen(function* () {
      const { issue, ...facts } = yield* setUp({ scopes: ["email"] })
      assert.isNull(yield* issue.idToken({ ...facts, accessToken: Redacted.make("x"), isFirst: true }))
    }).pipe(Effect.provide(withSettings())),
  )
})

describe("OpenID Connect Core §12.2", () => {
  it.effect("SHOULD NOT carry the nonce again, and MUST keep iss, sub, aud and auth_time", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      const first = read(yield* idToken(facts)).claims
      const now = DateTime.addDuration(facts.now, Duration.hours(5))
      const later = read(yield* idToken({ ...facts, now }, false)).claims
      assert.notProperty(later, "nonce")
      for (const name of ["iss", "sub", "aud", "auth_time", "sid"]) assert.deepStrictEqual(later[name], first[name])
      assert.strictEqual(later["iat"], Math.floor(start / 1000) + 5 * 3600)
    }).pipe(Effect.provide(withSettings())),
  )
})

describe("OpenID Connect Core §5.5", () => {
  it.effect("adds claims about the user that were asked for in the ID token, and none by scope", () =>
    Effect.gen(function* () {
      const facts = yield* setUp()
      assert.notProperty(read(yield* idToken(facts)).claims, "email")
      const grant = { ...facts.grant, claims: { id_token: { email: null, sub: null, unknown: null } } }
      const { claims } = read(yield* idToken({ ...facts, grant }))
      assert.strictEqual(claims["email"], "ada@example.com")
      assert.strictEqual(claims["sub"], facts.user.id)
      assert.notProperty(claims, "unknown")
      const narrowed = read(yield* idToken({ ...facts, grant, scopes: ["openid"] }))
      assert.notProperty(narrowed.claims, "email")
    }).pipe(Effect.provide(withSettings())),
  )
})

it.effect("ID tokens carry claims of the host, but none in the place of the server's own", () =>
  Effect.gen(function* () {
    const facts = yield* setUp()
    const { claims } = read(yield* idToken(facts, false))
    assert.strictEqual(claims["department"], "engines")
    for (const name of TokenIssuer.ReservedClaims.idToken) assert.notStrictEqual(claims[name], "of the hook", name)
    assert.notProperty(claims, "nonce")
  }).pipe(
    Effect.provide(
      withSettings(
        {},
        {
          idTokenClaims: () =>
            Effect.succeed({
              ...Object.fromEntries(TokenIssuer.ReservedClaims.idToken.map((name) => [name, "of the hook"])),
              department: "engines",
            }),
        },
      ),
    ),
  ),
)

describe("with JWTs disabled", () => {
  const secretOf = Effect.fnUntraced(function* (id: ClientId, text: string, expiresAt: number | null = null) {
    const sealer = yield* (yield* KeyRing).sealer("oauth-client-secret")
    return yield* OAuthBuilders.clientSecret({ sealed: yield* sealer.seal(Redacted.make(text), id), expiresAt })
  })
  const verify = (token: Redacted.Redacted, secret: string) =>
    Effect.promise(() => compactVerify(Redacted.value(token), Buffer.from(secret), { algorithms: ["HS256"] }))

  it.effect("ID tokens are signed with the youngest secret of the client that is in force", () =>
    Effect.gen(function* () {
      const id = ClientId.make("a-client")
      const secrets = [yield* secretOf(id, "young".repeat(10), start), yield* secretOf(id, "old".repeat(20))]
      const facts = yield* setUp({ client: { id, secrets } })
      const token = yield* idToken(facts)
      const { protectedHeader, payload } = yield* verify(token, "old".repeat(20))
      assert.deepStrictEqual(protectedHeader, { alg: "HS256", typ: "JWT" })
      assert.containsSubset(JSON.parse(Buffer.from(payload).toString()), { aud: id, sub: facts.user.id })
      const before = { ...facts, now: DateTime.makeUnsafe(start - 1) }
      yield* verify(yield* idToken(before), "young".repeat(10))
    }).pipe(Effect.provide(withSettings({ disableJwt: true }))),
  )

  it.effect("there are none for public clients, and none without a secret that can be read", () =>
    Effect.gen(function* () {
      const id = ClientId.make("a-client")
      const secrets = [yield* secretOf(id, "left over".repeat(5))]
      const publicClient = { id, secrets, metadata: { tokenEndpointAuthMethod: "none" as const } }
      for (const client of [publicClient, { secrets: [] }, {}]) {
        const { issue, ...facts } = yield* setUp({ client })
        assert.isNull(yield* issue.idToken({ ...facts, accessToken: Redacted.make("x"), isFirst: true }))
      }
    }).pipe(Effect.provide(withSettings({ disableJwt: true }))),
  )
})
