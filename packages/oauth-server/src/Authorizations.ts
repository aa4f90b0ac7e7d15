/**
 * The authorization endpoint: a request is checked step by step, waits for its person where it must, and is answered.
 *
 * @since 0.1.0
 */
import { Audit } from "@belfry/core/Audit"
import type { ClientInfo } from "@belfry/core/AuditEvent"
import { rateLimitSubject } from "@belfry/core/ClientAddress"
import { KeyRing } from "@belfry/core/KeyRing"
import { RateLimits } from "@belfry/core/RateLimits"
import type { Session } from "@belfry/core/Session"
import { Site } from "@belfry/core/Site"
import type { StoreError } from "@belfry/core/StoreError"
import { TransactionStore } from "@belfry/core/TransactionStore"
import type { User } from "@belfry/core/User"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { AuthenticationContexts } from "./AuthenticationContexts.ts"
import type { Intent, RequestStep, ResponseMode, WaitingRequest, WaitingRequestId } from "./AuthorizationRequest.ts"
import * as BoundResource from "./BoundResource.ts"
import { ClientMetadataDocuments } from "./ClientMetadataDocuments.ts"
import { Consents } from "./Consents.ts"
import { GrantStore } from "./GrantStore.ts"
import { returnTo } from "./internal/authorizationAnswers.ts"
import { outcomes, toError } from "./internal/authorizationOutcomes.ts"
import { check, prove } from "./internal/authorizeChecks.ts"
import { answerOf, promptsOf, toRequest } from "./internal/authorizeFacts.ts"
import * as Read from "./internal/authorizeParameters.ts"
import { type Known, situations } from "./internal/authorizationSituations.ts"
import { idTokenHints } from "./internal/idTokenHints.ts"
import { isTrusted } from "./internal/clientTrust.ts"
import { issuerOf } from "./Issuer.ts"
import type { ClientId, OAuthClient } from "./OAuthClient.ts"
import { AuthorizationRefused } from "./OAuthError.ts"
import * as OAuthScope from "./OAuthScope.ts"
import { OAuthServerHooks } from "./OAuthServerHooks.ts"
import { OAuthServerPages } from "./OAuthServerPages.ts"
import { OAuthServerSettings } from "./OAuthServerSettings.ts"
import * as Parameters from "./Parameters.ts"
import type { ProtectedResource } from "./ProtectedResource.ts"
import { type Records, RecordStore } from "./RecordStore.ts"
import * as RedirectUri from "./RedirectUri.ts"
import { SigningKeys } from "./SigningKeys.ts"
import { Subjects } from "./Subjects.ts"
import { TokenIssuer } from "./TokenIssuer.ts"
import { WaitingRequests } from "./WaitingRequests.ts"

/**
 * Who is signed in in the browser.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignedInUser {
  readonly session: Session
  readonly user: User
}

/**
 * The browser that a request comes from: what its cookie holds, null when it has none yet; and who is signed in.
 *
 * @category models
 * @since 0.1.0
 */
export interface Browser {
  readonly token: Redacted.Redacted | null
  readonly signedIn: SignedInUser | null
  readonly clientInfo: ClientInfo
}

/**
 * An answer that goes to the client through the browser: a code or an error, with `state` and `iss`.
 *
 * @see [RFC 9207 §2](https://www.rfc-editor.org/rfc/rfc9207.html#section-2)
 * @category models
 * @since 0.1.0
 */
export interface AuthorizationResponse {
  readonly redirectUri: string
  readonly responseMode: ResponseMode
  readonly parameters: ReadonlyArray<readonly [name: string, value: string]>
}

/**
 * What happens next: the client is answered, or a person is sent to a page. `browserToken` is for the cookie, when it
 * is new. `unproved` is the client of an error that nobody has done anything for yet, where it registered itself, is
 * answered on the web, and was never allowed anything by whoever is signed in: the browser goes there by the person's
 * own click. Errors of `prompt=none` are told at once.
 *
 * @see [RFC 9700 §4.11.2](https://www.rfc-editor.org/rfc/rfc9700.html#section-4.11.2)
 * @category models
 * @since 0.1.0
 */
export type AuthorizationOutcome =
  | { readonly _tag: "Respond"; readonly response: AuthorizationResponse; readonly unproved?: OAuthClient }
  | {
      readonly _tag: "Interact"
      readonly intent: Intent
      /** The page, with its query. */
      readonly url: string
      readonly waiting: WaitingRequest
      readonly browserToken: Redacted.Redacted | null
    }

/**
 * What a page shows of a request that waits.
 *
 * **Details**
 *
 * `intent` is what the person has to do next; null when nothing is left: go on at `returnTo`. `scopes`: those to ask
 * consent for, with what was given before among them (`givenScopes`). `isDynamic`: the client registered itself.
 * `documentHost`: the host of the URL that is the client's id, where its metadata document says what it is: the one
 * thing about it that is proved. `referenceId`: what consent is kept under beside the user, and `isBound` that the
 * resource of the request names it, so that there is no choice. `redirectHost` is where the answer goes; null for a
 * private-use scheme. `returnTo` is the path that goes on.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginContext {
  readonly id: WaitingRequestId
  readonly intent: Intent | null
  readonly client: OAuthClient
  readonly scopes: ReadonlyArray<string>
  readonly givenScopes: ReadonlyArray<string>
  readonly resources: ReadonlyArray<ProtectedResource>
  readonly isDynamic: boolean
  readonly documentHost: string | null
  readonly referenceId: string | null
  readonly isBound: boolean
  readonly redirectUri: string
  readonly redirectHost: string | null
  readonly loginHint: string | null
  readonly uiLocales: ReadonlyArray<string>
  readonly acrValues: ReadonlyArray<string>
  readonly returnTo: string
  readonly expiresAt: DateTime.Utc
}

/**
 * The authorization endpoint, and the way of a request that waits.
 *
 * @see [RFC 6749 §4.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1)
 * @see [OpenID Connect Core §3.1.2](https://openid.net/specs/openid-connect-core-1_0.html#AuthorizationEndpoint)
 * @category services
 * @since 0.1.0
 */
export class Authorizations extends Context.Service<
  Authorizations,
  {
    /**
     * Takes an authorization request: `search` is its query or form, unchecked. Fails with what only the person is
     * told; all else is an outcome.
     */
    readonly authorize: (
      search: URLSearchParams,
      browser: Browser,
    ) => Effect.Effect<AuthorizationOutcome, AuthorizationRefused | StoreError>
    /** Goes on with a request that waits: the next page, or the answer. It changes nothing but by answering. */
    readonly resume: (
      id: string,
      browser: Browser,
    ) => Effect.Effect<AuthorizationOutcome, AuthorizationRefused | StoreError>
    /** What a page shows of a request that waits in this browser. */
    readonly context: (id: string, browser: Browser) => Effect.Effect<LoginContext, AuthorizationRefused | StoreError>
    /** Marks a step as done by the person who is signed in, and goes on. Only the step that is due can be done. */
    readonly advance: (
      id: string,
      step: RequestStep,
      browser: Browser,
    ) => Effect.Effect<AuthorizationOutcome, AuthorizationRefused | StoreError>
    /**
     * The person's answer to the question of consent, in the session that is signed in: `scopes` are those given, null
     * for all. Only when consent is the step that is due. Denied: `access_denied`, and the request is gone.
     */
    readonly decide: (
      id: string,
      decision: { readonly accept: boolean; readonly scopes: ReadonlyArray<string> | null },
      browser: Browser,
    ) => Effect.Effect<AuthorizationOutcome, AuthorizationRefused | StoreError>
    /** Ends a request that waits with `access_denied`: the person turned away from it, at whatever step. */
    readonly cancel: (
      id: string,
      browser: Browser,
    ) => Effect.Effect<AuthorizationOutcome, AuthorizationRefused | StoreError>
  }
>()("@belfry/oauth-server/Authorizations") {}

/**
 * Builds the service over its stores, settings, hooks and pages.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.gen(function* () {
  const settings = yield* OAuthServerSettings
  const pages = yield* OAuthServerPages
  const hooks = yield* OAuthServerHooks
  const issuer = issuerOf(yield* Site)
  const limits = yield* RateLimits
  const requests = yield* WaitingRequests
  const documents = yield* ClientMetadataDocuments
  const contexts = yield* AuthenticationContexts
  const { lookUp, resolve, revisit, situate } = situations({
    contexts,
    hooks,
    pages,
    records: yield* RecordStore,
    requests,
    settings,
    subjects: yield* Subjects,
  })
  const hints = idTokenHints({
    keys: yield* SigningKeys,
    sealer: yield* (yield* KeyRing).sealer("oauth-client-secret"),
    issuer,
    disableJwt: settings.disableJwt,
  })

  const { deny, give, goOn } = outcomes({
    audit: yield* Audit,
    consents: yield* Consents,
    grants: yield* GrantStore,
    issuer,
    pages,
    random: yield* SecureRandom.SecureRandom,
    requests,
    settings,
    tokens: yield* TokenIssuer,
    transactions: yield* TransactionStore,
  })

  const count = ({ clientInfo }: Browser) =>
    settings.rateLimits.authorize === null
      ? Effect.void
      : limits
          .consume(settings.rateLimits.authorize, rateLimitSubject(clientInfo.ipAddress))
          .pipe(
            Effect.catchTag("RateLimited", ({ retryAfter }) =>
              Effect.fail(
                new AuthorizationRefused({ reason: "rate_limited", description: "Too many requests", retryAfter }),
              ),
            ),
          )

  /**
   * Who would be led to a client by its request alone, with an error and nothing else, is asked where nobody knows it.
   */
  const prudently = Effect.fnUntraced(function* (
    outcome: AuthorizationOutcome,
    { client, consent, isSilent }: Pick<Known, "client" | "consent"> & { readonly isSilent: boolean },
  ) {
    if (!client.isDynamic || consent !== null || outcome._tag !== "Respond") return outcome
    if (!isLoudErrorOnTheWeb(outcome.response, isSilent)) return outcome
    return (yield* isTrusted(client, { hooks, settings })) ? outcome : { ...outcome, unproved: client }
  })

  /** Who the client of an id is; where that is the URL of its metadata document, by the document. */
  const identify = (clientId: ClientId | null, found: Records | null, { clientInfo }: Browser) =>
    clientId === null
      ? Effect.succeed({ client: null })
      : Effect.map(documents.current(clientId, found?.client ?? null, clientInfo), (client) => ({ client })).pipe(
          Effect.catchTag("ClientDocumentRefused", (document) => Effect.succeed({ client: null, document })),
        )

  /** The parameters of a request: those that `request_uri` stands for, where a host resolves it (RFC 9126 §4). */
  const read = Effect.fnUntraced(function* (search: URLSearchParams) {
    const given = readParameters(search)
    const requestUri = given.parameters.get("request_uri")
    if (requestUri === undefined) return { ...given, requestUri: "absent" } as const
    if (!hooks.hasRequestUris) return { ...given, requestUri: "unsupported" } as const
    const clientId = Read.clientIdOf(given.parameters)
    const isSingle = !given.repeated.includes("client_id") && !given.repeated.includes("request_uri")
    const resolved = clientId !== null && isSingle ? yield* hooks.requestUri(requestUri, clientId) : null
    if (clientId === null || resolved === null || (resolved["client_id"] ?? clientId) !== clientId) {
      return { ...given, requestUri: "refused" } as const
    }
    const { request_uri: _requestUri, ...parameters } = resolved
    return {
      ...readParameters(new URLSearchParams({ ...parameters, client_id: clientId })),
      requestUri: "resolved",
    } as const
  })

  return Authorizations.of({
    authorize: Effect.fn("Authorizations.authorize")(function* (search, browser) {
      yield* count(browser)
      const { parameters, repeated, requestUri } = yield* read(search)
      const clientId = repeated.includes("client_id") ? null : Read.clientIdOf(parameters)
      const named = Read.resources(parameters)
      const found = clientId === null ? null : yield* lookUp(clientId, named ?? [], browser)
      const source = { parameters, repeated, ...(yield* identify(clientId, found, browser)) }
      const { client, redirectUri } = yield* Effect.fromResult(prove(source))

      const hint = parameters.get("id_token_hint")
      const facts = {
        ...source,
        client,
        redirectUri,
        requestUri,
        settings,
        supportedAcrValues: contexts.supported,
        resources: found === null || named === null ? null : resolve(named, found),
        idTokenHint:
          hint === undefined
            ? ("absent" as const)
            : ((yield* hints.verify(Redacted.make(hint), client)) ?? ("invalid" as const)),
      }
      const error = check(facts)
      const consent = found?.consent ?? null
      const asking = { client, consent, isSilent: promptsOf(facts).includes("none") }
      if (error !== null) {
        return yield* prudently(toError({ redirectUri, ...answerOf(facts) }, error, issuer), asking)
      }
      const known = { client, resources: facts.resources ?? [], consent, request: toRequest(facts), waiting: null }
      return yield* prudently(yield* goOn(yield* situate(known, browser), browser), asking)
    }),

    resume: Effect.fn("Authorizations.resume")(function* (id, browser) {
      return yield* goOn(yield* revisit(id, browser), browser)
    }),

    context: Effect.fn("Authorizations.context")(function* (id, browser) {
      const { client, next, person, request, resources, waiting } = yield* revisit(id, browser)
      return {
        id: waiting.id,
        intent: next._tag === "Step" ? next.intent : null,
        client,
        scopes: request.scopes,
        givenScopes: request.scopes.filter((scope) => person?.givenScopes.includes(scope) === true),
        resources,
        isDynamic: client.isDynamic,
        documentHost: client.documentUntil === null ? null : RedirectUri.hostOf(client.id),
        referenceId: person?.referenceId ?? null,
        isBound: BoundResource.referencesOf(settings, request.resources).length > 0,
        redirectUri: request.redirectUri,
        redirectHost: RedirectUri.hostOf(request.redirectUri),
        loginHint: request.loginHint,
        uiLocales: request.uiLocales,
        acrValues: request.acrValues,
        returnTo: returnTo(waiting.id),
        expiresAt: waiting.expiresAt,
      }
    }),

    advance: Effect.fn("Authorizations.advance")(function* (id, step, browser) {
      const situation = yield* revisit(id, browser)
      const { next, person, waiting } = situation
      // A step that is not due is not done: the way goes on from where it is.
      if (person === null || next._tag !== "Step" || next.intent !== step) return yield* goOn(situation, browser)
      const advanced = yield* requests.advance(waiting.id, browser.token, person.session.id, step)
      return yield* goOn(yield* situate({ ...situation, waiting: advanced }, browser), browser)
    }),

    decide: Effect.fn("Authorizations.decide")(function* (id, { accept, scopes: chosen }, browser) {
      const situation = yield* revisit(id, browser)
      if (!accept) return yield* deny(situation, browser)
      const { next, person, request } = situation
      if (person === null || next._tag !== "Step" || next.intent !== "consent") return yield* goOn(situation, browser)
      if (chosen !== null && !OAuthScope.isCovered(chosen, request.scopes)) {
        const description = "A scope was not asked for"
        return yield* new AuthorizationRefused({ reason: "invalid_request", description })
      }
      // Whoever does not want to be known to the client denies the request: `openid` is no choice of its own.
      const scopes = request.scopes.filter((scope) => scope === "openid" || chosen === null || chosen.includes(scope))
      return scopes.length === 0 ? yield* deny(situation, browser) : yield* give(situation, person, scopes, browser)
    }),

    cancel: Effect.fn("Authorizations.cancel")(function* (id, browser) {
      return yield* deny(yield* revisit(id, browser), browser)
    }),
  })
})

/**
 * Layer of the authorization endpoint.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.effect(Authorizations, make)

// internal

/**
 * Whether an answer is an error for a web site: what leads to this computer, or to an application, shows no page there.
 * What `prompt=none` is answered is not meant: a page in its place would break silence (OpenID Connect Core §3.1.2.6).
 */
const isLoudErrorOnTheWeb = ({ parameters, redirectUri }: AuthorizationResponse, isSilent: boolean): boolean =>
  parameters.some(([name, value]) => name === "error" && !(isSilent && silentErrors.has(value))) &&
  RedirectUri.hostOf(redirectUri) !== null &&
  !RedirectUri.isLoopback(redirectUri)

/** What `prompt=none` is answered where a person would have to do something, or cannot do what they would have to. */
const silentErrors = new Set([
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required",
  "unmet_authentication_requirements",
])

const readParameters = (search: URLSearchParams) => {
  const read = Parameters.make(search)
  return Result.isSuccess(read)
    ? { parameters: read.success, repeated: [] }
    : // Names that no protocol knows are not told, but count.
      { parameters: Parameters.lenient(search), repeated: ["", ...read.failure.names] }
}
