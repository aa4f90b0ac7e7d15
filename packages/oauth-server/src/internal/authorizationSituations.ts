/**
 * Where an authorization request stands: what is known of it at this moment, and what comes next.
 */
import type { StoreError } from "@belfry/core/StoreError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { AuthorizationRequest, WaitingRequest } from "../AuthorizationRequest.ts"
import type { Browser } from "../Authorizations.ts"
import * as BoundResource from "../BoundResource.ts"
import type { Consent } from "../Consent.ts"
import type { ClientId, OAuthClient } from "../OAuthClient.ts"
import { AuthorizationError, AuthorizationRefused } from "../OAuthError.ts"
import * as OAuthScope from "../OAuthScope.ts"
import type { ProtectedResource } from "../ProtectedResource.ts"
import type { Records } from "../RecordStore.ts"
import type { WaitingRequests } from "../WaitingRequests.ts"
import { isRedirectUriOf } from "./authorizeFacts.ts"
import { askableScopes } from "./clientScopes.ts"
import { nextStep, type NextStep } from "./authorizeSteps.ts"
import { gather, type Person, type PersonServices } from "./personFacts.ts"
import * as ResolveResources from "./resolveResources.ts"

/** What is known of a request. `waiting` is null as long as it was not made to wait. */
export interface Known {
  readonly client: OAuthClient
  /** The consent under no reference. */
  readonly consent: Consent | null
  readonly request: AuthorizationRequest
  readonly resources: ReadonlyArray<ProtectedResource>
  readonly waiting: WaitingRequest | null
}

/** What is known of it at this moment, and what comes next. */
export interface Situation extends Known {
  readonly person: Person | null
  readonly next: NextStep
}

/** Finds out where requests stand. */
export const situations = (services: PersonServices & { readonly requests: WaitingRequests["Service"] }) => {
  const { records, requests, settings } = services

  /** Everything on file about a request, in one statement. */
  const lookUp = (clientId: ClientId, resources: ReadonlyArray<string>, { signedIn }: Browser) =>
    records.find({
      clientId,
      resources,
      consentOf: signedIn === null ? undefined : { userId: signedIn.user.id, referenceId: null },
    })

  const resolve = (identifiers: ReadonlyArray<string>, { resources }: Records) =>
    ResolveResources.resolve(settings, identifiers, resources)

  const situate = Effect.fnUntraced(function* (
    known: Known,
    { clientInfo, signedIn }: Browser,
  ): Effect.fn.Return<Situation, StoreError> {
    const { client, consent, request, waiting } = known
    // What was done in another session was done by somebody else, perhaps.
    const steps = waiting !== null && waiting.sessionId === signedIn?.session.id ? waiting.steps : []
    const person =
      signedIn === null ? null : yield* gather(services, { client, clientInfo, consent, request, signedIn, steps })
    const next = nextStep({
      request,
      waitsSince: waiting?.createdAt ?? null,
      now: yield* DateTime.now,
      person: person?.facts ?? null,
    })
    return { ...known, person, next }
  })

  /** A request that waits in this browser, checked again: much may have changed since it came in. */
  const revisit = Effect.fnUntraced(function* (
    id: string,
    browser: Browser,
  ): Effect.fn.Return<Situation & { readonly waiting: WaitingRequest }, AuthorizationRefused | StoreError> {
    const waiting = yield* requests.get(id, browser.token)
    const { request } = waiting
    const found = yield* lookUp(request.clientId, request.resources, browser)
    const { client, consent } = found
    const isOff = client !== null && client.documentUntil !== null && settings.clientMetadataDocuments === "off"
    if (client === null || client.isDisabled || isOff) {
      return yield* new AuthorizationRefused({ reason: "invalid_client", description: "The client is disabled" })
    }
    if (!isRedirectUriOf(client, request.redirectUri)) {
      const description = "redirect_uri is not the client's any more"
      return yield* new AuthorizationRefused({ reason: "invalid_redirect_uri", description })
    }
    const resources = resolve(request.resources, found)
    const situation = yield* situate({ client, consent, request, resources: resources ?? [], waiting }, browser)
    const allowed = client.privileges.resources ?? request.resources
    const isInScope = OAuthScope.isCovered(request.scopes, askableScopes(client, settings))
    const isBoundOnce = BoundResource.referencesOf(settings, request.resources).length < 2
    const isForResources = resources !== null && isBoundOnce && OAuthScope.isCovered(request.resources, allowed)
    const error = isForResources ? (isInScope ? null : gone.scope) : gone.resource
    return { ...situation, waiting, next: error === null ? situation.next : { _tag: "Fail", error } }
  })

  return { lookUp, resolve, revisit, situate }
}

// internal

const gone = {
  resource: new AuthorizationError({
    code: "invalid_target",
    description: "The resource is not known, or not allowed to the client, any more",
  }),
  scope: new AuthorizationError({
    code: "invalid_scope",
    description: "The client may not ask for the scope any more",
  }),
}
