/**
 * How an authorization request goes on: a page for the person, a code or an error for the client.
 */
import type { Audit } from "@belfry/core/Audit"
import type { StoreError } from "@belfry/core/StoreError"
import type { TransactionStore } from "@belfry/core/TransactionStore"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AuthorizationOutcome, Browser } from "../Authorizations.ts"
import type { Consents } from "../Consents.ts"
import { GrantId } from "../Grant.ts"
import type { GrantInsertion, GrantStore } from "../GrantStore.ts"
import { AuthorizationError, type AuthorizationRefused } from "../OAuthError.ts"
import type { OAuthServerPagesService } from "../OAuthServerPages.ts"
import type { OAuthServerSettingsService } from "../OAuthServerSettings.ts"
import type { TokenIssuer } from "../TokenIssuer.ts"
import type { WaitingRequests } from "../WaitingRequests.ts"
import { type Answered, codeResponse, errorResponse, pageUrl } from "./authorizationAnswers.ts"
import { nextStep } from "./authorizeSteps.ts"
import type { Situation } from "./authorizationSituations.ts"
import * as NewGrant from "./newGrant.ts"
import type { Person } from "./personFacts.ts"

/** What outcomes are made with. */
export interface OutcomeServices {
  readonly audit: Audit["Service"]
  readonly consents: Consents["Service"]
  readonly grants: GrantStore["Service"]
  readonly issuer: string
  readonly pages: OAuthServerPagesService
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly requests: WaitingRequests["Service"]
  readonly settings: OAuthServerSettingsService
  readonly tokens: TokenIssuer["Service"]
  readonly transactions: TransactionStore["Service"]
}

/** Makes outcomes of where requests stand. */
export const outcomes = (services: OutcomeServices) => {
  const { audit, consents, grants, issuer, pages, random, requests, settings, tokens, transactions } = services

  /**
   * Answers with a code, and keeps the grant that it stands for: all of it or nothing, for one of concurrent calls.
   * Fails when the session that it is of ended in this very moment, or the consent that it stands on was taken back.
   */
  const answer = Effect.fnUntraced(function* (
    { request, waiting }: Situation,
    {
      person,
      scopes,
      isAsked,
    }: { readonly person: Person; readonly scopes: ReadonlyArray<string>; readonly isAsked: boolean },
    { clientInfo, token }: Browser,
  ) {
    const { referenceId, session, user } = person
    const now = yield* DateTime.now
    const code = yield* tokens.code(request, now)
    const grant = NewGrant.make({
      id: GrantId.make(yield* random.uuidV7()),
      request,
      person,
      scopes,
      referenceId,
      codeExpiresAt: code.row.expiresAt,
      longestAccessToken: tokens.longestAccessToken({ scopes }),
      settings,
      now,
    })
    yield* transactions.run(
      Effect.gen(function* () {
        if (waiting !== null) yield* requests.consume(waiting.id, token)
        const inserted = yield* grants.insert(grant, code.row, {
          needsConsent: !isAsked && !person.facts.isTrusted,
        })
        if (inserted !== "kept") return yield* new NotKept({ reason: inserted })
        // After the grant, which finds out whether there is still somebody who gives it.
        if (isAsked) {
          yield* consents.give({
            userId: user.id,
            clientId: request.clientId,
            referenceId,
            scopes,
            declinedScopes: request.scopes.filter((scope) => !scopes.includes(scope)),
            resources: request.resources,
            client: clientInfo,
          })
        }
        yield* audit.record({
          type: "oauth-grant.begun",
          userId: user.id,
          sessionId: session.id,
          client: clientInfo,
          data: {
            grantId: grant.id,
            clientId: grant.clientId,
            scopes,
            resources: grant.resources,
            isOffline: grant.isOffline,
          },
        })
      }),
    )
    return { _tag: "Respond", response: codeResponse(request, Redacted.value(code.token), issuer) } as const
  })

  /** Ends a request that waits with an error for its client. */
  const fail = Effect.fnUntraced(function* (
    { request, waiting }: Situation,
    error: AuthorizationError,
    browser: Browser,
  ) {
    if (waiting !== null) yield* requests.consume(waiting.id, browser.token)
    return toError(request, error, issuer)
  })

  /** Goes on where nothing can be kept any more of what the step before stood on: the list of steps decides afresh. */
  const startOver = Effect.fnUntraced(function* (
    situation: Situation,
    reason: NotKept["reason"],
    browser: Browser,
  ): Effect.fn.Return<AuthorizationOutcome, AuthorizationRefused | StoreError> {
    const { request, waiting } = situation
    const person = reason === "session-over" ? null : situation.person
    const next = nextStep({
      request,
      waitsSince: waiting?.createdAt ?? null,
      now: yield* DateTime.now,
      person: person === null ? null : { ...person.facts, given: null },
    })
    return yield* goOn({ ...situation, person, next }, browser)
  })

  const goOn = Effect.fnUntraced(function* (
    situation: Situation,
    browser: Browser,
  ): Effect.fn.Return<AuthorizationOutcome, AuthorizationRefused | StoreError> {
    const { next, person, request, waiting } = situation
    if (next._tag === "Fail") return yield* fail(situation, next.error, browser)
    if (next._tag === "Done") {
      // Nothing is done without somebody who did it.
      if (person === null) return yield* startOver(situation, "session-over", browser)
      return yield* answer(situation, { person, scopes: next.scopes, isAsked: false }, browser).pipe(
        Effect.catchTag("NotKept", ({ reason }) => startOver(situation, reason, browser)),
      )
    }
    const waits = waiting === null ? yield* requests.begin(request, browser.token) : { waiting, newBrowserToken: null }
    return {
      _tag: "Interact",
      intent: next.intent,
      url: pageUrl(pages, next.intent, waits.waiting.id),
      waiting: waits.waiting,
      browserToken: waits.newBrowserToken,
    }
  })

  const deny = Effect.fnUntraced(function* (situation: Situation, browser: Browser) {
    return yield* transactions.run(
      Effect.gen(function* () {
        const outcome = yield* fail(situation, denied, browser)
        yield* audit.record({
          type: "oauth-authorization.denied",
          client: browser.clientInfo,
          data: { clientId: situation.client.id },
          ...(browser.signedIn === null
            ? {}
            : { userId: browser.signedIn.user.id, sessionId: browser.signedIn.session.id }),
        })
        return outcome
      }),
    )
  })

  /** Answers with what the person gives at this moment. */
  const give = (situation: Situation, person: Person, scopes: ReadonlyArray<string>, browser: Browser) =>
    answer(situation, { person, scopes, isAsked: true }, browser).pipe(
      Effect.catchTag("NotKept", ({ reason }) => startOver(situation, reason, browser)),
    )

  return { deny, give, goOn }
}

/** The outcome of an error that goes to the client. */
export const toError = (to: Answered, error: AuthorizationError, issuer: string): AuthorizationOutcome => ({
  _tag: "Respond",
  response: errorResponse(to, error, issuer),
})

// internal

/** A grant that was not kept, and why. */
class NotKept extends Data.TaggedError("NotKept")<{ readonly reason: Exclude<GrantInsertion, "kept"> }> {}

const denied = new AuthorizationError({ code: "access_denied", description: "The user denied the request" })
