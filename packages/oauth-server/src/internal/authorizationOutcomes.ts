/**
 * How an authorization request goes on: a page for the person, a code or an error for the client.
 */
import type { Audit } from "@belfry/core/Audit"
import type { TransactionStore } from "@belfry/core/TransactionStore"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AuthorizationOutcome, Browser } from "../Authorizations.ts"
import type { Consents } from "../Consents.ts"
import { GrantId } from "../Grant.ts"
import type { GrantStore } from "../GrantStore.ts"
import { AuthorizationError } from "../OAuthError.ts"
import type { OAuthServerPagesService } from "../OAuthServerPages.ts"
import type { OAuthServerSettingsService } from "../OAuthServerSettings.ts"
import type { TokenIssuer } from "../TokenIssuer.ts"
import type { WaitingRequests } from "../WaitingRequests.ts"
import { type Answered, codeResponse, errorResponse, pageUrl } from "./authorizationAnswers.ts"
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
   * Answers with a code, and keeps the grant that it stands for: all of it or nothing, for one of concurrent calls. Fails
   * when the consent that it stands on was taken back in this very moment.
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
        const isKept = yield* grants.insert(grant, code.row, { needsConsent: !isAsked && !person.facts.isTrusted })
        if (!isKept) return yield* new ConsentTakenBack()
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

  const goOn = Effect.fnUntraced(function* (situation: Situation, browser: Browser) {
    const { next, person, request, waiting } = situation
    if (next._tag === "Fail") return yield* fail(situation, next.error, browser)
    const answered =
      next._tag === "Done" && person !== null
        ? yield* answer(situation, { person, scopes: next.scopes, isAsked: false }, browser).pipe(
            Effect.catchTag("ConsentTakenBack", () => Effect.succeed(null)),
          )
        : null
    if (answered !== null) return answered
    if (request.prompts.includes("none")) return yield* fail(situation, consentRequired, browser)
    const intent = next._tag === "Step" ? next.intent : person === null ? "login" : "consent"
    const waits = waiting === null ? yield* requests.begin(request, browser.token) : { waiting, newBrowserToken: null }
    return {
      _tag: "Interact",
      intent,
      url: pageUrl(pages, intent, waits.waiting.id),
      waiting: waits.waiting,
      browserToken: waits.newBrowserToken,
    } as const
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
      // What was given in the same transaction stands until it ends.
      Effect.catchTag("ConsentTakenBack", (error) => Effect.die(error)),
    )

  return { deny, give, goOn }
}

/** The outcome of an error that goes to the client. */
export const toError = (to: Answered, error: AuthorizationError, issuer: string): AuthorizationOutcome => ({
  _tag: "Respond",
  response: errorResponse(to, error, issuer),
})

// internal

class ConsentTakenBack extends Data.TaggedError("ConsentTakenBack") {}

const consentRequired = new AuthorizationError({
  code: "consent_required",
  description: "The user has to be asked for consent",
})

const denied = new AuthorizationError({ code: "access_denied", description: "The user denied the request" })
