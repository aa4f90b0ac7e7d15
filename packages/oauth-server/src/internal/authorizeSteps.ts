/**
 * What a person has to do before a client is answered: an ordered list of steps, each decided from facts alone.
 *
 * Nothing is remembered between two looks but what was done for the request, so that a session that ended, an account
 * that changed, or a consent that was taken back in between counts at once.
 */
import type { Session } from "@belfry/core/Session"
import type * as DateTime from "effect/DateTime"
import type { AuthorizationRequest, Intent, RequestStep } from "../AuthorizationRequest.ts"
import { AuthorizationError } from "../OAuthError.ts"

/** Who is signed in, and what that is worth for the request. */
export interface PersonFacts {
  readonly session: Pick<Session, "authTime" | "createdAt">
  /** The user as the client knows them. */
  readonly subject: string
  /** What was done for the request in this very session. */
  readonly steps: ReadonlyArray<RequestStep>
  readonly isAcrMet: boolean
  readonly isAcrReachable: boolean
  /** What hooks ask for. */
  readonly selectsAccount: boolean
  readonly postLogin: boolean
  /** Whether they may act for what the resource of the request is bound to; true where it is bound to nothing. */
  readonly mayAct: boolean
  /** Whether consent is never asked for, unless the client asks for it. */
  readonly isTrusted: boolean
  /** What the person gave of the scopes, at whatever time; null when they must be asked. */
  readonly given: ReadonlyArray<string> | null
}

/** What is known when it is decided what happens next. */
export interface StepFacts {
  readonly request: Pick<AuthorizationRequest, "scopes" | "prompts" | "maxAge" | "acrValues" | "subject">
  /** When the request came in; null at that very moment, when whatever session there is was there before. */
  readonly waitsSince: DateTime.Utc | null
  readonly now: DateTime.Utc
  /** Null when nobody is signed in. */
  readonly person: PersonFacts | null
}

/** What happens next: a step of the person, an error for the client, or the answer, with the scopes it is given. */
export type NextStep =
  | { readonly _tag: "Step"; readonly intent: Intent }
  | { readonly _tag: "Fail"; readonly error: AuthorizationError }
  | { readonly _tag: "Done"; readonly scopes: ReadonlyArray<string> }

/** A step of a person: when it is due, and what a client hears that wants no page to be shown. */
export interface Step {
  readonly intent: Intent
  readonly spec: string
  readonly isDue: (person: PersonFacts, facts: StepFacts) => boolean
  /** Where the step cannot help: what the client hears instead of it. */
  readonly failure?: (person: PersonFacts, facts: StepFacts) => AuthorizationError | null
  readonly silent: AuthorizationError["code"]
}

/** The steps of somebody who is signed in, in their order. */
export const steps: ReadonlyArray<Step> = [
  {
    intent: "create",
    spec: "Initiating User Registration via OpenID Connect §4.1",
    isDue: ({ session }, facts) => facts.request.prompts.includes("create") && !isSince(session.createdAt, facts),
    silent: "login_required",
  },
  {
    // Somebody else is to be signed in. Once they signed in for this very request, more of the same does not help.
    intent: "login",
    spec: "OpenID Connect Core §3.1.2.1",
    isDue: ({ subject }, { request }) => request.subject !== null && request.subject !== subject,
    failure: ({ session }, facts) =>
      isSince(session.authTime, facts)
        ? new AuthorizationError({
            code: "login_required",
            description: "Another user than the one asked for signed in",
          })
        : null,
    silent: "login_required",
  },
  {
    intent: "reauthenticate",
    spec: "OpenID Connect Core §3.1.2.1",
    isDue: ({ session }, facts) =>
      (facts.request.prompts.includes("login") && !isSince(session.authTime, facts)) || isTooOld(session, facts),
    silent: "login_required",
  },
  {
    intent: "step_up",
    spec: "OpenID Connect Core Unmet Authentication Requirements §2",
    isDue: ({ isAcrMet }, { request }) => request.acrValues.length > 0 && !isAcrMet,
    failure: ({ isAcrReachable }) =>
      isAcrReachable
        ? null
        : new AuthorizationError({
            code: "unmet_authentication_requirements",
            description: "The user cannot sign in the way that is asked for",
          }),
    silent: "login_required",
  },
  {
    intent: "select_account",
    spec: "OpenID Connect Core §3.1.2.1",
    isDue: ({ selectsAccount, session, steps }, facts) =>
      (selectsAccount || facts.request.prompts.includes("select_account")) &&
      !steps.includes("select_account") &&
      // Who signed in for this request chose their account by that.
      !isSince(session.createdAt, facts),
    silent: "account_selection_required",
  },
  {
    intent: "post_login",
    spec: "OpenID Connect Core §3.1.2.6",
    isDue: ({ postLogin, steps }) => postLogin && !steps.includes("post_login"),
    silent: "interaction_required",
  },
  {
    // The answer to this question ends the request, so that one asked for by `prompt` is asked once. Nobody consents
    // for what is not theirs.
    intent: "consent",
    spec: "OpenID Connect Core §3.1.2.4",
    isDue: ({ given, isTrusted, mayAct }, { request }) =>
      !mayAct || request.prompts.includes("consent") || (!isTrusted && given === null),
    failure: ({ mayAct }) =>
      mayAct
        ? null
        : new AuthorizationError({
            code: "access_denied",
            description: "The user may not act for what the resource belongs to",
          }),
    silent: "consent_required",
  },
]

/** What happens next. */
export const nextStep = (facts: StepFacts): NextStep => {
  const { person, request } = facts
  const isSilent = request.prompts.includes("none")
  if (person === null) {
    if (isSilent) return fail("login_required")
    return { _tag: "Step", intent: request.prompts.includes("create") ? "create" : "login" }
  }
  for (const { failure, intent, isDue, silent } of steps) {
    if (!isDue(person, facts)) continue
    const error = failure?.(person, facts) ?? null
    if (error !== null) return { _tag: "Fail", error }
    return isSilent ? fail(silent) : { _tag: "Step", intent }
  }
  return { _tag: "Done", scopes: person.isTrusted ? request.scopes : (person.given ?? request.scopes) }
}

// internal

const silentDescriptions: Partial<Record<AuthorizationError["code"], string>> = {
  login_required: "The user has to sign in",
  account_selection_required: "The user has to choose an account",
  interaction_required: "The user has to take a further step",
  consent_required: "The user has to be asked for consent",
}

const fail = (code: AuthorizationError["code"]): NextStep => ({
  _tag: "Fail",
  error: new AuthorizationError({ code, description: silentDescriptions[code] ?? "The user has to do something" }),
})

/** Whether something happened for the request: at the time it came in, or after. */
const isSince = (time: DateTime.Utc, { waitsSince }: StepFacts): boolean =>
  waitsSince !== null && time.epochMilliseconds >= waitsSince.epochMilliseconds

/** `max_age`, measured when the request came in: what happened after is recent enough, however long a person takes. */
const isTooOld = ({ authTime }: PersonFacts["session"], facts: StepFacts): boolean => {
  const { maxAge } = facts.request
  if (maxAge === null || isSince(authTime, facts)) return false
  const begun = facts.waitsSince ?? facts.now
  // `max_age=0` is `prompt=login`, also within one millisecond.
  return maxAge === 0 || begun.epochMilliseconds - authTime.epochMilliseconds > maxAge * 1000
}
