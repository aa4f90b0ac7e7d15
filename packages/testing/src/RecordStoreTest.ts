/**
 * Contract suite of {@link RecordStore}.
 *
 * @since 0.1.0
 */
import { SessionStore } from "@belfry/core/SessionStore"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { UserStore } from "@belfry/core/UserStore"
import type { ClientStore } from "@belfry/oauth-server/ClientStore"
import { ConsentStore } from "@belfry/oauth-server/ConsentStore"
import { type AccessToken, GrantId } from "@belfry/oauth-server/Grant"
import { GrantStore } from "@belfry/oauth-server/GrantStore"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import type { ProtectedResource } from "@belfry/oauth-server/ProtectedResource"
import { type Presented, type Records, RecordStore } from "@belfry/oauth-server/RecordStore"
import { ResourceStore } from "@belfry/oauth-server/ResourceStore"
import { assert, layer as withLayer } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Builders from "./Builders.ts"
import * as OAuthBuilders from "./OAuthBuilders.ts"

/**
 * Registers the suite for an adapter.
 *
 * @category suites
 * @since 0.1.0
 */
export const suite = <E>(
  name: string,
  layer: Layer.Layer<
    ClientStore | ConsentStore | GrantStore | RecordStore | ResourceStore | SessionStore | TransactionStore | UserStore,
    E
  >,
): void =>
  withLayer(layer)(`RecordStore (${name})`, (it) => {
    it.effect("finds nothing where nothing is presented, or what is presented is not on file", () =>
      Effect.gen(function* () {
        const user = yield* Builders.storedUser()
        const { clientId, grantId } = yield* unknownIds
        const hashes = [yield* Builders.keyedHash, yield* Builders.keyedHash] as const
        const presented: ReadonlyArray<Presented> = [
          {},
          { clientId },
          { resources: [] },
          { resources: ["https://api.example.com/unknown", "\0", "\uD800"] },
          { code: hashes },
          { refreshToken: hashes },
          { accessToken: hashes },
          { jwt: { jti: "unknown", clientId, grantId } },
          { jwt: { jti: "unknown", clientId, grantId: null } },
          { clientId, consentOf: { userId: user.id, referenceId: null } },
          { clientId, code: hashes, resources: ["https://api.example.com/unknown"] },
        ]
        for (const one of presented) assert.deepStrictEqual(yield* find(one), nothing)
      }),
    )

    it.effect("finds a client as it is kept, in all of its members, and a disabled one too", () =>
      Effect.gen(function* () {
        const owner = yield* Builders.storedUser()
        const full = yield* OAuthBuilders.storedClient({
          metadata: {
            jwks: { keys: [{ kty: "EC", crv: "P-256", nested: { "\u{1F511}": [1, null, true] } }] },
            localized: { "client_name#fr": "Machine analytique" },
            defaultMaxAge: 60,
            requireAuthTime: true,
          },
          privileges: { skipConsent: true, resources: ["https://api.example.com"], metadata: { plan: "gold" } },
          secrets: [
            yield* OAuthBuilders.clientSecret({ expiresAt: 1_900_000_000_000, sealed: yield* Builders.sealed }),
            yield* OAuthBuilders.clientSecret(),
          ],
          userId: owner.id,
          referenceId: "organization-1",
          isDynamic: true,
          documentUntil: DateTime.makeUnsafe(1_900_000_000_123),
        })
        const disabled = yield* OAuthBuilders.storedClient({ isDisabled: true, secrets: [] })
        for (const client of [full, disabled]) {
          assert.deepStrictEqual(yield* find({ clientId: client.id }), { ...nothing, client })
        }
      }),
    )

    it.effect("tells clients apart by each character of their ids", () =>
      Effect.gen(function* () {
        const { id } = yield* OAuthBuilders.storedClient()
        for (const clientId of [ClientId.make(id.toUpperCase()), ClientId.make(`${id}-`)]) {
          assert.deepStrictEqual(yield* find({ clientId }), nothing)
        }
      }),
    )

    it.effect("finds the resources that are named, each once, in the order in which they are named", () =>
      Effect.gen(function* () {
        const first = yield* storedResource({
          scopes: ["read"],
          accessTokenLifetime: 60,
          signingAlgorithm: "EdDSA",
          introspectionClientId: "introspector",
        })
        const disabled = yield* storedResource({ isDisabled: true, name: null })
        yield* storedResource()
        const resources = [disabled, first].map(({ identifier }) => identifier)
        assert.deepStrictEqual(
          yield* find({ resources: [...resources, "https://api.example.com/unknown", ...resources] }),
          { ...nothing, resources: [disabled, first] },
        )
      }),
    )

    it.effect(
      "finds the grant of a code by any of its hashes, with its code, its user and the end of its session",
      () =>
        Effect.gen(function* () {
          const user = yield* Builders.storedUser({
            name: null,
            image: "https://example.com/ada.png",
            disabledAt: DateTime.makeUnsafe(1_700_000_000_456),
          })
          const session = yield* OAuthBuilders.storedSession({ userId: user.id })
          const { code, grant } = yield* OAuthBuilders.storedGrant({
            userId: user.id,
            sessionId: session.id,
            sid: session.id,
            referenceId: "organization-1",
            resources: ["https://api.example.com/unknown"],
            claims: { id_token: { email: { essential: true } }, userinfo: { name: null } },
            nonce: "n-0S6_WzA2Mj",
            acr: "urn:belfry:two-factors",
            amr: ["pwd", "otp"],
            isOffline: false,
          })
          const record = { grant, user, sessionExpiresAt: session.expiresAt }
          for (const hashes of [
            [code.hash, yield* Builders.keyedHash],
            [yield* Builders.keyedHash, code.hash],
          ] as const) {
            assert.deepStrictEqual(yield* find({ code: hashes }), { ...nothing, grant: record, code })
          }
          assert.deepStrictEqual(yield* find({ refreshToken: [code.hash] }), nothing)
          assert.deepStrictEqual(yield* find({ accessToken: [code.hash] }), nothing)
        }),
    )

    it.effect("tells that the session of a grant is gone, and knows its name still", () =>
      Effect.gen(function* () {
        const user = yield* Builders.storedUser()
        const session = yield* OAuthBuilders.storedSession({ userId: user.id })
        const { code, grant } = yield* OAuthBuilders.storedGrant({
          userId: user.id,
          sessionId: session.id,
          sid: session.id,
          isOffline: false,
        })
        yield* SessionStore.use((sessions) => sessions.remove(user.id, session.id))
        assert.deepStrictEqual((yield* find({ code: [code.hash] })).grant, {
          grant: { ...grant, sessionId: null },
          user,
          sessionExpiresAt: null,
        })
      }),
    )

    it.effect("finds codes that were redeemed or are over, and grants that are revoked or over", () =>
      Effect.gen(function* () {
        const now = yield* DateTime.now
        const past = DateTime.subtract(now, { days: 1 })
        const { code, grant } = yield* OAuthBuilders.storedGrant({
          expiresAt: past,
          revokedAt: past,
          code: { expiresAt: past, redeemedAt: past, codeChallenge: null, isRedirectUriGiven: false },
        })
        const found = yield* find({ code: [code.hash] })
        assert.deepStrictEqual(found.grant?.grant, grant)
        assert.deepStrictEqual(found.code, code)
      }),
    )

    it.effect("finds a refresh token with its grant: in use, rotated, or over", () =>
      Effect.gen(function* () {
        const { grant } = yield* OAuthBuilders.storedGrant()
        const past = DateTime.subtract(grant.createdAt, { days: 1 })
        const first = yield* OAuthBuilders.refreshToken({ grantId: grant.id })
        const successor = yield* OAuthBuilders.refreshToken({ grantId: grant.id, expiresAt: past })
        const sealed = yield* Builders.sealed
        const grants = yield* GrantStore
        const { expiresAt } = grant
        const now = grant.createdAt
        yield* grants.redeem({ grantId: grant.id, now, expiresAt, refreshToken: first, accessToken: null })
        const inUse = yield* find({ refreshToken: [yield* Builders.keyedHash, first.hash] })
        assert.deepStrictEqual(inUse.refreshToken, first)
        const rotation = { hash: first.hash, grantId: grant.id, now, expiresAt, successor, sealed, accessToken: null }
        assert.isTrue(yield* grants.rotate(rotation))
        const rotated = yield* find({ refreshToken: [first.hash] })
        assert.deepStrictEqual(rotated.refreshToken, { ...first, rotatedAt: now, successor: sealed })
        const over = yield* find({ refreshToken: [successor.hash] })
        assert.deepStrictEqual(over.refreshToken, successor)
        for (const { grant: record, ...rest } of [inUse, rotated, over]) {
          assert.deepStrictEqual(record?.grant, grant)
          assert.deepStrictEqual({ ...rest, refreshToken: null, grant: null }, nothing)
        }
      }),
    )

    it.effect("finds an access token with its grant, if it has one, and with its client, disabled or not", () =>
      Effect.gen(function* () {
        const client = yield* OAuthBuilders.storedClient({ isDisabled: true })
        const { grant } = yield* OAuthBuilders.storedGrant()
        const own = yield* storedAccessToken({ clientId: client.id, scopes: [] })
        const granted = yield* storedAccessToken({ clientId: client.id, grantId: grant.id, userId: grant.userId })
        assert.deepStrictEqual(yield* find({ accessToken: [yield* Builders.keyedHash, own.hash] }), {
          ...nothing,
          accessToken: own,
          tokenClient: client,
        })
        const { grant: record, ...rest } = yield* find({ accessToken: [granted.hash] })
        assert.deepStrictEqual(record?.grant, grant)
        assert.deepStrictEqual({ ...rest, grant: null }, { ...nothing, accessToken: granted, tokenClient: client })
      }),
    )

    it.effect("finds the client and the grant of a JWT, and whether it was revoked by itself", () =>
      Effect.gen(function* () {
        const client = yield* OAuthBuilders.storedClient({ isDisabled: true })
        const { grant } = yield* OAuthBuilders.storedGrant({ clientId: client.id })
        const jti = (yield* unknownIds).grantId
        const jwt = { jti, clientId: client.id, grantId: null }
        assert.deepStrictEqual(yield* find({ jwt }), { ...nothing, tokenClient: client })
        const found = yield* find({ jwt: { ...jwt, grantId: grant.id } })
        assert.deepStrictEqual(found.grant?.grant, grant)
        assert.isNull(found.code)
        assert.isFalse(found.isRevoked)
        yield* GrantStore.use((grants) => grants.revokeJwt(jti, grant.createdAt))
        assert.deepStrictEqual(yield* find({ jwt }), { ...nothing, tokenClient: client, isRevoked: true })
        assert.isTrue((yield* find({ jwt: { ...jwt, grantId: grant.id } })).isRevoked)
        assert.isFalse((yield* find({ jwt: { ...jwt, jti: `${jti}0` } })).isRevoked)
      }),
    )

    it.effect("finds the resources of the grant and of the audience too, after those that are named", () =>
      Effect.gen(function* () {
        const [named, granted, heard] = [yield* storedResource(), yield* storedResource(), yield* storedResource()]
        const { code, grant } = yield* OAuthBuilders.storedGrant({ resources: [granted.identifier, named.identifier] })
        const token = yield* storedAccessToken({
          clientId: grant.clientId,
          grantId: grant.id,
          audience: [heard.identifier, "https://rs.example.com/not-on-file"],
        })
        const own = yield* storedAccessToken({ clientId: grant.clientId, audience: [heard.identifier] })
        const refresh = yield* OAuthBuilders.refreshToken({ grantId: grant.id })
        const { createdAt: now, expiresAt } = grant
        yield* GrantStore.use((grants) =>
          grants.redeem({ grantId: grant.id, now, expiresAt, refreshToken: refresh, accessToken: null }),
        )
        const resources = [named.identifier]
        const jwt = { jti: "some", clientId: grant.clientId, grantId: grant.id }
        const found = (presented: Presented) => Effect.map(find(presented), (records) => records.resources)
        assert.deepStrictEqual(yield* found({ code: [code.hash] }), [granted, named])
        assert.deepStrictEqual(yield* found({ code: [code.hash], resources }), [named, granted])
        assert.deepStrictEqual(yield* found({ refreshToken: [refresh.hash], resources }), [named, granted])
        assert.deepStrictEqual(yield* found({ jwt, resources }), [named, granted])
        assert.deepStrictEqual(yield* found({ accessToken: [token.hash] }), [granted, named, heard])
        assert.deepStrictEqual(yield* found({ accessToken: [own.hash] }), [heard])
        assert.deepStrictEqual(yield* found({ accessToken: [own.hash], resources }), [named, heard])
      }),
    )

    it.effect("finds the consent of a user for the client under a reference, and no other", () =>
      Effect.gen(function* () {
        const [user, other] = [yield* Builders.storedUser(), yield* Builders.storedUser()]
        const client = yield* OAuthBuilders.storedClient()
        const elsewhere = yield* OAuthBuilders.storedClient()
        const give = (fields: Parameters<typeof OAuthBuilders.consent>[0]) =>
          Effect.flatMap(OAuthBuilders.consent(fields), (consent) => ConsentStore.use((store) => store.merge(consent)))
        const own = yield* give({ clientId: client.id, userId: user.id, declinedScopes: ["email"] })
        const ofReference = yield* give({
          clientId: client.id,
          userId: user.id,
          referenceId: "organization-1",
          scopes: ["openid", "profile"],
          resources: ["https://api.example.com"],
        })
        yield* give({ clientId: elsewhere.id, userId: other.id })
        const consent = (clientId: ClientId, userId: typeof user.id, referenceId: string | null) =>
          Effect.map(find({ clientId, consentOf: { userId, referenceId } }), (records) => records.consent)
        assert.deepStrictEqual(yield* consent(client.id, user.id, null), own)
        assert.deepStrictEqual(yield* consent(client.id, user.id, "organization-1"), ofReference)
        assert.isNull(yield* consent(client.id, user.id, "organization-2"))
        assert.isNull(yield* consent(client.id, other.id, null))
        assert.isNull(yield* consent(elsewhere.id, user.id, null))
        assert.isNull((yield* find({ clientId: client.id })).consent)
      }),
    )

    it.effect("finds everything that one request presents", () =>
      Effect.gen(function* () {
        const client = yield* OAuthBuilders.storedClient()
        const { code, grant } = yield* OAuthBuilders.storedGrant({ clientId: client.id })
        const resource = yield* storedResource()
        const consent = yield* OAuthBuilders.consent({ clientId: client.id, userId: grant.userId })
        yield* ConsentStore.use((store) => store.merge(consent))
        const found = yield* find({
          clientId: client.id,
          code: [code.hash],
          resources: [resource.identifier],
          consentOf: { userId: grant.userId, referenceId: null },
        })
        assert.deepStrictEqual(found.grant?.grant, grant)
        assert.deepStrictEqual({ ...found, grant: null }, { ...nothing, client, code, resources: [resource], consent })
      }),
    )

    it.effect("answers each of many who ask at once what they asked for", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* OAuthBuilders.storedClient(), yield* OAuthBuilders.storedClient()]
        const { grant } = yield* OAuthBuilders.storedGrant({ clientId: one.id })
        const named = yield* storedResource({ identifier: one.id })
        const tokens = [
          yield* storedAccessToken({ clientId: one.id, grantId: grant.id, userId: grant.userId, audience: [] }),
          yield* storedAccessToken({ clientId: other.id, audience: [] }),
        ]
        const consent = yield* OAuthBuilders.consent({ clientId: one.id, userId: grant.userId })
        yield* ConsentStore.use((store) => store.merge(consent))
        const stranger = yield* Builders.storedUser()
        const asked: ReadonlyArray<Presented> = [
          { clientId: one.id },
          { clientId: other.id },
          // The same text, as something else.
          { resources: [one.id] },
          { clientId: other.id, resources: [one.id] },
          { clientId: one.id, consentOf: { userId: grant.userId, referenceId: null } },
          { clientId: one.id, consentOf: { userId: stranger.id, referenceId: null } },
          ...tokens.map(({ hash }) => ({ accessToken: [hash] as const })),
          ...tokens.map(({ hash }) => ({ clientId: one.id, accessToken: [hash] as const })),
          { jwt: { jti: "some", clientId: one.id, grantId: grant.id } },
          { jwt: { jti: "some", clientId: one.id, grantId: null } },
        ]
        const alone = yield* Effect.forEach(asked, find)
        assert.deepStrictEqual(alone[2], { ...nothing, resources: [named] })
        const together = yield* Effect.forEach([...asked, ...asked, ...asked, ...asked], find, {
          concurrency: "unbounded",
        })
        assert.deepStrictEqual(together, [...alone, ...alone, ...alone, ...alone])
      }),
    )

    it.effect("finds what the transaction wrote that it runs in", () =>
      Effect.gen(function* () {
        const { run } = yield* TransactionStore
        const { code, grant } = yield* OAuthBuilders.storedGrant()
        const now = yield* DateTime.now
        const seen = yield* run(
          Effect.andThen(
            GrantStore.use((grants) => grants.revoke(grant.id, now)),
            find({ code: [code.hash] }),
          ),
        )
        assert.deepStrictEqual(seen.grant?.grant.revokedAt, now)
      }),
    )
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const random = SecureRandom.make(SecureRandom.randomBytesUnsafe)

const nothing: Records = {
  client: null,
  resources: [],
  grant: null,
  code: null,
  refreshToken: null,
  accessToken: null,
  tokenClient: null,
  isRevoked: false,
  consent: null,
}

const find = (presented: Presented) => RecordStore.use((records) => records.find(presented))

const unknownIds = Effect.gen(function* () {
  const id = yield* random.uuidV7()
  return { clientId: ClientId.make(`client-${id}`), grantId: GrantId.make(id) }
})

const storedResource = Effect.fnUntraced(function* (fields: Partial<ProtectedResource> = {}) {
  const resource = yield* OAuthBuilders.protectedResource(fields)
  yield* ResourceStore.use((resources) => resources.insert(resource))
  return resource
})

const storedAccessToken = Effect.fnUntraced(function* (fields: Partial<AccessToken> & Pick<AccessToken, "clientId">) {
  const token = yield* OAuthBuilders.accessToken(fields)
  yield* GrantStore.use((grants) => grants.insertAccessToken(token))
  return token
})
