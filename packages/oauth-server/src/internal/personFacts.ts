/**
 * What is known of somebody who is signed in, for the decision of what comes next.
 */
import type { ClientInfo } from "@belfry/core/AuditEvent"
import type { StoreError } from "@belfry/core/StoreError"
import * as Effect from "effect/Effect"
import type { AuthenticationContexts } from "../AuthenticationContexts.ts"
import * as BoundResource from "../BoundResource.ts"
import type { AuthorizationRequest, RequestStep } from "../AuthorizationRequest.ts"
import type { SignedInUser } from "../Authorizations.ts"
import * as Consent from "../Consent.ts"
import type { OAuthClient } from "../OAuthClient.ts"
import type { OAuthServerHooksService } from "../OAuthServerHooks.ts"
import type { OAuthServerPagesService } from "../OAuthServerPages.ts"
import type { OAuthServerSettingsService } from "../OAuthServerSettings.ts"
import type { RecordStore } from "../RecordStore.ts"
import type { Subjects } from "../Subjects.ts"
import type { PersonFacts } from "./authorizeSteps.ts"
import { isTrusted } from "./clientTrust.ts"

/** What facts are gathered from. */
export interface PersonServices {
  readonly contexts: AuthenticationContexts["Service"]
  readonly hooks: OAuthServerHooksService
  readonly pages: OAuthServerPagesService
  readonly records: RecordStore["Service"]
  readonly settings: OAuthServerSettingsService
  readonly subjects: Subjects["Service"]
}

/** A person who is signed in, with the consent that stands for them, and the reference that it is kept under. */
export interface Person extends SignedInUser {
  readonly facts: PersonFacts
  readonly referenceId: string | null
  /** The scopes given before. */
  readonly givenScopes: ReadonlyArray<string>
}

/**
 * Gathers what is known of somebody who is signed in. `consent` is the one under no reference, which was looked up with
 * the request; another one is looked up where a host keeps consent under a reference.
 */
export const gather = Effect.fnUntraced(function* (
  { contexts, hooks, pages, records, settings, subjects }: PersonServices,
  options: {
    readonly client: OAuthClient
    readonly clientInfo: ClientInfo
    readonly consent: Consent.Consent | null
    readonly request: AuthorizationRequest
    readonly signedIn: SignedInUser
    readonly steps: ReadonlyArray<RequestStep>
  },
): Effect.fn.Return<Person, StoreError> {
  const { client, request, signedIn } = options
  const { session, user } = signedIn
  const bound = BoundResource.referencesOf(settings, request.resources)[0] ?? null
  const asked = { client, user, session, scopes: request.scopes, referenceId: bound }
  const isAcrMet = request.acrValues.length === 0 || contexts.isMet(session, request.acrValues)
  const referenceId = bound ?? (yield* hooks.consentReference(asked))
  const consent =
    referenceId === null
      ? options.consent
      : (yield* records.find({ clientId: client.id, consentOf: { userId: user.id, referenceId } })).consent
  return {
    session,
    user,
    referenceId,
    givenScopes: consent?.scopes ?? [],
    facts: {
      session,
      subject: request.subject === null ? user.id : yield* subjects.of(client, user.id),
      steps: options.steps,
      isAcrMet,
      isAcrReachable:
        isAcrMet ||
        (yield* contexts.isReachable({ user, session, acrValues: request.acrValues, client: options.clientInfo })),
      selectsAccount: yield* hooks.selectsAccount(asked),
      postLogin: pages.postLogin !== null && (yield* hooks.postLogin(asked)),
      mayAct: bound === null || (yield* hooks.mayAct({ client, user, session, referenceId: bound })),
      isTrusted: yield* isTrusted(client, { hooks, settings }),
      given: Consent.given(consent, request),
    },
  }
})
