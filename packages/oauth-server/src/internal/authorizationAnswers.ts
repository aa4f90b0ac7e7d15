/**
 * The answers that go to a client through the browser, and the pages that a person is sent to.
 *
 * @see [RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2)
 * @see [RFC 9207 §2](https://www.rfc-editor.org/rfc/rfc9207.html#section-2)
 */
import type { AuthorizationRequest, Intent } from "../AuthorizationRequest.ts"
import type { AuthorizationResponse } from "../Authorizations.ts"
import { endpoints } from "../Issuer.ts"
import type { AuthorizationError } from "../OAuthError.ts"
import type { OAuthServerPagesService } from "../OAuthServerPages.ts"

/** Where an answer goes. */
export type Answered = Pick<AuthorizationRequest, "redirectUri" | "responseMode" | "state">

/** The answer with an error. */
export const errorResponse = (to: Answered, error: AuthorizationError, issuer: string): AuthorizationResponse =>
  respond(to, issuer, [
    ["error", error.code],
    ["error_description", error.description],
  ])

/** The answer with a code. */
export const codeResponse = (to: Answered, code: string, issuer: string): AuthorizationResponse =>
  respond(to, issuer, [["code", code]])

/** The address of a page for a request that waits. */
export const pageUrl = (pages: OAuthServerPagesService, intent: Intent, id: string): string =>
  withQuery(pageOf(pages, intent), [
    ["request", id],
    ["return_to", returnTo(id)],
  ])

/** The path that goes on with a request that waits. */
export const returnTo = (id: string): string => withQuery(endpoints.continue, [["request", id]])

/** A URL or path with further parameters; what stands in it stays as it is, byte for byte. */
export const withQuery = (url: string, parameters: ReadonlyArray<readonly [name: string, value: string]>): string => {
  const query = new URLSearchParams()
  for (const [name, value] of parameters) query.append(name, value)
  const separator = !url.includes("?") ? "?" : url.endsWith("?") || url.endsWith("&") ? "" : "&"
  return `${url}${separator}${query.toString()}`
}

// internal

const respond = (
  { redirectUri, responseMode, state }: Answered,
  issuer: string,
  parameters: AuthorizationResponse["parameters"],
): AuthorizationResponse => ({
  redirectUri,
  responseMode,
  parameters: [...parameters, ...(state === null ? [] : [["state", state] as const]), ["iss", issuer]],
})

const pageOf = (pages: OAuthServerPagesService, intent: Intent): string => {
  switch (intent) {
    case "login":
      return pages.login
    case "create":
      return pages.signUp ?? pages.login
    case "reauthenticate":
      return pages.reauthenticate
    case "step_up":
      return pages.stepUp
    case "select_account":
      return pages.selectAccount
    case "post_login":
      return pages.postLogin ?? pages.login
    case "consent":
      return pages.consent
  }
}
