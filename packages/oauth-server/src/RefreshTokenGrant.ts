/**
 * The grant type `refresh_token`: a refresh token for new tokens, and its successor.
 *
 * @since 0.1.0
 */
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type GrantRecord, isInForce, prefixes, type RefreshToken } from "./Grant.ts"
import { GrantStore } from "./GrantStore.ts"
import { type GrantCheck, type GrantType, GrantTypes, type TokenRequestFacts } from "./GrantTypes.ts"
import * as GrantTokens from "./internal/grantTokens.ts"
import { askedScopes, refusal, refuseUnless, resourcesTakeScopes, scopeForm } from "./internal/tokenRequests.ts"
import * as OAuthScope from "./OAuthScope.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import { RecordStore } from "./RecordStore.ts"
import { TokenIssuer } from "./TokenIssuer.ts"

/**
 * Makes the grant type.
 *
 * **Details**
 *
 * Each use puts a successor in the place of the token, in the statement that keeps it. An old token that comes again
 * ends its grant: somebody else has it too. Within `refreshGrace` it gets the same successor once more, as long as that
 * was not used: a client whose answer was lost goes on. Scopes narrow for one access token and never for the grant.
 *
 * @see [RFC 6749 §6](https://www.rfc-editor.org/rfc/rfc6749.html#section-6)
 * @see [RFC 9700 §4.14.2](https://www.rfc-editor.org/rfc/rfc9700.html#section-4.14.2)
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const { refreshGrace } = yield* OAuthServerSettings
  const issuer = yield* TokenIssuer
  const grants = yield* GrantStore
  const recordStore = yield* RecordStore
  const keyRing = yield* KeyRing
  const hasher = yield* keyRing.hasher("oauth-refresh-token")
  const sealer = yield* keyRing.sealer("oauth-refresh-successor")
  const tokens = yield* GrantTokens.make
  const hasGrace = Duration.isPositive(refreshGrace)

  const isInGrace = ({ rotatedAt, successor }: RefreshToken, now: DateTime.Utc): boolean =>
    rotatedAt !== null &&
    successor !== null &&
    now.epochMilliseconds < DateTime.addDuration(rotatedAt, refreshGrace).epochMilliseconds

  const isReused = ({ client, now, records: { grant, refreshToken } }: TokenRequestFacts): boolean =>
    grant !== null &&
    grant.grant.clientId === client.id &&
    refreshToken !== null &&
    refreshToken.rotatedAt !== null &&
    !isInGrace(refreshToken, now)

  const refuseReused = Effect.fnUntraced(function* (facts: TokenRequestFacts, record: GrantRecord) {
    yield* tokens.endReused(record, "refresh-token-reused", facts)
    return yield* reused
  })

  const issue = (facts: TokenRequestFacts, record: GrantRecord) => {
    const asked = askedScopes(facts) ?? record.grant.scopes
    return tokens.issue(facts, record, { grantType: "refresh_token", asked, isFirst: false })
  }

  /** New tokens beside the successor that an old token has already, for a client that did not get the answer. */
  const again = Effect.fnUntraced(function* (facts: TokenRequestFacts, record: GrantRecord, old: RefreshToken) {
    const opened = old.successor === null ? Option.none() : yield* Effect.option(sealer.open(old.successor, old.hash))
    if (Option.isNone(opened)) return yield* refuseReused(facts, record)
    const { grant, refreshToken } = yield* recordStore.find({ refreshToken: yield* hasher.candidates(opened.value) })
    // Who holds the successor used it: the old token comes from somebody else.
    if (refreshToken === null || refreshToken.rotatedAt !== null) return yield* refuseReused(facts, record)
    if (refreshToken.expiresAt.epochMilliseconds <= facts.now.epochMilliseconds) return yield* invalidToken("expired")
    if (grant === null || !isInForce(grant, facts.now)) return yield* invalidToken("grant-over")
    const issued = yield* issue(facts, record)
    if (issued.access.row !== null) yield* grants.insertAccessToken(issued.access.row)
    return GrantTokens.toResponse(issued, opened.value)
  })

  const rotate = Effect.fnUntraced(function* (facts: TokenRequestFacts, record: GrantRecord, old: RefreshToken) {
    const { now } = facts
    const { grant } = record
    const issued = yield* issue(facts, record)
    const successor = yield* issuer.refreshToken(grant, now)
    const isRotated = yield* grants.rotate({
      hash: old.hash,
      grantId: grant.id,
      now,
      expiresAt: tokens.extensionOf(grant, successor.row, now),
      successor: successor.row,
      sealed: hasGrace ? yield* sealer.seal(successor.token, old.hash) : null,
      accessToken: issued.access.row,
    })
    if (isRotated) return GrantTokens.toResponse(issued, successor.token)
    // Another request was as fast. Within the grace it was the same client, twice.
    const latest = hasGrace ? (yield* recordStore.find({ refreshToken: [old.hash] })).refreshToken : null
    return latest !== null && isInGrace(latest, now)
      ? yield* again(facts, record, latest)
      : yield* refuseReused(facts, record)
  })

  const grantType: GrantType = {
    name: "refresh_token",
    presents: (parameters) => {
      const token = parameters.get("refresh_token")
      if (token === undefined) return Effect.fail(refusal("invalid_request", "refresh_token is missing"))
      return OpaqueToken.isWellFormed(prefixes.refreshToken, token)
        ? Effect.map(hasher.candidates(Redacted.make(token)), (hashes) => ({ refreshToken: hashes }))
        : Effect.fail(invalidToken("malformed"))
    },
    checks: [
      ...identityChecks,
      {
        name: "the refresh token was not rotated before, or just now",
        spec: "RFC 9700 §4.14.2",
        check: (facts) => refuseUnless(!isReused(facts), () => reused),
      },
      ...forceChecks,
      ...tokens.resourceChecks,
    ],
    exchange: Effect.fnUntraced(function* (facts) {
      const record = yield* GrantTokens.grantOf(facts, () => invalidToken("unknown"))
      const { refreshToken } = facts.records
      if (refreshToken === null) return yield* invalidToken("unknown")
      return refreshToken.rotatedAt === null
        ? yield* rotate(facts, record, refreshToken)
        : yield* again(facts, record, refreshToken)
    }),
    onRefused: (facts) =>
      isReused(facts) && facts.records.grant !== null
        ? tokens.endReused(facts.records.grant, "refresh-token-reused", facts)
        : Effect.void,
  }
  return grantType
})

/**
 * Layer with this grant type and no other.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(
  GrantTypes,
  Effect.map(make, (grantType) => [grantType]),
)

// internal

const invalidToken = (detail: string) =>
  refusal("invalid_grant", "The refresh token is unknown, over, or not for this client", detail)

const reused = refusal("invalid_grant", "Refresh token has been revoked", "rotated")

const identityChecks: ReadonlyArray<GrantCheck> = [
  {
    name: "the refresh token is known",
    spec: "RFC 6749 §5.2",
    check: ({ records }) =>
      refuseUnless(records.refreshToken !== null && records.grant !== null, () => invalidToken("unknown")),
  },
  {
    name: "the refresh token was issued to this client",
    spec: "RFC 6749 §6",
    check: ({ client, records }) =>
      refuseUnless(records.grant?.grant.clientId === client.id, () => invalidToken("other-client")),
  },
]

const forceChecks: ReadonlyArray<GrantCheck> = [
  {
    name: "the refresh token is not over",
    spec: "RFC 6749 §6",
    check: ({ now, records: { refreshToken } }) =>
      refuseUnless(refreshToken !== null && now.epochMilliseconds < refreshToken.expiresAt.epochMilliseconds, () =>
        invalidToken("expired"),
      ),
  },
  {
    name: "the grant is in force",
    spec: "RFC 6749 §5.2",
    check: ({ now, records: { grant } }) =>
      refuseUnless(grant !== null && isInForce(grant, now), () => invalidToken("grant-over")),
  },
  scopeForm,
  {
    name: "the scope is no more than was granted",
    spec: "RFC 6749 §6",
    check: (facts) =>
      refuseUnless(OAuthScope.isCovered(askedScopes(facts) ?? [], facts.records.grant?.grant.scopes ?? []), () =>
        refusal("invalid_scope", "The scope is more than was granted"),
      ),
  },
  resourcesTakeScopes,
]
