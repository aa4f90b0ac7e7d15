/**
 * What the grant types that stand on a grant have in common: how it binds the request, and what is issued for it.
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { Audit } from "@belfry/core/Audit"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as BoundResource from "../BoundResource.ts"
import type { Grant, GrantRecord, RefreshToken } from "../Grant.ts"
import { GrantStore } from "../GrantStore.ts"
import type { GrantCheck, TokenRequestFacts, TokenResponse } from "../GrantTypes.ts"
import type { OAuthError } from "../OAuthError.ts"
import { OAuthServerHooks } from "../OAuthServerHooks.ts"
import * as OAuthScope from "../OAuthScope.ts"
import { OAuthServerSettings } from "../OAuthServerSettings.ts"
import type { ProtectedResource } from "../ProtectedResource.ts"
import { type IssuedAccessToken, TokenIssuer } from "../TokenIssuer.ts"
import { askableScopes } from "./clientScopes.ts"
import { resolve } from "./resolveResources.ts"
import { claimFactsOf, invalidTarget, refusal, refuseUnless, responseFields, scopesFor } from "./tokenRequests.ts"

/** How grants end whose code or refresh token was used a second time: it is in the hands of two. */
export type Reuse = "code-reused" | "refresh-token-reused"

/** What is issued for a grant, and nothing of it kept yet. */
export interface GrantTokens {
  readonly access: IssuedAccessToken
  readonly scopes: ReadonlyArray<string>
  readonly idToken: Redacted.Redacted | null
  readonly fields: TokenResponse["fields"]
}

/** The tools of the grant types that stand on a grant. */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const hooks = yield* OAuthServerHooks
  const issuer = yield* TokenIssuer
  const grants = yield* GrantStore
  const transactions = yield* TransactionStore
  const audit = yield* Audit

  const resourcesOf = (facts: TokenRequestFacts, grant: Grant): ReadonlyArray<ProtectedResource> | null => {
    // What a resource is bound to is what the person agreed for.
    const references = BoundResource.referencesOf(settings, grant.resources)
    if (!references.every((reference) => reference === grant.referenceId)) return null
    if (facts.resources.length > 0) return facts.resources
    // What the client lost since, it gets no more, whatever it was granted.
    const { resources: allowed } = facts.client.privileges
    return allowed === null || OAuthScope.isCovered(grant.resources, allowed)
      ? resolve(settings, grant.resources, facts.records.resources)
      : null
  }

  const requireResources = (facts: TokenRequestFacts, grant: Grant) => {
    const resources = resourcesOf(facts, grant)
    return resources === null ? Effect.fail(invalidTarget("grant-resources")) : Effect.succeed(resources)
  }

  /** Fails where the user of a grant may not act any more for what its resource is bound to. */
  const requireActing = Effect.fnUntraced(function* ({ client }: TokenRequestFacts, { grant, user }: GrantRecord) {
    const [referenceId] = BoundResource.referencesOf(settings, grant.resources)
    if (referenceId === undefined || (yield* hooks.mayAct({ client, user, session: null, referenceId }))) return
    return yield* refusal("invalid_grant", "The user may not act for what the resource belongs to any more", "bound")
  })

  /**
   * Checks of the resources, for the end of a list.
   *
   * @see [RFC 8707 §2.2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2.2)
   */
  const resourceChecks: ReadonlyArray<GrantCheck> = [
    {
      name: "the resources are among those of the grant",
      spec: "RFC 8707 §2.2",
      check: ({ records, resources }) =>
        refuseUnless(
          OAuthScope.isCovered(
            resources.map(({ identifier }) => identifier),
            records.grant?.grant.resources ?? [],
          ),
          () => invalidTarget("not-granted"),
        ),
    },
    {
      name: "the resources of the grant are still there",
      spec: "RFC 8707 §2",
      check: (facts) =>
        refuseUnless(facts.records.grant !== null && resourcesOf(facts, facts.records.grant.grant) !== null, () =>
          invalidTarget("grant-resources"),
        ),
    },
  ]

  /** Issues the tokens of a grant but for the refresh token: `asked` are the scopes of this request. */
  const issue = Effect.fnUntraced(function* (
    facts: TokenRequestFacts,
    record: GrantRecord,
    options: { readonly grantType: string; readonly asked: ReadonlyArray<string>; readonly isFirst: boolean },
  ) {
    const { client, now } = facts
    const { grant, user } = record
    yield* requireActing(facts, record)
    const resources = yield* requireResources(facts, grant)
    // What the client lost since, it gets no more, whatever it was granted.
    const askable = askableScopes(client, settings)
    const asked = options.asked.filter((scope) => askable.includes(scope))
    const scopes = scopesFor(asked, resources)
    const access = yield* issuer.accessToken({ client, grant, user, scopes, resources, now })
    const idToken = yield* issuer.idToken({
      client,
      grant,
      user,
      // What the client learns of the user by it has nothing to do with the resources.
      scopes: asked,
      accessToken: access.token,
      isFirst: options.isFirst,
      now,
    })
    const { grantType } = options
    const fields = yield* responseFields(hooks, { ...claimFactsOf(facts, scopes, resources), grantType })
    const tokens: GrantTokens = { access, scopes, idToken, fields }
    return tokens
  })

  /**
   * Where the end of a grant moves to, once these tokens were issued; null when it lasts as long as they do already. It
   * moves a day further than they need: refreshes that come often need not write the grant, and all of its indexes,
   * each time.
   */
  const extensionOf = (grant: Grant, refreshToken: RefreshToken | null, now: DateTime.Utc): DateTime.Utc | null => {
    const accessEnds = DateTime.addDuration(now, issuer.longestAccessToken(grant))
    const ends = refreshToken === null ? accessEnds : DateTime.max(accessEnds, refreshToken.expiresAt)
    return DateTime.min(ends, grant.endsAt).epochMilliseconds <= grant.expiresAt.epochMilliseconds
      ? null
      : DateTime.min(DateTime.addDuration(ends, furtherThanNeeded), grant.endsAt)
  }

  /** Ends a grant for good. The first to find out records it. */
  const endReused = (
    { grant }: GrantRecord,
    reuse: Reuse,
    options: { readonly now: DateTime.Utc; readonly clientInfo: ClientInfo },
  ): Effect.Effect<void, StoreError> =>
    transactions.run(
      Effect.gen(function* () {
        if (!(yield* grants.revoke(grant.id, options.now))) return
        yield* audit.record({
          type: "oauth-grant.revoked",
          reason: reuse,
          userId: grant.userId,
          client: options.clientInfo,
          data: { clientId: grant.clientId, grantId: grant.id },
        })
      }),
    )

  return { resourceChecks, issue, extensionOf, endReused }
})

/** The grant of a request whose checks hold; `otherwise` where it has none. */
export const grantOf = (
  { records }: TokenRequestFacts,
  otherwise: () => OAuthError,
): Effect.Effect<GrantRecord, OAuthError> =>
  records.grant === null ? Effect.fail(otherwise()) : Effect.succeed(records.grant)

/** The answer to a token request. */
export const toResponse = (
  { access, fields, idToken, scopes }: GrantTokens,
  refreshToken: Redacted.Redacted | null,
): TokenResponse => ({
  accessToken: access.token,
  expiresAt: access.expiresAt,
  scopes,
  refreshToken: refreshToken ?? undefined,
  idToken: idToken ?? undefined,
  fields,
})

// internal

const furtherThanNeeded = Duration.days(1)
