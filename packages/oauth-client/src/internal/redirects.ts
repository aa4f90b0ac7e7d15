/**
 * Where a browser goes when a sign-in or a link ends: targets that people ask for, and how they are told an error.
 */
import * as RedirectTarget from "@belfry/core/RedirectTarget"
import type { Site } from "@belfry/core/Site"
import * as Result from "effect/Result"
import type { OAuthProvider } from "../OAuthProvider.ts"
import type { OAuthRequest } from "../OAuthSignIn.ts"
import type { OAuthState } from "../OAuthState.ts"

/** The redirect targets of a request that may be followed; null is one that was not given, or leads elsewhere. */
export const accepted = (
  request: Pick<OAuthRequest, "redirectUrl" | "errorRedirectUrl" | "newUserRedirectUrl">,
  site: Pick<Site["Service"], "baseUrl" | "allowedOrigins">,
): Pick<OAuthState, "redirectUrl" | "errorRedirectUrl" | "newUserRedirectUrl"> => {
  const parse = RedirectTarget.parse(site)
  const accept = (target: string | undefined): string | null => {
    if (target === undefined) return null
    const parsed = parse(target)
    return Result.isSuccess(parsed) ? withoutFragment(parsed.success) : null
  }
  return {
    redirectUrl: accept(request.redirectUrl),
    errorRedirectUrl: accept(request.errorRedirectUrl),
    newUserRedirectUrl: accept(request.newUserRedirectUrl),
  }
}

/** Where somebody goes who is signed in, or has linked an account; null where nothing was asked for. */
export const successTarget = (
  state: Pick<OAuthState, "redirectUrl" | "newUserRedirectUrl">,
  isNewUser: boolean,
): string | null => (isNewUser ? state.newUserRedirectUrl : null) ?? state.redirectUrl

/** Where somebody goes who was refused: to the target of the state, else the provider's; null is our own page. */
export const errorTarget = (
  provider: Pick<OAuthProvider, "defaultErrorRedirectUrl">,
  state: Pick<OAuthState, "errorRedirectUrl"> | null,
  code: string,
): string | null => {
  const target = state?.errorRedirectUrl ?? provider.defaultErrorRedirectUrl
  return target === null ? null : withError(target, code)
}

/** Adds `error` to the query of a target as it stands, and drops its fragment. */
export const withError = (target: string, code: string): string => {
  const page = withoutFragment(target)
  const parameter = `error=${encodeURIComponent(code)}`
  if (!page.includes("?")) return `${page}?${parameter}`
  return /[?&]$/u.test(page) ? `${page}${parameter}` : `${page}&${parameter}`
}

/** The error of a provider as it may be passed on; null for what RFC 6749 §4.1.2.1 does not allow, or is too long. */
export const providerError = (error: string): string | null =>
  /^[\x20-\x21\x23-\x5B\x5D-\x7E]{1,64}$/u.test(error) ? error : null

// internal

const withoutFragment = (target: string): string => target.replace(/#.*$/su, "")
