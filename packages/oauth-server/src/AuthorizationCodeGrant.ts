/**
 * The grant type `authorization_code`: the code that a person's consent gave, for tokens.
 *
 * @since 0.1.0
 */
import { isEqualText } from "@belfry/core/ConstantTime"
import { KeyRing } from "@belfry/core/KeyRing"
import * as OpaqueToken from "@belfry/core/OpaqueToken"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type Grant, isInForce, prefixes } from "./Grant.ts"
import { GrantStore } from "./GrantStore.ts"
import { type GrantCheck, type GrantType, GrantTypes, type TokenRequestFacts } from "./GrantTypes.ts"
import * as GrantTokens from "./internal/grantTokens.ts"
import { refusal, refuseUnless } from "./internal/tokenRequests.ts"
import { isPublic, type OAuthClient } from "./OAuthClient.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import * as Pkce from "./Pkce.ts"
import { TokenIssuer } from "./TokenIssuer.ts"

/**
 * Makes the grant type.
 *
 * **Details**
 *
 * A code is redeemed in the statement that keeps the tokens made for it, so of any number of requests one gets tokens.
 * A second use, by a client that proved itself, ends the grant and with it what the first one got.
 *
 * @see [RFC 6749 §4.1.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.3)
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const issuer = yield* TokenIssuer
  const grants = yield* GrantStore
  const digest = yield* Digest.Digest
  const hasher = yield* Effect.flatMap(KeyRing, (keyRing) => keyRing.hasher("oauth-code"))
  const tokens = yield* GrantTokens.make

  const challengeOf = (verifier: string) =>
    Effect.provideService(Pkce.challengeOf(Redacted.make(verifier)), Digest.Digest, digest)

  const isRefreshable = (client: OAuthClient, grant: Grant): boolean =>
    grant.isOffline &&
    client.metadata.grantTypes.includes("refresh_token") &&
    settings.grantTypes.includes("refresh_token")

  const grantType: GrantType = {
    name: "authorization_code",
    presents: Effect.fnUntraced(function* (parameters) {
      const code = parameters.get("code")
      const verifier = parameters.get("code_verifier")
      if (code === undefined) return yield* refusal("invalid_request", "code is missing")
      if (!OpaqueToken.isWellFormed(prefixes.code, code)) return yield* invalidCode("malformed")
      return {
        code: yield* hasher.candidates(Redacted.make(code)),
        codeChallenge: verifier === undefined ? undefined : yield* challengeOf(verifier),
      }
    }),
    checks: [...codeChecks, ...tokens.resourceChecks],
    exchange: Effect.fnUntraced(function* (facts) {
      const { client, now } = facts
      const record = yield* GrantTokens.grantOf(facts, () => invalidCode("unknown"))
      const { grant } = record
      const issued = yield* tokens.issue(facts, record, {
        grantType: "authorization_code",
        asked: grant.scopes,
        isFirst: true,
      })
      const refresh = isRefreshable(client, grant) ? yield* issuer.refreshToken(grant, now) : null
      const isRedeemed = yield* grants.redeem({
        grantId: grant.id,
        now,
        expiresAt: tokens.extensionOf(grant, refresh?.row ?? null, now),
        refreshToken: refresh?.row ?? null,
        accessToken: issued.access.row,
      })
      if (!isRedeemed) {
        // Another request was as fast: one code, two who have it.
        yield* tokens.endReused(record, "code-reused", facts)
        return yield* invalidCode("redeemed")
      }
      return GrantTokens.toResponse(issued, refresh?.token ?? null)
    }),
    onRefused: (facts) =>
      isReused(facts) && facts.records.grant !== null
        ? tokens.endReused(facts.records.grant, "code-reused", facts)
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

const invalidCode = (detail: string) =>
  refusal("invalid_grant", "The code is unknown, over, or not for this client", detail)

const isOwn = ({ client, records }: TokenRequestFacts): boolean => records.grant?.grant.clientId === client.id

const isReused = (facts: TokenRequestFacts): boolean =>
  isOwn(facts) && facts.records.code !== null && facts.records.code.redeemedAt !== null

const codeChecks: ReadonlyArray<GrantCheck> = [
  {
    name: "the code is known",
    spec: "RFC 6749 §5.2",
    check: ({ records }) => refuseUnless(records.grant !== null && records.code !== null, () => invalidCode("unknown")),
  },
  {
    name: "the code was issued to this client",
    spec: "RFC 6749 §4.1.3",
    check: (facts) => refuseUnless(isOwn(facts), () => invalidCode("other-client")),
  },
  {
    name: "the code was not redeemed before",
    spec: "RFC 6749 §4.1.2",
    check: (facts) => refuseUnless(!isReused(facts), () => invalidCode("redeemed")),
  },
  {
    name: "the code is not over",
    spec: "RFC 6749 §4.1.2",
    check: ({ now, records }) =>
      refuseUnless(records.code !== null && now.epochMilliseconds < records.code.expiresAt.epochMilliseconds, () =>
        invalidCode("expired"),
      ),
  },
  {
    name: "the grant is in force",
    spec: "RFC 6749 §5.2",
    check: ({ now, records }) =>
      refuseUnless(records.grant !== null && isInForce(records.grant, now), () => invalidCode("grant-over")),
  },
  {
    name: "the redirect URI is that of the authorization request",
    spec: "RFC 6749 §4.1.3",
    check: ({ parameters, records }) => {
      const { code } = records
      const redirectUri = parameters.get("redirect_uri")
      // It may be left out where it was left out before, and must be right where it is sent.
      const holds =
        code !== null &&
        (redirectUri === undefined ? !code.isRedirectUriGiven : isEqualText(redirectUri, code.redirectUri))
      return refuseUnless(holds, () =>
        refusal("invalid_grant", "redirect_uri is not that of the authorization request"),
      )
    },
  },
  {
    name: "there is a verifier where there was a challenge, and for public clients always",
    spec: "RFC 7636 §4.5",
    check: ({ client, parameters, records }) => {
      const isBound = (records.code?.codeChallenge ?? null) !== null
      return refuseUnless(
        (!isBound && !isPublic(client)) || (isBound && parameters.get("code_verifier") !== undefined),
        () => refusal("invalid_grant", "code_verifier required because PKCE was used in authorization"),
      )
    },
  },
  {
    name: "there is no verifier where there was no challenge",
    spec: "RFC 9700 §4.8.2",
    check: ({ parameters, records }) =>
      refuseUnless(
        (records.code?.codeChallenge ?? null) !== null || parameters.get("code_verifier") === undefined,
        () => refusal("invalid_grant", "code_verifier provided but PKCE was not used in authorization"),
      ),
  },
  {
    name: "the verifier is that of the challenge",
    spec: "RFC 7636 §4.6",
    check: ({ presented, records }) =>
      refuseUnless(isEqualText(presented.codeChallenge ?? "", records.code?.codeChallenge ?? ""), () =>
        refusal("invalid_grant", "invalid code_verifier"),
      ),
  },
]
